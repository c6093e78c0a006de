"""The step `trust`: a user agrees that images of a collection made by others lie outside of it."""

from __future__ import annotations

from pathlib import Path

from drawsim.collection.paths import SETTINGS, agree, listed_roots, spelt
from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError


def prepare_trust(source: Path, out: Path, workers: int) -> Summary:
    """Remember that the roots which a collection lists may be read, and name them.

    out, workers: not used, nothing is written into the collection. Raises UserError if there is no
    such folder, or if it lists no roots.
    """
    if not source.is_dir():
        raise UserError(f"source={source}: no such folder")
    roots = listed_roots(source)
    if not roots:
        raise UserError(f"{source / SETTINGS} lists no roots: there is nothing to agree to")
    agree(source, roots)
    summary = Summary(made={"roots agreed to": len(roots)})
    summary.notes += [f"images may lie in {spelt(root)}" for root in roots]
    return summary
