"""The step `artworks`: a folder per artist, a flat folder, or a table becomes the gallery."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.preparing.artworks import prepare_artworks
from tests.preparing.archive_files import picture, put, table

DUERER = "Albrecht_Du╠êrer"


def run(source: Path, out: Path, *, extract: bool = False) -> Summary:
    """The step as the command runs it."""
    return prepare_artworks(source, out, 1, extract=extract)


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
            "artist": "others",
            "artist_name": "others",
        },
        {
            "id": "olympia",
            "path": f"../in/{names[1]}",
            "artist": "Édouard_Manet",
            "artist_name": "Édouard Manet",
        },
    ]
    assert summary.made == {"artworks": 3, "artists": 3}
    assert summary.skipped == {"not an image (.txt)": 1, "not an image (.doc)": 1}
    assert summary.notes == [f"artists' names repaired in artist_name: {DUERER} → Albrecht Dürer"]
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
    put(tmp_path, {"works.csv": b"id\na\nb\na\n"})
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
    with pytest.raises(UserError, match="no images among 1 files"):
        run(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out" / "artworks.csv").read_bytes() == b"id,path\na,a.jpg\n"


@pytest.mark.real_data
def test_the_published_gallery(tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "thesis" / "metadata" / "famous_artworks_metadata_complete.csv"
    summary = run(source, tmp_path)
    rows = table(tmp_path / "artworks.csv")
    assert len(rows) == 8_577
    assert rows[f"{DUERER}_1"]["artist_name"] == "Albrecht Dürer"
    assert "almamy-samory-touré" in rows
    assert summary.made["artists"] == 51
