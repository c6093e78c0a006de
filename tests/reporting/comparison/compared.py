"""Small run folders and score tables for the tests of comparisons."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

GALLERY = 40
KS = (1, 5, 10, 20)
Ranks = Mapping[str, Sequence[float]]
"""drawing id -> the ranks of its true artworks."""


def means(ranks: Ranks) -> dict[str, float]:
    """The metrics of a set, for drawings with one true artwork."""
    first = np.array([own[0] for own in ranks.values()])
    recalls = {f"recall@{k}": float((first <= k).mean()) for k in KS}
    own = {"mrr": float((1 / first).mean()), "map": float((1 / first).mean())}
    return {**own, **recalls, "mean_rank": float(first.mean())}


def row(model: str, name: str, drawing: str, ranks: Sequence[float]) -> dict[str, str]:
    """A line of `ranks.csv`: the true artworks are `<drawing>-0`, `<drawing>-1`, …"""
    true = [f"{drawing}-{number}" for number in range(len(ranks))]
    top = [f"w{place}" for place in range(1, 21)]
    for artwork, rank in zip(true, ranks, strict=True):
        if rank <= len(top):
            top[int(rank) - 1] = artwork
    return {
        "set": name,
        "drawing_id": drawing,
        "relevant_ids": json.dumps(true),
        "relevant_ranks": json.dumps(list(ranks)),
        "top_ids": json.dumps(top),
        "top_scores": json.dumps([1 - place / 20 for place in range(20)]),
        "model": model,
    }


def make_run(
    study: Path,
    aug: str = "none",
    split: str = "v0",
    seed: int = 0,
    *,
    before: Mapping[str, Ranks],
    after: Mapping[str, Ranks],
    name: str | None = None,
    status: str = "finished",
    root: str = "nowhere",
    record: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """A run folder; before, after: set -> drawing -> ranks with the untrained and trained model."""
    folder = study / (name or f"lite-{aug}-{split}-seed{seed}")
    folder.mkdir(parents=True)
    metrics: dict[str, Any] = {
        "status": status,
        "protocol": "drawsim",
        "study": study.name,
        "name": folder.name,
        "gallery_size": GALLERY,
        "baseline": {key: means(ranks) for key, ranks in before.items()},
        "final": {key: means(ranks) for key, ranks in after.items()},
        "best_epoch": 1,
        **(record or {}),
    }
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    config = {
        "study": study.name,
        "name": folder.name,
        "seed": seed,
        "image_size": 64,
        "backbone": {"name": "lite"},
        "aug": {"name": aug},
        "split": {"name": split},
        "data": {"name": "folder", "root": root},
        **(settings or {}),
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    rows = [
        row(model, key, drawing, own)
        for model, sets in (("baseline", before), ("final", after))
        for key, ranks in sets.items()
        for drawing, own in ranks.items()
    ]
    write_table(folder / "ranks.csv", rows)
    columns = ("epoch", "train/loss", "val/loss", "lr", "val/mean_rank", "val/recall@10")
    epochs = [(0, "", 0.3, "", 20, 0.2), (1, 0.2, 0.1, 1e-4, 9, 0.5), (2, 0.1, 0.2, 1e-5, 12, 0.4)]
    write_table(
        folder / "metrics.csv", [dict(zip(columns, epoch, strict=True)) for epoch in epochs]
    )
    return folder


def ladder(drawings: Sequence[str], step: float) -> dict[str, list[float]]:
    """Ranks 1, 1 + step, 1 + 2 step, … for the drawings."""
    return {drawing: [1 + step * place] for place, drawing in enumerate(drawings)}


def make_study(root: Path, augs: Mapping[str, float], splits: Sequence[str] = ("v0", "v1")) -> Path:
    """A study whose models differ by how fast their ranks grow; the untrained network's by 3.

    Each split tests four drawings, one of which the next split tests again.
    """
    for number, split in enumerate(splits):
        test = [f"d{place}" for place in range(3 * number, 3 * number + 4)]
        val = [f"e{place}" for place in range(3 * number, 3 * number + 4)]
        sets = {"test": test, "val": val, "train": ["t0", "t1"]}
        for aug, step in augs.items():
            before = {name: ladder(drawings, 3) for name, drawings in sets.items()}
            after = {name: ladder(drawings, step) for name, drawings in sets.items()}
            make_run(root, aug, split, before=before, after=after)
    return root


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_scores(
    root: Path, folder: str, model: str, values: Sequence[float], name: str = "test_scores.csv"
) -> Path:
    """A score table of one model: MAP as given, split by split, and MMP ten times as much."""
    rows = [
        {"model": model, "data_split_version": number, "MAP": value, "MMP": 10 * value}
        for number, value in enumerate(values)
    ]
    write_table(root / folder / name, rows)
    return root / folder / name
