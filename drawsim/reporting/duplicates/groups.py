"""Groups of near-identical images as pages show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drawsim.reporting.kit.thumbnails import Sheet, make_sheet

Image = tuple[str, str]
"""drawing or artwork, and its id."""

MEMBERS = 12  # images pictured of a group


@dataclass(frozen=True)
class PicturedGroups:
    """All groups; of the first ones, the members that are pictured; their thumbnails."""

    groups: list[list[Image]]
    shown: list[list[Image]]
    sheet: Sheet
    symbol: Callable[[Image], str]


def picture_groups(
    groups: list[list[Image]], files: Mapping[Image, Path], most: int
) -> PicturedGroups:
    """Thumbnails of the first members of the first `most` groups."""
    shown = [group[:MEMBERS] for group in groups[:most]]
    sheet = make_sheet(files[image] for group in shown for image in group)
    return PicturedGroups(groups, shown, sheet, lambda image: sheet.symbol(files.get(image)))
