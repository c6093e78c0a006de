"""Which pages a TIFF file has, and which of them is the picture (TIFF 6.0; BigTIFF)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from drawsim.pixels.decoding.wanted import ImageReadError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

MOST_PAGES = 1_000
MANY = f"has more than {MOST_PAGES:,} pages; the first {MOST_PAGES:,} are looked at"
DAMAGED = "what follows its first page is damaged and was left out"
_SUBFILE, _OLD_SUBFILE, _ORIENTATION = 254, 255, 274  # tags
_REDUCED, _MASK = 1, 4  # bits of the first
_OLD_REDUCED = 2  # a value of the second
_MASK_PHOTOMETRIC = 4
_THUMBNAIL = 256
"""Pixels of the longer side: a page no larger, and of a quarter of another's sides, is taken for a
thumbnail even where its shape is another."""


@dataclass(frozen=True)
class Page:
    """A page as it stands in the file. number: its place in the chain of pages, None: below one."""

    tiff: TiffPage
    number: int | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return self.tiff.imagewidth, self.tiff.imagelength

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]

    @property
    def is_reduced(self) -> bool:
        """Whether it says of itself that it is a smaller copy of another."""
        bits = self.tiff.tags.valueof(_SUBFILE, default=0)
        old = self.tiff.tags.valueof(_OLD_SUBFILE, default=0)
        return bool(bits & _REDUCED) or old == _OLD_REDUCED

    @property
    def is_mask(self) -> bool:
        """Whether it says which parts of another are transparent."""
        bits = self.tiff.tags.valueof(_SUBFILE, default=0)
        return bool(bits & _MASK) or self.tiff.photometric == _MASK_PHOTOMETRIC

    @property
    def orientation(self) -> int:
        """1 to 8, as Exif counts; 1 too where it is nonsense."""
        value = self.tiff.tags.valueof(_ORIENTATION, default=1)
        return value if value in range(1, 9) else 1


@dataclass(frozen=True)
class Pages:
    """The pages that are pictures of their own, in the order of the file.

    main: the number of the one that is meant by the file. copies: how many more pages are smaller
    copies. damaged: whether pages after the first cannot be read. many: whether there are more
    than are looked at.
    """

    pictures: list[Page]
    main: int
    copies: int
    damaged: bool
    many: bool = False

    def notes(self) -> list[str]:
        """What people should know."""
        notes = []
        if len(self.pictures) > 1:
            which = "first" if self.main == 0 else f"{self.main + 1}th"
            which = {"2th": "second", "3th": "third"}.get(which, which)
            notes.append(
                f"{len(self.pictures)} pages, the {which} is taken "
                "(of drawings, prepare step=drawings pages=all takes each)"
            )
        notes += [MANY] if self.many else []
        return [*notes, DAMAGED] if self.damaged else notes


def open_tiff(file: IO[bytes]) -> TiffFile:
    """Open a TIFF file, its first page read. Raises what tifffile raises."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it says is no line of ours
    file.seek(0)
    return tifffile.TiffFile(file, name="image")


def pages_of(tiff: TiffFile) -> Pages:
    """Look at every page. Raises ImageReadError or ValueError if there is none with pixels."""
    chain: list[Page] = []
    damaged = many = False
    try:
        for page in _all(tiff):  # until one is damaged
            if many := len(chain) >= MOST_PAGES:
                break
            chain.append(page)
    except Exception:
        if not chain:
            raise
        damaged = True
    if not chain:
        raise ValueError("truncated: it ends before its first page")
    chain = [page for page in chain if page.pixels and not page.is_mask]
    if not chain:
        raise ImageReadError("has no page with pixels")
    whole = [page for page in chain if not page.is_reduced]
    whole = whole or [max(chain, key=lambda page: page.pixels)]
    pictures = [page for page in whole if not any(_is_copy(page, other) for other in whole)]
    most = max(page.pixels for page in pictures)
    main = next(at for at, page in enumerate(pictures) if 4 * page.pixels >= most)
    return Pages(pictures, main, len(chain) - len(pictures), damaged, many)


def _all(tiff: TiffFile) -> Iterator[Page]:
    """The pages of the chain, each followed by those below it that are larger or say nothing."""
    seen: set[int] = set()
    for number, page in enumerate(tiff.pages):
        if page.offset in seen:
            return
        seen.add(page.offset)
        top = Page(page.aspage(), number)
        yield top
        if top.tiff.subifds:
            below = [Page(sub.aspage(), None) for sub in top.tiff.pages or ()]
            yield from (sub for sub in below if sub.is_reduced or sub.pixels > top.pixels)


def _is_copy(page: Page, other: Page) -> bool:
    """Whether a page is, by its size, a smaller copy of another: half its sides or less."""
    (width, height), (wide, high) = page.size, other.size
    if 2 * width > wide or 2 * height > high:
        return False
    same_shape = abs(width * high - height * wide) <= max(wide, high)  # sides rounded
    small = max(width, height) <= _THUMBNAIL and 4 * width <= wide and 4 * height <= high
    return same_shape or small
