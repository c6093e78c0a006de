"""Decorrelation of channels that cells share, against numpy's own covariance and plain algebra."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation
from drawsim.models.decorrelation import Decorrelation, covariance

PARTS = [(3, 4), (5, 1), (2, 9)]
WIDTH = 3 * 4 + 5 + 2 * 9


def kinds(
    seed: int = 0, drawings: int = 60, artworks: int = 90
) -> tuple[torch.Tensor, torch.Tensor]:
    """Centred rows whose channels are correlated."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(WIDTH, WIDTH, generator=generator)
    rows = [torch.randn(n, WIDTH, generator=generator) @ mix for n in (drawings, artworks)]
    return rows[0] - rows[0].mean(dim=0), rows[1] - rows[1].mean(dim=0)


def by_cells(rows: torch.Tensor, start: int, channels: int, cells: int) -> np.ndarray:
    """(B * cells, c) of one part, by explicit loops over its axes."""
    values = rows.double().numpy()
    return np.array(
        [
            [row[start + channel * cells + cell] for channel in range(channels)]
            for row in values
            for cell in range(cells)
        ]
    )


def test_a_covariance_is_that_over_all_cells() -> None:
    rows, _ = kinds()
    listed = by_cells(rows, 0, 3, 4)
    expected = listed.T @ listed / len(listed)
    assert np.allclose(covariance(rows[:, :12], 3).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(("start", "channels", "cells"), [(0, 3, 4), (17, 2, 9)])
def test_whitened_cells_of_both_kinds_have_no_covariance(
    start: int, channels: int, cells: int
) -> None:
    drawings, artworks = kinds()
    whitening = Decorrelation(PARTS, 1.0)
    whitening.fit(drawings, artworks)
    total = np.zeros((channels, channels))
    for rows in (drawings, artworks):
        listed = by_cells(whitening(rows), start, channels, cells)
        total += listed.T @ listed / len(listed)
    assert np.allclose(total, total[0, 0] * np.eye(channels), atol=1e-5 * total[0, 0])


def test_half_of_it_twice_is_the_whole() -> None:
    drawings, artworks = kinds()
    half, whole = Decorrelation(PARTS, 0.5), Decorrelation(PARTS, 1.0)
    half.fit(drawings, artworks)
    whole.fit(drawings, artworks)
    twice, once = half(half(artworks))[:, :12], whole(artworks)[:, :12]
    ratio = float((twice * once).sum() / once.square().sum())
    assert torch.allclose(twice, once * ratio, rtol=1e-3, atol=1e-5)


def test_parts_have_one_length_in_the_mean_and_one_without_cells_stays() -> None:
    drawings, artworks = kinds()
    half = Decorrelation(PARTS, 0.5)
    half.fit(drawings, artworks)
    mixed = half(artworks)
    for part in (mixed[:, :12], mixed[:, 17:]):
        assert float(part.square().sum(dim=1).mean()) == pytest.approx(1, rel=1e-4)
    assert torch.equal(mixed[:, 12:17], artworks[:, 12:17])


def test_channels_that_never_vary_do_no_harm() -> None:
    drawings, artworks = kinds()
    for rows in (drawings, artworks):
        rows[:, 4:8] = 0
    half = Decorrelation(PARTS, 0.5)
    half.fit(drawings, artworks)
    mixed = half(artworks)
    assert torch.isfinite(mixed).all()
    assert float(mixed[:, 4:8].abs().max()) < 1e-5


def test_an_adaptation_has_it_in_its_weights() -> None:
    drawings, artworks = kinds()
    settings = {"axes": "own", "keep": None, "power": 0.5, "neighbours": 3, "learn": "none"}
    first = Adaptation(WIDTH, **settings, decorrelate=0.5, parts=PARTS)  # type: ignore[arg-type]
    first.fit(drawings, artworks)
    second = Adaptation(WIDTH, **settings, decorrelate=0.5, parts=PARTS)  # type: ignore[arg-type]
    second.load_state_dict(first.state_dict())
    for one, other in zip(first(drawings, artworks), second(drawings, artworks), strict=True):
        assert torch.equal(one, other)
    assert "channels decorrelated by C^-0.25" in first.describe()
    pooled = Adaptation(WIDTH, **settings, decorrelate=0.5)  # type: ignore[arg-type]
    assert "decorrelated" not in pooled.describe()


def test_out_of_bounds_is_a_line() -> None:
    with pytest.raises(UserError, match=r"adapt\.decorrelate"):
        Decorrelation(PARTS, 1.5)
    with pytest.raises(UserError, match="principal axes have no channels"):
        Adaptation(
            4,
            axes="principal",
            keep=None,
            power=0.5,
            neighbours=None,
            learn="none",
            decorrelate=0.5,
        )


def test_without_a_drawing_the_artworks_stand_for_both() -> None:
    _, artworks = kinds()
    settings = {"axes": "own", "keep": None, "power": 0.5, "neighbours": 3, "learn": "none"}
    adaptation = Adaptation(WIDTH, **settings, decorrelate=0.5, parts=PARTS)  # type: ignore[arg-type]
    adaptation.fit(artworks[:0], artworks)
    drawings, found = adaptation(artworks[:2], artworks)
    assert torch.isfinite(found).all()
    assert torch.allclose(drawings, found[:2], atol=1e-6)
