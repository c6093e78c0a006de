"""One training run: read, train, measure, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.errors import StoppedError, UserError
from drawsim.common.machine import is_first_process
from drawsim.runs.folder import RunFolder, Start
from drawsim.runs.lock import locked
from drawsim.runs.run import Run
from drawsim.workflows import wandb_copies
from drawsim.workflows.data import queries_folder, read_data
from drawsim.workflows.parts import make_callbacks, make_parts
from drawsim.workflows.settings import TrainSettings

if TYPE_CHECKING:
    from drawsim.collection.tables import Collection
    from drawsim.learning.training.loggers.weights_and_biases import WandbCopy
    from drawsim.models.initial import Initial
    from drawsim.runs.sweeps.search import Trial

log = logging.getLogger("drawsim.train")


def train(
    settings: TrainSettings,
    folder: Path,
    trial: Trial | None = None,
    arguments: Sequence[str] | None = None,
) -> float | None:
    """One run, from a collection and a split to weights, metrics and pictures in its folder.

    A finished run of the same settings is left as it is. trial: of a search for settings, which may
    stop the run. arguments: of the command that asked for it, which the run writes down.
    Returns the monitored value of the selected weights; None where nothing was trained, and of a
    run that was stopped. Raises UserError for what the user can mend: then the folder is as it was.
    """
    run = RunFolder(folder, writes=is_first_process())
    if settings.dry_run:
        print("\n".join(plan(settings, run)))
        return None
    with locked(folder) if run.writes else nullcontext():
        start: Start = "resume" if settings.resume else "anew"
        if run.writes:
            start = run.find(settings.values, resume=settings.resume, again=settings.again)
        if start == "finished":
            log.info("%s: finished before, skipped; again=true begins it anew", folder)
        else:
            try:
                _train(settings, run, start, trial, arguments)
            except StoppedError as stopped:
                log.info("%s: %s", folder, stopped)
                return None
    return Run.open(folder).monitored if run.writes else None


def plan(settings: TrainSettings, run: RunFolder) -> list[str]:
    """Lines that say what a run would do."""
    from drawsim.learning.training.plan import describe_plan

    start = run.find(settings.values, resume=settings.resume, again=settings.again)
    with queries_folder(settings, run) as folder:
        collection, split, _ = read_data(settings, folder, write=False)
    data, miner, module = make_parts(settings, collection, split)
    epochs = settings.trainer["max_epochs"]
    idle = ""
    if module.learns_nothing:
        idle = f"{module.pairs_in_words}, fewer than freeze_below={settings.freeze_below}"
    told = {
        "new": "begins",
        "anew": "begins anew; the run that is there is set aside",
        "resume": "goes on with the run that is there",
        "finished": "nothing is done: it is finished",
    }
    begins = [f"begins with   {module.initial.describe()}"] if module.initial is not None else []
    return [
        *begins,
        *describe_plan(module.backbone, data, miner.negatives, epochs, run.path, idle),
        f"start         {told[start]}",
    ]


def _train(
    settings: TrainSettings,
    run: RunFolder,
    start: Start,
    trial: Trial | None,
    arguments: Sequence[str] | None,
) -> None:
    from drawsim.collection.checksums import checksums
    from drawsim.learning.training.experiment import Experiment
    from drawsim.learning.training.loggers.steps import StepLog
    from drawsim.models.trainer import (
        leave_process_group,
        settle_hardware,
        told_of_lost_processes,
    )
    from drawsim.reporting.run.console import print_results

    hardware = settle_hardware(settings.trainer)
    resume = start == "resume"
    began = time.perf_counter()
    copy: WandbCopy | None = None
    try:
        with run.recording(settings.values, start), told_of_lost_processes():
            with queries_folder(settings, run) as folder:
                collection, split, skipped = read_data(settings, folder, write=run.writes)
            data, miner, module = make_parts(settings, collection, split)
            run.describe(settings.seed, split, skipped)
            run.update(inputs=checksums(collection))
            if arguments is not None:
                run.update(commands=[*run.record.get("commands", []), list(arguments)])
            if module.initial is not None:
                _begin_with(module.initial, run)
            with _copied(settings, run) as copy:
                experiment = Experiment.assemble(
                    module,
                    data,
                    miner,
                    run,
                    monitor=settings.monitor,
                    keep=settings.keep,
                    protocol=settings.protocol,
                    decide=settings.decide,
                    trainer=hardware,
                    callbacks=[*make_callbacks(settings, trial), *([copy] if copy else [])],
                    loggers=[StepLog(run.path / "steps.csv")] if settings.logger["csv"] else [],
                )
                baseline = experiment.baseline(resume=resume)
                run.begun()
                try:
                    experiment.fit(resume=resume)
                    experiment.final(baseline)
                finally:
                    run.add_start(time.perf_counter() - began)
    except BaseException:
        if run.has_begun:  # it is shown as far as it went
            with suppress(Exception):  # whatever stopped the run is what people need to hear of
                report(settings, run, collection, copy)
        raise
    finally:
        leave_process_group()
    report(settings, run, collection, copy)
    if run.writes:
        print_results(run.path)


def _begin_with(initial: Initial, run: RunFolder) -> None:
    """Write down what the model begins with.

    Raises UserError if that is not what it was when a run that is resumed began.
    """
    record = initial.record()
    if run.record.get("init", record) != record:
        raise UserError(
            f"init={initial.source}: has other weights than when this run began with it; begin "
            "anew with again=true"
        )
    run.update(init=record)
    log.info("begins with %s", initial.describe())


@contextmanager
def _copied(settings: TrainSettings, run: RunFolder) -> Iterator[WandbCopy | None]:
    """The run's copy in W&B, let go where a start fails, before its files in the folder go."""
    copy = wandb_copies.begin(settings.values, run)
    if copy is not None and copy.is_offline:
        log.info("to upload this run later: %s", wandb_copies.cure(run.path))
    try:
        yield copy
    except BaseException:
        if copy is not None and not run.has_begun:
            with suppress(Exception):  # whatever stopped the run is what people need to hear of
                copy.finish(done=False)
        raise


def report(
    settings: TrainSettings, run: RunFolder, collection: Collection, copy: WandbCopy | None
) -> None:
    """The result page; W&B is given what it lacks, of this run and of one that was set aside."""
    if not run.writes:
        return
    from drawsim.reporting.kit.captions import Captions
    from drawsim.reporting.run.page import write_report

    pictures = (
        collection.paths("drawing", collection.drawings.index),
        collection.paths("artwork"),
    )
    page = write_report(run.path, *pictures, captions=Captions.of(collection))
    log.info("result page: %s", page)
    if copy is not None:
        try:
            wandb_copies.complete(copy, settings.values, collection)
        except Exception as error:  # the run itself is whole
            log.warning("W&B lacks a part (%s): %s", error, wandb_copies.cure(run.path))
    if run.aside is not None:
        wandb_copies.renew(run.aside)
