"""One training run: read, train, measure, report."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from drawsim.common.building import build
from drawsim.common.launch import is_multirun, output_folder
from drawsim.workflows.data import queries_folder, read_data
from drawsim.workflows.parts import make_parts

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.collection.tables import Collection
    from drawsim.runs.folder import RunFolder

log = logging.getLogger("drawsim.train")


def train(config: DictConfig) -> None:
    """One run, from a collection and a split to weights, metrics and pictures in its folder."""
    from drawsim.common.machine import is_first_process, prepare
    from drawsim.runs.folder import RunFolder

    prepare()
    run = RunFolder(output_folder(), writes=is_first_process())
    settings: Any = OmegaConf.to_container(config, resolve=True)
    if is_multirun() and run.finished_with(settings):
        log.info("%s: finished before, skipped", run.path)
        return
    with queries_folder(config, run) as folder:
        collection, split, skipped = read_data(config, folder, write=run.writes)
    data, miner, module = make_parts(config, collection, split)
    if config.dry_run:
        from drawsim.learning.training.plan import describe_plan

        plan = describe_plan(
            module.backbone, data, miner.negatives, config.trainer.max_epochs, run.path
        )
        print("\n".join(plan))
        return

    from drawsim.learning.training.experiment import Experiment
    from drawsim.learning.training.loggers.make import make_loggers
    from drawsim.models.trainer import leave_process_group, settle_hardware
    from drawsim.reporting.run.console import print_results

    hardware = settle_hardware(settings["trainer"])
    started = time.perf_counter()
    try:
        with run.recording(settings, resume=config.resume):
            run.describe(config.seed, split, skipped)
            experiment = Experiment.assemble(
                module,
                data,
                miner,
                run,
                monitor=config.monitor,
                keep=config.keep,
                protocol=config.protocol,
                trainer=hardware,
                callbacks=list(build(config.callbacks).values()),
                loggers=make_loggers(settings["logger"], run, settings),
            )
            baseline = experiment.baseline(resume=config.resume)
            experiment.fit(resume=config.resume)
            experiment.final(baseline)
            run.add_seconds(total=time.perf_counter() - started)
    except BaseException:
        with suppress(Exception):  # whatever stopped the run is what people need to hear of
            report(run, collection)
        raise
    finally:
        leave_process_group()
    report(run, collection)
    if run.writes:
        print_results(run.path)


def report(run: RunFolder, collection: Collection) -> None:
    """The result page and, where W&B is used, the table of queries; then W&B is let go."""
    if not run.writes:
        return
    import wandb

    from drawsim.reporting.run.page import write_report
    from drawsim.reporting.run.wandb_results import log_results

    pictures = (
        collection.paths("drawing", collection.drawings.index),
        collection.paths("artwork"),
    )
    finished = run.record["status"] == "finished"
    page = write_report(run.path, *pictures)
    log.info("result page: %s", page)
    if wandb.run is not None:
        if finished:
            log_results(wandb.run, run.path, *pictures)
        wandb.finish(exit_code=0 if finished else 1)
