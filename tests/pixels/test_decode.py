"""Reading images: every kind of file shows the colours that went in, and every fault is named."""

from __future__ import annotations

import io
import os
import pickle
import threading
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from drawsim.pixels.decode import DEFAULT_MAX_PIXELS, ImageReadError, read_image

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")

RED, GREEN, BLUE, WHITE = (220, 30, 20), (10, 180, 60), (30, 40, 200), (255, 255, 255)


def four_colours(width: int = 64, height: int = 32) -> np.ndarray:
    """Quarters: red and green above, blue and white below."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = RED
    image[: height // 2, width // 2 :] = GREEN
    image[height // 2 :, : width // 2] = BLUE
    image[height // 2 :, width // 2 :] = WHITE
    return image


def smooth(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Soft random colours: survive JPEG well, and no two corners are alike."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def jpeg(image: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", **{"quality": 95} | options)
    return buffer.getvalue()


def assert_colours(image: np.ndarray, tolerance: int, **expected: tuple[int, int, int]) -> None:
    """`expected`: nw, ne, sw, se -> the colour at the middle of that quarter."""
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous
    assert image.flags.writeable
    height, width = image.shape[:2]
    for corner, colour in expected.items():
        y = height // 4 if corner[0] == "n" else 3 * height // 4
        x = width // 4 if corner[1] == "w" else 3 * width // 4
        assert np.abs(image[y, x].astype(int) - colour).max() <= tolerance, corner


@pytest.mark.parametrize(
    ("suffix", "options", "tolerance"),
    [
        ("jpg", {"quality": 95}, 4),
        ("jpg", {"quality": 95, "progressive": True}, 4),
        ("jpg", {"quality": 95, "keep_rgb": True}, 4),
        ("png", {}, 0),
        ("bmp", {}, 0),
        ("tif", {"compression": "tiff_lzw"}, 0),
        ("webp", {"lossless": True}, 0),
    ],
)
def test_rgb_in_every_format(
    tmp_path: Path, suffix: str, options: dict[str, object], tolerance: int
) -> None:
    path = save(Image.fromarray(four_colours()), tmp_path / f"x.{suffix}", **options)
    image = read_image(path)
    assert image.shape == (32, 64, 3)
    assert_colours(image, tolerance, nw=RED, ne=GREEN, sw=BLUE, se=WHITE)


def test_cmyk_jpeg(tmp_path: Path) -> None:
    picture = Image.fromarray(four_colours()).convert("CMYK")
    path = save(picture, tmp_path / "x.jpg", quality=95)
    assert_colours(read_image(path), 8, nw=RED, ne=GREEN, sw=BLUE, se=WHITE)
    half = read_image(path, min_size=16)
    assert half.shape == (16, 32, 3)
    assert_colours(half, 8, nw=RED, ne=GREEN, sw=BLUE, se=WHITE)


def test_ycck_jpeg(tmp_path: Path) -> None:
    """Inks turned into luminance and chroma, and the Adobe marker's last byte (2) says so."""
    cyan, magenta, yellow, black = Image.fromarray(four_colours()).convert("CMYK").split()
    turned = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    # Pillow writes every plane inverted; these three are to stand in the file as they are.
    planes = [plane.point(lambda value: 255 - value) for plane in turned]
    path = save(Image.merge("CMYK", (*planes, black)), tmp_path / "x.jpg", quality=95)
    data = bytearray(path.read_bytes())
    last_byte = data.index(b"Adobe") + 11
    assert data[last_byte] == 0
    data[last_byte] = 2
    path.write_bytes(data)
    assert_colours(read_image(path), 8, nw=RED, ne=GREEN, sw=BLUE, se=WHITE)


def test_gray_jpeg_and_gray_with_alpha(tmp_path: Path) -> None:
    gray = np.repeat(np.array([[40, 200]], np.uint8), 32, axis=1).repeat(32, axis=0)
    path = save(Image.fromarray(gray), tmp_path / "x.jpg")
    assert_colours(read_image(path), 3, nw=(40, 40, 40), ne=(200, 200, 200))
    alpha = np.full_like(gray, 255)
    alpha[:, :32] = 0
    path = save(Image.fromarray(np.dstack([gray, alpha])), tmp_path / "x.png")
    assert_colours(read_image(path), 0, nw=WHITE, ne=(200, 200, 200))


def test_alpha_is_laid_over_white(tmp_path: Path) -> None:
    alpha = np.full((32, 64), 255, np.uint8)
    alpha[:16, 32:] = 0
    alpha[16:, :32] = 51  # a fifth
    path = save(Image.fromarray(np.dstack([four_colours(), alpha])), tmp_path / "x.png")
    fifth = tuple(round(0.8 * 255 + 0.2 * value) for value in BLUE)
    image = read_image(path)
    assert_colours(image, 1, nw=RED, ne=WHITE, sw=(fifth[0], fifth[1], fifth[2]), se=WHITE)


