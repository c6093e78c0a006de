"""Sheets of pictures with their ids: an artwork beside its drawings, or a grid of a sample.

Lengths are points (1/72 inch), x to the right and y downwards from the upper left corner.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from drawsim.common.palette import PAPER
from drawsim.reporting.kit.figures import one_line
from drawsim.reporting.kit.fonts import runs

A4_LANDSCAPE = (842.0, 595.0)
MARGIN = 34.0
GAP = 14.0
CAPTION = 7.5  # points, the size of its letters
CAPTION_LINES = 3
LEADING = 1.25  # from line to line, in sizes of the letters
NARROWEST = 60.0  # what a caption may take below a narrower picture
ENLARGED = 1.5  # points a pixel of a small picture takes at most
INK, SOFT = PAPER["ink"], PAPER["soft"]


@dataclass(frozen=True)
class Box:
    """A part of a page."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Placed:
    """A picture and where it stands."""

    image: Image.Image
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A line of text: its left end on the baseline, the size of its letters, its colour."""

    x: float
    y: float
    text: str
    size: float
    colour: str = INK


@dataclass
class Sheet:
    """One page."""

    width: float
    height: float
    pictures: list[Placed] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, size: float, colour: str = INK) -> None:
        """Add a line of text."""
        self.lines.append(Line(x, y, text, size, colour))


@dataclass(frozen=True)
class Captioned:
    """A picture with the words below it."""

    image: Image.Image
    caption: str


# Text


@cache
def _font(file: Path, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, pixels, layout_engine=ImageFont.Layout.BASIC)


def text_width(text: str, size: float) -> float:
    """How many points a line of letters of this size takes."""
    return sum(_font(font, 1000).getlength(part) for font, part in runs(text)) * size / 1000


def wrapped(text: str, size: float, width: float, most: int) -> list[str]:
    """The text in lines no wider than `width`, broken after underscores and spaces if possible.

    What does not fit into `most` lines ends in an ellipsis.
    """
    lines: list[str] = []
    text = one_line(text)
    while text and len(lines) < most:
        lengths = range(1, len(text) + 1)
        end = max(1, bisect_right(lengths, width, key=lambda n: text_width(text[:n], size)))
        if end < len(text):
            at = max(text.rfind(mark, 0, end) for mark in "_ -") + 1
            end = at or end
        lines.append(text[:end].strip())
        text = text[end:]
    if text:
        last = lines[-1]
        while last and text_width(last + "…", size) > width:
            last = last[:-1]
        lines[-1] = last + "…"
    return lines


# Layout


def _put(
    sheet: Sheet, item: Captioned, x: float, y: float, size: tuple[float, float], room: float
) -> float:
    """Place a picture, its caption below it `room` wide; return where the caption ends."""
    width, height = size
    sheet.pictures.append(Placed(item.image, x, y, width, height))
    baseline = y + height + 3
    for text in wrapped(item.caption, CAPTION, room, CAPTION_LINES):
        baseline += CAPTION * LEADING
        sheet.write(x, baseline, text, CAPTION)
    return baseline


def _fitted(image: Image.Image, width: float, height: float) -> tuple[float, float]:
    """Width and height of a picture that fills the box as far as its shape and pixels allow."""
    scale = min(width / image.width, height / image.height, ENLARGED)
    return image.width * scale, image.height * scale


def _in_rows(
    items: Sequence[Captioned], box: Box, row_height: float
) -> tuple[list[tuple[Captioned, float, float, tuple[float, float]]], float]:
    """Pictures of one height in rows from the left: each with its place and size; and the end."""
    places = []
    x, y, end = box.x, box.y, box.y
    for item in items:
        size = _fitted(item.image, box.width, row_height)
        room = max(size[0], NARROWEST)
        if x > box.x and x + room > box.x + box.width + 0.01:
            x, y = box.x, end + GAP
        places.append((item, x, y, size))
        lines = len(wrapped(item.caption, CAPTION, room, CAPTION_LINES))
        end = max(end, y + size[1] + 3 + lines * CAPTION * LEADING)
        x += room + GAP
    return places, end


def put_in_rows(
    sheet: Sheet, items: Sequence[Captioned], box: Box, *, one_row: bool = False
) -> None:
    """Fill a box with pictures of one height in rows from the left, as large as they fit."""
    height = box.height
    places, end = _in_rows(items, box, height)
    while (end > box.y + box.height or (one_row and places[-1][2] > box.y)) and height > 1:
        height *= 0.97
        places, end = _in_rows(items, box, height)
    for item, x, y, size in places:
        _put(sheet, item, x, y, size, max(size[0], NARROWEST))


def pair_sheet(artwork: Captioned, drawings: Sequence[Captioned], heading: str, foot: str) -> Sheet:
    """A page of A4: an artwork on the left, the drawings paired with it on the right."""
    sheet = Sheet(*A4_LANDSCAPE)
    inside = sheet.width - 2 * MARGIN
    body = Box(MARGIN, MARGIN + 30, inside, sheet.height - 2 * MARGIN - 44)
    for text in wrapped(heading, 13, inside, 1):
        sheet.write(MARGIN, MARGIN + 12, text, 13)
    sheet.write(MARGIN, sheet.height - MARGIN + 8, foot, CAPTION, SOFT)
    if len(drawings) == 1:
        put_in_rows(sheet, [artwork, *drawings], body, one_row=True)
        return sheet
    left = body.width * (0.4 if len(drawings) <= 4 else 0.3)
    put_in_rows(sheet, [artwork], Box(body.x, body.y, left, body.height))
    right = left + 2 * GAP
    put_in_rows(sheet, drawings, Box(body.x + right, body.y, body.width - right, body.height))
    return sheet


def grid_sheet(items: Sequence[Captioned], columns: int, heading: str, width: float) -> Sheet:
    """A page as high as it needs to be: pictures in rows of so many, hung on one lower edge."""
    sheet = Sheet(width, 0)
    for text in wrapped(heading, 11, width - 2 * GAP, 1):
        sheet.write(GAP, GAP + 10, text, 11)
    side = (width - GAP * (columns + 1)) / columns
    end = GAP + 24.0
    for start in range(0, len(items), columns):
        row = items[start : start + columns]
        sizes = [_fitted(item.image, side, side) for item in row]
        bottom = end + max(height for _, height in sizes)
        for place, (item, size) in enumerate(zip(row, sizes, strict=True)):
            x = GAP + place * (side + GAP)
            end = max(end, _put(sheet, item, x, bottom - size[1], size, side) + GAP)
    sheet.height = end
    return sheet


# PNG


def painted(sheet: Sheet, dpi: int) -> Image.Image:
    """The page as a picture."""
    scale = dpi / 72
    page = Image.new(
        "RGB", (round(sheet.width * scale), round(sheet.height * scale)), PAPER["page"]
    )
    for placed in sheet.pictures:
        size = (max(1, round(placed.width * scale)), max(1, round(placed.height * scale)))
        image = placed.image.resize(size, Image.Resampling.LANCZOS)
        page.paste(image, (round(placed.x * scale), round(placed.y * scale)))
    pen = ImageDraw.Draw(page)
    for line in sheet.lines:
        x = line.x * scale
        for file, part in runs(line.text):
            font = _font(file, round(line.size * scale))
            pen.text((x, line.y * scale), part, line.colour, font, anchor="ls")
            x += font.getlength(part)
    return page
