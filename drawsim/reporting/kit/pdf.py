"""PDF files of picture sheets: the pictures as JPEG, the text as text."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from fpdf import FPDF
from PIL import Image

from drawsim.reporting.kit.fonts import base_font, font_for, runs
from drawsim.reporting.kit.sheets import Line, Placed, Sheet

DPI = 150  # pixels an inch that a picture is kept with
QUALITY = 85
BOX = "□"  # for a letter that no font has; the library would leave it out
NO_TIME = datetime(2000, 1, 1, tzinfo=timezone.utc)
"""The same pages make the same file, whenever they are written."""


class PdfWriter:
    """A PDF file of sheets, a page each. Pictures are kept as JPEG until the file is written.

    Use it as a context manager: the file is written when the block is left.
    """

    def __init__(self, file: BinaryIO, title: str) -> None:
        self._file = file
        self._pdf = FPDF(unit="pt")
        self._pdf.set_title(title)
        self._pdf.set_producer("drawsim")
        self._pdf.set_creation_date(NO_TIME)
        self._pdf.set_auto_page_break(False)
        self._pdf.c_margin = 0
        self._families: dict[Path, str] = {}
        self._family(base_font())

    def __enter__(self) -> PdfWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._file.write(self._pdf.output())

    def add(self, sheet: Sheet) -> None:
        """Add a sheet as the next page."""
        self._pdf.add_page(format=(sheet.width, sheet.height))
        for placed in sheet.pictures:
            self._pdf.image(
                _as_jpeg(placed), x=placed.x, y=placed.y, w=placed.width, h=placed.height
            )
        for line in sheet.lines:
            self._write(line)

    def _write(self, line: Line) -> None:
        text = "".join(letter if font_for(letter) else BOX for letter in line.text)
        # All fonts that the line needs, so that the library orders what is read from the right.
        families = [self._family(font) for font, _ in runs(text)]
        self._pdf.set_fallback_fonts([*dict.fromkeys(families)], exact_match=False)
        self._pdf.set_font(self._family(base_font()), size=line.size)
        self._pdf.set_text_color(line.colour)
        # A cell without a height has its baseline three tenths of the letters' size below its top.
        self._pdf.set_xy(line.x, line.y - 0.3 * line.size)
        self._pdf.cell(w=0, h=0, text=text)

    def _family(self, font: Path) -> str:
        if font not in self._families:
            self._families[font] = f"font{len(self._families)}"
            self._pdf.add_font(self._families[font], fname=font)
        return self._families[font]


def _as_jpeg(placed: Placed) -> io.BytesIO:
    image = placed.image
    most = (max(1, round(placed.width * DPI / 72)), max(1, round(placed.height * DPI / 72)))
    if image.width > most[0]:
        image = image.resize(most, Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=QUALITY)
    data.seek(0)
    return data