def test_palette_with_and_without_a_transparent_colour(tmp_path: Path) -> None:
    palette = Image.fromarray(four_colours()).quantize(4)
    path = save(palette, tmp_path / "x.png")
    assert_colours(read_image(path), 1, nw=RED, ne=GREEN, sw=BLUE, se=WHITE)
    red_index = palette.getpixel((5, 5))
    path = save(palette, tmp_path / "x.gif", transparency=red_index)
    assert_colours(read_image(path), 1, nw=WHITE, ne=GREEN, sw=BLUE, se=WHITE)
    path = save(palette, tmp_path / "y.png", transparency=red_index)
    assert_colours(read_image(path), 1, nw=WHITE, ne=GREEN, sw=BLUE, se=WHITE)


def test_rgb_with_a_transparent_colour(tmp_path: Path) -> None:
    path = save(Image.fromarray(four_colours()), tmp_path / "x.png", transparency=GREEN)
    assert_colours(read_image(path), 0, nw=RED, ne=WHITE, sw=BLUE, se=WHITE)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    values = np.zeros((32, 64), np.uint16)
    values[:16, 32:] = 300
    values[16:, :32] = 32768
    values[16:, 32:] = 65535
    path = save(Image.fromarray(values), tmp_path / f"x.{suffix}")
    image = read_image(path)
    assert_colours(image, 0, nw=(0, 0, 0), ne=(1, 1, 1), sw=(128, 128, 128), se=WHITE)


def test_16_bit_rgb(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), four_colours()[:, :, ::-1].astype(np.uint16) * 257)
    assert_colours(read_image(path), 1, nw=RED, ne=GREEN, sw=BLUE, se=WHITE)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([0, 100, 255], [0, 100, 255]),
        ([0, 257, 65535], [0, 1, 255]),
        ([-1, 0, 1], [0, 128, 255]),
        ([1e6, 2e6, 5e6], [0, 64, 255]),
        ([np.nan, 0.5, np.inf], [0, 128, 0]),
        ([-7, -7, -7], [0, 0, 0]),
    ],
)
def test_floating_point_tiff(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    path = save(Image.fromarray(np.array([values], np.float32)), tmp_path / "x.tif")
    assert read_image(path)[0, :, 1].tolist() == expected


def test_32_bit_tiff(tmp_path: Path) -> None:
    path = save(Image.fromarray(np.array([[0, 1, 65535]], np.int32)), tmp_path / "x.tif")
    assert read_image(path)[0, :, 0].tolist() == [0, 0, 255]


def test_one_bit(tmp_path: Path) -> None:
    bits = np.zeros((32, 64), bool)
    bits[:, 32:] = True
    for suffix in ("png", "tif"):
        path = save(Image.fromarray(bits), tmp_path / f"x.{suffix}")
        assert_colours(read_image(path), 0, nw=(0, 0, 0), ne=WHITE)


def test_lab_tiff(tmp_path: Path) -> None:
    # L* a* b* of sRGB red (1, 0, 0) and of mid gray, under D50: 54.3, 80.8, 69.9 and 53.6, 0, 0
    lab = np.zeros((32, 64, 3), np.uint8)
    lab[:, :32] = (round(54.3 * 2.55), 81, 70)
    lab[:, 32:] = (round(53.6 * 2.55), 0, 0)
    path = save(Image.fromarray(lab, "LAB"), tmp_path / "x.tif")
    assert_colours(read_image(path), 6, nw=(255, 0, 0), ne=(128, 128, 128))


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_first_frame_of_many(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE)]
    path = tmp_path / f"x.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert_colours(read_image(path), 6, nw=RED, se=RED)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "png", "tif"])
