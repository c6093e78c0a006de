"""Copies of runs in W&B: begun and completed by training, brought up to date whenever wanted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from drawsim.common.errors import UserError
from drawsim.runs.folder import RunFolder, read_record
from drawsim.runs.lock import locked
from drawsim.runs.settings import data_root, read_values

if TYPE_CHECKING:
    from drawsim.collection.tables import Collection
    from drawsim.learning.training.loggers.weights_and_biases import WandbCopy

log = logging.getLogger("drawsim.wandb")


@dataclass(frozen=True)
class Sent:
    """What became of a run's copy. place: its page, or the folder that `wandb sync` takes."""

    offline: bool
    epochs: int
    place: str


def begin(settings: Mapping[str, Any], run: RunFolder) -> WandbCopy | None:
    """A run's copy, with what the run is made from; None if W&B is not wanted.

    settings: all of the run, as plain values.
    """
    from drawsim.learning.training.loggers.weights_and_biases import wandb_copy
    from drawsim.reporting.run.wandb_results import log_inputs

    config = dict(settings)
    if "init" in run.record:  # it has the hashes of the weights too
        config["init"] = {**settings["init"], **run.record["init"]}
    copy = wandb_copy(settings["logger"], run, config)
    if copy is not None and "inputs" in run.record:
        try:
            with copy.keeping():
                log_inputs(copy.experiment, run.record, settings["data"]["name"])
        except Exception as error:  # what W&B cannot take must not keep us from training
            log.warning("W&B is not told which collection this is (%s)", error)
    return copy


def complete(copy: WandbCopy, settings: Mapping[str, Any], collection: Collection | None) -> None:
    """The epochs that W&B lacks, of a finished run also its results; then W&B is let go."""
    from drawsim.reporting.run.wandb_results import log_results

    finished = copy.run.record.get("status") == "finished"
    wanted = {name: bool(settings["logger"].get(name)) for name in ("pictures", "artifacts")}
    try:
        copy.update()
        if finished:
            with copy.keeping():
                log_results(copy.experiment, copy.run.path, collection, **wanted)
    finally:
        copy.finish(done=finished)


def sync(folder: Path, given: Mapping[str, Any]) -> Sent:
    """Give W&B what it lacks of a run, from the files in its folder, wherever that is now.

    given: settings of `conf/logger` that are others than the run's own; None leaves those. Raises
    UserError if the folder is no run, if another process is at it, and if W&B is disabled.
    """
    values = read_values(folder)
    own: dict[str, Any] = {
        "project": "drawsim",
        "entity": None,
        "tags": [],
        "mode": "auto",
        "pictures": False,
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    logger = {**own, "artifacts": False, **values.get("logger", {}), **chosen, "wandb": True}
    values = {**values, "logger": logger}
    with locked(folder):
        run = RunFolder(folder)
        run.record = read_record(folder)
        copy = begin(values, run)
        if copy is None:
            raise UserError(f"{folder}: W&B is disabled; take mode=online or mode=offline")
        complete(copy, values, _pictured(values) if logger["pictures"] else None)
    place = copy.folder if copy.is_offline else copy.experiment.url
    return Sent(copy.is_offline, copy.copied, str(place))


def renew(folder: Path) -> None:
    """Write what a run that was moved has for `wandb sync` anew: it names files where they were."""
    from drawsim.learning.training.loggers.weights_and_biases import unsent

    if not unsent(folder / "wandb") or read_record(folder).get("status") != "finished":
        return  # what W&B has of an unfinished run refers to no file
    try:
        sync(folder, {"mode": "offline"})
    except Exception as error:  # the run that takes its place must not fail for it
        log.warning("its copy for W&B names files of before (%s): %s", error, cure(folder))


def cure(folder: Path) -> str:
    """The command that brings a run's copy up to date."""
    return f"python -m drawsim.sync {quote(f'runs={folder}')}"


def _pictured(values: Mapping[str, Any]) -> Collection | None:
    """The collection of a run, if it is where it was."""
    from drawsim.collection.tables import Collection, held_tables

    root = data_root(values)
    if root is None:
        log.warning("the collection of this run is not there: no pictures")
        return None
    return Collection.open(root, tables=held_tables(root))
