"""Checkpoints: the best by validation, the last to resume from, the old one if a write fails."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.training.callbacks.checkpoints import BestAndLast, Kept, settled
from drawsim.learning.training.callbacks.early_stopping import EarlyStopping
from tests.learning.tiny import (
    tiny_experiment,
    tiny_matcher,
)


class Scripted:
    """A trainer whose validation scores are known beforehand; its weights are its epoch."""

    is_global_zero = True

    def __init__(self) -> None:
        self.current_epoch = 0
        self.callback_metrics: dict[str, Tensor] = {}

    def save_checkpoint(self, path: Path, weights_only: bool) -> None:
        content = {"after": self.callback_metrics, "weights_only": weights_only}
        path.write_text(json.dumps({k: str(v) for k, v in content.items()}), encoding="utf-8")


def run(
    folder: Path,
    untrained: float,
    scores: list[float],
    keep: Kept = "best",
    improved: Sequence[bool] = (),
    monitor: str = "val/mrr",
) -> BestAndLast:
    trainer = Scripted()
    checkpoints = BestAndLast(folder, monitor, keep, lambda: improved[trainer.current_epoch])
    as_lightning: Any = trainer
    checkpoints.start(as_lightning, untrained)
    for epoch, score in enumerate(scores):
        trainer.current_epoch = epoch
        trainer.callback_metrics = {monitor: torch.tensor(score)}
        checkpoints.on_train_epoch_end(as_lightning, SimpleNamespace())  # type: ignore[arg-type]
    return checkpoints


@pytest.mark.parametrize(
    ("untrained", "scores", "best"),
    [
        (0.3, [0.2, 0.4, 0.1], 2),
        (0.3, [0.4, 0.4, 0.4], 1),  # the earliest of equals
        (0.5, [0.2, 0.4, 0.5], 0),  # the untrained model is a candidate like the others
        (0.0, [0.1, 0.2, 0.3], 3),
    ],
)
def test_the_best_epoch_is_kept(
    tmp_path: Path, untrained: float, scores: list[float], best: int
) -> None:
    checkpoints = run(tmp_path, untrained, scores)
    assert checkpoints.best_epoch == best
    assert checkpoints.best_score == pytest.approx(max([untrained, *scores]))
    kept = json.loads(checkpoints.best.read_text())
    after = {} if best == 0 else {"val/mrr": torch.tensor(scores[best - 1])}
    assert kept == {"after": str(after), "weights_only": "True"}
    last = json.loads(checkpoints.last.read_text())
    assert last == {"after": str({"val/mrr": torch.tensor(scores[-1])}), "weights_only": "False"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "last.ckpt"]


@pytest.mark.parametrize("monitor", ["val/median_rank", "val/normalised_rank", "val/loss"])
def test_the_lowest_is_best_of_what_is_better_low(tmp_path: Path, monitor: str) -> None:
    checkpoints = run(tmp_path, 5, [6, 3, 3, 4], monitor=monitor)
    assert (checkpoints.best_epoch, checkpoints.best_score) == (2, 3)


@pytest.mark.parametrize("monitor", ["test/mrr", "val/mr", "val/tie_rate", "mrr"])
def test_an_unknown_monitor_is_refused_with_the_nearest(tmp_path: Path, monitor: str) -> None:
    # The test set is not looked at, and nobody knows which tie rate is better.
    with pytest.raises(UserError, match=rf"monitor={monitor}: did you mean .*val/"):
        BestAndLast(tmp_path, monitor, "best", lambda: False)


@pytest.mark.parametrize(("monitor", "mode"), [("val/mrr", "max"), ("val/loss", "min")])
def test_early_stopping_knows_which_way_is_better(monitor: str, mode: str) -> None:
    assert EarlyStopping(monitor, patience=3).mode == mode


@pytest.mark.parametrize(
    ("keep", "improved", "kept"),
    [
        ("last", [False] * 4, 4),
        ("on_improvement", [True, False, True, False], 3),
        ("on_improvement", [True, False, False, False], 1),
        ("on_improvement", [False] * 4, 0),
        ("best", [True] * 4, 2),
    ],
)
def test_what_is_kept_instead_of_the_best(
    tmp_path: Path, keep: Kept, improved: list[bool], kept: int
) -> None:
    scores = [0.2, 0.9, 0.4, 0.1]
    checkpoints = run(tmp_path, 0.5, scores, keep, improved)
    assert checkpoints.best_epoch == kept
    assert checkpoints.best_score == pytest.approx([0.5, *scores][kept])
    after = {"val/mrr": torch.tensor(scores[kept - 1])} if kept else {}
    assert json.loads(checkpoints.best.read_text())["after"] == str(after)
    last = {"val/mrr": torch.tensor(0.1)}
    assert json.loads(checkpoints.last.read_text())["after"] == str(last)


def test_a_misspelt_policy_is_refused() -> None:
    wrong: Any = "on_improvment"
    with pytest.raises(UserError, match="keep=on_improvment: did you mean on_improvement"):
        settled(wrong, 100)


def test_few_validation_drawings_choose_no_epoch(tmp_path: Path) -> None:
    assert settled("auto", 30) == ("best", "")
    assert settled("best", 1) == ("best", "")
    kept, why = settled("auto", 29)
    assert kept == "last"
    assert why.startswith("29 validation drawings, fewer than 30, cannot tell")
    experiment = tiny_experiment(tmp_path, tiny_matcher(), keep="auto")
    assert experiment.checkpoints.keep == experiment.run.record["keep"] == "last"
    assert experiment.run.record["kept_because"].startswith("2 validation drawings")


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("[enforce fail at inline_container.cc:603] . PytorchStreamWriter failed "
                     "writing file data/12: file write failed"),
    ],
)  # fmt: skip
def test_a_full_disk_leaves_the_old_checkpoint_whole(tmp_path: Path, failure: Exception) -> None:
    experiment = tiny_experiment(tmp_path, tiny_matcher())
    checkpoints, trainer = experiment.checkpoints, experiment.trainer
    settings = {"study": "tiny", "name": "run", "monitor": "val/mrr"}
    experiment.baseline(resume=False)
    experiment.run.begun()
    before = checkpoints.best.read_bytes()

    def failing(path: Path, weights_only: bool) -> None:
        path.write_bytes(before[:1000])
        raise failure

    trainer.save_checkpoint = failing  # type: ignore[method-assign, assignment]
    with (
        pytest.raises(
            UserError, match=r"run: (the disk is full|your share of the disk).*resume=true"
        ),
        experiment.run.recording(settings, "new"),
    ):
        experiment.fit(resume=False)
    assert checkpoints.best.read_bytes() == before
    assert torch.load(checkpoints.best, weights_only=True)["backbone"]["name"] == "tiny"
    assert [path.name for path in checkpoints.folder.iterdir()] == ["best.ckpt"]
    assert experiment.run.record["status"] == "failed"


def test_a_failed_write_is_not_hidden(tmp_path: Path) -> None:
    def failing(path: Path, weights_only: bool) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.EACCES, "denied")

    trainer: Any = SimpleNamespace(is_global_zero=True, save_checkpoint=failing)
    with pytest.raises(OSError, match="denied"):
        BestAndLast(tmp_path, "val/mrr", "best", lambda: False).start(trainer, 1.0)
    assert not list(tmp_path.iterdir())


def state(experiment_path: Path, name: str) -> dict[str, Tensor]:
    content = torch.load(experiment_path / "run/checkpoints" / name, weights_only=True)
    return dict(content["state_dict"])


def test_a_run_ends_with_its_best_epoch(tmp_path: Path) -> None:
    experiment = tiny_experiment(tmp_path, tiny_matcher(lr=0.3), max_epochs=4)
    by_epoch: list[dict[str, Tensor]] = []

    class Remember(pl.Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            by_epoch.append({k: v.clone() for k, v in pl_module.state_dict().items()})

    untrained = {k: v.clone() for k, v in experiment.module.state_dict().items()}
    experiment.trainer.callbacks.insert(0, Remember())  # type: ignore[attr-defined]
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)

    table = pd.read_csv(tmp_path / "run/metrics.csv")
    assert table["epoch"].tolist() == [0, 1, 2, 3, 4]
    best = int(table["val/mrr"].to_numpy().argmax())
    record = experiment.run.record
    assert record["best_epoch"] == best
    assert record["epochs"] == 4
    assert record["final"]["val"]["mrr"] == pytest.approx(table["val/mrr"].max(), abs=1e-6)
    for name, wanted in (("best.ckpt", best), ("last.ckpt", 4)):
        expected = [untrained, *by_epoch][wanted]
        kept = state(tmp_path, name)
        assert all(torch.equal(kept[key], expected[key]) for key in expected)


def test_a_run_ends_with_the_last_epoch_that_improved(tmp_path: Path) -> None:
    matcher = tiny_matcher(lr=0.3)
    experiment = tiny_experiment(tmp_path, matcher, max_epochs=5, keep="on_improvement")
    improved: list[bool] = []

    class Remember(pl.Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            improved.append(experiment.mining.improved)

    experiment.trainer.callbacks.insert(0, Remember())  # type: ignore[attr-defined]
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)
    best = max(epoch for epoch, better in enumerate(improved, start=1) if better)
    assert 0 < best < 5  # it is not simply the last
    assert experiment.run.record["best_epoch"] == best
    table = pd.read_csv(tmp_path / "run/metrics.csv").set_index("epoch")
    final = experiment.run.record["final"]["val"]["mrr"]
    assert final == pytest.approx(table.at[best, "val/mrr"], abs=1e-6)


def test_a_model_that_does_not_learn_stays_untrained(tmp_path: Path) -> None:
    experiment = tiny_experiment(tmp_path, tiny_matcher(lr=0.0), max_epochs=1)
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)
    assert experiment.run.record["best_epoch"] == 0
    assert experiment.run.record["baseline"] == experiment.run.record["final"]


def test_a_run_goes_on_from_a_file_alone(tmp_path: Path) -> None:
    checkpoints = run(tmp_path, 0.1, [])
    assert checkpoints.to_go_on_from() is None
    os.mkfifo(checkpoints.last)
    with pytest.raises(UserError, match=r"last\.ckpt: is a pipe, not a file"):
        checkpoints.to_go_on_from()
    checkpoints.last.unlink()
    checkpoints.last.write_bytes(b"state")
    assert checkpoints.to_go_on_from() == checkpoints.last
