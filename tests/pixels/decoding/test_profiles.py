"""Embedded colour profiles count: the colours are those of closed forms."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from drawsim.pixels.decode import decode, read_image
from drawsim.pixels.decoding import profiles
from drawsim.pixels.decoding.profiles import BROKEN, to_srgb
from drawsim.pixels.decoding.wanted import Wanted
from drawsim.pixels.formats import FORMATS
from tests.pixels.decoding.files import (
    ADOBE,
    gray_profile,
    ink_profile,
    matrix_profile,
    page,
    tiff,
)

COLOURS = np.random.default_rng(1).integers(60, 190, (6, 9, 3), np.uint8)
TO_SRGB = np.array(  # linear sRGB of XYZ under D50
    [
        [3.1341359, -1.6173924, -0.4906619],
        [-0.9787955, 1.9162543, 0.0334427],
        [0.0719550, -0.2289769, 1.4053861],
    ]
)


def encoded(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    light = np.clip(linear, 0, 1)
    return 255 * np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)


def of_lights(pixels: np.ndarray) -> np.ndarray:
    """sRGB of the lights and the gamma of the profile that is made for tests."""
    return encoded((pixels / 255) ** 2.19921875 @ np.array(ADOBE) @ TO_SRGB.T)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jp2", "avif", "heic", "jxl"])
def test_in_every_format(tmp_path: Path, suffix: str) -> None:
    format_ = next(one for one in FORMATS if f".{suffix}" in one.endings)
    if format_.module:
        getattr(import_module(format_.module), "register_heif_opener", lambda: None)()
    options: dict[str, dict[str, object]] = {
        "webp": {"lossless": True},
        "jxl": {"lossless": True},
        "avif": {"quality": 100, "subsampling": "4:4:4"},
        "heic": {"quality": -1, "chroma": 444},
    }
    large = np.repeat(np.repeat(COLOURS, 16, axis=0), 16, axis=1)
    path = tmp_path / "x"
    Image.fromarray(large).save(
        path,
        format_.pillow,
        icc_profile=b"" if suffix in ("jp2", "jxl") else matrix_profile(),
        **options.get(suffix, {}),
    )
    expected = large if suffix in ("jp2", "jxl") else of_lights(large)  # Pillow writes none there
    picture = decode(path, Wanted())
    assert np.abs(picture.pixels - expected).mean() < 1.5
    assert picture.notes == ()
    assert np.abs(read_image(path, profiles=False) - large.astype(int)).mean() < 1.5


def test_the_colours_of_16_bits(tmp_path: Path) -> None:
    samples = COLOURS.astype(np.uint16) * 257
    data = tiff(page(samples, 2, tags={34675: matrix_profile()}))
    (tmp_path / "x.tif").write_bytes(data)
    assert np.abs(read_image(tmp_path / "x.tif") - of_lights(COLOURS)).max() <= 1.5


def test_gray_profiles(tmp_path: Path) -> None:
    gray = np.arange(256, dtype=np.uint8)[None]
    expected = encoded((gray / 255) ** 1.796875)
    for name in ("x.png", "x.tif"):
        Image.fromarray(gray).save(tmp_path / name, icc_profile=gray_profile(1.796875))
        image = read_image(tmp_path / name)
        assert np.abs(image - expected[:, :, None]).max() <= 1.5


def test_inks_with_a_profile(tmp_path: Path) -> None:
    """Full inks have the colours that the profile says, and no others."""
    rng = np.random.default_rng(6)
    lab = np.round(rng.uniform([35, -20, -20], [85, 20, 20], (2, 2, 2, 2, 3)))
    lab[0, 0, 0, 0] = 100, 0, 0  # paper
    lab[..., 1, :] = 0  # black ink, to which black is fitted
    inks = np.stack(np.meshgrid(*[[0, 255]] * 4, indexing="ij"), axis=-1).astype(np.uint8)
    picture = Image.fromarray(inks.reshape(4, 4, 4), "CMYK")
    picture.save(tmp_path / "x.tif", icc_profile=ink_profile(lab))
    y = (lab[..., 0] + 16) / 116
    three = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    linear = np.where(three > 6 / 29, three**3, 3 * (6 / 29) ** 2 * (three - 4 / 29))
    expected = encoded(linear * [0.9642, 1, 0.8249] @ TO_SRGB.T).reshape(4, 4, 3)
    assert np.abs(read_image(tmp_path / "x.tif") - expected).max() <= 3


def test_srgb_costs_nothing() -> None:
    """The pixels come back as they are, not even copied; also of a profile in other words."""
    primaries = np.linalg.inv(TO_SRGB).T
    for profile in (SRGB, matrix_profile(primaries.tolist(), gamma=2.2)):
        same, note = to_srgb(COLOURS, "RGB", profile)
        assert note is None
        assert (same is COLOURS) == (profile is SRGB)
    gray, _ = to_srgb(COLOURS[:, :, 0], "L", SRGB)
    assert gray.ndim == 2


@pytest.mark.parametrize(
    ("profile", "note"),
    [
        (b"no profile at all", BROKEN),
        (matrix_profile()[:200], BROKEN),
        (gray_profile(1.8), "its colour profile is for GRAY, the image is RGB: ignored"),
        (ink_profile(np.zeros((2, 2, 2, 2, 3))), "its colour profile is for CMYK"),
    ],
)
def test_a_profile_that_does_not_fit_is_ignored_and_said(
    tmp_path: Path, profile: bytes, note: str
) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "x.png", icc_profile=profile)
    picture = decode(tmp_path / "x.png", Wanted())
    assert np.array_equal(picture.pixels, COLOURS)
    assert any(said.startswith(note) for said in picture.notes)


def test_a_profile_is_understood_once(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles._transform.cache_clear()
    built = []
    build = ImageCms.buildTransform

    def counted(*given: Any, **options: Any) -> Any:
        built.append(1)
        return build(*given, **options)

    monkeypatch.setattr(ImageCms, "buildTransform", counted)
    for _ in range(3):
        to_srgb(COLOURS, "RGB", matrix_profile())
    assert len(built) == 1


def test_the_shared_case(shared_cases: Path) -> None:
    folder = shared_cases / "images"
    right = read_image(folder / "right_soft.png").astype(int)
    assert np.abs(read_image(folder / "wide_gamut.jpg") - right).mean() < 2
    assert np.abs(read_image(folder / "wide_gamut.jpg", profiles=False) - right).mean() > 5


def test_jpeg_at_reduced_size(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    large = np.full((64, 64, 3), (90, 150, 120), np.uint8)
    Image.fromarray(large).save(buffer, "JPEG", quality=98, icc_profile=matrix_profile())
    (tmp_path / "x.jpg").write_bytes(buffer.getvalue())
    image = read_image(tmp_path / "x.jpg", min_size=8)
    assert image.shape == (8, 8, 3)
    assert np.abs(image - of_lights(large[:8, :8])).max() <= 3
