"""What runs jobs in other processes: one protocol, and what can become of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Job:
    """One run of several.

    number: from 0, in the order of the command line. folder: of the run. sent: a pickled function
    of no arguments. epochs: how many it trains, where that is known.
    """

    number: int
    folder: Path
    sent: bytes
    epochs: int | None = None


@dataclass(frozen=True)
class Lost:
    """The process of a job has ended before the job. begun: it may have begun by then."""

    why: str
    begun: bool = True


@dataclass(frozen=True)
class Refused:
    """The process can do no jobs of ours."""

    why: str


Outcome = Any
"""What the function of a job returned, or Lost, or Refused."""


class Engine(Protocol):
    """A way to run jobs side by side."""

    @property
    def described(self) -> str:
        """Where jobs run: `4 processes of joblib`."""

    def outcomes(self, jobs: Mapping[int, Job]) -> Iterator[tuple[int, Outcome]]:
        """What becomes of each job, as they end; all are given back, in whatever order.

        Raises UserError where there is nothing to run jobs on.
        """

    def cancel(self) -> None:
        """End all jobs that are under way, and their processes."""
