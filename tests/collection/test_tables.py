"""Tables as they are read: words, ids, paths, and what may be left out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import trimmed
from drawsim.collection.problems import Problems
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from tests.collection.written import DRAWINGS, PAIRS, complaint, write


def test_a_sound_collection(tmp_path: Path) -> None:
    collection = Collection.open(write(tmp_path))
    assert collection.root == tmp_path
    assert collection.drawings["path"].to_dict() == {"d0": "d0.png", "d1": "d1.png"}
    assert collection.artworks["path"].to_dict() == {"a0": "a0.png", "a1": "a1.png"}
    assert collection.pairs["pair"].tolist() == [True, False]
    assert collection.pairs["pair"].dtype == bool
    assert collection.true_pairs[["drawing_id", "artwork_id"]].to_numpy().tolist() == [["d0", "a0"]]
    assert collection.pairs["parent"].tolist() == ["d0", "d1"]


def test_other_columns_are_kept_as_text(tmp_path: Path) -> None:
    write(
        tmp_path,
        drawings="id,year,path,note\nd0,0950,d0.png,NA\nd1,,d1.png,\n",
        pairs="annotator,drawing_id,artwork_id,pair\nÉva,d0,a0,true\n",
    )
    collection = Collection.open(tmp_path)
    assert collection.drawings["year"].to_dict() == {"d0": "0950", "d1": ""}
    assert collection.drawings["note"].to_dict() == {"d0": "NA", "d1": ""}
    assert collection.pairs["annotator"].tolist() == ["Éva"]


def test_the_words_of_the_thesis(tmp_path: Path) -> None:
    """There `uid` is the id and `id` a running number; pairs have a `uid_connection`."""
    write(
        tmp_path,
        drawings="year,id,path,uid\n1995,0259,d0.png,d0\n1995,0259,d1.png,d1\n",
        artworks="uid,artist,path\na0,X,a0.png\na1,X,a1.png\n",
        pairs="uid_connection,drawing_id,artwork_id,pair,parent\nd1_a0,d1,a0,True,d0\n",
    )
    collection = Collection.open(tmp_path)
    assert collection.drawings["number"].to_dict() == {"d0": "0259", "d1": "0259"}
    assert collection.artworks.index.tolist() == ["a0", "a1"]
    assert collection.pairs["uid_connection"].tolist() == ["d1_a0"]
    assert collection.pairs["parent"].tolist() == ["d0"]


def test_an_empty_parent_is_the_drawing_itself(tmp_path: Path) -> None:
    write(tmp_path, pairs="drawing_id,artwork_id,pair,parent\nd0,a0,true,\nd1,a1,true,d0\n")
    assert Collection.open(tmp_path).pairs["parent"].tolist() == ["d0", "d0"]


def test_quoted_cells_and_windows_line_ends(tmp_path: Path) -> None:
    write(
        tmp_path, drawings='id,path\r\n"d,0","a ""b"".png"\r\n"d\n1",d1.png\r\n', pairs=PAIRS[:27]
    )
    assert Collection.open(tmp_path).drawings["path"].to_dict() == {
        "d,0": 'a "b".png',
        "d\n1": "d1.png",
    }


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    write(tmp_path, drawings=b"\xef\xbb\xbf" + DRAWINGS.encode())
    assert Collection.open(tmp_path).drawings.index.tolist() == ["d0", "d1"]


@pytest.mark.parametrize("word", ["true", "True", " TRUE ", "1", "yes"])
def test_words_for_confirmed(tmp_path: Path, word: str) -> None:
    write(tmp_path, pairs=f"drawing_id,artwork_id,pair\nd0,a0,{word}\n")
    assert Collection.open(tmp_path).pairs["pair"].tolist() == [True]


@pytest.mark.parametrize("word", ["false", "False", "0", "NO"])
def test_words_for_rejected(tmp_path: Path, word: str) -> None:
    write(tmp_path, pairs=f"drawing_id,artwork_id,pair\nd0,a0,{word}\n")
    assert Collection.open(tmp_path).pairs["pair"].tolist() == [False]


def test_a_pair_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    write(tmp_path, pairs=PAIRS + "d0,a0,yes\n")
    assert len(Collection.open(tmp_path).pairs) == 2


text_of_any_kind = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1)
ids = st.lists(
    # a spreadsheet's sign before a formula's is the spreadsheet's, not the id's
    text_of_any_kind.filter(lambda text: bool(trimmed(text)) and not text.startswith("'")),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(ids=ids, first_row=st.integers(0, 3))
def test_any_unicode_id_comes_back(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], first_row: int
) -> None:
    root = tmp_path_factory.mktemp("ids")
    rows = [(name, f"{i}.png") for i, name in enumerate(ids)]
    pairs = [(name, ids[first_row % len(ids)], "true") for name in ids]
    write(
        root,
        table([("id", "path"), *rows]),
        table([("id", "path"), *rows]),
        table([("drawing_id", "artwork_id", "pair"), *pairs]),
    )
    collection = Collection.open(root)
    assert collection.drawings.index.tolist() == ids
    assert list(collection.paths("artwork").items()) == [(i, root / path) for i, path in rows]
    assert collection.pairs["drawing_id"].tolist() == ids


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """RFC 4180 text of a table, every cell quoted."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def test_reading_a_table_numbers_its_rows_as_a_spreadsheet_does(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"x\ny"\n\n2,z\n')
    problems = Problems()
    rows = read_csv(path, ("a",), problems)
    assert problems == []
    assert rows["a"].to_dict() == {2: "1", 4: "2"}
    assert rows["b"].to_dict() == {2: "x\ny", 4: "z"}


