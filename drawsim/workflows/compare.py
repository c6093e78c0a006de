"""Runs or published scores side by side."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from drawsim.common.errors import UserError
from drawsim.common.machine import cores

if TYPE_CHECKING:
    from drawsim.reporting.comparison.page import Findings
    from drawsim.reporting.comparison.results import Results
    from drawsim.reporting.comparison.searches import Search

log = logging.getLogger("drawsim.compare")


def compare(
    out: Path,
    *,
    runs: Sequence[Path] = (),
    scores: Sequence[str] = (),
    wandb: str | None = None,
    reference: str | None = None,
    archive: Path | None = None,
) -> tuple[Findings, Path]:
    """What the comparison found, and the page of it, written with its tables and figures to `out`.

    The results are read from one of three: runs, folders of runs or of studies, or the archive of a
    study; scores, CSV files
    or patterns of their names; wandb, ENTITY/PROJECT/GROUP. reference: the model that the others
    are tested against; None: the baseline, of an archive what it was made with. archive: the file
    that gets the comparison and what it was made from. Raises UserError where there is nothing to
    compare.
    """
    from drawsim.reporting.comparison import page
    from drawsim.reporting.comparison.searches import read_searches
    from drawsim.reporting.comparison.study_writing import check_archive

    if any(one.is_file() for one in runs):
        return _reopened(out, runs, reference=reference, archive=archive)
    searches, notes = read_searches(runs)
    results = read(runs=runs, scores=scores, wandb=wandb, searches=searches)
    results.notes.extend(notes)
    if archive is not None:
        check_archive(archive, results)  # tests may take long
    found = page.compare(results, reference, searches)
    return found, page.write_comparison(found, out, workers=cores(), archive=archive)


def _reopened(
    out: Path, runs: Sequence[Path], *, reference: str | None, archive: Path | None
) -> tuple[Findings, Path]:
    """The comparison of an archive, made again from what it holds."""
    from drawsim.reporting.comparison import page
    from drawsim.reporting.comparison.study_reading import read_study
    from drawsim.reporting.comparison.study_writing import check_archive

    if len(runs) > 1:
        raise UserError(f"runs: an archive is compared alone; give runs={runs[0]}")
    with TemporaryDirectory(prefix="drawsim-") as temporary:
        study = read_study(runs[0], Path(temporary))
        log.info("%s: %d files, each as its manifest says", runs[0], study.files)
        if archive is not None:
            check_archive(archive, study.results)
        found = page.compare(study.results, reference or study.reference)
        written = page.write_comparison(found, out, workers=cores(), archive=archive)
    if (out / "table.csv").read_bytes() != study.table:
        found.notes.append(
            f"{runs[0]} holds another table.csv than its runs come to here: it was made by another "
            "version, or changed."
        )
    return found, written


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
