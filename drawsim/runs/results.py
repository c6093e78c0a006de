"""Where the results of evaluating a run lie."""

from __future__ import annotations

from pathlib import Path

from drawsim.common.errors import UserError

RUNS, RESULTS = Path("runs"), Path("evaluations")
"""Folders of the user's own runs, and of results of others, below the current one."""
CALIBRATION = "calibration.json"
"""How likely first results are true, among the results."""


def results_folder(run: Path) -> Path:
    """Where the results of a run go unless the user says: a folder that is no link to elsewhere.

    `evaluation/` in a run of the user's own, which lies below `runs/`; of another, which may be
    somebody's, `evaluations/STUDY/NAME`. Raises UserError if a link is in the place.
    """
    real = run.resolve()
    if real.is_relative_to(RUNS.resolve()):
        folder = real / "evaluation"
    else:
        folder = RESULTS / real.parent.name / real.name
    if any(part.is_symlink() for part in (folder, *folder.parents[:2])):
        raise UserError(f"{folder}: a link leads elsewhere from there; give out=DIR")
    return folder
