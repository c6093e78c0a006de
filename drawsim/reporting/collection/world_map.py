"""The map of the world, each country in the shade of its count."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drawsim.common.words import counted
from drawsim.reporting.kit.figures import COLOURS, WIDTH, Drawn, Tips, drawn, mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as MatplotlibPath

CLASSES = 7  # shades that a reader can tell apart
KEY = 70  # units below the map for the key to its colours
DOT = 7  # units, the radius of a dot
FONT = 7.0  # points
LETTER = 16.5  # units that a digit of the key takes, about
FILE = Path(__file__).parent / "data" / "world.json"


@dataclass(frozen=True)
class Place:
    """A country or territory: its outlines and, where they are small or missing, a dot.

    Units and axes are those of the map: x to the right, y downwards from the upper left corner.
    A ring is x, y, x, y, …, not closed.
    """

    name: str
    rings: tuple[tuple[int, ...], ...]
    dot: tuple[int, int] | None


@dataclass(frozen=True)
class World:
    """The map: its size in units and its places by ISO 3166-1 alpha-3 code."""

    width: int
    height: int
    places: Mapping[str, Place]


@cache
def read_world() -> World:
    """The map that ships with the package; `scripts/make_world.py` makes it."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    places = {
        code: Place(
            place["name"],
            tuple(tuple(ring) for ring in place.get("rings", ())),
            tuple(place["dot"]) if "dot" in place else None,
        )
        for code, place in data["places"].items()
    }
    width, height = data["size"]
    return World(width, height, places)


@dataclass(frozen=True)
class Classes:
    """Counts in classes: the smallest count of each, rising; the last class ends at `top`."""

    starts: tuple[int, ...]
    top: int

    def of(self, count: int) -> int:
        """The number of the class that a count belongs to, from 0."""
        return bisect_right(self.starts, count) - 1

    @property
    def labels(self) -> list[str]:
        """Each class in words."""
        ends = [start - 1 for start in self.starts[1:]] + [self.top]
        pairs = zip(self.starts, ends, strict=True)
        return [f"{low:,}" if low == high else f"{low:,} – {high:,}" for low, high in pairs]


def classes_of(top: int) -> Classes:
    """Classes from 1 to `top` in even steps of ratio, the finest that need no more than CLASSES.

    They start at 1, 2, 5, 10, …, or at 1, 3, 10, …, or at powers of ten or of a hundred.

    >>> classes_of(2467).starts
    (1, 3, 10, 30, 100, 300, 1000)
    >>> classes_of(6).labels
    ['1', '2 – 4', '5 – 6']
    """
    for factors, decade in (((1, 2, 5), 10), ((1, 3), 10), ((1,), 10), ((1,), 100)):
        starts = [factor * decade**power for power in range(10) for factor in factors]
        starts = [start for start in starts if start <= max(top, 1)]
        if len(starts) <= CLASSES:
            break
    return Classes(tuple(starts), max(top, 1))


def map_figure(counts: Mapping[str, int]) -> Drawn:
    """The world with the number of drawings per ISO 3166-1 alpha-3 code, and a key below it."""
    world = read_world()
    found = {code: counts.get(code, 0) for code in world.places}
    classes = classes_of(max(found.values()))

    def plot(figure: Figure) -> Tips:
        from matplotlib.patches import Circle, PathPatch

        tips: Tips = {}
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, world.width), ylim=(world.height + KEY, 0))
        axes.set_axis_off()
        dots = []
        # Small counts last: where dots touch, the paler one lies on top.
        for code in sorted(found, key=lambda code: -found[code]):
            place, count = world.places[code], found[code]
            style = {"facecolor": _shade(classes, count), "edgecolor": COLOURS["page"]}
            tip = f"{place.name} ({code}): {counted(count, 'drawing') if count else 'none'}"
            if place.rings:
                patch = PathPatch(_outline(place), linewidth=0.35, **style)
                mark(axes.add_patch(patch), tips, tip)
            if place.dot and count:
                dots.append((Circle(place.dot, DOT, linewidth=0.5, **style), tip))
        for circle, tip in dots:
            mark(axes.add_patch(circle), tips, tip)
        _draw_key(axes, classes, world)
        return tips

    height = WIDTH * (world.height + KEY) / world.width
    return drawn("drawings_on_the_map", "Drawings on the map", (WIDTH, height), plot)


def _shade(classes: Classes, count: int) -> str:
    if not count:
        return COLOURS["tile"]
    # The darkest shade is always used, the lightest from two classes on.
    shades = np.linspace(CLASSES - 1, 0, len(classes.starts)).round().astype(int)[::-1]
    return COLOURS[f"m{shades[classes.of(count)]}"]


def _outline(place: Place) -> MatplotlibPath:
    from matplotlib.path import Path as MatplotlibPath

    rings = [np.reshape(ring + ring[:2], (-1, 2)) for ring in place.rings]
    paths = [MatplotlibPath(ring, closed=True) for ring in rings]
    return MatplotlibPath.make_compound_path(*paths)


def _draw_key(axes: Axes, classes: Classes, world: World) -> None:
    from matplotlib.patches import Rectangle

    side = 30.0
    y = world.height + 22.0
    style: dict[str, Any] = {"fontsize": FONT, "va": "center_baseline", "color": COLOURS["soft"]}
    axes.text(12, y + side / 2, "drawings", **style)
    x = 12 + LETTER * 10
    for count, label in ((0, "none"), *zip(classes.starts, classes.labels, strict=True)):
        axes.add_patch(Rectangle((x, y), side, side, facecolor=_shade(classes, count)))
        axes.text(x + side + 12, y + side / 2, label, **style)
        x += side + 50 + LETTER * len(label)
