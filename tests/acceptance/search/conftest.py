"""A collection with its embeddings and an index, made once for all tests of this folder."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from drawsim.index import index as index_command
from drawsim.models.model import Model
from drawsim.models.sources import SOURCE, load_source, model_of_source
from drawsim.retrieval.embeddings import Embeddings
from tests.acceptance.search.asking import COUNTRIES, NAMES, SIZE, configured


@pytest.fixture(scope="package")
def model() -> Model:
    """The small network that the tests embed with."""
    return Model.load("lite", image_size=SIZE)


@pytest.fixture(autouse=True)
def _each_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawsim.workflows.search.model_of_source", loaded)
    monkeypatch.setattr("drawsim.workflows.search.model_of_index", loaded_of_index)


def loaded(source: dict[str, Any], file: Path, trust: Sequence[str] = ()) -> Model:
    """A model, kept from one test to the next."""
    return _loaded(json.dumps(source), file)


def loaded_of_index(index: Path, trust: Sequence[str] = ()) -> Model:
    """Likewise, of what an index says."""
    return loaded(load_source(index), index / SOURCE)


@functools.cache
def _loaded(source: str, file: Path) -> Model:
    return model_of_source(json.loads(source), file)


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Path:
    """A collection of 9 drawings and 14 artworks, their embeddings, and an index of both."""
    folder = tmp_path_factory.mktemp("search")
    rng = np.random.default_rng(0)
    for kind, count in (("drawing", 9), ("artwork", 14)):
        (folder / f"{kind}s").mkdir()
        rows, vectors = [], []
        for i in range(count):
            coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
            file = folder / f"{kind}s" / f"{i}.png"
            coarse.resize((120, 90), Image.Resampling.BILINEAR).save(file)
            rows.append((NAMES[kind].format(i), f"{kind}s/{i}.png", COUNTRIES[i % 2], 1990 + i))
            vectors.append(model.vectors([file], "drawing")[0])
        table = pd.DataFrame(rows, columns=["id", "path", "country", "year"])
        table.to_csv(folder / f"{kind}s.csv", index=False)
        made_by = model.made_by(1280).metadata()
        embeddings = Embeddings(table["id"].tolist(), torch.stack(vectors))
        embeddings.save(folder / f"{kind}s.safetensors", made_by)
    pairs = 'drawing_id,artwork_id,pair\n1995_00,"Du╠êrer, 3",true\n'
    (folder / "pairs.csv").write_text(pairs, encoding="utf-8")
    index_command(
        configured(
            "index",
            out=folder / "INDEX",
            collection=folder,
            drawings=folder / "drawings.safetensors",
            artworks=folder / "artworks.safetensors",
            backbone="lite",
            image_size=SIZE,
        )
    )
    return folder
