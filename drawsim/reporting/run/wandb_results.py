"""What W&B is given of a run beside its epochs: results, queries, and what it was made from."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from drawsim.collection.tables import Collection
from drawsim.pixels.decode import read_image
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.stages import measured
from drawsim.runs.folder import read_record

SIDE = 160
TOP = 5
QUERIES = 60
OUTPUTS = {"model": "checkpoints/best.ckpt", "split": "split.csv"}
"""Kind of artifact -> the file of a run that it holds."""


def log_inputs(experiment: Any, record: Mapping[str, Any], name: str) -> None:
    """Tell W&B which collection a run stands on: checksums of its tables and images, no contents.

    experiment: a W&B run. record: the run's `metrics.json`. name: what the collection is called. An
    artifact of references: equal collections are the same version of it, and nothing in it is a
    path of this machine.
    """
    import wandb

    artifact = wandb.Artifact(f"collection-{name}", type="dataset", metadata=record["counts"])
    with contextlib.redirect_stderr(io.StringIO()):  # W&B warns that it cannot compute checksums
        for part, digest in record["inputs"].items():
            artifact.add_reference(f"drawsim:{part}?sha256={digest}", name=part)
    # `use_artifact` refuses to work offline; this is what it does online.
    experiment._log_artifact(artifact, is_user_created=True, use_after_commit=True)


def log_results(
    experiment: Any,
    run: Path,
    collection: Collection | None,
    *,
    pictures: bool,
    artifacts: bool,
) -> None:
    """Log final metrics and a table of queries with their best artworks.

    experiment: a W&B run. The table takes val and test queries of `ranks.csv`, worst first, at most
    sixty. pictures: with small pictures of drawings and artworks, as far as the collection has
    them, in place of artworks' ids. artifacts: send the selected weights and the split too.
    """
    import wandb

    record = read_record(run)
    for stage, sets in measured(record).items():
        for name, scores in sets.items():
            experiment.summary.update({f"{stage}/{name}/{k}": v for k, v in scores.items()})
    experiment.summary.update({"best_epoch": record["best_epoch"]})
    ranks = pd.read_csv(run / "ranks.csv", dtype=str, keep_default_na=False)
    known = _Known.of(collection) if pictures and collection is not None else None
    # In the summary there is one of it, however often a run is sent.
    experiment.summary["queries"] = _query_table(ranks, known)
    if artifacts:
        for kind, file in OUTPUTS.items():
            artifact = wandb.Artifact(f"{kind}-{experiment.id}", type=kind)
            artifact.add_file(str(_linked(run / file, experiment)), policy="immutable")
            experiment.log_artifact(artifact)


def _linked(file: Path, experiment: Any) -> Path:
    """The file under a name that only this W&B run has.

    By its own it might be another run's, once this one was moved and another took its place.
    """
    link = Path(experiment.dir).parent / "artifacts" / file.name
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        link.hardlink_to(file)
    except OSError:  # a file system without links
        shutil.copyfile(file, link)
    return link


@dataclass(frozen=True)
class _Known:
    """The images of a collection by kind and id, and what stands below them."""

    files: Mapping[str, Mapping[str, Path]]
    captions: Captions

    @classmethod
    def of(cls, collection: Collection) -> _Known:
        files = {
            "drawing": collection.paths("drawing", collection.drawings.index),
            "artwork": collection.paths("artwork"),
        }
        return cls(files, Captions.of(collection))


def _query_table(ranks: pd.DataFrame, known: _Known | None) -> Any:
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
        top = json.loads(row["top_ids"])[:TOP]
        found = [json.loads(row["relevant_ids"])[0], *top, *[None] * (TOP - len(top))]
        table.add_data(
            row["set"],
            row["drawing_id"],
            float(before[row["set"], row["drawing_id"]]),
            float(row["rank"]),
            _shown(row["drawing_id"], "drawing", known),
            *(_shown(name, "artwork", known) for name in found),
        )
    return table


def _shown(name: str | None, kind: str, known: _Known | None) -> Any:
    """An image as the table has it: its id, or its picture with id and rights if there is one."""
    import wandb

    if known is None or name is None:
        return name
    path = known.files[kind].get(name)
    caption = known.captions(kind, name).printed
    return None if path is None else wandb.Image(_small(path), caption=caption)


def _small(path: Path) -> np.ndarray:
    image = read_image(path, SIDE)
    scale = SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
