"""Splits of a collection that grows: each pair gets its set once, by a rule, and stays there.

Three rules say where connected components of pairs go: the thesis's running numbers, shares of the
pairs or of the components, and k folds. A split that is there already is extended: a new pair goes
where its drawing or its artwork is; only components that touch nothing old are placed by the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.pairs import with_parents
from drawsim.collection.problems import Problems
from drawsim.collection.splits import (
    COLUMNS,
    SETS,
    Set,
    components,
    numbered_sets,
    read_split,
    shuffled,
)
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError, brief, nearest

By = Literal["pairs", "components"]
Choose = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From the pairs in each new component, int64, to its number and its part."""

TakenOut = Mapping[str, AbstractSet[tuple[str, str]]]
"""By the name of a split, pairs (drawing, artwork) that are not put into it."""
NOTHING: TakenOut = {}


@dataclass(frozen=True)
class SplitFile:
    """A split table: as it is to be written, and what changes by that.

    table: all rows and columns of the file. split: the columns of the contract, for this
    collection. added: how many rows the file lacks, all of them if it is new. conflicts: True
    pairs that are left out: drawing_id, artwork_id and `parts`, the sets that they would join.
    unconfirmed: pairs of original drawings in the file that the collection does not confirm.
    """

    path: Path
    table: pd.DataFrame
    split: pd.DataFrame
    added: int
    conflicts: pd.DataFrame
    unconfirmed: int

    @property
    def name(self) -> str:
        """What the split is called on the command line."""
        return self.path.stem


@dataclass(frozen=True)
class Growth:
    """What becomes of new pairs of original drawings.

    added: drawing_id, artwork_id, parent, cluster (int64) and part. conflicts: drawing_id,
    artwork_id, and `parts`, a text.
    """

    added: pd.DataFrame
    conflicts: pd.DataFrame


