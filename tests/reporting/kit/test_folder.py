"""A folder of results: of what was written before, only that of the same subject is removed."""

from __future__ import annotations

from pathlib import Path

from drawsim.reporting.kit.folder import Folder


def write(root: Path, of: str, *names: str) -> None:
    folder = Folder(root, of)
    for name in names:
        folder.place(name).write_text(of)
    folder.finish()


def test_only_the_results_of_the_same_subject_are_removed(tmp_path: Path) -> None:
    write(tmp_path, "motifs", "page.html", "old.png")
    write(tmp_path, "iiif", "manifest.json")
    write(tmp_path, "motifs", "page.html")
    left = {file.name for file in tmp_path.iterdir() if not file.name.startswith("files_")}
    assert left == {"page.html", "manifest.json"}


def test_a_list_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    own = tmp_path / "results"
    own.mkdir()
    (own / "files_iiif.txt").write_text(f"../kept\n{tmp_path / 'kept'}\n")
    write(own, "iiif", "manifest.json")
    assert (tmp_path / "kept").exists()
