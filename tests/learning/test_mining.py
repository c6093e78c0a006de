"""The hardest negatives against sorting everything by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from drawsim.errors import UserError
from drawsim.learning.mining import HardestNegatives
from drawsim.retrieval.ranking import Relevance


def unit(rows: int, seed: int) -> Tensor:
    raw = torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(raw, dim=1)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_they_are_the_nearest_by_distance_less_the_positives(data: st.DataObject) -> None:
    queries = data.draw(st.integers(1, 6))
    gallery = data.draw(st.integers(5, 30))
    seed = data.draw(st.integers(0, 10_000))
    cell = st.tuples(st.integers(0, queries - 1), st.integers(0, gallery - 1))
    own = data.draw(st.sets(cell, max_size=6).filter(lambda s: len({g for _, g in s}) < 5))
    columns = torch.tensor(sorted(own), dtype=torch.int64).view(-1, 2)
    positives = Relevance(columns[:, 0], columns[:, 1])
    most = max((sum(q == row for q, _ in own) for row in range(queries)), default=0)
    n = data.draw(st.integers(1, gallery - most))
    drawings, artworks = unit(queries, seed), unit(gallery, seed + 1)
    # The very positives lie nearest: they must not be mined all the same.
    for q, g in own:
        artworks[g] = drawings[q]

    miner = HardestNegatives(n, "every_epoch")
    miner.check(gallery, positives)
    mined = miner.mine(drawings, artworks, positives)

    assert mined.shape == (queries, n)
    distances = torch.cdist(drawings.double(), artworks.double())
    for row in range(queries):
        allowed = [g for g in range(gallery) if (row, g) not in own]
        expected = sorted(allowed, key=lambda g: distances[row, g])[:n]
        found = mined[row].tolist()
        assert len(set(found)) == n
        assert set(found) <= set(allowed)
        # by distance, so that two artworks in the same place may change places
        torch.testing.assert_close(
            distances[row, found], distances[row, expected], rtol=0, atol=1e-3
        )


@pytest.mark.parametrize(
    ("negatives", "remine", "said"),
    [
        (0, "every_epoch", r"miner\.negatives=0: at least one"),
        (3, "every_epok", r"miner\.remine=every_epok: did you mean every_epoch\?"),
    ],
)
def test_a_wrong_setting_is_refused(negatives: int, remine: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        HardestNegatives(negatives, remine)


def test_too_small_a_gallery_is_refused_with_the_number_that_works() -> None:
    positives = Relevance(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 2]))
    drawings, artworks = unit(2, 0), unit(7, 1)
    with pytest.raises(UserError) as caught:
        HardestNegatives(6, "every_epoch").check(7, positives)
    text = str(caught.value)
    assert "miner.negatives=6, but the gallery has 7 artworks" in text
    assert "of which up to 2 are a drawing's own" in text
    assert "lower miner.negatives to 5" in text
    fitting = HardestNegatives(5, "every_epoch")
    fitting.check(7, positives)
    assert sorted(fitting.mine(drawings, artworks, positives)[1].tolist()) == [0, 3, 4, 5, 6]
