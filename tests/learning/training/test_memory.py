"""What a drawing is told apart from: its batch, over all processes, and a memory of the gallery."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributed import destroy_process_group, init_process_group
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.learning.losses.base import Loss, Reduction
from drawsim.learning.losses.contrastive import ContrastiveLoss
from drawsim.learning.losses.infonce import InfoNCELoss
from drawsim.learning.losses.multi_similarity import MultiSimilarityLoss
from drawsim.learning.losses.replica_clus import ReplicaClusLoss
from drawsim.learning.losses.triplet import TripletCosineLoss
from drawsim.learning.miners.base import NOTHING
from drawsim.learning.training.samples import Triplets
from drawsim.models.adaptation import Adaptation
from drawsim.pixels.transforms import Augmentation
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
    ARTWORKS,
    NO_AUGMENTATION,
    axis_weights,
    tiny_adaptation,
    tiny_matcher,
)

HANGS = 900
"""Seconds after which a process has surely met nobody; nothing is measured by it."""


@pytest.mark.parametrize("reduction", ["mean", "active", "sum"])
def test_shared_artworks_are_negatives_of_every_drawing_but_their_own(
    tmp_path: Path, reduction: Reduction
) -> None:
    (batch,) = epoch(tmp_path, PAIRS, grouped=True)
    shared = gradient(batch, reduction, margin=0.05, in_batch_negatives=True)

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


def with_nothing(batch: Triplets, filler: Tensor) -> Triplets:
    """The batch less all negatives of its first sample and some of two others."""
    images, artworks = batch.images.clone(), batch.artworks.clone()
    for sample, first in ((0, 2), (1, 4), (5, 3)):
        images[sample, first:] = filler
        artworks[sample, first - 1 :] = NOTHING
    return batch._replace(images=images, artworks=artworks)


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "active", "sum"])
def test_what_fills_the_place_of_a_negative_never_counts(
    tmp_path: Path, reduction: Reduction, share: bool
) -> None:
    (batch,) = epoch(tmp_path, PAIRS, grouped=True)
    black, white = (
        with_nothing(batch, torch.tensor(level, dtype=torch.uint8)) for level in (0, 255)
    )
    settings: Any = {"margin": 0.3, "in_batch_negatives": share}
    matchers = [tiny_matcher(reduction, **settings) for _ in range(2)]
    losses = [step(b, m) for b, m in zip((black, white), matchers, strict=True)]
    assert losses[0].item() == losses[1].item() > 0
    for loss in losses:
        loss.backward()
    assert torch.equal(gradients(matchers[0]), gradients(matchers[1]))

    vectors = matchers[0](black.images.flatten(0, 1)).view(PAIRS, 2 + NEGATIVES, -1)
    per_sample = []
    for query in range(PAIRS):
        places = [(s, 1 + p) for s in range(PAIRS) for p in range(1 + NEGATIVES)]
        if not share:
            places = [(query, 2 + place) for place in range(NEGATIVES)]
        losses = [
            (vectors[query, 0] @ (vectors[s, p] - vectors[query, 1]) + 0.3).clamp(min=0)
            for s, p in places
            if (row := int(black.artworks[s, p - 1])) != NOTHING
            and row not in batch.own[query].tolist()
        ]
        per_sample.append(torch.stack(losses) if losses else torch.zeros(1))
    everything = torch.cat(per_sample)
    expected: Tensor = {
        "mean": torch.stack([x.mean() for x in per_sample]).mean(),
        "active": everything.sum() / (everything > 0).sum(),
        "sum": everything.sum(),
    }[reduction]
    torch.testing.assert_close(step(black, matchers[0]), expected)


EVERY_LOSS = [
    TripletCosineLoss(0.3, "active"),
    ReplicaClusLoss(0.01, 0.1, "sum"),
    ContrastiveLoss(0.2, "mean"),
    InfoNCELoss(0.07),
    MultiSimilarityLoss(2, 50, 0.5),
]
every_loss = pytest.mark.parametrize("loss", EVERY_LOSS, ids=lambda loss: type(loss).__name__)


@every_loss
@pytest.mark.parametrize(("share", "memory"), [(False, False), (True, False), (True, True)])
def test_every_loss_trains(tmp_path: Path, loss: Loss, share: bool, memory: bool) -> None:
    (whole,) = epoch(tmp_path, PAIRS, grouped=True)
    batch = with_nothing(whole, torch.tensor(0, dtype=torch.uint8))
    matcher = tiny_matcher(lr=1e-3, loss=loss, in_batch_negatives=share, cross_batch_memory=memory)
    if memory:
        matcher.cross_batch_memory = gallery()
    optimizer = matcher.configure_optimizers()
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        value = step(batch, matcher)
        value.backward()
        pulls = gradients(matcher)
        assert pulls.isfinite().all()
        assert pulls.any()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0]


def gallery() -> Tensor:
    """Any unit rows for the artworks."""
    generator = torch.Generator().manual_seed(1)
    return normalize(torch.randn(ARTWORKS, 6, generator=generator), dim=1)


WEIGHTS = torch.tensor([0.5, -0.5, 0.0, 1.0, -1.0, 0.2])


def fitted_adaptation() -> Adaptation:
    """Own axes scaled by the root of their deviation, with weights; fitted to any rows."""
    adaptation = tiny_adaptation(axes="own", keep=None, learn="axes")
    adaptation.fit(gallery()[:9], gallery()[5:])
    with torch.no_grad():
        axis_weights(adaptation).copy_(WEIGHTS)
    return adaptation


@pytest.mark.parametrize("loss", [TripletCosineLoss(0.05, "mean"), ContrastiveLoss(-0.5, "mean")])
@pytest.mark.parametrize("adapts", [False, True])
def test_with_a_memory_every_artwork_is_told_apart(
    tmp_path: Path, loss: Loss, adapts: bool
) -> None:
    batch = few_samples(tmp_path)
    known = {row for row in batch.artworks.flatten().tolist() if row != NOTHING}
    assert 4 < len(known) < ARTWORKS

    adaptation = fitted_adaptation() if adapts else None
    matcher = tiny_matcher(
        loss=loss, in_batch_negatives=True, cross_batch_memory=True, adaptation=adaptation
    )
    matcher.cross_batch_memory = gallery()
    found = step(batch, matcher)
    found.backward()

    other = tiny_matcher().double().train()
    samples = len(batch.images)
    weights = WEIGHTS.clone().requires_grad_()

    def place(rows: Tensor, kind: int) -> Tensor:
        """As the adaptation does, step by step."""
        if adaptation is None:
            return rows
        mean, deviation = adaptation.means[kind], adaptation.deviations
        moved = (rows - mean) / deviation.sqrt() * torch.exp(weights)
        return moved / moved.norm(dim=-1, keepdim=True)

    vectors = other(batch.images.flatten(0, 1)).view(samples, 2 + NEGATIVES, -1)
    held = gallery().double()
    for sample in range(samples):
        for spot, row in enumerate(batch.artworks[sample].tolist()):
            if row != NOTHING:
                held[row] = vectors[sample, 1 + spot].detach()
    # It is renewed where the batch has an artwork, and holds rows as they were embedded.
    torch.testing.assert_close(matcher.cross_batch_memory, held.float())
    changed = (matcher.cross_batch_memory != gallery()).any(dim=1).nonzero().flatten().tolist()
    assert changed == sorted(known)

    drawings, shown = place(vectors[:, 0], 0), place(vectors[:, 1:], 1)
    remembered = place(held, 1)
    by_hand = []
    for query in range(samples):
        own = [row for row in batch.own[query].tolist() if row != NOTHING]
        fresh = [
            shown[sample, spot]
            for sample in range(samples)
            for spot, row in enumerate(batch.artworks[sample].tolist())
            if row not in own and row != NOTHING
        ]
        stale = [remembered[row] for row in range(ARTWORKS) if row not in own and row not in known]
        scores = torch.stack([drawings[query] @ v for v in fresh + stale])
        positive = drawings[query] @ shown[query, 0]
        terms = (scores - positive + 0.05).clamp(min=0)
        if isinstance(loss, ContrastiveLoss):
            others = [row for row in own if row != int(batch.artworks[query, 0])]
            pulled = [1 - drawings[query] @ remembered[row] for row in others]
            terms = torch.cat([torch.stack([1 - positive, *pulled]), (scores + 0.5).clamp(min=0)])
        by_hand.append(terms.mean())
    expected: Any = torch.stack(by_hand).mean()
    expected.backward()
    torch.testing.assert_close(found, expected)
    assert_near(gradients(matcher.backbone), gradients(other.backbone))
    if adaptation is not None:
        learnt = axis_weights(adaptation).grad
        assert learnt is not None
        assert weights.grad is not None
        assert_near(learnt, weights.grad)


def few_samples(folder: Path) -> Triplets:
    """The batch of the drawing with two artworks, less a negative of the first sample."""
    plain = Augmentation(**NO_AUGMENTATION)  # so that an artwork looks the same at every place
    made = epoch(folder, 4, grouped=True, augmentation=plain)
    [batch] = [b for b in made if ((b.own != NOTHING).sum(dim=1) == 2).any()]
    images, artworks = batch.images.clone(), batch.artworks.clone()
    images[0, -1], artworks[0, -1] = 0, NOTHING
    return batch._replace(images=images, artworks=artworks)


def test_a_memory_needs_shared_artworks() -> None:
    with pytest.raises(
        UserError, match=r"batch\.cross_batch_memory=true needs batch\.in_batch_negatives=true"
    ):
        tiny_matcher(cross_batch_memory=True, in_batch_negatives=False)


# nine samples: five on the first process, four on the second
@pytest.mark.parametrize(
    ("loss", "memory"),
    [
        (TripletCosineLoss(0.05, "mean"), False),
        (TripletCosineLoss(0.05, "active"), False),
        (TripletCosineLoss(0.05, "sum"), True),
        (ReplicaClusLoss(0.01, 0.1, "active"), True),
        (ContrastiveLoss(0.2, "mean"), True),
        (InfoNCELoss(0.07), True),
    ],
)
def test_two_processes_average_to_the_gradient_of_one(
    tmp_path: Path, loss: Loss, memory: bool
) -> None:
    shares = [epoch(tmp_path, PAIRS, True, rank, 2)[0] for rank in range(2)]
    assert [len(share.weight) for share in shares] == [5, 4]

    def matcher() -> Any:
        made = tiny_matcher(loss=loss, in_batch_negatives=True, cross_batch_memory=memory)
        made.cross_batch_memory = gallery() if memory else None
        return made

    alone = matcher()
    step(joined(shares), alone).backward()

    def process(rank: int) -> None:
        torch.set_num_threads(1)  # the threads of the process that this is a copy of are not here
        init_process_group("gloo", f"file://{tmp_path}/meet", rank=rank, world_size=2)
        mine = matcher()
        step(shares[rank], mine, world=2).backward()
        torch.save((gradients(mine), mine.cross_batch_memory), tmp_path / f"{rank}.pt")
        destroy_process_group()

    fork = get_context("fork")
    processes = [fork.Process(target=process, args=(rank,)) for rank in range(2)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(HANGS)
        assert one.exitcode == 0
    made = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    assert_near(torch.stack([pulls for pulls, _ in made]).mean(dim=0), gradients(alone))
    for _, held in made if memory else []:
        torch.testing.assert_close(held, alone.cross_batch_memory)
