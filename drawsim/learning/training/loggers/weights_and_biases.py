"""The copy of a run that Weights & Biases keeps, without login or network too."""

from __future__ import annotations

import contextlib
import logging
import math
import netrc
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytorch_lightning as pl

from drawsim.common.errors import UserError, nearest
from drawsim.common.files import read_table
from drawsim.retrieval.metrics import registry
from drawsim.runs.folder import RunFolder

log = logging.getLogger(__name__)

MODES = ("auto", "online", "offline", "disabled")
OLD_MODES = {"dryrun": "offline", "run": "online"}
"""W&B's earlier words, which its environment variable may still have."""
CONNECT_SECONDS = 30
FINISH_SECONDS = 120
FLUSH_SECONDS = 0.2
"""How long what is logged may be missing in the file of an offline run."""
SETS = ("train", "val")
"""Sets that are measured after every epoch."""


class WandbCopy(pl.Callback):
    """Brings W&B up to date: a row of history for each epoch of `metrics.csv`, none twice.

    Rows are logged when the next epoch begins, so that an epoch that is done again after a kill is
    none of them. experiment: the W&B run. copied: the last epoch that W&B has, -1 for none.
    superseded: folders of offline runs that hold nothing but what W&B is about to be given; they go
    as soon as it is.
    """

    def __init__(
        self, experiment: Any, run: RunFolder, copied: int, superseded: list[Path]
    ) -> None:
        self.experiment = experiment
        self.run = run
        self.copied = copied
        self.superseded = superseded

    @property
    def folder(self) -> Path:
        """Where W&B keeps what this process logs: what `wandb sync` takes."""
        return Path(self.experiment.dir).parent

    @property
    def is_offline(self) -> bool:
        """Whether W&B gets it later, from a folder of the run."""
        return bool(self.experiment.settings.mode == "offline")

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the epochs that are done; training goes on if that fails."""
        try:
            self.update(trainer.current_epoch)
        except Exception as error:  # what is missing now is logged when the next epoch begins
            log.warning("W&B lacks the last epoch (%s)", error)

    def update(self, last: int | None = None) -> None:
        """Log what W&B lacks of the epochs, as far as `last`; None: of all."""
        for row in _epochs(self.run.path):
            epoch = int(row["epoch"])
            if self.copied < epoch and (last is None or epoch <= last):
                self.experiment.log({**row, "epoch": epoch})
                self.copied = epoch
        told = {**self.run.record.get("wandb_epochs", {}), self.folder.name: self.copied}
        for folder in self.superseded:
            shutil.rmtree(folder, ignore_errors=True)
            told.pop(folder.name, None)
        self.superseded = []
        self.run.update(wandb_epochs=told)

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """Meanwhile, what W&B makes ready to be sent is kept in the run folder."""
        folder = self.run.path / "wandb"
        kept = {"WANDB_DATA_DIR": str(folder), "WANDB_CACHE_DIR": str(folder / "cache")}
        before = {name: os.environ.get(name) for name in kept}
        os.environ |= kept
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value

    def finish(self, *, done: bool) -> None:
        """Give the summary of all epochs and let W&B go. done: whether the run came to its end.

        W&B makes a summary itself, but of what one process has logged.
        """
        with contextlib.suppress(UserError):  # of a damaged table
            self.experiment.summary.update(_summary(_epochs(self.run.path)))
        self.experiment.finish(exit_code=0 if done else 1)


def wandb_copy(
    settings: Mapping[str, Any], run: RunFolder, config: Mapping[str, Any]
) -> WandbCopy | None:
    """A W&B run: online if wanted and possible, else offline; never a question, never a hang.

    settings: those of `conf/logger`. It has the study as its group; a run that is resumed goes on
    in the same W&B run. None where W&B is not wanted, and in processes that do not write. Raises
    UserError for a mode that there is not.
    """
    if not (settings["wandb"] and run.writes):
        return None
    mode = _wandb_mode(settings["mode"])
    if mode == "disabled":
        return None
    first = "wandb_id" not in run.record
    # An agent of a W&B sweep says which run it waits for.
    identity = run.record.get("wandb_id") or os.environ.get("WANDB_RUN_ID") or uuid.uuid4().hex[:8]
    run.update(wandb_id=identity)
    folder = run.path / "wandb"
    folder.mkdir(parents=True, exist_ok=True)
    superseded, copied = _earlier(folder, run.record)
    try:
        experiment = _start(settings, run, config, mode, goes_on=mode == "online" or copied >= 0)
    except Exception as error:  # what keeps W&B from the network must not keep us from training
        if mode != "online":
            raise
        log.warning("W&B cannot be reached (%s): this run is logged offline", error)
        mode = "offline"
        experiment = _start(settings, run, config, mode, goes_on=copied >= 0)
    if first:
        log.info(_what_leaves(settings, mode))
    if mode == "online":  # W&B knows best what it has
        copied = int(experiment.summary.get("epoch", -1))
    _define_metrics(experiment)
    return WandbCopy(experiment, run, copied, superseded)


def _start(
    settings: Mapping[str, Any],
    run: RunFolder,
    config: Mapping[str, Any],
    mode: Any,
    *,
    goes_on: bool,
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
        resume="allow" if goes_on else None,
        reinit="create_new",
        mode=mode,
        settings=wandb.Settings(
            console="off",
            silent=True,
            disable_git=True,
            init_timeout=CONNECT_SECONDS,
            finish_timeout=FINISH_SECONDS,
            finish_timeout_raises=False,
            x_transaction_log_flush_interval=FLUSH_SECONDS,
        ),
    )


def _what_leaves(settings: Mapping[str, Any], mode: str) -> str:
    """Which parts of a run W&B is given, and which setting changes that."""
    wanted = {"pictures": settings["pictures"], "weights and split": settings["artifacts"]}
    sent = [
        "settings, scores, ids, notes on the machine",
        *(name for name, sends in wanted.items() if sends),
    ]
    kept = [name for name, sends in wanted.items() if not sends]
    where = "now" if mode == "online" else "once it is uploaded"
    stays = f"; {' and '.join(kept)} stay here (logger.pictures, logger.artifacts)" if kept else ""
    return f"W&B ({mode}) is given {', '.join(sent)} {where}{stays}"


def _define_metrics(experiment: Any) -> None:
    """Epochs are the axis; the summary has the best of every metric that has a direction."""
    experiment.define_metric("epoch", hidden=True)
    experiment.define_metric("*", step_metric="epoch")
    for metric in (*registry.computed(), "loss"):
        for name in (f"{part}/{metric}" for part in SETS):
            if best := _best_of(name):
                experiment.define_metric(name, step_metric="epoch", summary=best)


def _best_of(name: str) -> str | None:
    """What W&B calls the better end of a metric; None where nobody knows which that is."""
    higher = registry.find(name).higher_is_better
    return None if higher is None else "max" if higher else "min"


def _summary(epochs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """W&B's summary of epochs: best values as `_define_metrics` asks for, else the last ones."""
    found: dict[str, Any] = {}
    for name in {name for row in epochs for name in row}:
        values = [row[name] for row in epochs if name in row]
        best = _best_of(name)
        found[name] = {best: registry.best(name, values)} if best else values[-1]
    return found


