"""Learning-rate schedules: functions of the epoch alone, so that a resumed run is on the same path.

Each is called with the epoch (0-based) and the number of epochs, and returns a factor.
"""

from __future__ import annotations

import math


class Constant:
    """The learning rate as it is."""

    def __call__(self, epoch: int, epochs: int) -> float:
        return 1.0


class Step:
    """Multiplied by `gamma` after every `every` epochs (the thesis: 10 epochs, 0.1)."""

    def __init__(self, every: int, gamma: float) -> None:
        self.every = every
        self.gamma = gamma

    def __call__(self, epoch: int, epochs: int) -> float:
        return float(self.gamma ** (epoch // self.every))


class Cosine:
    """From 1 towards `floor` along half a cosine (Loshchilov and Hutter, "SGDR", 2017, eq. 5)."""

    def __init__(self, floor: float) -> None:
        self.floor = floor

    def __call__(self, epoch: int, epochs: int) -> float:
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * epoch / epochs)) / 2
