"""Pairs of drawings and artworks, and what people decided about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import IdList, Note, as_listed, normal, silent
from drawsim.collection.kinds import Kind
from drawsim.collection.problems import Problem, Problems
from drawsim.collection.truth import is_plain, truths
from drawsim.common.errors import brief

ID_COLUMNS: dict[str, Kind] = {
    "drawing_id": "drawing",
    "artwork_id": "artwork",
    "parent": "drawing",
}
"""The columns of a table of pairs that hold ids, and of what."""


def read_pairs(
    path: Path, problems: Problems, listed: Mapping[Kind, IdList] | None = None
) -> pd.DataFrame:
    """A table of pairs, `pair` as truth values and `parent` filled in; problems as in `read_csv`.

    A pair that is both true and false is a problem; one that is listed twice is kept once.
    listed: the drawings and artworks there are; ids are then spelt as there, and what else can be
    meant for one of them alone is noted. Ids that are not listed are in their normal form.
    """
    table = read_csv(path, ("drawing_id", "artwork_id", "pair"), problems)
    table = spelt_as_listed(table, listed or {}, partial(problems.note, path))
    meant = truths(table["pair"])
    for row in table.index[meant.isna()]:
        what = f"pair is {brief(table.at[row, 'pair'])}"
        problems.append(Problem(path.name, int(row), what, "write true or false"))
    others = [cell for cell in table["pair"][meant.notna()].unique() if not is_plain(cell)]
    if others:
        problems.note(path, f"pair: {', '.join(map(brief, others[:4]))} read as true or false")
    pairs = table.assign(pair=meant.eq(True))
    decisions = pairs.groupby(["drawing_id", "artwork_id"])["pair"].transform("nunique")
    for row in pairs.index[decisions > 1]:
        what = (
            f"{brief(pairs.at[row, 'drawing_id'])} with {brief(pairs.at[row, 'artwork_id'])} "
            "is both true and false"
        )
        problems.append(Problem(path.name, int(row), what, "keep one decision"))
    return with_parents(pairs).drop_duplicates(["drawing_id", "artwork_id"])


def spelt_as_listed(
    table: pd.DataFrame, listed: Mapping[Kind, IdList], note: Note = silent
) -> pd.DataFrame:
    """A table of pairs with its ids as they are listed, or in their normal form.

    note: as in `as_listed`.
    """
    for column, kind in ID_COLUMNS.items():
        if column in table.columns:
            names = table[column].map(normal)
            ids = listed.get(kind)
            own = names if ids is None else as_listed(names, ids, note)
            table = table.assign(**{column: own})
    return table


def with_parents(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs with `parent` filled in: the drawing itself where the table names no other."""
    own = pairs["drawing_id"]
    if "parent" not in pairs.columns:
        return pairs.assign(parent=own)
    return pairs.assign(parent=pairs["parent"].where(pairs["parent"] != "", own))


def graded_unconfirmed(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that people gave a grade, column `grade`, and did not confirm."""
    if "grade" not in pairs.columns:
        return pairs[:0].assign(grade="")
    return pairs[(pairs["grade"] != "") & ~pairs["pair"]]


def unknown_ids(file: str, names: pd.Series[str], known: IdList, listed_in: str) -> list[Problem]:
    """A problem for each id of a column that is not known, with what it may have been.

    names: its index holds the rows of the file.
    """
    reasons = {name: known.why_unknown(name) for name in names.unique() if name not in known}
    return [
        Problem(
            file,
            int(str(row)),
            f"{names.name} {brief(name)} is not in {listed_in}{reasons[name][0]}",
            reasons[name][1],
        )
        for row, name in names.items()
        if name in reasons
    ]
