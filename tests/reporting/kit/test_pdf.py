"""PDF files of sheets, read back by the rules of ISO 32000-1:2008."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from PIL import Image

from drawsim.reporting.kit import fonts
from drawsim.reporting.kit.pdf import BOX, DPI, PdfWriter
from drawsim.reporting.kit.sheets import Captioned, Sheet, pair_sheet, text_width

ESCAPED = {b"r": b"\r", b"n": b"\n"}


def item(size: tuple[int, int], caption: str = "x") -> Captioned:
    return Captioned(Image.new("RGB", size, (size[0] % 256, size[1] % 256, 90)), caption)


def written(*sheets: Sheet) -> bytes:
    file = io.BytesIO()
    with PdfWriter(file, "Title 絵") as pdf:
        for sheet in sheets:
            pdf.add(sheet)
    return file.getvalue()


def objects(data: bytes) -> dict[int, bytes]:
    found = re.findall(rb"(\d+) 0 obj\n(.*?)\nendobj", data, re.DOTALL)
    return {int(number): body for number, body in found}


def stream(body: bytes) -> bytes:
    head, _, rest = body.partition(b"stream\n")
    length = re.search(rb"/Length (\d+)", head)
    assert length is not None
    content = rest[: int(length[1])]
    return zlib.decompress(content) if b"FlateDecode" in head else content


def letters(found: dict[int, bytes], font: int) -> dict[int, str]:
    """What each code of a font stands for, by its ToUnicode map."""
    unicode = re.search(rb"/ToUnicode (\d+)", found[font])
    assert unicode is not None
    pairs = re.findall(r"<(\w{4})> <(\w+)>", stream(found[int(unicode[1])]).decode("latin-1"))
    return {int(code, 16): bytes.fromhex(text).decode("utf-16-be") for code, text in pairs}


def shown(data: bytes) -> list[str]:
    """The lines of text of a PDF, as who copies them gets them."""
    found = objects(data)
    named = {
        name: letters(found, int(number))
        for body in found.values()
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", body)
    }
    lines, font = [], b""
    for body in found.values():
        contents = re.search(rb"/Contents (\d+)", body)
        for block in re.findall(
            rb"BT (.*?) ET", stream(found[int(contents[1])]) if contents else b"", re.DOTALL
        ):
            line = ""
            for name, text in re.findall(
                rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", block, re.DOTALL
            ):
                font = name or font
                codes = re.sub(
                    rb"\\(.)", lambda m: {b"r": b"\r", b"n": b"\n"}.get(m[1], m[1]), text
                )
                pairs = zip(codes[::2], codes[1::2], strict=True)
                line += "".join(named[font][256 * high + low] for high, low in pairs)
            lines += [line] if line else []
    return lines


def test_it_has_its_pages_and_pictures() -> None:
    sizes = [(1000, 700), (990, 700), (980, 690)]
    sheets = [
        pair_sheet(item(sizes[0]), [item(size) for size in own], "h", "f")
        for own in (sizes[1:2], sizes[1:])
    ]
    found = objects(written(*sheets))
    assert sum(b"/Type /Page\n" in body for body in found.values()) == 2
    pictures = [stream(body) for body in found.values() if b"DCTDecode" in body]
    assert len(pictures) == sum(len(sheet.pictures) for sheet in sheets)
    widths = {round(placed.width * DPI / 72) for sheet in sheets for placed in sheet.pictures}
    for data in pictures:
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.format == "JPEG"
            assert picture.width in widths | {size[0] for size in sizes}
            assert picture.width / picture.height == pytest.approx(1 / 0.7, abs=0.03)


def test_text_is_text() -> None:
    ids = ["Albrecht_Du╠êrer_1", "Ж_é (a\\b)", "ა_5 ₣"]
    sheet = pair_sheet(item((90, 90), ids[0]), [item((90, 91), i) for i in ids[1:]], "head", "foot")
    assert sorted(shown(written(sheet))) == sorted([*ids, "head", "foot"])


def test_a_letter_without_a_font_is_a_box_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_fonts", lambda: [fonts.base_font()])
    fonts.font_for.cache_clear()
    try:
        assert fonts.missing_letters(["絵_1", "a\nb", "絵画"]) == "画絵"
        sheet = pair_sheet(item((90, 90), "絵_1"), [item((90, 91), "a")], "head", "foot")
        assert f"{BOX}_1" in shown(written(sheet))
    finally:
        fonts.font_for.cache_clear()


def test_what_the_base_font_lacks_is_taken_from_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Any other font of matplotlib's that has letters of its own stands for a system font."""
    folder = fonts.base_font().parent
    other, letter = next(
        (font, chr(code))
        for font in sorted(folder.glob("*.ttf"))
        for code in sorted(fonts._letters(font) - fonts._letters(fonts.base_font()))
        if chr(code).isprintable()
    )
    monkeypatch.setattr(fonts, "_fonts", lambda: [fonts.base_font(), other])
    fonts.font_for.cache_clear()
    try:
        text = f"a{letter}b"
        assert list(fonts.runs(text)) == [
            (fonts.base_font(), "a"),
            (other, letter),
            (fonts.base_font(), "b"),
        ]
        assert text_width(text, 10) > text_width("ab", 10)
        sheet = pair_sheet(item((90, 90), text), [item((90, 91), "c")], "head", "foot")
        assert text in shown(written(sheet))
    finally:
        fonts.font_for.cache_clear()


def test_it_is_the_same_every_time() -> None:
    sheet = pair_sheet(item((90, 90)), [item((80, 90))], "h", "f")
    assert written(sheet) == written(sheet)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext to read a PDF with")
def test_ids_of_every_script_come_back_from_the_file(tmp_path: Path) -> None:
    """Read by another program: Chinese, Cyrillic and Greek ids of a pair."""
    ids = ["齐白石_虾_1", "Репин_Бурлаки_2", "Θεοτοκόπουλος_3"]
    if lacking := fonts.missing_letters(ids):
        pytest.skip(f"no font here has the letters {lacking}")
    sheet = pair_sheet(item((90, 90), ids[0]), [item((90, 91), i) for i in ids[1:]], "head", "foot")
    file = tmp_path / "pairs.pdf"
    file.write_bytes(written(sheet))
    read = subprocess.run(
        ["pdftotext", "-enc", "UTF-8", "-layout", str(file), "-"], capture_output=True, check=True
    )
    assert {*ids, "head", "foot"} <= {*read.stdout.decode().split()}
