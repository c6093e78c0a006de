"""See what is in a collection: `python -m drawsim.explore data=folder data.root=DIR`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import as_texts
from drawsim.common.building import build
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.collection.tables import Collection
    from drawsim.retrieval.index.gallery import Gallery

TEXTS = ("out", "run", "drawings", "artworks", "data.root")


def explore(config: DictConfig) -> None:
    """Write what is asked for: the report of a collection, its map, or its duplicates."""
    views = {"report": _report, "map": _map, "duplicates": _duplicates}
    if config.view not in views:
        raise UserError(f"view={config.view}: {nearest(str(config.view), views)}")
    files = [key for key in ("run", "drawings", "artworks") if config[key]]
    if config.view == "report" and files:
        raise UserError(f"{files[0]}: is of view=map and view=duplicates; leave it out")
    if config.run and len(files) > 1:
        raise UserError(f"{files[1]}: leave it out where run is given, or leave out run")
    views[config.view](config)


def _report(config: DictConfig) -> None:
    """Write the page, figures, tables and sheets of a collection, and say where they are."""
    from omegaconf import OmegaConf

    from drawsim.reporting.collection.pairs import Paper
    from drawsim.reporting.collection.report import explore_collection
    from drawsim.reporting.collection.samples import Sampling

    settings: Any = OmegaConf.to_container(config.explore, resolve=True)
    found = explore_collection(
        _root(config),
        Path(config.out),
        name=config.data.name,
        sampling=Sampling(**settings["sample"]),
        paper=Paper(**settings["pairs"]),
        sizes=settings["sizes"],
        workers=_workers(config),
    )
    print(f"{found.name}: {found.headline}")
    for note in found.notes:
        print(f"! {note}")
    print(f"→ {Path(config.out, 'index.html')}")


def _map(config: DictConfig) -> None:
    """Write the page with drawings and artworks in one plane."""
    if not (config.run or config.drawings or config.artworks):
        raise UserError("view=map: needs embeddings: run=DIR, or drawings=FILE and artworks=FILE")
    from drawsim.common.machine import prepare

    prepare()
    from drawsim.reporting.embedding_map.page import Layer, write_map
    from drawsim.reporting.kit.figures import counted
    from drawsim.retrieval.analysis.projection import project_together

    collection = _collection(config)
    galleries = _galleries(config, collection)
    planes = project_together(
        [gallery.embeddings.vectors.numpy() for gallery in galleries.values()],
        config.explore.map.method,
        config.explore.map.seed,
    )
    layers = []
    for (kind, gallery), plane in zip(galleries.items(), planes, strict=True):
        ids = list(gallery.embeddings.ids)
        paths = collection.paths("drawing" if kind == "drawing" else "artwork", ids)
        layers.append(Layer(kind, gallery.table.loc[ids], paths, plane))
    model = next(iter(galleries.values())).model
    page = Path(config.out, "map.html")
    write_map(
        layers,
        collection.true_pairs,
        page,
        name=collection.root.resolve().name,
        made_by=f"{config.explore.map.method} of {model}",
        workers=_workers(config),
    )
    print(", ".join(counted(len(layer.table), layer.kind) for layer in layers))
    print(f"→ {page}")


def _duplicates(config: DictConfig) -> None:
    """Write the page and the table of images that are nearly the same."""
    from drawsim.common.machine import prepare

    prepare()
    from drawsim.reporting.duplicates.page import write_duplicates
    from drawsim.reporting.kit.figures import counted

    collection = _collection(config)
    given = config.run or config.drawings or config.artworks
    galleries = _galleries(config, collection) if given else {}
    table = write_duplicates(
        collection,
        Path(config.out),
        _workers(config),
        distance=config.explore.duplicates.distance,
        embeddings={kind: gallery.embeddings for kind, gallery in galleries.items()} or None,
        similarity=config.explore.duplicates.similarity,
    )
    groups = table["group"].nunique()
    print(f"{counted(len(table), 'pair')} of near-identical images in {counted(groups, 'group')}")
    print(f"→ {Path(config.out, 'duplicates.html')}")


def _galleries(config: DictConfig, collection: Collection) -> dict[str, Gallery]:
    """The embeddings that are given, of the images that the collection has, by kind."""
    from drawsim.retrieval.embeddings import kind_path
    from drawsim.retrieval.index.gallery import Gallery, gallery_from_file
    from drawsim.runs.folder import KINDS

    if config.run:
        files = {kind: kind_path(Path(config.run, "embeddings", "final"), kind) for kind in KINDS}
    else:
        files = {kind: Path(config[f"{kind}s"]) for kind in KINDS if config[f"{kind}s"]}
    galleries = {}
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


def _collection(config: DictConfig) -> Collection:
    """The collection less style copies: the run's own, unless a folder is named."""
    from drawsim.reporting.collection.counts import read_holdings
    from drawsim.retrieval.analysis.inputs import run_data

    root = run_data(Path(config.run)) if config.run and "demo" in config.data else None
    return read_holdings(root or _root(config)).collection


def _root(config: DictConfig) -> Path:
    return build(config.data.demo) if "demo" in config.data else Path(config.data.root)


def _workers(config: DictConfig) -> int:
    from drawsim.common.machine import cores

    return cores() if config.workers is None else int(config.workers)


if __name__ == "__main__":
    sys.argv[1:] = as_texts(sys.argv[1:], TEXTS)
    launch("explore", explore)
