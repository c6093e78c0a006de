"""Images lie in the collection's folder, or below a root that this user has agreed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawsim.collection.paths import SETTINGS, Places, allow_roots, outside
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.common.remote import copy_of, named
from drawsim.preparing.trust import prepare_trust


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A collection whose drawings lie in a folder beside it."""
    root = tmp_path / "collection"
    for folder in (root, tmp_path / "scans", tmp_path / "secret"):
        folder.mkdir()
        (folder / "x.png").write_bytes(b"x")
    (root / "drawings.csv").write_text("id,path\nd,../scans/x.png\n")
    (root / "artworks.csv").write_text("id,path\na,x.png\n")
    (root / "pairs.csv").write_text("drawing_id,artwork_id,pair\nd,a,true\n")
    return root


@pytest.mark.parametrize(
    "path", ["../secret/x.png", "a/../../secret/x.png", "/etc/hostname", "link/x.png", "l.png"]
)
def test_what_leaves_the_collection_is_refused_with_its_row(root: Path, path: str) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    (root / "l.png").symlink_to(root.parent / "secret" / "x.png")
    (root / "drawings.csv").write_text(f"id,path\ne,x.png\nd,{path}\n")
    with pytest.raises(UserError, match=r"drawings\.csv, row 3: path .* leaves the collection – "):
        Collection.open(root)


@pytest.mark.parametrize("path", [".", "..", "sub/", "sub/.."])
def test_a_folder_is_no_image(root: Path, path: str) -> None:
    assert "names no file" in str(Places(root).complaint(path))


def test_what_stays_inside_is_taken(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "inner.png").symlink_to(root / "x.png")
    places = Places(root)
    for path in ("x.png", "sub/../x.png", "inner.png", "not/there/yet.png", str(root / "x.png")):
        assert places.complaint(path) is None
        assert places.resolve(path) == root / path


def test_roots_of_others_count_once_the_user_has_agreed(root: Path) -> None:
    (root / SETTINGS).write_text("title: mine\nroots: [../scans]\n")
    scans = str((root.parent / "scans").resolve())
    with pytest.raises(UserError, match=r"step=trust source=") as told:
        Collection.open(root)
    assert scans in str(told.value)
    assert "\n" not in str(told.value)
    summary = prepare_trust(root, root, 1)
    assert summary.notes == [f"images may lie in {scans}"]
    assert Collection.open(root).paths("drawing") == {"d": root / "../scans/x.png"}
    (root / SETTINGS).write_text("roots: [../scans, ../secret]\n")
    with pytest.raises(UserError, match="secret"):
        Collection.open(root)


def test_roots_that_the_user_lists_count_at_once(root: Path) -> None:
    (root / SETTINGS).write_text("title: mine\n")
    roots = outside(root, [root / "../scans/x.png", root / "x.png"], root.parent / "scans")
    allow_roots(root, roots)
    allow_roots(root, roots)
    assert (root / SETTINGS).read_text() == "title: mine\nroots:\n- ../scans\n"
    assert len(Collection.open(root).originals) == 1


@pytest.mark.parametrize("text", ["roots: ../scans\n", "- a\n", "roots: [1]\n", "a: [\n"])
def test_settings_that_cannot_be_read(root: Path, text: str) -> None:
    (root / SETTINGS).write_text(text)
    with pytest.raises(UserError, match=r"collection\.yaml"):
        Collection.open(root)
    with pytest.raises(UserError, match="no such folder"):
        prepare_trust(root / "gone", root, 1)
    (root / SETTINGS).unlink()
    with pytest.raises(UserError, match="lists no roots"):
        prepare_trust(root, root, 1)


@pytest.mark.parametrize(
    ("path", "why"),
    [("a/" * 5_000, "too long"), ("b" * 256, "too long"), ("a/" * 2_040 + "x.png", "too long")],
)
def test_a_path_that_is_too_long_is_told_with_its_row(root: Path, path: str, why: str) -> None:
    for text in (path, f"\u200b{path}"):
        (root / "drawings.csv").write_text(f"id,path\ne,x.png\nd,{text}\n")
        with pytest.raises(UserError, match=rf"drawings\.csv, row 3: path .* \({why}\) – ") as told:
            Collection.open(root)
        assert max(map(len, str(told.value).splitlines())) < 400


@pytest.mark.parametrize("text", [r"\0", r"\ud800", "x" * 5_000])
def test_a_root_that_is_no_path_is_told(root: Path, text: str) -> None:
    (root / SETTINGS).write_text(f'roots: ["{text}"]\n')
    with pytest.raises(UserError, match=r"roots|not YAML|cannot be read"):
        Collection.open(root)


def test_files_of_servers_lie_below_roots_alone(root: Path) -> None:
    (root / SETTINGS).write_text("roots: [../scans, 's3://Bucket/scans']\n")
    (root / "artworks.csv").write_text("id,path\na,s3://bucket/scans/a b.png\n")
    with pytest.raises(UserError, match=r"in .*/scans and s3://bucket/scans/; .*step=trust"):
        Collection.open(root)
    assert prepare_trust(root, root, 1).notes[1] == "images may lie in s3://bucket/scans/"
    [path] = Collection.open(root).paths("artwork").values()
    assert named(path) == "s3://bucket/scans/a b.png"
    assert Places.of(root).resolve("s3://bucket/scans/a b.png") == path
    for row, said in {
        "s3://bucket/others/a.png": "leaves the collection",
        "s3://bucket/scans/../a.png": "is none",
        "s3://other/scans/a.png": "leaves the collection",
        "https://bucket/scans/a.png": "leaves the collection",
        "http://bucket/scans/a.png": "is none",
        str(path): "leaves the collection",
    }.items():
        (root / "artworks.csv").write_text(f"id,path\na,{row}\n")
        with pytest.raises(UserError, match=said):
            Collection.open(root)


def test_no_row_leads_to_a_copy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawsim.common.remote.user_cache", lambda: root)
    path = copy_of("https://museum.example/a.png").relative_to(root)
    (root / "artworks.csv").write_text(f"id,path\na,{path}\n")
    with pytest.raises(UserError, match="leaves the collection"):
        Collection.open(root, tables=("artworks",))


def test_a_root_that_is_no_address(root: Path) -> None:
    (root / SETTINGS).write_text("roots: ['http://museum.example/']\n")
    with pytest.raises(UserError, match=r"collection\.yaml: `roots` has 'http://museum"):
        Collection.open(root)
