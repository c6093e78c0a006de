"""Gradients: alike for a pair at once and in single triplets, for one process and several."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import timm
import torch
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.learning.losses.base import Loss, Reduction
from drawsim.learning.losses.replica_clus import ReplicaClusLoss
from drawsim.learning.losses.triplet import TripletCosineLoss
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.schedules import Constant, Cosine, Schedule
from drawsim.models.backbones.backbone import Backbone
from tests.learning.steps import (
    NEGATIVES,
    PAIRS,
    assert_near,
    epoch,
    gradient,
    gradients,
    joined,
    step,
)
from tests.learning.tiny import (
    tiny_experiment,
    tiny_matcher,
    tiny_model,
)


# margins at which some triplets pull and some do not
@pytest.mark.parametrize(
    "loss",
    [
        TripletCosineLoss(0.05, "mean"),
        TripletCosineLoss(0.05, "sum"),
        ReplicaClusLoss(0.01, 0.1, "mean"),
        ReplicaClusLoss(0.01, 0.1, "sum"),
        ReplicaClusLoss(0.01, 0.1, "active"),
    ],
)
def test_a_grouped_batch_pulls_as_its_single_triplets_do(tmp_path: Path, loss: Loss) -> None:
    (grouped,) = epoch(tmp_path, PAIRS, grouped=True)
    (plain,) = epoch(tmp_path, PAIRS * NEGATIVES, grouped=False)
    assert grouped[0].shape[:2] == (PAIRS, 2 + NEGATIVES)
    assert plain[0].shape[:2] == (PAIRS * NEGATIVES, 3)
    matchers = tiny_matcher(loss=loss), tiny_matcher(loss=loss)
    losses = [step(*both) for both in zip((grouped, plain), matchers, strict=True)]
    torch.testing.assert_close(*losses)
    active = matchers[1]._terms(plain).values > 0
    assert 0 < active.sum() < PAIRS * NEGATIVES
    for one in losses:
        one.backward()
    assert_near(gradients(matchers[0]), gradients(matchers[1]))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize(("batch_size", "world"), [(4, 2), (5, 2), (6, 2), (4, 3), (9, 4)])
def test_processes_average_to_the_gradient_of_one(
    tmp_path: Path, reduction: Reduction, grouped: bool, batch_size: int, world: int
) -> None:
    shares = [epoch(tmp_path, batch_size, grouped, rank, world) for rank in range(world)]
    samples = PAIRS if grouped else PAIRS * NEGATIVES
    assert sum(len(batch.weight) for share in shares for batch in share) == samples
    for parts in zip(*shares, strict=True):
        together = gradient(joined(parts), reduction)
        apart = torch.stack([gradient(batch, reduction, world) for batch in parts]).mean(dim=0)
        assert_near(apart, together)


def test_the_cases_above_hold_uneven_shares(tmp_path: Path) -> None:
    sizes = [[len(b.weight) for b in epoch(tmp_path, 6, True, rank, 2)] for rank in (0, 1)]
    assert sizes == [[2, 3], [2, 2]]  # 9 = 4 + 5
    sizes = [[len(b.weight) for b in epoch(tmp_path, 4, True, rank, 2)] for rank in (0, 1)]
    assert sizes == [[2, 2, 2], [1, 1, 1]]


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


def begun(schedule: Schedule, epoch: int, max_epochs: int, steps: int = 5) -> list[float]:
    """The rates of the steps of an epoch."""
    matcher: Any = tiny_matcher(schedule=schedule, lr=0.8)
    optimizer = matcher.configure_optimizers()
    matcher.__dict__["_trainer"] = SimpleNamespace(
        optimizers=[optimizer],
        max_epochs=max_epochs,
        global_rank=0,
        current_epoch=epoch,
        num_training_batches=steps,
    )
    rates: list[float] = []
    matcher.log = lambda name, value, **_: rates.append(value)
    matcher.on_train_epoch_start()
    for number in range(steps):
        matcher.on_train_batch_start(None, number)
        assert optimizer.param_groups[0]["lr"] == rates[number]
    return rates


def test_the_warm_up_counts_from_the_first_step() -> None:
    # Over 10 epochs of 5 steps, 2 of them warm-up: step i has (i + 1) / 10 of the rate, or what the
    # cosine leaves of it.
    cosine = [0.8 * (0.1 + 0.45 * (1 + math.cos(math.pi * i / 50))) for i in range(50)]
    line = [0.8 * (i + 1) / 10 for i in range(10)]
    expected = [*map(min, line, cosine), *cosine[10:]]
    found = [rate for epoch in range(10) for rate in begun(Cosine(0.1, 2), epoch, 10)]
    assert found == pytest.approx(expected)
    assert found[0] == pytest.approx(0.08)


def test_an_epoch_sets_rates_and_stream_from_its_number_alone() -> None:
    def falling(done: float, step: float, epochs: int) -> float:
        return 1 - done / epochs

    assert begun(falling, 0, 4)[0] == 0.8
    assert begun(falling, 3, 4) == pytest.approx([0.2 - i * 0.04 for i in range(5)])
    draws: dict[int, set[float]] = {}
    for number in (0, 3, 0, 3):
        begun(falling, number, 4)
        draws.setdefault(number, set()).add(float(torch.rand(())))
    assert [len(drawn) for drawn in draws.values()] == [1, 1]
    assert draws[0] != draws[3]


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


def test_an_embedding_with_flip_is_the_mean_of_both(tmp_path: Path) -> None:
    images = epoch(tmp_path, PAIRS, grouped=True)[0].images[:, 0]
    plain, flipping = tiny_matcher().eval(), tiny_matcher(flip=True).eval()
    rows = torch.arange(PAIRS)
    with torch.no_grad():
        seen = plain(images)
        mirrored = plain(torch.from_numpy(images.numpy()[:, :, :, ::-1].copy()))
        found = flipping.validation_step((images, rows), 0)
        alone = plain.validation_step((images, rows), 0)
    assert torch.equal(found["rows"], rows)
    torch.testing.assert_close(found["vectors"], normalize((seen + mirrored) / 2, dim=1))
    torch.testing.assert_close(alone["vectors"], seen)
    assert float((seen - mirrored).norm(dim=1).min()) > 1e-3
    assert "mirrored" in flipping.model.describe()["transform"]
    assert "mirrored" not in plain.model.describe()["transform"]


def test_triplets_to_validate_are_summed_and_counted(tmp_path: Path) -> None:
    (batch,) = epoch(tmp_path, PAIRS, grouped=True)
    matcher = tiny_matcher(margin=0.05)
    matcher.__dict__["_trainer"] = SimpleNamespace(world_size=1)
    found = matcher.validation_step(batch, 0, 1)
    vectors = matcher(batch.images.flatten(0, 1)).view(PAIRS, 2 + NEGATIVES, -1)
    scores = torch.einsum("bd,brd->br", vectors[:, 0], vectors[:, 1:])
    losses = (scores[:, 1:] - scores[:, :1] + 0.05).clamp(min=0)
    torch.testing.assert_close(found["loss"], losses.sum())
    assert int(found["count"]) == PAIRS * NEGATIVES


@pytest.mark.parametrize("model", ["test_resnet", "test_vit"])
def test_learning_rates_fall_from_block_to_block(model: str) -> None:
    def groups(decay: float) -> tuple[list[dict[str, Any]], Any]:
        network = timm.create_model(model, num_classes=0)
        matcher = Matcher(
            model=tiny_model(Backbone("small", network, [0.0] * 3, [1.0] * 3, freeze_norm=False)),
            loss=TripletCosineLoss(0.1, "mean"),
            optimizer=partial(torch.optim.AdamW, lr=0.01, weight_decay=0.3),
            schedule=Constant(),
            in_batch_negatives=False,
            cross_batch_memory=False,
            layer_decay=decay,
            seed=0,
        )
        return matcher.configure_optimizers().param_groups, network

    [one], network = groups(1)
    assert len(one["params"]) == len(list(network.parameters()))
    assert one["lr"] == 0.01

    falling, network = groups(0.7)
    rate = {id(p): group["lr"] for group in falling for p in group["params"]}
    decay = {id(p): group["weight_decay"] for group in falling for p in group["params"]}
    assert len(rate) == sum(len(group["params"]) for group in falling)
    names = [name for name, _ in network.named_parameters()]
    rates = [rate[id(network.get_parameter(name))] for name in names]
    assert rates == sorted(rates)  # nearer to the output, faster
    steps = sorted(set(rates), reverse=True)
    assert steps[0] == pytest.approx(0.01)
    ratios = [b / a for a, b in pairwise(steps)]
    assert all(r == pytest.approx(0.7) or r == pytest.approx(0.7**2) for r in ratios), ratios
    by_block = {n.rsplit(".", 2)[0]: r for n, r in zip(names, rates, strict=True)}
    assert len(set(by_block.values())) == len(steps) > 3
    for name in names:
        parameter = network.get_parameter(name)
        if parameter.ndim == 1:
            assert decay[id(parameter)] == 0, name
        elif name.endswith("weight"):
            assert decay[id(parameter)] == 0.3, name


@pytest.mark.parametrize("decay", [0, -0.1, 1.01])
def test_a_decay_out_of_its_range_is_refused(decay: float) -> None:
    matcher = tiny_matcher()
    with pytest.raises(UserError, match=rf"optim\.layer_decay={decay}"):
        Matcher(
            model=matcher.model,
            loss=matcher.loss,
            optimizer=matcher.make_optimizer,
            schedule=matcher.schedule,
            in_batch_negatives=False,
            cross_batch_memory=False,
            layer_decay=decay,
            seed=0,
        )
