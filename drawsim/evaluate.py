"""Evaluate a run or any embeddings: `python -m drawsim.evaluate run=runs/demo/NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.errors import UserError, nearest
from drawsim.launch import launch

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.retrieval.inputs import Inputs

CHOICES = {
    "protocol": ("drawsim", "thesis"),
    "direction": ("drawing_to_artwork", "artwork_to_drawing"),
}


def evaluate(config: DictConfig) -> None:
    """Read, measure, write metrics.json, tables and a page, and print the metrics."""
    _check_choices(config)
    from drawsim.machine import prepare

    prepare()
    from drawsim.files import write_json
    from drawsim.reporting.console import print_metrics
    from drawsim.reporting.evaluation_page import write_evaluation
    from drawsim.retrieval import evaluation

    inputs = _read(config)
    out = Path(config.out or Path(config.run) / "evaluation")
    if config.protocol == "thesis":
        metrics = evaluation.thesis_metrics(inputs)
        write_json(out / "metrics.json", {"protocol": "thesis", **metrics})
        print_metrics(metrics, out)
        return
    result = evaluation.evaluate(
        inputs,
        direction=config.direction,
        columns=None if config.by is None else list(config.by),
        csls_neighbours=config.csls,
    )
    write_evaluation(result, inputs, out)
    print_metrics(result.metrics, out)


def _read(config: DictConfig) -> Inputs:
    from drawsim.retrieval import inputs

    root = Path(config.collection) if config.collection else None
    if root is not None and not root.is_dir():
        raise UserError(f"collection={root}: no such folder.")
    if config.run:
        return inputs.from_run(Path(config.run), root)
    pairs = Path(config.pairs) if config.pairs else None
    return inputs.from_files(
        Path(config.queries), Path(config.gallery), pairs, Path(config.split), root
    )


def _check_choices(config: DictConfig) -> None:
    for key, choices in CHOICES.items():
        if config[key] not in choices:
            raise UserError(f"{key}={config[key]}: {nearest(str(config[key]), choices)}")
    if config.protocol == "thesis" and (config.csls or config.direction != "drawing_to_artwork"):
        raise UserError("protocol=thesis knows neither csls nor the direction artwork_to_drawing.")
    files = ("queries", "gallery", "split")
    if config.run:
        if given := [key for key in (*files, "pairs") if config[key]]:
            raise UserError(f"{given[0]}: leave it out where run=DIR is given, or leave out run.")
        return
    missing = [key for key in (*files, "out") if not config[key]]
    if missing:
        raise UserError(
            f"{', '.join(missing)} must be given, or run=DIR "
            "(python -m drawsim.evaluate --help shows examples)"
        )


if __name__ == "__main__":
    launch("evaluate", evaluate)
