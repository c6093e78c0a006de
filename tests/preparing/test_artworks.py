"""The step `artworks`: a folder per artist, a flat folder, or a table becomes the gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.preparing.artworks import prepare_artworks
from tests.preparing.archive_files import picture, put, table

DUERER = "Albrecht_Du╠êrer"


def run(
    source: Path, out: Path, columns: dict[str, Any] | None = None, *, extract: bool = False
) -> Summary:
    """The step as the command runs it."""
    return prepare_artworks(source, out, 1, extract=extract, **(columns or {}))


def test_a_folder_per_artist(tmp_path: Path) -> None:
    names = (f"{DUERER}/{DUERER}_1.jpg", "Édouard_Manet/olympia.jpg", "others/almamy-touré.jpg")
    put(tmp_path / "in", dict.fromkeys((*names, "others/notes.txt", "others/list.doc"), b"x"))
    summary = run(tmp_path / "in", tmp_path / "out")
    assert list(table(tmp_path / "out" / "artworks.csv").values()) == [
        {
            "id": f"{DUERER}_1",
            "path": f"../in/{names[0]}",
            "artist": DUERER,
            "artist_name": "Albrecht Dürer",
        },
        {
            "id": "almamy-touré",
            "path": f"../in/{names[2]}",
            "artist": "",
            "artist_name": "",
        },
        {
            "id": "olympia",
            "path": f"../in/{names[1]}",
            "artist": "Édouard_Manet",
            "artist_name": "Édouard Manet",
        },
    ]
    assert summary.made == {"artworks": 3, "artists": 2}
    assert summary.skipped == {"not an image (.txt)": 1, "not an image (.doc)": 1}
    assert summary.notes == [
        "no artist is known of 1 artwork in the folder 'others'",
        f"artists' names repaired in artist_name: {DUERER} → Albrecht Dürer",
    ]
    assert run(tmp_path / "in", tmp_path / "out").made["artworks, all as they were"] == 3


def test_a_flat_folder_has_no_artists(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a.jpg": b"", "b.PNG": b""})
    summary = run(tmp_path / "in", tmp_path)
    assert list(table(tmp_path / "artworks.csv").values()) == [
        {"id": "a", "path": "in/a.jpg"},
        {"id": "b", "path": "in/b.PNG"},
    ]
    assert summary.made == {"artworks": 2}


def test_works_of_one_name_get_their_folders_into_their_ids(tmp_path: Path) -> None:
    put(tmp_path, {"Manet/portrait.jpg": b"", "Monet/portrait.jpg": b"", "Monet/lilies.jpg": b""})
    note = run(tmp_path, tmp_path).notes[-1]
    assert sorted(table(tmp_path / "artworks.csv")) == [
        "Manet/portrait",
        "Monet/portrait",
        "lilies",
    ]
    assert note.startswith("files that share their names with others: 2")


def test_of_one_picture_in_two_formats_neither_wins(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": b"", "b.jpg": b"", "b.png": b""})
    summary = run(tmp_path, tmp_path)
    assert sorted(table(tmp_path / "artworks.csv")) == ["a"]
    assert summary.skipped["images that cannot be taken"] == 2
    assert summary.notes == [
        "b.jpg: has the same id as b.png",
        "b.png: has the same id as b.jpg",
    ]


def test_a_table_keeps_its_columns(tmp_path: Path) -> None:
    text = f"uid,artist,path,title,empty\nm1,{DUERER},a/hare.jpg,Young Hare,\nm2,,none.jpg,,\n"
    put(tmp_path / "in", {"works.csv": text.encode(), "a/hare.jpg": b"x"})
    summary = run(tmp_path / "in" / "works.csv", tmp_path)
    assert list(table(tmp_path / "artworks.csv").values()) == [
        {
            "id": "m1",
            "path": "in/a/hare.jpg",
            "artist": DUERER,
            "artist_name": "Albrecht Dürer",
            "title": "Young Hare",
        },
        {"id": "m2", "path": "none.jpg", "artist": "", "artist_name": "", "title": ""},
    ]
    assert any("works.csv names and that are not there: 1" in note for note in summary.notes)


def test_a_table_that_names_an_id_twice(tmp_path: Path) -> None:
    put(tmp_path, {"works.csv": b"id\na\nb\na\n", "b.jpg": picture()})
    summary = run(tmp_path / "works.csv", tmp_path)
    assert list(table(tmp_path / "artworks.csv")) == ["b"]
    assert "a: has the same id as a" in summary.notes


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    put(tmp_path, {"works.zip": {"Monet/lilies.jpg": picture()}})
    assert "step.extract=true" in run(tmp_path / "works.zip", tmp_path / "out").notes[-1]
    summary = run(tmp_path / "works.zip", tmp_path / "out", extract=True)
    assert summary.made["images unpacked"] == 1
    row = table(tmp_path / "out" / "artworks.csv")["lilies"]
    assert row["artist"] == "Monet"
    assert (tmp_path / "out" / row["path"]).read_bytes() == picture()


def test_a_source_without_images_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    put(tmp_path / "out", {"artworks.csv": b"id,path\na,a.jpg\n"})
    put(tmp_path / "in", {"a.txt": b""})
    with pytest.raises(UserError, match="no images among 1 file"):
        run(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out" / "artworks.csv").read_bytes() == b"id,path\na,a.jpg\n"


@pytest.mark.real_data
def test_the_published_gallery(tmp_path: Path, shared_data: Path) -> None:
    name = "famous_artworks_metadata_complete.csv"
    source = tmp_path / "in" / name
    text = (shared_data / "thesis" / "metadata" / name).read_bytes()
    put(source.parent, {name: text, "lilies.jpg": picture()})
    with pytest.raises(UserError, match=r"none of the 8,577 images .* is there, .*path_column"):
        run(source, tmp_path)
    put(source.parent, {"almamy-samory-touré.jpg": picture()})
    summary = run(source, tmp_path)
    rows = table(tmp_path / "artworks.csv")
    assert len(rows) == 8_577
    assert rows[f"{DUERER}_1"]["artist_name"] == "Albrecht Dürer"
    assert "almamy-samory-touré" in rows
    assert summary.made["artists"] == 51


MET = {
    "id_column": "Object ID",
    "artist_column": "artist display name",
    "title_column": "Title",
    "year_column": "Object Date",
}


def test_a_museums_own_columns(shared_cases: Path, tmp_path: Path) -> None:
    """The Met's table has an id, no path, cells of several lines, and a BOM."""
    text = (shared_cases / "museum" / "met_shape.csv").read_bytes()
    put(tmp_path / "in", {"met.csv": text, "images/1001.jpg": picture()})
    run(tmp_path / "in" / "met.csv", tmp_path, MET)
    rows = table(tmp_path / "artworks.csv")
    assert {name: row["path"] for name, row in rows.items()} == {
        "1001": "in/images/1001.jpg",
        "1002": "1002",
    }
    first = rows["1001"]
    assert first["title"] == "Boats, after rain\nsecond state"
    assert first["artist"] == first["artist_name"] == "Example Engraver|Example Publisher"
    assert [row["year"] for row in rows.values()] == ["ca. 1889", "1912–13"]
    assert first["Dimensions"].splitlines() == ["Sheet: 10 x 12 in.", "Plate: 8 x 9 in."]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "no column id, uid or path – say which it is, step.id_column or step.path_column"),
        ({"id_column": "Object IDs"}, r"no column 'Object IDs' \(step.id_column\).*Object ID"),
        (MET, "none of the 2 images that it names is there, e.g. 1001"),
        ({"path_column": "Link Resource"}, "none of the 2 images that it names is there"),
    ],
)
def test_a_table_that_names_nothing(
    shared_cases: Path, tmp_path: Path, columns: dict[str, str], said: str
) -> None:
    put(tmp_path, {"met.csv": (shared_cases / "museum" / "met_shape.csv").read_bytes()})
    with pytest.raises(UserError, match=said):
        run(tmp_path / "met.csv", tmp_path / "out", columns)
    assert not (tmp_path / "out").exists()


def test_columns_are_of_tables_alone(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": picture()})
    with pytest.raises(UserError, match=r"step\.id_column=Object ID: .* is no \.csv table"):
        run(tmp_path, tmp_path, {"id_column": "Object ID"})


def test_paths_as_other_systems_write_them(tmp_path: Path) -> None:
    text = "id,path\na,images\\a.jpg\nb,b\nc,\u00a0images/c.jpg \n"
    put(tmp_path, {"t.csv": text.encode(), **{f"images/{n}.jpg": picture() for n in "abc"}})
    run(tmp_path / "t.csv", tmp_path)
    paths = [row["path"] for row in table(tmp_path / "artworks.csv").values()]
    assert paths == ["images/a.jpg", "images/b.jpg", "images/c.jpg"]


def test_images_without_an_ending_are_found_by_the_table(tmp_path: Path) -> None:
    put(tmp_path, {"t.csv": b"id\n2005\n2006\n", "Monet, Claude/2005": picture(), "2006": b"text"})
    run(tmp_path / "t.csv", tmp_path)
    paths = [row["path"] for row in table(tmp_path / "artworks.csv").values()]
    assert paths == ["Monet, Claude/2005", "2006"]
