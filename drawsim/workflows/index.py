"""Build an index or change it, with what makes its model kept beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.tables import Collection, tables_of
from drawsim.common.arguments import listed
from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.models.calibrated import own_calibration
from drawsim.models.loading import BEST, RERANK, Rerank, rerank_settings
from drawsim.models.precision import Precision, chosen_precision
from drawsim.models.searching import kept_pictures
from drawsim.models.sources import (
    KEPT,
    SOURCE,
    Untrained,
    asks_for_rerank,
    checkpoint_source,
    load_source,
    model_of_index,
    model_of_source,
    save_source,
)
from drawsim.retrieval.embeddings import kind_path
from drawsim.retrieval.index.backends import ann_settings
from drawsim.retrieval.index.base import Settings
from drawsim.retrieval.index.filters import offer
from drawsim.retrieval.index.folder import Index, build_index, open_index
from drawsim.retrieval.index.gallery import (
    UNKNOWN,
    Gallery,
    gallery_from_file,
    gallery_of_collection,
)
from drawsim.runs.settings import data_root, read_settings
from drawsim.workflows.settings import filled


@dataclass(frozen=True)
class Sources:
    """Where embeddings come from: a run folder, or files of drawings, artworks or both.

    collection: the folder that says what is known about the images; None: the run's own, if any.
    """

    run: Path | None = None
    files: Mapping[Kind, Path] | None = None
    collection: Path | None = None


@dataclass(frozen=True)
class ModelChoice:
    """What image files are to be embedded by: a run, a checkpoint, or a backbone as it is.

    rerank: how lists are looked at again; precision: see `drawsim.models.precision`; None: as the
    run's model does.
    """

    run: Path | None = None
    checkpoint: Path | None = None
    backbone: Untrained | None = None
    rerank: Rerank | None = None
    precision: Precision | None = None
    trust: Sequence[str] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ModelChoice:
        """From the settings of `index` and `search`, which have them by the same names.

        Raises UserError for what a backbone alone is told, with a run or a checkpoint.
        """
        run, checkpoint = (Path(v) if (v := values[k]) else None for k in ("run", "checkpoint"))
        name = values["backbone"]
        own = {field.name: values[field.name] for field in fields(Untrained)[1:]}
        if not name:
            plain = asdict(Untrained(""))
            if given := [key for key, value in own.items() if value != plain[key]]:
                raise UserError(f"{given[0]}: goes with backbone=NAME; leave it out")
        backbone = filled(Untrained, {"name": name, **own}) if name else None
        precision = chosen_precision(values["precision"])
        trust = listed(values["trust"])
        return cls(run, checkpoint, backbone, values["rerank"], precision, trust)

    def source(self) -> dict[str, Any] | None:
        """What `model.json` says of it; None if nothing is chosen. Raises UserError."""
        choices = {"run": self.run, "checkpoint": self.checkpoint, "backbone": self.backbone}
        if len(given := [key for key, value in choices.items() if value is not None]) > 1:
            raise UserError(f"{' and '.join(given)}: give one of them")
        source = checkpoint_source(self.run, self.checkpoint)
        if self.backbone is not None:
            source = self.backbone.source()
        if source is None:
            return None
        if self.precision is not None:
            source["precision"] = self.precision
        if self.rerank is not None:
            source[RERANK] = rerank_settings(self.rerank)
        return source


def build(
    folder: Path,
    sources: Sources,
    model: ModelChoice,
    ann: str | Mapping[str, Any] | None,
    database: str | None = None,
) -> tuple[Index, list[str]]:
    """An index of what the sources hold; `folder` is replaced if it holds one. And lines to say.

    ann: how it can be searched approximately too: a name, or settings with their `kind`. database:
    the address of one, for what is kept there. A run that kept no weights leaves an index that does
    not say its model.
    """
    if model.run is not None and not (model.run / BEST).is_file():
        model = replace(model, run=None)
    source = model.source()
    root = collection_of(sources, model.trust)
    galleries, notes = galleries_of(sources, root)
    if source is not None and model.backbone is not None:
        _check_backbone(source, folder, galleries)
    save_source(folder, None)  # what it says must never be of an index that was there before
    made = build_index(folder, galleries, root, _ann(ann), database)
    save_source(folder, source)
    _prepare_pictures(made, model.trust)
    return made, notes


def _prepare_pictures(index: Index, trust: Sequence[str]) -> None:
    """Compute what a search of artworks will look at, where the model re-ranks by pictures."""
    if "artwork" not in index.parts or not (index.folder / SOURCE).is_file():
        return
    if not asks_for_rerank(load_source(index.folder), trust):
        return
    pictures = kept_pictures(model_of_index(index.folder, trust), index, [], "artwork")
    if pictures is not None:
        pictures.prepare(range(len(pictures.files)))


def _check_backbone(
    source: Mapping[str, Any], folder: Path, galleries: Mapping[str, Gallery]
) -> None:
    """Raise UserError if what a user says of the model is not what made the embeddings."""
    made = model_of_source(source, folder / SOURCE)
    for gallery in galleries.values():
        own = made.made_by(gallery.model.dimensions)
        if gallery.model.weights_sha256 != UNKNOWN and gallery.model.space != own.space:
            raise UserError(
                f"backbone={made.backbone.name}: the embeddings are of {gallery.model}, not of "
                f"{own}; say how they were made: image_size, reading, frames, flip, crops, layout"
            )


def add(
    folder: Path, sources: Sources, trust: Sequence[str] = (), database: str | None = None
) -> tuple[Index, list[str]]:
    """Put what the sources hold into an index; the new one, and lines that say what changed."""
    new = open_index(folder, database)
    root = collection_of(sources, trust) or new.collection
    galleries, lines = galleries_of(sources, root)
    for kind, gallery in galleries.items():
        new, changes = new.add(kind, gallery)
        lines.append(
            f"{counted(changes.added, kind)} added, {changes.replaced:,} replaced, "
            f"{changes.unchanged:,} as before"
        )
    _prepare_pictures(new, trust)
    return new, lines


def remove(
    folder: Path, ids: Sequence[str], kind: Kind | None, database: str | None = None
) -> tuple[Index, list[str]]:
    """Take out ids of one kind, or of both where each says by itself what it is."""
    index = open_index(folder, database)
    gone: dict[str, list[str]] = {}
    for name in ids:
        parts = {k: part for k, part in index.parts.items() if k in (kind or k)}
        kinds = [k for k, part in parts.items() if name in part.embeddings.rows]
        if not kinds:
            known = [other for part in parts.values() for other in part.names[:-1]]
            raise UserError(f"remove: no {kind or 'image'} {name!r}, {offer(name, known)}")
        if len(kinds) > 1:
            raise UserError(f"remove: {name!r} is a drawing and an artwork; say which with from=…")
        gone.setdefault(kinds[0], []).append(name)
    lines = []
    for each, names in gone.items():
        index = index.remove(each, names)
        lines.append(f"{counted(len(names), each)} removed")
    return index, lines


def galleries_of(sources: Sources, root: Path | None) -> tuple[dict[str, Gallery], list[str]]:
    """What is to be indexed, by kind, with the collection's tables; and lines that say of it."""
    if sources.run is not None:
        files = {k: kind_path(sources.run / "embeddings" / "final", k) for k in KINDS}
        if not files["artwork"].is_file():
            raise UserError(f"run={sources.run}: no final embeddings in it; is the run finished?")
    else:
        files = dict(sources.files or {})
    galleries: dict[str, Gallery] = {}
    notes = []
    for kind, file in files.items():
        if root is None:
            galleries[kind] = gallery_from_file(file)
            continue
        collection = Collection.open(root, tables=tables_of(root, kind))
        galleries[kind], copies = gallery_of_collection(file, collection, kind)
        if copies:
            notes.append(
                f"{file}: {counted(copies, 'style copy', 'style copies')} left out: no drawings"
            )
    return galleries, notes


def collection_of(sources: Sources, trust: Sequence[str] = ()) -> Path | None:
    """The folder of the collection, named or the run's own; None if there is none."""
    if sources.collection is not None:
        if not sources.collection.is_dir():
            raise UserError(f"collection={sources.collection}: no such folder")
        return sources.collection.resolve()
    if sources.run is None or not (sources.run / "config.yaml").is_file():
        return None
    own = data_root(read_settings(sources.run, trust))
    return None if own is None else own.resolve()


def said_of(index: Index) -> list[str]:
    """Lines that say what an index holds and how it can be searched."""
    lines = [f"model: {index.model.short}"]
    for kind, part in index.parts.items():
        how = "a search compares with each of them"
        if part.measured is not None:
            how = part.measured.said(kind)
        lines.append(f"{counted(len(part.embeddings.ids), kind)}: {how}")
    if (index.folder / KEPT).is_dir():
        lines.append(own_calibration(index.folder).note)
    return [*lines, f"→ {index.folder}"]


def _ann(value: str | Mapping[str, Any] | None) -> Settings | None:
    if value is None:
        return None
    settings = {"kind": value} if isinstance(value, str) else dict(value)
    return ann_settings(str(settings.pop("kind", "")), settings)
