"""Embedding files: what is written is read, and damage is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import (
    Embeddings,
    EmbeddingTable,
    ids_path,
    load_embeddings,
)

IDS = ["Albrecht_Du╠êrer_1", 'a, "b"\nc', "007", "NA", ""]


def test_round_trip_with_any_id(tmp_path: Path) -> None:
    vectors = torch.nn.functional.normalize(torch.randn(5, 7))
    Embeddings(IDS, vectors).save(tmp_path / "x.safetensors", {"model": "lite"})
    back = load_embeddings(tmp_path / "x.safetensors")
    assert list(back.ids) == IDS
    assert torch.equal(back.vectors, vectors)
    assert torch.equal(back.of(["NA", "007"]).vectors, vectors[[3, 2]])


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(UserError, match="missing"):
        load_embeddings(path)
    Embeddings(IDS, torch.eye(5)).save(path, {})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        load_embeddings(path)
    path.write_bytes(whole)
    ids_path(path).write_text("id\na\n", encoding="utf-8")
    with pytest.raises(UserError, match="5 vectors but 1 ids"):
        load_embeddings(path)


def test_table_keeps_each_row_once_in_order() -> None:
    table = EmbeddingTable()
    table.update(torch.tensor([3, 1]), torch.tensor([[3.0], [1.0]]))
    table.update(torch.tensor([0, 3]), torch.tensor([[0.0], [3.0]]))
    rows, vectors = table.compute()
    assert rows.tolist() == [0, 1, 3]
    assert vectors[:, 0].tolist() == [0.0, 1.0, 3.0]
