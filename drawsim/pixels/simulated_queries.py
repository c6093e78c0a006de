"""Queries for a gallery without annotations: simulated views of some of its artworks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.common.files import atomic
from drawsim.common.progress import progress_bar
from drawsim.common.words import counted
from drawsim.pixels.decode import read_image

SHARE = 0.1
MOST = 200
"""Of the gallery, at most: as many artworks, half for validation, half for the test."""

View = Callable[[np.ndarray, int], np.ndarray]


def simulate_queries(
    collection: Collection, view: View, folder: Path, seed: int
) -> tuple[Collection, pd.DataFrame]:
    """A collection whose drawings are views of artworks, and a split of them into val and test.

    The views are drawn from `seed` and kept as PNG files in `folder`, so that people can look at
    them. Nothing is in the train set: training sees other views, of any artwork. Raises UserError
    if the gallery has too few artworks.
    """
    ids = collection.artworks.index.to_list()
    count = 2 * min(MOST // 2, int(len(ids) * SHARE / 2))
    if count < 2:
        least = round(2 / SHARE)
        there = counted(len(ids), "artwork")
        raise UserError(f"{collection.root}: {there}; at least {least} are needed.")
    chosen = [ids[row] for row in np.random.default_rng(seed).permutation(len(ids))[:count]]
    files = {name: folder / f"{number:03d}.png" for number, name in enumerate(chosen)}
    with progress_bar("simulating queries", count, "images") as advance:
        for number, (name, file) in enumerate(files.items()):
            if not file.is_file():
                image = read_image(collection.paths("artwork", [name])[name])
                with atomic(file) as temporary:
                    Image.fromarray(view(image, seed + number)).save(temporary, "PNG")
            advance()
    queries = [f"{name} (view)" for name in chosen]
    pairs = pd.DataFrame({"drawing_id": queries, "artwork_id": chosen, "parent": queries})
    paths = [str(files[name].resolve()) for name in chosen]
    drawings = pd.DataFrame({"path": paths}, index=pd.Index(queries, name="id"))
    split = pairs.assign(set=["val", "test"] * (count // 2), cluster=range(count))
    return replace(collection, drawings=drawings, pairs=pairs.assign(pair=True)), split
