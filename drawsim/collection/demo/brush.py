"""The painter's side: from a scene to a picture of an artwork."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from drawsim.collection.demo.artists import Artist
from drawsim.collection.demo.geometry import Points
from drawsim.collection.demo.scene import Colour, Scene, Shape, mix

Picture = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

# OpenCV takes coordinates as integers with this many binary places.
_SHIFT = 4
_TILE = 512


@lru_cache(maxsize=8)
def noise(grain: float) -> Plane:
    """A (1024, 1024) field of smooth noise, mean 0 and deviation 1; `grain` in pixels."""
    field = np.random.default_rng(7).normal(size=(2 * _TILE, 2 * _TILE)).astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), grain)
    scaled: Plane = (field - field.mean()) / field.std()
    return scaled


def noise_patch(rng: np.random.Generator, height: int, width: int, grain: float) -> Plane:
    """A (height, width) cut of `noise` at a random place; sides of up to 512 pixels."""
    y, x = rng.integers(0, _TILE, 2)
    return noise(grain)[y : y + height, x : x + width]


def fixed(points: Points, scale: float) -> npt.NDArray[np.int32]:
    """Pixel coordinates in OpenCV's fixed-point form."""
    pixels: npt.NDArray[np.int32] = np.round(points * scale * (1 << _SHIFT)).astype(np.int32)
    return pixels


def fill(image: npt.NDArray[np.generic], points: Points, scale: float, colour: Colour) -> None:
    """Fill an outline with antialiased edges."""
    cv2.fillPoly(image, [fixed(points, scale)], colour, cv2.LINE_AA, _SHIFT)


def stroke(
    image: npt.NDArray[np.generic],
    points: Points,
    scale: float,
    colour: tuple[float, ...],
    thickness: float,
    *,
    closed: bool = False,
) -> None:
    """Draw along an outline with an antialiased line `thickness` pixels wide."""
    width = max(1, round(thickness))
    cv2.polylines(image, [fixed(points, scale)], closed, colour, width, cv2.LINE_AA, _SHIFT)


def paint(scene: Scene, artist: Artist, rng: np.random.Generator) -> Picture:
    """The scene as this artist paints it: RGB, uint8, shape (H, W, 3), long side 320 to 420 px."""
    long_side = int(rng.integers(320, 421))
    scale = long_side / max(scene.width, 1.0)
    height, width = round(scale), round(scale * scene.width)
    canvas = np.full((height, width, 3), 220, np.uint8)
    lie = np.zeros((height, width), np.float32)
    relief = np.zeros((height, width), np.uint8)
    # All up to the last piece of setting is painted broadly, what stands before it with a finer
    # brush.
    ends = [k for k, shape in enumerate(scene.shapes) if shape.group == 0]
    behind, before = scene.shapes[: ends[-1] + 1], scene.shapes[ends[-1] + 1 :]
    for layer, fine in ((behind, 1.0), (before, 0.5)):
        touched = np.zeros((height, width), np.uint8)
        for shape in layer:
            _lay(canvas, lie, touched, shape, artist, scale, rng)
        if artist.cover > 0 and layer:
            _brush(canvas, relief, lie, touched, artist, fine, scale, rng)
    # Small accents go on last, over the brushwork, or faces and windows would drown in it.
    if artist.cover > 0:
        untouched = np.zeros((height, width), np.uint8)
        for shape in before:
            if shape.role == "feature" or (shape.role == "detail" and shape.thickness > 0):
                _lay(canvas, lie, untouched, shape, artist, scale, rng)
    return _finish(canvas, relief, artist, rng)


def _lay(
    canvas: Picture,
    lie: Plane,
    touched: npt.NDArray[np.uint8],
    shape: Shape,
    artist: Artist,
    scale: float,
    rng: np.random.Generator,
) -> None:
    """Lay one shape in flat paint, with its gradient, light and contour."""
    colour = artist.tint(shape.colour)
    ink = mix(colour, (24, 18, 26), 0.75)
    if shape.thickness > 0:
        stroke(canvas, shape.points, scale, colour, shape.thickness * scale)
        stroke(touched, shape.points, scale, (255,), shape.thickness * scale)
        along = shape.points[-1] - shape.points[0]
        stroke(
            lie, shape.points, scale, (float(np.arctan2(*along[::-1])),), shape.thickness * scale
        )
        return
    height, width = lie.shape
    low = np.clip(np.floor(shape.points.min(axis=0) * scale) - 1, 0, (width, height)).astype(int)
    high = np.clip(np.ceil(shape.points.max(axis=0) * scale) + 2, 0, (width, height)).astype(int)
    (left, top), (right, bottom) = low, high
    if right - left < 2 or bottom - top < 2:
        return
    large = (right - left) * (bottom - top) > 300
    if large and (shape.fade or shape.solid or shape.role != "detail"):
        spot = np.s_[top:bottom, left:right]
        mask = np.zeros((bottom - top, right - left), np.uint8)
        fill(mask, shape.points - np.array([left, top]) / scale, scale, (255, 0, 0))
        field = _field(shape, artist, colour, (bottom - top, right - left), rng)
        alpha = (mask.astype(np.float32) / 255)[..., None]
        old = canvas[spot].astype(np.float32)
        canvas[spot] = np.clip(old + (field - old) * alpha, 0, 255).astype(np.uint8)
    else:
        fill(canvas, shape.points, scale, colour)
    cv2.fillPoly(lie, [fixed(shape.points, scale)], (shape.grain,), cv2.LINE_8, _SHIFT)
    cv2.fillPoly(touched, [fixed(shape.points, scale)], (255,), cv2.LINE_8, _SHIFT)
    if artist.contour > 0 and shape.role == "body":
        stroke(canvas, shape.points, scale, ink, artist.contour * scale, closed=True)


