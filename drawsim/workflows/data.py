"""What a training run looks at: the collection and the split, less what cannot be used."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.collection.ids import among
from drawsim.common.building import build

if TYPE_CHECKING:
    import pandas as pd

    from drawsim.collection.tables import Collection
    from drawsim.runs.folder import RunFolder
    from drawsim.workflows.settings import TrainSettings

log = logging.getLogger("drawsim.train")


@contextmanager
def queries_folder(settings: TrainSettings, run: RunFolder) -> Iterator[Path]:
    """Where simulated queries go: into the run folder; of a dry run, where they are gone after."""
    if settings.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    yield run.path / "queries"


def read_data(
    settings: TrainSettings, folder: Path, *, write: bool
) -> tuple[Collection, pd.DataFrame, pd.DataFrame]:
    """The collection and the split, less images that cannot be used, and a table of those.

    The collection has the drawings of the split, those that the model adapts to and, unless
    `embed.unpaired` is false, every other original.

    folder: where simulated queries are kept, if the settings ask for such.
    """
    import pandas as pd

    from drawsim.collection.splits import COLUMNS, SETS, Set, assert_filled, load_split
    from drawsim.collection.tables import TABLES, Collection, Table, held_tables
    from drawsim.common.machine import cores, is_first_process
    from drawsim.pixels.screening import screen
    from drawsim.workflows.look_alikes import look_alikes

    root = settings.data.folder()
    simulated = settings.pairs.queries == "simulated"
    needs: tuple[Set, ...] = SETS
    tables: tuple[Table, ...] = ("artworks",) if simulated else TABLES
    idle = settings.freeze == "auto" and not settings.trains(0)  # without a pair
    if not simulated and idle and "pairs" not in held_tables(root):
        tables = ("drawings", "artworks")
    collection = Collection.open(root, tables=tables)
    split = None
    if not simulated:
        keep = settings.split.write and write
        if idle and collection.true_pairs.empty:
            log.warning("no pair is confirmed: the model adapts to the collection, unmeasured")
            split, needs = pd.DataFrame(columns=list(COLUMNS), dtype=str), ()
        else:
            split = load_split(collection, settings.split.name, write=keep, needs=())
            # What is measured alone may lack sets.
            needs = SETS if settings.trains(confirmed_pairs(split)) else ()
            assert_filled(split, f"split {settings.split.name} of {root}", needs)
    drawings: list[str] = []
    if split is not None:
        drawings = [
            *split["drawing_id"].unique(),
            *unlabelled_drawings(settings, collection, split),
        ]
        if settings.embed.unpaired:
            drawings = list(dict.fromkeys([*drawings, *collection.originals.index]))
    collection, skipped = screen(
        collection,
        drawings,
        on_missing=settings.data.on_missing,
        max_pixels=settings.data.max_pixels,
        workers=cores(),
    )
    unread = collection.drawings.index.difference(drawings).to_list()
    collection = collection.without(unread, [])
    if len(skipped):
        log.warning("%d images cannot be used and are left out (skipped.csv)", len(skipped))
    if split is None:
        from drawsim.pixels.simulated_queries import simulate_queries

        view = build(settings.pairs.view or {})
        collection, split = simulate_queries(collection, view, folder, settings.seed)
    elif len(skipped):
        known = among(split["drawing_id"], collection.drawings.index)
        split = split[known & among(split["artwork_id"], collection.artworks.index)]
        if len(collection.true_pairs):
            assert_filled(
                split, f"split {settings.split.name} of {root}, less unusable images,", needs
            )
    if not simulated and is_first_process():  # a simulated query is an artwork by design
        told = look_alikes(
            collection,
            split,
            settings.split.name,
            max_pixels=settings.data.max_pixels,
            workers=cores(),
        )
        for line in told:
            log.warning("! %s", line)
    return collection, split, skipped


def confirmed_pairs(split: pd.DataFrame) -> int:
    """Pairs of train that people have confirmed: a style copy of a drawing is no further one."""
    originals = split["drawing_id"] == split["parent"]
    return int((originals & (split["set"] == "train")).sum())


def unlabelled_drawings(
    settings: TrainSettings, collection: Collection, split: pd.DataFrame
) -> list[str]:
    """Drawings of which no pair is known, drawn from the seed: as many as the model adapts to."""
    import numpy as np

    known = {*split["drawing_id"], *collection.pairs["drawing_id"], *collection.pairs["parent"]}
    free = [name for name in collection.originals.index if name not in known]
    chosen = np.random.default_rng(settings.seed).permutation(len(free))
    return [free[row] for row in sorted(chosen[: settings.adapt.get("unlabelled", 0)])]
