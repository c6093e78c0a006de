"""Rows that a step adds to a table that is not all its own: what people take out stays out.

What the table had of them when the step last ended is remembered in `.prepared/` in the
collection's folder, as `renewal` does for tables that a step makes whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.problems import Problems
from drawsim.preparing.rewriting import RECORDS, rewrite

Row = tuple[str, ...]


@dataclass(frozen=True)
class Entered:
    """The memory of such rows.

    root: the collection's folder. name: of the file in `.prepared`. columns: what a row is known
    by, and whatever else is to be remembered of it.
    """

    root: Path
    name: str
    columns: tuple[str, ...]

    def rows(self) -> list[Row]:
        """What is remembered; nothing if the step has not run before."""
        path = self.root / RECORDS / self.name
        if not path.is_file():
            return []
        table = read_csv(path, self.columns, Problems())
        return list(zip(*(table[name] for name in self.columns), strict=True))

    def taken_out(self, there: Iterable[Row]) -> list[Row]:
        """The remembered rows that the table has no more.

        A table without any of them was made anew elsewhere: then nothing was taken out.
        """
        rows, present = self.rows(), set(there)
        gone = [row for row in rows if row not in present]
        return gone if len(gone) < len(rows) else []

    def remember(self, rows: Iterable[Row]) -> None:
        """Remember these rows and no others."""
        ordered = sorted(set(rows))
        if ordered or (self.root / RECORDS / self.name).is_file():
            table = pd.DataFrame(ordered, columns=list(self.columns), dtype=str)
            rewrite(table, self.root / RECORDS / self.name)
