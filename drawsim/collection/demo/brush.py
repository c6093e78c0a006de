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
    scale = int(rng.integers(320, 421)) / max(scene.width, 1.0)
    easel = _Easel(artist, scale, round(scale), round(scale * scene.width), rng)
    # All up to the last piece of setting is painted broadly, what stands before it with a finer
    # brush.
    near = 1 + max(number for number, shape in enumerate(scene.shapes) if shape.group == 0)
    numbered = list(enumerate(scene.shapes))
    for layer, first, fine in ((numbered[:near], 0, 1.0), (numbered[near:], near, 0.5)):
        for number, shape in layer:
            easel.lay(number, shape)
        easel.brush(easel.front >= first, fine)
    # Small accents go on again over the brushwork, or faces and windows would drown in it.
    if artist.cover > 0:
        groups = np.array([shape.group for shape in scene.shapes])
        for number, shape in numbered:
            if shape.role == "feature" and easel.sees(shape, groups):
                easel.lay(number, shape)
    return easel.finish()


class _Easel:
    """A picture in the making.

    canvas: the paint, RGB. lie: the direction of strokes at each pixel, radians. front: the number
    of the foremost shape at each pixel, -1 for none. relief: how thick the paint stands.
    """

    def __init__(
        self, artist: Artist, scale: float, height: int, width: int, rng: np.random.Generator
    ) -> None:
        self.artist = artist
        self.scale = scale
        self.height = height
        self.width = width
        self.rng = rng
        self.canvas = np.full((height, width, 3), 220, np.uint8)
        self.lie = np.zeros((height, width), np.float32)
        self.front = np.full((height, width), -1, np.int32)
        self.relief = np.zeros((height, width), np.uint8)

    def lay(self, number: int, shape: Shape) -> None:
        """Lay one shape in flat paint, with its gradient, light and contour."""
        colour, outline, scale = self.artist.tint(shape.colour), shape.points, self.scale
        if shape.thickness > 0:
            wide = shape.thickness * scale
            along = outline[-1] - outline[0]
            stroke(self.canvas, outline, scale, colour, wide)
            stroke(self.lie, outline, scale, (float(np.arctan2(along[1], along[0])),), wide)
            stroke(self.front, outline, scale, (number,), wide)
            return
        edge = np.array([self.width, self.height])
        low = np.clip(np.floor(outline.min(axis=0) * scale) - 1, 0, edge).astype(int)
        high = np.clip(np.ceil(outline.max(axis=0) * scale) + 2, 0, edge).astype(int)
        width, height = (high - low).tolist()
        if width < 2 or height < 2:
            return
        if width * height > 300 and (shape.fade or shape.solid or shape.role != "detail"):
            mask = np.zeros((height, width), np.uint8)
            fill(mask, outline - low / scale, scale, (255, 0, 0))
            alpha = (mask.astype(np.float32) / 255)[..., None]
            spot = self.canvas[low[1] : high[1], low[0] : high[0]]
            old = spot.astype(np.float32)
            new = self._light(shape, colour, height, width)
            spot[:] = np.clip(old + (new - old) * alpha, 0, 255).astype(np.uint8)
        else:
            fill(self.canvas, outline, scale, colour)
        for plane, value in ((self.lie, shape.grain), (self.front, number)):
            cv2.fillPoly(plane, [fixed(outline, scale)], (value,), cv2.LINE_8, _SHIFT)
        if self.artist.contour > 0 and shape.role == "body":
            ink = mix(colour, (24, 18, 26), 0.75)
            stroke(self.canvas, outline, scale, ink, self.artist.contour * scale, closed=True)

    def _light(self, shape: Shape, colour: Colour, height: int, width: int) -> Plane:
        """Paint for a shape's bounding box: gradient, mottling, light from the upper left."""
        artist = self.artist
        low = np.array(artist.tint(shape.fade) if shape.fade else colour, np.float32)
        down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        field = np.array(colour, np.float32) * (1 - down) + low * down
        mottling = 0.5 * artist.jitter if artist.cover > 0 else 1.5
        level = mottling * noise_patch(self.rng, height, width, 12.0)
        if shape.solid and artist.shade > 0:
            y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
            x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
            glow = 1.1 - np.sqrt((x + 0.35) ** 2 + (y + 0.35) ** 2)
            level = level + 62 * artist.shade * glow
        lit: Plane = field + level[..., None]
        return lit

    def sees(self, shape: Shape, groups: npt.NDArray[np.int64]) -> bool:
        """Whether no other motif hides the middle of the shape."""
        x, y = (shape.points.mean(axis=0) * self.scale).astype(int).tolist()
        if not (0 <= x < self.width and 0 <= y < self.height):
            return False
        return bool(groups[self.front[y, x]] == shape.group)

    def brush(self, where: npt.NDArray[np.bool_], fine: float) -> None:
        """Cover the places `where` with strokes that take their colour from the paint there.

        `fine` scales the strokes.
        """
        artist, rng = self.artist, self.rng
        length = artist.stroke[0] * self.scale * fine
        thick = max(1.0, artist.stroke[1] * self.scale * fine)
        area = max(length, thick) * thick
        count = int(min(artist.cover * self.height * self.width / area, 3200))
        y = rng.uniform(0, self.height, count).astype(int)
        x = rng.uniform(0, self.width, count).astype(int)
        hit = where[y, x]
        y, x = y[hit], x[hit]
        turn = noise_patch(rng, self.height, self.width, 40.0)[y, x]
        angle = self.lie[y, x] + 0.8 * artist.swirl * turn + rng.normal(0, 0.18, len(y))
        reach = 0.5 * length * rng.uniform(0.6, 1.3, len(y))
        dx, dy = reach * np.cos(angle), reach * np.sin(angle)
        colours = self.canvas[y, x] + rng.normal(0, 0.7 * artist.jitter, (len(y), 1))
        colours += rng.normal(0, 0.5 * artist.jitter, (len(y), 3))
        body = rng.uniform(60, 255, (len(y), 1))
        # Paint and its thickness go on in one stroke: a picture of four channels.
        layers = np.dstack([self.canvas, self.relief])
        inks = np.clip(np.hstack([colours, body]), 0, 255).tolist()
        widths = np.maximum(1, np.round(thick * rng.uniform(0.6, 1.3, len(y)))).astype(int).tolist()
        if length > 0:
            ends = np.round(np.stack([x - dx, y - dy, x + dx, y + dy], axis=1) * (1 << _SHIFT))
            lines = ends.astype(int).tolist()
            for (x0, y0, x1, y1), ink, wide in zip(lines, inks, widths, strict=True):
                cv2.line(layers, (x0, y0), (x1, y1), ink, wide, cv2.LINE_AA, _SHIFT)
        else:
            for at_x, at_y, ink, wide in zip(x.tolist(), y.tolist(), inks, widths, strict=True):
                cv2.circle(layers, (at_x, at_y), max(1, wide // 2), ink, -1, cv2.LINE_AA)
        self.canvas = np.ascontiguousarray(layers[..., :3])
        self.relief = layers[..., 3]

    def finish(self) -> Picture:
        """Add light on thick paint, canvas weave, varnish and the dark rim of an old picture."""
        artist = self.artist
        across = cv2.Sobel(self.relief, cv2.CV_32F, 1, 0, ksize=3)
        down = cv2.Sobel(self.relief, cv2.CV_32F, 0, 1, ksize=3)
        level = np.clip((across + down) * (0.03 * artist.relief), -22, 22)
        y = np.arange(self.height, dtype=np.float32)[:, None]
        x = np.arange(self.width, dtype=np.float32)[None, :]
        thread = np.sin(x * 1.9) * np.sin(y * 1.9)
        fibre = noise_patch(self.rng, self.height, self.width, 0.7)
        level = level + 5 * artist.weave * (thread + fibre)
        picture = self.canvas + level[..., None]
        if artist.varnish > 0:
            age = artist.varnish * self.rng.uniform(0.6, 1.0)
            far = (x / self.width - 0.5) ** 2 + (y / self.height - 0.5) ** 2
            yellow = np.array([0.02, 0.06, 0.2], np.float32)
            picture = picture * (1 - age * 0.75 * far)[..., None] * (1 - age * yellow)
        return np.clip(picture, 0, 255).astype(np.uint8)
