"""Learning-rate schedules: functions of progress alone: a resumed run is on the same path."""

from __future__ import annotations

import math
from typing import Protocol

from drawsim.common.typed import check_bounds


class Schedule(Protocol):
    """What a schedule is: the factor by which a training step multiplies the learning rate."""

    def __call__(self, done: float, step: float, epochs: int) -> float:
        """Epochs done before the step (2.5: half-way through the third), its share of one, all."""


class Constant:
    """The learning rate as it is."""

    def __call__(self, done: float, step: float, epochs: int) -> float:
        return 1.0


class Step:
    """Multiplied by `gamma` after every `every` epochs (the thesis: 10 epochs, 0.1)."""

    def __init__(self, every: int, gamma: float) -> None:
        check_bounds("optim.schedule.every", every, 1)
        check_bounds("optim.schedule.gamma", gamma, 0, 1)
        self.every = every
        self.gamma = gamma

    def __call__(self, done: float, step: float, epochs: int) -> float:
        return float(self.gamma ** (done // self.every))


class Cosine:
    """From 1 towards `floor` along half a cosine (Loshchilov and Hutter, "SGDR", 2017, eq. 5).

    During the first `warmup` epochs it is held below a straight line: step i of their n steps, from
    0, has at most (i + 1) / n. That is min(1, t / n) for step t from 1 (Ma and Yarats, "On the
    adequacy of untuned warmup for Adam", 2021). Adam's first steps are of full size whatever the
    gradient, and would undo what the network knows.
    """

    def __init__(self, floor: float, warmup: float = 0.0) -> None:
        check_bounds("optim.schedule.floor", floor, 0, 1)
        check_bounds("optim.schedule.warmup", warmup, 0)
        self.floor = floor
        self.warmup = warmup

    def __call__(self, done: float, step: float, epochs: int) -> float:
        falling = self.floor + (1 - self.floor) * (1 + math.cos(math.pi * done / epochs)) / 2
        return falling if done >= self.warmup else min(falling, (done + step) / self.warmup)
