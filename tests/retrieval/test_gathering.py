"""Embeddings gathered over batches."""

from __future__ import annotations

import torch

from drawsim.retrieval.gathering import EmbeddingTable


def test_table_keeps_each_row_once_in_order() -> None:
    table = EmbeddingTable()
    table.update(torch.tensor([3, 1]), torch.tensor([[3.0], [1.0]]))
    table.update(torch.tensor([0, 3]), torch.tensor([[0.0], [3.0]]))
    rows, vectors = table.compute()
    assert rows.tolist() == [0, 1, 3]
    assert vectors[:, 0].tolist() == [0.0, 1.0, 3.0]
