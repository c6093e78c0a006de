"""Images of too many pixels come smaller, by areas averaged, and are never in memory as a whole."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drawsim.pixels.decode import ImageReadError, decode, read_image
from drawsim.pixels.decoding import png_rows, tiff_samples
from drawsim.pixels.decoding.shrinking import shrink_rows
from drawsim.pixels.decoding.wanted import Wanted
from tests.pixels.decoding.files import page, tiff

SMALL_STEPS = 4096


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many steps for small images."""
    monkeypatch.setattr(png_rows, "_AT_ONCE", SMALL_STEPS)
    monkeypatch.setattr(tiff_samples, "_AT_ONCE", SMALL_STEPS)


def soft(width: int, height: int) -> np.ndarray:
    small = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))


def means(image: np.ndarray, factor: int) -> np.ndarray:
    """Means of squares; the last ones of what is left, as if its edge went on."""
    below, right = -image.shape[0] % factor, -image.shape[1] % factor
    full = np.pad(image.astype(float), ((0, below), (0, right), (0, 0)), mode="edge")
    rows, columns, channels = full.shape
    cells = full.reshape(rows // factor, factor, columns // factor, factor, channels)
    return cells.mean(axis=(1, 3))


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 9),
    st.lists(st.integers(1, 12), min_size=1, max_size=40),
    st.sampled_from([np.uint8, np.uint16, np.float32]),
)
def test_blocks_of_any_height_give_the_same_means(
    width: int, height: int, factor: int, cuts: list[int], dtype: type
) -> None:
    whole = np.random.default_rng(width).integers(0, 256, (height, width, 3))
    image: np.ndarray = whole.astype(dtype)
    ends = [end for end in np.cumsum(cuts) if end < height]
    blocks = np.split(image, ends)
    small = shrink_rows(blocks, width, height, factor)
    assert small.dtype == dtype
    assert np.abs(small - means(image, factor)).max() <= 0.51


LARGE = soft(230, 170)
LIMIT = 230 * 170 // 4 - 1  # a third of each side is the most that fits


def written(name: str) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(LARGE)
    kind, _, how = name.partition(" ")
    if kind == "png":
        converted = image.quantize(64) if how == "P" else image.convert(how)
        converted.save(buffer, "PNG")
    elif how == "planes":
        return tiff(page(LARGE, 2, rows=7, planar=True))
    elif how == "16 bits, one strip":
        return tiff(page(LARGE.astype(np.uint16) * 257, 2))
    elif how == "floats":
        return tiff(page((LARGE / 255).astype(np.float32), 2, rows=11))
    else:
        options = {"tiles": {"tile": (32, 48)}, "strips": {"rowsperstrip": 5}}[how]
        tifffile.imwrite(buffer, LARGE, photometric="rgb", compression="lzw", **options)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        *("png RGB", "png L", "png RGBA", "png LA", "png P", "png 1", "png I;16"),
        *("tiff planes", "tiff 16 bits, one strip", "tiff floats", "tiff tiles", "tiff strips"),
    ],
)
def test_areas_are_averaged(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(written(name))
    whole = read_image(path)
    picture = decode(path, Wanted(max_pixels=LIMIT))
    assert (picture.width, picture.height) == (230, 170)
    assert picture.notes[0] == "was decoded at reduced size"
    assert np.abs(picture.pixels - means(whole, 3)).max() <= 1
    eighth = decode(path, Wanted(min_size=20, max_pixels=LIMIT))
    assert eighth.pixels.shape == (22, 29, 3)
    with pytest.raises(ImageReadError, match=r"more than data\.max_pixels=9775 allows; raise"):
        decode(path, Wanted(max_pixels=9775, reduced=False))
    with pytest.raises(ImageReadError, match=r"more than data\.max_pixels=4000 allows"):
        decode(path, Wanted(max_pixels=4000))


@pytest.mark.parametrize("kind", ["JPEG", "JPEG2000"])
def test_formats_with_steps_of_their_own(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    Image.fromarray(LARGE).save(path, kind)
    picture = decode(path, Wanted(max_pixels=LIMIT))
    assert picture.pixels.shape == (43, 58, 3)
    assert (picture.width, picture.height) == (230, 170)
    assert np.abs(picture.pixels - means(LARGE, 4)).mean() < 6


def test_16_bits_of_colour_in_png(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), LARGE[:, :, ::-1].astype(np.uint16) * 257)
    image = read_image(tmp_path / "x.png", max_pixels=LIMIT)
    assert np.abs(image - means(LARGE, 3)).max() <= 1


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("WEBP", {}, "WebP cannot be decoded at reduced size: save it as JPEG, PNG or TIFF"),
        ("GIF", {}, "GIF cannot be decoded at reduced size"),
        ("JPEG", {"progressive": True}, "a progressive JPEG cannot .*`jpegtran -outfile"),
    ],
)
def test_what_cannot_be_reduced_says_why(
    tmp_path: Path, kind: str, options: dict[str, bool], why: str
) -> None:
    path = tmp_path / "x"
    Image.fromarray(LARGE).save(path, kind, **options)
    with pytest.raises(ImageReadError, match=why):
        read_image(path, max_pixels=LIMIT)


def test_strips_that_are_too_large_say_how_to_make_small_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_samples, "_SEGMENT_LEAST", 0)
    tifffile.imwrite(
        tmp_path / "x.tif", LARGE, photometric="rgb", compression="lzw", rowsperstrip=170
    )
    with pytest.raises(ImageReadError, match=r"strips of 170 rows .*`tiffcp -r 64"):
        read_image(tmp_path / "x.tif", max_pixels=LIMIT)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_an_orientation_and_a_cut(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(LARGE).save(path, exif=exif, compression="tiff_lzw")
    picture = decode(path, Wanted(max_pixels=LIMIT))
    assert (picture.width, picture.height) == (170, 230)
    assert picture.pixels.shape[0] > picture.pixels.shape[1]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageReadError, match="truncated"):
        decode(path, Wanted(max_pixels=LIMIT))


@pytest.mark.parametrize("name", ["png RGB", "tiff one strip", "tiff strips"])
def test_memory_is_bounded(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than half of the 4.3 MB that the pixels have.

    What other threads of this process take meanwhile is counted too.
    """
    monkeypatch.setattr(png_rows, "_AT_ONCE", 1 << 16)
    path = tmp_path / "x"
    large = soft(1200, 1200)
    if name.startswith("png"):
        Image.fromarray(large).save(path, "PNG", compress_level=1)
    else:
        options = {} if "one" in name else {"compression": "deflate", "rowsperstrip": 8}
        tifffile.imwrite(path, large, photometric="rgb", **options)  # type: ignore[arg-type]
    read_image(path, 1, 1200 * 300)  # imports
    tracemalloc.start()
    try:
        assert read_image(path, 1, 1200 * 300).shape == (150, 150, 3)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