def test_paths_are_below_the_folder_and_in_the_order_asked(collection: Collection) -> None:
    root = collection.root
    assert list(collection.paths("drawing", ["d3", "d1"]).items()) == [
        ("d3", root / "drawings" / "d3.png"),
        ("d1", root / "drawings" / "d1.png"),
    ]
    gallery = collection.paths("artwork")
    assert list(gallery) == [f"a{i}" for i in range(12)]
    assert all(path.is_file() for path in gallery.values())
    with pytest.raises(KeyError):
        collection.paths("drawing", ["a0"])


def test_less_some_images_every_pair_with_them_goes(collection: Collection) -> None:
    less = collection.without(["d2", "unknown"], ["a0"])
    pairs = list(zip(less.pairs["drawing_id"], less.pairs["artwork_id"], strict=True))
    assert pairs == [("d3", "a3"), ("d4", "a4"), ("d5", "a5"), ("d6", "a6"), ("d7", "a7")]
    assert less.drawings.index.tolist() == ["d0", "d1", "d3", "d4", "d5", "d6", "d7"]
    assert less.artworks.index.tolist() == [f"a{i}" for i in range(1, 12)]
    assert len(collection.pairs) == 9, "the collection itself is as before"
    whole = collection.without([], []).pairs
    pd.testing.assert_frame_equal(whole, collection.pairs.reset_index(drop=True))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "drawings", "artworks", "pairs"),
    [("imaj", 185, 8375, 34), ("sketchy", 2500, 2500, 2500)],
)
def test_real_collections(
    shared_data: Path, name: str, drawings: int, artworks: int, pairs: int
) -> None:
    collection = Collection.open(shared_data / name)
    assert len(collection.drawings) == drawings
    assert len(collection.artworks) == artworks
    assert len(collection.true_pairs) == pairs
    paths = collection.paths("drawing", collection.drawings.index)
    assert all(path.is_file() for path in [*paths.values(), *collection.paths("artwork").values()])


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("table", "confirmed"),
    [
        ("annotated_drawing_artwork_pairs_without_style_transfer.csv", 131),
        ("annotated_drawing_artwork_pairs.csv", 786),
    ],
)
def test_the_tables_of_the_thesis(
    shared_data: Path, tmp_path: Path, table: str, confirmed: int
) -> None:
    """The thesis counts 131 confirmed pairs of 127 drawings and 100 artworks, 786 with copies.

    Sixteen of its ambiguous pairs name things that are no artwork of the gallery; another writes
    one in other capitals, `Soltaniyeh-dome`.
    """
    thesis = shared_data / "thesis"
    annotations = (thesis / "manual_annotation" / table).read_text(encoding="utf-8").splitlines()
    write(
        tmp_path,
        (thesis / "metadata" / "drawings_paired_metadata.csv").read_bytes(),
        (thesis / "metadata" / "famous_artworks_metadata_complete.csv").read_bytes(),
        "\n".join(annotations),
    )
    lines = complaint(tmp_path)
    assert len(lines) == 16
    rows = {int(line.split(":")[0].split()[-1]) for line in lines}
    assert all(
        "artwork_id" in line and "False" in annotations[row - 1]
        for line, row in zip(lines, sorted(rows), strict=True)
    )

    kept = [line for row, line in enumerate(annotations, 1) if row not in rows]
    write(tmp_path, None, None, "\n".join(kept))
    collection = Collection.open(tmp_path)
    assert (len(collection.drawings), len(collection.artworks)) == (829, 8_577)
    assert len(collection.true_pairs) == confirmed
    originals = collection.true_pairs.query("drawing_id == parent")
    assert len(originals) == 131
    assert originals["drawing_id"].nunique() == 127
    assert originals["artwork_id"].nunique() == 100
    assert "Albrecht_Du╠êrer_1" in collection.artworks.index


def test_a_gallery_needs_no_other_table(tmp_path: Path) -> None:
    alone = Collection.open(write(tmp_path, drawings=None, pairs=None), tables=("artworks",))
    assert alone.root == tmp_path
    assert alone.artworks["path"].to_dict() == {"a0": "a0.png", "a1": "a1.png"}
    assert alone.paths("artwork")["a1"] == tmp_path / "a1.png"
    assert len(alone.drawings) == len(alone.pairs) == len(alone.true_pairs) == 0
    assert alone.paths("drawing", alone.drawings.index) == {}
    assert alone.pairs["pair"].dtype == bool
    whole = Collection.open(write(tmp_path))
    assert set(alone.drawings.columns) <= set(whole.drawings.columns)
    assert set(alone.pairs.columns) == set(whole.pairs.columns)
    less = alone.without([], ["a0"])
    assert less.artworks.index.tolist() == ["a1"]


def test_a_gallery_looks_at_no_other_table(tmp_path: Path) -> None:
    root = write(tmp_path, drawings="rubbish", pairs="drawing_id;artwork_id\n")
    assert len(Collection.open(root, tables=("artworks",)).artworks) == 2


def test_a_gallery_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such folder.*artworks\.csv"):
        Collection.open(tmp_path / "gone", tables=("artworks",))
    with pytest.raises(UserError, match=r"artworks\.csv: missing"):
        Collection.open(write(tmp_path, artworks=None), tables=("artworks",))
    write(tmp_path, artworks="id,path\na0,a0.png\na0,\n")
    with pytest.raises(UserError, match="2 problems") as error:
        Collection.open(tmp_path, tables=("artworks",))
    assert "artworks.csv, row 3: duplicate id 'a0'" in str(error.value)
    assert "artworks.csv, row 3: empty path" in str(error.value)
