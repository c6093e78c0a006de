"""Splits: which pairs train, which select the model, which are looked at once, at the end.

The rule is the thesis's ("Splits"): drawings and artworks are nodes, confirmed pairs edges; the
connected components get running numbers in shuffled order; number % 6 == 0 goes to val, otherwise
% 4 == 0 to test, the rest to train. Versions differ in the shuffle alone, so that no drawing and no
artwork is ever in two sets.
"""

from __future__ import annotations

import logging
import random
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from drawsim.collection.tables import (
    Collection,
    Problem,
    raise_problems,
    read_csv,
    with_parents,
    write_csv,
)
from drawsim.errors import UserError

log = logging.getLogger(__name__)

Set = Literal["train", "val", "test"]
SETS: tuple[Set, ...] = get_args(Set)
COLUMNS = ("drawing_id", "artwork_id", "set", "cluster", "parent")


def load_split(collection: Collection, version: str, *, write: bool = False) -> pd.DataFrame:
    """The split `version` of a collection: read from its `splits/` folder, else made by the rule.

    Returns the columns drawing_id, artwork_id, set, cluster, parent. With `write`, a split that had
    to be made is kept as `splits/<version>.csv` in the collection. Raises UserError if an image is
    in two sets or a set has no pair.
    """
    path = collection.root / "splits" / f"{version}.csv"
    present = path.is_file()
    split = read_split(path, collection) if present else make_split(collection.true_pairs, version)
    assert_disjoint(split, str(path) if present else f"split {version}")
    assert_filled(split, f"split {version} of {collection.root}")
    if write and not present:
        write_csv(split, path)
        log.info("split %s written to %s", version, path)
    return split


def make_split(true_pairs: pd.DataFrame, version: str) -> pd.DataFrame:
    """Split confirmed pairs by connected components.

    true_pairs: drawing_id, artwork_id, parent. A style copy goes where its parent goes. The same
    rows in any order give the same split.
    """
    pairs = true_pairs.sort_values(["parent", "artwork_id", "drawing_id"], kind="stable")
    component = _components(pairs["parent"], pairs["artwork_id"])
    order = list(range(int(component.max()) + 1 if len(component) else 0))
    random.Random(f"drawsim split {version}").shuffle(order)
    cluster = np.array(order, dtype=np.int64)[component]
    sets = np.where(cluster % 6 == 0, "val", np.where(cluster % 4 == 0, "test", "train"))
    split = pairs[["drawing_id", "artwork_id"]].assign(
        set=sets, cluster=cluster, parent=pairs["parent"]
    )
    return split.sort_values(["cluster", "drawing_id", "artwork_id"]).reset_index(drop=True)


def _components(drawings: pd.Series[str], artworks: pd.Series[str]) -> np.ndarray:
    """The component number of each pair, numbered by first appearance."""
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
    Raises UserError with every other unknown id and every set that is not train, val or test.
    """
    problems: list[Problem] = []
    split = read_csv(path, ("drawing_id", "artwork_id", "set"), problems)
    split = with_parents(split)
    cluster = split["cluster"] if "cluster" in split.columns else pd.Series(-1, index=split.index)
    numbers = pd.to_numeric(cluster, errors="coerce").fillna(-1)
    split = split.assign(cluster=numbers.astype("int64"))
    missing_copy = (split["parent"] != split["drawing_id"]) & ~split["drawing_id"].isin(
        collection.drawings.index
    )
    if missing_copy.any():
        log.info("%s: %d rows of style copies not in drawings.csv", path, missing_copy.sum())
    split = split[~missing_copy]
    for row in split.index[~split["set"].isin(SETS)]:
        what = f"set is {split.at[row, 'set']!r}"
        problems.append(Problem(path.name, int(row), what, "write train, val or test"))
    for column, known in (
        ("drawing_id", collection.drawings.index),
        ("artwork_id", collection.artworks.index),
    ):
        for row, name in split.loc[~split[column].isin(known), column].items():
            what = f"unknown {column} {name!r}"
            problems.append(
                Problem(path.name, int(str(row)), what, "remove the row or add the image")
            )
    raise_problems(f"{path} cannot be used", problems)
    return split[list(COLUMNS)].reset_index(drop=True)


def assert_disjoint(split: pd.DataFrame, name: str) -> None:
    """Raise UserError if a drawing (or the original of a copy) or an artwork is in two sets."""
    for column, kind in (("parent", "drawing"), ("artwork_id", "artwork")):
        sets = split.groupby(column)["set"].unique()
        leaks = sets[sets.map(len) > 1]
        if len(leaks):
            shown = "; ".join(f"{i!r} in {' and '.join(sorted(s))}" for i, s in leaks[:5].items())
            raise UserError(
                f"{name} leaks: {len(leaks)} {kind}{'s' if len(leaks) > 1 else ''} in more than "
                f"one set ({shown}). Put all pairs of connected images into one set, or delete the "
                "file to have it made by rule."
            )


def assert_filled(split: pd.DataFrame, name: str) -> None:
    """Raise UserError if a set has no pair of an original drawing."""
    originals = split[split["drawing_id"] == split["parent"]]
    for wanted in SETS:
        if not (originals["set"] == wanted).any():
            raise UserError(
                f"{name} has no {wanted} pairs ({len(originals)} pairs in all): "
                "choose another split=v0..v10, or confirm more pairs."
            )
