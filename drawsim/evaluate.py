"""Evaluate a run or any embeddings: `python -m drawsim.evaluate run=runs/demo/NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import listed
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch, to_plain

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.retrieval.analysis.inputs import Inputs

TEXTS = ("run", "checkpoint", "queries", "gallery", "pairs", "split", "collection", "out")
CHOICES = {
    "protocol": ("drawsim", "thesis"),
    "direction": ("drawing_to_artwork", "artwork_to_drawing"),
}
USUAL = ("drawsim", "drawing_to_artwork")


def evaluate(config: DictConfig) -> None:
    """Read, measure, write metrics.json, tables and a page, and print the metrics."""
    values = to_plain(config)
    _check_choices(values)
    from drawsim.common.machine import prepare

    prepare()
    from drawsim.reporting.evaluation.console import print_metrics
    from drawsim.workflows import evaluate as workflow

    settings = workflow.EvaluateSettings(
        out=Path(values["out"] or Path(values["run"]) / "evaluation"),
        protocol=values["protocol"],
        direction=values["direction"],
        by=values["by"],
        csls=values["csls"],
        calibrate=values["calibrate"],
    )
    metrics, notes = workflow.evaluate(_inputs(values), settings)
    print_metrics(metrics, settings.out)
    for note in notes:
        print(note)


def _inputs(values: dict[str, Any]) -> Inputs:
    from drawsim.workflows import evaluate as workflow

    root = Path(values["collection"]) if values["collection"] else None
    if root is not None and not root.is_dir():
        raise UserError(f"collection={root}: no such folder.")
    rerank, trust = values["rerank"], listed(values["trust"])
    if values["checkpoint"]:
        own_split = Path(values["split"]) if values["split"] else None
        return workflow.of_checkpoint(Path(values["checkpoint"]), root, rerank, trust, own_split)
    if values["run"]:
        return workflow.of_run(Path(values["run"]), root, rerank, trust)
    pairs = Path(values["pairs"]) if values["pairs"] else None
    queries, gallery, split = (Path(values[key]) for key in ("queries", "gallery", "split"))
    return workflow.of_files(queries, gallery, pairs, split, root, rerank)


def _check_choices(values: dict[str, Any]) -> None:
    for key, choices in CHOICES.items():
        if values[key] not in choices:
            raise UserError(f"{key}={values[key]}: {nearest(str(values[key]), choices)}")
    if values["protocol"] == "thesis" and (
        values["csls"] or values["direction"] != "drawing_to_artwork"
    ):
        raise UserError("protocol=thesis knows neither csls nor the direction artwork_to_drawing.")
    if values["calibrate"] and (values["protocol"], values["direction"]) != USUAL:
        raise UserError("calibrate: goes with protocol=drawsim and direction=drawing_to_artwork")
    if (
        values["rerank"] not in (None, "none")
        and (values["protocol"], values["direction"]) != USUAL
    ):
        raise UserError("rerank: goes with protocol=drawsim and direction=drawing_to_artwork")
    files = ("queries", "gallery", "split")
    if source := next((key for key in ("run", "checkpoint") if values[key]), None):
        others = {"run", "checkpoint", "pairs", *files} - {source}
        if source == "checkpoint":
            others -= {"split"}
        if given := sorted(key for key in others if values[key]):
            raise UserError(f"{given[0]}: leave it out where {source} is given, or the reverse")
        if source == "checkpoint" and not values["out"]:
            raise UserError("out must be given: out=DIR")
        return
    missing = [key for key in (*files, "out") if not values[key]]
    if missing:
        raise UserError(
            f"{', '.join(missing)} must be given, or run=DIR, or checkpoint=FILE "
            "(python -m drawsim.evaluate --help shows examples)"
        )


if __name__ == "__main__":
    launch("evaluate", evaluate, texts=TEXTS, lists=("trust", "by", "rerank"))
