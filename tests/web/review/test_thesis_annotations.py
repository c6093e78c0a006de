"""The thesis's two tables of annotations become events, once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from drawsim.collection.pairs import read_pairs
from drawsim.collection.problems import Problems
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.web.review.export import account, pair_table
from drawsim.web.review.thesis_annotations import import_thesis
from tests.web.judges import Judges

ORIGINALS = """drawing_id,artwork_id,pair
"d0","a0",True
"d1","a1",False
"d2","a2",True
"elsewhere","a2",True
"""
WITH_COPIES = """drawing_id,artwork_id,pair,parent
d0,a0,True,d0
d0_oil,a0,True,d0
d0_water,a0,True,d0
d1,a1,False,d1
d2,a2,True,d2
elsewhere,a2,True,elsewhere
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "annotated_drawing_artwork_pairs.csv"
    file.write_text(text, encoding="utf-8")
    return file


def grades(judges: Judges) -> dict[tuple[str, str, str], str]:
    table = judges.store.judgements()
    keys = zip(table["annotator"], table["drawing_id"], table["artwork_id"], strict=True)
    return dict(zip(keys, table["grade"], strict=True))


@pytest.mark.parametrize(("text", "copies"), [(ORIGINALS, 0), (WITH_COPIES, 2)])
def test_rows_become_grades(
    judges: Judges, collection: Collection, tmp_path: Path, text: str, copies: int
) -> None:
    found = import_thesis(judges.store, collection, written(tmp_path, text))
    assert (found.rows, found.added, found.known, found.copies) == (4 + copies, 3, 0, copies)
    assert found.left_out == (("elsewhere", "a2"),)
    assert grades(judges) == {
        ("thesis", "d0", "a0"): "same work",
        ("thesis", "d1", "a1"): "unsure",
        ("thesis", "d2", "a2"): "same work",
    }
    assert f"imported as {found.annotator}: 3" in str(found).splitlines()
    assert any("'elsewhere' with 'a2'" in line for line in found.lines)


def test_a_second_import_adds_nothing_in_whatever_table(
    judges: Judges, collection: Collection, tmp_path: Path
) -> None:
    import_thesis(judges.store, collection, written(tmp_path, ORIGINALS))
    found = import_thesis(judges.store, collection, written(tmp_path, WITH_COPIES))
    assert (found.added, found.known) == (0, 3)
    assert len(judges.store.history()) == 3
    assert "imported before: 3" in str(found)
    more = ORIGINALS + '"d3","a3",True\n'
    assert import_thesis(judges.store, collection, written(tmp_path, more)).added == 1


def test_another_annotator_is_another_voice(
    judges: Judges, collection: Collection, tmp_path: Path
) -> None:
    file = written(tmp_path, ORIGINALS)
    for name in ("thesis", "ravi"):
        assert import_thesis(judges.store, collection, file, name).added == 3
    assert judges.store.annotators() == ["ravi", "thesis"]


def test_a_decision_that_changed_is_added(
    judges: Judges, collection: Collection, tmp_path: Path
) -> None:
    import_thesis(judges.store, collection, written(tmp_path, ORIGINALS))
    changed = ORIGINALS.replace('"d1","a1",False', '"d1","a1",True')
    assert import_thesis(judges.store, collection, written(tmp_path, changed)).added == 1
    assert grades(judges)["thesis", "d1", "a1"] == "same work"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("drawing_id,artwork_id,pair\nd0,a0,maybe\n", "row 2: pair is 'maybe'"),
        ("drawing_id,artwork_id\nd0,a0\n", "no column pair"),
        ("drawing_id,artwork_id,pair\nd0,a0,True\nd0,a0,False\n", "both true and false"),
    ],
)
def test_a_table_that_is_wrong_is_refused_whole(
    judges: Judges, collection: Collection, tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        import_thesis(judges.store, collection, written(tmp_path, text))
    assert judges.store.history() == []
    with pytest.raises(UserError, match=r"none\.csv: missing"):
        import_thesis(judges.store, collection, tmp_path / "none.csv")


def test_the_real_tables(judges: Judges, shared_data: Path) -> None:
    folder = shared_data / "thesis" / "manual_annotation"
    if not folder.is_dir():
        pytest.skip(f"no real data: there is no folder {folder}")
    plain = folder / "annotated_drawing_artwork_pairs_without_style_transfer.csv"
    problems = Problems()
    pairs = read_pairs(plain, problems)
    drawings, artworks = (
        pd.DataFrame({"path": ""}, index=pd.Index(pairs[column].unique()))
        for column in ("drawing_id", "artwork_id")
    )
    collection = Collection(folder, drawings, artworks, pairs)
    found = import_thesis(judges.store, collection, plain)
    assert (found.rows, found.added, found.left_out) == (208, 208, ())
    both = import_thesis(judges.store, collection, folder / "annotated_drawing_artwork_pairs.csv")
    assert (both.rows, both.added, both.known, both.copies) == (863, 0, 208, 655)
    table = pair_table(judges.store, collection)
    assert account(judges.store, collection, table).changes == ()
    assert table["pair"].sum() == 131
