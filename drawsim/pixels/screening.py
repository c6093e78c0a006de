"""Images that cannot be used are found before any work is built on them, and dealt with openly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import pandas as pd

from drawsim.collection.kinds import KINDS
from drawsim.collection.problems import Problem, raise_problems
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError, nearest
from drawsim.pixels.looking import look_at_images

OnMissing = Literal["error", "skip"]


def screen(
    collection: Collection,
    drawings: Iterable[str],
    *,
    on_missing: OnMissing,
    max_pixels: int,
    workers: int,
) -> tuple[Collection, pd.DataFrame]:
    """Look at these drawings and every artwork; return what is left, and a table of the rest.

    The table has `kind`, `id`, `path` and `reason`. With on_missing="error", UserError lists the
    images instead.
    """
    if on_missing not in ("error", "skip"):
        raise UserError(f"data.on_missing={on_missing}: {nearest(on_missing, ('error', 'skip'))}")
    found: list[tuple[str, str, str, str]] = []
    for kind, paths in (
        ("drawing", collection.paths("drawing", drawings)),
        ("artwork", collection.paths("artwork")),
    ):
        looks = look_at_images(
            list(paths.values()),
            max_pixels=max_pixels,
            workers=workers,
            what=f"checking {kind}s",
        )
        found += [
            (kind, name, str(path), look.reason)
            for (name, path), look in zip(paths.items(), looks, strict=True)
            if look.reason
        ]
    skipped = pd.DataFrame(found, columns=["kind", "id", "path", "reason"])
    if on_missing == "error":
        cure = "mend or remove it, or leave such images out with data.on_missing=skip"
        raise_problems(
            f"{collection.root} has unusable images",
            [
                Problem(path, None, f"{kind} {name!r} {why}", cure)
                for kind, name, path, why in found
            ],
        )
    gone = {kind: skipped.loc[skipped["kind"] == kind, "id"].tolist() for kind in KINDS}
    return collection.without(gone["drawing"], gone["artwork"]), skipped
