"""Training steps of the tiny network, taken outside of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from drawsim.learning.losses.base import Loss, Reduction
from drawsim.learning.training.samples import Triplets
from tests.learning.tiny import as_process, some_choice, some_negatives, tiny_data, tiny_matcher

PAIRS, NEGATIVES = 9, 3


def epoch(
    folder: Path, batch_size: int, grouped: bool, rank: int = 0, world: int = 1, **changes: Any
) -> Any:
    """The training batches of one process, augmented."""
    data = tiny_data(folder, batch_size=batch_size, grouped=grouped, **changes)
    as_process(data, rank, world)
    data.choice = some_choice(some_negatives(NEGATIVES))
    return list(data.train_dataloader())


def step(batch: Triplets, matcher: Any, world: int = 1) -> Any:
    """The training step of one of `world` processes: its loss, float64, with a way back."""
    matcher.train().double()
    matcher.__dict__["_trainer"] = SimpleNamespace(world_size=world)
    matcher.log_dict = lambda *_, **__: None
    return matcher.training_step(batch, 0)


def gradients(module: nn.Module) -> Tensor:
    """What has come back to the parameters, flat."""
    return torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])


def gradient(
    batch: Triplets,
    reduction: Reduction,
    world: int = 1,
    margin: float = 0.5,
    in_batch_negatives: bool = False,
    loss: Loss | None = None,
) -> Tensor:
    """Gradient of the training step of one of `world` processes, flat, float64."""
    matcher = tiny_matcher(reduction, margin, in_batch_negatives=in_batch_negatives, loss=loss)
    step(batch, matcher, world).backward()
    return gradients(matcher)


def joined(shares: Sequence[Triplets]) -> Triplets:
    """The shares of several processes as the one batch of a single process."""
    whole = Triplets(*(torch.cat(parts) for parts in zip(*shares, strict=True)))
    return whole._replace(weight=torch.full_like(whole.weight, 1 / len(whole.weight)))


def assert_near(one: Tensor, other: Tensor) -> None:
    assert float(other.norm()) > 1e-4
    assert float((one - other).norm() / other.norm()) < 1e-6
