"""Filters: which images of an index may be found, by what its table says about them.

A filter is a text, `country=FRA|ITA,year>=2010,year<2015`, or the same as a mapping,
`{country: [FRA, ITA], year: [">=2010", "<2015"]}`. All of its conditions must hold.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drawsim.collection.ids import normal
from drawsim.collection.rights import licence_key
from drawsim.collection.years import year_of
from drawsim.common.errors import UserError, nearest

ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_OPERATOR = re.compile(r"\s*(!=|>=|<=|=|>|<)")
_COLUMN = re.compile(r"[^=<>!,|]+")
_VALUE = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,|]*?))\s*(?=[,|]|$)""")
OFFERED = 200
"""Letters in which names are offered, where none is near."""


def _rights(text: str) -> str:
    return normal(licence_key(text))


KEYS: dict[str, Callable[[str], str]] = {"rights": _rights}
"""Columns in which more is the same than what is spelled alike, and what is then alike."""


@dataclass(frozen=True)
class Condition:
    """What one column must say.

    operator: `=` (one of the values), `!=` (none of them), or `>=`, `<=`, `>`, `<` with one value.
    """

    column: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{'|'.join(self.values)}"


def parse_filter(given: str | Mapping[str, Any] | None) -> tuple[Condition, ...]:
    """The conditions of a filter; none for nothing.

    As text: conditions with commas between them, each a column, an operator and a value, or
    several values with | between them after = and !=. Quotes keep commas and | in a value.
    As a mapping: column -> value, or a list of values of which one must be there. A value that
    begins with an operator is a comparison; of several in a list, all must hold.
    Raises UserError where it cannot be read.

    >>> [str(condition) for condition in parse_filter("country = FRA|ITA, year>=2010")]
    ['country=FRA|ITA', 'year>=2010']
    >>> parse_filter("title='Still life, 1650'")[0].values
    ('Still life, 1650',)
    >>> [str(condition) for condition in parse_filter({"country": ["FRA", "ITA"], "year": "<2010"})]
    ['country=FRA|ITA', 'year<2010']
    """
    if given is None:
        return ()
    conditions = _of_text(given) if isinstance(given, str) else _of_mapping(given)
    for condition in conditions:
        if condition.operator in ORDERS and (
            len(condition.values) != 1 or not condition.values[0].strip()
        ):
            raise UserError(f"filter {condition}: {condition.operator} takes one value")
    return tuple(conditions)


def _of_text(text: str) -> list[Condition]:
    conditions, place = [], 0
    while place < len(text.rstrip()):
        column = _COLUMN.match(text, place)
        sign = _OPERATOR.match(text, column.end()) if column else None
        if column is None or sign is None or not column[0].strip():
            raise UserError(
                f"filter {text!r}: {text[place:]!r} is no condition; "
                "write COLUMN=VALUE, COLUMN=VALUE|VALUE or COLUMN>=VALUE, with commas between them"
            )
        values, place = _values(text, sign.end())
        conditions.append(Condition(column[0].strip(), sign[1], values))
    return conditions


def _values(text: str, place: int) -> tuple[tuple[str, ...], int]:
    """The values that stand from a place on, and where the next condition begins."""
    values = []
    while True:
        found = _VALUE.match(text, place)
        assert found is not None  # its last way takes all that is left of a value, be it nothing
        values.append(next(group for group in found.groups() if group is not None))
        place = found.end() + 1
        if text[found.end() : place] != "|":
            return tuple(values), place


def _of_mapping(given: Mapping[str, Any]) -> list[Condition]:
    conditions = []
    for column, wanted in given.items():
        several = not isinstance(wanted, str) and isinstance(wanted, Sequence)
        plain = []
        for value in wanted if several else [wanted]:
            text = _text(value)
            sign = _OPERATOR.match(text)
            if sign is None:
                plain.append(text)
            else:
                conditions.append(Condition(str(column), sign[1], (text[sign.end() :].strip(),)))
        if plain:
            conditions.append(Condition(str(column), "=", tuple(plain)))
        elif several and not wanted:
            raise UserError(f"filter {column}: the list of values is empty")
    return conditions


