"""What makes the scores of a run look better than they are: the same picture in two places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawsim.common.words import counted, first_of

if TYPE_CHECKING:
    import pandas as pd

    from drawsim.collection.tables import Collection


def look_alikes(
    collection: Collection, split: pd.DataFrame, name: str, *, max_pixels: int, workers: int
) -> list[str]:
    """Lines on drawings that are artworks, or nearly, and on what looks alike across sets.

    Style copies are no drawings here. Images that were looked at before, as `screening` does, are
    not decoded again: then 100,000 images take seconds.
    """
    from drawsim.pixels.duplicates import DISTANCE
    from drawsim.retrieval.analysis.duplicates import across_sets, find_duplicates

    images = {
        **{("drawing", one): path for one, path in collection.paths("drawing").items()},
        **{("artwork", one): path for one, path in collection.paths("artwork").items()},
    }
    pairs = find_duplicates(images, distance=DISTANCE, workers=workers, max_pixels=max_pixels)
    alike = pairs["first_kind"] == pairs["second_kind"]
    lines = []
    if len(copies := pairs[~alike]):
        number = copies["first"].nunique()
        lines.append(
            f"{counted(number, 'drawing is', 'drawings are')} the same picture as an "
            f"artwork, or nearly: {_shown(copies, '{first!r} is {second!r}')}. Such a drawing is "
            "found without having learnt anything, and scores look better than they are: take it "
            "out of drawings.csv and pairs.csv (prepare step=check shows them all)"
        )
    originals = split[split["drawing_id"] == split["parent"]]
    if len(apart := across_sets(name, originals, pairs[alike])):
        one = "{first_kind} {first!r} ({first_set}) and {second!r} ({second_set})"
        lines.append(
            f"{counted(len(apart), 'pair of images looks', 'pairs of images look')} the same and "
            f"{'is' if len(apart) == 1 else 'are'} in different sets of split {name}: "
            f"{_shown(apart, one)}. What is learnt from one is measured on the other: take one "
            "of each out (prepare step=splits lists them all)"
        )
    return lines


def _shown(rows: pd.DataFrame, words: str) -> str:
    columns = zip(*(rows[name] for name in rows.columns), strict=True)
    return first_of([words.format(**dict(zip(rows.columns, row, strict=True))) for row in columns])
