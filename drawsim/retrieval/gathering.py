"""Embeddings gathered while they are made, over batches and over processes."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class EmbeddingTable(Metric):
    """Gathers embeddings by row number, over batches and over processes.

    Samplers pad the last round of a multi-process pass with repeated images; whatever comes twice
    is kept once, so that several processes give what one gives.
    """

    full_state_update = False
    index: list[Tensor]
    vectors: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("index", default=[], dist_reduce_fx="cat")
        self.add_state("vectors", default=[], dist_reduce_fx="cat")

    def update(self, index: Tensor, vectors: Tensor) -> None:
        """index: (B,) int64 row numbers; vectors: (B, d)."""
        self.index.append(index)
        self.vectors.append(vectors.float())

    def compute(self) -> tuple[Tensor, Tensor]:
        """Distinct row numbers in ascending order, (N,), and their vectors, (N, d)."""
        # Gathered over processes, a state is one tensor already.
        index, vectors = dim_zero_cat(self.index), dim_zero_cat(self.vectors)
        rows, inverse = torch.unique(index, return_inverse=True)
        # Copies of a row are equal, so it does not matter which of them is written last.
        source = torch.empty(len(rows), dtype=torch.int64, device=index.device)
        source[inverse] = torch.arange(len(index), device=index.device)
        return rows, vectors[source]
