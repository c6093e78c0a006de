"""TIFF of every kind shows the colours that went in: closed forms, and files written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from PIL import Image

from drawsim.pixels.decode import ImageReadError, read_image
from tests.pixels.decoding.files import (
    BITS,
    COLOURS,
    COMPRESSION,
    EXTRA,
    FORMAT,
    IFD,
    PHOTOMETRIC,
    ROWS,
    packed,
    page,
    tags_of,
    tiff,
)

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
COLOUR = np.random.default_rng(5).integers(0, 256, (7, 13, 3), np.uint8)
GRAY = COLOUR[:, :, :1]
ALPHA = np.array([0, 51, 255], np.uint8)[np.arange(7 * 13) % 3].reshape(7, 13, 1)


def shades(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray, 3, axis=2)


def of_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """8-bit levels as numbers of more or fewer bits, as exactly as these can say."""
    return np.round(values.astype(float) * (2**bits - 1) / 255).astype(np.uint32)


def bits_page(values: np.ndarray, bits: int, photometric: int, **tags: Any) -> IFD:
    height, width, channels = values.shape
    told = tags_of((width, height), channels, bits, photometric, height)
    return IFD(told | {int(k[1:]): v for k, v in tags.items()}, [packed(values, bits)])


def lab(lightness: float, a: float, b: float, scale: tuple[float, float], offset: int) -> list[int]:
    return [round(lightness * scale[0]), *(round((c + offset) * scale[1]) for c in (a, b))]


SHOWN = np.array([[(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (255, 255, 255)]])
LABS = [
    *((54.29, 80.80, 69.89), (87.82, -79.27, 80.99), (29.57, 68.30, -112.03)),
    *((53.59, 0, 0), (100, 0, 0)),
]
"""L*a*b* under D50 of these sRGB colours, as Lindbloom's calculator has them."""


def lab_page(photometric: int, bits: int) -> IFD:
    dtype = np.dtype(f"u{bits // 8}")
    if photometric == CIELAB:
        scale = (255 / 100, 1) if bits == 8 else (65535 / 100, 256)
        values = [[lab(*one, scale, 0) for one in LABS]]
        return page((np.array(values) % 2**bits).astype(dtype), CIELAB)
    scale = (255 / 100, 1) if bits == 8 else (65280 / 100, 256)
    return page(np.array([[lab(*one, scale, 128) for one in LABS]]).astype(dtype), ICCLAB)


def table(bits: int, of_16: bool) -> list[int]:
    colours = np.random.default_rng(2).integers(0, 256, (2**bits, 3))
    return [int(value) for value in (colours * (257 if of_16 else 1)).T.ravel()]


def looked_up(index: np.ndarray, bits: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (2**bits, 3))[index[:, :, 0]]


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha / 255
    return colour * share + 255 * (1 - share)


NIBBLES = GRAY // 16
MULTIPLIED = np.round(COLOUR * (ALPHA / 255)).astype(np.uint8)
INK = np.random.default_rng(8).integers(0, 256, (7, 13, 4), np.uint8)
INKED = (1 - INK[:, :, :3] / 255) * (1 - INK[:, :, 3:] / 255) * 255
TWICE = COLOUR.astype(np.uint16) * 257

