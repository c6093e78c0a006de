"""Learning rates over epochs, against numbers in closed form and torch's own schedules."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, StepLR

from drawsim.learning.training.schedules import Constant, Cosine, Step

EPOCHS = 25


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def rates(scheduler: LRScheduler) -> list[float]:
    found = []
    for _ in range(EPOCHS):
        found.append(float(scheduler.get_last_lr()[0]))
        scheduler.optimizer.step()
        scheduler.step()
    return found


def test_constant_is_one() -> None:
    assert {Constant()(epoch, 1, EPOCHS) for epoch in range(EPOCHS)} == {1.0}


@pytest.mark.parametrize(("every", "gamma"), [(10, 0.1), (1, 0.5), (7, 0.3)])
def test_step_is_torchs(every: int, gamma: float) -> None:
    ours = [Step(every, gamma)(epoch, 1, EPOCHS) for epoch in range(EPOCHS)]
    assert ours == pytest.approx(rates(StepLR(optimizer(), every, gamma)), rel=1e-12)


def test_step_of_the_thesis() -> None:
    schedule = Step(10, 0.1)
    factors = [schedule(epoch, 1, 30) for epoch in (0, 9, 10, 19, 20)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01])


@pytest.mark.parametrize("floor", [0.0, 0.05, 1.0])
def test_cosine_is_torchs(floor: float) -> None:
    ours = [Cosine(floor)(epoch, 1, EPOCHS) for epoch in range(EPOCHS)]
    theirs = rates(CosineAnnealingLR(optimizer(), EPOCHS, eta_min=floor))
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_cosine_by_hand() -> None:
    schedule = Cosine(0.2)
    assert schedule(0, 1, 8) == 1
    assert schedule(4, 1, 8) == pytest.approx(0.6)
    assert schedule(2, 1, 8) == pytest.approx(0.2 + 0.4 * (1 + math.sqrt(0.5)))
    assert schedule(8, 1, 8) == pytest.approx(0.2)
    assert schedule(0, 1, 1) == 1


@pytest.mark.parametrize(("warmup", "steps"), [(1, 7), (2, 4), (0.5, 8), (3, 1)])
def test_warm_up_rises_by_the_step_and_then_stays_out_of_the_way(warmup: float, steps: int) -> None:
    warm, plain = Cosine(0.1, warmup), Cosine(0.1)
    rising = round(warmup * steps)
    for i in range(10 * steps):
        line = min(1.0, (i + 1) / rising)
        free = plain(i / steps, 1 / steps, 10)
        expected = min(line, free) if i < rising else free
        assert warm(i / steps, 1 / steps, 10) == pytest.approx(expected, rel=1e-12)


def test_the_first_step_of_a_warm_up_has_a_rate() -> None:
    assert Cosine(0.1, warmup=1)(0, 0.01, 10) == pytest.approx(0.01)
    assert Cosine(0.1, warmup=1)(0, 1, 1) == 1  # an epoch of one step is no warm-up
