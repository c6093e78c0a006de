"""Contact sheets of motifs, for papers: a PNG of each of the largest, and one PDF of them all."""

from __future__ import annotations

from drawsim.common.files import atomic
from drawsim.common.progress import progress_bar
from drawsim.common.words import counted
from drawsim.reporting.kit.figures import WIDTH
from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.kit.pdf import PdfWriter
from drawsim.reporting.kit.pictures import load, placeholder
from drawsim.reporting.kit.sheets import Captioned, Sheet, grid_sheet, painted
from drawsim.reporting.motifs.view import MotifsView
from drawsim.retrieval.motifs.files import Motif
from drawsim.retrieval.motifs.named import named_words

SHEETS, PDF = "sheets", "motifs.pdf"
PRINTED = 60
"""Motifs that have a sheet, the largest."""
ON_A_SHEET = 24
"""Drawings of each, those most like the rest."""
COLUMNS = 6
DPI = 150
POINTS = 72  # an inch


def write_sheets(view: MotifsView, folder: Folder, workers: int) -> bool:
    """Write `sheets/NUMBER.png` and `motifs.pdf`; returns whether there was a motif to print.

    Files go by the place of a motif among all, from 1. What cannot be read is a crossed tile.
    """
    some = view.found.motifs[:PRINTED]
    if not some:
        return False
    with (
        atomic(folder.place(PDF)) as temporary,
        temporary.open("wb") as file,
        PdfWriter(file, f"{view.name}: motifs") as pdf,
        progress_bar("printing contact sheets", len(some), "motifs") as advance,
    ):
        for number, motif in enumerate(some, start=1):
            sheet = _sheet(view, motif, workers)
            pdf.add(sheet)
            with atomic(folder.place(f"{SHEETS}/{number}.png")) as picture:
                painted(sheet, DPI).save(picture, "PNG")
            advance()
    return True


def _sheet(view: MotifsView, motif: Motif, workers: int) -> Sheet:
    names = motif.members[:ON_A_SHEET]
    files = [view.files.get(("drawing", name)) for name in names]
    there = [file for file in files if file is not None]
    read = iter(load(there, workers, round(WIDTH * DPI / COLUMNS)))
    items = [
        Captioned(
            (next(read) if file is not None else None) or placeholder(),
            view.captions("drawing", name).printed,
        )
        for name, file in zip(names, files, strict=True)
    ]
    said = counted(motif.size, "drawing")
    if len(items) < motif.size:
        said = f"{len(items)} of {said}"
    heading = f"{named_words(motif.id, view.named)}: {said}, stability {motif.stability:.2f}"
    return grid_sheet(items, COLUMNS, heading, WIDTH * POINTS)
