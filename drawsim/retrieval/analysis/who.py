"""Who draws what: each group against each value of each column, exact, within strata.

Groups come from pictures alone: no column was looked at when they were made, so testing the columns
afterwards is no second use of the same data. Drawings of one school come together, in a year and
from a country; so labels are exchanged only within the values of other columns (`strata`), and a
group is not said to be Greek because it is from 1998 and many drawings of 1998 are Greek.

A test that no count whatever would bring below the level is left out before the others are
corrected for being many: it could never be found (Tarone, "A modified Bonferroni method for
discrete data", Biometrics 46, 1990; for false-discovery rates Gilbert, Applied Statistics 54,
2005). Which these are, the margins say, not the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from drawsim.retrieval.analysis.statistics import benjamini_hochberg
from drawsim.retrieval.analysis.strata import Ints, Margins, association
from drawsim.retrieval.motifs.files import WHO_COLUMNS

UNKNOWN = ""
"""What a cell says of which nothing is known."""

PARTS = {"region": "country"}
"""Columns that may be made of another: among drawings of one country no region can vary."""


def who_draws(
    groups: Mapping[str, Sequence[int] | Ints],
    table: pd.DataFrame,
    columns: Sequence[str],
    strata: Sequence[str],
    *,
    level: float,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Test each group against each value of each column; a row for each test that can be found.

    groups: rows of the table by name. table: a text in each cell, UNKNOWN where nothing is known;
    such drawings are left out of the tests of that column, and are a stratum of their own in those
    of others. Of the two values of a column that has no more, the one that the group has more of
    than expected stands for both. strata: columns of the table within whose values drawings are
    exchangeable, less the one that is tested, and less the country where a region is made of
    countries. level: of false-discovery rates. advance: is told when a column of a group is done.
    The rates, q, are over all rows.
    """
    rows: list[tuple[object, ...]] = []
    for column in columns:
        of_column = _Column(table, column, _held(strata, table, column))
        for name, members in groups.items():
            tests = of_column.tests(members, level)
            if len(of_column.values) == 2:  # more of one is less of the other: the same test
                tests = sorted(tests, key=_excess)[-1:]
            rows += [(name, column, *row) for row in tests]
            advance()
    return _table(rows, list(groups))


def _excess(test: tuple[Any, ...]) -> float:
    """How many more drawings than expected have the value of a test."""
    return float(test[1] - test[3])


def leanings(
    who: pd.DataFrame,
    groups: Mapping[str, Sequence[int] | Ints],
    table: pd.DataFrame,
    strata: Sequence[str],
    *,
    level: float,
) -> pd.DataFrame:
    """What `who_draws` found, values of a column that lean the same way taken together.

    Columns as of `who`, less `value`: in its place `values`, a tuple, the surest first. Several
    values are tested as one, in the same way; their q is the largest of theirs, since it was chosen
    to put these together. The least p first.
    """
    found = who[who["q"] <= level]
    more = (found["count"] > found["expected"]).rename("more")
    rows: list[tuple[object, ...]] = []
    for _, part in found.groupby(["motif", "column", more], sort=False):
        motif, column = str(part["motif"].iloc[0]), str(part["column"].iloc[0])
        values = tuple(part["value"])
        cells = table[column].where(~table[column].isin(values), values[0])
        held = _held(strata, table, column)
        of_all = _Column(table.assign(**{column: cells}), column, held)
        (own,) = (row for row in of_all.tests(groups[motif], 1.0) if row[0] == values[0])
        rows.append((motif, column, values, *own[1:], part["q"].max()))
    names = [*WHO_COLUMNS[:2], "values", *WHO_COLUMNS[3:]]
    together = pd.DataFrame(rows, columns=names)
    return together.sort_values(["p", "motif"], kind="stable", ignore_index=True)


