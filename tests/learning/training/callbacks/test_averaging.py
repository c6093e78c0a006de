"""Averaged weights: the average by hand, in checkpoints and in what is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.training.callbacks.averaging import AveragedWeights
from tests.learning.tiny import tiny_adaptation, tiny_experiment, tiny_matcher

DECAY = 0.5


class Steps(pl.Callback):
    """The weights of training after each step, the untrained ones first."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Tensor]] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.seen:
            self.seen.append(state(pl_module))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any, **__: Any
    ) -> None:
        self.seen.append(state(pl_module))


def state(module: pl.LightningModule) -> dict[str, Tensor]:
    """Parameters, and the statistics of batch norm."""
    return {
        name: tensor.clone()
        for name, tensor in module.state_dict().items()
        if name.startswith(("backbone.network", "adaptation.head")) and tensor.is_floating_point()
    }


@pytest.mark.parametrize("frozen", [False, True])
def test_the_last_checkpoint_holds_the_average_and_training_goes_on_without_it(
    tmp_path: Path, frozen: bool
) -> None:
    matcher = tiny_matcher(
        lr=0.3, freeze_norm=False, adaptation=tiny_adaptation(learn="axes"), in_batch_negatives=True
    )
    if frozen:
        matcher.backbone.freeze()
    steps, averaged = Steps(), AveragedWeights(DECAY)
    experiment = tiny_experiment(
        tmp_path, matcher, max_epochs=2, keep="last", callbacks=[averaged, steps]
    )
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)

    average = steps.seen[0]
    for step, weights in enumerate(steps.seen[1:], start=1):
        share = 1 - min(DECAY, (1 + step) / (10 + step))
        average = {k: average[k] + share * (weights[k] - average[k]) for k in average}
    assert len(steps.seen) == 1 + 2 * 3
    moved = [k for k in average if not torch.equal(average[k], steps.seen[0][k])]
    assert any(k.startswith("backbone") for k in moved) != frozen
    assert "adaptation.head.weights" in moved

    best = torch.load(experiment.checkpoints.best, weights_only=True)["state_dict"]
    last = torch.load(experiment.checkpoints.last, weights_only=True)
    for name, wanted in average.items():
        torch.testing.assert_close(best[name], wanted)
        assert torch.equal(best[name], last["state_dict"][name])
        assert torch.equal(best[name], experiment.module.state_dict()[name])
    (kept,) = (own for name, own in last["callbacks"].items() if "AveragedWeights" in name)
    for name, tensor in kept["training"].items():
        assert torch.equal(tensor, steps.seen[-1][name])

    live = experiment.evaluation.live["val"]["mrr"]  # of the last validation pass
    assert experiment.run.record["final"]["val"]["mrr"] == pytest.approx(live, abs=1e-6)


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5])
def test_an_average_that_is_none(decay: float) -> None:
    with pytest.raises(UserError, match=r"optim\.average=.*: must be above 0 and below 1, or null"):
        AveragedWeights(decay)
