"""The Lightning trainer, and what several processes need."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import ProgressBar
from pytorch_lightning.loggers import Logger

from drawsim.common.building import check_types
from drawsim.common.errors import UserError, nearest
from drawsim.common.machine import is_worker_of_joblib, quiet_libraries
from drawsim.common.typed import shown

OURS = frozenset(
    ("default_root_dir", "callbacks", "logger", "num_sanity_val_steps", "use_distributed_sampler")
) | {"enable_model_summary"}
"""Settings of Lightning's trainer that are not the user's."""
LAUNCHED = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def settle_hardware(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `conf/trainer` with the precision decided by the hardware.

    Raises UserError for settings that Lightning's trainer has not, and if they ask for hardware
    that is not there.
    """
    values = {key: value for key, value in settings.items() if key != "name"}
    known = inspect.signature(pl.Trainer).parameters
    for key in values:
        if key not in known or key in OURS:
            raise UserError(f"trainer.{key}: no such setting, {nearest(key, set(known) - OURS)}")
    if values.get("devices", 1) not in (1, "1", [0]) and is_worker_of_joblib():
        raise UserError(
            f"trainer.devices={shown(values['devices'])}: processes of joblib start no others; "
            "leave hydra/launcher=joblib out, the jobs then run one after the other"
        )
    gpus = torch.cuda.device_count()
    if values["accelerator"] in ("gpu", "cuda") and not gpus:
        raise UserError(
            f"trainer={settings['name']} asks for a GPU, but torch sees none "
            f"(torch {torch.__version__}). Use trainer=cpu, or check the driver with nvidia-smi."
        )
    on_gpu = values["accelerator"] in ("gpu", "cuda") or (values["accelerator"] == "auto" and gpus)
    if values["precision"] == "auto":
        values["precision"] = mixed_precision() if on_gpu else "32-true"
    elif not on_gpu and str(values["precision"]).removesuffix("-true") not in ("32", "64"):
        raise UserError(
            f"trainer.precision={values['precision']} needs a GPU: leave it at auto, "
            "which is float32 on a CPU; precision=bf16 embeds in bfloat16 there."
        )
    return values


def mixed_precision() -> str:
    """bf16 where the GPU computes it natively, else fp16."""
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def make_trainer(
    settings: Mapping[str, Any],
    folder: Path,
    callbacks: Sequence[pl.Callback],
    loggers: Sequence[Logger],
) -> pl.Trainer:
    """A trainer from settled settings, with what every run of ours has in common.

    A bar is drawn by a callback alone. Raises UserError for values that Lightning refuses.
    """
    quiet_libraries()
    check_types(pl.Trainer, settings, "trainer.")
    bars = any(isinstance(one, ProgressBar) for one in callbacks)
    settings = {"enable_progress_bar": bars, **settings}
    if settings.get("strategy") == "ddp":  # layouts leave the last layers of a network out
        settings["strategy"] = "ddp_find_unused_parameters_true"
    try:
        return pl.Trainer(
            **settings,
            default_root_dir=folder,
            callbacks=list(callbacks),
            logger=list(loggers) or False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,  # the data module shares work out itself
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError, TypeError, OverflowError) as error:
        raise UserError(f"trainer: {' '.join(str(error).split())}") from error


@contextmanager
def told_of_lost_processes() -> Iterator[None]:
    """Say in a line that another process of the job has ended, which libraries tell at length.

    Raises UserError in the place of their errors.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.distributed.DistError) or "gloo" in str(error):
            raise UserError(
                "another process of this run has ended; the same command with resume=true goes on "
                "after the last whole epoch"
            ) from error
        raise


def has_process_group() -> bool:
    """Whether several processes do the job together."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def wait_for_others() -> None:
    """Until all processes of the job are here; of one alone, nothing."""
    if has_process_group():
        torch.distributed.barrier()


def leave_process_group() -> None:
    """Forget the process group of a job, so that the next one of a multirun can have its own."""
    if has_process_group():
        torch.distributed.destroy_process_group()
    for name in LAUNCHED:
        os.environ.pop(name, None)
