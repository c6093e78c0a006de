"""Splits by rule, and what becomes of them when a collection grows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drawsim.collection.csv_files import write_csv
from drawsim.collection.folds import SplitFile, fold_splits, ratio_splits, thesis_splits
from drawsim.collection.splits import SETS, assert_disjoint, load_split, make_split, read_split
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from tests.collection.test_splits import Pair, components, frame, graphs


def collection_of(pairs: list[Pair], root: Path) -> Collection:
    """A collection of true pairs alone: drawing, artwork, parent."""
    table = frame(pairs).assign(pair=True)
    drawings = sorted({*table["drawing_id"], *table["parent"]})
    return Collection(
        root=root,
        drawings=pd.DataFrame({"path": ""}, index=pd.Index(drawings, dtype=str)),
        artworks=pd.DataFrame({"path": ""}, index=pd.Index(sorted(set(table["artwork_id"])))),
        pairs=table,
    )


def write(files: list[SplitFile]) -> None:
    for file in files:
        write_csv(file.table, file.path)


def make(rule: str, pairs: list[Pair], folder: Path) -> list[SplitFile]:
    """One version, or three folds, of these pairs in a folder, not written."""
    collection = collection_of(pairs, folder)
    if rule == "thesis":
        return thesis_splits(collection, folder, 1)
    if rule == "kfold":
        return fold_splits(collection, folder, 3)
    return ratio_splits(collection, folder, 1, [2, 1, 1], rule)  # type: ignore[arg-type]


def placed(file: SplitFile) -> dict[tuple[str, str], str]:
    split = file.split
    return dict(
        zip(zip(split["drawing_id"], split["artwork_id"], strict=True), split["set"], strict=True)
    )


def joined(old: SplitFile, new: list[Pair]) -> set[tuple[str, str]]:
    """New pairs of original drawings that would join sets, by spreading sets until nothing changes.

    An old image reaches its own set only; a new one every set that its pairs' other ends reach.
    """
    reach: dict[tuple[str, str], set[str]] = {}
    for column, kind in (("parent", "drawing"), ("artwork_id", "artwork")):
        for name, own in zip(old.split[column], old.split["set"], strict=True):
            reach[kind, name] = {own}
    fixed = set(reach)
    edges = [(("drawing", parent), ("artwork", artwork)) for _, artwork, parent in new]
    changed = True
    while changed:
        changed = False
        for edge in edges:
            both = reach.get(edge[0], set()) | reach.get(edge[1], set())
            for end in edge:
                if end not in fixed and reach.get(end, set()) != both:
                    reach[end] = both
                    changed = True
    return {
        (drawing, artwork)
        for drawing, artwork, parent in new
        if drawing == parent
        and len(reach.get(("drawing", parent), set()) | reach.get(("artwork", artwork), set())) > 1
    }


RULES = ("thesis", "pairs", "components", "kfold")


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=8)
@given(pairs=graphs(), kept=st.floats(0.2, 1), seed=st.integers(0, 9))
def test_a_collection_that_grows(rule: str, pairs: list[Pair], kept: float, seed: int) -> None:
    first = frame(pairs).sample(frac=kept, random_state=seed)
    before = [(d, a, p) for d, a, p in first.itertuples(index=False)]
    originals = [pair for pair in before if pair[0] == pair[2]]
    assume(rule != "kfold" or len(components(originals)) >= 3)
    assume(originals)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old = make(rule, before, folder)
        write(old)
        again = make(rule, before[::-1], folder)
        assert [file.added for file in again] == [0] * len(old), "done once is done"

        grown = make(rule, pairs, folder)
        write(grown)
        for was, now in zip(old, grown, strict=True):
            assert_disjoint(now.split, now.name)
            assert placed(was).items() <= placed(now).items(), "nothing moves"
            conflicts = set(
                zip(now.conflicts["drawing_id"], now.conflicts["artwork_id"], strict=True)
            )
            if rule != "kfold":  # there, what counts is folds, not sets
                fresh = [pair for pair in pairs if pair[:2] not in placed(was)]
                assert conflicts == joined(was, fresh)
            listed = set(placed(now))
            assert listed | conflicts >= {pair[:2] for pair in pairs if pair[0] == pair[2]}
            assert not listed & conflicts
            copies = now.split[now.split["drawing_id"] != now.split["parent"]]
            assert (copies["set"] == "train").all()
        for was, now in zip(grown, make(rule, pairs, folder), strict=True):
            assert now.added == 0
            assert list(now.conflicts["drawing_id"]) == list(was.conflicts["drawing_id"])


@settings(max_examples=10)
@given(pairs=graphs())
def test_the_first_time_is_the_rule_of_the_thesis(pairs: list[Pair]) -> None:
    collection = collection_of(pairs, Path("nowhere"))
    for file in thesis_splits(collection, Path("nowhere"), 3):
        rule = make_split(collection.true_pairs, file.name)
        trains = (rule["drawing_id"] == rule["parent"]) | (rule["set"] == "train")
        assert file.table.to_csv(index=False) == rule[trains].to_csv(index=False)


@settings(max_examples=10)
@given(pairs=graphs(), folds=st.integers(3, 6))
def test_folds_are_a_partition(pairs: list[Pair], folds: int) -> None:
    originals = [pair for pair in pairs if pair[0] == pair[2]]
    groups = components(originals)
    assume(len(groups) >= folds)
    files = fold_splits(collection_of(pairs, Path("nowhere")), Path("nowhere"), folds)
    assert [file.name for file in files] == [f"fold{i}" for i in range(folds)]
    tested, validated = (
        [{pair for pair, own in placed(file).items() if own == name} for file in files]
        for name in ("test", "val")
    )
    assert sorted(pair for some in tested for pair in some) == sorted(p[:2] for p in originals)
    assert validated == tested[1:] + tested[:1]
    sizes = [len(some) for some in tested]
    assert max(sizes) - min(sizes) <= max(map(len, groups))
    for group in groups:
        for file in files:
            assert len({placed(file)[pair[:2]] for pair in group}) == 1, "components are whole"


@settings(max_examples=10)
@given(pairs=graphs(), ratios=st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_shares_are_kept_to_within_a_component(pairs: list[Pair], ratios: list[int]) -> None:
    originals = [pair for pair in pairs if pair[0] == pair[2]]
    groups = components(originals)
    assume(originals)
    collection = collection_of(pairs, Path("nowhere"))
    for by, total, most in (
        ("pairs", len(originals), max(map(len, groups))),
        ("components", len(groups), 1),
    ):
        for file in ratio_splits(collection, Path("nowhere"), 2, ratios, by):  # type: ignore[arg-type]
            own = placed(file)
            for name, ratio in zip(SETS, ratios, strict=True):
                units = originals if by == "pairs" else [min(group) for group in groups]
                count = sum(own[drawing, artwork] == name for drawing, artwork, _ in _whole(units))
                assert abs(count - total * ratio / sum(ratios)) <= 2 * most


def _whole(units: list[Pair]) -> list[Pair]:
    """The original drawings' pairs of these."""
    return [(parent, artwork, parent) for _, artwork, parent in units]


