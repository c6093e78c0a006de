"""Images of folders, archives and tables, found by their names."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.ids import without_image_ending
from drawsim.common.archives import inner_archive, safe_parts
from drawsim.common.errors import UserError
from drawsim.preparing.sources import Walk, list_images, relative_path
from tests.preparing.archive_files import Tree, put, zipped

FILES = {
    "TRAIN_01/1995/a.jpg": b"a",
    "TRAIN_01/1995/b.JPEG": b"bb",
    "TRAIN_02/c.png": b"ccc",
}
NAMES = ["TRAIN_01/1995/a", "TRAIN_01/1995/b", "TRAIN_02/c"]


def below(folder: str) -> dict[str, bytes]:
    """The files of a folder, by their paths in it."""
    return {n.removeprefix(folder): d for n, d in FILES.items() if n.startswith(folder)}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("kind", ["folder", "zip", "zips", "nested"])
def test_the_same_images_in_every_packing(tmp_path: Path, kind: str, compression: int) -> None:
    zips = {f"{part}.zip": zipped(below(f"{part}/"), compression) for part in ("TRAIN_01",)}
    mixed = {**zips, "TRAIN_02/c.png": b"ccc"}
    source = tmp_path / "source"
    if kind == "folder":
        put(source, FILES)
    elif kind == "zips":
        put(source, mixed)
    else:
        source = tmp_path / "source.ZIP"
        source.write_bytes(zipped(FILES if kind == "zip" else mixed, compression))
    listing = list_images(source, tmp_path, "drawings")
    assert [image.name for image in listing.images] == NAMES
    assert [image.id for image in listing.images] == ["a", "b", "c"]
    assert [image.size for image in listing.images] == [1, 2, 3]
    assert listing.files == 3 + (kind in ("zips", "nested"))
    archived = [image.archived for image in listing.images]
    assert archived == {"folder": [False] * 3, "zips": [True, True, False]}.get(kind, [True] * 3)
    for image, place in zip(listing.images, FILES, strict=True):
        assert image.path == f"{'drawings' if image.archived else 'source'}/{place}"
    walk = Walk(source, tmp_path, "drawings")
    contents = []
    for _, read in walk.images(lambda: None):
        with read() as file:
            contents.append(file.read())
    assert contents == list(FILES.values())


@given(
    data=st.binary(max_size=200),
    before=st.binary(max_size=20),
    moves=st.lists(st.tuples(st.integers(0, 220), st.integers(0, 250)), max_size=8),
)
def test_a_stored_archive_is_read_in_place(
    data: bytes, before: bytes, moves: list[tuple[int, int]]
) -> None:
    file = BytesIO(zipped({"before": before, "inner.zip": data, "after": b"x" * 50}))
    with zipfile.ZipFile(file) as archive:
        inner = inner_archive(archive, file, archive.getinfo("inner.zip"))
        oracle = BytesIO(data)
        for place, count in moves:
            assert inner.seek(place) == oracle.seek(place)
            assert inner.read(count) == oracle.read(count)
        assert inner.seek(0, os.SEEK_END) == len(data)


def test_what_is_no_image_is_counted(tmp_path: Path) -> None:
    tree: Tree = {
        "a.jpg": b"",
        "._a.jpg": b"",
        ".git/b.jpg": b"",
        "__MACOSX/c.jpg": b"",
        "notes.TXT": b"",
        "README": b"",
        "d.zip": {"e.jpg": b"", "__MACOSX/._e.jpg": b"", "f.txt": b""},
    }
    listing = list_images(put(tmp_path / "in", tree), tmp_path, "drawings")
    assert [image.id for image in listing.images] == ["a", "e"]
    assert listing.skipped == {
        "hidden": 4,
        "not an image (.txt)": 2,
        "not an image (no ending)": 1,
    }


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a/b.jpg", ["a", "b.jpg"]),
        ("a\\b.jpg", ["a", "b.jpg"]),  # as some Windows programs write it
        ("./a//b.jpg", ["a", "b.jpg"]),
        ("a..b/..c.jpg", ["a..b", "..c.jpg"]),
        ("../b.jpg", None),
        ("a/../../b.jpg", None),
        ("a\\..\\..\\b.jpg", None),
        ("/etc/b.jpg", None),
        ("\\\\server\\b.jpg", None),
        ("C:\\b.jpg", None),
        ("c:b.jpg", None),
    ],
)
def test_no_member_leads_out_of_its_archive(name: str, parts: list[str] | None) -> None:
    assert safe_parts(name) == parts


@given(st.text("ab./\\:C", max_size=12))
def test_safe_paths_stay_below(name: str) -> None:
    parts = safe_parts(name)
    if parts is not None:
        path = os.path.normpath(os.path.join("/root/in", *parts))  # noqa: PTH118
        assert path.startswith("/root/in/")


def test_members_that_lead_out_are_refused(tmp_path: Path) -> None:
    source = put(tmp_path, {"s.zip": {"../evil.jpg": b"", "good.jpg": b""}}) / "s.zip"
    listing = list_images(source, tmp_path / "out", "drawings")
    assert [image.path for image in listing.images] == ["drawings/good.jpg"]
    assert listing.refused == [(f"{source}/../evil.jpg", "its path leads out of the archive")]


def test_names_in_archives_are_read_as_they_were_meant(tmp_path: Path) -> None:
    """Names that archives call cp437 and that are UTF-8 (macOS), are cp437, or are UTF-8."""
    utf8, cp437, declared = "touré.jpg".encode(), "touré.jpg".encode("cp437"), "樹.jpg"
    data = zipped({"x" * len(utf8): b"", "y" * len(cp437): b"", declared: b""})
    data = data.replace(b"x" * len(utf8), utf8).replace(b"y" * len(cp437), cp437)
    (tmp_path / "s.zip").write_bytes(data)
    listing = list_images(tmp_path / "s.zip", tmp_path, "drawings")
    assert [image.id for image in listing.images] == ["touré", "touré", "樹"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_that_are_cut_short_are_all_named(tmp_path: Path, compression: int) -> None:
    whole = zipped({f"{i}.jpg": os.urandom(50) for i in range(5)}, compression)
    outer = zipped({"in.zip": whole[:-30], "fine.zip": whole}, compression)
    put(tmp_path, {"a.zip": whole[: len(whole) // 2], "b.zip": outer, "c.zip": b"", "d.zip": whole})
    with pytest.raises(UserError) as error:
        list_images(tmp_path, tmp_path, "drawings")
    text = str(error.value)
    assert "3 problems" in text
    for name in ("a.zip: not a whole", "b.zip/in.zip: not a whole", "c.zip: not a whole"):
        assert str(tmp_path / name) in text


def test_folders_that_cannot_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"good/a.jpg": b"", "bad/b.jpg": b""})
    scandir = os.scandir

    def guarded(folder: Path) -> object:  # root may read everything, so that chmod proves nothing
        if Path(folder).name == "bad":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("drawsim.preparing.sources.os.scandir", guarded)
    with pytest.raises(UserError, match=r"bad: may not be read \(permission denied\) – check"):
        list_images(tmp_path, tmp_path, "drawings")


@pytest.mark.parametrize(
    ("tree", "source", "message"),
    [
        ({}, "none", "none: no such file or folder"),
        ({"a.txt": b""}, "", "no images among 1 file"),
        ({"a.xlsx": b""}, "a.xlsx", "a.xlsx: is a spreadsheet, which is not read; save it as"),
        ({"a.txt": b""}, "a.txt", "neither a folder nor a .zip archive nor a .csv table"),
        ({"a.csv": b"name\nx\n"}, "a.csv", "a.csv, row 1: no column id, uid or path"),
        ({"a.csv": b"id,id\nx,y\n"}, "a.csv", "a.csv, row 1: columns A and B are both 'id'"),
        ({"a.csv": "id\nx\né\n".encode("latin-1")}, "a.csv", "a.csv, row 3: not UTF-8"),
    ],
)
def test_sources_that_cannot_be_used(
    tmp_path: Path, tree: dict[str, bytes], source: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        list_images(put(tmp_path, tree) / source, tmp_path, "drawings")


def test_links_are_followed_once(tmp_path: Path) -> None:
    put(tmp_path, {"in/a.jpg": b"", "else/b.jpg": b""})
    (tmp_path / "in" / "else").symlink_to(tmp_path / "else")
    (tmp_path / "in" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "z.jpg").symlink_to(tmp_path / "nothing")
    listing = list_images(tmp_path / "in", tmp_path, "drawings")
    assert [image.id for image in listing.images] == ["a", "b"]
    assert listing.refused == [(str(tmp_path / "in" / "z.jpg"), "is a link that leads nowhere")]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are Unicode")
def test_names_that_are_not_unicode_are_refused(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": b""})
    shutil.copy(os.fsencode(tmp_path / "a.jpg"), os.fsencode(tmp_path) + b"/\xe9.jpg")
    listing = list_images(tmp_path, tmp_path, "drawings")
    assert [image.id for image in listing.images] == ["a"]
    assert listing.refused[0][1].startswith("its name is not UTF-8")


def test_a_table_names_images(tmp_path: Path) -> None:
    text = "\ufeffuid,path,artist\nx,b/c.jpg,A\n,gone.png,\ny,,B\n"
    put(tmp_path, {"in/b/c.jpg": b"12", "in/t.csv": text.encode()})
    images = list_images(tmp_path / "in" / "t.csv", tmp_path / "out", "drawings").images
    assert [(i.id, i.name, i.path, i.size) for i in images] == [
        ("x", "b/c", "../in/b/c.jpg", 2),
        ("gone", "gone", "gone.png", 0),
        ("y", "y", "y", 0),
    ]
    assert [i.cells for i in images] == [{"artist": "A"}, {"artist": ""}, {"artist": "B"}]


def test_what_was_unpacked_before_is_not_listed_twice(tmp_path: Path) -> None:
    put(tmp_path, {"s.zip": {"a.jpg": b"a"}, "drawings/s/a.jpg": b"a", "drawings/b.jpg": b"b"})
    listing = list_images(tmp_path, tmp_path, "drawings")
    assert [(i.path, i.archived) for i in listing.images] == [
        ("drawings/b.jpg", False),
        ("drawings/s/a.jpg", True),
    ]
    assert listing.skipped["unpacked from an archive before"] == 1


def test_paths_as_seen_through_links(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b")
    assert relative_path(tmp_path / "c.jpg", tmp_path / "link") == "../../c.jpg"
    assert without_image_ending("a.b/c.jpg.JPG") == "a.b/c.jpg"
    assert without_image_ending("a.b/c") == "a.b/c"
