"""Adaptation of embeddings: means, axes, their scale and weights, and that no pair is looked at."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation, Axes
from drawsim.models.heads import Learn
from drawsim.retrieval.ranking import Relevance, rank
from tests.learning.tiny import axis_weights

AXES: tuple[Axes, ...] = ("own", "principal")


def units(rows: int, dimensions: int, seed: int = 0, towards: float = 0.5) -> Tensor:
    """Unit rows that lean to one side, as embeddings do."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(rows, dimensions, generator=generator)
    drawn[:, seed % dimensions] += towards * math.sqrt(dimensions)
    return normalize(drawn * torch.linspace(2, 0.2, dimensions), dim=1)


def adaptation_of(dimensions: int, **changes: Any) -> Adaptation:
    """Centring alone, but for the changes."""
    plain = {"axes": "own", "keep": None, "power": 0.0, "neighbours": None, "learn": "none"}
    return Adaptation(dimensions, **(plain | changes))


def fitted(drawings: Tensor, artworks: Tensor, **changes: Any) -> Adaptation:
    adaptation = adaptation_of(drawings.shape[1], **changes)
    adaptation.fit(drawings, artworks)
    return adaptation


def cosines(pair: tuple[Tensor, Tensor]) -> Tensor:
    return pair[0] @ pair[1].T


def test_centring_by_hand() -> None:
    drawings = torch.tensor([[1.0, 0.0], [0.6, 0.8]])  # mean (0.8, 0.4)
    artworks = torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])  # mean (-1/3, 0)
    found = fitted(drawings, artworks)(drawings, artworks)
    half, wide, third = math.sqrt(0.2), math.hypot(1, 1 / 3), 1 / 3
    expected = (
        torch.tensor([[0.2, -0.4], [-0.2, 0.4]]) / half,
        torch.tensor([[third / wide, 1 / wide], [-1.0, 0.0], [third / wide, -1 / wide]]),
    )
    for rows, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(rows, wanted)


def test_the_power_on_own_axes_by_hand() -> None:
    drawings = torch.eye(2)  # centred: (1/2, -1/2), (-1/2, 1/2)
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    artworks = signs * torch.tensor([0.6, 0.8])  # mean 0, standard deviations 0.6 and 0.8
    whole = fitted(drawings, artworks, power=1.0)(drawings, artworks)
    torch.testing.assert_close(whole[0], torch.tensor([[0.8, -0.6], [-0.8, 0.6]]))
    torch.testing.assert_close(whole[1], signs / math.sqrt(2))

    half = fitted(drawings, artworks, power=0.5)(drawings, artworks)
    one = torch.tensor([math.sqrt(0.8), -math.sqrt(0.6)]) / math.sqrt(1.4)
    torch.testing.assert_close(half[0], torch.stack([one, -one]))
    roots = torch.tensor([math.sqrt(0.6), math.sqrt(0.8)]) / math.sqrt(1.4)
    torch.testing.assert_close(half[1], signs * roots)


def test_before_fitting_nothing_is_known() -> None:
    adaptation = adaptation_of(5)
    assert not adaptation.fitted
    rows = units(4, 5)
    for adapted in adaptation(rows, rows):
        torch.testing.assert_close(adapted, rows)
    adaptation.fit(rows, rows)
    assert adaptation.fitted


def scaled_along_principal_axes(
    drawings: Tensor, artworks: Tensor, keep: int | None, power: float
) -> np.ndarray:
    """(D, N) cosines from singular values, where the code takes eigenvalues of the covariance.

    Only axes along which the gallery varies are there at all.
    """
    queries, gallery = (rows.double().numpy() for rows in (drawings, artworks))
    queries, gallery = queries - queries.mean(axis=0), gallery - gallery.mean(axis=0)
    _, spread, axes = np.linalg.svd(gallery, full_matrices=False)
    kept = np.arange(len(spread)) < (keep or len(spread))
    kept &= spread > 1e-3 * spread.max()
    scale = axes[kept].T / (spread[kept] / math.sqrt(len(gallery))) ** power
    queries, gallery = queries @ scale, gallery @ scale
    norms = [np.linalg.norm(rows, axis=1, keepdims=True) for rows in (queries, gallery)]
    found: np.ndarray = (queries / norms[0]) @ (gallery / norms[1]).T
    return found


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("keep", [None, 3])
def test_principal_axes_are_those_of_the_gallery_and_scaled_by_the_power(
    keep: int | None, power: float
) -> None:
    drawings, artworks = units(50, 8), units(400, 8, seed=1)
    found = fitted(drawings, artworks, axes="principal", keep=keep, power=power)(drawings, artworks)
    expected = scaled_along_principal_axes(drawings, artworks, keep, power)
    np.testing.assert_allclose(cosines(found), expected, atol=1e-5)
    for rows in found:
        assert rows.shape[1] == (keep or 8)
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))


