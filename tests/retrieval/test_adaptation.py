"""Adaptation of embeddings: means, axes and their scale, and that no pair is looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.errors import UserError
from drawsim.retrieval.adaptation import Adaptation


def units(rows: int, dimensions: int, seed: int = 0, towards: float = 0.5) -> Tensor:
    """Unit rows that lean to one side, as embeddings do."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(rows, dimensions, generator=generator)
    drawn[:, seed % dimensions] += towards * math.sqrt(dimensions)
    return normalize(drawn * torch.linspace(2, 0.2, dimensions), dim=1)


def fitted(
    drawings: Tensor,
    artworks: Tensor,
    keep: int | None = None,
    power: float = 0.0,
    neighbours: int | None = None,
) -> Adaptation:
    adaptation = Adaptation(drawings.shape[1], keep, power, neighbours)
    adaptation.fit(drawings, artworks)
    return adaptation


def test_centring_by_hand() -> None:
    drawings = torch.tensor([[1.0, 0.0], [0.6, 0.8]])  # mean (0.8, 0.4)
    artworks = torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])  # mean (-1/3, 0)
    adaptation = fitted(drawings, artworks)
    found = adaptation(drawings, artworks)
    half, wide, third = math.sqrt(0.2), math.hypot(1, 1 / 3), 1 / 3
    expected = (
        torch.tensor([[0.2, -0.4], [-0.2, 0.4]]) / half,
        torch.tensor([[third / wide, 1 / wide], [-1.0, 0.0], [third / wide, -1 / wide]]),
    )
    for rows, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(rows, wanted)
    assert adaptation.projection is None


def test_before_fitting_nothing_is_known() -> None:
    adaptation = Adaptation(5, None, 0.0, None)
    assert not adaptation.fitted
    rows = units(4, 5)
    for adapted in adaptation(rows, rows):
        torch.testing.assert_close(adapted, rows)
    adaptation.fit(rows, rows)
    assert adaptation.fitted


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("keep", [None, 3])
def test_axes_are_those_of_the_gallery_and_scaled_by_the_power(
    keep: int | None, power: float
) -> None:
    drawings, artworks = units(50, 8), units(400, 8, seed=1)
    adaptation = fitted(drawings, artworks, keep, power)
    if adaptation.projection is None:
        assert (keep, power) == (None, 0.0)
        return
    centred = (artworks - artworks.mean(dim=0)).double().numpy()
    # the oracle: singular values, where the code takes eigenvalues of the covariance
    spread = np.linalg.svd(centred, compute_uv=False) / math.sqrt(len(centred))
    projected = centred @ adaptation.projection.double().numpy()
    covariance = projected.T @ projected / len(centred)
    expected = np.diag(spread ** (2 - 2 * power))[:keep, :keep]
    np.testing.assert_allclose(covariance, expected, atol=1e-5 * expected.max())
    if power == 1:
        np.testing.assert_allclose(np.diag(covariance), 1, rtol=1e-4)
    for rows in adaptation(drawings, artworks):
        assert rows.shape[1] == (keep or 8)
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))


def test_axes_without_scaling_change_no_cosine() -> None:
    drawings, artworks = units(20, 6), units(50, 6, seed=1)
    turned = fitted(drawings, artworks, keep=6)
    centred = fitted(drawings, artworks)
    (a, b), (c, d) = turned(drawings, artworks), centred(drawings, artworks)
    torch.testing.assert_close(a @ b.T, c @ d.T, atol=1e-5, rtol=0)


def test_more_axes_than_there_are_is_all_of_them() -> None:
    rows = units(20, 6)
    many, all_of_them = fitted(rows, rows, keep=99, power=0.5), fitted(rows, rows, power=0.5)
    assert many.projection is not None
    assert all_of_them.projection is not None
    assert torch.equal(many.projection, all_of_them.projection)


