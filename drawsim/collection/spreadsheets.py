"""Spreadsheets that lie where a table is looked for, and CSV files that people open in one.

What a spreadsheet's program keeps is not read, and said. Of CSV files, cells that would run as
formulas are kept from it: a cell that begins with a formula's sign gets an apostrophe in front,
which a spreadsheet takes for "this is text" (OWASP, "CSV injection"). So does one that has such an
apostrophe already: taking one away then gives back exactly what was there. Numbers stay as is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from drawsim.common.words import counted

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
"""Endings of files that programs keep tables in, and only they can read rightly."""
SAVE_AS = "save it as CSV UTF-8 from there"
IS_ONE = f"is a spreadsheet, which is not read; {SAVE_AS}"
_SIGNS = r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"  # the last four: = + - @ of full width
_FORMULA = re.compile(rf"'*{_SIGNS}")
_GUARDED = re.compile(rf"'+{_SIGNS}")
_TOLD = re.compile(r'="((?:[^"]|"")*)"')
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def beside(folder: Path, stem: str = "") -> list[Path]:
    """The spreadsheets in a folder, all of them or those called like a table without its ending."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.suffix.lower() in SPREADSHEETS)
    return sorted(path for path in found if path.stem.lower() == stem or not stem)


def guard(cell: str) -> str:
    """A cell as text that no spreadsheet takes for a formula.

    >>> guard("=1+1"), guard("'=1+1"), guard("-0.5"), guard("a=b")
    ("'=1+1", "''=1+1", '-0.5', 'a=b')
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def unguard(cell: str) -> str:
    """What `guard` was given.

    >>> unguard("'=1+1"), unguard("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if _GUARDED.match(cell) else cell


def guarded(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every text cell guarded."""
    return _each_text(table, _FORMULA, guard)


def unguarded(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the guard taken from every text cell."""
    return _each_text(table, _GUARDED, unguard)


def told_as_text(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The table with `="007"`, a formula that gives a text, as that text; and a note if there was.

    Programs write it so that a spreadsheet keeps the zeros of an id.
    """
    many = sum(int(table[name].str.fullmatch(_TOLD).sum()) for name in table.columns)
    if not many:
        return table, ""
    plain = table.apply(lambda cells: cells.map(_plain))
    cells = counted(many, "cell is a formula", "cells are formulas")
    return plain, f'{cells} of a text (="…"), read as the text'


def _plain(cell: str) -> str:
    found = _TOLD.fullmatch(cell)
    return found[1].replace('""', '"') if found else cell


def _each_text(
    table: pd.DataFrame, wanted: re.Pattern[str], change: Callable[[str], str]
) -> pd.DataFrame:
    """Change the texts of the columns in which any text begins as wanted."""
    changed: dict[str, pd.Series[str]] = {}
    for name in table.columns:
        cells = table[name]
        if any(isinstance(cell, str) and wanted.match(cell) for cell in cells.to_numpy()):
            changed[str(name)] = cells.map(
                lambda cell: change(cell) if isinstance(cell, str) else cell
            )
    return table.assign(**changed)
