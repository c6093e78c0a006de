"""The bar says how long the whole run takes yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pytorch_lightning.callbacks import RichProgressBar

from drawsim.learning.training.callbacks import progress
from drawsim.learning.training.callbacks.progress import Progress, Rate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands until it is moved; hooks of Lightning's own bar do nothing."""
    moved = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: moved.now))
    for hook in ("test_start", "test_end", "train_epoch_start", "train_epoch_end"):
        monkeypatch.setattr(RichProgressBar, f"on_{hook}", lambda *_: None)
    return moved


def test_the_time_left_is_that_of_epochs_and_the_last_pass(clock: SimpleNamespace) -> None:
    bar, none = Progress(), SimpleNamespace()
    trainer: Any = SimpleNamespace(max_epochs=4, current_epoch=0)
    bar._trainer = trainer
    assert bar.test_description == "Embedding, before training"
    bar.on_test_start(trainer, none)  # type: ignore[arg-type]
    clock.now += 7
    bar.on_test_end(trainer, none)  # type: ignore[arg-type]
    bar.on_train_epoch_start(trainer, none)  # type: ignore[arg-type]
    assert bar._get_train_description(0) == "Epoch 1/4"
    clock.now += 60
    bar.on_train_epoch_end(trainer, none)  # type: ignore[arg-type]
    assert bar._get_train_description(1) == "Epoch 2/4, run 0:03:07 left"
    trainer.current_epoch = 2
    clock.now += 60
    bar.on_train_epoch_end(trainer, none)  # type: ignore[arg-type]
    assert bar.validation_description == "Embedding, epoch 3/4, run 0:02:07 left"
    assert bar.test_description == "Embedding, at the end"


def test_without_an_end_nothing_is_promised(clock: SimpleNamespace) -> None:
    bar = Progress()
    trainer: Any = SimpleNamespace(max_epochs=-1, current_epoch=0)
    bar._trainer = trainer
    bar.on_train_epoch_start(trainer, trainer)
    bar.on_train_epoch_end(trainer, trainer)
    assert bar.left(1) is None


@pytest.mark.parametrize(
    ("done", "speed", "words"),
    [(0, None, ""), (1, None, ""), (1, 2.5, "2.50 batches/s"), (4, 2.5, "")],
)
def test_a_rate_is_said_while_there_is_one(done: int, speed: float | None, words: str) -> None:
    task: Any = SimpleNamespace(speed=speed, finished=done == 4)
    assert Rate().render(task).plain == words


def test_the_bar_ends_with_the_rate() -> None:
    trainer: Any = None
    assert isinstance(Progress().configure_columns(trainer)[-1], Rate)
