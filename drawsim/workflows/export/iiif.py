"""The export of documents of IIIF: which pictures, where they are written, where they will lie."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drawsim.collection.iiif.shown import COLUMNS
from drawsim.common.errors import UserError, brief, nearest
from drawsim.common.machine import cores
from drawsim.common.words import counted
from drawsim.reporting.iiif.export import Group, write_documents
from drawsim.reporting.iiif.pictures import Static
from drawsim.retrieval.index.filters import parse_filter
from drawsim.retrieval.motifs.files import MOTIFS
from drawsim.workflows.export.catalogue import Catalogue
from drawsim.workflows.export.motifs import motifs_of
from drawsim.workflows.export.pairs import pairs_of
from drawsim.workflows.export.searches import HITS, searches_of
from drawsim.workflows.settings import filled

FORMATS = ("iiif",)
_BASE = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?"
    r"((?:/(?:[\w.~!$&'()*+,;=:@-]|%[0-9a-f]{2})*)*)",
    re.I | re.A,
)
"""An address by RFC 3986, without user, query and fragment: it stands in every document."""


@dataclass(frozen=True)
class ExportSettings:
    """What is exported and where to; see `conf/commands/export.yaml`."""

    collection: Path
    out: Path
    base: str
    source: Path | None = None
    queries: Path | None = None
    k: int = 20
    where: str | Mapping[str, Any] | None = None
    columns: Sequence[str] = COLUMNS
    size: int = 2048
    workers: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ExportSettings:
        """From plain values, resolved. Raises UserError for what cannot be."""
        if values["format"] not in FORMATS:
            raise UserError(f"format={values['format']}: {nearest(str(values['format']), FORMATS)}")
        base = str(values["base"]).rstrip("/")
        parts = _BASE.fullmatch(base)
        dots = parts is None or {".", ".."} & set(parts[2].split("/"))
        if parts is None or dots or not 0 < int(parts[1] or 80) < 65_536:
            raise UserError(
                f"base={brief(str(values['base']))}: must be the address at which the folder will "
                "lie, such as https://example.org/iiif"
            )
        if not 64 <= values["size"] <= 20_000:
            raise UserError(f"size={values['size']}: must be 64 to 20000 pixels")
        if (workers := values["workers"]) is not None and workers < 1:
            raise UserError(f"workers={workers}: must be 1 or more, or null for one a core")
        if values["k"] < 1:
            raise UserError(f"k={values['k']}: must be at least 1")
        given = ("collection", "out", "source", "queries")
        paths = {key: Path(values[key]) if values[key] else None for key in given}
        return filled(cls, {**values, **paths, "base": base})


def export_iiif(settings: ExportSettings) -> list[str]:
    """Write manifests and images; returns the lines that say what there is."""
    catalogue = Catalogue.open(settings.collection)
    groups = _groups(settings, catalogue)
    shown = _wanted(groups, catalogue, settings.where)
    written = write_documents(
        shown,
        Static(settings.out, settings.base, settings.size),
        catalogue.name,
        columns=settings.columns,
        workers=settings.workers or cores(),
    )
    left = _canvases(groups) - _canvases(shown)
    told = f"{counted(left, 'canvas', 'canvases')} left out by where={settings.where}"
    return [told, *written.lines] if left else written.lines


def _wanted(
    groups: list[Group], catalogue: Catalogue, where: str | Mapping[str, Any] | None
) -> list[Group]:
    """The canvases of which every picture fulfils a filter. Raises UserError if there is none."""
    failing = catalogue.failing(parse_filter(where))
    found = []
    for group in groups:
        entries = [
            entry
            for entry in group.entries
            if not any((each.kind, each.id) in failing for each in entry.pictures)
        ]
        if entries:
            found.append(replace(group, entries=entries))
    if not found:
        raise UserError(f"where={where}: no canvas is left; ask for less")
    return found


def _canvases(groups: Sequence[Group]) -> int:
    return sum(len(group.entries) for group in groups)


def _groups(settings: ExportSettings, catalogue: Catalogue) -> list[Group]:
    """What the source is of, by the file that is in it."""
    source = settings.source
    if settings.queries is not None and not (source and (source / HITS).is_file()):
        raise UserError("queries: is of a search, source=FOLDER; leave it out")
    if source is None:
        return pairs_of(catalogue)
    if (source / HITS).is_file():
        return searches_of(catalogue, source, settings.k, settings.queries)
    if (source / MOTIFS).is_file():
        return motifs_of(catalogue, source)
    raise UserError(
        f"source={source}: neither {HITS} (search … out=FOLDER) nor {MOTIFS} (explore view=motifs) "
        "is in it; leave source out for the confirmed pairs"
    )
