"""The k greatest scores: those that `topk` finds, whatever the scores are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from drawsim.retrieval.selection import GROUP, largest, padded


def rows_of(scores: Tensor) -> Tensor:
    """The same scores in whole groups."""
    room = scores.new_full((len(scores), padded(scores.shape[1])), -torch.inf)
    room[:, : scores.shape[1]] = scores
    return room


def check(scores: Tensor, k: int) -> None:
    """The greatest in order, each where it is said to be, and no place twice."""
    best, column = largest(rows_of(scores), k)
    assert torch.equal(best, scores.topk(k, dim=1).values)
    assert torch.equal(scores.gather(1, column), best)
    assert all(len(set(row)) == k for row in column.tolist())


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 5),
    size=st.integers(1, 1500),
    k=st.integers(0, 30),
    levels=st.sampled_from([2, 5, 100, 1_000_000]),
)
def test_it_finds_what_topk_finds(seed: int, rows: int, size: int, k: int, levels: int) -> None:
    """From scores that are all unlike to scores of two values alone."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(-levels, levels, (rows, size), generator=generator).float() / levels
    check(scores, min(k, size))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_greatest_of_all_in_one_group(dtype: torch.dtype) -> None:
    """Then the bound lies far below most of what is listed."""
    scores = torch.rand(3, 40 * GROUP, generator=torch.Generator().manual_seed(0), dtype=dtype)
    scores[1, 7 * GROUP : 8 * GROUP] += 1
    check(scores, 15)


def test_rows_of_equals_beside_others() -> None:
    """A collapsed row reaches its bound with every score, and is still listed."""
    scores = torch.rand(4, 100 * GROUP, generator=torch.Generator().manual_seed(0))
    scores[2] = 0.5
    check(scores, 3)
