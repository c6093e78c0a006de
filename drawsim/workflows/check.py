"""The step `check`: everything wrong with a collection, in tables and on a page."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from drawsim.collection.problems import raise_problems
from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.common.files import writable, write_json, write_text
from drawsim.common.words import counted, first_of
from drawsim.pixels.inspection import Inspection, inspect_collection
from drawsim.preparing.rewriting import rewrite
from drawsim.reporting.collection.check import (
    count,
    like_artworks,
    listed,
    problems_table,
    publishing,
    render,
    said_of_images,
)

log = logging.getLogger("drawsim.prepare")


def prepare_check(
    source: Path, out: Path, workers: int, *, distance: int, pictured: int, max_pixels: int
) -> Summary:
    """Look at every table and every image of a collection; write what was found to `out/check`.

    Writes problems.csv, images.csv (one row an image), duplicates.csv, rights.csv (which pictures
    may be published), check.json (the counts) and report.html. If the collection itself may not be
    written, it is `check/NAME` in the current folder. Raises UserError that lists the problems if
    there are any: after writing.
    """
    if pictured < 0:
        raise UserError(f"step.pictured={pictured}: must be 0 or more")
    found = inspect_collection(source, distance=distance, max_pixels=max_pixels, workers=workers)
    counts = count(found)
    own = out / "check"
    elsewhere = Path("check") / source.resolve().name
    folder = writable(own, elsewhere if out == source else own)
    names = (
        "report.html",
        "check.json",
        "problems.csv",
        "images.csv",
        "duplicates.csv",
        "rights.csv",
    )
    files = [folder / name for name in names]
    write_text(files[0], render(found, counts, source, pictured))
    write_json(files[1], counts)
    rewrite(problems_table(found.problems), files[2])
    rewrite(found.images, files[3])
    rewrite(found.duplicates, files[4])
    rights = publishing(found)
    rewrite(rights.table, files[5])
    kinds = {kind: many for kind, (_, many) in listed(counts).items()}
    looked_at = ", ".join(f"{counts[kind]['images']:,} {many}" for kind, many in kinds.items())
    notes = _notes(found, counts) + ([rights.note] if rights.is_told else [])
    if folder != own:
        notes.insert(0, f"{own} may not be written: what was found is in {folder.resolve()}")
    for note in notes if found.problems else ():  # they would go with the summary
        log.warning("! %s", note)
    heading = f"{source} ({looked_at} looked at, all listed in {files[0]})"
    raise_problems(heading, list(found.problems))

    summary = Summary(files=files, notes=notes)
    for kind, many in kinds.items():
        its = counts[kind]
        what = f"{many}, all sound ({its['colour']:,} in colour, {its['gray']:,} gray)"
        summary.read[what] = its["images"]
    summary.read["pairs"] = counts["pairs"]
    return summary


def _notes(found: Inspection, counts: dict[str, Any]) -> list[str]:
    """What needs no mending, but somebody's attention."""
    notes = [f"{path.name}: {said}" for path, said in found.problems.notes.items()]
    if copies := like_artworks(found):
        shown = first_of([f"{one!r} is {other!r}" for one, other in copies.items()])
        notes.append(
            f"drawings that are the same picture as an artwork, or nearly: {len(copies):,} "
            f"({shown}); take them out of drawings.csv and pairs.csv, or scores look better "
            "than they are"
        )
    for note, ids in said_of_images(found).items():
        notes.append(f"{note}: {len(ids):,} ({first_of(list(map(repr, ids)))})")
    return notes + [
        f"{counted(number, 'pair')} of images that {what}: see duplicates.csv"
        for what, number in counts["duplicates"].items()
        if number
    ]
