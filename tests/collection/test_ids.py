"""An id is one id in whatever Unicode spelling, and whether or not a spreadsheet guards it."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from drawsim.collection.csv_files import write_csv
from drawsim.collection.ids import IdList, find, trimmed
from drawsim.collection.splits import load_split, make_split, read_split
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError

COMPOSED, DECOMPOSED = "M\u00fcller", "Mu\u0308ller"


def write(root: Path, drawing: str, told: str) -> Path:
    """A collection that spells an id in one way in drawings.csv and in another elsewhere."""
    (root / "drawings.csv").write_text(f"id,path,parent\n{drawing},1.png,\nc,2.png,{told}\n")
    (root / "artworks.csv").write_text("id,path\na,a.png\n")
    (root / "pairs.csv").write_text(f"drawing_id,artwork_id,pair\n{told},a,true\nc,a,true\n")
    (root / "s.csv").write_text(f"drawing_id,artwork_id,set\n{told},a,test\nc,a,test\n")
    return root


@pytest.mark.parametrize(
    ("drawing", "told"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), ("'=1+1", "'=1+1")]
)
def test_one_id_in_all_tables(tmp_path: Path, drawing: str, told: str) -> None:
    collection = Collection.open(write(tmp_path, drawing, told))
    shown = drawing.removeprefix("'")
    assert list(collection.originals.index) == [shown]
    assert list(collection.copies.index) == ["c"]
    assert collection.pairs["drawing_id"].tolist() == [shown, "c"]
    assert collection.pairs["parent"].tolist() == [shown, shown]
    split = read_split(tmp_path / "s.csv", collection)
    assert split["drawing_id"].tolist() == [shown, "c"]
    assert split["parent"].tolist() == [shown, shown]
    assert find(told.removeprefix("'"), collection.drawings.index) == shown


@pytest.mark.parametrize(
    ("folder", "shown"),
    [("unicode_spelling", "Mu\u0308ller e\u0301le\u0300ve"), ("guarded_formula_ids", "=1+1")],
)
def test_tables_as_people_wrote_them(
    shared_cases: Path, tmp_path: Path, folder: str, shown: str
) -> None:
    """The id of the first drawing is spelt in two ways, or as a spreadsheet's formula."""
    root = tmp_path / folder
    shutil.copytree(shared_cases / "tables" / folder, root)
    collection = Collection.open(root)
    drawings = [shown, "d2", "d3"]
    assert list(collection.originals.index) == drawings
    assert collection.pairs[["drawing_id", "parent"]].to_numpy().tolist() == [
        [name, name] for name in drawings
    ]
    assert collection.true_pairs["artwork_id"].tolist() == ["a1", "a2", "a3"]
    assert list(collection.paths("drawing")) == drawings
    for spelling in ("NFC", "NFD"):
        assert find(unicodedata.normalize(spelling, shown), collection.drawings.index) == shown
    write_csv(make_split(collection.true_pairs, "v0"), tmp_path / "s.csv")
    split = read_split(tmp_path / "s.csv", collection)
    assert sorted(split["drawing_id"]) == sorted(split["parent"]) == sorted(drawings)


def test_two_spellings_of_one_id_are_told(tmp_path: Path) -> None:
    write(tmp_path, COMPOSED, COMPOSED)
    (tmp_path / "drawings.csv").write_text(f"id,path\n{COMPOSED},1.png\n{DECOMPOSED},2.png\n")
    with pytest.raises(UserError, match=r"row 3: id .* of row 2 in another Unicode spelling"):
        Collection.open(tmp_path)


def test_two_originals_of_one_copy_and_circles_are_told(tmp_path: Path) -> None:
    write(tmp_path, "d", "d")
    (tmp_path / "drawings.csv").write_text("id,path,parent\nd,1.png,e\ne,2.png,d\nc,2.png,d\n")
    (tmp_path / "pairs.csv").write_text("drawing_id,artwork_id,pair,parent\nc,a,true,e\n")
    with pytest.raises(UserError) as told:
        Collection.open(tmp_path)
    assert "parent of 'c' is 'e' here and 'd' elsewhere" in str(told.value)
    assert "the parents of 'd' go in a circle" in str(told.value)


def test_a_split_of_test_pairs_alone(tmp_path: Path) -> None:
    collection = Collection.open(write(tmp_path, "d", "d"))
    (tmp_path / "splits").mkdir()
    (tmp_path / "s.csv").rename(tmp_path / "splits" / "s.csv")
    with pytest.raises(UserError, match="has no train pairs"):
        load_split(collection, "s")
    assert len(load_split(collection, "s", needs=())) == 2


def test_a_collection_says_what_it_holds(tmp_path: Path) -> None:
    collection = Collection.open(write(tmp_path, "d", "d"))
    assert repr(collection).endswith(
        ": 1 drawings, 1 style copies, 1 artworks, 1 pairs, 1 confirmed pairs)"
    )
    assert "<th>style copies</th><td>1</td>" in collection._repr_html_()
    assert list(collection.without_copies().drawings.index) == ["d"]
    assert list(collection.paths("drawing")) == ["d"]
    assert isinstance(collection.parents, pd.Series)


def test_a_text_that_is_too_long_is_no_id() -> None:
    ids = IdList(["a", "b.png", "x" * 2_000], {"a": "p" * 5_000})
    for text in ("a" + "\u200b" * 5_000, "0" * 9_000 + "x", "p" * 5_000):
        assert ids.find(text) is None
        assert ids.why_unknown(text)[0] == ", it is too long for an id"
    assert ids.find("x" * 2_000) == "x" * 2_000
    assert trimmed("\u200b \u200ba b\u00a0\u200b\n") == "a b"


@pytest.mark.parametrize(("column", "text"), [("drawing_id", "0" * 20_000), ("pair", "9" * 5_000)])
def test_lines_show_the_beginning_of_long_cells(tmp_path: Path, column: str, text: str) -> None:
    write(tmp_path, "d", "d")
    row = {"drawing_id": "d", "artwork_id": "a", "pair": "true"} | {column: text}
    (tmp_path / "pairs.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    with pytest.raises(UserError, match=rf"row 2: .*{text[:80]}'… ") as caught:
        Collection.open(tmp_path)
    assert all(len(line) < 300 for line in str(caught.value).splitlines())


def test_an_id_has_a_bound(tmp_path: Path) -> None:
    write(tmp_path, "d" * 1_001, "c")
    with pytest.raises(UserError, match=r"drawings\.csv, row 2: id .* is too long – .* 1,000"):
        Collection.open(tmp_path)
