"""Rows that a run takes from the store and gives to it, against what the network itself gives."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from drawsim.learning.training.kept_rows import KeptRows, Rows
from drawsim.models.model import Model


def images(folder: Path, count: int) -> list[Path]:
    """Different pictures; the last is of the same bytes as the first."""
    files = [folder / f"{i}.png" for i in range(count)]
    for i, file in enumerate(files):
        levels = np.random.default_rng(i).integers(0, 255, (24, 24, 3), dtype=np.uint8)
        assert cv2.imwrite(str(file), levels)
    files[-1].write_bytes(files[0].read_bytes())
    return files


def test_what_one_run_keeps_another_takes(tmp_path: Path) -> None:
    model = Model.load("lite", image_size=32)
    files = images(tmp_path, 4)
    root = tmp_path / "store"

    def kept(plain: bool = False) -> KeptRows:
        return KeptRows(model, files, "32-true", plain=plain, workers=1, root=root)

    rows = torch.arange(4)
    assert len(kept().take(rows)) == 0
    vectors = model.vectors(files, "drawing")
    (first := kept()).take(rows)
    first.keep(Rows(rows[:2], vectors[:2], None))
    found = kept().take(rows)
    assert found.rows.tolist() == [0, 1, 3]  # by content
    assert torch.equal(found.vectors, vectors[[0, 1, 0]])


def test_rows_without_layout_are_kept_apart(tmp_path: Path) -> None:
    model = Model.load("lite", image_size=32)
    plain = model.vectors(files := images(tmp_path, 3), "drawing")
    model.backbone.read_layout([[-2, 2]], 32)
    model.backbone.eval()
    own = model.vectors(files, "drawing")
    root = tmp_path / "store"

    def kept(with_plain: bool) -> KeptRows:
        return KeptRows(model, files, "32-true", plain=with_plain, workers=1, root=root)

    (one := kept(False)).take(torch.arange(3))
    one.keep(Rows(torch.arange(2), own[:2], None))
    both = kept(True)
    assert len(both.take(torch.arange(3))) == 0  # both are wanted
    both.keep(Rows(torch.arange(2), own[:2], plain[:2]))
    found = kept(True).take(torch.arange(3))
    assert found.plain is not None
    assert torch.equal(found.vectors, own[[0, 1, 0]])
    assert torch.equal(found.plain, plain[[0, 1, 0]])


def test_rows_that_are_no_numbers_are_not_kept(tmp_path: Path) -> None:
    model = Model.load("lite", image_size=32)
    files = images(tmp_path, 2)
    vectors = torch.full((1, model.dimensions), torch.nan)
    kept = KeptRows(model, files, "32-true", plain=False, workers=1, root=tmp_path / "store")
    kept.take(torch.tensor([0]))
    kept.keep(Rows(torch.tensor([0]), vectors, None))
    assert len(kept.take(torch.tensor([0]))) == 0


def test_what_changes_during_a_pass_is_not_kept(tmp_path: Path) -> None:
    model = Model.load("lite", image_size=32)
    files = images(tmp_path, 3)
    rows = torch.arange(3)
    kept = KeptRows(model, files, "32-true", plain=False, workers=1, root=tmp_path / "store")
    kept.take(rows)
    vectors = model.vectors(files, "drawing")
    assert cv2.imwrite(str(files[1]), np.zeros((30, 30, 3), np.uint8))
    kept.keep(Rows(rows, vectors, None))
    assert kept.take(rows).rows.tolist() == [0, 2]
