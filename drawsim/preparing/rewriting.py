"""Tables that a step writes again: the same stays as it is, and what people added is never lost."""

from __future__ import annotations

import filecmp
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv, write_csv
from drawsim.collection.problems import Problem, Problems
from drawsim.collection.truth import truths

RECORDS = ".prepared"
"""The folder of a collection in which steps remember what they wrote."""


def rewrite(table: pd.DataFrame, path: Path) -> bool:
    """Write a table as `write_csv` does, unless the file says the same already; whether it did."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        write_csv(table, fresh)
        if path.is_file() and filecmp.cmp(fresh, path, shallow=False):
            return False
        fresh.replace(path)
        return True
    finally:
        fresh.unlink(missing_ok=True)


def would_lose(path: Path, source: pd.DataFrame, keys: tuple[str, ...]) -> list[Problem]:
    """What a file, if it is there, has and its source has not: columns, and rows by their keys."""
    if not path.is_file():
        return []
    problems = Problems()
    old = read_csv(path, keys, problems)
    if problems:
        return problems
    cure = "add it to the source, move the file away, or choose another out"
    problems += [
        Problem(path.name, 1, f"column {name} would be lost", cure)
        for name in old.columns
        if name not in source.columns
    ]
    known = set(_keys(source, keys))
    problems += [
        Problem(path.name, int(row), f"{', '.join(key)} would be lost", cure)
        for row, key in zip(old.index, _keys(old, keys), strict=True)
        if key not in known
    ]
    return problems


def _keys(table: pd.DataFrame, keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    columns = [table[name].astype(str) for name in keys]
    if "pair" in keys:  # in whatever words
        cells = columns[keys.index("pair")]
        meant = truths(cells).map({True: "true", False: "false"})
        columns[keys.index("pair")] = meant.where(meant.notna(), cells)
    return list(zip(*columns, strict=True))
