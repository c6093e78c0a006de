"""Which part of a drawing matches which part of an artwork, as one picture."""

from __future__ import annotations

import colorsys
import math

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from drawsim.common.palette import PAPER
from drawsim.common.words import counted
from drawsim.reporting.kit.fonts import base_font
from drawsim.retrieval.reranking.spatial import Placement

HEIGHT = 420  # pixels of both pictures
WIDEST = 640  # of either
GAP = 90
MARGIN = 22
LETTERS = 16  # pixels, the size of the caption's letters
FINE = 3  # drawn so many times larger, then made small: smooth lines

PAGE, INK, FRAME = PAPER["page"], PAPER["ink"], PAPER["frame"]
SHADED = 0.5  # how much paper lies over what is outside the drawing's frame
DOT = 5.5  # pixels, the radius of a mark
LINKED = 28  # pairs of marks with a line, those of the highest similarity
LINE = 150  # opacity of a line, of 255

Point = tuple[float, float]


def overlay(drawing: Image.Image, artwork: Image.Image, placement: Placement | None) -> Image.Image:
    """The drawing and the artwork side by side, the patches that agree marked and linked.

    A patch has one colour in both pictures. The drawing's frame is drawn where it lies in the
    artwork, its upper left corner filled in both; what is outside is pale. Below are the numbers.
    """
    left, right = _sized(drawing), _sized(artwork)
    height = max(left.height, right.height)
    width = left.width + right.width + (GAP + 2 * MARGIN) * FINE
    page = Image.new("RGB", (width, height + (2 * MARGIN + 2 * LETTERS) * FINE), PAGE)
    at_left = (MARGIN * FINE, MARGIN * FINE + (height - left.height) // 2)
    at_right = (
        width - MARGIN * FINE - right.width,
        MARGIN * FINE + (height - right.height) // 2,
    )
    if placement is not None:
        whole = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        left, right = _framed(left, whole), _framed(right, placement.frame())
    page.paste(left, at_left)
    page.paste(right, at_right)
    if placement is not None:
        _link(
            page,
            _points(placement.drawing, at_left, left.size),
            _points(placement.artwork, at_right, right.size),
            placement,
        )
    font = ImageFont.truetype(base_font(), LETTERS * FINE)
    below = height + (MARGIN + LETTERS * 0.9) * FINE
    ImageDraw.Draw(page).text((MARGIN * FINE, below), caption(placement), INK, font)
    return page.reduce(FINE)


def caption(placement: Placement | None) -> str:
    """The numbers of a placement in words; shifts are those of the drawing's middle.

    >>> caption(None)
    'No common layout: the matched patches agree on no scale and shift'
    """
    if placement is None:
        return "No common layout: the matched patches agree on no scale and shift"
    x, y = placement.frame().mean(dim=0).tolist()
    return "  ·  ".join(
        [
            f"{len(placement.drawing)} of {counted(placement.matches, 'patch pair')} agree",
            f"scale {placement.scale:.2f}",
            f"shift {_toward(x - 0.5, 'left', 'right')}, {_toward(y - 0.5, 'up', 'down')}",
            "mirrored" if placement.mirrored else "not mirrored",
        ]
    )


def _toward(share: float, below: str, above: str) -> str:
    """
    >>> _toward(-0.12, "left", "right"), _toward(0.001, "up", "down")
    ('12 % left', '0 % down')
    """
    return f"{abs(share):.0%}".replace("%", " %") + f" {below if share < 0 else above}"


def _sized(picture: Image.Image) -> Image.Image:
    """The picture at the common height, or lower if it would be too wide, FINE times as large."""
    scale = min(HEIGHT / picture.height, WIDEST / picture.width) * FINE
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _points(positions: Tensor, corner: tuple[int, int], size: tuple[int, int]) -> list[Point]:
    """Positions in a picture as points of the page on which it stands at `corner`."""
    return [
        (corner[0] + x * size[0], corner[1] + y * size[1]) for x, y in positions.double().tolist()
    ]


def _framed(picture: Image.Image, frame: Tensor) -> Image.Image:
    """The picture with the drawing's frame, (4, 2), as far as it is inside, and the rest pale."""
    corners = _points(frame, (0, 0), picture.size)
    veil = Image.new("L", picture.size, round(255 * SHADED))
    ImageDraw.Draw(veil).polygon(corners, fill=0)
    framed = Image.composite(Image.new("RGB", picture.size, PAGE), picture, veil)
    pen = ImageDraw.Draw(framed)
    first, right, _, down = corners
    for colour, wide in ((PAGE, 5), (FRAME, 2.4)):
        pen.line([*corners, first], colour, round(wide * FINE), joint="curve")
    # A triangle in the corner shows which way round the drawing lies.
    reach = 0.06 * min(math.dist(first, right), math.dist(first, down))
    ends = [
        (first[0] + (end[0] - first[0]) * share, first[1] + (end[1] - first[1]) * share)
        for end in (right, down)
        for share in [reach / math.dist(first, end)]
    ]
    pen.polygon([first, *ends], fill=FRAME)
    return framed


def _link(page: Image.Image, left: list[Point], right: list[Point], placement: Placement) -> None:
    """Mark the patches in both pictures, and draw curves between the most similar."""
    colours = [_colour(x, y) for x, y in placement.drawing.double().tolist()]
    best = torch.argsort(placement.similarity, descending=True, stable=True)[:LINKED].tolist()
    lines = Image.new("RGBA", page.size)
    pen = ImageDraw.Draw(lines)
    for i in best:
        pen.line(_curve(left[i], right[i]), (*colours[i], LINE), round(1.7 * FINE), joint="curve")
    page.paste(lines, mask=lines)
    pen = ImageDraw.Draw(page)
    for start, end, colour in zip(left, right, colours, strict=True):
        for x, y in (start, end):
            for radius, fill in ((DOT + 1.4, (255, 255, 255)), (DOT, colour)):
                r = radius * FINE
                pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _curve(start: Point, end: Point, steps: int = 40) -> list[Point]:
    """A line that leaves and arrives level: a cubic Bézier with its inner points halfway."""
    middle = (start[0] + end[0]) / 2
    points = []
    for i in range(steps + 1):
        t = i / steps
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
        x = a * start[0] + (b + c) * middle + d * end[0]
        points.append((x, (a + b) * start[1] + (c + d) * end[1]))
    return points


def _colour(x: float, y: float) -> tuple[int, int, int]:
    """A colour for a position: its hue goes around the middle, strong enough on any picture."""
    hue = math.atan2(y - 0.5, x - 0.5) / (2 * math.pi) % 1
    red, green, blue = colorsys.hls_to_rgb(hue, 0.46, 0.85)
    return round(255 * red), round(255 * green), round(255 * blue)
