"""A scene graph: what a picture shows, before any hand has painted it.

Painter and child both work from the same scene. Lengths are in picture heights, so that a scene
spans x from 0 to its width and y from 0 (top) to 1 (bottom). Colours are RGB, 0 to 255.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from drawsim.collection.demo.geometry import Points, rotate

Colour = tuple[float, float, float]
Role = Literal["backdrop", "body", "feature", "detail"]
T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """One area or line of a scene; shapes later in a scene lie above earlier ones.

    role: "backdrop" fills the picture, "body" is a main part, "feature" is what even a small child
    would draw (eyes, doors, wheels), "detail" is what a small child leaves out. `group` numbers
    the motif; 0 is the setting. `weight` (0..1) is the motif's importance. `thickness` is 0 for a
    filled area, else the width of an open line. `fade` is the colour at the lower end of a
    vertical gradient. `grain` is the direction of brush strokes in radians. `solid` asks for
    light and shade, as on a ball.
    """

    points: Points
    colour: Colour
    role: Role
    group: int
    weight: float
    thickness: float = 0.0
    fade: Colour | None = None
    grain: float = 0.0
    solid: bool = False


@dataclass(frozen=True)
class Scene:
    """A picture's content: genre, title, width (in heights) and shapes from back to front."""

    genre: str
    title: str
    width: float
    shapes: tuple[Shape, ...]


def rgb(text: str) -> Colour:
    """The colour of a six-digit hexadecimal code.

    >>> rgb("ff8000")
    (255.0, 128.0, 0.0)
    """
    return (float(int(text[:2], 16)), float(int(text[2:4], 16)), float(int(text[4:], 16)))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour `a` with `share` (0..1) of `b` in it."""
    return (
        a[0] + share * (b[0] - a[0]),
        a[1] + share * (b[1] - a[1]),
        a[2] + share * (b[2] - a[2]),
    )


def choose(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


@dataclass(frozen=True)
class _Frame:
    """A motif's own coordinates: origin at (x, y), one unit = `size`, turned and mirrored."""

    x: float = 0.0
    y: float = 0.0
    size: float = 1.0
    turn: float = 0.0
    mirror: bool = False

    def place(self, outline: Points) -> Points:
        local = outline * np.array([-1.0, 1.0]) if self.mirror else outline
        return rotate(local, self.turn) * self.size + np.array([self.x, self.y])


class Sketch:
    """Collects the shapes of one scene; every random choice comes from its `rng`."""

    def __init__(self, rng: np.random.Generator, width: float) -> None:
        self.rng = rng
        self.width = width
        self.shapes: list[Shape] = []
        self._frames: list[_Frame] = []
        self._groups = 0
        self._weight = 0.0

    @contextmanager
    def motif(
        self,
        x: float = 0.0,
        y: float = 0.0,
        size: float = 1.0,
        *,
        weight: float = 0.5,
        turn: float = 0.0,
        mirror: bool = False,
    ) -> Iterator[None]:
        """Shapes made inside form one motif, in a frame with origin (x, y) and unit `size`.

        A motif inside a motif is a part of it: its frame is relative, its group and weight are the
        outer one's.
        """
        if not self._frames:
            self._groups += 1
            self._weight = weight
        self._frames.append(_Frame(x, y, size, turn, mirror))
        yield
        self._frames.pop()

    def area(
        self,
        points: Points,
        colour: Colour,
        role: Role = "body",
        *,
        fade: Colour | None = None,
        grain: float = 0.0,
        solid: bool = False,
    ) -> None:
        """Add a filled shape."""
        self._add(points, colour, role, 0.0, fade, grain, solid)

    def line(self, points: Points, colour: Colour, thickness: float, role: Role = "detail") -> None:
        """Add an open line; `thickness` is in the units of the current frame."""
        self._add(points, colour, role, thickness, None, 0.0, False)

    def shade(self, code: str, spread: float = 14.0) -> Colour:
        """A colour near the coded one: brightness and each channel vary by about `spread`."""
        level = self.rng.normal(0, spread)
        r, g, b = (
            float(np.clip(v + level + self.rng.normal(0, spread * 0.6), 0, 255)) for v in rgb(code)
        )
        return (r, g, b)

    def any_of(self, *codes: str) -> Colour:
        """A colour near one of the coded ones."""
        return self.shade(choose(self.rng, codes))

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly from low to high."""
        return float(self.rng.uniform(low, high))

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return bool(self.rng.random() < p)

    def count(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def _add(
        self,
        points: Points,
        colour: Colour,
        role: Role,
        thickness: float,
        fade: Colour | None,
        grain: float,
        solid: bool,
    ) -> None:
        for frame in reversed(self._frames):
            points = frame.place(points)
            thickness *= frame.size
        group = self._groups if self._frames else 0
        weight = self._weight if self._frames else 0.0
        self.shapes.append(
            Shape(points, colour, role, group, weight, thickness, fade, grain, solid)
        )


def second_version(scene: Scene, rng: np.random.Generator) -> Scene:
    """The same subject painted again: motifs a little elsewhere, in another light."""
    light = (float(rng.normal(128, 60)), float(rng.normal(118, 45)), float(rng.normal(110, 60)))
    share = float(rng.uniform(0.08, 0.2))
    groups = max((shape.group for shape in scene.shapes), default=0)
    shift = rng.normal(0, 0.012, (groups + 1, 2))
    shift[0] = 0.0
    shapes = tuple(
        replace(
            shape,
            points=shape.points + shift[shape.group],
            colour=mix(shape.colour, light, share),
            fade=None if shape.fade is None else mix(shape.fade, light, share),
        )
        for shape in scene.shapes
    )
    return replace(scene, title=f"{scene.title} (second version)", shapes=shapes)
