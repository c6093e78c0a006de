"""What simulated views of an artwork share: smooth noise, perspective, wobble, the print's quality.

Every function that draws random numbers takes the generator to draw from and nothing else random.
Sides and widths are in pixels; noise and masks are float32, images uint8 RGB where nothing is said.
"""

from __future__ import annotations

import cv2
import numpy as np

from drawsim.common.errors import UserError

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue, ITU-R BT.601."""

OVERSIZE = 1.25
"""Views are made this much larger than asked for, so that a crop need not enlarge pixels."""


def check(step: str, name: str, value: float, low: float, high: float, meant: str) -> None:
    """Raise UserError that names the setting unless `value` is a number in `low`..`high`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise UserError(f"{step}: {name}={value} must be {meant} in {low:g}..{high:g}")


def check_size(step: str, size: int) -> None:
    """Raise UserError unless `size` is a whole number of pixels that a view can have."""
    if not isinstance(size, int) or isinstance(size, bool) or not 16 <= size <= 4096:
        raise UserError(f"{step}: size={size} must be a whole number of pixels in 16..4096")


def smooth_noise(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """Noise without direction, `side` x `side`, mostly in -1..1; `cells` random values a side."""
    coarse = rng.random((cells + 1, cells + 1), np.float32) * 2 - 1
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))


def streaks(rng: np.random.Generator, side: int, width: float, angle: float) -> np.ndarray:
    """Strokes to and fro, as noise in 0..1: `width` across, 12 widths long, lying at `angle`.

    `angle` in radians, 0 for strokes along the rows.
    """
    long = 12 * width
    across, along = int(1.5 * side / width) + 3, int(1.5 * side / long) + 3
    coarse = rng.random((across, along), np.float32)
    c, s, middle = np.cos(angle), np.sin(angle), side / 2
    rows = np.array([[c / long, s / long], [-s / width, c / width]])
    offset = np.array([along / 2, across / 2]) - rows @ [middle, middle]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = np.hstack([rows, offset[:, None]])
    view = cv2.warpAffine(coarse, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(view)


def wobble(rng: np.random.Generator, side: int, strength: float) -> np.ndarray:
    """Smooth random displacements, 2 x `side` x `side` (x, y), in shares of the side.

    `strength`: the largest displacement, about. Proportions go wrong in the large (waves of a third
    of the side), lines tremble a little in the small. The edge stays where it is.
    """
    across = np.linspace(-1, 1, side, dtype=np.float32)
    inner = 1 - across**6
    window = np.float32(strength) * inner * inner[:, None]
    large = [smooth_noise(rng, side, int(rng.integers(2, 5))) for _ in range(2)]
    small = [smooth_noise(rng, side, 11) for _ in range(2)]
    return np.stack([window * (a + 0.12 * b) for a, b in zip(large, small, strict=True)])


def move(field: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Where each pixel of a moved picture comes from, 2 x side x side (x, y), 0..1 in the picture.

    `matrix`: 2 x 3, from a place (x, y) in the result to one in the picture, sides counted as 1;
    `field`: added to that, as from `wobble`.
    """
    side = field.shape[1]
    across = (np.arange(side, dtype=np.float32) + 0.5) / side
    (xx, xy, x0), (yx, yy, y0) = np.asarray(matrix, np.float32)
    along_x = field[0] + (xx * across + x0) + (xy * across)[:, None]
    along_y = field[1] + (yx * across + y0) + (yy * across)[:, None]
    return np.stack([along_x, along_y])


def look_up(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The image at `places` (from `move`); beyond its edges it goes on as it is at the edge."""
    height, width = image.shape[:2]
    x, y = places[0] * width - 0.5, places[1] * height - 0.5
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def perspective(image: np.ndarray, corners: np.ndarray, side: int) -> np.ndarray:
    """The part of an image within four corners, as a square of `side` pixels.

    `corners`: 4 x 2 (x, y) in pixels of the image: top left, top right, bottom right, bottom left.
    """
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    matrix = cv2.getPerspectiveTransform(square, corners.astype(np.float32))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    view = cv2.warpPerspective(image, matrix, (side, side), flags=flags, borderMode=border)
    return np.asarray(view)


def uneven_light(rng: np.random.Generator, side: int, strength: float) -> np.ndarray:
    """A factor of brightness for every pixel: light that falls off to one side, and a vignette."""
    across = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = across, across[:, None]
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0, strength)
    corner = rng.uniform(0, 0.5 * strength)
    light = (np.float32(np.cos(angle) * fall) * x + np.float32(np.sin(angle) * fall) * y) + 1
    return np.asarray(light - np.float32(corner) * (x * x + y * y) / 2)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The image after a JPEG file of this quality (1..100)."""
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Values in 0..255, rounded and cut to uint8."""
    return np.asarray(cv2.convertScaleAbs(cv2.max(values, 0)))