def thesis_splits(
    collection: Collection, folder: Path, versions: int, taken_out: TakenOut = NOTHING
) -> list[SplitFile]:
    """The splits v0, v1, … by the thesis's rule: those of `make_split`, or old files extended.

    New components get the next running numbers. Raises UserError as `read_split` does.
    """

    def choose(version: str, old: pd.DataFrame) -> Choose:
        def by_number(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            cluster = _next_cluster(old) + shuffled(len(sizes), version)
            return cluster, numbered_sets(cluster)

        return by_number

    return _versions(collection, folder, "v", versions, choose, taken_out)


def ratio_splits(
    collection: Collection,
    folder: Path,
    versions: int,
    ratios: Sequence[float],
    by: By,
    taken_out: TakenOut = NOTHING,
) -> list[SplitFile]:
    """The splits ratios0, ratios1, …: shares of train, val and test, of the pairs or components.

    Components, in shuffled order, go where most room is left; a share of 0 leaves a set empty.
    Raises UserError for ratios that are not such numbers, and as `read_split` does.
    """
    if (
        not isinstance(ratios, Sequence)
        or len(ratios) != len(SETS)
        or not all(isinstance(ratio, int | float) and ratio >= 0 for ratio in ratios)
        or not any(ratios)
    ):
        raise UserError(
            f"step.ratios={ratios}: must be three numbers of 0 or more, e.g. [70, 15, 15]"
        )
    if by not in get_args(By):
        raise UserError(f"step.by={by}: {nearest(by, get_args(By))}")
    shares = [ratio / sum(ratios) for ratio in ratios]

    def choose(version: str, old: pd.DataFrame) -> Choose:
        def by_room(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            weights = sizes if by == "pairs" else np.ones_like(sizes)
            return _fill(weights, shares, _loads(old, SETS, by), version, _next_cluster(old))

        return by_room

    return _versions(collection, folder, "ratios", versions, choose, taken_out)


def fold_splits(
    collection: Collection, folder: Path, folds: int, taken_out: TakenOut = NOTHING
) -> list[SplitFile]:
    """The splits fold0 … of one partition into folds: fold i tests, fold i + 1 validates.

    Components are never divided; the largest are placed first, each into the fold with the fewest
    pairs. Raises UserError if old files are not such a partition into as many folds, if there are
    too few components, and as `read_split` does.
    """
    if folds < 3:
        raise UserError(f"step.folds={folds}: must be 3 or more, for train, val and test")
    paths = [folder / f"fold{i}.csv" for i in range(folds)]
    olds = [_read_old(path, collection) for path in paths]
    old = _common(olds)

    def by_size(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shares = [1 / folds] * folds
        loads = _loads(old, range(folds), "pairs")
        return _fill(sizes, shares, loads, "folds", _next_cluster(old), largest_first=True)

    out = [taken_out.get(path.stem, set()) for path in paths]
    growth = grow(old, _less(collection.true_pairs, set.intersection(*map(set, out))), by_size)
    count = len(set(pd.concat([old["part"], growth.added["part"]])))
    if count < folds:
        raise UserError(
            f"step.folds={folds}: there are {count} components of connected pairs; "
            "set fewer folds, or confirm more pairs"
        )
    placed = pd.concat([old, growth.added])
    _assert_partition(paths, olds, dict(zip(placed["parent"], placed["part"], strict=True)))
    named = growth.conflicts["parts"].str.replace(r"(\d+)", r"fold \1", regex=True)
    conflicts = growth.conflicts.assign(parts=named)
    return [
        _file(
            path,
            olds[i],
            growth.added.assign(set=[fold_set(part, i, folds) for part in growth.added["part"]]),
            conflicts,
            collection,
            out[i],
        )
        for i, path in enumerate(paths)
    ]


def fold_set(fold: int, tested: int, folds: int) -> Set:
    """The set of a fold in the split that tests the fold `tested`."""
    place = (fold - tested) % folds
    return "test" if place == 0 else "val" if place == 1 else "train"


def grow(old: pd.DataFrame, pairs: pd.DataFrame, choose: Choose) -> Growth:
    """Place every pair of an original drawing that is not in an old split; move nothing that is.

    old: drawing_id, artwork_id, parent, cluster, part. pairs: True pairs: drawing_id, artwork_id,
    parent. New pairs that are connected by new drawings and artworks go together: into the part
    that holds an old image of theirs, or, if there is none, where `choose` puts them. Those that
    meet old images of two parts are conflicts.
    """
    order = ["parent", "artwork_id", "drawing_id"]
    new = _not_in(old, _originals(pairs))[order].sort_values(order, ignore_index=True)
    component = components(
        _apart(new["parent"], old["parent"]), _apart(new["artwork_id"], old["artwork_id"])
    )
    sizes = np.bincount(component)
    count = len(sizes)

    places: list[dict[Any, int]] = [{} for _ in range(count)]  # of each component: part -> cluster
    for column in ("parent", "artwork_id"):
        once = old.drop_duplicates(column)
        held = zip(once["part"], once["cluster"], strict=True)
        homes = dict(zip(once[column], held, strict=True))
        for number, name in zip(component, new[column], strict=True):
            if name in homes:
                part, cluster = homes[name]
                places[number][part] = min(cluster, places[number].get(part, cluster))
    untouched = [number for number in range(count) if not places[number]]
    for number, cluster, part in zip(untouched, *choose(sizes[untouched]), strict=True):
        places[number][part] = cluster

    joins = np.array([len(places[number]) > 1 for number in component], dtype=bool)
    found = [next(iter(places[number].items())) for number in component[~joins]]
    added = new[~joins].assign(
        cluster=np.array([cluster for _, cluster in found], dtype=np.int64),
        part=pd.Series([part for part, _ in found], new.index[~joins], dtype=object),
    )
    parts = [" and ".join(map(str, sorted(places[number]))) for number in component]
    conflicts = new.assign(parts=pd.Series(parts, new.index, dtype=str))[joins]
    return Growth(added, conflicts[["drawing_id", "artwork_id", "parts"]].reset_index(drop=True))


def _versions(
    collection: Collection,
    folder: Path,
    prefix: str,
    count: int,
    choose: Callable[[str, pd.DataFrame], Choose],
    taken_out: TakenOut,
) -> list[SplitFile]:
    """Splits that differ in the shuffle alone, each with its sets as parts."""
    if count < 1:
        raise UserError(f"step.versions={count}: must be 1 or more")
    files = []
    for version in (f"{prefix}{i}" for i in range(count)):
        path = folder / f"{version}.csv"
        old = _read_old(path, collection)
        placed = old.rename(columns={"set": "part"})
        out = taken_out.get(version, set())
        growth = grow(placed, _less(collection.true_pairs, out), choose(version, placed))
        added = growth.added.rename(columns={"part": "set"})
        files.append(_file(path, old, added, growth.conflicts, collection, out))
    return files


def _read_old(path: Path, collection: Collection) -> pd.DataFrame:
    if path.is_file():
        return read_split(path, collection)
    return pd.DataFrame(columns=list(COLUMNS), dtype=str).astype({"cluster": "int64"})


def _common(olds: list[pd.DataFrame]) -> pd.DataFrame:
    """The pairs of original drawings that every fold file lists, each with its fold as `part`.

    A step that was killed has extended some files and not others; what only some list is placed
    again, by the same rule to the same fold.
    """
    originals = pd.concat(map(_originals, olds))
    files = originals.groupby(["drawing_id", "artwork_id"])["set"].transform("size")
    common = originals[files == len(olds)].drop_duplicates(["drawing_id", "artwork_id"])
    tested = {
        parent: fold
        for fold, old in enumerate(olds)
        for parent in old.loc[old["set"] == "test", "parent"]
    }
    common = common[common["parent"].isin(tested)].drop(columns="set")
    return common.assign(part=[tested[parent] for parent in common["parent"]])


def _assert_partition(paths: list[Path], olds: list[pd.DataFrame], homes: dict[str, int]) -> None:
    """Raise UserError if a fold file has a drawing elsewhere than its fold says."""
    for tested, (path, old) in enumerate(zip(paths, olds, strict=True)):
        for parent, own in zip(old["parent"], old["set"], strict=True):
            if parent not in homes or fold_set(homes[parent], tested, len(paths)) != own:
                raise UserError(
                    f"{path} has {brief(parent)} in {own}, which does not fit {len(paths)} "
                    "folds of one partition: set step.folds to the number that there is, or delete "
                    f"all fold….csv in {path.parent}"
                )


def _file(
    path: Path,
    old: pd.DataFrame,
    placed: pd.DataFrame,
    conflicts: pd.DataFrame,
    collection: Collection,
    taken_out: AbstractSet[tuple[str, str]],
) -> SplitFile:
    """The file with the placed pairs behind its old rows, and style copies of those that train."""
    true = _less(collection.true_pairs, taken_out)
    placed = _less(placed, taken_out)
    keys = ["parent", "artwork_id"]
    pairs = pd.concat([_originals(old), _not_in(old, placed)])[list(COLUMNS)]
    copies = _not_in(old, true[true["drawing_id"] != true["parent"]])[["drawing_id", *keys]]
    trained = pairs.loc[pairs["set"] == "train", [*keys, "set", "cluster"]]
    rows = pd.concat([_not_in(old, pairs), copies.merge(trained, on=keys)])[list(COLUMNS)]
    rows = rows.sort_values(["cluster", "drawing_id", "artwork_id"])
    table = rows
    if path.is_file():
        before = with_parents(read_csv(path, COLUMNS[:2], Problems()))
        table = pd.concat([before, rows.astype(str)]).fillna("")
    return SplitFile(
        path=path,
        table=table,
        split=pd.concat([old, rows], ignore_index=True),
        added=len(rows),
        conflicts=conflicts,
        unconfirmed=len(_not_in(collection.true_pairs, _originals(old))),
    )


def _originals(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs[pairs["drawing_id"] == pairs["parent"]]


def _not_in(others: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that are not among others."""
    return _less(pairs, set(zip(others["drawing_id"], others["artwork_id"], strict=True)))


def _less(pairs: pd.DataFrame, known: AbstractSet[tuple[str, str]]) -> pd.DataFrame:
    """The pairs less those that are known."""
    listed = zip(pairs["drawing_id"], pairs["artwork_id"], strict=True)
    return pairs[np.array([pair not in known for pair in listed], dtype=bool)]


def _apart(names: pd.Series[str], old: pd.Series[str]) -> np.ndarray:
    """A number for each name, but for old names one for each row: they connect nothing."""
    numbers, _ = pd.factorize(names)
    return np.where(names.isin(old), len(names) + np.arange(len(names)), numbers)


def _next_cluster(old: pd.DataFrame) -> int:
    return int(old["cluster"].max()) + 1 if len(old) else 0


def _loads(old: pd.DataFrame, parts: Iterable[Any], by: By) -> dict[Any, int]:
    """Pairs of original drawings, or components, in each part."""
    originals = _originals(old)
    if by == "components":
        number = components(originals["parent"], originals["artwork_id"])
        originals = originals.assign(number=number).drop_duplicates("number")
    return {part: int((originals["part"] == part).sum()) for part in parts}


def _fill(
    weights: np.ndarray,
    shares: Sequence[float],
    loads: Mapping[Any, int],
    version: str,
    first: int,
    *,
    largest_first: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, from `first`, and parts of components that go, one by one, where most room is left.

    The room of a part is its share of all weight, old and new, less what it holds already.
    """
    order = shuffled(len(weights), version)
    if largest_first:
        order = order[np.argsort(-weights[order], kind="stable")]
    total = int(weights.sum()) + sum(loads.values())
    parts = list(loads)
    room = [share * total - loads[part] for share, part in zip(shares, parts, strict=True)]
    cluster = np.empty(len(weights), dtype=np.int64)
    chosen = np.empty(len(weights), dtype=object)
    for place, number in enumerate(order):
        roomiest = int(np.argmax(room))
        room[roomiest] -= weights[number]
        cluster[number], chosen[number] = first + place, parts[roomiest]
    return cluster, chosen
