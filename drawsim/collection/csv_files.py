"""CSV files that people bring or that drawsim writes, read and written: every cell a text.

drawsim writes RFC 4180 in UTF-8 with commas. What spreadsheets write besides is read too, where one
thing alone can be meant, and said: other separators and encodings (`dialects`, `encodings`), names
of columns in other capitals (`columns`), cells that are kept from running (`spreadsheets`).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from drawsim.collection.columns import offer, renamed, twice
from drawsim.collection.dialects import Dialect, dialect
from drawsim.collection.encodings import NotText, decode
from drawsim.collection.problems import Problem, Problems
from drawsim.collection.spreadsheets import IS_ONE, beside, guarded, told_as_text, unguarded
from drawsim.common.errors import brief
from drawsim.common.files import atomic
from drawsim.common.opening import CannotOpenError, read_regular

MOST_BYTES = 2 << 30
"""Of a table; that of a museum with half a million objects has 0.3 GB."""


def read_csv(
    path: Path, required: tuple[str, ...], problems: Problems, *, empty_rows: bool = False
) -> pd.DataFrame:
    """A table with every cell as text and row numbers as the index (header = 1).

    Cells that are not there are empty; rows with nothing in them are left out, unless empty_rows
    says that the place of a row counts. What keeps a
    spreadsheet from running cells (see `spreadsheets`) is taken off. Problems are appended to
    `problems`, with a note on what is not as drawsim writes it; of a table with problems the result
    is empty but has the required columns.
    """
    table = _read(path, required, problems, empty_rows)
    return pd.DataFrame(columns=list(required), dtype=str) if table is None else table


def _read(
    path: Path, required: tuple[str, ...], problems: Problems, empty_rows: bool
) -> pd.DataFrame | None:
    data = _bytes(path, required, problems)
    if data is None:
        return None
    text = decode(data)
    if isinstance(text, NotText):
        problems.append(Problem(path.name, text.row, text.what, text.cure))
        return None
    try:
        form = dialect(text.text, required)
        if isinstance(form, str):
            problems.append(Problem(path.name, 1, form, "save with one of them, such as commas"))
            return None
        table = _cells(form)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        what = f"not a CSV table: {str(error).strip()}"
        problems.append(Problem(path.name, None, what, "mend or re-export"))
        return None
    if not isinstance(table.index, pd.RangeIndex):  # pandas took the first cells for row names
        what = "more cells than the header has names"
        cure = "quote cells that contain the separator"
        problems.append(Problem(path.name, 2, what, cure))
        return None
    first = form.blank + 2
    table.index = pd.RangeIndex(first, len(table) + first)
    table = table.fillna("")
    rows = table if empty_rows else table[(table != "").any(axis=1)]
    named = _named(path, rows, form, required, problems)
    if named is None:
        return None
    formulas = ""
    if '="' in form.body:
        named, formulas = told_as_text(named)
    for said in (text.encoding, form.words, formulas):
        if said:
            problems.note(path, said)
    return unguarded(named)


def _bytes(path: Path, required: tuple[str, ...], problems: Problems) -> bytes | None:
    """The content of a regular file of bounded size, or None and a problem."""
    if not path.exists():
        cure = f"it must have the columns {', '.join(required)}" if required else "name another"
        if spreadsheets := beside(path.parent, path.stem.lower()):
            cure = f"{spreadsheets[0].name} beside it {IS_ONE}"
        problems.append(Problem(path.name, None, "missing", cure))
        return None
    try:
        return read_regular(path, MOST_BYTES)
    except CannotOpenError as error:
        cure = "check the file and its permissions"
        problems.append(Problem(path.name, None, error.reason, cure))
        return None


def _cells(form: Dialect) -> pd.DataFrame:
    """All rows below the header, named as it is, every cell a text or nan."""
    if not form.header:
        raise pd.errors.EmptyDataError("it is empty")
    table: pd.DataFrame = pd.read_csv(
        io.StringIO(form.body),
        sep=form.separator,
        header=0,
        names=list(range(len(form.header))),
        dtype=str,
        keep_default_na=False,
        skip_blank_lines=False,
    )
    return table


def _named(
    path: Path,
    table: pd.DataFrame,
    form: Dialect,
    required: tuple[str, ...],
    problems: Problems,
) -> pd.DataFrame | None:
    """The table with its columns' names as they are known; None and problems if these lack."""
    repeated = twice(form.header)
    problems += [
        Problem(
            path.name, 1, f"columns {places} are both {brief(name)}", "keep or rename one of them"
        )
        for name, places in repeated
    ]
    if repeated:
        return None
    names = renamed(form.header)
    filled = {n: bool((table[n] != "").any()) for n in range(len(form.header))}
    own = {n: names[name] if name.strip() else f"Unnamed: {n}" for n, name in enumerate(names)}
    table = table[[n for n in own if form.header[n].strip() or filled[n]]].rename(columns=own)
    if "uid" in table.columns:  # the thesis's tables: `uid` is the id, `id` a running number
        table = table.rename(columns={"id": "number", "uid": "id"})
    missing = [name for name in required if name not in table.columns]
    if missing:
        what = f"no column {', '.join(missing)}"
        problems.append(Problem(path.name, 1, what, offer(missing, form.header)))
        return None
    if other := [f"{brief(name)} is {known}" for name, known in names.items() if name != known]:
        problems.note(path, f"{'column' if len(other) == 1 else 'columns'} {', '.join(other)}")
    return table


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index as UTF-8 CSV, atomically; `read_csv` gives it back.

    Truth values are written as true and false; no spreadsheet runs a cell as a formula.
    """
    with atomic(path) as temporary:
        guarded(with_words(table)).to_csv(temporary, index=False, lineterminator="\n")


def with_words(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its truth values as words, true and false."""
    truths = table.select_dtypes(bool).columns
    return table.assign(**{c: table[c].map({True: "true", False: "false"}) for c in truths})
