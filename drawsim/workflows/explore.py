"""What is in a collection: a report, a map of its embeddings, near-duplicates, or motifs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.collection.kinds import KINDS, Kind
from drawsim.common.errors import UserError, nearest
from drawsim.common.machine import cores
from drawsim.workflows.settings import LARGEST_SEED, DataSettings, filled, is_folder_name

if TYPE_CHECKING:
    from drawsim.collection.tables import Collection
    from drawsim.retrieval.index.gallery import Gallery

VIEWS = ("report", "map", "duplicates", "motifs")
EXPLORE = Path("explore")
"""Where the folders of collections are, below the current one."""
BOUNDS: Mapping[str, tuple[float, float | None]] = {
    "sample.rows": (1, None),
    "sample.cols": (1, None),
    "sample.groups": (1, None),
    "sample.seed": (0, None),
    "sizes": (0, None),
    "map.seed": (0, LARGEST_SEED),
    "duplicates.distance": (0, 64),
    "duplicates.similarity": (-1, 1),
}
"""The least and the most that numbers of `explore.…` may be."""


@dataclass(frozen=True)
class ExploreSettings:
    """What is looked at and how; see `conf/commands/explore.yaml`.

    run, drawings, artworks: the run or the files whose embeddings are taken, if any. explore: the
    settings of the single views. out: the folder that is written; None: a folder of the collection
    and the view, see `folder`.
    """

    data: DataSettings
    explore: Mapping[str, Any]
    out: Path | None = None
    view: str = "report"
    run: Path | None = None
    drawings: Path | None = None
    artworks: Path | None = None
    workers: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ExploreSettings:
        """From plain values, resolved. Raises UserError for settings that do not go together."""
        view = str(values["view"])
        if view not in VIEWS:
            raise UserError(f"view={view}: {nearest(view, VIEWS)}")
        given = [key for key in ("run", "drawings", "artworks") if values[key]]
        if view == "report" and given:
            raise UserError(f"{given[0]}: is of view=map, duplicates and motifs; leave it out")
        if values["run"] and len(given) > 1:
            raise UserError(f"{given[1]}: leave it out where run is given, or leave out run")
        if view == "map" and not given:
            raise UserError(
                "view=map: needs embeddings: run=DIR, or drawings=FILE and artworks=FILE"
            )
        if view == "motifs" and not (values["run"] or values["drawings"]):
            raise UserError("view=motifs: needs embeddings: run=DIR, or drawings=FILE")
        _check_numbers(values)
        paths = {key: Path(values[key]) for key in (*given, "out") if values[key]}
        return filled(
            cls, {**values, **paths, "data": filled(DataSettings, values["data"], "data.")}
        )

    @property
    def folder(self) -> Path:
        """The folder that is written: `explore/COLLECTION`, with a folder of its own for a view."""
        if self.out is not None:
            return self.out
        own = EXPLORE / _collection_name(self)
        return own if self.view == "report" else own / self.view

    @property
    def readers(self) -> int:
        """Threads that read images."""
        return cores() if self.workers is None else self.workers


def explore(settings: ExploreSettings) -> list[str]:
    """Write what is asked for into the folder `out`; returns the lines that say what there is."""
    views = {"report": _report, "map": _map, "duplicates": _duplicates, "motifs": _motifs}
    return views[settings.view](settings)


def _check_numbers(values: Mapping[str, Any]) -> None:
    if (workers := values["workers"]) is not None and workers < 1:
        raise UserError(f"workers={workers}: must be 1 or more, or null for one a core")
    for key, (least, most) in BOUNDS.items():
        value: Any = values["explore"]
        for part in key.split("."):
            value = value[part]
        if value is not None and not least <= value <= (math.inf if most is None else most):
            said = f"{least} or more" if most is None else f"from {least} to {most}"
            raise UserError(f"explore.{key}={value}: must be {said}")


def _report(settings: ExploreSettings) -> list[str]:
    """Write the page, figures, tables and sheets of a collection."""
    from drawsim.reporting.collection.pairs import Paper
    from drawsim.reporting.collection.report import explore_collection
    from drawsim.reporting.collection.samples import Sampling

    found = explore_collection(
        settings.data.folder(),
        settings.folder,
        name=settings.data.name,
        sampling=Sampling(**settings.explore["sample"]),
        paper=Paper(**settings.explore["pairs"]),
        sizes=settings.explore["sizes"],
        workers=settings.readers,
    )
    notes = [f"! {note}" for note in found.notes]
    return [f"{found.name}: {found.headline}", *notes, f"→ {settings.folder / 'index.html'}"]


def _map(settings: ExploreSettings) -> list[str]:
    """Write the page with drawings and artworks in one plane."""
    from drawsim.common.words import counted
    from drawsim.reporting.embedding_map.page import Layer, write_map
    from drawsim.retrieval.analysis.projection import project_together

    collection = _collection(settings)
    galleries = _galleries(settings, collection)
    method = settings.explore["map"]["method"]
    planes = project_together(
        [gallery.embeddings.vectors.numpy() for gallery in galleries.values()],
        method,
        settings.explore["map"]["seed"],
    )
    model = next(iter(galleries.values())).model
    run = f" ({settings.run.name})" if settings.run else ""
    layers = []
    for (kind, gallery), plane in zip(galleries.items(), planes, strict=True):
        ids = list(gallery.embeddings.ids)
        paths = collection.paths(kind, ids)
        layers.append(Layer(kind, gallery.table.loc[ids], paths, plane))
    page = settings.folder / "map.html"
    write_map(
        layers,
        collection.true_pairs,
        page,
        name=collection.root.resolve().name,
        made_by=f"{method} of {model.short}{run}",
        made_in_full=str(model),
        workers=settings.readers,
    )
    counts = ", ".join(counted(len(layer.table), layer.kind) for layer in layers)
    return [counts, f"→ {page}"]


def _duplicates(settings: ExploreSettings) -> list[str]:
    """Write the page and the table of images that are nearly the same."""
    from drawsim.common.words import counted
    from drawsim.reporting.duplicates.page import write_duplicates

    collection = _collection(settings)
    given = settings.run or settings.drawings or settings.artworks
    galleries = _galleries(settings, collection) if given else {}
    table = write_duplicates(
        collection,
        settings.folder,
        settings.readers,
        distance=settings.explore["duplicates"]["distance"],
        embeddings={kind: gallery.embeddings for kind, gallery in galleries.items()} or None,
        similarity=settings.explore["duplicates"]["similarity"],
    )
    groups = counted(table["group"].nunique(), "group")
    return [
        f"{counted(len(table), 'pair')} of near-identical images in {groups}",
        f"→ {settings.folder / 'duplicates.html'}",
    ]


def _motifs(settings: ExploreSettings) -> list[str]:
    """Write groups of drawings that share a motif, and who draws them."""
    from drawsim.workflows.motifs import MotifSettings, motifs_of, summary, write_results
    from drawsim.workflows.motifs_page import write_page

    chosen = MotifSettings.of(settings.explore["motifs"])
    collection = _collection(settings)
    galleries = _galleries(settings, collection)
    found = motifs_of(
        galleries["drawing"],
        collection,
        chosen,
        max_pixels=settings.data.max_pixels,
        workers=settings.readers,
        run=settings.run,
        artworks=galleries.get("artwork"),
    )
    write_results(found, settings.folder)
    page = write_page(
        found,
        collection,
        galleries,
        settings.folder,
        name=_collection_name(settings),
        level=chosen.level,
        workers=settings.readers,
        run=settings.run,
        names=chosen.names,
    )
    return [*summary(found), f"→ {page}"]


def _galleries(settings: ExploreSettings, collection: Collection) -> dict[Kind, Gallery]:
    """The embeddings that are given, of the images that the collection has, by kind."""
    from drawsim.retrieval.embeddings import kind_path
    from drawsim.retrieval.index.gallery import Gallery, gallery_from_file

    if settings.run:
        files: dict[Kind, Path] = {
            kind: kind_path(settings.run / "embeddings" / "final", kind) for kind in KINDS
        }
    else:
        named: dict[Kind, Path | None] = {
            "drawing": settings.drawings,
            "artwork": settings.artworks,
        }
        files = {kind: file for kind, file in named.items() if file is not None}
    galleries: dict[Kind, Gallery] = {}
    for kind, file in files.items():
        table = collection.drawings if kind == "drawing" else collection.artworks
        every = gallery_from_file(file, table)
        known = [name for name in every.embeddings.ids if name in table.index]
        if not known:
            raise UserError(
                f"{file}: embeddings of another collection, none of its {kind}s is in "
                f"{collection.root}"
            )
        galleries[kind] = Gallery(every.embeddings.of(known), every.model, table)
    if len({gallery.model.space for gallery in galleries.values()}) > 1:
        raise UserError("drawings and artworks are embedded by different models; embed both by one")
    return galleries


def _collection(settings: ExploreSettings) -> Collection:
    """The collection less style copies: the run's own, unless a folder is named."""
    from drawsim.reporting.collection.counts import read_holdings

    return read_holdings(_own_root(settings) or settings.data.folder()).collection


def _own_root(settings: ExploreSettings) -> Path | None:
    """The folder of the run's collection, where a run is given and no folder is named."""
    from drawsim.retrieval.analysis.inputs import run_data

    is_own = settings.run is not None and settings.data.demo is not None
    return run_data(settings.run) if is_own and settings.run else None


def _collection_name(settings: ExploreSettings) -> str:
    """What the collection is called: by its run, else by the settings."""
    from drawsim.runs.settings import read_values

    root = _own_root(settings)
    if root is None or settings.run is None:
        return settings.data.name
    name = str(read_values(settings.run)["data"].get("name"))
    return name if is_folder_name(name) else root.name