def test_turning_alone_changes_no_cosine() -> None:
    drawings, artworks = units(20, 6), units(50, 6, seed=1)
    turned = fitted(drawings, artworks, axes="principal")(drawings, artworks)
    centred = fitted(drawings, artworks)(drawings, artworks)
    torch.testing.assert_close(cosines(turned), cosines(centred), atol=1e-5, rtol=0)


def test_more_axes_than_there_are_is_all_of_them() -> None:
    rows = units(20, 6)
    many, all_of_them = (
        fitted(rows, rows, axes="principal", keep=keep, power=0.5) for keep in (99, None)
    )
    assert torch.equal(cosines(many(rows, rows)), cosines(all_of_them(rows, rows)))


@settings(max_examples=20)
@given(
    artworks=st.integers(1, 9),
    rank=st.integers(1, 4),
    power=st.sampled_from([0.5, 1.0]),
    axes=st.sampled_from(AXES),
    seed=st.integers(0, 99),
)
def test_a_gallery_that_does_not_fill_the_space_gives_finite_rows(
    artworks: int, rank: int, power: float, axes: Axes, seed: int
) -> None:
    rng = torch.Generator().manual_seed(seed)
    basis = torch.randn(rank, 12, generator=rng)
    gallery = normalize(torch.randn(artworks, rank, generator=rng) @ basis, dim=1)
    drawings = units(7, 12, seed)
    for rows in fitted(drawings, gallery, axes=axes, power=power)(drawings, gallery):
        assert rows.isfinite().all()
        assert (rows.norm(dim=1) < 1 + 1e-5).all()


@pytest.mark.parametrize("power", [0.5, 1.0])
@pytest.mark.parametrize("axes", AXES)
def test_what_the_gallery_does_not_vary_along_drowns_nothing(axes: Axes, power: float) -> None:
    """More dimensions than artworks; drawings vary along all of them."""
    drawings, artworks = units(30, 200), units(40, 200, seed=1)
    if axes == "principal":
        expected = scaled_along_principal_axes(drawings, artworks, None, power)
        found = fitted(drawings, artworks, axes=axes, power=power)(drawings, artworks)
    else:
        artworks[:, 100:] = 0.02
        found = fitted(drawings, artworks, axes=axes, power=power)(drawings, artworks)
        front = drawings[:, :100], artworks[:, :100]
        expected = cosines(fitted(*front, power=power)(*front)).numpy()
    np.testing.assert_allclose(cosines(found), expected, atol=1e-4)


@pytest.mark.parametrize("neighbours", [None, 3])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("axes", AXES)
def test_a_collapsed_gallery_stays_collapsed(
    axes: Axes, power: float, neighbours: int | None
) -> None:
    """Rows that differ by rounding alone are told apart by nothing: every score is a tie."""
    rows = units(1, 16).repeat(30, 1) + 1e-7 * units(30, 16, seed=1)
    adaptation = fitted(rows[:20], rows, axes=axes, power=power, neighbours=neighbours)
    drawings, artworks = adaptation(rows[:20], rows)
    assert not adaptation.transform(rows, 1).any()
    own = Relevance(torch.arange(20), torch.arange(20))
    ranking = rank(drawings, artworks, own, 5)
    assert ranking.tie_rate == 1
    assert (ranking.equal == 30).all()


