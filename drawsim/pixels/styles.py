"""The five style effects of the thesis, each from RGB uint8 to RGB uint8 of the same size.

They make a photograph of a painting and a scan of a drawing look more alike, or a drawing look as
if another hand had made it. Source: R. Annapureddy, "Searching for patterns in a large collection
of children drawings", EPFL, 2022, which applies OpenCV's non-photorealistic filters to BGR images.
Images here are RGB, so each effect turns the channels round for OpenCV and back.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np

from drawsim.common.errors import UserError, nearest

Effect = Callable[[np.ndarray], np.ndarray]

_TILE = 256  # pixels a side: the working arrays of `oil` then stay in the processor's cache
_CHANNEL = 1 << 17  # more than any sum of a channel in `oil`; three fit into a float64
_WIDEST = 10  # pixels to every side: 255 * (2 * 10 + 1)^2 is less than _CHANNEL


def oil(image: np.ndarray, size: int = 5, dyn_ratio: int = 1) -> np.ndarray:
    """An oil painting: each pixel takes the mean colour of its neighbourhood's commonest tone.

    The tones are the luminances divided by `dyn_ratio` and rounded; the neighbourhood is a square
    of `size` pixels to every side, cut at the image's edge; of equally common tones the darkest
    counts. This is `oilPainting` of OpenCV's contributed module xphoto, which the usual build of
    OpenCV lacks, to the last bit. After G. J. Holzmann, "Beyond Photography", 1988.
    Raises UserError for a `size` outside 1..10.
    """
    if not 1 <= size <= _WIDEST:
        raise UserError(f"oil: size={size}: must be 1 to {_WIDEST} pixels")
    tones = np.rint(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) * (1 / dyn_ratio)).astype(np.int16)
    frame = (size, size, size, size, cv2.BORDER_CONSTANT)
    tones = cv2.copyMakeBorder(tones, *frame, value=-1)  # no tone: the frame never counts
    colours = cv2.copyMakeBorder(image, *frame, value=0)
    painted = np.empty_like(image)
    for top in range(0, image.shape[0], _TILE):
        for left in range(0, image.shape[1], _TILE):
            around = np.s_[top : top + _TILE + 2 * size, left : left + _TILE + 2 * size]
            tile = _oil_tile(tones[around], colours[around], size)
            painted[top : top + _TILE, left : left + _TILE] = tile
    return painted


def _oil_tile(tones: np.ndarray, colours: np.ndarray, size: int) -> np.ndarray:
    """The oil effect where the whole neighbourhood is inside the arrays: all but `size` pixels."""
    width = 2 * size + 1
    inside = slice(size, -size)
    shape = (tones.shape[0] - 2 * size, tones.shape[1] - 2 * size)

    # The commonest tone: count each tone around every pixel, dark to light, and keep the first
    # with the largest count. A tone is counted only where it has pixels in reach.
    first_row, last_row = _reach(tones, size, axis=0)
    first_column, last_column = _reach(tones, size, axis=1)
    kind, depth = (np.uint8, cv2.CV_8U) if width * width < 256 else (np.uint16, cv2.CV_16U)
    most = np.zeros(shape, kind)
    commonest = np.zeros(shape, np.uint8)
    for tone in np.unique(tones[tones >= 0]):
        rows = slice(first_row[tone], last_row[tone] + 1)
        columns = slice(first_column[tone], last_column[tone] + 1)
        near = (
            slice(rows.start, rows.stop + 2 * size),
            slice(columns.start, columns.stop + 2 * size),
        )
        here = (tones[near] == tone).view(np.uint8)
        count = cv2.boxFilter(here, depth, (width, width), normalize=False)[inside, inside]
        more = cv2.compare(count, most[rows, columns], cv2.CMP_GT)
        np.maximum(commonest[rows, columns], more & np.uint8(tone), out=commonest[rows, columns])
        np.maximum(most[rows, columns], count, out=most[rows, columns])

    # Its mean colour: add up the neighbours of that tone, one neighbour at a time, all channels in
    # one number. Outside the image nothing is added, whatever the tone there.
    shades = tones.astype(np.uint8)
    packed = colours @ np.array([1.0, _CHANNEL, _CHANNEL**2])
    total = np.zeros(shape)
    for y in range(width):
        for x in range(width):
            neighbour = np.s_[y : y + shape[0], x : x + shape[1]]
            same = cv2.compare(shades[neighbour], commonest, cv2.CMP_EQ)
            cv2.accumulate(packed[neighbour], total, mask=same)
    sums = total.astype(np.int64)[:, :, None] // [1, _CHANNEL, _CHANNEL**2] % _CHANNEL
    return np.rint((sums / most[:, :, None]).astype(np.float32)).astype(np.uint8)


def _reach(tones: np.ndarray, size: int, axis: int) -> tuple[list[int], list[int]]:
    """For each tone, the first and the last row (axis 0) or column of the tile that can count it.

    A tone that is not there has a meaningless range.
    """
    occurs = np.zeros((tones.shape[axis], 257), bool)  # the last column is for no tone
    lines = np.arange(len(occurs))
    occurs[lines[:, None] if axis == 0 else lines[None], tones] = True
    first = occurs.argmax(axis=0) - 2 * size
    last = len(occurs) - 1 - occurs[::-1].argmax(axis=0)
    return np.maximum(first, 0).tolist(), np.minimum(last, len(occurs) - 2 * size - 1).tolist()


def watercolour(image: np.ndarray, sigma_s: float = 60, sigma_r: float = 0.6) -> np.ndarray:
    """A watercolour: flat areas between kept edges, by OpenCV's `stylization`.

    `sigma_s`: reach in pixels, 0..200; above a third of the image's shorter side that third counts.
    `sigma_r`: contrast in 0..1 below which detail is smoothed.
    E. Gastal and M. Oliveira, "Domain transform for edge-aware image and video processing", 2011.
    """
    # OpenCV can return a black image where the reach is more than about half the shorter side.
    sigma_s = min(sigma_s, min(image.shape[:2]) / 3)
    return _as_bgr(cv2.stylization, image, sigma_s=sigma_s, sigma_r=sigma_r)


def texture(image: np.ndarray, sigma_s: float = 60, sigma_r: float = 0.4) -> np.ndarray:
    """Stronger surface texture, by OpenCV's `detailEnhance`; numbers as for `watercolour`."""
    return _as_bgr(cv2.detailEnhance, image, sigma_s=sigma_s, sigma_r=sigma_r)