def test_exif_orientation(tmp_path: Path, mode: str, orientation: int) -> None:
    """The stored pixels are turned so that undoing the tag gives the upright picture."""
    stored_from_upright: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda x: x,
        2: lambda x: np.fliplr(x),
        3: lambda x: np.rot90(x, 2),
        4: lambda x: np.flipud(x),
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),  # shown after a quarter turn clockwise
        7: lambda x: np.rot90(x, 2).transpose(1, 0, 2),
        8: lambda x: np.rot90(x, -1),
    }
    upright = four_colours()
    stored = Image.fromarray(np.ascontiguousarray(stored_from_upright[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    suffix = mode if mode.islower() else "jpg"
    if mode.isupper():
        stored = stored.convert(mode)
    path = save(stored, tmp_path / f"x.{suffix}", exif=exif)
    image = read_image(path)
    assert image.shape == upright.shape
    if mode == "L":
        expected = np.asarray(Image.fromarray(upright).convert("L").convert("RGB")).astype(int)
    else:
        expected = upright.astype(int)
    assert np.abs(image.astype(int) - expected)[4::8, 4::8].max() <= 20
    assert read_image(path, min_size=16).shape == ((16, 32, 3) if suffix == "jpg" else image.shape)


def test_damaged_exif_is_no_orientation(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(jpeg(four_colours(), exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert_colours(read_image(tmp_path / "x.jpg"), 4, nw=RED, ne=GREEN, sw=BLUE, se=WHITE)


@pytest.mark.parametrize(
    ("min_size", "shape"),
    [(None, (400, 640)), (201, (400, 640)), (200, (200, 320)), (60, (100, 160)), (1, (50, 80))],
)
def test_reduced_decode(tmp_path: Path, min_size: int | None, shape: tuple[int, int]) -> None:
    full = smooth(640, 400)
    path = tmp_path / "x.jpg"
    path.write_bytes(jpeg(full))
    image = read_image(path, min_size)
    assert image.shape[:2] == shape
    expected = cv2.resize(full, shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(image.astype(int) - expected).mean() < 2


def test_reduced_decode_leaves_small_images_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(jpeg(smooth(30, 20)))
    assert read_image(path, min_size=280).shape == (20, 30, 3)


CONTAINERS: dict[str, dict[str, object]] = {
    "plain.jpg": {"quality": 90},
    "progressive.jpg": {"quality": 90, "progressive": True},
    "cmyk.jpg": {"quality": 90},
    "plain.png": {},
    "plain.gif": {},
    "plain.bmp": {},
    "plain.webp": {"quality": 80},
    "plain.tif": {"compression": "tiff_lzw"},
    "plain.jp2": {},
    "plain.avif": {},
    "plain.heic": {},
    "plain.jxl": {},
}


@pytest.mark.parametrize("min_size", [None, 1])
@pytest.mark.parametrize("share", [0.0005, 0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", CONTAINERS)
def test_a_file_cut_short_is_found(
    tmp_path: Path, name: str, share: float, min_size: int | None
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    image = Image.fromarray(noise).convert("CMYK" if name.startswith("cmyk") else "RGB")
    if module := {".heic": "pillow_heif", ".jxl": "pillow_jxl"}.get(Path(name).suffix):
        getattr(import_module(module), "register_heif_opener", lambda: None)()
    path = save(image, tmp_path / name, **CONTAINERS[name])
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ImageReadError, match=r"truncated|damaged|decoded") as caught:
        read_image(path, min_size)
    assert "\n" not in str(caught.value)


def test_the_reason_says_where_a_jpeg_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(jpeg(smooth(600, 400))[:12_300])
    with pytest.raises(ImageReadError) as caught:
        read_image(path)
    assert str(caught.value) == f"{path}: cannot be decoded (truncated after 12 kB)"


def test_not_an_image(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_text("<html>404</html>")
    with pytest.raises(ImageReadError, match=r"x\.jpg: is not an image"):
        read_image(path)
    path.write_bytes(b"")
    with pytest.raises(ImageReadError, match=r"x\.jpg: is empty"):
        read_image(path)


def test_missing_folder_and_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageReadError, match=r"nowhere\.jpg: is not there"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageReadError, match="is a folder"):
        read_image(tmp_path)

    def forbidden(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.jpg").write_bytes(b"x")
    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(ImageReadError, match="permission denied"):
        read_image(tmp_path / "x.jpg")


def test_only_regular_files_of_bounded_size_are_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with pytest.raises(ImageReadError, match=r"pipe\.jpg: is a pipe, not a file"):
        read_image(pipe)
    with pytest.raises(ImageReadError, match="is a device, not a file"):
        read_image(Path(os.devnull))
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(8 * (2**26 + 16 * 100) + 1)
    with pytest.raises(ImageReadError, match=r"bytes, more than the .* that data\.max_pixels"):
        read_image(large, max_pixels=100)


def test_an_error_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(ImageReadError("x.jpg: is empty")))
    assert isinstance(error, ImageReadError)
    assert str(error) == "x.jpg: is empty"


def test_too_many_pixels(tmp_path: Path) -> None:
    path = save(Image.new("RGB", (200, 100)), tmp_path / "x.webp")
    assert read_image(path, max_pixels=20_000).shape == (100, 200, 3)
    with pytest.raises(ImageReadError, match=r"200 x 100 = 20,000 .*data\.max_pixels=19999"):
        read_image(path, max_pixels=19_999)


def test_pillows_own_limit_neither_warns_nor_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(Image.new("RGB", (40, 20)), tmp_path / "x.png")
    for limit in (500, 100):  # Pillow would warn, then refuse
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read_image(path).shape == (20, 40, 3)
        assert limit == Image.MAX_IMAGE_PIXELS


def test_the_default_is_pillows_error_limit() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert DEFAULT_MAX_PIXELS == 2 * Image.MAX_IMAGE_PIXELS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_forked_amid_reading_can_read(tmp_path: Path) -> None:
    path = save(Image.new("RGB", (8, 8), RED), tmp_path / "x.png")
    stop = threading.Event()

    def keep_reading() -> None:
        while not stop.is_set():
            read_image(path)

    reader = threading.Thread(target=keep_reading)
    reader.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0 if read_image(path).shape == (8, 8, 3) else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        reader.join()