@settings(max_examples=40)
@given(
    neighbours=st.integers(1, 12),
    axes=st.sampled_from(AXES),
    power=st.sampled_from([0.0, 0.5]),
    counts=st.tuples(st.integers(2, 9), st.integers(2, 14), st.integers(1, 5)),
    seed=st.integers(0, 99),
)
def test_with_hubs_artworks_rank_by_twice_the_cosine_less_their_mean_cosine(
    neighbours: int, axes: Axes, power: float, counts: tuple[int, int, int], seed: int
) -> None:
    known, there, asked = counts
    drawings, artworks = units(known, 6, seed), units(there, 6, seed + 1)
    others = units(asked, 6, seed + 2)
    plain = fitted(drawings, artworks, axes=axes, power=power)
    references, _ = plain(drawings, artworks)
    queries, gallery = plain(others, artworks)
    expected = torch.empty(asked, there)
    for column in range(there):  # neighbours among the drawings it was fitted to, not the queries
        near = sorted((float(gallery[column] @ row) for row in references), reverse=True)
        nearest = near[:neighbours]
        expected[:, column] = 2 * queries @ gallery[column] - sum(nearest) / len(nearest)

    adaptation = fitted(drawings, artworks, axes=axes, power=power, neighbours=neighbours)
    found = adaptation(others, artworks)
    for rows in found:
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))
    scores = cosines(found)
    for row, wanted in zip(scores, expected, strict=True):
        in_order = wanted[row.argsort(descending=True)]
        assert (in_order.diff() < 1e-5).all()  # falls, but for rounding
    torch.testing.assert_close(scores * math.sqrt(10), expected, atol=1e-5, rtol=0)


def test_an_artwork_near_to_all_drawings_no_longer_comes_first() -> None:
    """What it is for: each drawing leans a little more to the last artwork than to its own."""
    gallery = torch.eye(41)
    drawings = normalize(gallery[:40] + 1.1 * gallery[40], dim=1)

    def share_of_the_hub(neighbours: int | None) -> float:
        # not centred, which alone would do away with this hub
        adaptation = adaptation_of(41, neighbours=neighbours)
        adaptation.references = drawings
        return float((cosines(adaptation(drawings, gallery)).argmax(dim=1) == 40).float().mean())

    assert share_of_the_hub(None) == 1
    assert share_of_the_hub(10) == 0


def learning(drawings: Tensor, artworks: Tensor, **changes: Any) -> tuple[Adaptation, Tensor]:
    """An adaptation that learns, and its weights."""
    adaptation = fitted(drawings, artworks, learn="axes", **changes)
    return adaptation, axis_weights(adaptation)


@pytest.mark.parametrize("axes", AXES)
def test_weights_of_zero_change_nothing(axes: Axes) -> None:
    drawings, artworks = units(30, 6), units(40, 6, seed=1)
    adaptation, weights = learning(drawings, artworks, axes=axes, power=0.5, neighbours=4)
    assert weights.requires_grad
    assert not weights.any()
    plain = fitted(drawings, artworks, axes=axes, power=0.5, neighbours=4)
    assert not list(plain.parameters())
    for one, other in zip(adaptation(drawings, artworks), plain(drawings, artworks), strict=True):
        assert torch.equal(one, other)


def test_a_weight_stretches_its_axis() -> None:
    drawings, artworks = units(30, 3), units(40, 3, seed=1)
    adaptation, weights = learning(drawings, artworks)
    with torch.no_grad():
        weights.copy_(torch.tensor([math.log(2), 0.0, -math.log(5)]))
    stretch = torch.tensor([2.0, 1.0, 0.2])
    for kind, rows in enumerate((drawings, artworks)):
        expected = normalize((rows - rows.mean(dim=0)) * stretch, dim=1)
        torch.testing.assert_close(adaptation.transform(rows, kind), expected)


