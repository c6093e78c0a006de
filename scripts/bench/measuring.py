"""What measurements have in common: how a call is timed, and vectors to try it on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a call, after one to warm up."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def unit_rows(rows: int, dimensions: int, seed: int) -> Tensor:
    """Random unit vectors, (rows, dimensions) float32."""
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, dimensions, generator=generator))
