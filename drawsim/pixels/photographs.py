"""Another photograph of the same artwork, simulated: a free pair for training without annotations.

The kind of pairs that the Replica networks were trained on: two reproductions of one work, cut
otherwise, faded, printed gray, framed, lit from the side. Source of the idea: B. Seguin, "Making
large art historical photo archives searchable", EPFL, 2018.
"""

from __future__ import annotations

import cv2
import numpy as np

from drawsim.pixels.transforms import resize
from drawsim.pixels.warps import (
    LUMINANCE,
    OVERSIZE,
    check,
    check_size,
    jpeg,
    perspective,
    smooth_noise,
    to_bytes,
    uneven_light,
)

Random = np.random.Generator


class OtherPhotograph:
    """Makes another photograph or reproduction of the same work.

    `size`: side of the result in pixels, 16..4096.
    `gray`: probability of a gray print.
    `crop`: smallest share of the work's area that stays in view.
    `turn`: largest rotation in degrees, 0..45.
    `tilt`: how far perspective moves a corner at most, as a share of the side, 0..0.25.
    `colour`: how far colours, contrast and brightness may be off, 0 (not at all) to 1 (badly).
    `frame`: probability that a frame, a margin or a wall is in view; nothing is cropped then.
    `wear`: probability of each of glare, low resolution, blur or sharpening, halftone, grain, JPEG.

    Raises UserError, naming the setting, for numbers out of their range.
    """

    def __init__(
        self,
        *,
        size: int,
        gray: float,
        crop: float,
        turn: float,
        tilt: float,
        colour: float,
        frame: float,
        wear: float,
    ) -> None:
        check_size("photograph", size)
        check("photograph", "gray", gray, 0, 1, "a probability")
        check("photograph", "crop", crop, 0.1, 1, "a share of the area")
        check("photograph", "turn", turn, 0, 45, "degrees")
        check("photograph", "tilt", tilt, 0, 0.25, "a share of the side")
        check("photograph", "colour", colour, 0, 1, "a strength")
        check("photograph", "frame", frame, 0, 1, "a probability")
        check("photograph", "wear", wear, 0, 1, "a probability")
        self.size = size
        self.gray = gray
        self.crop = crop
        self.turn = turn
        self.tilt = tilt
        self.colour = colour
        self.frame = frame
        self.wear = wear

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        """One view of `image` (uint8 RGB of any size): uint8, `size` x `size` x 3.

        The result depends on the arguments alone. `seed` is 0 or more.
        """
        rng = np.random.default_rng(seed)
        side = round(OVERSIZE * self.size)
        picture = resize(image, side)
        if rng.random() < self.frame:
            view = perspective(*self._framed(picture, rng), side)
        else:
            view = perspective(picture, self._cropped(side, rng), side)
        view = self._developed(view, rng)
        if rng.random() < self.wear:
            view = _glare(view, rng)
        if rng.random() < self.wear:
            view = _low_resolution(view, rng)
        if rng.random() < self.wear:
            view = _unsharp(view, rng)
        if rng.random() < self.wear / 2:  # of all traces the one that hides the most
            view = _halftone(view, rng)
        if rng.random() < self.wear:
            view = _grain(view, rng)
        view = resize(view, self.size)
        if rng.random() < self.wear:
            view = jpeg(view, int(rng.integers(15, 81)))
        return view

    def _cropped(self, side: int, rng: Random) -> np.ndarray:
        """The corners of a part of the picture, at least `crop` of its area."""
        kept = rng.uniform(self.crop, 1)
        aspect = np.exp(rng.uniform(-0.15, 0.15))
        extent = np.minimum(np.sqrt(kept) * np.array([aspect, 1 / aspect]), 1)
        place = rng.random(2) * (1 - extent)
        quad = np.clip(self._askew(place, place + extent, rng), 0, 1)
        whole = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
        while _area(quad) < 0.999 * self.crop:
            quad = (quad + whole) / 2
        return quad * side

    def _framed(self, picture: np.ndarray, rng: Random) -> tuple[np.ndarray, np.ndarray]:
        """The picture with what is around it, and the corners of a view of them."""
        side = len(picture)
        around = 0
        for share in self._surround(rng):
            width, tone = max(1, round(share * side)), rng.uniform(0, 255, 3)
            tone = tone.mean() + 0.3 * (tone - tone.mean())  # walls, paper and wood are dull
            edges = (width,) * 4
            picture = cv2.copyMakeBorder(picture, *edges, cv2.BORDER_CONSTANT, value=tone.tolist())
            around += width
        corners = self._askew(np.zeros(2), np.ones(2), rng) * side
        # Between the outer edge of all and just around the picture.
        reach = around * rng.uniform(0.3, 1)
        middle = side / 2
        corners = middle + (corners - middle) * (1 + 2 * reach / side)
        return picture, np.clip(corners + around, 0, len(picture))

    @staticmethod
    def _surround(rng: Random) -> list[float]:
        """Widths of what lies around a picture, from the inside out, as shares of its side."""
        kind = rng.random()
        if kind < 0.4:  # a page or a scanner's bed
            return [rng.uniform(0.02, 0.15)]
        if kind < 0.7:  # a frame on a wall
            return [rng.uniform(0.02, 0.08), rng.uniform(0.02, 0.12)]
        return [rng.uniform(0.02, 0.1), rng.uniform(0.01, 0.05), rng.uniform(0.01, 0.06)]

    def _askew(self, low: np.ndarray, high: np.ndarray, rng: Random) -> np.ndarray:
        """The corners of a rectangle, rotated about its middle and moved apart."""
        (left, top), (right, bottom) = low, high
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        angle = np.radians(rng.uniform(-self.turn, self.turn))
        c, s = np.cos(angle), np.sin(angle)
        middle = (low + high) / 2
        corners = (corners - middle) @ np.array([[c, s], [-s, c]]) + middle
        return np.asarray(corners + rng.uniform(-self.tilt, self.tilt, (4, 2)))

    def _developed(self, view: np.ndarray, rng: Random) -> np.ndarray:
        """Tone curve, colour cast, saturation, or gray."""
        off = self.colour
        levels = np.linspace(0, 1, 256)[:, None]
        gamma = np.exp(off * rng.uniform(-0.6, 0.6))
        contrast = 1 + off * rng.uniform(-0.45, 0.35)
        middle = 0.5 + off * rng.uniform(-0.15, 0.15)
        cast = 1 + off * rng.uniform(-0.22, 0.22, 3) * rng.random()
        veil = off * rng.uniform(0, 0.2) * rng.random(3).mean()  # old prints have no black
        curve = ((levels**gamma - 0.5) * contrast + middle) * cast
        curve = veil + (1 - veil) * curve
        curves = np.clip(255 * curve + 0.5, 0, 255).astype(np.uint8)[None]
        saturation = 1 + off * rng.uniform(-0.9, 0.5)
        if rng.random() < self.gray:
            saturation = 0
        mix = saturation * np.eye(3) + (1 - saturation) * LUMINANCE
        return np.asarray(cv2.transform(cv2.LUT(view, curves), mix))


