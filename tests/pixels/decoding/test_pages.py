"""Of a TIFF with several pages the picture is taken, whatever thumbnails are beside it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from drawsim.pixels.decode import ImageReadError, decode, read_header, read_image
from drawsim.pixels.decoding import tiff_pages
from drawsim.pixels.decoding.tiff_pages import DAMAGED
from drawsim.pixels.decoding.wanted import Wanted
from tests.pixels.decoding.files import IFD, SUBFILE, page, tiff

RGB = 2


def plain(level: int, width: int = 24, height: int = 16, **options: object) -> IFD:
    return page(np.full((height, width, 3), level, np.uint8), RGB, **options)  # type: ignore[arg-type]


MAIN = plain(100)
CASES: dict[str, tuple[list[IFD], list[int], int]] = {
    "one": ([MAIN], [100], 0),
    "thumbnail first, flagged": ([plain(1, 12, 8, tags={SUBFILE: 1}), MAIN], [100], 0),
    "thumbnail first, not flagged": ([plain(1, 6, 4), MAIN], [100], 0),
    "thumbnail after": ([MAIN, plain(1, 6, 4)], [100], 0),
    "thumbnail of rounded shape": ([plain(1, 5, 3), plain(100, 25, 16)], [100], 0),
    "old flag": ([plain(1, 20, 14, tags={255: 2}), MAIN], [100], 0),
    "thumbnail of another shape": ([plain(1, 160, 120), plain(100, 800, 500)], [100], 0),
    "recto and verso": ([MAIN, plain(7)], [100, 7], 0),
    "recto and a verso in half its size, flat": ([MAIN, plain(7, 12, 15)], [100, 7], 0),
    "label, then the picture": ([plain(7, 12, 5), MAIN], [7, 100], 1),
    "a mask": ([MAIN, plain(0, tags={SUBFILE: 4})], [100], 0),
    "smaller ones below": (
        [plain(100, below=[plain(1, 12, 8, tags={SUBFILE: 1}), plain(2, 6, 4)])],
        [100],
        0,
    ),
    "the picture below its thumbnail": (
        [plain(1, 6, 4, tags={SUBFILE: 1}, below=[MAIN])],
        [100],
        0,
    ),
    "nothing but reduced ones": ([plain(1, 12, 8, tags={SUBFILE: 1})], [1], 0),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("big", [False, True])
def test_the_picture_is_taken(tmp_path: Path, name: str, big: bool) -> None:
    pages, levels, main = CASES[name]
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(*pages, big=big))
    with path.open("rb") as file:
        header = read_header(file)
    assert (header.pages, header.main) == (len(levels), main)
    each = [int(read_image(path, page=number)[0, 0, 0]) for number in range(len(levels))]
    assert each == levels
    picture = decode(path, Wanted())
    assert int(picture.pixels[0, 0, 0]) == levels[main]
    assert (picture.width, picture.height) == (header.width, header.height)
    said = f"{len(levels)} pages, the {('first', 'second')[main]} is taken"
    assert any(said in note for note in picture.notes) == (len(levels) > 1)
    with pytest.raises(ImageReadError, match=f"has {len(levels)} pages, none has number"):
        read_image(path, page=len(levels))


def test_a_chain_that_leads_back_ends(tmp_path: Path) -> None:
    data = bytearray(tiff(MAIN, plain(7)))
    first = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, len(data) - 4, first)
    (tmp_path / "x.tif").write_bytes(data)
    picture = decode(tmp_path / "x.tif", Wanted())
    assert picture.pixels[0, 0, 0] == 100
    assert picture.notes[0].startswith("2 pages, the first is taken")


def test_a_page_that_is_damaged_leaves_the_first(tmp_path: Path) -> None:
    data = bytearray(tiff(MAIN))
    struct.pack_into("<I", data, len(data) - 4, 10)  # within the pixels: thousands of tags
    (tmp_path / "x.tif").write_bytes(data)
    picture = decode(tmp_path / "x.tif", Wanted())
    assert picture.pixels[0, 0, 0] == 100
    assert picture.notes in ((), (DAMAGED,))


def test_other_formats_have_one_page(tmp_path: Path, shared_cases: Path) -> None:
    with pytest.raises(ImageReadError, match="is PNG, of which one image is read"):
        read_image(shared_cases / "images" / "exif6.png", page=1)


def test_more_pages_than_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_pages, "MOST_PAGES", 2)
    (tmp_path / "x.tif").write_bytes(tiff(MAIN, plain(7), plain(9)))
    notes = decode(tmp_path / "x.tif", Wanted()).notes
    assert notes[0].startswith("2 pages, the first is taken")
    assert notes[1:] == (tiff_pages.MANY,)
    (tmp_path / "x.tif").write_bytes(tiff(MAIN, plain(7)))
    assert len(decode(tmp_path / "x.tif", Wanted()).notes) == 1
