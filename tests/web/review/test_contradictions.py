"""True pairs that somebody found none for: named in the table, the account and the annotations."""

from __future__ import annotations

from drawsim.collection.tables import Collection
from drawsim.web.review.export import account, export_all, pair_table
from drawsim.web.review.web_annotations import annotation_collection
from tests.web.judges import Judges


def named(judges: Judges, collection: Collection) -> dict[tuple[str, str], str]:
    """Who found none, by the pairs that say so."""
    table = pair_table(judges.store, collection)
    rows = zip(table["drawing_id"], table["artwork_id"], table["none_by"], strict=True)
    return {(drawing, artwork): who for drawing, artwork, who in rows if who}


def test_a_listed_pair_says_who_found_none(judges: Judges, mine: Collection) -> None:
    judges.do("ben", "none", "d2", shown=3, shown_ids=("a9", "a2"))
    assert named(judges, mine) == {
        ("d2", "a1"): "ben (not shown)",
        ("d2", "a2"): "ben (shown at 2)",
    }
    table = pair_table(judges.store, mine)
    assert table.loc[table["none_by"] != "", "pair"].all(), "it is said, and changes nothing"
    told = str(account(judges.store, mine, table))
    assert "!  d2  a2  true  none of these: ben (shown at 2)" in told
    assert "true pairs that somebody found none for: 2" in told
    judges.undo("ben")
    assert named(judges, mine) == {}


def test_who_graded_the_pair_does_not_contradict_it(judges: Judges, mine: Collection) -> None:
    judges.grade("ada", "d7", "a8", "same work")
    judges.do("ada", "none", "d7", shown_ids=("a1",))
    assert named(judges, mine) == {}
    judges.do("cleo", "none", "d7", shown_ids=("a8",))
    assert named(judges, mine) == {("d7", "a8"): "cleo (shown at 1)"}
    judges.do("rosa", "adjudicate", "d7", artwork_id="a8", grade="different")
    assert named(judges, mine) == {}, "it is true no more"


def test_an_export_is_read_again(judges: Judges, mine: Collection) -> None:
    judges.do("ben", "none", "d2", shown_ids=("a2",))
    export_all(judges.store, mine, None)
    again = Collection.open(mine.root)
    elsewhere = mine.root / "elsewhere"
    elsewhere.mkdir()
    others = Judges(elsewhere)  # who know nothing of it
    assert named(others, again) == named(judges, again) != {}
    judges.undo("ben")
    assert named(judges, again) == {}


def test_none_is_an_annotation_of_the_picture(judges: Judges) -> None:
    judges.do("ben", "none", "d2", shown_ids=("a2",))
    judges.do("ada", "skip", "d2")
    [found] = annotation_collection(judges.store, {"d2": "d1"}, {})["first"]["items"]
    assert found["target"]["source"]["dcterms:identifier"] == "d1"
    assert found["creator"]["nickname"] == "ben"
    assert found["motivation"] == ["assessing"]
    assert [body["value"] for body in found["body"]] == ["none of these"]