TWELVE = [(f"d{i}", f"a{i}", f"d{i}") for i in range(12)]


def test_a_new_pair_goes_where_its_images_are(tmp_path: Path) -> None:
    write(thesis_splits(collection_of(TWELVE, tmp_path), tmp_path, 1))
    split = read_split(tmp_path / "v0.csv", collection_of(TWELVE, tmp_path))
    by_set = {name: list(split.loc[split["set"] == name, "drawing_id"]) for name in SETS}
    train, val, test = (by_set[name][0] for name in SETS)
    art = {drawing: f"a{drawing[1:]}" for drawing in split["drawing_id"]}
    new = [
        ("n0", art[val], "n0"),  # an old artwork
        (test, "m1", test),  # an old drawing
        ("n2", "m1", "n2"),  # two steps from it
        ("n3", "m3", "n3"),  # nothing old
        (train, art[val], train),  # two old ones
        ("n4", art[train], "n4"),  # joins by a new drawing:
        ("n4", art[test], "n4"),  # both are left out
        ("n0_oil", art[val], "n0"),  # a style copy, of a drawing that does not train
    ]
    [file] = thesis_splits(collection_of(TWELVE + new, tmp_path), tmp_path, 1)
    own = placed(file)
    assert own["n0", art[val]] == "val"
    assert own[test, "m1"] == own["n2", "m1"] == "test"
    assert own["n3", "m3"] == "val"  # the next number is 12
    assert file.added == 4
    conflicts = [tuple(row) for row in file.conflicts.itertuples(index=False)]
    assert sorted(conflicts) == sorted(
        [
            (train, art[val], "train and val"),
            ("n4", art[train], "test and train"),
            ("n4", art[test], "test and train"),
        ]
    )


def test_conflicts_of_folds_are_named_by_fold(tmp_path: Path) -> None:
    write(fold_splits(collection_of(TWELVE, tmp_path), tmp_path, 3))
    homes = {
        drawing: i
        for i in range(3)
        for drawing, own in pd.read_csv(tmp_path / f"fold{i}.csv")[["drawing_id", "set"]].to_numpy()
        if own == "test"
    }
    other = next(name for name, fold in homes.items() if fold != homes["d0"])
    pair = ("d0", f"a{other[1:]}", "d0")
    files = fold_splits(collection_of([*TWELVE, pair], tmp_path), tmp_path, 3)
    first, second = sorted((homes["d0"], homes[other]))
    for file in files:
        assert file.added == 0
        assert list(file.conflicts["parts"]) == [f"fold {first} and fold {second}"]


