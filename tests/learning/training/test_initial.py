"""A run that begins with what another has learnt: stages, records, resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.training.callbacks.mining import Mining
from drawsim.learning.training.experiment import Experiment
from drawsim.models.initial import Initial
from drawsim.models.loading import load_checkpoint
from drawsim.models.model import Model
from drawsim.models.weights import weights_hash
from tests.learning.tiny import (
    tiny_adaptation,
    tiny_backbone,
    tiny_experiment,
    tiny_matcher,
    tiny_model,
)


class KilledError(Exception):
    """Stands for whatever ends a process."""


class Break(pl.Callback):
    """Kills a run amid its second epoch."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.current_epoch == 1:
            raise KilledError


def other_model() -> Model:
    """A model of other weights, whose adaptation has learnt something."""
    torch.manual_seed(7)
    adaptation = tiny_adaptation(axes="own", keep=None, learn="axes")
    with torch.no_grad():
        for parameter in adaptation.parameters():
            parameter.normal_()
    return tiny_model(tiny_backbone(), adaptation=adaptation)


def whole(
    folder: Path,
    initial: Initial | None,
    *,
    epochs: int = 2,
    resume: bool = False,
    adapted: bool = True,
    **data: Any,
) -> Experiment:
    """A run from start to end."""
    adaptation = tiny_adaptation(axes="own", keep=None, learn="axes") if adapted else None
    matcher = tiny_matcher(adaptation=adaptation)
    matcher.initial = initial
    experiment = tiny_experiment(folder, matcher, max_epochs=epochs, keep="last", **data)
    baseline = experiment.baseline(resume=resume)
    experiment.fit(resume=resume)
    experiment.final(baseline)
    return experiment


def test_each_stage_is_that_of_the_run_which_ends_there(tmp_path: Path) -> None:
    other = other_model()
    without = whole(tmp_path / "without", None, epochs=0)
    begun = whole(tmp_path / "begun", Initial("RUN", other), epochs=0)
    stages = begun.run.record["stages"]
    assert list(stages) == ["untrained", "adapted", "transferred"]
    assert stages["untrained"] == without.run.record["stages"]["untrained"]
    assert stages["adapted"] == without.run.record["baseline"]
    assert stages["transferred"] == begun.run.record["baseline"] == begun.run.record["final"]
    assert stages["transferred"] != stages["adapted"]
    network = begun.module.backbone.network
    assert weights_hash(network) == weights_hash(other.backbone.network)
    ranks = pd.read_csv(begun.run.path / "ranks.csv")
    assert set(ranks["model"]) == {"baseline", "final", "untrained", "adapted"}


def test_strength_zero_is_the_run_without(tmp_path: Path) -> None:
    without = whole(tmp_path / "without", None, epochs=1)
    begun = whole(tmp_path / "begun", Initial("RUN", other_model(), strength=0.0), epochs=1)
    assert begun.run.record["final"] == without.run.record["final"]
    assert begun.run.record["stages"]["transferred"] == without.run.record["baseline"]


def test_a_broken_run_goes_on_to_the_same_end(tmp_path: Path) -> None:
    initial = Initial("RUN", other_model(), strength=0.5)
    unbroken = whole(tmp_path / "unbroken", initial, epochs=2)
    with pytest.raises(KilledError):
        whole(tmp_path / "broken", initial, epochs=2, callbacks=[Break()])
    again = whole(tmp_path / "broken", initial, epochs=2, resume=True)
    for name in ("stages", "baseline", "final"):
        assert again.run.record[name] == unbroken.run.record[name], name
    tables = [(folder / "run/ranks.csv").read_text() for folder in tmp_path.iterdir()]
    assert tables[0] == tables[1]


def test_a_broken_run_without_adaptation_mines_in_the_same_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initial = Initial("RUN", other_model(), adaptation=False)
    galleries: list[Tensor] = []
    start = Mining.start

    def noted(mining: Mining, gallery: Tensor) -> None:
        galleries.append(gallery.clone())
        start(mining, gallery)

    monkeypatch.setattr(Mining, "start", noted)
    with pytest.raises(KilledError):
        whole(tmp_path, initial, adapted=False, callbacks=[Break()])
    whole(tmp_path, initial, adapted=False, resume=True)
    assert torch.equal(*galleries)


def test_a_model_of_no_numbers_is_no_beginning(tmp_path: Path) -> None:
    run = whole(tmp_path, None, epochs=1)
    checkpoint = run.checkpoints.best
    content = torch.load(checkpoint, weights_only=True)
    for own in content["state_dict"].values():
        if own.is_floating_point():
            own.fill_(torch.nan)
    torch.save(content, checkpoint)
    with pytest.raises(UserError, match="nan or infinity"):
        load_checkpoint(run.module, checkpoint)


def test_checkpoints_say_what_the_model_began_with(tmp_path: Path) -> None:
    initial = Initial("runs/a/b", other_model())
    whole(tmp_path, initial, epochs=1)
    for name in ("best", "last"):
        kept = torch.load(tmp_path / f"run/checkpoints/{name}.ckpt", weights_only=True)
        assert kept["init"] == initial.record()
