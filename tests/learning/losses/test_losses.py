"""Losses against hand-made numbers, other people's closed forms, loops and differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn import functional

from drawsim.common.building import build, config_folder
from drawsim.common.errors import UserError
from drawsim.learning.losses.base import Loss, Similarities, Terms, compare
from drawsim.learning.losses.contrastive import ContrastiveLoss
from drawsim.learning.losses.infonce import InfoNCELoss
from drawsim.learning.losses.multi_similarity import MultiSimilarityLoss
from drawsim.learning.losses.replica_clus import ReplicaClusLoss
from drawsim.learning.losses.triplet import TripletCosineLoss

ALL: dict[str, Callable[[], Loss]] = {
    "triplet": lambda: TripletCosineLoss(0.4, "mean"),
    "replica_clus": lambda: ReplicaClusLoss(0.01, 0.1, "sum"),
    "contrastive": lambda: ContrastiveLoss(0.2, "mean"),
    "infonce": lambda: InfoNCELoss(0.1),
    "multi_similarity": lambda: MultiSimilarityLoss(2, 50, 0.5),
}
every_loss = pytest.mark.parametrize("loss", [make() for make in ALL.values()], ids=[*ALL])


def at(*degrees: float) -> Tensor:
    """Unit vectors of the plane at these angles, (len, 2) float64."""
    angles = torch.tensor(degrees, dtype=torch.float64) * math.pi / 180
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


def cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))


def units(*shape: int, seed: int = 0) -> Tensor:
    """Random unit rows, float64."""
    raw = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(raw, dim=-1)


def masks(batch: int, columns: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, columns, generator=generator) < 0.6


def some_cosines(batch: int = 5, columns: int = 7, others: int = 2, seed: int = 0) -> Similarities:
    """A random batch with gaps everywhere; the first sample has no negative, no other own one."""
    valid, has_other = masks(batch, columns, seed), masks(batch, others, seed + 1)
    valid[0], has_other[0] = False, False
    return compare(
        units(batch, 6, seed=seed),
        units(batch, 6, seed=seed + 1),
        units(columns, 6, seed=seed + 2),
        valid,
        swaps=True,
        others=units(batch, others, 6, seed=seed + 3),
        has_other=has_other,
    )


def plane(drawing: float, artwork: float, *negatives: float, others: tuple[float, ...] = ()) -> Any:
    """The cosines of one sample in the plane; every negative and other own artwork counts."""
    return compare(
        at(drawing),
        at(artwork),
        at(*negatives) if negatives else at(0)[:0],
        torch.ones(1, len(negatives), dtype=torch.bool),
        swaps=True,
        others=at(*others)[None] if others else None,
        has_other=torch.ones(1, len(others), dtype=torch.bool) if others else None,
    )


def check(terms: Terms, expected: list[float]) -> None:
    assert terms.counted.all()
    torch.testing.assert_close(terms.values, torch.tensor([expected], dtype=torch.float64))


def test_compare_by_hand() -> None:
    found = plane(0, 60, 90, 180, others=(45, 120))
    half = [[math.sqrt(0.5), -0.5]]
    expected = {
        "positive": [0.5],
        "negatives": [[0.0, -1.0]],
        "swapped": [[math.sqrt(0.75), -0.5]],
        "others": half,
    }
    for name, values in expected.items():
        wanted = torch.tensor(values, dtype=torch.float64)
        torch.testing.assert_close(getattr(found, name), wanted)


def test_compare_leaves_out_what_is_not_asked_for() -> None:
    found = compare(at(0, 1), at(2, 3), at(4, 5, 6), masks(2, 3), swaps=False)
    assert found.swapped is None
    assert found.others.shape == found.has_other.shape == (2, 0)
    assert found.has_other.dtype == torch.bool


@every_loss
def test_shared_candidates_are_those_of_each_sample(loss: Loss) -> None:
    drawings, artworks, shared = units(4, 6), units(4, 6, seed=1), units(9, 6, seed=2)
    valid = masks(4, 9)
    each = shared.expand(4, -1, -1)
    one, other = (
        loss(compare(drawings, artworks, candidates, valid, swaps=loss.swaps))
        for candidates in (shared, each)
    )
    torch.testing.assert_close(one.values, other.values)
    assert one.counted.equal(other.counted)


def test_half_precision_loses_nothing_in_the_product() -> None:
    drawings, artworks, shared = (units(*shape).bfloat16() for shape in ((4, 64), (4, 64), (9, 64)))
    valid = masks(4, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for candidates in (shared, shared.expand(4, -1, -1)):
            found = compare(drawings, artworks, candidates, valid, swaps=True)
            assert found.swapped is not None
            exact = drawings.double() @ shared.double().T
            torch.testing.assert_close(found.negatives.double(), exact, rtol=0, atol=1e-6)
            exact = artworks.double() @ shared.double().T
            torch.testing.assert_close(found.swapped.double(), exact, rtol=0, atol=1e-6)


def test_triplet_by_hand() -> None:
    loss = TripletCosineLoss(margin=0.3, reduction="mean")
    # cosines with the drawing: its artwork 0.5; the negatives 0, 0.5, 1
    check(loss(plane(0, 60, 90, 60, 0)), [0.0, 0.3, 0.8])
    # the nearest artwork there is: only what is within the margin of it has a loss
    check(loss(plane(90, 90, 90, 120, -90)), [0.3, 0.3 - (1 - math.sqrt(0.75)), 0.0])


def test_triplet_is_zero_with_no_pull_once_the_margin_is_kept() -> None:
    drawing = at(0).requires_grad_()
    valid = torch.ones(1, 1, dtype=torch.bool)
    cosines = compare(drawing, at(0), at(90), valid, swaps=False)
    values = TripletCosineLoss(margin=0.5, reduction="mean")(cosines).values
    assert values.tolist() == [[0.0]]
    values.sum().backward()
    assert drawing.grad is not None
    assert not drawing.grad.any()


def test_replica_clus_by_hand() -> None:
    loss = ReplicaClusLoss(margin=0.2, beta=0.1, reduction="sum")
    # d(A, P) = 0.5, 0.4 above the cap. At 75 degrees the negative is nearer to the artwork than to
    # the drawing, at 0 to the drawing; at 180 it is far from both: 1.5 from the artwork.
    expected = [
        0.5 - (1 - cos(15)) + 0.2 + 0.4,
        0.5 - 0.0 + 0.2 + 0.4,
        max(0.0, 0.5 - 1.5 + 0.2 + 0.4),
    ]
    assert expected[2] == 0
    check(loss(plane(0, 60, 75, 0, 180)), expected)
    # within the cap: d(A, P) = 0.06 pulls once
    check(loss(plane(0, 20, -30)), [1 - cos(20) - (1 - cos(30)) + 0.2])


def test_replica_clus_without_swap_and_cap_is_the_triplet_loss() -> None:
    cosines = some_cosines()
    apart = cosines._replace(swapped=torch.full_like(cosines.negatives, -1))
    uncapped = ReplicaClusLoss(margin=0.3, beta=2, reduction="sum")(apart).values
    assert (uncapped > 0).any()
    torch.testing.assert_close(uncapped, TripletCosineLoss(0.3, "sum")(cosines).values)


def test_contrastive_by_hand() -> None:
    loss = ContrastiveLoss(margin=0.25, reduction="mean")
    # the sample's artwork, two others of the drawing's own, two negatives
    found = loss(plane(0, 60, 90, 45, others=(0, 120)))
    check(found, [0.5, 0.0, 1.5, 0.0, math.sqrt(0.5) - 0.25])


def test_contrastive_is_the_cosine_embedding_loss() -> None:
    drawings, artworks, negatives = units(4, 6), units(4, 6, seed=1), units(4, 3, 6, seed=2)
    valid = torch.ones(4, 3, dtype=torch.bool)
    found = ContrastiveLoss(0.1, "mean")(compare(drawings, artworks, negatives, valid, swaps=False))
    pairs = torch.cat([artworks[:, None], negatives], dim=1)
    label = torch.tensor([1, -1, -1, -1]).repeat(4)
    expected = functional.cosine_embedding_loss(
        drawings.repeat_interleave(4, 0), pairs.flatten(0, 1), label, margin=0.1, reduction="none"
    )
    torch.testing.assert_close(found.values.flatten(), expected)


def test_infonce_by_hand() -> None:
    # cosines 0.5 with the artwork, 0 and 0.5 with the negatives
    ratio = math.exp(0.5 / 0.5) / (2 * math.exp(0.5 / 0.5) + 1)
    check(InfoNCELoss(temperature=0.5)(plane(0, 60, 90, 60)), [-math.log(ratio)])


def test_infonce_is_cross_entropy_over_the_valid_ones() -> None:
    cosines = some_cosines()
    terms = InfoNCELoss(temperature=0.07)(cosines)
    assert terms.counted.flatten().tolist() == cosines.valid.any(dim=1).tolist()
    for row in range(5):
        negatives = cosines.negatives[row][cosines.valid[row]]
        logits = torch.cat([cosines.positive[row, None], negatives])[None] / 0.07
        expected = functional.cross_entropy(logits, torch.tensor([0]))
        torch.testing.assert_close(terms.values[row, 0], expected)


def test_multi_similarity_by_hand() -> None:
    loss = MultiSimilarityLoss(alpha=2, beta=4, base=0.5)
    # own artworks at cosines 0.5 and 1, negatives at 0 and -1
    pull = math.log(1 + math.exp(0) + math.exp(-2 * 0.5)) / 2
    push = math.log(1 + math.exp(4 * -0.5) + math.exp(4 * -1.5)) / 4
    check(loss(plane(0, 60, 90, 180, others=(0,))), [pull + push])


def test_multi_similarity_is_a_plain_loop() -> None:
    cosines = some_cosines()
    terms = MultiSimilarityLoss(alpha=2, beta=50, base=0.5)(cosines)
    assert terms.counted.all()
    for row in range(5):
        pull = math.exp(-2 * (float(cosines.positive[row]) - 0.5))
        for cosine, there in zip(cosines.others[row], cosines.has_other[row], strict=True):
            pull += math.exp(-2 * (float(cosine) - 0.5)) * bool(there)
        push = 0.0
        for cosine, there in zip(cosines.negatives[row], cosines.valid[row], strict=True):
            push += math.exp(50 * (float(cosine) - 0.5)) * bool(there)
        expected = math.log(1 + pull) / 2 + math.log(1 + push) / 50
        assert float(terms.values[row, 0]) == pytest.approx(expected)


@pytest.mark.parametrize("loss", [InfoNCELoss(1e-4), MultiSimilarityLoss(1e4, 1e4, 0.5)])
def test_large_exponents_do_not_overflow(loss: Loss) -> None:
    drawing = at(0).float().requires_grad_()
    valid = torch.ones(1, 1, dtype=torch.bool)
    # exp(1e4) is beyond float32, but the loss is about (1 - 0.5) and 1 - 0 in its own unit
    values = loss(compare(drawing, at(90).float(), at(0).float(), valid, swaps=False)).values
    expected = 1.0 / 1e-4 if isinstance(loss, InfoNCELoss) else 1.0
    assert float(values.detach()) == pytest.approx(expected, rel=1e-4)
    values.sum().backward()
    assert drawing.grad is not None
    assert drawing.grad.isfinite().all()


@every_loss
@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1.0]))
def test_what_is_not_valid_changes_nothing(loss: Loss, seed: int, rubbish: float) -> None:
    cosines = some_cosines(seed=seed)
    assert cosines.swapped is not None
    changed = cosines._replace(
        negatives=cosines.negatives.masked_fill(~cosines.valid, rubbish),
        swapped=cosines.swapped.masked_fill(~cosines.valid, rubbish),
        others=cosines.others.masked_fill(~cosines.has_other, rubbish),
    )
    one, other = loss(cosines), loss(changed)
    assert one.values.equal(other.values)
    assert one.counted.equal(other.counted)
    assert not one.values[~one.counted].any()


@every_loss
def test_a_sample_without_negatives_keeps_its_pull_alone(loss: Loss) -> None:
    drawing = at(0).requires_grad_()
    for candidates in (at(45), at(0)[:0]):
        valid = torch.zeros(1, len(candidates), dtype=torch.bool)
        terms = loss(compare(drawing, at(60), candidates, valid, swaps=loss.swaps))
        pull = {ContrastiveLoss: 0.5, MultiSimilarityLoss: math.log(2) / 2}.get(type(loss), 0.0)
        assert float(terms.values.detach().sum()) == pytest.approx(pull)
        assert bool(terms.counted.any()) == (pull > 0)
        (gradient,) = torch.autograd.grad(terms.values.sum(), drawing)
        assert gradient.isfinite().all()
        assert bool(gradient.any()) == (pull > 0)


@every_loss
@pytest.mark.parametrize("shared", [True, False])
def test_gradient(loss: Loss, shared: bool) -> None:
    valid, has_other = masks(4, 3), masks(4, 2, 1)
    valid[0] = False

    def of_raw(*raw: Tensor) -> Tensor:
        drawings, artworks, candidates, others = (functional.normalize(x, dim=-1) for x in raw)
        cosines = compare(
            *(drawings, artworks, candidates, valid),
            swaps=loss.swaps,
            others=others,
            has_other=has_other,
        )
        values = loss(cosines).values
        assert not ((values > 0) & (values < 1e-4)).any()  # nothing at a bend
        return values

    shapes = (4, 6), (4, 6), (3, 6) if shared else (4, 3, 6), (4, 2, 6)
    raw = [units(*shape, seed=seed).requires_grad_() for seed, shape in enumerate(shapes)]
    assert (of_raw(*raw) > 0).any()
    assert torch.autograd.gradcheck(of_raw, raw)


def test_an_unknown_reduction_is_refused() -> None:
    wrong: Any = "men"
    for make in (
        lambda: TripletCosineLoss(0.2, wrong),
        lambda: ReplicaClusLoss(0.01, 0.1, wrong),
        lambda: ContrastiveLoss(0.2, wrong),
    ):
        with pytest.raises(UserError, match=r"loss\.reduction=men: did you mean mean\?"):
            make()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: InfoNCELoss(value), "temperature"),
        (lambda value: MultiSimilarityLoss(value, 50, 0.5), "alpha"),
        (lambda value: MultiSimilarityLoss(2, value, 0.5), "beta"),
    ],
)
@pytest.mark.parametrize("value", [0, -1])
def test_what_divides_must_be_above_zero(
    make: Callable[[float], Loss], name: str, value: float
) -> None:
    with pytest.raises(UserError, match=rf"loss\.{name}={value}: must be above 0"):
        make(value)


@pytest.mark.parametrize("file", sorted((config_folder() / "loss").glob("*.yaml")))
def test_every_option_is_a_loss_that_pulls(file: Path) -> None:
    settings = OmegaConf.create({"loss": OmegaConf.load(file)}).loss
    loss = build({key: value for key, value in settings.items() if key != "distill"})
    assert isinstance(loss, Loss)
    drawing = at(0, 10, 20).requires_grad_()
    valid = torch.ones(3, 2, dtype=torch.bool)
    terms = loss(compare(drawing, at(60, 70, 80), at(30, -30), valid, swaps=loss.swaps))
    assert terms.counted.all()
    terms.values.sum().backward()
    assert drawing.grad is not None
    assert drawing.grad.any()
