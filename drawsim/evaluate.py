"""Evaluate a run or any embeddings: `python -m drawsim.evaluate run=runs/demo/NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from drawsim.common.files import write_json
    from drawsim.reporting.evaluation.console import print_metrics
    from drawsim.reporting.evaluation.page import write_evaluation
    from drawsim.retrieval.analysis import evaluation
    from drawsim.retrieval.analysis.known_answers import calibrate

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
    calibrated = calibrate(inputs) if config.calibrate else None
    write_evaluation(result, inputs, out, calibrated)
    print_metrics(result.metrics, out)
    if calibrated is not None:
        print(calibrated.note)


def _read(config: DictConfig) -> Inputs:
    from drawsim.retrieval.analysis import inputs

    root = Path(config.collection) if config.collection else None
    if root is not None and not root.is_dir():
        raise UserError(f"collection={root}: no such folder.")
    if config.checkpoint:
        return _embed(Path(config.checkpoint), root)
    if config.run:
        return inputs.from_run(Path(config.run), root)
    pairs = Path(config.pairs) if config.pairs else None
    return inputs.from_files(
        Path(config.queries), Path(config.gallery), pairs, Path(config.split), root
    )


def _embed(checkpoint: Path, root: Path | None) -> Inputs:
    """Embed what a checkpoint's run used, or the collection at `root`, by the run's settings."""
    import pandas as pd
    from omegaconf import OmegaConf

    from drawsim.learning.training.callbacks.evaluation import Evaluation
    from drawsim.learning.training.callbacks.progress import Progress
    from drawsim.models.loading import load_checkpoint, run_of
    from drawsim.models.trainer import make_trainer, settle_hardware
    from drawsim.retrieval.analysis.inputs import Inputs, Model
    from drawsim.retrieval.embeddings import Embeddings
    from drawsim.workflows.data import read_data
    from drawsim.workflows.parts import make_parts

    run = run_of(checkpoint)
    settings: Any = OmegaConf.load(run / "config.yaml")
    if root is not None:
        settings.data = {
            **{k: v for k, v in settings.data.items() if k != "demo"},
            "root": str(root),
        }
    collection, split, _ = read_data(settings, run / "queries", write=False)
    data, _, module = make_parts(settings, collection, split)
    load_checkpoint(module, checkpoint)
    evaluation = Evaluation(data.task)
    hardware = settle_hardware(OmegaConf.to_container(settings.trainer))  # type: ignore[arg-type]
    trainer = make_trainer(hardware, run, [evaluation, Progress()], [])
    trainer.test(module, datamodule=data, verbose=False)
    model = Model(
        checkpoint.stem,
        Embeddings(data.task.drawings, evaluation.drawings),
        Embeddings(data.task.artworks, evaluation.artworks),
        module.model.describe(hardware["precision"]),
    )
    kept = collection.drawings.index.isin(data.task.drawings)
    used = collection.without(collection.drawings.index[~kept].tolist(), [])
    return Inputs((model,), used, split, absent=pd.DataFrame(columns=["drawing_id", "artwork_id"]))


def _check_choices(config: DictConfig) -> None:
    for key, choices in CHOICES.items():
        if config[key] not in choices:
            raise UserError(f"{key}={config[key]}: {nearest(str(config[key]), choices)}")
    if config.protocol == "thesis" and (config.csls or config.direction != "drawing_to_artwork"):
        raise UserError("protocol=thesis knows neither csls nor the direction artwork_to_drawing.")
    if config.calibrate and (config.protocol, config.direction) != USUAL:
        raise UserError("calibrate: goes with protocol=drawsim and direction=drawing_to_artwork")
    files = ("queries", "gallery", "split")
    if source := next((key for key in ("run", "checkpoint") if config[key]), None):
        others = {"run", "checkpoint", "pairs", *files} - {source}
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