@settings(deadline=None, max_examples=20)
@given(
    artworks=st.integers(1, 9),
    rank=st.integers(1, 4),
    power=st.sampled_from([0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_a_gallery_that_does_not_fill_the_space_gives_finite_rows(
    artworks: int, rank: int, power: float, seed: int
) -> None:
    rng = torch.Generator().manual_seed(seed)
    basis = torch.randn(rank, 12, generator=rng)
    gallery = normalize(torch.randn(artworks, rank, generator=rng) @ basis, dim=1)
    drawings = units(7, 12, seed)
    adaptation = fitted(drawings, gallery, power=power)
    assert adaptation.projection is not None
    found = adaptation(drawings, gallery)
    for rows in found:
        assert rows.isfinite().all()
        assert (rows.norm(dim=1) < 1 + 1e-5).all()
    # Nothing is blown up that the gallery does not vary along, if it varies at all.
    if artworks > 2 and rank > 1:
        used = adaptation.projection.abs().sum(dim=0) > 0
        assert int(used.sum()) <= min(rank, artworks - 1)


@settings(deadline=None, max_examples=30)
@given(
    neighbours=st.integers(1, 12),
    keep=st.sampled_from([None, 3]),
    seed=st.integers(0, 99),
)
def test_hubs_are_held_back_by_half_their_mean_cosine(
    neighbours: int, keep: int | None, seed: int
) -> None:
    drawings, artworks, others = units(9, 6, seed), units(14, 6, seed + 1), units(5, 6, seed + 2)
    plain = fitted(drawings, artworks, keep)
    references, _ = plain(drawings, artworks)
    queries, gallery = plain(others, artworks)
    expected = torch.empty(5, 14)
    for column in range(14):  # neighbours among the drawings it was fitted to, not the queries
        cosines = sorted((float(gallery[column] @ row) for row in references), reverse=True)
        nearest = cosines[:neighbours]
        r = sum(nearest) / len(nearest)
        expected[:, column] = (2 * queries @ gallery[column] - r) / 2

    found = fitted(drawings, artworks, keep, neighbours=neighbours)(others, artworks)
    for rows in found:
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))
    scores = found[0] @ found[1].T
    torch.testing.assert_close(scores * math.sqrt(2.5), expected, atol=1e-5, rtol=0)


def test_an_artwork_near_to_all_drawings_no_longer_comes_first() -> None:
    """What it is for: each drawing leans a little more to the last artwork than to its own."""
    gallery = torch.eye(41)
    drawings = normalize(gallery[:40] + 1.1 * gallery[40], dim=1)

    def share_of_the_hub(neighbours: int | None) -> float:
        # not centred, which alone would do away with this hub
        adaptation = Adaptation(41, None, 0.0, neighbours)
        adaptation.references = drawings
        a, b = adaptation(drawings, gallery)
        return float(((a @ b.T).argmax(dim=1) == 40).float().mean())

    assert share_of_the_hub(None) == 1
    assert share_of_the_hub(10) == 0


@pytest.mark.parametrize("neighbours", [None, 3])
@pytest.mark.parametrize(("keep", "power"), [(None, 0.0), (4, 0.0), (4, 0.5), (None, 1.0)])
def test_what_is_fitted_is_part_of_the_model(
    keep: int | None, power: float, neighbours: int | None
) -> None:
    drawings, artworks = units(30, 6), units(40, 6, seed=1)
    adaptation = fitted(drawings, artworks, keep, power, neighbours)
    fresh = Adaptation(6, keep, power, neighbours)
    fitted_before = fitted(units(7, 6, 5), artworks, keep, power, neighbours)
    for copy in (fresh, fitted_before):  # whatever number of drawings it knew
        copy.load_state_dict(adaptation.state_dict())
        assert copy.fitted
        for one, other in zip(
            copy(drawings, artworks), adaptation(drawings, artworks), strict=True
        ):
            assert torch.equal(one, other)


@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=15)
def test_who_belongs_to_whom_does_not_matter(seed: int) -> None:
    """Drawings and artworks in any order, and so in any relation, give the same."""
    drawings, artworks = units(30, 6), units(40, 6, seed=1)
    rng = torch.Generator().manual_seed(seed)
    mixed = fitted(
        drawings[torch.randperm(30, generator=rng)],
        artworks[torch.randperm(40, generator=rng)],
        power=0.5,
    )
    plain = fitted(drawings, artworks, power=0.5)
    torch.testing.assert_close(mixed.means, plain.means)
    for one, other in zip(mixed(drawings, artworks), plain(drawings, artworks), strict=True):
        # axes may point the other way, which no cosine shows
        torch.testing.assert_close(one @ one.T, other @ other.T, atol=1e-4, rtol=0)


def test_drawings_have_no_say_in_the_axes() -> None:
    artworks = units(40, 6, seed=1)
    one, other = (fitted(units(30, 6, seed), artworks, power=1.0) for seed in (2, 3))
    assert one.projection is not None
    assert other.projection is not None
    assert torch.equal(one.projection, other.projection)
    assert torch.equal(one.means[1], other.means[1])
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
    ("keep", "power", "neighbours", "message"),
    [
        (0, 0.5, None, r"adapt\.keep=0: at least one dimension"),
        (-1, 0.5, None, r"adapt\.keep=-1"),
        (None, -0.1, None, r"adapt\.power=-0\.1: must be a number in 0\.\.1"),
        (None, 1.5, None, r"adapt\.power=1\.5"),
        (None, 0.0, 0, r"adapt\.neighbours=0: at least one"),
    ],
)
def test_impossible_settings(
    keep: int | None, power: float, neighbours: int | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Adaptation(8, keep, power, neighbours)


def test_it_says_what_it_does() -> None:
    assert Adaptation(8, None, 0.0, None).describe() == "mean of the kind subtracted"
    told = Adaptation(8, 3, 0.5, 7).describe()
    for part in ("mean of the kind", "3 principal axes", "sd^-0.5", "7 neighbours"):
        assert part in told
