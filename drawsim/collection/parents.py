"""Which drawings are originals, and which are style copies that a program made after them."""

from __future__ import annotations

import pandas as pd

from drawsim.collection.names import original_id
from drawsim.collection.problems import Problem
from drawsim.common.errors import brief

CURE = "name the same original in both, or leave one of the two cells empty"


def parents_of(drawings: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series[str]:
    """The original of each drawing, by id: itself, unless it is a style copy.

    drawings, pairs: with their ids as drawings.csv spells them. A drawing is a copy if the column
    `parent` of drawings.csv, or else of pairs.csv, names another drawing; of a copy of a copy it is
    the first original. A table of drawings without that column, such as the thesis's, tells by the
    ids: a copy has that of its original and a style's ending.
    """
    ids = pd.Series(drawings.index, drawings.index, dtype=object)
    named = _named(drawings, pairs)
    if "parent" not in drawings.columns:
        known = set(drawings.index)
        told = {name: original_id(name, known) for name in known if name not in named}
        named |= {name: original for name, original in told.items() if original}
    return ids.map(lambda name: _first(name, named))


def parent_problems(drawings: pd.DataFrame, pairs: pd.DataFrame) -> list[Problem]:
    """What is wrong with the parents of pairs.csv: two for one copy, and circles.

    pairs: its index holds the rows of the file.
    """
    named = _named(drawings, pairs)
    own = pairs["drawing_id"]
    problems = [
        Problem(
            "pairs.csv",
            int(str(row)),
            f"parent of {brief(name)} is {brief(parent)} here and {brief(named[name])} elsewhere",
            CURE,
        )
        for row, name, parent in zip(pairs.index, own, pairs["parent"], strict=True)
        if parent != name and named[name] != parent
    ]
    problems += [
        Problem(
            "drawings.csv",
            None,
            f"the parents of {brief(name)} go in a circle",
            "name an original",
        )
        for name in named
        if _first(name, named) in named
    ]
    return problems


def _named(drawings: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, str]:
    """The parent of each drawing for which a table names another one; drawings.csv comes first."""
    copies = pairs[pairs["parent"] != pairs["drawing_id"]]
    named = dict(zip(copies["drawing_id"], copies["parent"], strict=True))
    if "parent" in drawings.columns:
        parent = drawings["parent"]
        others = parent[(parent != "") & (parent != drawings.index)]
        named |= {str(name): original for name, original in others.items()}
    return named


def _first(name: str, named: dict[str, str]) -> str:
    """Follow parents to the end; of a circle, stop within it."""
    seen = {name}
    while name in named and named[name] not in seen:
        name = named[name]
        seen.add(name)
    return name
