"""The export of documents of IIIF: which pictures, where they are written, where they will lie."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawsim.collection.iiif.shown import COLUMNS
from drawsim.common.errors import UserError, brief, nearest
from drawsim.common.machine import cores
from drawsim.reporting.iiif.export import Group, write_documents
from drawsim.reporting.iiif.pictures import Static
from drawsim.workflows.export.catalogue import Catalogue
from drawsim.workflows.export.pairs import pairs_of
from drawsim.workflows.settings import filled

FORMATS = ("iiif",)
_BASE = re.compile(r"https?://[^\s/?#\"<>]+(/[^\s?#\"<>]*)?", re.I)


@dataclass(frozen=True)
class ExportSettings:
    """What is exported and where to; see `conf/commands/export.yaml`."""

    collection: Path
    out: Path
    base: str
    columns: Sequence[str] = COLUMNS
    size: int = 2048
    workers: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ExportSettings:
        """From plain values, resolved. Raises UserError for what cannot be."""
        if values["format"] not in FORMATS:
            raise UserError(f"format={values['format']}: {nearest(str(values['format']), FORMATS)}")
        base = str(values["base"]).rstrip("/")
        if not _BASE.fullmatch(base):
            raise UserError(
                f"base={brief(base)}: must be the address at which the folder will lie, such as "
                "https://example.org/iiif"
            )
        if not 64 <= values["size"] <= 20_000:
            raise UserError(f"size={values['size']}: must be 64 to 20000 pixels")
        if (workers := values["workers"]) is not None and workers < 1:
            raise UserError(f"workers={workers}: must be 1 or more, or null for one a core")
        paths = {key: Path(values[key]) for key in ("collection", "out")}
        return filled(cls, {**values, **paths, "base": base})


def export_iiif(settings: ExportSettings) -> list[str]:
    """Write manifests and images; returns the lines that say what there is."""
    catalogue = Catalogue.open(settings.collection)
    groups: list[Group] = pairs_of(catalogue)
    written = write_documents(
        groups,
        Static(settings.out, settings.base, settings.size),
        catalogue.name,
        columns=settings.columns,
        workers=settings.workers or cores(),
    )
    return written.lines
