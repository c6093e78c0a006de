"""CSV files of a collection, read and written: RFC 4180, UTF-8, every cell a text."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from drawsim.collection.problems import Problem
from drawsim.collection.spreadsheets import guarded, unguarded
from drawsim.common.files import atomic


def read_csv(path: Path, required: tuple[str, ...], problems: list[Problem]) -> pd.DataFrame:
    """A CSV (RFC 4180, UTF-8, a BOM is fine) with every cell as text and row numbers as the index.

    Cells that are not there are empty; rows with nothing in them are left out. What keeps a
    spreadsheet from running cells (see `spreadsheets`) is taken off. Problems are appended to
    `problems`; the table is then empty but has the required columns.
    """
    empty = pd.DataFrame(columns=list(required), dtype=str)
    if not path.is_file():
        problems.append(
            Problem(path.name, None, "missing", f"it must have the columns {', '.join(required)}")
        )
        return empty
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header = text.partition("\n")[0]
        for mark, name in ((";", "semicolons"), ("\t", "tabs")):
            if mark in header and "," not in header:
                problems.append(Problem(path.name, 1, f"separated by {name}", "save with commas"))
                return empty
        table = pd.read_csv(
            io.StringIO(text), dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        problems.append(Problem(path.name, row, "not UTF-8", "save the table as UTF-8"))
        return empty
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        problems.append(Problem(path.name, None, what, "check the file and its permissions"))
        return empty
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        what = f"not a CSV table: {str(error).strip()}"
        problems.append(Problem(path.name, None, what, "mend or re-export"))
        return empty
    if not isinstance(table.index, pd.RangeIndex):  # pandas took the first cells for row names
        what = "more cells than the header has names"
        problems.append(Problem(path.name, 2, what, "quote cells that contain commas"))
        return empty
    table.index = pd.RangeIndex(2, len(table) + 2)
    table = table.fillna("")
    table = table[(table != "").any(axis=1)]
    if "uid" in table.columns:  # the thesis's tables: `uid` is the id, `id` a running number
        table = table.rename(columns={"id": "number", "uid": "id"})
    missing = [name for name in required if name not in table.columns]
    if missing:
        cure = f"found {', '.join(table.columns)}"
        problems.append(Problem(path.name, 1, f"no column {', '.join(missing)}", cure))
        return empty
    return unguarded(table)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index as UTF-8 CSV, atomically; `read_csv` gives it back.

    Truth values are written as true and false; no spreadsheet runs a cell as a formula.
    """
    truths = table.select_dtypes(bool).columns
    table = table.assign(**{c: table[c].map({True: "true", False: "false"}) for c in truths})
    with atomic(path) as temporary:
        guarded(table).to_csv(temporary, index=False, lineterminator="\n")