def _epochs(run: Path) -> list[dict[str, float]]:
    """The rows of `metrics.csv`, less what is empty or no number."""
    file = run / "metrics.csv"
    if not file.is_file():
        return []
    table = read_table(file, ("epoch",)).apply(pd.to_numeric, errors="coerce")
    rows = [{str(k): float(v) for k, v in row.items()} for row in table.to_dict("records")]
    return [{k: v for k, v in row.items() if not math.isnan(v)} for row in rows]


def unsent(folder: Path) -> list[Path]:
    """The offline runs of a run's `wandb` folder that `wandb sync` has not sent."""
    found = folder.glob("offline-run-*")
    return sorted(path for path in found if not any(path.glob("*.wandb.synced")))


def _earlier(folder: Path, record: Mapping[str, Any]) -> tuple[list[Path], int]:
    """What earlier processes left: offline runs that were not sent, and the last epoch sent."""
    waiting = unsent(folder)
    gone = {path.name for path in waiting}
    told = record.get("wandb_epochs", {})
    sent = [epoch for name, epoch in told.items() if name not in gone and isinstance(epoch, int)]
    return waiting, max(sent, default=-1)


def _wandb_mode(wanted: str) -> str:
    """What the setting and W&B's own environment variable come to.

    Raises UserError for what is not one of MODES.
    """
    if wanted not in MODES:
        raise UserError(f"logger.mode={wanted}: {nearest(wanted, MODES)}")
    if wanted != "auto":
        return wanted
    said = os.environ.get("WANDB_MODE")
    if not said:
        return "online" if _logged_in() else "offline"
    mode = OLD_MODES.get(said, said)
    if mode not in MODES[1:]:
        raise UserError(f"WANDB_MODE={said}: {nearest(said, MODES[1:])}")
    return mode


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
