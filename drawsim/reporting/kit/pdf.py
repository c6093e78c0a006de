"""PDF files of picture sheets: the pictures as JPEG, the text as text.

Written by the rules of ISO 32000-1:2008, to which the numbers in the comments refer.
"""

from __future__ import annotations

import io
import zlib
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from drawsim.reporting.kit.sheets import Placed, Sheet, font_file, text_width

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

DPI = 150  # pixels an inch that a picture is kept with
QUALITY = 85
CATALOG, PAGES, FONT = 1, 2, 3  # objects that others refer to before they are written


class PdfWriter:
    """A PDF file that grows by a sheet at a time, so that only one is in memory.

    Use it as a context manager: the file is complete once the block is left.
    """

    def __init__(self, file: BinaryIO, title: str) -> None:
        from matplotlib.ft2font import FT2Font

        self._file = file
        self._title = title
        self._font: FT2Font = FT2Font(str(font_file()))
        self._letters: dict[int, str] = {}  # glyph -> character
        self._offsets: dict[int, int] = {}
        self._pages: list[int] = []
        self._next = FONT + 1
        file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def __enter__(self) -> PdfWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()

    def add(self, sheet: Sheet) -> None:
        """Write a sheet as the next page."""
        commands: list[str] = []
        images: dict[str, int] = {}
        for number, placed in enumerate(sheet.pictures):
            images[f"I{number}"] = self._write_image(placed)
            bottom = sheet.height - placed.y - placed.height
            matrix = f"{placed.width:.2f} 0 0 {placed.height:.2f} {placed.x:.2f} {bottom:.2f}"
            commands.append(f"q {matrix} cm /I{number} Do Q")
        for line in sheet.lines:
            place = f"{line.x:.2f} {sheet.height - line.y:.2f}"
            colour = " ".join(f"{int(line.colour[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5))
            shown = (
                f"BT /F1 {line.size} Tf {colour} rg {place} Td <{self._glyphs(line.text)}> Tj ET"
            )
            # What is copied or read aloud, also where the font lacks a letter (14.9.4).
            commands.append(f"/Span <</ActualText {_text(line.text)}>> BDC {shown} EMC")
        content = self._write_stream("", "\n".join(commands).encode("ascii"))
        named = " ".join(f"/{name} {number} 0 R" for name, number in images.items())
        self._pages.append(
            self._write(
                f"<</Type /Page /Parent {PAGES} 0 R /Contents {content} 0 R "
                f"/MediaBox [0 0 {sheet.width:.2f} {sheet.height:.2f}] "
                f"/Resources <</Font <</F1 {FONT} 0 R>> /XObject <<{named}>>>>>>"
            )
        )

    def _write_image(self, placed: Placed) -> int:
        image = placed.image
        most = (max(1, round(placed.width * DPI / 72)), max(1, round(placed.height * DPI / 72)))
        if image.width > most[0]:
            image = image.resize(most, Image.Resampling.LANCZOS)
        data = io.BytesIO()
        image.save(data, "JPEG", quality=QUALITY)
        kind = (
            f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} "
            "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
        )
        return self._write_stream(kind, data.getvalue(), compress=False)

    def _glyphs(self, text: str) -> str:
        """The text as glyph numbers in hexadecimal; remembers what each glyph stands for."""
        glyphs = [(int(self._font.get_char_index(ord(letter))), letter) for letter in text]
        self._letters |= dict(glyphs)
        return "".join(f"{glyph:04X}" for glyph, _ in glyphs)

    def _finish(self) -> None:
        self._write_font()
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        self._write(f"<</Type /Pages /Kids [{kids}] /Count {len(self._pages)}>>", PAGES)
        self._write(f"<</Type /Catalog /Pages {PAGES} 0 R>>", CATALOG)
        info = self._write(f"<</Title {_text(self._title)} /Producer (drawsim)>>")
        start = self._file.tell()
        rows = "".join(
            f"{self._offsets[number]:010} 00000 n \n" for number in sorted(self._offsets)
        )
        table = f"xref\n0 {self._next}\n0000000000 65535 f \n{rows}"
        trailer = f"trailer\n<</Size {self._next} /Root {CATALOG} 0 R /Info {info} 0 R>>\n"
        self._file.write(f"{table}{trailer}startxref\n{start}\n%%EOF\n".encode("ascii"))

    def _write_font(self) -> None:
        """The font as a composite one whose codes are glyph numbers (9.7.4, 9.10.3)."""
        font = self._font
        unit = 1000 / font.units_per_EM
        widths = [
            f"{glyph} [{text_width(letter, 1000):.0f}]"
            for glyph, letter in sorted(self._letters.items())
        ]
        file = self._write_stream("", font_file().read_bytes())
        box = " ".join(f"{value * unit:.0f}" for value in font.bbox)
        descriptor = self._write(
            f"<</Type /FontDescriptor /FontName /DejaVuSans /Flags 4 /FontBBox [{box}] "
            f"/ItalicAngle 0 /Ascent {font.ascender * unit:.0f} "
            f"/Descent {font.descender * unit:.0f} /CapHeight 729 /StemV 80 /FontFile2 {file} 0 R>>"
        )
        child = self._write(
            "<</Type /Font /Subtype /CIDFontType2 /BaseFont /DejaVuSans /CIDToGIDMap /Identity "
            "/CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> "
            f"/FontDescriptor {descriptor} 0 R /W [{' '.join(widths)}]>>"
        )
        unicode = self._write_stream("", _unicode_map(self._letters).encode("ascii"))
        self._write(
            "<</Type /Font /Subtype /Type0 /BaseFont /DejaVuSans /Encoding /Identity-H "
            f"/DescendantFonts [{child} 0 R] /ToUnicode {unicode} 0 R>>",
            FONT,
        )

    def _write_stream(self, entries: str, data: bytes, *, compress: bool = True) -> int:
        if compress:
            data, entries = zlib.compress(data, 9), f"{entries} /Filter /FlateDecode"
        head = f"<<{entries} /Length {len(data)}>>\nstream\n".encode("ascii")
        return self._write(head + data + b"\nendstream")

    def _write(self, body: str | bytes, number: int | None = None) -> int:
        """Write an object, by default under the next free number; return that number."""
        if number is None:
            number, self._next = self._next, self._next + 1
        self._offsets[number] = self._file.tell()
        data = body.encode("ascii") if isinstance(body, str) else body
        self._file.write(f"{number} 0 obj\n".encode("ascii") + data + b"\nendobj\n")
        return number


def _text(text: str) -> str:
    """A text string (7.9.2.2) in UTF-16, written in hexadecimal."""
    return f"<FEFF{text.encode('utf-16-be', 'replace').hex().upper()}>"


def _unicode_map(letters: dict[int, str]) -> str:
    """What each glyph stands for, as a CMap in blocks of at most 100 (9.10.3)."""
    rows = [
        f"<{glyph:04X}> <{letter.encode('utf-16-be', 'replace').hex().upper()}>"
        for glyph, letter in sorted(letters.items())
        if glyph
    ]
    blocks = [rows[start : start + 100] for start in range(0, len(rows), 100)]
    mapped = "".join(
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks
    )
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
        "/CMapName /Letters def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <FFFF> endcodespacerange\n{mapped}"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    )
