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

IN_PLACE = "in_place"
"""Of the settings of a step: without `out`, it works in the collection that it reads."""
ADDRESSES = "addresses"
"""Of the settings of a step: its source may be an address of the web."""


def prepare(
    step: Mapping[str, Any],
    source: Path | str,
    out: Path | str | None = None,
    workers: int | None = None,
) -> Summary:
    """Run a step and return what it read, made and skipped.

    step: settings as in `conf/step`; `in_place` says that it may work in the collection that it
    reads, `addresses` that its source may be an address. source: what it reads. out: the collection
    that it writes into; None: the source, of steps in place. workers: processes or threads that
    share the work; None: one a core. Raises UserError for settings that the step does not take,
    without `out` where it is needed, and as the step does.
    """
    own = dict(step)
    takes_addresses = own.pop(ADDRESSES, False)
    if "://" in str(source) and not takes_addresses:
        raise UserError(
            f"source={source}: step={own['name']} reads files; step=iiif reads addresses"
        )
    if not own.pop(IN_PLACE, False) and out is None:
        raise UserError(
            f"out must be given: the folder of the collection, out=COLLECTION (out={source} "
            "writes its tables beside what is read)"
        )
    if workers is not None and workers < 1:
        raise UserError(f"workers={workers}: must be 1 or more, or null for one a core")
    run = build(
        {**own, PARTIAL: True},
        source=str(source) if takes_addresses else Path(source),
        out=Path(source if out is None else out),
        workers=cores() if workers is None else workers,
    )
    done: Summary = run()
    return done
