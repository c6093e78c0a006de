"""Runs whose training ends in NaN, and runs whose cache cannot be used: both come to an end."""

from __future__ import annotations

import errno
import logging
import math
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from drawsim.common.errors import UserError
from drawsim.learning.training.experiment import Experiment
from drawsim.models.embedding.store import Store
from tests.learning.tiny import tiny_experiment, tiny_matcher


class Diverge(pl.Callback):
    """Loses all weights in the epoch of this number, counted from 0."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_end(
        self, trainer: pl.Trainer, model: pl.LightningModule, *_: object
    ) -> None:
        if trainer.current_epoch == self.epoch:
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.fill_(torch.nan)


def whole(experiment: Experiment) -> Experiment:
    """A run from start to end."""
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)
    return experiment


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_run_that_diverges_ends_with_the_last_good_weights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, epoch: int
) -> None:
    experiment = tiny_experiment(
        tmp_path, tiny_matcher(), max_epochs=3, keep="last", callbacks=[Diverge(epoch)]
    )
    with caplog.at_level(logging.WARNING):
        whole(experiment)
    assert f"epoch {epoch + 1}: the network gives nan" in caplog.text
    assert "optim.optimizer.lr" in experiment.run.record["message"]
    assert experiment.checkpoints.best_epoch == epoch
    assert all(parameter.isfinite().all() for parameter in experiment.module.parameters())
    for stage in ("baseline", "final"):
        figures = experiment.run.record[stage]["test"]
        assert 0 < figures["mrr"] <= 1, stage
    assert (experiment.run.record["final"] == experiment.run.record["baseline"]) == (epoch == 0)


def test_a_network_that_gives_no_numbers_is_a_line(tmp_path: Path) -> None:
    matcher = tiny_matcher()
    with torch.no_grad():
        next(matcher.backbone.parameters()).fill_(math.nan)
    with pytest.raises(UserError, match="gives nan or infinity for"):
        tiny_experiment(tmp_path, matcher).baseline(resume=False)


@pytest.mark.parametrize("refused", ["__init__", "flush"])
def test_a_cache_that_cannot_be_used_stops_no_run(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    refused: str,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "cache")

    monkeypatch.setattr(Store, refused, full)
    with caplog.at_level(logging.WARNING):
        experiment = whole(tiny_experiment(tmp_path, tiny_matcher(), max_epochs=1))
    assert "No space left on device: 'cache'); this run goes on" in caplog.text
    assert 0 < experiment.run.record["final"]["test"]["mrr"] <= 1
