"""A small run folder with its pictures, which is turned into a page."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.run.page import write_report
from tests.html_page import Page

HOSTILE = "<script>alert(1)</script>\"'&amp;<img src=x onerror=alert(2)>"
KS = (1, 5, 10, 20, 50, 100, 200, 400)
Row = dict[str, str]


@dataclass
class Run:
    """A small run folder with its pictures."""

    folder: Path
    drawings: dict[str, Path] = field(default_factory=dict)
    artworks: dict[str, Path] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    def page(self, captions: Captions | None = None, **options: int) -> Page:
        path = write_report(self.folder, self.drawings, self.artworks, captions=captions, **options)
        return Page(path.read_text(encoding="utf-8"))

    def save_metrics(self) -> None:
        text = json.dumps(self.metrics)
        (self.folder / "metrics.json").write_text(text, encoding="utf-8")


def summary(rankings: list[list[float]]) -> dict[str, float]:
    """The metrics of one set, written out plainly."""
    first = sorted(min(ranks) for ranks in rankings)
    n = len(first)
    values = {
        "mrr": sum(1 / rank for rank in first) / n,
        "map": sum(
            sum((j + 1) / rank for j, rank in enumerate(sorted(ranks))) / len(ranks)
            for ranks in rankings
        )
        / n,
        "mean_rank": sum(sum(ranks) / len(ranks) for ranks in rankings) / n,
        "first_rank": sum(first) / n,
        "median_rank": (first[(n - 1) // 2] + first[n // 2]) / 2,
    }
    for k in KS:
        hits = [sum(rank <= k for rank in ranks) for ranks in rankings]
        values[f"precision@{k}"] = sum(hits) / k / n
        values[f"recall@{k}"] = sum(h / len(r) for h, r in zip(hits, rankings, strict=True)) / n
    return values


@pytest.fixture
def run(tmp_path: Path) -> Run:
    rng = np.random.default_rng(5)
    made = Run(tmp_path / "runs" / "study" / "one")
    made.folder.mkdir(parents=True)
    for kind, count, ids in (("a", 30, made.artworks), ("d", 24, made.drawings)):
        for number in range(count):
            path = tmp_path / f"{kind}{number}.png"
            Image.new("RGB", (24, 16), tuple(rng.integers(0, 256, 3).tolist())).save(path)
            ids[{0: HOSTILE + kind, 1: f"Альбрехт_Dürer_{kind}"}.get(number, path.stem)] = path

    rows: list[Row] = []
    ranks: dict[tuple[str, str], list[list[float]]] = {}
    artworks = list(made.artworks)
    for number, drawing in enumerate(made.drawings):
        name = ("test", "val", "train")[number // 8]
        true = artworks[number : number + 1 + (number % 4 == 0) * 5]
        for model, limit in (("baseline", 30), ("final", 8)):
            places = sorted((1 + rng.choice(limit, len(true), replace=False)).tolist())
            others = [one for one in artworks if one not in true]
            top = [others.pop() if k not in places else true[places.index(k)] for k in range(1, 21)]
            ranks.setdefault((model, name), []).append(places)
            rows.append(
                {
                    "model": model,
                    "set": name,
                    "drawing_id": drawing,
                    "relevant_ids": json.dumps(true),
                    "relevant_ranks": json.dumps(places),
                    "top_ids": json.dumps(top),
                    "top_scores": json.dumps([1 - k / 40 for k in range(20)]),
                }
            )
    write_csv(made.folder / "ranks.csv", rows)
    epochs = [{"epoch": 0, "lr": "", "val/loss": 0.7, "val/mrr": 0.1, "train/mrr": 0.1}]
    epochs += [{"epoch": 1, "lr": 1e-4, "val/loss": "nan", "val/mrr": 0.3, "train/mrr": 0.4}]
    write_csv(made.folder / "metrics.csv", epochs)
    (made.folder / "config.yaml").write_text("seed: 0\nbackbone:\n  name: lite\n# <b>\n")
    (made.folder / "environment.txt").write_text("python: 3.10\ncommit: <i>\n")
    (made.folder / "a b:c.txt").write_text("x")
    made.metrics = {
        "status": "finished",
        "protocol": "drawsim",
        "study": "study",
        "name": "one",
        "gallery_size": 30,
        "counts": {name: {"queries": 8, "pairs": 18} for name in ("train", "val", "test")},
        "best_epoch": 1,
        "epochs": 1,
        "monitor": "val/mrr",
        "tie_rate": 0.0,
        "skipped": {"drawings": 0, "artworks": 0},
        "seconds": {"total": 12.5, "fit": 8.0, "embed": 2.0, "rank": 0.1},
    }
    for (model, name), places in ranks.items():
        made.metrics.setdefault(model, {})[name] = summary(places)
    made.save_metrics()
    return made


def write_csv(path: Path, rows: list[Any]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def keep_rows(path: Path, model: str) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        write_csv(path, [row for row in csv.DictReader(file) if row["model"] == model])
