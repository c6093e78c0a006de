"""Embedding files: what is written is read, and damage is named."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings, ids_path, load_embeddings

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


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1, 7, 1280, 8192])
def test_rounded_unit_rows_pass(tmp_path: Path, dtype: torch.dtype, width: int) -> None:
    rows = torch.nn.functional.normalize(torch.randn(5, width))
    for some in (rows, rows.bfloat16(), torch.full((5, width), width**-0.5)):
        Embeddings(IDS, some.to(dtype)).save(tmp_path / "x.safetensors", {})
        assert len(load_embeddings(tmp_path / "x.safetensors").ids) == 5


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("row", [(0.0, 0.0), (355.0, 0.0), (math.nan, 1), (math.inf, 1), (1, 0.2)])
def test_rows_that_are_not_unit_are_refused(
    tmp_path: Path, row: tuple[float, float], dtype: torch.dtype
) -> None:
    vectors = torch.eye(2, dtype=dtype).repeat(5000, 1)
    vectors[9001] = torch.tensor(row)
    Embeddings([str(n) for n in range(10_000)], vectors).save(tmp_path / "x.safetensors", {})
    with pytest.raises(UserError, match=r"not unit rows \(row 9002\); delete it and embed again"):
        load_embeddings(tmp_path / "x.safetensors")
