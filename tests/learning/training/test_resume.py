"""A run taken up again: after a kill, with more epochs, finished, from an earlier version."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from drawsim.common.errors import UserError
from drawsim.learning.miners.hardest import HardestNegatives
from drawsim.learning.training.callbacks.averaging import AveragedWeights
from drawsim.learning.training.experiment import Experiment
from drawsim.retrieval.embeddings import load_embeddings
from tests.learning.tiny import tiny_adaptation, tiny_experiment, tiny_matcher

EVERYTHING: dict[str, Any] = {
    **{"views": 6, "passes": 2, "augmented_val": True, "batch_size": 8},
    **{"first": 1, "share": 0.3},
}


class KilledError(Exception):
    """Stands for whatever ends a process."""


class Break(pl.Callback):
    """Kills a run amid its third epoch."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 8:
            raise KilledError


def falling(done: float, step: float, epochs: int) -> float:
    return 1 - done / epochs


def whole(
    folder: Path,
    *,
    resume: bool,
    max_epochs: int = 4,
    remine: Any = "every_epoch",
    workers: int = 0,
    everything: bool = False,
    schedule: Any = falling,
    callbacks: Sequence[pl.Callback] = (),
) -> Experiment:
    """A run from start to end.

    everything: with views, a memory of the gallery, adaptation, averaged weights, self-distillation
    and an augmented val loss.
    """
    experiment = tiny_experiment(
        folder,
        tiny_matcher(
            schedule=schedule,
            in_batch_negatives=everything,
            cross_batch_memory=everything,
            adaptation=tiny_adaptation() if everything else None,
            distill=0.5 if everything else 0.0,
        ),
        max_epochs=max_epochs,
        miner=HardestNegatives(
            negatives=3,
            remine=remine,
            near_duplicate_similarity=0.999999 if everything else None,
        ),
        callbacks=[*([AveragedWeights(0.5)] if everything else []), *callbacks],
        workers=workers,
        **(EVERYTHING if everything else {}),
    )
    baseline = experiment.baseline(resume=resume)
    experiment.fit(resume=resume)
    experiment.final(baseline)
    return experiment


def results(experiment: Experiment) -> dict[str, Any]:
    """What the end of a run writes down, but for the time that it took."""
    kept = ("baseline", "final", "diagnostics", "best_epoch", "epochs", "tie_rate")
    return {name: experiment.run.record[name] for name in kept}


def last(folder: Path) -> dict[str, Any]:
    """Everything that a run left to resume from."""
    return dict(torch.load(folder / "run/checkpoints/last.ckpt", weights_only=True))


