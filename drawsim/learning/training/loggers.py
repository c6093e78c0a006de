"""Where scalars go besides the run folder's own tables: `steps.csv` and Weights & Biases."""

from __future__ import annotations

import contextlib
import csv
import logging
import netrc
import os
import uuid
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from drawsim.common.errors import UserError, nearest
from drawsim.common.files import atomic
from drawsim.retrieval.metrics import registry
from drawsim.runs.folder import RunFolder

log = logging.getLogger(__name__)

COLUMNS = ("step", "name", "value")
MODES = ("auto", "online", "offline")
CONNECT_SECONDS = 30
FINISH_SECONDS = 120


class StepLog(Logger):
    """`steps.csv`: one line for each scalar of each step, in long form: step, name, value.

    Lines that a killed run wrote beyond the step it is resumed from are removed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._clean = not path.exists()

    @property
    def name(self) -> str:
        """Lightning's name for the logger."""
        return "steps"

    @property
    def version(self) -> int:
        """Lightning's version of the logger: there is one."""
        return 0

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kw: Any) -> None:
        """Nothing: the configuration is in `config.yaml`."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append the scalars of a step."""
        if not self._clean:
            self._drop_from(step or 0)
        new = not self.path.exists()
        with self.path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(COLUMNS)
            writer.writerows((step, key, value) for key, value in metrics.items())

    def _drop_from(self, step: int) -> None:
        with self.path.open(encoding="utf-8", newline="") as file:
            whole = [row for row in csv.reader(file) if len(row) == len(COLUMNS)]
        kept = [row for row in whole if row[0].isdigit() and int(row[0]) < step]
        with atomic(self.path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows([COLUMNS, *kept])
        self._clean = True


def make_loggers(
    settings: Mapping[str, Any], run: RunFolder, config: Mapping[str, Any]
) -> list[Logger]:
    """The loggers of `conf/logger`; in processes that do not write, none.

    The W&B run has the study as its group; a resumed run goes on in the same W&B run.
    """
    if not run.writes:
        return []
    loggers: list[Logger] = []
    if settings["csv"]:
        loggers.append(StepLog(run.path / "steps.csv"))
    if settings["wandb"]:
        loggers.append(WandbLogger(experiment=_start_wandb(settings, run, config)))
    return loggers


def _start_wandb(settings: Mapping[str, Any], run: RunFolder, config: Mapping[str, Any]) -> Any:
    """A W&B run: online if wanted and possible, else offline; never a question, never a hang."""
    import wandb

    folder = run.path / "wandb"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"WANDB_DATA_DIR": str(folder), "WANDB_CACHE_DIR": str(folder / "cache")}
    identity = run.record.get("wandb_id") or uuid.uuid4().hex[:8]
    run.update(wandb_id=identity)

    def start(mode: Any) -> Any:
        return wandb.init(
            project=settings["project"],
            entity=settings["entity"],
            group=config["study"],
            name=config["name"],
            tags=[str(tag) for tag in settings["tags"] if tag],
            config=dict(config),
            dir=str(run.path),
            id=identity,
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

    mode = _wandb_mode(settings["mode"])
    try:
        experiment = start(mode)
    except Exception as error:  # whatever keeps W&B from the network must not keep us from training
        if mode != "online":
            raise
        log.warning("W&B cannot be reached (%s): this run is logged offline", error)
        mode, experiment = "offline", start("offline")
    if mode == "offline":
        log.info("W&B is offline; to upload later: wandb sync %s", Path(experiment.dir).parent)
    for name in (*registry.computed(), "loss"):
        higher = registry.find(name).higher_is_better
        if higher is not None:
            experiment.define_metric(f"val/{name}", summary="max" if higher else "min")
    return experiment


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
