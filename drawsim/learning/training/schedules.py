"""Learning-rate schedules: functions of progress alone, so that a resumed run is on the same path.

Each is called with the epochs done so far (2.5: half-way through the third) and their number in
all, and returns a factor.
"""

from __future__ import annotations

import math


class Constant:
    """The learning rate as it is."""

    def __call__(self, epoch: float, epochs: int) -> float:
        return 1.0


class Step:
    """Multiplied by `gamma` after every `every` epochs (the thesis: 10 epochs, 0.1)."""

    def __init__(self, every: int, gamma: float) -> None:
        self.every = every
        self.gamma = gamma

    def __call__(self, epoch: float, epochs: int) -> float:
        return float(self.gamma ** (epoch // self.every))


class Cosine:
    """From 1 towards `floor` along half a cosine (Loshchilov and Hutter, "SGDR", 2017, eq. 5).

    During the first `warmup` epochs it is held below a straight line from 0 to 1: Adam's first
    steps are of full size whatever the gradient, and would undo what the network knows.
    """

    def __init__(self, floor: float, warmup: float = 0.0) -> None:
        self.floor = floor
        self.warmup = warmup

    def __call__(self, epoch: float, epochs: int) -> float:
        falling = self.floor + (1 - self.floor) * (1 + math.cos(math.pi * epoch / epochs)) / 2
        return falling if epoch >= self.warmup else min(falling, epoch / self.warmup)