def uses_what(
    table: pd.DataFrame,
    columns: Sequence[str],
    used: Mapping[str, NDArray[np.bool_]],
    seen: NDArray[np.bool_],
    strata: Sequence[str],
    *,
    what: str,
    level: float,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Test, by each value of each column, the use of things such as colours: a table alike.

    The groups are the drawings of a value, named `COLUMN=VALUE`, tested within the strata less that
    column. used: which drawings use each thing, (N,); seen: of which drawings that is known. what:
    the name of the column of the result.
    """
    rows: list[tuple[object, ...]] = []
    names: list[str] = []
    for column in columns:
        cells = table[column].to_numpy()
        groups = {value: np.flatnonzero(cells == value) for value in sorted({*cells} - {UNKNOWN})}
        names += [f"{column}={value}" for value in groups]
        for thing, uses in used.items():
            told = np.where(seen & (cells != UNKNOWN), np.where(uses, thing, "other"), UNKNOWN)
            own = f"{what}\0"  # no column of a table, and so no stratum, is called so
            of_thing = _Column(table.assign(**{own: told}), own, _held(strata, table, column))
            rows += [
                (f"{column}={value}", what, *row)
                for value, members in groups.items()
                for row in of_thing.tests(members, level)
                if row[0] == thing
            ]
        advance()
    return _table(rows, names)


def _held(strata: Sequence[str], table: pd.DataFrame, column: str) -> list[str]:
    """The strata of a column's tests: not itself, nor what it is made of."""
    left_out, finer = {column}, PARTS.get(column, "")
    if finer in table.columns:
        known = table[table[finer] != UNKNOWN]
        if known.groupby(finer)[column].nunique().max() == 1:
            left_out.add(finer)
    return [name for name in strata if name not in left_out]


def _table(rows: list[tuple[object, ...]], names: list[str]) -> pd.DataFrame:
    """The tests as a table with q, group by group as named, the least p first."""
    p = np.array([row[-1] for row in rows], dtype=np.float64)
    found = pd.DataFrame(rows, columns=list(WHO_COLUMNS[:-1])).assign(q=benjamini_hochberg(p))
    found = found.astype(dict.fromkeys(WHO_COLUMNS[5:], float) | {"count": int, "known": int})
    place = {name: number for number, name in enumerate(names)}
    order = np.lexsort((found["p"], found["motif"].map(place).to_numpy(int)))
    return found.iloc[order].reset_index(drop=True)


class _Column:
    """The drawings of which a column says anything, by value and by stratum.

    having: (V, S), how many drawings of each stratum have each value.
    """

    def __init__(self, table: pd.DataFrame, column: str, held: Sequence[str]) -> None:
        cells = table[column].to_numpy()
        self.known = cells != UNKNOWN
        self.value: Ints = np.full(len(cells), -1, np.int64)
        codes, self.values = pd.factorize(cells[self.known])
        self.value[self.known] = codes
        self.stratum: Ints = np.zeros(len(cells), np.int64)
        if held:
            number = table.groupby(list(held), sort=False).ngroup()
            self.stratum = np.asarray(number, np.int64)
        self.strata = int(self.stratum.max(initial=0)) + 1
        self.having = self._counted(np.flatnonzero(self.known), len(self.values))

    def _counted(self, rows: Ints, values: int) -> Ints:
        key = self.value[rows] * self.strata + self.stratum[rows]
        return np.bincount(key, minlength=values * self.strata).reshape(values, self.strata)

    def tests(self, members: Sequence[int] | Ints, level: float) -> list[tuple[object, ...]]:
        """Value, count, known, expected, odds ratio, low, high and p of each test worth making."""
        rows = np.asarray(members, np.int64)
        rows = rows[self.known[rows]]
        if not len(rows) or len(self.values) < 2:
            return []
        counts = np.bincount(self.value[rows], minlength=len(self.values))
        taken = np.bincount(self.stratum[rows], minlength=self.strata)
        here = np.flatnonzero(taken)
        taken, having = taken[here], self.having[:, here]
        drawings = having.sum(axis=0)
        found: list[tuple[object, ...]] = []
        for value in np.flatnonzero(having.any(axis=1)):
            own = having[value]
            if Margins.of(drawings, own, taken).attainable > level:
                continue
            test = association(drawings, own, taken, int(counts[value]))
            odds = (test.odds_ratio, test.low, test.high, test.p)
            found.append((self.values[value], test.count, len(rows), test.expected, *odds))
        return found