def _area(quad: np.ndarray) -> float:
    """The area within four corners (the shoelace formula)."""
    x, y = quad.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _glare(view: np.ndarray, rng: Random) -> np.ndarray:
    """Light from the side, and a soft bright spot or band on the varnish."""
    side = len(view)
    across = np.linspace(0, 1, side, dtype=np.float32)
    at = rng.random(2)
    angle = rng.uniform(0, np.pi)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    x, y = across - np.float32(at[0]), across[:, None] - np.float32(at[1])
    wide, long = rng.uniform(0.06, 0.25), rng.choice([1.0, 1.6, 8.0])
    distance = ((c * x + s * y) / wide) ** 2 + ((c * y - s * x) / (wide * long)) ** 2
    spot = np.float32(rng.uniform(0.15, 0.7)) * np.exp(-distance)
    lit = view * uneven_light(rng, side, 0.3)[:, :, None]
    return to_bytes(lit + (255 - lit) * spot[:, :, None])


def _low_resolution(view: np.ndarray, rng: Random) -> np.ndarray:
    """A small copy, enlarged again."""
    side = len(view)
    small = max(8, round(side * rng.uniform(0.3, 0.7)))
    how = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_NEAREST
    reduced = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (side, side), interpolation=how))


def _unsharp(view: np.ndarray, rng: Random) -> np.ndarray:
    """Out of focus, or sharpened too much."""
    blurred = cv2.GaussianBlur(view, (0, 0), len(view) * rng.uniform(0.004, 0.014))
    if rng.random() < 0.6:
        return np.asarray(blurred)
    gain = rng.uniform(0.5, 1.8)
    return np.asarray(cv2.addWeighted(view, 1 + gain, blurred, -gain, 0))


def _halftone(view: np.ndarray, rng: Random) -> np.ndarray:
    """Printed in dots: a rotated cosine screen, compared with each channel by a soft threshold."""
    side = len(view)
    pitch, angle = rng.uniform(2.6, 4.5), rng.uniform(0, np.pi / 2)
    step = 2 * np.pi / pitch
    across = np.arange(side, dtype=np.float32)
    c, s = np.float32(step * np.cos(angle)), np.float32(step * np.sin(angle))
    x, y = across, across[:, None]
    screen = 127 + 60 * (np.cos(c * x + s * y) + np.cos(c * y - s * x))
    printed = np.clip(127 + 3 * (view - screen[:, :, None]), 0, 255)
    share = np.float32(rng.uniform(0.2, 0.6))
    return to_bytes(view + share * (printed - view))


def _grain(view: np.ndarray, rng: Random) -> np.ndarray:
    """Film grain, paper or canvas: the same in all channels."""
    side = len(view)
    fine = rng.standard_normal((side, side), np.float32) * np.float32(rng.uniform(2, 14))
    coarse = smooth_noise(rng, side, max(2, side // 8)) * np.float32(rng.uniform(0, 8))
    return to_bytes(view + (fine + coarse)[:, :, None])
