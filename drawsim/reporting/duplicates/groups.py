"""Groups of near-identical images as pages show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drawsim.reporting.kit.thumbnails import Sheet, make_sheet

Image = tuple[str, str]
"""drawing or artwork, and its id."""

MEMBERS = 12  # images pictured of a group
SECTIONS = {
    "Drawings that look like an artwork": {"drawing", "artwork"},
    "Artworks that look the same": {"artwork"},
    "Drawings that look the same": {"drawing"},
}
"""Headings of pages, and the kinds of images in the groups below each."""


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


@dataclass(frozen=True)
class Section:
    """Groups of one sort, what is pictured of them, and a caption for each, or none at all."""

    heading: str
    groups: list[list[Image]]
    shown: list[list[Image]]
    captions: Sequence[str]


def in_order_of_sections(groups: Iterable[list[Image]]) -> list[list[Image]]:
    """Groups of one section together, in the order of the sections; larger ones first."""
    order = list(SECTIONS.values())
    return sorted(groups, key=lambda group: (order.index(_kinds(group)), -len(group)))


def sections(pictures: PicturedGroups, captions: Sequence[str] = ()) -> list[Section]:
    """Groups that are in the order of the sections, under their headings."""
    found = []
    for heading, kinds in SECTIONS.items():
        places = [n for n, group in enumerate(pictures.groups) if _kinds(group) == kinds]
        if places:
            here = slice(places[0], places[-1] + 1)
            shown = pictures.shown[here]
            found.append(Section(heading, pictures.groups[here], shown, captions[here]))
    return found


def _kinds(group: list[Image]) -> set[str]:
    return {kind for kind, _ in group}
