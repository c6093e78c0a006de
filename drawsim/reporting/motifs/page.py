"""The page of motifs: `motifs.html`, its figures, and the thumbnails beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from drawsim.common.files import atomic, write_text
from drawsim.common.words import counted, in_words
from drawsim.reporting.kit.figures import Drawn, svg_file
from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.kit.pages import as_script, environment
from drawsim.reporting.motifs.data import page_data
from drawsim.reporting.motifs.figures import figures_of
from drawsim.reporting.motifs.pictures import write_pictures
from drawsim.reporting.motifs.sheets import write_sheets
from drawsim.reporting.motifs.view import MotifsView, found_of
from drawsim.reporting.motifs.words import colour_words
from drawsim.retrieval.motifs.named import named_words

PAGE = "motifs.html"
FIRST = 6
"""Motifs at the top of the page, those with the surest findings, and sentences on colours."""


def write_motifs_page(view: MotifsView, folder: Folder, workers: int) -> Path:
    """Write the page, `figures/` (PNG and SVG), `thumbnails/`, `matches/`, `sheets/` (PNG) and
    `motifs.pdf`; returns the page.

    `workers` processes read pictures. What an earlier call wrote is not removed: see
    `Folder.finish`.
    """
    pictures = write_pictures(view, folder, workers)
    write_sheets(view, folder, workers)
    figures = figures_of(view)
    for figure in figures.values():
        with atomic(folder.place(f"figures/{figure.name}.png")) as temporary:
            temporary.write_bytes(figure.png)
        write_text(folder.place(f"figures/{figure.name}.svg"), svg_file(figure))
    data = page_data(view, pictures)
    page = (
        environment()
        .get_template("motifs/templates/motifs.html.j2")
        .render(
            **_first_screen(view, figures, data),
            data=as_script(data),
            captions=view.captions,
            kinds_of_source={group["source"] for group in data["groups"]},
            written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        )
    )
    write_text(folder.place(PAGE), page)
    return folder.root / PAGE


def _first_screen(
    view: MotifsView, figures: dict[str, Drawn], data: dict[str, Any]
) -> dict[str, Any]:
    """What is seen before the motifs themselves."""
    found, findings = view.found, view.findings
    inside = sum(motif.size for motif in found.motifs)
    colours = found_of(view.colours, view.level)
    return {
        "name": view.name,
        "found": found,
        "model": view.model,
        "stats": {
            "motif" if len(found.motifs) == 1 else "motifs": len(found.motifs),
            "drawings in them": inside,
            "drawings in none": found.drawings - inside,
            "finding" if len(findings) == 1 else "findings": len(findings),
        },
        "surest": _surest(view, data["groups"]),
        "colours": [colour_words(row) for row in colours.head(FIRST).itertuples()],
        "more": {"findings": len(findings), "colours": len(colours) - FIRST},
        "figures": figures,
        "named": bool(view.named),
        "level": view.level,
        "strata": _strata_words(found.settings),
        "sources": None if view.sources is None else _sources(view),
        "said_of_it": view.notes,
    }


def _surest(view: MotifsView, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The motifs of which it is surest who draws them, as the page has them."""
    order = view.findings["motif"].drop_duplicates().head(FIRST)
    by_id = {group["id"]: (place, group) for place, group in enumerate(groups, start=1)}
    return [
        {
            "id": group["id"],
            "called": named_words(group["id"], view.named),
            "said": group["findings"],
            "picture": None if 0 in group["missing"] else f"./thumbnails/{place}/0.webp",
        }
        for place, group in (by_id[motif] for motif in order if motif in by_id)
    ]


def _strata_words(settings: Mapping[str, Any]) -> str:
    """The columns within whose values drawings are compared, as a phrase; empty without any."""
    names = [str(name).replace("_", " ") for name in settings.get("strata", ())]
    return in_words(names) if names else ""


def _sources(view: MotifsView) -> str:
    """Of how many motifs a source is known, and in what gallery it was looked for."""
    assert view.sources is not None
    motifs = view.found.motifs
    known = sum(view.sources.known(motif.id) is not None for motif in motifs)
    likely = sum(
        view.sources.known(motif.id) is None and view.sources.likely(motif.id) is not None
        for motif in motifs
    )
    gallery = counted(view.sources.gallery, "artwork")
    has = "has" if known == 1 else "have"
    said = f"Of {counted(len(motifs), 'motif')}, {known:,} {has} a confirmed source among {gallery}"
    if view.sources.note:
        return f"{said}. {view.sources.note}"
    rest = len(motifs) - known - likely
    return f"{said}, {likely:,} a likely one, and {rest:,} none that is known"