def _field(
    shape: Shape, artist: Artist, colour: Colour, size: tuple[int, int], rng: np.random.Generator
) -> Plane:
    """The paint over a shape's bounding box: vertical gradient, mottling, light from upper left."""
    height, width = size
    low = np.array(artist.tint(shape.fade) if shape.fade else colour, np.float32)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    field = np.array(colour, np.float32) * (1 - down) + low * down
    level = (
        0.5 * (artist.jitter if artist.cover > 0 else 3.0) * noise_patch(rng, height, width, 12.0)
    )
    if shape.solid and artist.shade > 0:
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        glow = 1.1 - np.sqrt((x + 0.35) ** 2 + (y + 0.35) ** 2)
        level = level + 62 * artist.shade * glow
    painted: Plane = field + level[..., None]
    return painted


def _brush(
    canvas: Picture,
    relief: npt.NDArray[np.uint8],
    lie: Plane,
    touched: npt.NDArray[np.uint8],
    artist: Artist,
    fine: float,
    scale: float,
    rng: np.random.Generator,
) -> None:
    """Cover what was touched with strokes that take their colour from the flat paint below."""
    height, width = lie.shape
    length = artist.stroke[0] * scale * fine
    thick = max(1.0, artist.stroke[1] * scale * fine)
    each = max(length, thick) * thick
    count = int(min(artist.cover * height * width / each, 3200))
    y = rng.uniform(0, height, count).astype(int)
    x = rng.uniform(0, width, count).astype(int)
    hit = touched[y, x] > 0
    y, x = y[hit], x[hit]
    turn = artist.swirl * noise_patch(rng, height, width, 40.0)[y, x] * 0.8
    angle = lie[y, x] + turn + rng.normal(0, 0.18, len(y))
    reach = 0.5 * length * rng.uniform(0.6, 1.3, len(y))
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    paint_at = canvas[y, x].astype(np.float32)
    paint_at += rng.normal(0, artist.jitter * 0.7, (len(y), 1)) + rng.normal(
        0, artist.jitter * 0.5, (len(y), 3)
    )
    layers = np.dstack([canvas, relief])
    body = rng.uniform(60, 255, (len(y), 1))
    colours = np.clip(np.hstack([paint_at, body]), 0, 255).tolist()
    unit = 1 << _SHIFT
    ends = np.stack([x - dx, y - dy, x + dx, y + dy], axis=1)
    widths = np.maximum(1, np.round(thick * rng.uniform(0.6, 1.3, len(y)))).astype(int).tolist()
    if length > 0:
        for (x0, y0, x1, y1), ink, wide in zip(
            np.round(ends * unit).astype(int).tolist(), colours, widths, strict=True
        ):
            cv2.line(layers, (x0, y0), (x1, y1), ink, wide, cv2.LINE_AA, _SHIFT)
    else:
        for at_x, at_y, ink, wide in zip(x.tolist(), y.tolist(), colours, widths, strict=True):
            cv2.circle(layers, (at_x, at_y), max(1, wide // 2), ink, -1, cv2.LINE_AA)
    canvas[:] = layers[..., :3]
    relief[:] = layers[..., 3]


def _finish(
    canvas: Picture,
    relief: npt.NDArray[np.uint8],
    artist: Artist,
    rng: np.random.Generator,
) -> Picture:
    """Light on the thick paint, canvas weave, varnish and the darker rim of an old picture."""
    height, width = relief.shape
    level = np.zeros((height, width), np.float32)
    if artist.relief > 0 and artist.cover > 0:
        slope = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3) + cv2.Sobel(
            relief, cv2.CV_32F, 0, 1, ksize=3
        )
        level += np.clip(slope * 0.03 * artist.relief, -22, 22)
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :]
    thread = np.sin(x * 1.9) * np.sin(y * 1.9)
    level += artist.weave * (5 * thread + 5 * noise_patch(rng, height, width, 0.7))
    picture = canvas.astype(np.float32) + level[..., None]
    if artist.varnish > 0:
        age = artist.varnish * rng.uniform(0.6, 1.0)
        far = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2)[..., None]
        picture *= 1 - age * 0.75 * far
        picture *= 1 - age * np.array([0.02, 0.06, 0.2], np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)
