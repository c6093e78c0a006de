"""What a run decided: which stages of ranking its model keeps, and on what drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LARGEST = 1e15
"""Figures beyond it are none."""


@dataclass(frozen=True)
class Decided:
    """A stage, whether it is kept, and the figures: mean reciprocal ranks with and without it.

    low, high: 95 % interval of the difference. None where there is nothing to say.
    """

    stage: str
    kept: bool
    without: float | None
    with_it: float | None
    low: float | None
    high: float | None
    queries: int
    judged_on: str
    why: str

    @property
    def difference(self) -> float | None:
        """What the stage adds."""
        return None if self.without is None or self.with_it is None else self.with_it - self.without

    @property
    def line(self) -> str:
        """All of it, for the terminal."""
        parts = [f"{self.stage}: {'kept' if self.kept else 'off'}"]
        if self.difference is not None:
            interval = "" if self.low is None else f", 95 % {self.low:+.3f} to {self.high:+.3f}"
            parts.append(
                f"MRR {self.without:.3f} → {self.with_it:.3f} ({self.difference:+.3f}{interval})"
            )
        if self.queries:
            parts.append(f"on {self.queries} drawings of {self.judged_on}")
        return ", ".join(parts) + (f"; {self.why}" if self.why else "")


def decisions(record: Mapping[str, Any]) -> list[Decided]:
    """Those of a `metrics.json`, in the order in which they were made; what is none is left out."""
    listed = record.get("decisions")
    entries = listed if isinstance(listed, list) else []
    return [_decided(entry) for entry in entries if isinstance(entry, Mapping) and "stage" in entry]


def _decided(entry: Mapping[str, Any]) -> Decided:
    def number(key: str) -> float | None:
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if abs(value) < LARGEST else None

    queries, low, high = number("queries"), number("low"), number("high")
    return Decided(
        str(entry["stage"]),
        entry.get("kept") is not False,
        number("without"),
        number("with"),
        low if high is not None else None,
        high if low is not None else None,
        int(queries) if queries is not None else 0,
        str(entry.get("judged_on", "")),
        str(entry.get("why", "")),
    )
