"""Runs of a W&B group, as far as W&B keeps them: scores and curves, no rankings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from drawsim.common.errors import UserError
from drawsim.reporting.run.finished import STAGES, Run

NEEDED = {"backbone", "split", "seed"}
"""Settings without which a run cannot be put beside others."""


def read_group(path: str, api: Any = None) -> tuple[list[Run], list[str]]:
    """The finished runs of `entity/project/group`, and a note for each other one.

    api: a `wandb.Api`; one is made if it is not given. Raises UserError if W&B cannot be reached or
    has no finished run of this group.
    """
    parts = path.split("/")
    if len(parts) != 3 or not all(parts):
        raise UserError(f"wandb={path}: must be ENTITY/PROJECT/GROUP")
    entity, project, group = parts
    try:
        api = api or _connect()
        found = list(api.runs(f"{entity}/{project}", filters={"group": group}))
    except Exception as error:  # wandb raises its own, requests' and plain ones
        raise UserError(
            f"wandb={path}: W&B cannot be read ({_first_line(error)}). Check the name, the network "
            "and `wandb login`, or compare the run folders: runs=…"
        ) from error
    runs: list[Run] = []
    notes: list[str] = []
    for run in found:
        scores = _scores(run.summary)
        if run.state != "finished":
            notes.append(f"{path}/{run.name} is not finished ({run.state}) and is left out.")
        elif not all(scores.values()) or not dict(run.config).keys() >= NEEDED:
            notes.append(f"{path}/{run.name} is no run of drawsim's and is left out.")
        else:
            runs.append(_read(run, scores, (entity, project, group)))
    if not runs:
        raise UserError(f"wandb={path}: no finished run in this group. {' '.join(notes)}".strip())
    return runs, notes


def _connect() -> Any:
    import wandb

    return wandb.Api(timeout=30)


def _scores(summary: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """stage -> set -> metric -> value, from keys such as `final/test/mrr`.

    Where the plain network is a stage of its own, `untrained`, it is the baseline.
    """
    known = ("untrained", *STAGES)
    scores: dict[str, dict[str, dict[str, float]]] = {stage: {} for stage in known}
    for key, value in dict(summary).items():
        stage, _, rest = key.partition("/")
        name, _, metric = rest.partition("/")
        if stage in known and metric and isinstance(value, int | float):
            scores[stage].setdefault(name, {})[metric] = float(value)
    plain = scores.pop("untrained")
    return {**scores, "baseline": plain or scores["baseline"]}


def _read(run: Any, scores: dict[str, dict[str, dict[str, float]]], origin: tuple[str, ...]) -> Run:
    best = run.summary.get("best_epoch")
    return Run(
        origin=origin,
        name=run.name,
        settings=dict(run.config),
        scores=scores,
        protocol="drawsim",
        gallery_size=None,
        best_epoch=None if best is None else int(best),
        epochs=_epochs(run),
    )


def _epochs(run: Any) -> list[dict[str, float]]:
    """The rows of the history that belong to an epoch, 0 being the untrained network."""
    rows = [
        {
            key: float(value)
            for key, value in row.items()
            if isinstance(value, int | float) and math.isfinite(value) and key[:1] != "_"
        }
        for row in run.scan_history()
    ]
    return [{**row, "epoch": int(row["epoch"])} for row in rows if "epoch" in row]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
