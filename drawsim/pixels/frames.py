"""Frames around a picture that are no part of it: the scanner's bed, and a wide border of paper.

Found conservatively: what is not plainly a frame stays. A frame has one colour, and where it ends,
another begins along a straight line. So the plain paper around a sketch is none, for a sketch has
no straight edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import cv2
import numpy as np

Frames = Literal["none", "crop"]
FRAMES: tuple[Frames, ...] = get_args(Frames)
SIDE = 256
"""Pixels of the longer side at which frames are looked for."""
NEAR, FAR = 40, 48
"""Levels, in the channel that differs most: up to NEAR a pixel has the colour of the frame; from
FAR on it certainly has not."""
STRAIGHT = 1.5
"""Pixels that the end of a frame may lie beside a straight line."""
MARGIN = 0.01
"""Of a side, what is cut off behind the end of a frame: the shadow and the edge of the sheet."""
LEAST_SIDE = 16
"""Pixels of a side below which nothing is looked for."""


class Box(NamedTuple):
    """What is left of a picture, in its pixels: rows top to bottom, columns left to right."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Kind:
    """A kind of frame.

    sides: how many of the four must have it. least, most: its depth there, as a share of the
    picture's side. straight: the least share of a side along which its end lies on one line.
    darkest: the highest level of any channel that its colour may have.
    """

    sides: int
    least: float
    most: float
    straight: float
    darkest: int = 255


BED = Kind(sides=2, least=0.0, most=0.15, straight=0.6, darkest=70)
"""The dark bed of a scanner; the sheet may lie at one end of it, or a little askew."""
GROUND = Kind(sides=3, least=0.0, most=0.15, straight=0.6)
"""Another ground, of any colour, that the sheet was laid on."""
PAPER = Kind(sides=4, least=0.04, most=0.3, straight=0.6)
"""A border of paper around a picture that has straight edges itself."""


def crop(pixels: np.ndarray) -> np.ndarray:
    """A picture, (height, width, 3) uint8 RGB, without its frames; all of it if it has none."""
    box = inside(pixels)
    return pixels[box.top : box.bottom, box.left : box.right]


def inside(pixels: np.ndarray, kinds: Sequence[Kind] = (BED, GROUND, PAPER)) -> Box:
    """Where the picture is within its frames, which lie in each other in the order of the kinds."""
    height, width = pixels.shape[:2]
    scale = max(1.0, max(height, width) / SIDE)
    size = max(1, round(width / scale)), max(1, round(height / scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale > 1 else pixels
    box = Box(0, small.shape[0], 0, small.shape[1])
    for kind in kinds:
        box = _within(small, box, kind)
    down, across = height / small.shape[0], width / small.shape[1]
    rows, columns = [round(box.top * down), round(box.bottom * down)], [box.left, box.right]
    return Box(*rows, *(round(column * across) for column in columns))


def _within(image: np.ndarray, box: Box, kind: Kind) -> Box:
    """What is left of a box without a frame of a kind; the box itself if it has none."""
    part = image[box.top : box.bottom, box.left : box.right].astype(np.int16)
    if min(part.shape[:2]) < LEAST_SIDE:
        return box
    turned = part.transpose(1, 0, 2)
    sides = (part, part[::-1], turned, turned[::-1])
    colours = [np.median(side[0], axis=0) for side in sides]
    colours = [colour for colour in colours if colour.max() <= kind.darkest]
    if not colours:
        return box
    colour = np.median(np.stack(colours), axis=0)
    depths = [_depth(side, colour, kind) for side in sides]
    if sum(depth > 0 for depth in depths) < kind.sides:
        return box
    top, bottom, left, right = depths
    return Box(box.top + top, box.bottom - bottom, box.left + left, box.right - right)


def _depth(side: np.ndarray, colour: np.ndarray, kind: Kind) -> int:
    """Lines of a frame at the upper side of (h, w, 3) levels; 0 if it has none of this kind."""
    most = int(len(side) * kind.most)
    away = np.abs(side[: most + 4] - colour).max(axis=2)
    other = away > NEAR
    ends = np.where(other.any(axis=0), other.argmax(axis=0), len(away))
    slope, start = _line(ends)
    places = np.arange(len(ends))
    line = start + slope * places
    beyond = np.clip(ends + 2, 0, len(away) - 1)
    good = (np.abs(ends - line) <= STRAIGHT) & (away[beyond, places] >= FAR) & (ends > 0)
    depth = int(np.ceil(max(line[0], line[-1])))
    if good.mean() < kind.straight or not max(1, len(side) * kind.least) <= depth <= most:
        return 0
    return depth + 1 + round(len(side) * MARGIN)  # one line may be half frame, half picture


def _line(ends: np.ndarray) -> tuple[float, float]:
    """Slope and start of the line that most of the ends lie on, by medians."""
    third = max(1, len(ends) // 3)
    first, last = np.median(ends[:third]), np.median(ends[-third:])
    slope = float(last - first) / max(1, len(ends) - third)
    return slope, float(np.median(ends - slope * np.arange(len(ends))))
