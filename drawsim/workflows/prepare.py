"""One step of making a collection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.building import PARTIAL, build
from drawsim.common.errors import UserError
from drawsim.common.machine import cores

if TYPE_CHECKING:
    from drawsim.collection.summary import Summary


def prepare(
    step: Mapping[str, Any], source: Path | str, out: Path | str, workers: int | None = None
) -> Summary:
    """Run a step and return what it read, made and skipped.

    step: settings as in `conf/step`. source: what it reads. out: the collection that it writes
    into. workers: processes or threads that share the work; None: one a core. Raises UserError for
    settings that the step does not take, and as the step does.
    """
    if workers is not None and workers < 1:
        raise UserError(f"workers={workers}: must be 1 or more, or null for one a core")
    run = build(
        {**step, PARTIAL: True},
        source=Path(source),
        out=Path(out),
        workers=cores() if workers is None else workers,
    )
    done: Summary = run()
    return done