def test_old_rows_and_columns_stay_as_they_are(tmp_path: Path) -> None:
    text = (
        "uid_connection,drawing_id,artwork_id,set,cluster,parent\n"
        "x,d0,a0,train,7,d0\nx,d0_oil,a0,train,7,d0\ny,d1,a1,val,6,\ny,d1_oil,a1,val,6,d1\n"
    )
    (tmp_path / "v0.csv").write_text(text, encoding="utf-8")
    names = [("d0", "oil"), ("d1", "oil"), ("d0", "gray"), ("d1", "gray")]
    copies = [(f"{name}_{style}", f"a{name[1]}", name) for name, style in names]
    orphan = ("d3_oil", "a3", "d3")  # a copy whose original has no pair
    collection = collection_of([*TWELVE[:2], *copies, orphan, ("d2", "a0", "d2")], tmp_path)
    [file] = thesis_splits(collection, tmp_path, 1)
    write_csv(file.table, file.path)
    assert file.path.read_text(encoding="utf-8") == (
        "uid_connection,drawing_id,artwork_id,set,cluster,parent\n"
        "x,d0,a0,train,7,d0\nx,d0_oil,a0,train,7,d0\ny,d1,a1,val,6,d1\ny,d1_oil,a1,val,6,d1\n"
        ",d0_gray,a0,train,7,d0\n,d2,a0,train,7,d2\n"
    )
    assert file.unconfirmed == 0
    rejected = collection.pairs.assign(pair=collection.pairs["drawing_id"] != "d2")
    less = Collection(tmp_path, collection.drawings, collection.artworks, rejected)
    assert thesis_splits(less, tmp_path, 1)[0].unconfirmed == 1


def test_folds_that_were_killed_half_way_are_finished_as_if_they_had_not_been(
    tmp_path: Path,
) -> None:
    more = [*TWELVE, ("n0", "a0", "n0"), ("n1", "m1", "n1"), ("n2", "m2", "n2")]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        first = fold_splits(collection_of(TWELVE, folder), folder, 3)
        write(first if folder == whole else first[:1])  # killed after the first file
        write(fold_splits(collection_of(TWELVE, folder), folder, 3))
        second = fold_splits(collection_of(more, folder), folder, 3)
        write(second if folder == whole else second[1:2])
        write(fold_splits(collection_of(more, folder), folder, 3))
    for path in whole.iterdir():
        assert path.read_bytes() == (broken / path.name).read_bytes()


def test_folds_of_another_number_are_refused(tmp_path: Path) -> None:
    write(fold_splits(collection_of(TWELVE, tmp_path), tmp_path, 4))
    for folds in (3, 5):
        with pytest.raises(UserError, match=rf"does not fit {folds} folds .* set step\.folds"):
            fold_splits(collection_of(TWELVE, tmp_path), tmp_path, folds)


@pytest.mark.parametrize(
    ("make_files", "setting", "answer"),
    [
        (fold_splits, [2], r"step\.folds=2: must be 3 or more"),
        (fold_splits, [13], r"step\.folds=13: there are 12 components"),
        (ratio_splits, [1, [1, 1], "pairs"], r"step\.ratios=\[1, 1\]: must be three numbers"),
        (ratio_splits, [1, [1, -1, 1], "pairs"], "must be three numbers of 0 or more"),
        (ratio_splits, [1, [0, 0, 0], "pairs"], "must be three numbers of 0 or more"),
        (ratio_splits, [1, ["a", 1, 1], "pairs"], "must be three numbers of 0 or more"),
        (ratio_splits, [1, 0.7, "pairs"], "must be three numbers of 0 or more"),
        (ratio_splits, [1, [1, 1, 1], "pair"], r"step\.by=pair: did you mean pairs\?"),
        (thesis_splits, [0], r"step\.versions=0: must be 1 or more"),
    ],
)
def test_settings_that_make_no_split(
    make_files: Callable[..., list[SplitFile]], setting: list[object], answer: str
) -> None:
    nowhere = Path("nowhere")
    with pytest.raises(UserError, match=answer) as error:
        make_files(collection_of(TWELVE, nowhere), nowhere, *setting)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.real_data
def test_folds_of_a_real_collection(shared_data: Path, tmp_path: Path) -> None:
    collection = Collection.open(shared_data / "sketchy")
    files = fold_splits(collection, tmp_path / "splits", 5)
    write(files)
    sizes = [(file.split["set"] == "test").sum() for file in files]
    assert sum(sizes) == 2500
    assert max(sizes) - min(sizes) <= 5
    copy = Collection(tmp_path, collection.drawings, collection.artworks, collection.pairs)
    loaded = load_split(copy, "fold3")
    assert (loaded["set"] == "test").sum() == sizes[3]
