"""Pairs of drawings and artworks, and what people decided about them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import normal
from drawsim.collection.problems import Problem

TRUE_WORDS = {"true", "1", "yes"}
FALSE_WORDS = {"false", "0", "no"}


def read_pairs(path: Path, problems: list[Problem]) -> pd.DataFrame:
    """A table of pairs, `pair` as truth values and `parent` filled in; problems as in `read_csv`.

    A pair that is both true and false is a problem; one that is listed twice is kept once. Ids are
    in their normal form (see `ids`).
    """
    table = read_csv(path, ("drawing_id", "artwork_id", "pair"), problems)
    for column in ("drawing_id", "artwork_id", "parent"):
        if column in table.columns:
            table = table.assign(**{column: table[column].map(normal)})
    words = table["pair"].str.strip().str.lower()
    for row in table.index[~words.isin(TRUE_WORDS | FALSE_WORDS)]:
        what = f"pair is {table.at[row, 'pair']!r}"
        problems.append(Problem(path.name, int(row), what, "write true or false"))
    pairs = table.assign(pair=words.isin(TRUE_WORDS))
    decisions = pairs.groupby(["drawing_id", "artwork_id"])["pair"].transform("nunique")
    for row in pairs.index[decisions > 1]:
        what = (
            f"{pairs.at[row, 'drawing_id']!r} with {pairs.at[row, 'artwork_id']!r} "
            "is both true and false"
        )
        problems.append(Problem(path.name, int(row), what, "keep one decision"))
    return with_parents(pairs).drop_duplicates(["drawing_id", "artwork_id"])


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


def unknown_ids(
    pairs: pd.DataFrame, column: str, known: pd.Index[str], listed_in: str
) -> list[Problem]:
    """A problem for each row of pairs whose id in `column` is not known."""
    unknown = pairs[~pairs[column].isin(known)]
    return [
        Problem(
            "pairs.csv",
            int(str(row)),
            f"{column} {name!r} is not in {listed_in}",
            "add it there or correct the id",
        )
        for row, name in unknown[column].items()
    ]
