"""Sheets of pictures: nothing overlaps, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drawsim.reporting.kit.pictures import load, placeholder
from drawsim.reporting.kit.sheets import (
    CAPTION,
    CAPTION_LINES,
    Captioned,
    Sheet,
    grid_sheet,
    painted,
    pair_sheet,
    text_width,
    wrapped,
)

LONG_ID = "2019_18-25_1824_COL_a_R_C_crop"
shapes = st.tuples(st.integers(40, 900), st.integers(40, 900))


def item(size: tuple[int, int], caption: str = LONG_ID) -> Captioned:
    return Captioned(Image.new("RGB", size, (200, 40, 90)), caption)


def overlap(sheet: Sheet) -> bool:
    """Whether two pictures or captions of a sheet lie on each other, or beyond its edge."""
    boxes = [(p.x, p.y, p.x + p.width, p.y + p.height) for p in sheet.pictures]
    boxes += [
        (line.x, line.y - 0.8 * line.size, line.x + text_width(line.text, line.size), line.y)
        for line in sheet.lines
    ]
    inside = all(
        a >= 0 and b >= 0 and c <= sheet.width + 0.1 and d <= sheet.height + 0.1
        for a, b, c, d in boxes
    )
    return not inside or any(
        one[0] < other[2] - 0.1
        and other[0] < one[2] - 0.1
        and one[1] < other[3] - 0.1
        and other[1] < one[3] - 0.1
        for i, one in enumerate(boxes)
        for other in boxes[:i]
    )


@settings(max_examples=30)
@given(shapes, st.lists(shapes, min_size=1, max_size=12))
def test_a_page_of_a_pair_has_room_for_all(
    artwork: tuple[int, int], drawings: list[tuple[int, int]]
) -> None:
    sheet = pair_sheet(item(artwork), [item(size) for size in drawings], "heading", "foot")
    assert len(sheet.pictures) == 1 + len(drawings)
    assert not overlap(sheet)
    for placed, size in zip(sheet.pictures, [artwork, *drawings], strict=True):
        assert placed.width / placed.height == pytest.approx(size[0] / size[1])
    first, *others = sheet.pictures
    assert first.x + first.width < min(placed.x for placed in others)


@pytest.mark.parametrize("count", [1, 11])
def test_a_page_is_readable_with_one_drawing_and_with_eleven(count: int) -> None:
    sheet = pair_sheet(item((1000, 800)), [item((1233, 888))] * count, "heading", "foot")
    smallest = min(placed.height for placed in sheet.pictures)
    assert smallest > (250 if count == 1 else 75)  # points: nine centimetres, or nearly three
    words = "".join(line.text for line in sheet.lines)
    assert words.count(LONG_ID) == count + 1


@settings(max_examples=30)
@given(st.lists(shapes, min_size=1, max_size=12), st.integers(1, 6))
def test_a_grid_has_room_for_all(sizes: list[tuple[int, int]], columns: int) -> None:
    sheet = grid_sheet([item(size) for size in sizes], columns, "heading", 518)
    assert len(sheet.pictures) == len(sizes)
    assert not overlap(sheet)
    lefts = {round(placed.x) for placed in sheet.pictures}
    assert len(lefts) == min(columns, len(sizes))


@given(st.text(min_size=1, max_size=80), st.floats(30, 200))
def test_wrapped_lines_are_narrow_enough_and_lose_nothing(text: str, width: float) -> None:
    lines = wrapped(text, CAPTION, width, 100)
    assert all(text_width(line, CAPTION) <= width for line in lines if len(line) > 1)
    kept = "".join("".join(lines).split())
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    assert kept == "".join(printable.split())
    short = wrapped(text, CAPTION, width, CAPTION_LINES)
    assert len(short) <= CAPTION_LINES
    assert short == lines or short[-1].endswith("…")


def test_ids_break_after_underscores() -> None:
    assert wrapped("1998_14-17_0101_RUS_R_C", 7.5, 70, 3) == ["1998_14-17_", "0101_RUS_R_C"]


def test_pictures_that_cannot_be_read_are_told_apart(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.jpg"
    Image.new("RGB", (3000, 1000), (1, 2, 3)).save(good)
    bad.write_bytes(b"not a picture")
    first, second, third = load([good, bad, tmp_path / "absent.jpg"], 2, 300)
    assert first is not None
    assert first.size == (300, 100)
    assert second is third is None
    assert np.ptp(np.asarray(placeholder())) > 0


def test_a_painted_sheet_shows_pictures_and_words() -> None:
    sheet = pair_sheet(item((400, 300)), [item((300, 400))], "heading", "foot")
    page = np.asarray(painted(sheet, 72)).astype(int)
    assert page.shape == (595, 842, 3)
    for placed in sheet.pictures:
        middle = page[int(placed.y + placed.height / 2), int(placed.x + placed.width / 2)]
        assert np.abs(middle - (200, 40, 90)).max() < 4
    assert (page[:60].min(axis=2) < 100).any(), "no heading"
    assert (page[0] == 255).all()
