"""What an export makes of judgements: the pairs, the account, safe cells, drawings without one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawsim.collection.csv_files import write_csv
from drawsim.collection.grades import GRADES, Grade
from drawsim.collection.ids import normal
from drawsim.collection.pairs import read_pairs
from drawsim.collection.problems import Problems
from drawsim.collection.spreadsheets import guard, unguard
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.web.review.export import (
    JUDGED,
    account,
    export_all,
    pair_table,
    pairs_csv,
    unmatched_csv,
    unmatched_table,
)
from tests.conftest import PAIRS
from tests.web.judges import Judges, with_rows


def row(table: pd.DataFrame, drawing: str, artwork: str) -> dict[str, Any]:
    [found] = table[(table["drawing_id"] == drawing) & (table["artwork_id"] == artwork)].to_dict(
        "records"
    )
    return {str(name): cell for name, cell in found.items()}


def truths(table: pd.DataFrame) -> dict[tuple[str, str], bool]:
    keys = zip(table["drawing_id"], table["artwork_id"], strict=True)
    return dict(zip(keys, table["pair"], strict=True))


def test_without_judgements_nothing_changes(judges: Judges, mine: Collection) -> None:
    table = pair_table(judges.store, mine)
    pd.testing.assert_frame_equal(
        table[list(mine.pairs.columns)].reset_index(drop=True), mine.pairs.reset_index(drop=True)
    )
    assert (table[list(JUDGED)] == "").all(axis=None)
    found = account(judges.store, mine, table)
    assert found.changes == ()
    assert (found.kept, found.graded) == (len(PAIRS), 0)


def test_a_judged_pair_says_who_when_and_what_ranked_it(judges: Judges, mine: Collection) -> None:
    judges.grade("ada", "d7", "a8", "same work", rank=3, score=0.712345678, note="the boat")
    boxes = {"drawing_box": (0.1, 0.2, 0.5, 0.25), "artwork_box": (0, 0, 1, 0.333333333)}
    judges.do("ada", "box", "d7", artwork_id="a8", **boxes)
    found = row(pair_table(judges.store, mine), "d7", "a8")
    at = pd.Timestamp(found.pop("annotated_at"))
    assert at.utcoffset() is not None
    assert abs(pd.Timestamp.now("UTC") - at) < pd.Timedelta("1min")
    assert found == {
        "drawing_id": "d7",
        "artwork_id": "a8",
        "pair": True,
        "parent": "d7",
        "grade": "same work",
        "annotator": "ada",
        "annotators": "1",
        "agreement": "1",
        "adjudicated": "",
        "model": "lite",
        "index": "ab" * 32,
        "rank": "3",
        "score": "0.712346",
        "note": "the boat",
        "drawing_box": "0.1,0.2,0.5,0.25",
        "artwork_box": "0,0,1,0.333333",
        "none_by": "",
        "pair_before": "",
    }


@pytest.mark.parametrize(
    ("given", "last_word", "grade", "agreement"),
    [
        (["same work"], None, "same work", "1"),
        (["same work", "same work", "different"], None, "same work", "0.6667"),
        (["same work", "different"], None, "unsure", "0.5"),
        (["different", "different", "unsure", "same work"], None, "different", "0.5"),
        (["same motif", "same work", "unsure"], None, "unsure", "0.3333"),
        (["different", "different"], "same work", "same work", "1"),
        (["same work", "different"], "style only", "style only", "0.5"),
        ([], "same work", "same work", ""),
    ],
)
def test_adjudication_beats_the_most_frequent_grade_and_a_tie_is_unsure(
    judges: Judges,
    mine: Collection,
    given: list[Grade],
    last_word: Grade | None,
    grade: Grade,
    agreement: str,
) -> None:
    names = ["ada", "ben", "cleo", "dan"][: len(given)]
    for name, one in zip(names, given, strict=True):
        judges.grade(name, "d7", "a8", one)
    if last_word:
        judges.do("rosa", "adjudicate", "d7", artwork_id="a8", grade=last_word, note="looked twice")
    found = row(pair_table(judges.store, mine), "d7", "a8")
    assert (found["grade"], found["pair"]) == (grade, grade == "same work")
    assert (found["annotators"], found["agreement"]) == (str(len(given)), agreement)
    assert found["annotator"] == "; ".join([*names, *(["rosa"] if last_word else [])])
    assert found["adjudicated"] == ("rosa" if last_word else "")
    assert found["note"] == ("looked twice" if last_word else "")


def test_which_grades_confirm_is_a_choice(judges: Judges, mine: Collection) -> None:
    for artwork, grade in zip(("a7", "a8", "a9", "a10", "a11"), GRADES, strict=True):
        judges.grade("ada", "d7", artwork, grade)
    table = pair_table(judges.store, mine, ["same work", "same motif"])
    confirmed = table[(table["drawing_id"] == "d7") & table["pair"]]
    assert confirmed["artwork_id"].tolist() == ["a7", "a8"]
    with pytest.raises(UserError, match="confirmed=same wrok: did you mean same work"):
        pair_table(judges.store, mine, ["same wrok"])  # type: ignore[list-item]


def test_the_account_is_a_diff(judges: Judges, mine: Collection, tmp_path: Path) -> None:
    judges.grade("ada", "d7", "a7", "same work")  # was ambiguous
    judges.grade("ada", "d0", "a0", "different")  # was true
    judges.grade("ada", "d1", "a0", "same work")  # was true, and is
    judges.grade("ada", "d6", "a9", "style only")
    judges.grade("ben", "d6", "a8", "same work")
    judges.grade("ada", "gone", "a8", "same work")
    found = export_all(judges.store, mine, tmp_path / "out")
    assert str(found).splitlines() == [
        "+  d6  a8  true  same work  ben",
        "+  d6  a9  false  style only  ada",
        "~  d7  a7  true  same work  ada",
        "-  d0  a0  false  different  ada",
        "pairs: 2 added (1 true), 1 confirmed, 1 rejected, 7 kept (1 with a grade)",
        "linked, but pair=false: 1 style only; only grades in confirmed='[same work]' "
        "make a pair true",
        "drawings without a match: 0",
        "left out, since the collection does not list their images: 1 judged pairs, "
        "e.g. 'gone' with 'a8'",
        *(
            f"written: {tmp_path / 'out' / name}"
            for name in ("pairs.csv", "unmatched.csv", "annotations.jsonld")
        ),
    ]
    before, after = truths(mine.pairs), truths(pair_table(judges.store, mine))
    for change in found.changes:
        key = (change.drawing_id, change.artwork_id)
        assert after[key] == change.pair
        assert before.get(key) is ({"added": None}.get(change.what, not change.pair))
    assert found.kept == sum(before.get(key) == pair for key, pair in after.items())


def test_the_account_tells_of_links_that_are_no_pairs(
    judges: Judges, mine: Collection, tmp_path: Path
) -> None:
    for artwork, grade in zip(("a7", "a8", "a9", "a10", "a11"), GRADES, strict=True):
        judges.grade("ada", "d7", artwork, grade)
    judges.grade("ada", "d6", "a8", "same motif")
    assert "pair=false: 2 same motif, 1 style only;" in str(export_all(judges.store, mine, None))
    both: list[Grade] = ["same motif", "same work"]
    line = "pair=false: 1 style only; only grades in confirmed='[same work, same motif]' make"
    assert line in str(export_all(judges.store, mine, tmp_path / "out", both))


def test_long_lists_are_cut(judges: Judges, mine: Collection) -> None:
    for number in range(8):
        for artwork in range(7):
            judges.grade("ada", f"d{number}", f"a{artwork}", "unsure")
    found = account(judges.store, mine, pair_table(judges.store, mine))
    added = sum(change.what == "added" for change in found.changes)
    lines = [line for line in found.lines if line.startswith("+")]
    assert len(lines) == 41
    assert lines[-1] == f"+  … and {added - 40} more added"


def test_an_export_into_the_collection_keeps_the_old_table(
    judges: Judges, mine: Collection
) -> None:
    old = (mine.root / "pairs.csv").read_bytes()
    judges.grade("ada", "d7", "a7", "same work")
    export_all(judges.store, mine, None)
    assert (mine.root / "pairs.csv.bak").read_bytes() == old
    again = Collection.open(mine.root)
    assert truths(again.pairs) == truths(pair_table(judges.store, mine))
    assert row(again.true_pairs, "d7", "a7")["grade"] == "same work"
    # Nothing new: the same table, and the backup is still the one before.
    export_all(judges.store, again, None)
    assert (mine.root / "pairs.csv.bak").read_bytes() == old
    assert (mine.root / "pairs.csv").read_text("utf-8") == pairs_csv(judges.store, again)
    assert account(judges.store, again, pair_table(judges.store, again)).changes == ()


def test_what_is_taken_back_goes_back(judges: Judges, mine: Collection) -> None:
    judges.grade("ada", "d0", "a0", "different")
    judges.grade("ada", "d7", "a8", "same work")
    export_all(judges.store, mine, None)
    judges.undo("ada")
    judges.do("ada", "clear", "d0", artwork_id="a0")
    exported = Collection.open(mine.root)
    assert truths(exported.pairs)["d7", "a8"]
    found = export_all(judges.store, exported, None)
    assert [str(change) for change in found.changes] == ["~  d0  a0  true", "-  d7  a8  true"]
    table = Collection.open(mine.root).pairs
    assert truths(table) == truths(mine.pairs)
    assert (table[list(JUDGED)] == "").all(axis=None)


def test_rows_that_another_store_judged_stay(
    judges: Judges, mine: Collection, tmp_path: Path
) -> None:
    judges.grade("ada", "d7", "a8", "same work")
    export_all(judges.store, mine, None)
    (tmp_path / "other").mkdir()
    other = Judges(tmp_path / "other")
    other.do("ben", "note", "d7", artwork_id="a8", note="hm")
    exported = Collection.open(mine.root)
    assert account(other.store, exported, pair_table(other.store, exported)).changes == ()


def test_style_copies_follow_their_drawing(judges: Judges, mine: Collection) -> None:
    text = (mine.root / "drawings.csv").read_text(encoding="utf-8").splitlines()
    text = [f"{text[0]},parent", *(f"{line}," for line in text[1:])]
    copies = ["d0_oil,styles/d0_oil.png,d0", "d5_oil,styles/d5_oil.png,d5"]
    (mine.root / "drawings.csv").write_text("\n".join([*text, *copies]) + "\n", encoding="utf-8")
    text = (mine.root / "pairs.csv").read_text(encoding="utf-8").splitlines()
    text = [f"{text[0]},parent", *(f"{line}," for line in text[1:]), "d0_oil,a0,true,d0"]
    (mine.root / "pairs.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    mine = Collection.open(mine.root)
    judges.grade("ada", "d0", "a0", "different")
    judges.grade("ada", "d5_oil", "a5", "unsure")  # before, of a copy
    judges.grade("ada", "d5", "a5", "same work")
    judges.grade("ben", "d5_oil", "a9", "same work")
    table = pair_table(judges.store, mine)
    assert not row(table, "d0_oil", "a0")["pair"]
    assert row(table, "d0_oil", "a0")["grade"] == "different"
    assert (row(table, "d5", "a5")["pair"], row(table, "d5", "a5")["annotators"]) == (True, "1")
    assert row(table, "d5", "a9")["pair"]
    assert set(table["drawing_id"]) == set(mine.pairs["drawing_id"])


def test_unmatched_drawings(judges: Judges, mine: Collection) -> None:
    judges.do("ada", "none", "d7", shown=20, audit=True)
    judges.do("ben", "none", "d7", shown=40)
    judges.do("cleo", "skip", "d7")
    judges.grade("ada", "d7", "a9", "same motif")
    judges.do("ada", "none", "d0", shown=20)  # has a true pair all the same
    judges.do("ada", "skip", "d3")
    found = unmatched_table(judges.store, mine, pair_table(judges.store, mine))
    at = pd.Timestamp(found.pop("annotated_at").item())
    assert at == judges.store.answers(kind="drawing", id="d7", annotator="ben")["at"].item().floor(
        "s"
    )
    assert found.to_dict("records") == [
        {
            "drawing_id": "d7",
            "annotator": "ada; ben",
            "annotators": "2",
            "shown": "40",
            "audit": "true",
        }
    ]
    assert unmatched_csv(judges.store, mine).startswith("drawing_id,annotator,annotators,")
    judges.do("dan", "done", "d7")
    assert unmatched_table(judges.store, mine, pair_table(judges.store, mine)).empty


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "'=1+1", "＝1+1"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_formulas_are_text_in_a_spreadsheet(
    judges: Judges, mine: Collection, cell: str, tmp_path: Path
) -> None:
    drawing = cell.strip("\r")
    mine = replace(
        mine, drawings=pd.concat([mine.drawings, pd.DataFrame({"path": "x"}, index=[drawing])])
    )
    judges.grade("ada", drawing, "a0", "same work", note=cell)
    export_all(judges.store, mine, tmp_path / "out")
    raw = pd.read_csv(tmp_path / "out" / "pairs.csv", dtype=str, keep_default_na=False)
    signs = ("=", "+", "-", "@", "\t", "\r", "＝")
    assert not any(text.startswith(signs) for text in raw.astype(str).to_numpy().ravel())
    note = cell.replace("\r", "\n")
    assert raw["note"].iloc[-1] == f"'{note}"
    found = row(read_pairs(tmp_path / "out" / "pairs.csv", Problems()), drawing, "a0")
    assert (found["note"], found["parent"]) == (note, drawing)


@pytest.mark.parametrize("cell", ["-0.25", "+3", "1e-5", "-1.5E+10", "a=b", "", "'tis", " =1"])
def test_numbers_and_plain_text_stay_as_they_are(cell: str) -> None:
    assert guard(cell) == unguard(cell) == cell


texts = st.text(st.sampled_from("=+-@\t'a1 ,\"\n．＝;é"), max_size=6) | st.text(max_size=8)


@given(cell=texts)
def test_unguard_undoes_guard(cell: str) -> None:
    assert unguard(guard(cell)) == cell


@settings(max_examples=50)
@given(st.lists(st.tuples(texts, texts), max_size=5, unique_by=lambda pair: pair[0]))
def test_a_table_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("guarded") / "pairs.csv"
    rows = [(f"{name}.", note) for name, note in rows if not {"\0", "\r"} & {*name, *note}]
    rows = list({normal(name): (normal(name), note) for name, note in rows}.values())
    table = pd.DataFrame(rows, columns=["drawing_id", "note"], dtype=str)
    write_csv(table.assign(artwork_id="a", pair=True), path)
    problems = Problems()
    found = read_pairs(path, problems)
    assert not problems
    assert found["pair"].all()
    assert found["drawing_id"].tolist() == table["drawing_id"].map(normal).tolist()
    assert found["note"].tolist() == table["note"].tolist()


def test_other_columns_of_the_table_stay(judges: Judges, mine: Collection) -> None:
    text = (mine.root / "pairs.csv").read_text(encoding="utf-8").splitlines()
    text = [f"{text[0]},source", *(f"{line},archive" for line in text[1:])]
    (mine.root / "pairs.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    mine = Collection.open(mine.root)
    judges.grade("ada", "d7", "a7", "same work")
    judges.grade("ada", "d7", "a8", "same work")
    table = pair_table(judges.store, mine)
    assert table.columns[-1] == "source"
    assert row(table, "d7", "a7")["source"] == "archive"
    assert row(table, "d7", "a8")["source"] == ""


def test_many_rows(judges: Judges, mine: Collection) -> None:
    mine = with_rows(mine, "artworks.csv", [f"b{i},b{i}.png" for i in range(20)])
    judges.grade("ada", "d7", "b11", "same work", rank=1_234_567, score=1e-12)
    found = row(pair_table(judges.store, mine), "d7", "b11")
    assert (found["rank"], found["score"]) == ("1234567", "1e-12")


def test_rights_travel_with_exports(judges: Judges, mine: Collection) -> None:
    artworks = pd.read_csv(mine.root / "artworks.csv", dtype=str)
    artworks["rights"] = "http://creativecommons.org/licenses/by/4.0/"
    artworks["required_statement"] = "Museum Example"
    artworks.to_csv(mine.root / "artworks.csv", index=False)
    owned = Collection.open(mine.root)
    judges.grade("ada", "d0", "a0", "same work")
    export_all(judges.store, owned, None)
    pairs = pd.read_csv(mine.root / "pairs.csv", dtype=str, keep_default_na=False)
    assert set(pairs["artwork_rights"]) == {"http://creativecommons.org/licenses/by/4.0/"}
    assert set(pairs["artwork_required_statement"]) == {"Museum Example"}
    assert "drawing_rights" not in pairs.columns
    page = json.loads((mine.root / "annotations.jsonld").read_text("utf-8"))["first"]
    source = page["items"][0]["body"][0]["source"]
    assert source["rights"] == "http://creativecommons.org/licenses/by/4.0/"
    assert source["schema:creditText"] == "Museum Example"
    again = pair_table(judges.store, Collection.open(mine.root))
    assert list(again.columns).count("artwork_rights") == 1
