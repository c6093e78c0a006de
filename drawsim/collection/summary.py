"""What a preparation step did: what it read, made and skipped, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from drawsim.common.words import of_one


@dataclass
class Summary:
    """The account of one step, for people.

    read, made: how many of what, e.g. {"files": 180_000}, {"drawings": 90_000}.
    skipped: how many for which reason, e.g. {"not an image": 12}.
    notes: sentences that ask for somebody's attention.
    files: what was written, whether it is new or as it was before.
    """

    read: dict[str, int] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def __str__(self) -> str:
        """What was made and skipped, what wants to be looked at, and the files, a line each."""
        lines = [
            f"{heading} {count:,} {of_one(what) if count == 1 else what}"
            for heading, counts in (("made", self.made), ("skipped", self.skipped))
            for what, count in counts.items()
        ]
        return "\n".join(
            [*lines, *(f"! {note}" for note in self.notes), *(f"→ {file}" for file in self.files)]
        )
