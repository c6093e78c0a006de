"""What is wrong in tables: told all at once, each with its place and its cure."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drawsim.common.errors import UserError

log = logging.getLogger(__name__)

SHOWN_PROBLEMS = 20
_said: set[str] = set()


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a table. `row` is the row as a spreadsheet counts it (header = 1)."""

    file: str
    row: int | None
    what: str
    cure: str

    def __str__(self) -> str:
        where = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.what} – {self.cure}"


class Problems(list[Problem]):
    """What is wrong in tables, and `notes`: what is no mistake, but people should know of.

    A note is about a table that is not written as drawsim writes them, and that can be read all the
    same, as one thing alone can be meant.
    """

    def __init__(self) -> None:
        super().__init__()
        self._notes: dict[Path, list[str]] = {}

    def note(self, path: Path, what: str) -> None:
        """Add to what is said of a table; each thing is said once."""
        notes = self._notes.setdefault(path, [])
        if what not in notes:
            notes.append(what)

    @property
    def notes(self) -> dict[Path, str]:
        """What is said of each table, in one line."""
        return {path: "; ".join(said) for path, said in self._notes.items()}


def raise_problems(heading: str, problems: Sequence[Problem]) -> None:
    """Raise one UserError that lists the problems, the first twenty in full; do nothing if none.

    Notes on tables are said in the log first, each once a process however often its table is read.
    """
    if isinstance(problems, Problems):
        for path, said in problems.notes.items():
            line = f"{path}: {said}"
            if line not in _said:
                log.info("%s", line)
            _said.add(line)
    if not problems:
        return
    lines = [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"  … and {len(problems) - SHOWN_PROBLEMS} more")
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    raise UserError(f"{heading}: {count}\n" + "\n".join(lines))
