"""What an export changes, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from drawsim.collection.grades import CONFIRMED, Grade

SHOWN = 40
"""Changed rows of a kind that an account lists."""

What = Literal["added", "confirmed", "rejected", "withdrawn"]
SIGNS: dict[What, str] = {"added": "+", "confirmed": "~", "rejected": "-", "withdrawn": "-"}
Key = tuple[str, str]
"""Ids of an original drawing and of an artwork."""


@dataclass(frozen=True)
class Change:
    """A row of pairs.csv that is not as it was.

    added: it was not listed. confirmed: it was false and is true. rejected: it was true and is
    false. withdrawn: an earlier export had it, and nobody's grade stands behind it any more.
    """

    what: What
    drawing_id: str
    artwork_id: str
    pair: bool
    grade: str
    annotator: str

    def __str__(self) -> str:
        pair = "true" if self.pair else "false"
        parts = (self.drawing_id, self.artwork_id, pair, self.grade, self.annotator)
        return "  ".join(filter(None, (SIGNS[self.what], *parts)))


@dataclass(frozen=True)
class Account:
    """What an export changes in pairs.csv, for people.

    kept: rows that are true or false as before; graded: how many of these have a grade now.
    left_out: judged pairs whose images the collection no longer lists. contradicted: true pairs,
    and who answered "none of these" where they belong. tagged: drawings with a tag or a name.
    not_told: groups with a name or tags that the export does not know. linked: of each grade that
    links a drawing and an artwork and makes no pair true, how many pairs have it. confirming: the
    grades that do. files: what was written.
    """

    changes: tuple[Change, ...]
    kept: int
    graded: int
    unmatched: int
    left_out: tuple[Key, ...]
    contradicted: tuple[tuple[str, str, str], ...]
    files: tuple[Path, ...]
    tagged: int = 0
    not_told: int = 0
    linked: Mapping[Grade, int] = field(default_factory=dict)
    confirming: tuple[Grade, ...] = CONFIRMED

    @property
    def lines(self) -> list[str]:
        """The changes like a diff: + added, ~ confirmed, - rejected or withdrawn; ! is a true pair
        that somebody found none for; then the sums."""
        lines = []
        counts = Counter(change.what for change in self.changes)
        for what in SIGNS:
            some = [str(change) for change in self.changes if change.what == what]
            lines += some[:SHOWN]
            if len(some) > SHOWN:
                lines.append(f"{SIGNS[what]}  … and {len(some) - SHOWN} more {what}")
        for drawing, artwork, who in self.contradicted[:SHOWN]:
            lines.append(f"!  {drawing}  {artwork}  true  none of these: {who}")
        if len(self.contradicted) > SHOWN:
            lines.append(f"!  … and {len(self.contradicted) - SHOWN} more with none of these")
        sums = [f"{counts[what]} {what}" for what in SIGNS if counts[what] or what != "withdrawn"]
        true = sum(change.pair for change in self.changes if change.what == "added")
        sums[0] += f" ({true} true)" if counts["added"] else ""
        lines.append(f"pairs: {', '.join(sums)}, {self.kept} kept ({self.graded} with a grade)")
        if self.linked:
            lines.append(self._not_true())
        lines.append(f"drawings without a match: {self.unmatched}")
        if self.tagged:
            lines.append(f"drawings with a tag or a name: {self.tagged}")
        if self.not_told:
            lines.append(
                f"left out: names and tags of {self.not_told} groups; say with motifs=FOLDER where "
                "the groups are that they were given to"
            )
        if self.contradicted:
            lines.append(
                f"true pairs that somebody found none for: {len(self.contradicted)} (none_by in "
                "pairs.csv says who); they stay true until their grade says otherwise"
            )
        if self.left_out:
            drawing, artwork = self.left_out[0]
            lines.append(
                f"left out, since the collection does not list their images: {len(self.left_out)} "
                f"judged pairs, e.g. {drawing!r} with {artwork!r}"
            )
        return lines + [f"written: {file}" for file in self.files]

    def _not_true(self) -> str:
        """What belongs together and is false in pairs.csv, and the setting that decides it."""
        some = ", ".join(f"{count:,} {grade}" for grade, count in self.linked.items())
        true = f"confirmed='[{', '.join(self.confirming)}]'"
        return f"linked, but pair=false: {some}; only grades in {true} make a pair true"

    def __str__(self) -> str:
        return "\n".join(self.lines)
