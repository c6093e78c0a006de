"""Metadata columns as the map needs them: what each image has, and by which few colours to tell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from drawsim.collection.names import AGE_GROUPS, display_name

COLOURS = 6
"""That many can be told apart by everyone; P. Tol, "Colour schemes", 2021, scheme "bright"."""

OTHER = "other"


@dataclass(frozen=True)
class Colouring:
    """The groups that a column divides images into, at most six and `other`.

    scale: categories, or a sequence from low to high. groups: the label of each.
    of_value: the group of each value of the column, None for a value that says nothing.
    """

    scale: Literal["categories", "sequence"]
    groups: list[str]
    of_value: list[int | None]


@dataclass(frozen=True)
class Field:
    """A column: its name for people, its distinct values, and the value of each image (N,).

    A value is None where an image has none. colouring: None for a column that divides nothing.
    """

    name: str
    values: list[str]
    codes: list[int | None]
    colouring: Colouring | None


def make_field(column: str, cells: Sequence[str]) -> Field:
    """The field of a column; empty cells are no values, artists get their names as people write."""
    texts = [display_name(cell) if column == "artist" else cell.strip() for cell in cells]
    counts = Counter(text for text in texts if text)
    values = list(counts)
    code = {value: number for number, value in enumerate(values)}
    codes = [code.get(text) for text in texts]
    return Field(column.replace("_", " "), values, codes, _colouring(counts, len(texts)))


def _colouring(counts: Counter[str], images: int) -> Colouring | None:
    values = list(counts)
    if not values or images in counts.values():
        return None  # nothing is known, or the same of all
    if set(values) <= set(AGE_GROUPS):
        groups = [group for group in AGE_GROUPS[:-1] if group in counts]  # less `unknown`
        of_age = {group: number for number, group in enumerate(groups)}
        return Colouring("categories", groups, [of_age.get(value) for value in values])
    numbers = [_number(value) for value in values]
    if None not in numbers:
        return _sequence(values, np.array(numbers, float), np.array([counts[v] for v in values]))
    if len(values) > COLOURS and 2 * len(values) > counts.total():
        return None  # a title, a note: next to nothing is shared
    largest = [value for value, _ in counts.most_common(COLOURS)]
    of_largest = {value: number for number, value in enumerate(largest)}
    groups = largest + [OTHER] * (len(values) > COLOURS)
    return Colouring("categories", groups, [of_largest.get(v, COLOURS) for v in values])


def _sequence(values: list[str], numbers: np.ndarray, counts: np.ndarray) -> Colouring:
    """Classes of numbers with about as many images each; a class is named by its ends."""
    order = np.argsort(numbers, kind="stable")
    if len(values) > COLOURS:
        before = np.cumsum(counts[order]) - counts[order] / 2
        classes = (before * COLOURS / counts.sum()).astype(int)
    else:
        classes = np.arange(len(values))
    # A class may be empty, where one number has most of the images: the rest close up.
    classes = np.unique(classes, return_inverse=True)[1]
    groups = []
    of_value: list[int | None] = [None] * len(values)
    for number in range(classes.max() + 1):
        members = order[classes == number]
        low, high = values[members[0]], values[members[-1]]
        groups.append(low if numbers[members[0]] == numbers[members[-1]] else f"{low} – {high}")
        for member in members:
            of_value[member] = number
    return Colouring("sequence", groups, of_value)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
