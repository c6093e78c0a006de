"""An id is one id in whatever Unicode spelling, and whether or not a spreadsheet guards it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from drawsim.collection.ids import find
from drawsim.collection.splits import load_split, read_split
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
