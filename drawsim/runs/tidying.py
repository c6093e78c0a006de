"""Remove runs that are of no use: those that failed, and those that were set aside."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.runs.folder import ASIDE
from drawsim.runs.listing import Listed, size_words, state_of, study_of
from drawsim.runs.lock import locked

USELESS = ("failed", "set aside")


def useless(runs: Sequence[Listed]) -> list[Listed]:
    """Those that failed or were set aside; what was interrupted or killed can be resumed."""
    return [run for run in runs if run.state in USELESS]


def agreed(runs: Sequence[Listed], *, sure: bool) -> bool:
    """Whether the user wants them removed; asks, unless sure. Nothing to remove: no.

    Raises UserError where nobody can be asked.
    """
    if not runs:
        print("nothing to remove: no run failed or was set aside")
        return False
    if sure:
        return True
    if not sys.stdin.isatty():
        raise UserError("nobody can be asked here; sure=true removes without asking")
    names = "\n  ".join(f"{run.name} ({run.state})" for run in runs)
    question = f"Remove {counted(len(runs), 'run')}, {size_words(runs)}?\n  {names}\n[y/N] "
    return input(question).strip().lower() in ("y", "yes")


def remove(runs: Sequence[Listed]) -> list[str]:
    """Remove them, and tell of each; one that was worked on meanwhile stays.

    A link is removed, and what it leads to is not; what lies behind the link of a study stays.
    """
    lines = []
    for run in runs:
        try:
            study = study_of(run.path)
            if study.is_symlink() or run.path.parent.is_symlink():
                raise UserError(f"lies behind a link; clean folder={study.resolve()}")
            with locked(run.path):
                if (state := state_of(run.path)) != run.state:  # asking may have taken long
                    raise UserError(f"{state} by now")
                if run.path.is_symlink():
                    run.path.unlink()
                else:
                    shutil.rmtree(run.path)
            lines.append(f"removed {run.path}")
        except (UserError, OSError) as error:
            lines.append(f"! {run.path}: stays ({error})")
        if run.path.parent.name == ASIDE and not any(run.path.parent.iterdir()):
            run.path.parent.rmdir()
    return lines
