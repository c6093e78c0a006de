"""The retrieval task of a split, against the tables read the long way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from drawsim.collection.splits import SETS, Set, make_split
from drawsim.collection.tables import Collection
from drawsim.retrieval.task import TOP, RetrievalTask, make_task, ranks_table

Rows = list[dict[str, Any]]


def make_collection(pairs: Rows, gallery: int) -> Collection:
    """A collection with these pairs, whose gallery has artworks a0 .. in falling order."""
    columns = ["drawing_id", "artwork_id", "pair", "parent"]
    table = pd.DataFrame(pairs, columns=columns).astype({"pair": bool})
    drawings = pd.DataFrame({"path": ""}, index=pd.Index(table["drawing_id"].unique(), dtype=str))
    artworks = pd.DataFrame({"path": ""}, index=pd.Index([f"a{i}" for i in range(gallery)][::-1]))
    return Collection(Path(), drawings, artworks, table)


@st.composite
def collections(draw: st.DrawFn) -> Collection:
    """Random pairs, some ambiguous, of up to six drawings (some copied) and a gallery of nine."""
    edges = draw(
        st.dictionaries(
            st.tuples(st.integers(0, 5), st.integers(0, 8)), st.booleans(), min_size=1, max_size=15
        )
    )
    copied = draw(st.sets(st.integers(0, 5)))
    pairs: Rows = []
    for (drawing, artwork), confirmed in edges.items():
        for name in [f"d{drawing}", *([f"d{drawing}_oil"] if drawing in copied else [])]:
            row = {"drawing_id": name, "artwork_id": f"a{artwork}"}
            pairs.append({**row, "pair": confirmed, "parent": f"d{drawing}"})
    return make_collection(pairs, gallery=9)


@given(collection=collections())
def test_the_task_says_what_the_tables_say(collection: Collection) -> None:
    split = make_split(collection.true_pairs, "v0")
    task = make_task(collection, split)
    assert sorted(task.drawings) == sorted(set(split["drawing_id"]))
    assert task.artworks == collection.artworks.index.tolist()

    relevant = {
        (copy["drawing_id"], pair["artwork_id"])
        for copy in collection.true_pairs.to_dict("records")
        for pair in collection.true_pairs.to_dict("records")
        if copy["parent"] == pair["parent"]
    }
    found = zip(task.positives.query.tolist(), task.positives.gallery.tolist(), strict=True)
    assert {(task.drawings[d], task.artworks[a]) for d, a in found} == relevant

    records = split.to_dict("records")
    for name in SETS:
        originals = {
            row["drawing_id"]
            for row in records
            if row["set"] == name and row["drawing_id"] == row["parent"]
        }
        assert [task.drawings[row] for row in task.queries[name].tolist()] == [
            drawing for drawing in task.drawings if drawing in originals
        ]
    assert [(task.drawings[d], task.artworks[a]) for d, a in task.train_pairs.tolist()] == [
        (row["drawing_id"], row["artwork_id"]) for row in records if row["set"] == "train"
    ]


@given(collection=collections())
def test_rows_of_sets_are_their_queries_and_all_that_trains(collection: Collection) -> None:
    split = make_split(collection.true_pairs, "v0")
    task = make_task(collection, split)
    for sets in (["train"], ["val", "test"], ["train", "val"], list(SETS)):
        chosen = split[split["set"].isin(sets)]
        wanted = chosen[(chosen["set"] == "train") | (chosen["drawing_id"] == chosen["parent"])]
        rows = task.rows(sets).tolist()  # type: ignore[arg-type]
        assert rows == sorted({task.drawings.index(name) for name in wanted["drawing_id"]})


@given(collection=collections(), unlabelled=st.integers(0, 4))
def test_drawings_without_pairs_may_be_looked_at_and_nothing_else(
    collection: Collection, unlabelled: int
) -> None:
    split = make_split(collection.true_pairs, "v0")
    names = [f"x{number}" for number in range(unlabelled)]
    plain, task = make_task(collection, split), make_task(collection, split, names)
    assert task.drawings == [*plain.drawings, *names]
    assert task.unlabelled == unlabelled
    assert torch.equal(task.train_pairs, plain.train_pairs)
    assert torch.equal(task.positives.query, plain.positives.query)
    for name in SETS:
        assert torch.equal(task.queries[name], plain.queries[name])
        assert torch.equal(task.rows([name]), plain.rows([name]))
        assert torch.equal(task.pairs_of(name), plain.pairs_of(name))
    looked_at = {task.drawings[row] for row in task.known().tolist()}
    assert len(looked_at) == len(task.known())
    fits = split[(split["set"] == "train") | (split["drawing_id"] == split["parent"])]
    fits = fits[fits["set"] != "test"]
    assert looked_at == {*fits["drawing_id"], *names}


@given(collection=collections())
def test_pairs_of_a_set_are_those_of_its_originals(collection: Collection) -> None:
    split = make_split(collection.true_pairs, "v0")
    task = make_task(collection, split)
    for name in SETS:
        inside = split[(split["set"] == name) & (split["drawing_id"] == split["parent"])]
        confirmed = collection.true_pairs
        wanted = confirmed[confirmed["drawing_id"].isin(inside["drawing_id"])]
        found = [(task.drawings[d], task.artworks[a]) for d, a in task.pairs_of(name).tolist()]
        assert sorted(found) == sorted(zip(wanted["drawing_id"], wanted["artwork_id"], strict=True))


def test_a_copy_has_the_artworks_of_its_original_even_those_it_is_not_paired_with() -> None:
    pairs = [
        {"drawing_id": "d0", "artwork_id": "a0", "pair": True, "parent": "d0"},
        {"drawing_id": "d0", "artwork_id": "a1", "pair": True, "parent": "d0"},
        {"drawing_id": "d0", "artwork_id": "a2", "pair": False, "parent": "d0"},
        {"drawing_id": "d0_oil", "artwork_id": "a0", "pair": True, "parent": "d0"},
    ]
    collection = make_collection(pairs, gallery=4)
    task = make_task(collection, collection.true_pairs.assign(set="train", cluster=0))
    row = task.drawings.index("d0_oil")
    own = task.positives.gallery[task.positives.query == row].tolist()
    assert sorted(task.artworks[i] for i in own) == ["a0", "a1"]


def test_artworks_confirmed_in_another_set_are_relevant_too() -> None:
    """A split file may leave out pairs that the collection has; they are no negatives for that."""
    pairs = [
        {"drawing_id": "d0", "artwork_id": "a0", "pair": True, "parent": "d0"},
        {"drawing_id": "d0", "artwork_id": "a1", "pair": True, "parent": "d0"},
    ]
    collection = make_collection(pairs, gallery=3)
    split = collection.true_pairs.head(1).assign(set="test", cluster=0)
    task = make_task(collection, split)
    assert sorted(task.artworks[i] for i in task.positives.gallery.tolist()) == ["a0", "a1"]
    assert len(task.train_pairs) == 0
    assert task.train_pairs.shape == (0, 2)


@pytest.fixture
def task(collection: Collection) -> RetrievalTask:
    return make_task(collection, make_split(collection.true_pairs, "v0"))


def unit_rows(count: int, seed: int) -> Tensor:
    rows = torch.randn(count, 5, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(rows, dim=1)


@pytest.mark.parametrize("name", SETS)
def test_ranks_table_against_sorting(
    task: RetrievalTask, collection: Collection, name: Set
) -> None:
    drawings, artworks = unit_rows(len(task.drawings), 0), unit_rows(len(task.artworks), 1)
    table = ranks_table(task, name, task.rank(task.queries[name], drawings, artworks))
    wanted = [task.drawings[row] for row in task.queries[name].tolist()]
    assert table["drawing_id"].tolist() == wanted
    assert (table["set"] == name).all()
    for row in table.to_dict("records"):
        query = drawings[task.drawings.index(row["drawing_id"])]
        score = {
            artwork: float(vector @ query)
            for artwork, vector in zip(task.artworks, artworks, strict=True)
        }
        order = sorted(score, key=lambda artwork: -score[artwork])
        true = collection.true_pairs.query("drawing_id == @row['drawing_id']")["artwork_id"]
        ranks = {order.index(artwork) + 1: artwork for artwork in true}
        assert json.loads(row["relevant_ranks"]) == sorted(ranks)
        assert json.loads(row["relevant_ids"]) == [ranks[rank] for rank in sorted(ranks)]
        assert json.loads(row["top_ids"]) == order[:TOP]
        shown = [score[artwork] for artwork in order[:TOP]]
        assert json.loads(row["top_scores"]) == pytest.approx(shown, abs=1e-5)


def test_only_the_best_are_listed() -> None:
    pairs = [{"drawing_id": "d0", "artwork_id": "a0", "pair": True, "parent": "d0"}]
    collection = make_collection(pairs, gallery=TOP + 5)
    task = make_task(collection, collection.true_pairs.assign(set="val", cluster=0))
    ranking = task.rank(task.queries["val"], unit_rows(1, 0), unit_rows(TOP + 5, 1))
    [row] = ranks_table(task, "val", ranking).to_dict("records")
    assert len(json.loads(row["top_ids"])) == len(json.loads(row["top_scores"])) == TOP


def test_equal_scores_share_their_ranks() -> None:
    pairs = [{"drawing_id": "d0", "artwork_id": "a0", "pair": True, "parent": "d0"}]
    collection = make_collection(pairs, gallery=9)
    task = make_task(collection, collection.true_pairs.assign(set="val", cluster=0))
    same = torch.ones(9, 4) / 2
    [row] = ranks_table(task, "val", task.rank(task.queries["val"], same[:1], same)).to_dict(
        "records"
    )
    assert json.loads(row["relevant_ranks"]) == [5.0], "the middle of nine"


def test_ids_are_written_as_they_are() -> None:
    pairs = [{"drawing_id": "子供", "artwork_id": 'Dü"rer, 1', "pair": True, "parent": "子供"}]
    artworks = pd.DataFrame({"path": ""}, index=pd.Index(['Dü"rer, 1']))
    small = make_collection(pairs, gallery=0)
    collection = Collection(Path(), small.drawings, artworks, small.pairs)
    task = make_task(collection, collection.true_pairs.assign(set="val", cluster=0))
    one = torch.ones(1, 1)
    [row] = ranks_table(task, "val", task.rank(task.queries["val"], one, one)).to_dict("records")
    assert row["drawing_id"] == "子供"
    assert json.loads(row["top_ids"]) == ['Dü"rer, 1']
    assert "ü" in row["top_ids"]


def test_a_set_without_queries_has_an_empty_table() -> None:
    pairs = [{"drawing_id": "d0", "artwork_id": "a0", "pair": True, "parent": "d0"}]
    collection = make_collection(pairs, gallery=3)
    task = make_task(collection, collection.true_pairs.assign(set="train", cluster=0))
    ranking = task.rank(task.queries["test"], unit_rows(1, 0), unit_rows(3, 1))
    assert ranks_table(task, "test", ranking).empty


def judged(table: Any, task: RetrievalTask) -> set[tuple[str, str]]:
    pairs = zip(table.query.tolist(), table.gallery.tolist(), strict=True)
    return {(task.drawings[drawing], task.artworks[artwork]) for drawing, artwork in pairs}


def test_grades_say_what_is_no_negative_and_what_is_one() -> None:
    grades = {"a1": "different", "a2": "same motif", "a3": "unsure", "a4": "", "a5": "different"}
    pairs = [
        {"drawing_id": "d0", "artwork_id": "a0", "pair": True, "parent": "d0"},
        {"drawing_id": "d0_oil", "artwork_id": "a0", "pair": True, "parent": "d0"},
        *(
            {"drawing_id": "d0", "artwork_id": artwork, "pair": False, "parent": "d0"}
            for artwork in grades
        ),
        {"drawing_id": "d1", "artwork_id": "a5", "pair": False, "parent": "d1"},
    ]
    collection = make_collection(pairs, gallery=7)
    ungraded = make_task(collection, collection.true_pairs.assign(set="train", cluster=0))
    assert judged(ungraded.rejected, ungraded) == judged(ungraded.undecided, ungraded) == set()

    collection.pairs["grade"] = ["same work", "", *grades.values(), "different"]
    # Whoever confirms more grades than one has pairs of another grade that are true.
    true = {**pairs[0], "artwork_id": "a6", "grade": "same motif"}
    table = pd.concat([collection.pairs, pd.DataFrame([true])], ignore_index=True)
    collection = Collection(Path(), collection.drawings, collection.artworks, table)
    task = make_task(collection, collection.true_pairs.assign(set="train", cluster=0))
    both = ("d0", "d0_oil")
    assert judged(task.rejected, task) == {(d, a) for d in both for a in ("a1", "a5")}
    assert judged(task.undecided, task) == {(d, a) for d in both for a in ("a2", "a3")}
    assert judged(task.positives, task) == {(d, a) for d in both for a in ("a0", "a6")}


@given(collection=collections())
def test_without_grades_a_task_is_as_it_was(collection: Collection) -> None:
    split = make_split(collection.true_pairs, "v0")
    plain = make_task(collection, split)
    empty = make_task(
        Collection(
            collection.root,
            collection.drawings,
            collection.artworks,
            collection.pairs.assign(grade=""),
        ),
        split,
    )
    for task in (plain, empty):
        assert not len(task.rejected.query)
        assert not len(task.undecided.query)
        assert torch.equal(task.positives.query, plain.positives.query)
        assert torch.equal(task.positives.gallery, plain.positives.gallery)
        assert torch.equal(task.train_pairs, plain.train_pairs)
