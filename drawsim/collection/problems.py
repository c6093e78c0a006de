"""What is wrong in tables: told all at once, each with its place and its cure."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drawsim.common.errors import UserError
from drawsim.common.words import counted, head

log = logging.getLogger(__name__)

SHOWN_PROBLEMS = 20
_said: set[tuple[Path, str]] = set()


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

    def each_note(self) -> dict[Path, list[str]]:
        """What is said of each table, one by one."""
        return self._notes

    @property
    def notes(self) -> dict[Path, str]:
        """What is said of each table, in one line."""
        return {path: "; ".join(said) for path, said in self._notes.items()}


def raise_problems(heading: str, problems: Sequence[Problem]) -> None:
    """Raise one UserError that lists the problems, the first twenty in full; do nothing if none.

    Notes on tables are said in the log first, each once a process however often, and for whatever,
    its table is read.
    """
    if isinstance(problems, Problems):
        _say(problems)
    if not problems:
        return
    lines = [f"  {line}" for line in head(list(map(str, problems)), most=SHOWN_PROBLEMS)]
    raise UserError(f"{heading}: {counted(len(problems), 'problem')}\n" + "\n".join(lines))


def _say(problems: Problems) -> None:
    for path, notes in problems.each_note().items():
        file = path.resolve()
        if new := [said for said in notes if (file, said) not in _said]:
            log.info("%s: %s", path, "; ".join(new))
            _said.update((file, said) for said in new)
