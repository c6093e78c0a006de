"""Splits: which pairs train, which select the model, which are looked at once, at the end.

The rule is the thesis's ("Splits"): drawings and artworks are nodes, confirmed pairs edges; the
connected components get running numbers in shuffled order; number % 6 == 0 goes to val, otherwise
% 4 == 0 to test, the rest to train. Versions differ in the shuffle alone, so that no drawing and no
artwork is ever in two sets.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from drawsim.collection.csv_files import read_csv, write_csv
from drawsim.collection.ids import IdList, Note, among, trimmed
from drawsim.collection.kinds import Kind
from drawsim.collection.pairs import (
    graded_unconfirmed,
    spelt_as_listed,
    unknown_ids,
    with_parents,
)
from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.collection.tables import Collection, ids_of
from drawsim.common.errors import UserError, brief, nearest
from drawsim.common.words import counted

log = logging.getLogger(__name__)

Set = Literal["train", "val", "test"]
SETS: tuple[Set, ...] = get_args(Set)
COLUMNS = ("drawing_id", "artwork_id", "set", "cluster", "parent")
NEAR_DUPLICATES = "near_duplicates.csv"
"""A report in the folder of the splits that is no split."""


def load_split(
    collection: Collection,
    version: str,
    *,
    write: bool = False,
    needs: Sequence[Set] = SETS,
) -> pd.DataFrame:
    """The split `version` of a collection: read from its `splits/` folder, else made by the rule.

    Returns the columns drawing_id, artwork_id, set, cluster, parent. With `write`, a split that had
    to be made is kept as `splits/<version>.csv` in the collection. Pairs of the file that people
    have since graded and not confirmed are left out, and counted in the log. needs: the sets that
    must have a pair. Raises UserError if an image is in two sets, if there is no pair at all or
    none in such a set, and if there is no such file and no such version.
    """
    path = collection.root / "splits" / f"{version}.csv"
    present = path.is_file()
    if not present and not re.fullmatch(r"v\d+", version):
        known = [file.stem for file in split_files(collection.root)] + ["v0"]
        raise UserError(
            f"split {version}: there is no {path}, {nearest(version, known)} "
            f"(`drawsim prepare step=splits source={collection.root} step.rule=kfold` makes folds)"
        )
    split = read_split(path, collection) if present else make_split(collection.true_pairs, version)
    split = _less_rejected(split, collection.pairs, version)
    assert_disjoint(split, str(path) if present else f"split {version}")
    assert_filled(split, f"split {version} of {collection.root}", needs)
    if write and not present:
        write_csv(split, path)
        log.info("split %s written to %s", version, path)
    return split


def _less_rejected(split: pd.DataFrame, pairs: pd.DataFrame, version: str) -> pd.DataFrame:
    """The rows of a split, less pairs that have a grade and are not confirmed.

    Without a grade, a pair of the split that is not confirmed stays: the split's word counts.
    """
    graded = graded_unconfirmed(pairs)
    rejected = set(zip(graded["parent"], graded["artwork_id"], strict=True))
    listed = zip(split["parent"], split["artwork_id"], strict=True)
    kept = split[np.array([pair not in rejected for pair in listed], dtype=bool)]
    if len(kept) < len(split):
        log.info("split %s: %d rows of rejected pairs left out", version, len(split) - len(kept))
    return kept.reset_index(drop=True)


def make_split(true_pairs: pd.DataFrame, version: str) -> pd.DataFrame:
    """Split confirmed pairs by connected components.

    true_pairs: drawing_id, artwork_id, parent. A style copy goes where its parent goes. The same
    rows in any order give the same split.
    """
    pairs = true_pairs.sort_values(["parent", "artwork_id", "drawing_id"], kind="stable")
    component = components(pairs["parent"], pairs["artwork_id"])
    cluster = shuffled(int(component.max()) + 1 if len(component) else 0, version)[component]
    split = pairs[["drawing_id", "artwork_id"]].assign(
        set=numbered_sets(cluster), cluster=cluster, parent=pairs["parent"]
    )
    return split.sort_values(["cluster", "drawing_id", "artwork_id"]).reset_index(drop=True)


def shuffled(count: int, version: str) -> np.ndarray:
    """The numbers 0 .. count - 1, int64, in the order that belongs to a version."""
    order = list(range(count))
    random.Random(f"drawsim split {version}").shuffle(order)
    return np.array(order, dtype=np.int64)


def numbered_sets(clusters: np.ndarray) -> np.ndarray:
    """The set of each component number by the thesis's rule."""
    return np.where(clusters % 6 == 0, "val", np.where(clusters % 4 == 0, "test", "train"))


def components(
    drawings: pd.Series[str] | np.ndarray, artworks: pd.Series[str] | np.ndarray
) -> np.ndarray:
    """The component number, int64, of each pair (drawing, artwork), by first appearance."""
    drawing, drawing_names = pd.factorize(drawings)
    artwork, artwork_names = pd.factorize(artworks)
    nodes = len(drawing_names) + len(artwork_names)
    graph = coo_array(
        (np.ones(len(drawing)), (drawing, artwork + len(drawing_names))), shape=(nodes, nodes)
    )
    _, label = connected_components(graph, directed=False)
    return np.asarray(pd.factorize(label[drawing])[0])