def gray(image: np.ndarray) -> np.ndarray:
    """Luminance (ITU-R BT.601) in all three channels."""
    return _in_three_channels(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def pencil(image: np.ndarray, kernel: int = 101) -> np.ndarray:
    """A pencil drawing: luminance divided by its blurred self, so that only changes stay dark.

    `kernel`: side of the Gaussian blur in pixels, odd; its sigma follows from it as in OpenCV.
    """
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    blurred = 255 - cv2.GaussianBlur(255 - luminance, (kernel, kernel), 0)
    return _in_three_channels(cv2.divide(luminance, blurred, scale=256))


EFFECTS: dict[str, Effect] = {
    "oil": oil,
    "water": watercolour,
    "texture": texture,
    "gray": gray,
    "pencil_gray": pencil,
}
"""The effects by the names that the thesis appends to the ids of its style copies.

The parameters that they have by default are those of the thesis.
"""

_RANGES: dict[str, tuple[float, float]] = {
    "size": (1, _WIDEST),
    "dyn_ratio": (1, 255),
    "sigma_s": (0, 200),
    "sigma_r": (0, 1),
    "kernel": (1, 9999),
}


def style_effect(name: str, parameters: Mapping[str, float]) -> Effect:
    """The effect of this name with these parameters; those that are not given stay as they are.

    Raises UserError for unknown names and for numbers out of their range.
    """
    if name not in EFFECTS:
        raise UserError(f"unknown style effect {name!r}: {nearest(name, EFFECTS)}")
    known = inspect.signature(EFFECTS[name]).parameters.keys() & _RANGES.keys()
    for parameter, value in parameters.items():
        where = f"style effect {name}: {parameter}={value}"
        if parameter not in known:
            hint = nearest(parameter, known) if known else "it has none"
            raise UserError(f"{where}: no such parameter, {hint}")
        low, high = _RANGES[parameter]
        if not isinstance(value, int | float) or not low <= value <= high:
            raise UserError(f"{where}: must be a number in {low:g}..{high:g}")
        whole = parameter not in ("sigma_s", "sigma_r")
        if whole and (value != int(value) or (parameter == "kernel" and value % 2 == 0)):
            raise UserError(f"{where}: must be {'odd' if parameter == 'kernel' else 'whole'}")
    return partial(EFFECTS[name], **parameters)


def _as_bgr(effect: Callable[..., Any], image: np.ndarray, **settings: float) -> np.ndarray:
    bgr = effect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), **settings)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def _in_three_channels(luminance: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(luminance, cv2.COLOR_GRAY2RGB))
