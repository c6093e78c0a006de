"""Evaluate a run or any embeddings: `python -m drawsim.evaluate run=runs/demo/NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import listed
from drawsim.common.launch import launch, to_plain
from drawsim.common.there import check_folders
from drawsim.workflows.evaluate_checks import check_evaluate

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.retrieval.analysis.inputs import Inputs

TEXTS = ("run", "checkpoint", "queries", "gallery", "pairs", "split", "collection", "out")
QUERIES = "queries"
"""The folder, among the results, of simulated queries; that of the run is not written into."""


def evaluate(config: DictConfig) -> None:
    """Read, measure, write metrics.json, tables and a page, and print the metrics."""
    values = to_plain(config)
    check_evaluate(values)
    check_folders(values, "run", "collection")
    from drawsim.reporting.evaluation.console import print_metrics
    from drawsim.runs.results import results_folder
    from drawsim.workflows import evaluate as workflow

    given = values["out"]
    out = Path(str(given)) if given else results_folder(Path(values["run"]))
    settings = workflow.EvaluateSettings(
        out=out,
        protocol=values["protocol"],
        direction=values["direction"],
        by=values["by"],
        csls=values["csls"],
        calibrate=values["calibrate"],
    )
    metrics, notes = workflow.evaluate(_inputs(values, out), settings)
    print_metrics(metrics, settings.out)
    for note in notes:
        print(note)


def _inputs(values: dict[str, Any], out: Path) -> Inputs:
    from drawsim.workflows import evaluate as workflow

    root = Path(values["collection"]) if values["collection"] else None
    rerank, trust = values["rerank"], listed(values["trust"])
    if values["checkpoint"]:
        own_split = Path(values["split"]) if values["split"] else None
        return workflow.of_checkpoint(
            Path(values["checkpoint"]), root, rerank, trust, own_split, out / QUERIES
        )
    if values["run"]:
        return workflow.of_run(Path(values["run"]), root, rerank, trust)
    pairs = Path(values["pairs"]) if values["pairs"] else None
    queries, gallery, split = (Path(values[key]) for key in ("queries", "gallery", "split"))
    return workflow.of_files(queries, gallery, pairs, split, root, rerank)


if __name__ == "__main__":
    launch("evaluate", evaluate, texts=TEXTS, lists=("trust", "by", "rerank"))