def read_split(path: Path, collection: Collection) -> pd.DataFrame:
    """Read a split table and check it against the collection it belongs to.

    Rows for style copies that the collection does not have are dropped, and counted in the log.
    Rows without a `cluster` number get -1: it is for people to look at, nothing depends on it.
    Raises UserError with every other unknown id, every set that is not train, val or test, and
    every image that is in two sets.
    """
    problems = Problems()
    split = read_csv(path, ("drawing_id", "artwork_id", "set"), problems)
    listed: dict[Kind, IdList] = {
        "drawing": ids_of(collection.drawings),
        "artwork": ids_of(collection.artworks),
    }
    note = partial(problems.note, path)
    split = with_parents(spelt_as_listed(split, listed, note))
    split = split.assign(set=_sets(split["set"], note))
    parents = dict(collection.parents.items())
    own = [
        str(parents.get(name, parent)) if parent == name else str(parent)
        for name, parent in zip(split["drawing_id"], split["parent"], strict=True)
    ]
    split = split.assign(parent=pd.Series(own, split.index, dtype=str))
    cluster = split["cluster"] if "cluster" in split.columns else pd.Series(-1, index=split.index)
    numbers = pd.to_numeric(cluster, errors="coerce")
    numbers = numbers.where(numbers.abs() < 1 << 53, -1)  # a number of many digits is none
    split = split.assign(cluster=numbers.astype("int64"))
    missing_copy = (split["parent"] != split["drawing_id"]) & ~among(
        split["drawing_id"], collection.drawings.index
    )
    if missing_copy.any():
        log.info("%s: %d rows of style copies not in drawings.csv", path, missing_copy.sum())
    split = split[~missing_copy]
    for row in split.index[~split["set"].isin(SETS)]:
        what = f"set is {brief(split.at[row, 'set'])}"
        problems.append(Problem(path.name, int(row), what, "write train, val or test"))
    for kind, ids in listed.items():
        problems += unknown_ids(path.name, split[f"{kind}_id"], ids, f"{kind}s.csv")
    problems += leaks(split[split["set"].isin(SETS)], path.name)
    raise_problems(f"{path} cannot be used", problems)
    return split[list(COLUMNS)].reset_index(drop=True)


def _sets(cells: pd.Series[str], note: Note) -> pd.Series[str]:
    """The names of sets, in whatever capitals and with unseen spaces."""
    names = cells.map(lambda cell: trimmed(cell).casefold())
    changed = cells[(names != cells) & names.isin(SETS)].unique()
    if len(changed):
        note(f"set: {', '.join(map(brief, changed[:3]))} read as {', '.join(SETS)}")
    return cells.where(~names.isin(SETS), names)


def split_files(root: Path) -> list[Path]:
    """The split tables of a collection's folder, in the order of their names."""
    files = (root / "splits").glob("*.csv")
    return sorted(
        (path for path in files if path.name != NEAR_DUPLICATES and not path.name.startswith(".")),
        key=lambda path: [int(p) if p.isdecimal() else p for p in re.split(r"(\d+)", path.name)],
    )


def leaks(split: pd.DataFrame, file: str) -> list[Problem]:
    """Each drawing (or original of a copy) and artwork in two sets, at the first row that errs.

    split: its index holds the rows of the file.
    """
    found = []
    for column, kind in (("parent", "drawing"), ("artwork_id", "artwork")):
        homes: dict[str, tuple[str, int]] = {}
        told = set()
        for row, name, own in zip(split.index, split[column], split["set"], strict=True):
            home, first = homes.setdefault(name, (own, row))
            if own != home and name not in told:
                told.add(name)
                what = f"leaks: {kind} {brief(name)} is in {own} here and in {home} in row {first}"
                cure = "put all pairs of connected images into one set"
                found.append(Problem(file, int(row), what, cure))
    return found


def assert_disjoint(split: pd.DataFrame, name: str) -> None:
    """Raise UserError if a drawing (or the original of a copy) or an artwork is in two sets."""
    for column, kind in (("parent", "drawing"), ("artwork_id", "artwork")):
        sets = split.groupby(column)["set"].unique()
        leaks = sets[sets.map(len) > 1]
        if len(leaks):
            shown = "; ".join(
                f"{brief(i)} in {' and '.join(sorted(s))}" for i, s in leaks[:5].items()
            )
            raise UserError(
                f"{name} leaks: {counted(len(leaks), kind)} in more than "
                f"one set ({shown}). Put all pairs of connected images into one set, or delete the "
                "file to have it made by rule."
            )


def assert_filled(split: pd.DataFrame, name: str, needs: Sequence[Set] = SETS) -> None:
    """Raise UserError if there is no pair of an original, or none in a set that is needed."""
    originals = split[split["drawing_id"] == split["parent"]]
    lacking = [wanted for wanted in needs if not (originals["set"] == wanted).any()]
    if lacking or originals.empty:
        what = f"{lacking[0]} pairs" if lacking else "pairs"
        raise UserError(
            f"{name} has no {what} ({counted(len(originals), 'pair')} in all): "
            "choose another split=v0..v10, or confirm more pairs."
        )
