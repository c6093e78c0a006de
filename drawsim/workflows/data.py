"""What a training run looks at: the collection and the split, less what cannot be used."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.building import build

if TYPE_CHECKING:
    import pandas as pd
    from omegaconf import DictConfig

    from drawsim.collection.tables import Collection
    from drawsim.runs.folder import RunFolder

log = logging.getLogger("drawsim.train")


@contextmanager
def queries_folder(config: DictConfig, run: RunFolder) -> Iterator[Path]:
    """Where simulated queries go: into the run folder, which must be free before; else nowhere."""
    if config.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    if config.pairs.queries == "simulated" and run.writes and not config.resume:
        run.set_aside()
        shutil.rmtree(run.path / "queries", ignore_errors=True)  # of a start that failed
    yield run.path / "queries"


def read_data(
    config: DictConfig, folder: Path, *, write: bool
) -> tuple[Collection, pd.DataFrame, pd.DataFrame]:
    """The collection and the split, less images that cannot be used, and a table of those.

    The collection has the drawings of the split, those that the model adapts to and, unless
    `embed.unpaired` is false, every other original.

    folder: where simulated queries are kept, if the settings ask for such.
    """
    from drawsim.collection.splits import assert_filled, load_split
    from drawsim.collection.tables import Collection
    from drawsim.common.machine import cores
    from drawsim.pixels.screening import screen

    root = build(config.data.demo) if "demo" in config.data else Path(config.data.root)
    simulated = config.pairs.queries == "simulated"
    collection = Collection.open(root, tables=("artworks",)) if simulated else Collection.open(root)
    split = None
    if not simulated:
        split = load_split(collection, config.split.name, write=config.split.write and write)
    drawings: list[str] = []
    if split is not None:
        drawings = [*split["drawing_id"].unique(), *unlabelled_drawings(config, collection, split)]
        if config.embed.unpaired:
            drawings = list(dict.fromkeys([*drawings, *collection.originals.index]))
    collection, skipped = screen(
        collection,
        drawings,
        on_missing=config.data.on_missing,
        max_pixels=config.data.max_pixels,
        workers=cores(),
    )
    unread = collection.drawings.index.difference(drawings).to_list()
    collection = collection.without(unread, [])
    if len(skipped):
        log.warning("%d images cannot be used and are left out (skipped.csv)", len(skipped))
    if split is None:
        from drawsim.pixels.simulated_queries import simulate_queries

        view = build(config.pairs.view)
        collection, split = simulate_queries(collection, view, folder, config.seed)
    elif len(skipped):
        known = split["drawing_id"].isin(collection.drawings.index)
        split = split[known & split["artwork_id"].isin(collection.artworks.index)]
        assert_filled(split, f"split {config.split.name} of {root}, less unusable images,")
    return collection, split, skipped


def unlabelled_drawings(
    config: DictConfig, collection: Collection, split: pd.DataFrame
) -> list[str]:
    """Drawings of which no pair is known, drawn from the seed: as many as the model adapts to."""
    import numpy as np

    known = {*split["drawing_id"], *collection.pairs["drawing_id"], *collection.pairs["parent"]}
    free = [name for name in collection.originals.index if name not in known]
    chosen = np.random.default_rng(config.seed).permutation(len(free))
    return [free[row] for row in sorted(chosen[: config.adapt.get("unlabelled", 0)])]
