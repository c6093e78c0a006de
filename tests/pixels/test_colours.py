"""Basic colours of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drawsim.pixels.colours import FOCAL, USED, colours_of, lab, shares
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS


@pytest.mark.parametrize(
    ("rgb", "known"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),  # of sRGB's primaries under D65, as published
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_cielab_of_known_colours(rgb: tuple[int, int, int], known: tuple[float, ...]) -> None:
    np.testing.assert_allclose(lab(np.array([rgb], np.uint8))[0], known, atol=0.2)


def test_a_picture_has_its_colours_in_their_shares() -> None:
    sheet = np.full((80, 100, 3), FOCAL["white"], np.uint8)
    sheet[:, :25] = FOCAL["red"]
    sheet[:20, 25:] = FOCAL["blue"]
    found = dict(zip(FOCAL, shares(sheet), strict=True))
    assert found["red"] == pytest.approx(0.25, abs=0.02)
    assert found["blue"] == pytest.approx(0.1875, abs=0.02)
    assert sum(found.values()) == pytest.approx(1)
    assert {name for name, share in found.items() if share >= USED} == {"white", "red", "blue"}


def test_what_cannot_be_read_has_no_colours(collection_root: Path, tmp_path: Path) -> None:
    paths = [collection_root / "drawings" / "d0.png", tmp_path / "none.png"]
    found = colours_of(paths, max_pixels=DEFAULT_MAX_PIXELS, workers=1)
    assert found[0].sum() == pytest.approx(1)
    assert np.isnan(found[1]).all()