@pytest.mark.parametrize("axes", AXES)
def test_training_finds_the_axes_that_tell_pairs(axes: Axes) -> None:
    """Pairs agree along the first two axes; the others, wider, are noise."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(60, 2, generator=generator)
    noise = torch.randn(2, 60, 4, generator=generator) * 3
    drawings, artworks = (torch.cat([shared, part], dim=1) for part in noise)
    adaptation, weights = learning(drawings, artworks, axes=axes)

    def score() -> Tensor:
        return (
            (adaptation.transform(drawings, 0) * adaptation.transform(artworks, 1))
            .sum(dim=1)
            .mean()
        )

    before = score().item()
    optimizer = torch.optim.SGD([weights], lr=5.0)
    for _ in range(20):
        optimizer.zero_grad()
        (-score()).backward()  # type: ignore[no-untyped-call]
        assert weights.grad is not None
        assert (weights.grad != 0).all()
        optimizer.step()
    assert score().item() > before + 0.2
    telling = slice(0, 2) if axes == "own" else slice(4, 6)  # principal axes: the widest first
    others = slice(2, 6) if axes == "own" else slice(0, 4)
    assert weights[telling].min() > weights[others].max()


@pytest.mark.parametrize("neighbours", [None, 3])
@pytest.mark.parametrize(
    ("axes", "learn"),
    [
        *(("own", learn) for learn in get_args(Learn)),
        *(("principal", learn) for learn in ("none", "axes")),
    ],
)
def test_what_is_fitted_is_part_of_the_model(
    axes: Axes, learn: Learn, neighbours: int | None
) -> None:
    drawings, artworks = units(30, 6), units(40, 6, seed=1)
    made: Any = {"axes": axes, "power": 0.5, "neighbours": neighbours, "learn": learn}
    made["parts"] = [(2, 2), (2, 1)]
    adaptation = fitted(drawings, artworks, **made)
    for weights in adaptation.parameters():
        with torch.no_grad():
            weights.add_(torch.linspace(-1, 1, weights.numel()).view_as(weights))
        adaptation.fit(drawings, artworks)
    fresh = adaptation_of(6, **made)
    fitted_before = fitted(units(7, 6, 5), artworks, **made)
    for copy in (fresh, fitted_before):  # whatever number of drawings it knew
        copy.load_state_dict(adaptation.state_dict())
        assert copy.fitted
        assert len(copy.references) == (0 if neighbours is None else 30)
        for one, other in zip(
            copy(drawings, artworks), adaptation(drawings, artworks), strict=True
        ):
            assert torch.equal(one, other)


@given(seed=st.integers(0, 1000), axes=st.sampled_from(AXES))
@settings(max_examples=15)
def test_who_belongs_to_whom_does_not_matter(seed: int, axes: Axes) -> None:
    """Drawings and artworks in any order, and so in any relation, give the same."""
    drawings, artworks = units(30, 6), units(40, 6, seed=1)
    rng = torch.Generator().manual_seed(seed)
    mixed = fitted(
        drawings[torch.randperm(30, generator=rng)],
        artworks[torch.randperm(40, generator=rng)],
        axes=axes,
        power=0.5,
        neighbours=3,
    )
    plain = fitted(drawings, artworks, axes=axes, power=0.5, neighbours=3)
    torch.testing.assert_close(mixed.means, plain.means)
    one, other = (cosines(model(drawings, artworks)) for model in (mixed, plain))
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.parametrize("axes", AXES)
def test_drawings_have_no_say_in_the_axes(axes: Axes) -> None:
    artworks = units(40, 6, seed=1)
    one, other = (fitted(units(30, 6, seed), artworks, axes=axes, power=1.0) for seed in (2, 3))
    assert torch.equal(one.transform(artworks, 1), other.transform(artworks, 1))
    assert not torch.equal(one.means[0], other.means[0])


def test_centring_brings_shifted_kinds_together() -> None:
    """What it is for: every drawing is its artwork, moved as all drawings are."""
    artworks = units(200, 16, seed=1, towards=0)
    drawings = normalize(artworks[:50] + 3 * units(1, 16, seed=2), dim=1)

    def found(drawings: Tensor, artworks: Tensor) -> float:
        best = (drawings @ artworks.T).argmax(dim=1)
        return float((best == torch.arange(50)).float().mean())

    assert found(*fitted(drawings, artworks)(drawings, artworks)) > found(drawings, artworks) + 0.2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axes": "principle"}, r"adapt\.axes=principle: did you mean principal"),
        ({"axes": "principal", "keep": 0}, r"adapt\.keep=0: at least 1 principal axis"),
        ({"axes": "principal", "keep": -1}, r"adapt\.keep=-1"),
        ({"keep": 4}, r"adapt\.keep=4: .* principal axis \(adapt\.axes\), or null"),
        ({"power": -0.1}, r"adapt\.power=-0\.1: must be a number in 0\.\.1"),
        ({"power": 1.5}, r"adapt\.power=1\.5"),
        ({"neighbours": 0}, r"adapt\.neighbours=0: at least one"),
        ({"learn": "channel"}, r"adapt\.learn=channel: did you mean channels"),
        ({"learn": "matrix", "axes": "principal"}, r"adapt\.learn=matrix: .* no channels"),
        ({"rank": 0}, r"adapt\.rank=0: must be at least 1"),
        ({"shrink": -1.0}, r"adapt\.shrink=-1\.0: must be 0 or more"),
    ],
)
def test_impossible_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        adaptation_of(8, **changes)


def test_it_says_what_it_does() -> None:
    assert adaptation_of(8).describe() == "mean of the kind subtracted"
    told = adaptation_of(
        8, axes="principal", keep=3, power=0.5, neighbours=7, learn="axes"
    ).describe()
    for part in ("mean of the kind", "3 principal axes", "sd^-0.5", "weighted", "7 neighbours"):
        assert part in told
    assert "axes scaled by sd^-1.0" in adaptation_of(8, power=1.0).describe()
