"""Look up images: `python -m drawsim.search index=INDEX image=scan.jpg out=DIR`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import as_texts, listed
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omegaconf import DictConfig

    from drawsim.collection.kinds import Kind
    from drawsim.models.model import Model
    from drawsim.reporting.search.page import SearchSheet
    from drawsim.retrieval.index.folder import Index
    from drawsim.retrieval.index.queries import Hits, Queries
    from drawsim.workflows.search_queries import Asked

KINDS = ("drawing", "artwork")
TEXTS = (
    *("index", "id", "image", "box", "from", "combine", "unlike", "in", "where"),
    *("calibration", "run", "checkpoint", "backbone", "out"),
)
VERIFIED = 50
"""Results that spatial verification looks at."""
LAYOUT_SIZE = 224
"""Pixels from which spatial verification was seen to help."""
FUSED = 100
"""Results of each index, at least, of which fused lists are made."""


def search(config: DictConfig) -> None:
    """Find, print, and write the page and the tables if they are asked for."""
    _check(config)
    from drawsim.common.machine import prepare

    prepare()
    from drawsim.reporting.search.console import print_sheets
    from drawsim.retrieval.index.folder import open_index

    indexes = [open_index(Path(folder)) for folder in listed(config.index)]
    asking = _asking(config, indexes[0])
    models = [_model(config, index, asking) for index in indexes]
    kind = _searched(config["in"], asking.groups, indexes[0])
    found = _find(config, indexes, models, asking, kind)
    chances = _chances(config, indexes[0], found)
    sheets = []
    for row, group in enumerate(asking.groups):
        sheet = _sheet(found, row, group, asking.unlike, indexes)
        if config.spatial:
            sheet = _verified(sheet, group[0], models[0], config.k)
        hits = sheet.hits[: config.k]
        notes = [*sheet.notes, *(asking.notes if row == 0 else ())]
        if len(hits) < config.k:
            notes.append(f"k={config.k}: {len(hits)} {kind}s is all there is to rank")
        if config.calibration and chances[row] is None:
            notes.append("calibration: the list is too short for a probability")
        sheets.append(replace(sheet, hits=hits, probability=chances[row], notes=notes))
    print_sheets(sheets)
    if config.out:
        _write(config, indexes, kind, sheets)


@dataclass(frozen=True)
class Asking:
    """What is looked for: a group of images for each query, and what results should be unlike."""

    groups: Sequence[Sequence[Asked]]
    unlike: Sequence[Asked]
    notes: Sequence[str]

    @property
    def has_files(self) -> bool:
        """Whether a model is needed to embed something."""
        every = [*(each for group in self.groups for each in group), *self.unlike]
        return any(each.id is None for each in every)


def _asking(config: DictConfig, index: Index) -> Asking:
    from drawsim.workflows.search_queries import cropped, find_files, find_ids, parse_box

    kind: Any = config["from"]
    asked = find_ids(index, listed(config.id), kind)
    paths = [Path(path) for path in listed(config.image)]
    files, notes = find_files(paths, kind or "drawing")
    if config.box is not None:
        box = parse_box(",".join(listed(config.box)))
        if asked or len(files) != 1 or paths[0].is_dir():
            raise UserError("box: a region of one image file: image=FILE box=x,y,width,height")
        cropped(paths[0], box)
        files = [replace(files[0], box=box)]
    asked += files
    unlike: list[Asked] = []
    for name in listed(config.unlike):
        if any(name in part.embeddings.rows for part in index.parts.values()):
            unlike += find_ids(index, [name], kind)
        elif Path(name).exists():
            unlike += find_files([Path(name)], kind or "drawing")[0]
        else:
            raise UserError(f"unlike: {name!r} is neither an id of the index nor an image file")
    groups = [asked] if config.combine else [[each] for each in asked]
    return Asking(groups, unlike, notes)


def _model(config: DictConfig, index: Index, asking: Asking) -> Model | None:
    """The model of an index, checked, if anything has to be embedded."""
    from drawsim.models.loading import SOURCE, load_source, model_of_source, model_source

    if not (asking.has_files or config.spatial):
        return None
    given = model_source(
        config.run,
        config.checkpoint,
        config.backbone,
        config.image_size,
    )
    model = model_of_source(given or load_source(index.folder), index.folder / SOURCE)
    index.check_model(model.made_by(index.model.dimensions))
    return model


def _searched(wanted: str | None, groups: Sequence[Sequence[Asked]], index: Index) -> Kind:
    """What is searched: as the user says, else the other kind, else what there is."""
    if wanted is not None:
        return "drawing" if wanted == "drawings" else "artwork"
    kinds = {each.kind for group in groups for each in group}
    if len(kinds) > 1:
        raise UserError("queries are drawings and artworks: say what is searched with in=…")
    others = [kind for kind in index.parts if kind not in kinds]
    found: Any = (others or list(index.parts))[0]
    return "drawing" if found == "drawing" else "artwork"


def _find(
    config: DictConfig,
    indexes: Sequence[Index],
    models: Sequence[Model | None],
    asking: Asking,
    kind: Kind,
) -> Hits:
    """The lists of all queries, long enough for what follows."""
    from drawsim.retrieval.analysis.calibration import LIST
    from drawsim.retrieval.index.queries import fused
    from drawsim.retrieval.index.queries import search as search_index

    depth = max(config.k, VERIFIED if config.spatial else 0, LIST if config.calibration else 0)
    if len(indexes) > 1:
        depth = max(FUSED, 5 * config.k)
    every = []
    for index, model in zip(indexes, models, strict=True):
        queries = _queries(asking, index, model)
        every.append(search_index(index, kind, queries, depth, _where(config), config.ann))
    if len(indexes) == 1:
        return every[0]
    weights = None if config.weights is None else [float(w) for w in config.weights]
    return fused(every, config.k, weights)


def _queries(asking: Asking, index: Index, model: Model | None) -> Queries:
    from drawsim.retrieval.index.queries import combined, joined
    from drawsim.workflows.search_queries import as_queries

    every = [each for group in asking.groups for each in group]
    left = iter(as_queries(every, index, model))
    groups = [joined([next(left) for _ in group]) for group in asking.groups]
    unlike = joined(as_queries(asking.unlike, index, model)) if asking.unlike else None
    if unlike is None and all(len(group) == 1 for group in asking.groups):
        return joined(groups)
    return joined([combined(group, unlike) for group in groups])


def _where(config: DictConfig) -> Any:
    from omegaconf import OmegaConf

    return (
        config.where
        if config.where is None or isinstance(config.where, str)
        else (OmegaConf.to_container(config.where))
    )


def _chances(config: DictConfig, index: Index, found: Hits) -> list[float | None]:
    """Probability that the first of each list is a true match, where it can be said."""
    from drawsim.retrieval.analysis.calibration import load_calibration
    from drawsim.retrieval.index.results import top_probabilities

    if config.calibration is None:
        return [None] * len(found.queries)
    chances = top_probabilities(found, index, load_calibration(Path(config.calibration)))
    return [None] * len(found.queries) if chances is None else list(chances)


def _sheet(
    found: Hits, row: int, group: Sequence[Asked], unlike: Sequence[Asked], indexes: Sequence[Index]
) -> SearchSheet:
    """A query with its results and what is known about them."""
    from drawsim.reporting.search.page import QueryPicture, SearchSheet
    from drawsim.retrieval.index.results import known_pairs, result_table

    hits = result_table(found, row, indexes)
    ids = {kind: [each.id for each in group if each.id and each.kind == kind] for kind in KINDS}
    hits["known"] = known_pairs(indexes[0], found.kind, ids, hits["id"])
    pictures = [QueryPicture(each.name, each.file or Path(), each.box) for each in group]
    pictures += [QueryPicture(each.name, each.file or Path(), unlike=True) for each in unlike]
    return SearchSheet(found.queries[row], pictures, hits)


def _verified(sheet: SearchSheet, asked: Asked, model: Model | None, k: int) -> SearchSheet:
    """The first results in a new order: by cosine similarity and common layout."""
    import pandas as pd
    from PIL import Image

    from drawsim.models.spatial_rerank import placements
    from drawsim.pixels.decode import read_image
    from drawsim.reporting.search.overlay import overlay
    from drawsim.retrieval.index.results import by_layout
    from drawsim.retrieval.reranking.spatial import STRIDE

    assert model is not None
    hits = sheet.hits[: max(VERIFIED, k)]
    pixels = asked.pixels()
    files = [Path(path) if path else None for path in hits["path"]]
    found = placements(model, pixels, files)
    ranked = by_layout(hits, found)[:k]
    pictures: list[Any] = []
    for path, row in zip(ranked["path"], ranked.pop("row"), strict=True):
        placement = found[row]
        if placement is None:
            pictures.append(None)
        else:
            shown = Image.fromarray(read_image(Path(path)))
            pictures.append(overlay(Image.fromarray(pixels), shown, placement))
    ranked = ranked.assign(overlay=pd.Series(pictures, dtype=object))
    notes = [*sheet.notes, f"the first {len(hits)} re-ranked by common layout"]
    if model.reading.size < LAYOUT_SIZE:
        few = model.reading.size // STRIDE
        notes.append(
            f"spatial: at {model.reading.size} px there are {few} x {few} patches alone, at "
            f"{LAYOUT_SIZE} px or more layouts can be told apart"
        )
    return replace(sheet, hits=ranked, notes=notes)


def _write(
    config: DictConfig, indexes: Sequence[Index], kind: Kind, sheets: Sequence[SearchSheet]
) -> None:
    from drawsim.reporting.kit.figures import counted
    from drawsim.reporting.search.files import write_hits
    from drawsim.reporting.search.page import COSINE, write_search
    from drawsim.retrieval.index.filters import parse_filter

    out = Path(config.out)
    models = [str(index.model) for index in indexes]
    index = indexes[0]
    searched = counted(len(index.part(kind).embeddings.ids), kind)
    if index.collection is not None:
        searched += f" of {index.collection.name}"
    scores = COSINE
    if config.spatial:
        scores = "cosine similarity plus twice the share of patches that agree on one layout"
    if len(indexes) > 1:
        scores = "sums of weight / (60 + rank) over the models' lists"
    filters = [str(condition) for condition in parse_filter(_where(config))]
    facts = {"searched": searched, "models": models, "where": filters, "scores": scores}
    write_hits(sheets, out, **facts)
    write_search(
        sheets,
        out / "search.html",
        model="; ".join(models),
        searched=searched,
        filters=filters,
        scores=scores,
    )
    print(f"→ {out / 'search.html'}")


def _check(config: DictConfig) -> None:
    choices = {"from": KINDS, "in": ("artworks", "drawings"), "combine": ("mean",)}
    for key, known in choices.items():
        if config[key] is not None and config[key] not in known:
            raise UserError(f"{key}={config[key]}: {nearest(str(config[key]), known)}")
    if not (config.id or config.image):
        raise UserError("id or image must be given (python -m drawsim.search --help)")
    if config.k < 1:
        raise UserError(f"k={config.k}: must be at least 1")
    several = len(listed(config.index)) > 1
    one_index = ("weights",) if not several else ("run", "checkpoint", "backbone", "calibration")
    for key in one_index:
        if config[key] is not None:
            what = "one index" if several else "several indexes"
            raise UserError(f"{key}: goes with {what}; leave it out")
    if config.spatial and (several or config.combine or config.unlike):
        raise UserError(
            "spatial: compares one picture by one model; leave combine, unlike and "
            "further indexes out"
        )
    if config.calibration and (config.where or config.combine or config.unlike):
        raise UserError(
            "calibration: holds for one drawing and all artworks; leave where, combine "
            "and unlike out"
        )


if __name__ == "__main__":
    sys.argv[1:] = as_texts(sys.argv[1:], TEXTS)
    launch("search", search)
