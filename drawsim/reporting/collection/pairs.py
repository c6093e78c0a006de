"""The pairs of a collection on paper: a page an artwork, as PDF and as PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drawsim.collection.names import display_name
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.common.files import atomic
from drawsim.common.progress import progress_bar
from drawsim.common.words import counted
from drawsim.reporting.collection.counts import PairGroup
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.pdf import PdfWriter
from drawsim.reporting.kit.pictures import load, placeholder
from drawsim.reporting.kit.sheets import (
    Captioned,
    Sheet,
    painted,
    pair_sheet,
)

DRAWINGS = 12  # on one page at most
PNG_DPI = 100

LARGEST = 1100  # pixels of the longer side that a picture is printed with


@dataclass(frozen=True)
class Paper:
    """How many `artworks` the pages of each kind of pair show at most; None: all."""

    artworks: int | None

    def __post_init__(self) -> None:
        if self.artworks is not None and self.artworks < 0:
            raise UserError(f"explore.pairs.artworks={self.artworks}: must be 0 or more, or null")


def describe_artwork(collection: Collection, artwork_id: str) -> str:
    """Artist and title as far as the table has them, else the id."""
    row = collection.artworks.loc[artwork_id]
    artist, name, title = (str(row.get(c, "")) for c in ("artist", "artist_name", "title"))
    return " – ".join(filter(None, (name or display_name(artist), title))) or artwork_id


def any_picture(collection: Collection, groups: Sequence[PairGroup]) -> bool:
    """Whether at least one file of these drawings and artworks is there."""
    artworks = collection.paths("artwork", [group.artwork_id for group in groups])
    drawings = collection.paths("drawing", [i for group in groups for i in group.drawing_ids])
    return any(path.is_file() for path in (*artworks.values(), *drawings.values()))


def write_pages(
    collection: Collection,
    groups: Sequence[PairGroup],
    title: str,
    place: Callable[[str], Path],
    stem: str,
    workers: int,
) -> int:
    """Write `stem.pdf` and a PNG a page in the folder `stem`; return the number of pages.

    `place` gives the path of a file to be written by its name. A picture that cannot be read is a
    crossed tile. An artwork with more than DRAWINGS drawings takes several pages.
    """
    pages = [
        (group.artwork_id, group.drawing_ids[start : start + DRAWINGS], len(group.drawing_ids))
        for group in groups
        for start in range(0, len(group.drawing_ids), DRAWINGS)
    ]
    with (
        atomic(place(f"{stem}.pdf")) as temporary,
        temporary.open("wb") as file,
        PdfWriter(file, title) as pdf,
        progress_bar(title, len(pages)) as advance,
    ):
        for number, (artwork, drawings, total) in enumerate(pages, start=1):
            foot = f"{title} · page {number} of {len(pages)} · {counted(total, 'drawing')}"
            sheet = _page(collection, artwork, drawings, foot, workers)
            pdf.add(sheet)
            with atomic(place(f"{stem}/{number:03}.png")) as png:
                painted(sheet, PNG_DPI).save(png, "PNG", compress_level=4)
            advance()
    return len(pages)


def _page(
    collection: Collection, artwork: str, drawings: Sequence[str], foot: str, workers: int
) -> Sheet:
    files = [*collection.paths("artwork", [artwork]).values()]
    files += collection.paths("drawing", drawings).values()
    captions = Captions.of(collection)
    shown = [captions("artwork", artwork), *(captions("drawing", name) for name in drawings)]
    first, *others = (
        Captioned(image or placeholder(), caption.printed)
        for image, caption in zip(load(files, workers, LARGEST), shown, strict=True)
    )
    return pair_sheet(first, others, describe_artwork(collection, artwork), foot)
