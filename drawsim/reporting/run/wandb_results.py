"""A run's results as W&B shows them: a table of queries with pictures, and files to fetch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from drawsim.pixels.decode import read_image
from drawsim.reporting.kit.stages import measured
from drawsim.runs.folder import read_record

SIDE = 160
TOP = 5
QUERIES = 60


def log_results(
    experiment: Any,
    run: Path,
    drawings: Mapping[str, Path],
    artworks: Mapping[str, Path],
) -> None:
    """Log final metrics, a table of queries with their best artworks, best weights and split.

    experiment: a W&B run. The table takes val and test queries of `ranks.csv`, worst first, at most
    sixty. Files are referred to where they are, not copied.
    """
    import wandb

    record = read_record(run)
    for stage, sets in measured(record).items():
        for name, scores in sets.items():
            experiment.summary.update({f"{stage}/{name}/{k}": v for k, v in scores.items()})
    experiment.summary.update({"best_epoch": record["best_epoch"]})
    ranks = pd.read_csv(run / "ranks.csv", dtype=str, keep_default_na=False)
    experiment.log({"queries": _query_table(ranks, drawings, artworks)})
    for name, kind in (("checkpoints/best.ckpt", "model"), ("split.csv", "split")):
        artifact = wandb.Artifact(f"{kind}-{experiment.id}", type=kind)
        artifact.add_file(str(run / name), policy="immutable")
        experiment.log_artifact(artifact)


def _query_table(
    ranks: pd.DataFrame, drawings: Mapping[str, Path], artworks: Mapping[str, Path]
) -> Any:
    import wandb

    keys = ["set", "drawing_id"]
    both = ranks[ranks["set"] != "train"].assign(
        rank=lambda t: t["relevant_ranks"].map(lambda text: min(json.loads(text)))
    )
    before = both[both["model"] == "baseline"].set_index(keys)["rank"]
    after = both[both["model"] == "final"].sort_values("rank", ascending=False).head(QUERIES)
    columns = [*keys, "rank before", "rank after", "drawing", "artwork"]
    table = wandb.Table(columns=columns + [f"top {i + 1}" for i in range(TOP)])
    for row in after.to_dict("records"):
        true = json.loads(row["relevant_ids"])[0]
        top = json.loads(row["top_ids"])[:TOP]
        pictures = [(row["drawing_id"], drawings), (true, artworks), *((i, artworks) for i in top)]
        images = [
            wandb.Image(_small(paths[name]), caption=name) if name in paths else None
            for name, paths in pictures
        ]
        images += [None] * (2 + TOP - len(images))
        table.add_data(
            row["set"],
            row["drawing_id"],
            float(before[row["set"], row["drawing_id"]]),
            float(row["rank"]),
            *images,
        )
    return table


def _small(path: Path) -> np.ndarray:
    image = read_image(path, SIDE)
    scale = SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