CASES: dict[str, tuple[bytes, np.ndarray, float]] = {
    "big-endian, planes, strips": (
        tiff(page(COLOUR, RGB, order=">", rows=3, planar=True), order=">"),
        COLOUR,
        0,
    ),
    "16 bits, planes": (tiff(page(TWICE, RGB, planar=True)), COLOUR, 0),
    "16 bits, big-endian, BigTIFF": (
        tiff(page(TWICE, RGB, order=">", rows=2), order=">", big=True),
        COLOUR,
        0,
    ),
    "white is zero": (tiff(page(GRAY, WHITE_IS_ZERO)), shades(255 - GRAY), 0),
    "white is zero, 16 bits": (
        tiff(page(GRAY.astype(np.uint16) * 257, WHITE_IS_ZERO)),
        shades(255 - GRAY),
        0,
    ),
    "white is zero, 4 bits": (
        tiff(bits_page(NIBBLES, 4, WHITE_IS_ZERO)),
        shades(255 - NIBBLES * 17),
        0,
    ),
    "1 bit, white is zero": (
        tiff(bits_page(GRAY >> 7, 1, WHITE_IS_ZERO)),
        shades(255 - (GRAY >> 7) * 255),
        0,
    ),
    "2 bits": (tiff(bits_page(GRAY >> 6, 2, BLACK_IS_ZERO)), shades((GRAY >> 6) * 85), 0),
    "12 bits": (tiff(bits_page(of_bits(GRAY, 12), 12, BLACK_IS_ZERO)), shades(GRAY), 0),
    "12 bits, RGB": (tiff(bits_page(of_bits(COLOUR, 12), 12, RGB)), COLOUR, 0),
    "10 bits, RGB": (tiff(bits_page(of_bits(COLOUR, 10), 10, RGB)), COLOUR, 0),
    "unsigned 32 bits, RGB": (
        tiff(page(COLOUR.astype(np.uint32) * 16843009, RGB)),
        COLOUR,
        0,
    ),
    "unsigned 32 bits that hold 16": (
        tiff(page(np.maximum(TWICE[:, :, :1], 256).astype(np.uint32), BLACK_IS_ZERO)),
        shades(np.maximum(GRAY, 1)),
        0,
    ),
    "signed 16 bits": (
        tiff(page((GRAY.astype(np.int16) * 128 + GRAY // 2), BLACK_IS_ZERO)),
        shades(GRAY),
        1,
    ),
    "half floats, RGB": (tiff(page((COLOUR / 255).astype(np.float16), RGB)), COLOUR, 0),
    "floats, big-endian, planes": (
        tiff(page((COLOUR / 255).astype(np.float32), RGB, order=">", planar=True), order=">"),
        COLOUR,
        0,
    ),
    "doubles to 65535": (tiff(page(TWICE.astype(np.float64), RGB)), COLOUR, 0),
    "numbered colours": (
        tiff(page(GRAY, PALETTE, tags={COLOURS: table(8, True)})),
        looked_up(GRAY, 8),
        0,
    ),
    "numbered colours, 4 bits": (
        tiff(bits_page(NIBBLES, 4, PALETTE, t320=table(4, True))),
        looked_up(NIBBLES, 4),
        0,
    ),
    "numbered colours of a writer that knew no 16 bits": (
        tiff(page(GRAY, PALETTE, tags={COLOURS: table(8, False)})),
        looked_up(GRAY, 8),
        0,
    ),
    "CIE L*a*b*": (tiff(lab_page(CIELAB, 8)), SHOWN, 9),
    "CIE L*a*b*, 16 bits": (tiff(lab_page(CIELAB, 16)), SHOWN, 1),
    "ICC L*a*b*": (tiff(lab_page(ICCLAB, 8)), SHOWN, 9),
    "ICC L*a*b*, 16 bits": (tiff(lab_page(ICCLAB, 16)), SHOWN, 1),
    "inks": (tiff(page(INK, INKS)), INKED, 1.5),
    "inks, 16 bits, planes": (tiff(page(INK.astype(np.uint16) * 257, INKS, planar=True)), INKED, 2),
    "alpha": (
        tiff(page(np.dstack([COLOUR, ALPHA]), RGB, extra=[2])),
        over_white(COLOUR, ALPHA),
        1,
    ),
    "alpha, 16 bits, big-endian": (
        tiff(
            page(np.dstack([TWICE, ALPHA * np.uint16(257)]), RGB, extra=[2], order=">"), order=">"
        ),
        over_white(COLOUR, ALPHA),
        1,
    ),
    "multiplied by alpha": (
        tiff(page(np.dstack([MULTIPLIED, ALPHA]), RGB, extra=[1])),
        over_white(COLOUR, ALPHA),
        1,
    ),
    "gray with alpha, floats": (
        tiff(page(np.dstack([GRAY, ALPHA]).astype(np.float32) / 255, BLACK_IS_ZERO, extra=[2])),
        over_white(shades(GRAY), ALPHA),
        1,
    ),
    "a channel that is no colour": (
        tiff(page(np.dstack([COLOUR, GRAY]), RGB, extra=[0])),
        COLOUR,
        0,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_right_colours(tmp_path: Path, name: str) -> None:
    data, expected, tolerance = CASES[name]
    (tmp_path / "x").write_bytes(data)
    image = read_image(tmp_path / "x")
    assert image.shape == expected.shape
    assert np.abs(image - expected.astype(float)).max() <= tolerance + 0.5


@pytest.mark.parametrize("sub", [(1, 1), (2, 2), (2, 1)])
def test_luminance_and_chroma_without_jpeg(tmp_path: Path, sub: tuple[int, int]) -> None:
    """Cells of across × down luminances, then both chromas (TIFF 6.0, section 21)."""
    across, down = sub
    luminance = np.random.default_rng(3).integers(60, 190, (8, 12))
    blue, red = np.random.default_rng(4).integers(90, 160, (2, 8 // down, 12 // across))
    cells = luminance.reshape(8 // down, down, 12 // across, across).swapaxes(1, 2)
    flat = cells.reshape(8 // down, 12 // across, -1)
    data = np.concatenate([flat, blue[..., None], red[..., None]], axis=2).astype(np.uint8)
    tags = tags_of((12, 8), 3, 8, YCBCR, 8) | {530: list(sub)}
    (tmp_path / "x.tif").write_bytes(tiff(IFD(tags, [data.tobytes()])))
    cb, cr = (np.kron(part, np.ones((down, across))) - 128 for part in (blue, red))
    expected = np.stack(
        [luminance + 1.402 * cr, luminance - 0.344136 * cb - 0.714136 * cr, luminance + 1.772 * cb],
        axis=-1,
    )
    image = read_image(tmp_path / "x.tif")
    assert np.abs(image - np.clip(expected, 0, 255)).max() <= 2


@pytest.mark.parametrize(
    "compression", ["lzw", "deflate", "packbits", "zstd", "lzma", "lerc", "jpeg2000", "jpegxl"]
)
@pytest.mark.parametrize("predictor", [False, True])
def test_compressions_that_lose_nothing(tmp_path: Path, compression: str, predictor: bool) -> None:
    if predictor and compression not in ("lzw", "deflate", "zstd"):
        return
    path = tmp_path / "x.tif"
    large = np.tile(COLOUR, (9, 5, 1))
    options = {"compressionargs": {"level": 0}} if compression == "jpeg2000" else {}
    tifffile.imwrite(
        path,
        large,
        photometric="rgb",
        compression=compression,
        predictor=predictor,
        tile=(32, 48),
        **options,  # type: ignore[arg-type]
    )
    assert np.array_equal(read_image(path), large)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax(tmp_path: Path, compression: str) -> None:
    bits = np.indices((40, 70)).sum(0) % 7 < 3
    Image.fromarray(bits).save(tmp_path / "x.tif", compression=compression)
    if Version(tifffile.__version__) < Version("2026.1.14"):  # which reads none, as on Python 3.10
        with pytest.raises(ImageReadError, match=r"is compressed with CCITT.*: not read"):
            read_image(tmp_path / "x.tif")
        return
    assert np.array_equal(read_image(tmp_path / "x.tif")[:, :, 0], bits * np.uint8(255))


@pytest.mark.parametrize("mode", ["RGB", "YCbCr", "L", "CMYK"])
def test_jpeg_in_tiff(tmp_path: Path, mode: str) -> None:
    soft = Image.fromarray(COLOUR).resize((90, 64), Image.Resampling.BICUBIC)
    soft.convert(mode).save(tmp_path / "x.tif", compression="jpeg", quality=98)
    expected = np.asarray(soft.convert(mode).convert("RGB")).astype(int)
    assert np.abs(read_image(tmp_path / "x.tif") - expected).mean() < 3


PLAIN = page(COLOUR, RGB)
REFUSED: dict[str, tuple[IFD, str]] = {
    "CFA": (page(GRAY, 32803), r"raw data \(photometric CFA\): develop it"),
    "LogLuv": (page(COLOUR, 32845), r"photometric interpretation LOGLUV: not read; save it as"),
    "photometric": (page(COLOUR, 777), r"photometric interpretation .*777: not read"),
    "JBIG": (
        IFD(PLAIN.tags | {COMPRESSION: 34661}, PLAIN.strips),
        r"is compressed with JBIG: not read",
    ),
    "compression": (
        IFD(PLAIN.tags | {COMPRESSION: 777}, PLAIN.strips),
        r"is compressed with number 777: not read",
    ),
    "complex": (
        IFD(PLAIN.tags | {FORMAT: [6] * 3, BITS: [64] * 3}, [COLOUR.tobytes() * 8]),
        r"samples of 64 bits in sample format COMPLEXIEEEFP: not read",
    ),
    "unequal bits": (
        IFD(PLAIN.tags | {BITS: [8, 8, 4]}, PLAIN.strips),
        r"samples of 8 \+ 8 \+ 4 bits",
    ),
    "other inks": (page(INK, INKS, tags={332: 2}), r"inks other than cyan"),
    "too few channels": (page(GRAY, RGB), r"has 1 channels where its colours need 3"),
    "volume": (IFD(PLAIN.tags | {32997: 3}, PLAIN.strips * 3), r"a volume of 3 layers"),
    "a strip missing": (IFD(PLAIN.tags | {ROWS: 4}, PLAIN.strips), r"cannot be decoded"),
    "a strip cut short": (IFD(PLAIN.tags, [PLAIN.strips[0][:99]]), r"cannot be decoded"),
    "no size": (IFD(PLAIN.tags | {257: 0}, PLAIN.strips), r"has no page with pixels"),
    "no table": (IFD(page(GRAY, RGB).tags | {PHOTOMETRIC: PALETTE}, [GRAY.tobytes()]), "table"),
    "alpha among colours": (
        IFD(PLAIN.tags | {EXTRA: [2]}, PLAIN.strips),
        "counts a channel as colour and as transparency",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_true_reason(tmp_path: Path, name: str) -> None:
    one, reason = REFUSED[name]
    (tmp_path / "x.tif").write_bytes(tiff(one))
    with pytest.raises(ImageReadError, match=reason) as caught:
        read_image(tmp_path / "x.tif")
    assert "\n" not in str(caught.value)


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 9),
    st.sampled_from(["<", ">"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 2]),
)
def test_any_layout_holds_the_same_picture(
    tmp_path_factory: pytest.TempPathFactory,
    width: int,
    height: int,
    rows: int,
    order: Literal["<", ">"],
    planar: bool,
    big: bool,
    size: int,
) -> None:
    colour = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    samples = colour if size == 1 else colour.astype(np.uint16) * 257
    one = page(samples, RGB, order=order, rows=min(rows, height), planar=planar)
    path = tmp_path_factory.getbasetemp() / "layout.tif"
    path.write_bytes(tiff(one, order=order, big=big))
    assert np.array_equal(read_image(path), colour)
