"""Weights & Biases, without login or network too."""

from __future__ import annotations

import contextlib
import logging
import netrc
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytorch_lightning.loggers import WandbLogger

from drawsim.common.errors import UserError, nearest
from drawsim.retrieval.metrics import registry
from drawsim.runs.folder import RunFolder

log = logging.getLogger(__name__)

MODES = ("auto", "online", "offline")
CONNECT_SECONDS = 30
FINISH_SECONDS = 120


def wandb_logger(
    settings: Mapping[str, Any], run: RunFolder, config: Mapping[str, Any]
) -> WandbLogger:
    """A W&B run: online if wanted and possible, else offline; never a question, never a hang.

    It has the study as its group; a resumed run goes on in the same W&B run.
    """
    folder = run.path / "wandb"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"WANDB_DATA_DIR": str(folder), "WANDB_CACHE_DIR": str(folder / "cache")}
    run.update(wandb_id=run.record.get("wandb_id") or uuid.uuid4().hex[:8])
    mode = _wandb_mode(settings["mode"])
    try:
        experiment = _start(settings, run, config, mode)
    except Exception as error:  # whatever keeps W&B from the network must not keep us from training
        if mode != "online":
            raise
        log.warning("W&B cannot be reached (%s): this run is logged offline", error)
        mode, experiment = "offline", _start(settings, run, config, "offline")
    if mode == "offline":
        log.info("W&B is offline; to upload later: wandb sync %s", Path(experiment.dir).parent)
    _summarise_by_the_best(experiment)
    return WandbLogger(experiment=experiment)


def _start(
    settings: Mapping[str, Any], run: RunFolder, config: Mapping[str, Any], mode: Any
) -> Any:
    import wandb

    return wandb.init(
        project=settings["project"],
        entity=settings["entity"],
        group=config["study"],
        name=config["name"],
        tags=[str(tag) for tag in settings["tags"] if tag],
        config=dict(config),
        dir=str(run.path),
        id=run.record["wandb_id"],
        resume="allow" if mode == "online" else None,
        mode=mode,
        settings=wandb.Settings(
            console="off",
            silent=True,
            disable_git=True,
            init_timeout=CONNECT_SECONDS,
            finish_timeout=FINISH_SECONDS,
            finish_timeout_raises=False,
        ),
    )


def _summarise_by_the_best(experiment: Any) -> None:
    """W&B's summary of a run has the best value of every metric that has a direction."""
    for name in (*registry.computed(), "loss"):
        higher = registry.find(name).higher_is_better
        if higher is not None:
            experiment.define_metric(f"val/{name}", summary="max" if higher else "min")


def _wandb_mode(wanted: str) -> str:
    """What the setting and W&B's own environment variables come to.

    Raises UserError for a setting that is not one of MODES.
    """
    if wanted not in MODES:
        raise UserError(f"logger.mode={wanted}: {nearest(wanted, MODES)}")
    if wanted != "auto":
        return wanted
    if os.environ.get("WANDB_MODE"):
        return os.environ["WANDB_MODE"]
    return "online" if _logged_in() else "offline"


def _logged_in() -> bool:
    """Whether a key for the W&B server is at hand; read where W&B itself keeps it."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    server = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc
    home = Path.home()
    files = [os.environ.get("NETRC"), home / ".netrc", home / "_netrc"]
    with contextlib.suppress(OSError, netrc.NetrcParseError):
        return any(
            netrc.netrc(str(path)).authenticators(server)
            for path in files
            if path and Path(path).is_file()
        )
    return False
