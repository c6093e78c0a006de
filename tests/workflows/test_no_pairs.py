"""A collection of which no pair is confirmed: the model adapts to it, and nothing is measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from drawsim.common.configuration import compose
from drawsim.common.launch import to_plain
from drawsim.workflows.settings import TrainSettings
from drawsim.workflows.train import train


@pytest.mark.parametrize("table", [None, "drawing_id,artwork_id,pair\n"])
def test_it_is_adapted_to(collection_root: Path, tmp_path: Path, table: str | None) -> None:
    root = tmp_path / "collection"
    shutil.copytree(collection_root, root)
    (root / "pairs.csv").unlink()
    shutil.rmtree(root / "splits", ignore_errors=True)
    if table is not None:
        (root / "pairs.csv").write_text(table, encoding="utf-8")
    chosen = ("data=folder", f"data.root={root}", "image_size=64", "logger=csv", "workers=0")
    settings = TrainSettings.of(
        {**to_plain(compose("train", [*chosen, "rerank=none"])), "name": "n"}
    )
    assert train(settings, tmp_path / "run") is None
    record = json.loads((tmp_path / "run/metrics.json").read_text(encoding="utf-8"))
    assert (record["status"], record["epochs"], record["gallery_size"]) == ("finished", 0, 12)
    assert (tmp_path / "run/report.html").is_file()
    assert (tmp_path / "run/checkpoints/best.ckpt").is_file()
