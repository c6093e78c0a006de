"""Runs or published scores side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.errors import UserError
from drawsim.common.machine import cores

if TYPE_CHECKING:
    from drawsim.reporting.comparison.page import Findings
    from drawsim.reporting.comparison.results import Results
    from drawsim.reporting.comparison.searches import Search


def compare(
    out: Path,
    *,
    runs: Sequence[Path] = (),
    scores: Sequence[str] = (),
    wandb: str | None = None,
    reference: str | None = None,
) -> tuple[Findings, Path]:
    """What the comparison found, and the page of it, written with its tables and figures to `out`.

    The results are read from one of three: runs, folders of runs or of studies; scores, CSV files
    or patterns of their names; wandb, ENTITY/PROJECT/GROUP. reference: the model that the others
    are tested against; None: the baseline. Raises UserError where there is nothing to compare.
    """
    from drawsim.reporting.comparison import page
    from drawsim.reporting.comparison.searches import read_searches

    searches, notes = read_searches(runs)
    results = read(runs=runs, scores=scores, wandb=wandb, searches=searches)
    results.notes.extend(notes)
    found = page.compare(results, reference, searches)
    return found, page.write_comparison(found, out, workers=cores())


def read(
    *,
    runs: Sequence[Path] = (),
    scores: Sequence[str] = (),
    wandb: str | None = None,
    searches: Sequence[Search] = (),
) -> Results:
    """What is to be compared, from the one source that is given. searches: that runs are of."""
    from drawsim.reporting.comparison.results import combine, read_runs
    from drawsim.reporting.comparison.score_files import read_scores
    from drawsim.reporting.comparison.wandb_group import read_group

    if sum(bool(source) for source in (runs, scores, wandb)) != 1:
        raise UserError(
            "give one of runs='[DIR, …]', scores='[CSV, …]' and wandb=ENTITY/PROJECT/GROUP"
        )
    if runs:
        return read_runs(list(runs), searches)
    if scores:
        return read_scores(list(scores))
    assert wandb is not None
    return combine(*read_group(wandb))
