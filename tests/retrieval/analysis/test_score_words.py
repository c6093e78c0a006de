"""What scores of a model are worth, against a sort of all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from drawsim.retrieval.analysis.score_words import SHARES, describe_scores
from drawsim.retrieval.embeddings import Embeddings
from tests.retrieval.analysis.test_known_answers import MADE_BY, PAIRED, read, world


def test_strangers_and_own_artworks(tmp_path: Path) -> None:
    """Of drawings with two artworks the nearer counts, and neither is a stranger."""
    world(tmp_path, found=30)
    table = pd.read_csv(tmp_path / "split.csv")
    more = table[table["drawing_id"] == "d0"].assign(artwork_id="a59")
    pd.concat([table, more]).to_csv(tmp_path / "split.csv", index=False)
    inputs = read(tmp_path)
    found = describe_scores(inputs)
    assert found is not None
    model = inputs.models[0]
    rows = [*range(PAIRED), *range(PAIRED + 5, PAIRED + 10)]
    scores = (model.drawings.vectors[rows] @ model.artworks.vectors.T).numpy()
    own = np.zeros_like(scores, dtype=bool)
    own[range(len(rows)), rows] = own[0, 59] = True
    strangers, true = (np.where(mask, scores, -2).max(axis=1) for mask in (~own, own))
    np.testing.assert_allclose(found.strangers, np.quantile(strangers, SHARES), atol=1e-6)
    np.testing.assert_allclose(found.own, np.quantile(true, SHARES), atol=1e-6)
    assert found.above == np.mean(true > np.quantile(strangers, 0.95))
    assert found.drawings == len(rows)


def test_nothing_is_said_without_strangers(tmp_path: Path) -> None:
    world(tmp_path)
    table = pd.read_csv(tmp_path / "split.csv")
    table[table["drawing_id"] == "d0"].to_csv(tmp_path / "split.csv", index=False)
    Embeddings(["a0"], torch.eye(1, 32)).save(tmp_path / "a.safetensors", MADE_BY)
    assert describe_scores(read(tmp_path)) is None
