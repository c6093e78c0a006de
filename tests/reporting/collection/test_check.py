"""The report of a check: its files say the same, and it fails when something must be mended."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.workflows.check import prepare_check
from tests.html_page import Page


def check(root: Path, out: Path) -> Summary:
    return prepare_check(root, out, 1, distance=10, pictured=20, max_pixels=10**7)


def test_a_sound_collection(collection_root: Path, tmp_path: Path) -> None:
    check(collection_root, tmp_path)
    record = json.loads((tmp_path / "check/check.json").read_text())
    images = pd.read_csv(tmp_path / "check/images.csv")
    for kind in ("drawing", "artwork"):
        own = images[images["kind"] == kind]
        assert record[kind]["images"] == len(own)
        assert record[kind]["gray"] == (own["mode"] == "gray").sum()
        assert record[kind]["bytes"] == own["bytes"].sum()
        assert sum(record[kind]["longer_side_from"].values()) == len(own)
    assert record["problems"] == {}
    page = Page((tmp_path / "check/report.html").read_text(encoding="utf-8"))
    assert "Nothing to mend" in page.text
    beside = {path.name for path in (tmp_path / "check").iterdir()}
    assert {link.removeprefix("./") for link in page.fetched} <= beside


def test_style_copies_are_counted_apart(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "styled"
    shutil.copytree(collection_root, root)
    drawings = pd.read_csv(root / "drawings.csv")
    styled = drawings.assign(id=drawings["id"] + "_oil", parent=drawings["id"])[:3]
    pd.concat([drawings, styled]).to_csv(root / "drawings.csv", index=False)
    pairs = pd.read_csv(root / "pairs.csv")
    own = pairs[pairs["drawing_id"].isin(styled["parent"])]
    of_copies = own.assign(drawing_id=own["drawing_id"] + "_oil")
    pd.concat([pairs, of_copies]).to_csv(root / "pairs.csv", index=False)
    summary = check(root, tmp_path)
    record = json.loads((tmp_path / "check/check.json").read_text())
    assert [record[what]["images"] for what in ("drawing", "copy", "artwork")] == [8, 3, 12]
    assert record["pairs"] == len(pairs)
    assert record["true_pairs"] == pairs["pair"].sum()
    assert record["pairs_of_copies"] == len(of_copies) > 0
    images = pd.read_csv(tmp_path / "check/images.csv", keep_default_na=False)
    assert set(images.loc[images["parent"] != "", "id"]) == set(styled["id"])
    told = {what.partition(",")[0]: number for what, number in summary.read.items()}
    assert told == {"drawings": 8, "style copies": 3, "artworks": 12, "pairs": len(pairs)}
    page = Page((tmp_path / "check/report.html").read_text(encoding="utf-8"))
    assert "8 drawings, 3 style copies, 12 artworks" in page.text


def test_problems_are_written_down_and_raised(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "<b>data"
    for path in collection_root.rglob("*"):
        if path.is_file():
            copy = root / path.relative_to(collection_root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (root / "artworks/a9.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match="1 problem"):
        check(root, tmp_path / "out")
    [problem] = pd.read_csv(tmp_path / "out/check/problems.csv").to_dict("records")
    assert problem["file"] == "artworks.csv"
    assert "a9" in problem["problem"]
    page = Page((tmp_path / "out/check/report.html").read_text(encoding="utf-8"))
    assert page.of("b") == [] or all("data" not in str(own) for own in page.of("b"))
    assert problem["problem"] in page.text


def test_drawings_that_are_artworks_are_named(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "copied"
    shutil.copytree(collection_root, root)
    for drawing in ("d2", "d3"):  # the same file
        shutil.copy(root / "artworks/a5.png", root / f"drawings/{drawing}.png")
    with Image.open(root / "artworks/a7.png") as image:
        image.resize((90, 70)).save(root / "drawings/d5.png")
    summary = check(root, tmp_path)
    [named] = [note for note in summary.notes if "artwork" in note]
    assert "or nearly: 3 ('d2' is 'a5', 'd3' is 'a5', 'd5' is 'a7')" in named
    record = json.loads((tmp_path / "check/check.json").read_text())
    assert record["drawings_like_artworks"] == 3
    page = Page((tmp_path / "check/report.html").read_text(encoding="utf-8"))
    assert "3 drawings are the same picture as an artwork" in page.text
    assert "Drawings that look like an artwork 2 groups" in page.text


def test_what_else_images_hold_is_said(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "paged"
    shutil.copytree(collection_root, root)
    with Image.open(root / "drawings/d2.png") as front:
        back = front.transpose(Image.Transpose.ROTATE_180)
        # The name stays: what a file is, its content says.
        front.save(root / "drawings/d2.png", "TIFF", save_all=True, append_images=[back])
    check(root, tmp_path)
    page = Page((tmp_path / "check/report.html").read_text(encoding="utf-8"))
    assert "2 pages" in page.text
    assert "1: d2" in page.text


def test_copies_are_named_beside_problems(
    collection_root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "copied"
    shutil.copytree(collection_root, root)
    shutil.copy(root / "artworks/a5.png", root / "drawings/d2.png")
    (root / "artworks/a9.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match="1 problem"):
        check(root, tmp_path)
    assert "('d2' is 'a5')" in caplog.text


def test_what_is_found_in_a_read_only_collection_is_written_elsewhere(
    collection_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    true_mkdir = Path.mkdir

    def mkdir(path: Path, *args: object, **options: object) -> None:
        if path.is_relative_to(collection_root):  # root may write everywhere
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        true_mkdir(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", mkdir)
    place = tmp_path / "check" / collection_root.name
    found = check(collection_root, collection_root)
    assert f"may not be written: what was found is in {place}" in found.notes[0]
    assert (place / "report.html").is_file()


def test_which_pictures_may_not_be_published(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "owned"
    shutil.copytree(collection_root, root)
    assert not [note for note in check(root, tmp_path / "before").notes if "rights" in note]
    artworks = pd.read_csv(root / "artworks.csv", dtype=str)
    stated = ["", "CC0", "http://rightsstatements.org/vocab/InC/1.0/"]
    artworks["rights"] = [stated[row % 3] for row in range(len(artworks))]
    artworks.to_csv(root / "artworks.csv", index=False)
    summary = check(root, tmp_path)
    note = (
        "rights in 20 pictures: may not be published without permission 4, not known 12, "
        "may be published 4; see rights.csv"
    )
    assert note in summary.notes
    table = pd.read_csv(tmp_path / "check/rights.csv", keep_default_na=False)
    assert list(table["licence"]) == [
        *["In copyright"] * 4, *["nothing is said"] * 12, *["CC0"] * 4
    ]  # fmt: skip
    assert set(table["id"]) == set(artworks["id"]) | {
        *pd.read_csv(root / "drawings.csv", dtype=str)["id"]
    }
    page = Page((tmp_path / "check/report.html").read_text(encoding="utf-8"))
    assert "./rights.csv" in page.fetched
    assert "May not be published without permission" in page.text


def test_a_gallery_alone_is_sound(collection_root: Path, tmp_path: Path) -> None:
    """What a museum's table becomes: no drawings and no pairs are no faults of it."""
    gallery = tmp_path / "gallery"
    (gallery / "artworks").mkdir(parents=True)
    shutil.copy(collection_root / "artworks.csv", gallery)
    shutil.copytree(collection_root / "artworks", gallery / "artworks", dirs_exist_ok=True)
    notes = check(gallery, tmp_path).notes
    assert "drawings.csv: there is none, so this is a gallery alone" in notes
    assert json.loads((tmp_path / "check/check.json").read_text())["problems"] == {}
