"""Evaluate a run or any embeddings: `python -m drawsim.evaluate run=runs/demo/NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from drawsim.common.arguments import listed
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.retrieval.analysis.inputs import Inputs

CHOICES = {
    "protocol": ("drawsim", "thesis"),
    "direction": ("drawing_to_artwork", "artwork_to_drawing"),
}
USUAL = ("drawsim", "drawing_to_artwork")


def evaluate(config: DictConfig) -> None:
    """Read, measure, write metrics.json, tables and a page, and print the metrics."""
    _check_choices(config)
    from drawsim.common.machine import prepare

    prepare()
    from drawsim.reporting.evaluation.console import print_metrics
    from drawsim.workflows import evaluate as workflow

    settings = workflow.EvaluateSettings(
        out=Path(config.out or Path(config.run) / "evaluation"),
        protocol=config.protocol,
        direction=config.direction,
        by=None if config.by is None else list(config.by),
        csls=config.csls,
        calibrate=config.calibrate,
    )
    metrics, notes = workflow.evaluate(_inputs(config), settings)
    print_metrics(metrics, settings.out)
    for note in notes:
        print(note)


def _inputs(config: DictConfig) -> Inputs:
    from drawsim.workflows import evaluate as workflow

    root = Path(config.collection) if config.collection else None
    if root is not None and not root.is_dir():
        raise UserError(f"collection={root}: no such folder.")
    rerank: Any = config.rerank
    if OmegaConf.is_config(rerank):
        rerank = OmegaConf.to_container(rerank)
    if config.checkpoint:
        file = Path(config.checkpoint)
        split = Path(config.split) if config.split else None
        return workflow.of_checkpoint(file, root, rerank, listed(config.trust), split)
    if config.run:
        return workflow.of_run(Path(config.run), root, rerank, listed(config.trust))
    pairs = Path(config.pairs) if config.pairs else None
    queries, gallery, split = (Path(config[key]) for key in ("queries", "gallery", "split"))
    return workflow.of_files(queries, gallery, pairs, split, root, rerank)


def _check_choices(config: DictConfig) -> None:
    for key, choices in CHOICES.items():
        if config[key] not in choices:
            raise UserError(f"{key}={config[key]}: {nearest(str(config[key]), choices)}")
    if config.protocol == "thesis" and (config.csls or config.direction != "drawing_to_artwork"):
        raise UserError("protocol=thesis knows neither csls nor the direction artwork_to_drawing.")
    if config.calibrate and (config.protocol, config.direction) != USUAL:
        raise UserError("calibrate: goes with protocol=drawsim and direction=drawing_to_artwork")
    if config.rerank not in (None, "none") and (config.protocol, config.direction) != USUAL:
        raise UserError("rerank: goes with protocol=drawsim and direction=drawing_to_artwork")
    files = ("queries", "gallery", "split")
    if source := next((key for key in ("run", "checkpoint") if config[key]), None):
        others = {"run", "checkpoint", "pairs", *files} - {source}
        if source == "checkpoint":
            others -= {"split"}
        if given := sorted(key for key in others if config[key]):
            what = f"{given[0]}: leave it out where {source} is given, or leave out {source}."
            raise UserError(what)
        if source == "checkpoint" and not config.out:
            raise UserError("out must be given: out=DIR")
        return
    missing = [key for key in (*files, "out") if not config[key]]
    if missing:
        raise UserError(
            f"{', '.join(missing)} must be given, or run=DIR, or checkpoint=FILE "
            "(python -m drawsim.evaluate --help shows examples)"
        )


if __name__ == "__main__":
    launch("evaluate", evaluate)
