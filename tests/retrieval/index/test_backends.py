"""A way to search is one file and its name in a table: building, keeping, extending, searching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from drawsim.common.building import TARGET
from drawsim.common.configuration import option
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index import backends, queries
from drawsim.retrieval.index.backends import ann_settings
from drawsim.retrieval.index.base import Approximate, Items, Settings, searcher
from drawsim.retrieval.index.exact import Exact
from drawsim.retrieval.index.filters import Passing
from drawsim.retrieval.index.folder import build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.queries import of_vectors, search

D = 8
MODEL = EmbeddingModel("lite", "hash", "transform", D)


@dataclass(frozen=True)
class Coarse(Settings):
    """Sees the signs of the first numbers of a vector alone."""

    ending = "npy"

    numbers: int = D

    def build(self, items: Items) -> Signs:
        return Signs(items.vectors, self)

    def load(self, items: Items) -> Signs:
        return Signs(torch.from_numpy(np.load(items.place.file(self.ending))), self)


class Signs(Approximate):
    """The nearest of the vectors whose signs are the query's, or differ in one place."""

    bytes = 0

    def __init__(self, vectors: Tensor, settings: Coarse) -> None:
        self.vectors = vectors
        self.settings: Coarse = settings

    @property
    def count(self) -> int:
        return len(self.vectors)

    def add(self, items: Items, rows: Sequence[int]) -> None:
        self.vectors = torch.cat([self.vectors, items.vectors[list(rows)]])

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        seen, asked = (v[:, : self.settings.numbers].sign() for v in (self.vectors, queries))
        differ = (seen[None] != asked[:, None]).sum(dim=2) > 1
        if passing is not None:
            differ |= ~torch.from_numpy(passing.mask)
        scores, rows = (queries @ self.vectors.T).masked_fill(differ, -torch.inf).topk(k)
        return scores, rows.masked_fill(scores.isinf(), -1)

    def save(self, items: Items) -> None:
        np.save(items.place.file(self.settings.ending), self.vectors.numpy())


class Rough(Signs):
    """Its scores are of two digits."""

    def looked_at(self, k: int) -> int:
        return 3 * k

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        scores, rows = super().top_k(queries, min(k, self.count), passing)
        return (10 * scores).round() / 10, rows


def gallery(vectors: Tensor, first: int = 0) -> Gallery:
    ids = [f"a{i}" for i in range(first, first + len(vectors))]
    return Gallery(Embeddings(ids, vectors), MODEL, pd.DataFrame(index=ids))


def unit_rows(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, D, generator=generator))


def test_a_backend_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends.backends(), "coarse", Coarse)
    monkeypatch.setattr(queries, "FEW", 1)
    vectors = unit_rows(500, 0)
    index = build_index(
        tmp_path, {"artwork": gallery(vectors[:300])}, ann=ann_settings("coarse", {"numbers": 4})
    )
    index, _ = index.add("artwork", gallery(vectors[300:], first=300))
    assert sorted(file.name for file in tmp_path.glob("*.npy")) == ["artworks.2.npy"]
    part = open_index(tmp_path).part("artwork")
    assert part.settings == Coarse(numbers=4)
    assert part.load_ann().count == 500
    assert part.measured is not None
    assert part.measured.record()["type"] == "coarse"
    assert 0.3 < part.measured.recall[10] < 1
    asked = of_vectors(["q0", "q1"], unit_rows(2, 1), MODEL)
    best, found = (search(index, "artwork", asked, 5, ann=ann) for ann in (False, True))
    assert 0 < np.mean(best.ids == found.ids) <= 1


def test_exact_search_is_that_of_a_sort() -> None:
    vectors, asked = unit_rows(200, 0), unit_rows(6, 1)
    scores = asked @ vectors.T
    mask = np.arange(200) % 7 == 3
    for passing in (None, Passing(mask)):
        allowed = np.ones(200, bool) if passing is None else passing.mask
        order = [[row for row in line.tolist() if allowed[row]] for line in (-scores).argsort()]
        found, rows = Exact(vectors).top_k(asked, 9, passing)
        assert rows.tolist() == [line[:9] for line in order]
        torch.testing.assert_close(found, scores.gather(1, rows))
    assert Exact(vectors).top_k(asked, 500, Passing(mask))[1].shape == (6, int(mask.sum()))


def test_rough_scores_are_made_exact() -> None:
    vectors, asked = unit_rows(300, 0), unit_rows(40, 1)
    vectors[7] = vectors[5]
    rough = Rough(vectors, Coarse(numbers=3))
    scores, rows = searcher(rough, vectors.half()).top_k(asked, 5)
    coarse_scores, coarse_rows = Signs(vectors, Coarse(numbers=3)).top_k(asked, 5)
    torch.testing.assert_close(scores, coarse_scores, atol=1e-3, rtol=0)
    assert float((rows == coarse_rows).double().mean()) > 0.9
    _, rows = searcher(rough, vectors).top_k(vectors[5:6], 2)
    assert rows.tolist() == [[5, 7]]
    nothing = Passing(np.zeros(300, bool))
    scores, rows = searcher(rough, vectors).top_k(asked, 5, nothing)
    assert bool((rows == -1).all())
    assert bool(scores.isneginf().all())


def test_options_say_what_the_settings_are_by_default() -> None:
    for name, settings in backends.backends().items():
        known = option("ann", name)
        known.pop(TARGET)
        assert known == {field.name: field.default for field in fields(settings)}
        assert ann_settings(name, known) == settings()
