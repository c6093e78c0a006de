"""Gradients: alike for a pair at once and in single triplets, for one process and several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from drawsim.learning.data import Triplets
from drawsim.learning.losses import Reduction
from drawsim.learning.module import Matcher
from tests.learning.tiny import as_process, some_negatives, tiny_data, tiny_experiment, tiny_matcher

PAIRS, NEGATIVES = 9, 3


def epoch(folder: Path, batch_size: int, grouped: bool, rank: int = 0, world: int = 1) -> Any:
    """The training batches of one process, augmented."""
    data = tiny_data(folder, batch_size=batch_size, grouped=grouped)
    as_process(data, rank, world)
    data.negatives = some_negatives(NEGATIVES)
    return list(data.train_dataloader())


def gradient(
    batch: Triplets,
    reduction: Reduction,
    world: int = 1,
    margin: float = 0.5,
    share: bool = False,
) -> Tensor:
    """Gradient of the training step of one of `world` processes, flat, float64."""
    matcher: Any = tiny_matcher(reduction, margin, share=share)
    matcher.double().train()
    matcher.__dict__["_trainer"] = SimpleNamespace(world_size=world)
    matcher.log_dict = lambda *_, **__: None
    matcher.training_step(batch, 0).backward()
    return torch.cat([p.grad.flatten() for p in matcher.parameters()])


def joined(shares: Sequence[Triplets]) -> Triplets:
    """The shares of several processes as the one batch of a single process."""
    whole = Triplets(*(torch.cat(parts) for parts in zip(*shares, strict=True)))
    return whole._replace(weight=torch.full_like(whole.weight, 1 / len(whole.weight)))


def assert_near(one: Tensor, other: Tensor) -> None:
    assert float(other.norm()) > 1e-4
    assert float((one - other).norm() / other.norm()) < 1e-6


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_grouped_batch_pulls_as_its_single_triplets_do(
    tmp_path: Path, reduction: Reduction
) -> None:
    (grouped,) = epoch(tmp_path, PAIRS, grouped=True)
    (plain,) = epoch(tmp_path, PAIRS * NEGATIVES, grouped=False)
    assert grouped[0].shape[:2] == (PAIRS, 2 + NEGATIVES)
    assert plain[0].shape[:2] == (PAIRS * NEGATIVES, 3)
    # a margin at which some triplets pull and some do not
    pulls = gradient(grouped, reduction, margin=0.05)
    assert_near(pulls, gradient(plain, reduction, margin=0.05))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize(("batch_size", "world"), [(4, 2), (5, 2), (6, 2), (4, 3), (9, 4)])
def test_processes_average_to_the_gradient_of_one(
    tmp_path: Path, reduction: Reduction, grouped: bool, batch_size: int, world: int
) -> None:
    shares = [epoch(tmp_path, batch_size, grouped, rank, world) for rank in range(world)]
    samples = PAIRS if grouped else PAIRS * NEGATIVES
    assert sum(len(batch.weight) for share in shares for batch in share) == samples
    for step in zip(*shares, strict=True):
        together = gradient(joined(step), reduction)
        apart = torch.stack([gradient(batch, reduction, world) for batch in step]).mean(dim=0)
        assert_near(apart, together)


def test_the_cases_above_hold_uneven_shares(tmp_path: Path) -> None:
    sizes = [[len(b.weight) for b in epoch(tmp_path, 6, True, rank, 2)] for rank in (0, 1)]
    assert sizes == [[2, 3], [2, 2]]  # 9 = 4 + 5
    sizes = [[len(b.weight) for b in epoch(tmp_path, 4, True, rank, 2)] for rank in (0, 1)]
    assert sizes == [[2, 2, 2], [1, 1, 1]]


@pytest.mark.parametrize("reduction", ["mean", "active", "sum"])
def test_shared_artworks_are_negatives_of_every_drawing_but_their_own(
    tmp_path: Path, reduction: Reduction
) -> None:
    (batch,) = epoch(tmp_path, PAIRS, grouped=True)
    shared = gradient(batch, reduction, margin=0.05, share=True)

    matcher: Any = tiny_matcher(reduction, 0.05).double().train()
    roles = 2 + NEGATIVES
    vectors = matcher(batch.images.flatten(0, 1)).view(PAIRS, roles, -1)
    per_drawing = []
    for query in range(PAIRS):  # one triplet at a time
        losses = []
        for sample in range(PAIRS):
            for place, row in enumerate(batch.artworks[sample].tolist()):
                if row in batch.own[query].tolist():
                    continue
                to_positive = 1 - vectors[query, 0] @ vectors[query, 1]
                to_negative = 1 - vectors[query, 0] @ vectors[sample, 1 + place]
                losses.append((to_positive - to_negative + 0.05).clamp(min=0))
        per_drawing.append(torch.stack(losses))
    loss: Any = {
        "mean": lambda: torch.stack([x.mean() for x in per_drawing]).mean(),
        "active": lambda: torch.cat(per_drawing).sum() / (torch.cat(per_drawing) > 0).sum(),
        "sum": lambda: torch.cat(per_drawing).sum(),
    }[reduction]()
    loss.backward()
    by_hand = torch.cat([p.grad.flatten() for p in matcher.parameters()])
    assert_near(shared, by_hand)


@pytest.mark.parametrize("world", [1, 2])
def test_what_a_step_reports_is_of_the_whole_batch(tmp_path: Path, world: int) -> None:
    matcher: Any = tiny_matcher(margin=0.05)
    matcher.__dict__["_trainer"] = SimpleNamespace(world_size=world)
    reports: list[dict[str, Any]] = []
    matcher.log_dict = lambda values, **settings: reports.append({**values, **settings})
    shares = [epoch(tmp_path, PAIRS, True, rank, world)[0] for rank in range(world)]
    assert [len(share.weight) for share in shares] == ([9] if world == 1 else [5, 4])
    steps = torch.stack([matcher.training_step(share, 0) for share in shares])

    images = joined(shares).images
    with torch.no_grad():
        vectors = matcher(images.flatten(0, 1)).view(PAIRS, 2 + NEGATIVES, -1)
    scores = torch.einsum("bd,brd->br", vectors[:, 0], vectors[:, 1:])
    losses = (scores[:, 1:] - scores[:, :1] + 0.05).clamp(min=0)
    torch.testing.assert_close(steps.detach().mean(), losses.mean())
    expected = {"train/loss": losses.mean(), "train/active": (losses > 0).float().mean()}
    assert 0 < expected["train/active"] < 1
    for name, value in expected.items():
        reported = torch.stack([report[name].detach() for report in reports]).mean()
        torch.testing.assert_close(reported, value)
    assert [report["batch_size"] for report in reports] == [PAIRS] * world


def test_an_epoch_sets_its_rate_and_stream_from_its_number_alone() -> None:
    def begin(*epochs: int) -> tuple[float, float]:
        matcher: Any = tiny_matcher(schedule=lambda epoch, of: 1 - epoch / of, lr=0.8)
        optimizer = matcher.configure_optimizers()
        trainer = SimpleNamespace(optimizers=[optimizer], max_epochs=4, global_rank=0)
        matcher.__dict__["_trainer"] = trainer
        matcher.log = lambda *_, **__: None
        for number in epochs:
            trainer.current_epoch = number
            matcher.on_train_epoch_start()
        return float(optimizer.param_groups[0]["lr"]), float(torch.rand(()))

    assert begin(0)[0] == 0.8
    assert begin(3)[0] == pytest.approx(0.2)
    assert begin(0, 1, 2, 3) == begin(3)
    assert begin(2)[1] != begin(3)[1]


def test_only_what_trains_is_handed_to_the_optimiser() -> None:
    matcher: Matcher = tiny_matcher()
    matcher.backbone.network.get_parameter("0.weight").requires_grad_(False)
    (group,) = matcher.configure_optimizers().param_groups
    assert len(group["params"]) == len(list(matcher.parameters())) - 1


@pytest.mark.parametrize("freeze", [True, False])
def test_norms_stay_frozen_through_a_whole_run(tmp_path: Path, freeze: bool) -> None:
    matcher = tiny_matcher(freeze_norm=freeze)
    norm: Any = matcher.backbone.network.get_submodule("1")
    before = {name: value.clone() for name, value in norm.named_buffers()}
    weight = norm.weight.clone()
    experiment = tiny_experiment(tmp_path, matcher)
    experiment.final(experiment.baseline(resume=False))
    experiment.fit(resume=False)
    same = [torch.equal(before[name], value) for name, value in norm.named_buffers()]
    assert same == [freeze] * 3
    assert not torch.equal(norm.weight, weight)
