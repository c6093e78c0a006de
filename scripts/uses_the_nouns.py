"""What a program of somebody else's says of the nouns: types, as mypy finds them installed.

`make lint` checks it against the checkout, `scripts/wheel.sh` against what is installed. It is not
run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from typing_extensions import assert_type

from drawsim import Collection, Embeddings, Index, Model, Run, __version__


def use() -> None:
    """The example of docs/python.md, with what each name is."""
    assert_type(__version__, str)
    run = Run.open("runs/COLLECTION/lite-light-v0-seed0")
    assert_type(run, Run)
    assert_type(run.path, Path)
    assert_type(run.name, str)
    assert_type(run.settings, dict[str, Any])
    assert_type(run.metrics, pd.DataFrame)
    assert_type(run.curves, pd.DataFrame)
    assert_type(run.ranks, pd.DataFrame)
    assert_type(run.monitored, float | None)

    collection = Collection.open("COLLECTION")
    assert_type(collection, Collection)
    assert_type(collection.originals, pd.DataFrame)
    assert_type(collection.copies, pd.DataFrame)
    assert_type(collection.counts, dict[str, int])
    assert_type(collection.paths("artwork"), dict[str, Path])

    model = Model.load(run.path)
    assert_type(model, Model)
    assert_type(Model.load("lite", image_size=64), Model)
    assert_type(model.dimensions, int)
    artworks = model.embed(collection.paths("artwork"), kind="artwork", progress=True)
    drawings = model.embed(collection.paths("drawing"), kind="drawing", progress=True)
    assert_type(artworks, Embeddings)
    assert_type(artworks.vectors, torch.Tensor)
    assert_type(artworks.rows, dict[str, int])
    assert_type(model.rank(drawings, artworks, k=5).table(), pd.DataFrame)
    assert_type(model.evaluate(collection, split="v0"), pd.DataFrame)

    index = Index.open("INDEX")
    assert_type(index, Index)
    found = model.search(index, ["scan.png"])
    assert_type(found.table(), pd.DataFrame)
    assert_type(index.search(["a", "b"], k=3).table(), pd.DataFrame)
    model.rank(drawings, artworks, k="5")  # type: ignore[arg-type]
    collection.paths("sketch")  # type: ignore[arg-type]
