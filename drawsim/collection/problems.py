"""What is wrong in tables: told all at once, each with its place and its cure."""

from __future__ import annotations

from dataclasses import dataclass

from drawsim.common.errors import UserError

SHOWN_PROBLEMS = 20


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


def raise_problems(heading: str, problems: list[Problem]) -> None:
    """Raise one UserError that lists the problems, the first twenty in full; do nothing if none."""
    if not problems:
        return
    lines = [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"  … and {len(problems) - SHOWN_PROBLEMS} more")
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    raise UserError(f"{heading}: {count}\n" + "\n".join(lines))