def _text(value: Any) -> str:
    """A value of a configuration as a cell of a table has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Term:
    """What one condition comes to in a table: the cells of a column that fulfil it, or fail.

    cells: as the table has them, the shorter of the two lists; fulfil: which of them it is.
    """

    column: str
    cells: tuple[str, ...]
    fulfil: bool


@dataclass(frozen=True)
class Passing:
    """What a filter leaves of a table: mask (N,), and the same in terms, which must all hold."""

    mask: npt.NDArray[np.bool_]
    terms: tuple[Term, ...] = ()


def passing(
    conditions: Sequence[Condition], table: pd.DataFrame, whole: str = "the index"
) -> Passing:
    """Which rows of a table fulfil all conditions.

    whole: what the table is of, for people.

    table: text cells, indexed by `id`, which can be filtered too. Texts are equal if they are after
    Unicode normalisation (NFC); licences in `rights` also if they are the same by another address
    or by name ("CC BY 4.0"). Order is that of numbers if the condition names a number, and cells
    that are none then fail; else that of texts, and empty cells fail. Of a `year` the first that
    the cell names counts, as of "ca. 1889" or "1912–13" (see `year_of`).
    Raises UserError, with the nearest names, for a column that is not there and for a value after =
    that occurs nowhere; and if no row passes.
    """
    columns = table.reset_index()
    mask = np.ones(len(table), dtype=bool)
    terms = []
    for condition in conditions:
        if condition.column not in columns.columns:
            raise UserError(
                f"filter {condition}: no column {condition.column!r} in {whole}, "
                f"{nearest(condition.column, columns.columns)}"
            )
        # Metadata repeat themselves: each distinct cell is looked at once.
        codes, cells = pd.factorize(columns[condition.column])
        texts = [str(cell) for cell in cells]
        fulfilling = _fulfilling(condition, texts)
        mask &= fulfilling[codes]
        fulfil = bool(2 * fulfilling.sum() <= len(texts))
        some = (text for text, does in zip(texts, fulfilling, strict=True) if does == fulfil)
        terms.append(Term(condition.column, tuple(some), fulfil))
    if not mask.any():
        text = ",".join(str(condition) for condition in conditions)
        raise UserError(f"filter {text}: nothing in {whole} passes it; ask for less")
    return Passing(mask, tuple(terms))


def _fulfilling(condition: Condition, cells: list[str]) -> npt.NDArray[np.bool_]:
    """Which of the distinct cells of a column fulfil a condition."""
    if condition.operator not in ORDERS:
        return _equal(condition, cells)
    texts = [normal(cell) for cell in cells]
    read = _year if condition.column == "year" else _number
    return _ordered(ORDERS[condition.operator], texts, normal(condition.values[0]), read)


def _equal(condition: Condition, cells: list[str]) -> npt.NDArray[np.bool_]:
    """Which cells are one of the values, or, after !=, none of them."""
    key = KEYS.get(condition.column, normal)
    texts = [key(cell) for cell in cells]
    wanted = {key(value) for value in condition.values}
    if condition.operator == "!=":
        return np.array([text not in wanted for text in texts], dtype=bool)
    for value in condition.values:
        if key(value) not in texts:
            known = texts if condition.column in KEYS else cells
            raise UserError(
                f"filter {condition}: no {condition.column} is {value!r}, {offer(value, known)}"
            )
    return np.array([text in wanted for text in texts], dtype=bool)


def _ordered(
    order: Callable[[Any, Any], Any],
    texts: list[str],
    bound: str,
    read: Callable[[str], float],
) -> npt.NDArray[np.bool_]:
    number = _number(bound)
    if math.isnan(number):
        return np.array([bool(text) and order(text, bound) for text in texts], dtype=bool)
    # Nothing compares with nan, so that cells without a number fail.
    return np.array([order(read(text), number) for text in texts], dtype=bool)


def _year(text: str) -> float:
    """The first year that a cell names, or nan."""
    year = year_of(text)
    return math.nan if year is None else year


def offer(name: str, valid: Iterable[str]) -> str:
    """The valid names nearest to a misspelt one, or the first of them, cut where they are many."""
    hint = nearest(name, valid)
    return hint if len(hint) < OFFERED else f"{hint[:OFFERED].rpartition(',')[0]}, …"


def _number(text: str) -> float:
    """A finite number, or nan for any other text."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