def assert_same(one: Any, other: Any) -> None:
    """Equal to the last digit, through dictionaries and lists."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other


def assert_same_files(one: Path, other: Path) -> None:
    """The same embeddings, tables of epochs and triplets, and the same state to go on from."""
    for kind in ("drawings", "artworks"):
        vectors = [
            load_embeddings(folder / f"run/embeddings/final.{kind}.safetensors").vectors
            for folder in (one, other)
        ]
        assert torch.equal(*vectors)
    for name in ("metrics.csv", "ranks.csv"):
        assert (one / "run" / name).read_text() == (other / "run" / name).read_text()
    mined = [sorted((folder / "run/triplets").iterdir()) for folder in (one, other)]
    assert [p.name for p in mined[0]] == [p.name for p in mined[1]]
    assert [p.read_text() for p in mined[0]] == [p.read_text() for p in mined[1]]
    states = [last(one), last(other)]
    for state in states:  # loops count what was begun too, which a kill leaves higher
        del state["loops"]
    assert_same(*states)


@pytest.mark.parametrize(
    ("remine", "workers", "everything"),
    [
        ("every_epoch", 2, False),
        ("on_improvement", 0, False),
        ("on_improvement", 0, True),
    ],
)
def test_a_broken_run_resumes_to_the_result_of_an_unbroken_one(
    tmp_path: Path, remine: Any, workers: int, everything: bool
) -> None:
    settings: Any = {"remine": remine, "workers": workers, "everything": everything}
    unbroken = whole(tmp_path / "unbroken", resume=False, **settings)
    with pytest.raises(KilledError):
        whole(tmp_path / "broken", resume=False, callbacks=[Break()], **settings)
    resumed = whole(tmp_path / "broken", resume=True, **settings)
    assert results(resumed) == results(unbroken)
    assert_same_files(tmp_path / "unbroken", tmp_path / "broken")
    table = pd.read_csv(tmp_path / "broken/run/metrics.csv")
    if not everything:  # then epochs are of unequal batches
        means = [0.05 * (1 - (epoch + 1 / 3) / 4) for epoch in range(4)]  # over three steps each
        assert table["lr"][1:].tolist() == pytest.approx(means)


def test_what_a_resumed_run_needs_is_where_it_belongs(tmp_path: Path) -> None:
    experiment = whole(tmp_path, resume=False, max_epochs=1, everything=True)
    state = last(tmp_path)
    assert state["training"]["max_epochs"] == 1
    memory = experiment.module.cross_batch_memory
    assert memory is not None
    assert torch.equal(state["training"]["cross_batch_memory"], memory)
    data = state[type(experiment.data).__qualname__]
    assert data["epoch"] == 1
    assert_same(data["choice"], experiment.data.choice._asdict())
    (mining,) = (own for name, own in state["callbacks"].items() if "Mining" in name)
    assert mining.keys() == {"best_loss", "last_recall"}
    # The selected weights are for others to read: no gallery in them.
    best = torch.load(tmp_path / "run/checkpoints/best.ckpt", weights_only=True)
    assert not {"training", "callbacks", "optimizer_states"} & best.keys()


def test_more_epochs_train_a_finished_run_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def constant(done: float, step: float, epochs: int) -> float:
        return 1.0

    settings: Any = {"everything": True, "schedule": constant}
    long = whole(tmp_path / "long", resume=False, max_epochs=4, **settings)
    whole(tmp_path / "short", resume=False, max_epochs=2, **settings)
    with caplog.at_level(logging.INFO, "drawsim"):
        longer = whole(tmp_path / "short", resume=True, max_epochs=4, **settings)
    said = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("drawsim") and record.levelno >= logging.INFO
    ]
    assert [line for line in said if "in the store" not in line] == [
        "trained on: 4 epochs instead of 2; the learning rate goes on as the schedule of 4 epochs "
        "has it after epoch 2"
    ]
    assert results(longer) == results(long)
    assert longer.run.record["epochs"] == 4
    assert_same_files(tmp_path / "long", tmp_path / "short")


def test_more_epochs_are_on_the_longer_schedule(tmp_path: Path) -> None:
    whole(tmp_path, resume=False, max_epochs=2)
    whole(tmp_path, resume=True, max_epochs=4)
    table = pd.read_csv(tmp_path / "run/metrics.csv").set_index("epoch")
    assert table.index.tolist() == [0, 1, 2, 3, 4]
    rates = [*((epoch + 1 / 3) / 2 for epoch in (0, 1)), *((epoch + 1 / 3) / 4 for epoch in (2, 3))]
    assert table["lr"][1:].tolist() == pytest.approx([0.05 * (1 - rate) for rate in rates])


def test_a_finished_run_has_nothing_left_to_train(tmp_path: Path) -> None:
    first = whole(tmp_path, resume=False, max_epochs=2)
    files = {path: path.read_bytes() for path in (tmp_path / "run/checkpoints").iterdir()}
    table = (tmp_path / "run/metrics.csv").read_bytes()
    again = whole(tmp_path, resume=True, max_epochs=2)
    assert results(again) == results(first)
    assert {path: path.read_bytes() for path in (tmp_path / "run/checkpoints").iterdir()} == files
    assert (tmp_path / "run/metrics.csv").read_bytes() == table


def test_a_checkpoint_of_an_earlier_version_is_refused_in_a_line(tmp_path: Path) -> None:
    whole(tmp_path, resume=False, max_epochs=1)
    file = tmp_path / "run/checkpoints/last.ckpt"
    content = torch.load(file, weights_only=True)
    del content["training"]
    torch.save(content, file)
    with pytest.raises(UserError, match="earlier version of drawsim and cannot be trained on: "):
        whole(tmp_path, resume=True, max_epochs=2)


FORGED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "code": lambda content: Harmful(),
    "text": lambda content: "state",
    "empty": lambda content: {},
    "no network": lambda content: {k: v for k, v in content.items() if k != "state_dict"},
    "other network": lambda content: {**content, "state_dict": {"x": torch.zeros(2)}},
    "no optimizer": lambda content: {**content, "optimizer_states": [{"state": 3}]},
    "no data": lambda content: {**content, "TripletData": {"epoch": "x"}},
}


class Harmful:
    """What a pickle can do: touch a file, say."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("ran"),))


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    whole(folder, resume=False, max_epochs=1)
    return folder


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_state_is_a_line_and_nothing_runs(
    how: str, one_epoch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(one_epoch / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "run/checkpoints/last.ckpt"
    torch.save(FORGED[how](torch.load(file, weights_only=True)), file)
    with pytest.raises(UserError, match=r"last\.ckpt: |earlier version of drawsim") as caught:
        whole(tmp_path, resume=True, max_epochs=2)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_forged_embeddings_are_a_line(one_epoch: Path, tmp_path: Path) -> None:
    shutil.copytree(one_epoch / "run", tmp_path / "run")
    ids = tmp_path / "run/embeddings/baseline.artworks.ids.csv"
    ids.write_text(ids.read_text().replace("a0", "other"))
    with pytest.raises(UserError, match="damaged, or not of this run; begin it anew"):
        whole(tmp_path, resume=True, max_epochs=2)
