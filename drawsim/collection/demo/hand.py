"""The child's side: from a scene to the scan of a drawing of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from drawsim.collection.demo.brush import Picture, Plane, fill, noise_patch, stroke
from drawsim.collection.demo.geometry import Points, hatch, resample, smooth
from drawsim.collection.demo.retell import Age, crayon, retell
from drawsim.collection.demo.scene import Colour, Scene, Shape, mix

# Sheet formats, width over height: A4 upright and lying, and near-square blocks.
_SHEETS = (0.707, 1.414, 0.8, 1.25, 1.0)


@dataclass(frozen=True)
class Medium:
    """A drawing tool; widths and gaps in sheet heights.

    line, hatching: stroke widths. gap: distance of hatching strokes; 0 for translucent washes in
    their place. tooth: how far the paper's grain breaks the stroke, 0..1. body: how opaque the
    pigment is, 0..1. blend: how far colours can be mixed to match what is seen, 0..1; None for a
    tool without colours.
    """

    name: str
    line: float
    hatching: float
    gap: float
    tooth: float
    body: float
    blend: float | None


MEDIA = (
    Medium("crayon", 0.010, 0.015, 0.0115, 0.62, 0.97, 0.3),
    Medium("felt pen", 0.008, 0.011, 0.0095, 0.08, 0.96, 0.3),
    Medium("coloured pencil", 0.005, 0.008, 0.0075, 0.60, 0.88, 0.3),
    Medium("watercolour", 0.006, 0.0, 0.0, 0.35, 0.85, 0.6),
    Medium("gouache", 0.007, 0.026, 0.016, 0.12, 1.0, 0.6),
    Medium("pencil", 0.0045, 0.006, 0.0095, 0.55, 0.88, None),
)
_USE = (0.28, 0.16, 0.18, 0.15, 0.17, 0.06)


def draw(scene: Scene, age: Age, rng: np.random.Generator) -> Picture:
    """A child's drawing after the scene, scanned: RGB, uint8, (H, W, 3), long side 340-420 px."""
    medium = MEDIA[int(rng.choice(len(MEDIA), p=_USE))]
    shapes = retell(scene, age, rng)
    long_side = int(rng.integers(340, 421))
    ratio = _SHEETS[int(np.abs(np.log(np.array(_SHEETS) / scene.width)).argmin())]
    height = round(long_side / max(ratio, 1.0))
    margin = rng.uniform(0.0, 0.06)
    fit = np.array([ratio / scene.width, 1.0]) * (1 - 2 * margin)
    offset = margin * np.array([ratio, 1.0])
    sheet = _Sheet(medium, age, height, round(height * ratio), rng)
    for shape in shapes:
        sheet.mark(replace(shape, points=shape.points * fit + offset))
    return _scan(sheet.rubbed_in(), rng)


class _Sheet:
    """A drawing in the making; lengths are in sheet heights.

    paper: float32 RGB with washes soaked in. pigment: uint8, dry colour and, in the fourth channel,
    how much of it lies there.
    """

    def __init__(
        self, medium: Medium, age: Age, height: int, width: int, rng: np.random.Generator
    ) -> None:
        self.medium = medium
        self.age = age
        self.height = height
        self.width = width
        self.rng = rng
        tints = np.array([(250, 249, 246), (246, 240, 226), (240, 236, 230), (236, 226, 204)])
        tint = tints[int(rng.choice(4, p=(0.45, 0.3, 0.15, 0.1)))] + rng.normal(0, 2, 3)
        grain = 2.2 * noise_patch(rng, height, width, 0.7)
        grain = grain + 1.5 * noise_patch(rng, height, width, 12.0)
        self.paper = (tint + grain[..., None]).astype(np.float32)
        self.pigment = np.zeros((height, width, 4), np.uint8)

    def mark(self, shape: Shape) -> None:
        """Fill one shape and go round it; a line is drawn as it is."""
        medium, rng, points = self.medium, self.rng, shape.points
        colour = self._colour(shape)
        load = 255.0 * medium.body
        if shape.thickness > 0:
            wide = max(medium.line, 0.6 * shape.thickness) * self.height * rng.uniform(0.8, 1.2)
            path = smooth(points, closed=False, rounds=1)
            stroke(self.pigment, path, self.height, (*colour, load), wide)
            return
        if medium.gap == 0:
            self._wash(points, colour)
        outline = smooth(points, rounds=1) if len(points) > 4 else points
        backdrop = shape.role == "backdrop"
        if not backdrop and rng.random() < self.age.clear:
            corners = np.round(outline * self.height).astype(np.int32)
            cv2.fillPoly(self.pigment, [corners], (0, 0, 0, 0))
        if medium.gap > 0 and (medium.blend is not None or rng.random() < 0.45):
            self._hatch(outline, colour, backdrop)
        if not backdrop:
            self._go_round(outline, colour)

    def _colour(self, shape: Shape) -> Colour:
        if self.medium.blend is None:
            level = 0.35 + 0.45 * sum(shape.colour) / 765
            return (150 * level, 150 * level, 156 * level)
        return mix(crayon(shape.colour, self.age, self.rng), shape.colour, self.medium.blend)

    def _go_round(self, outline: Points, colour: Colour) -> None:
        """Draw the outline in gray or in a darker tone, past where it began."""
        rng = self.rng
        dark = self.medium.blend is None or rng.random() < 0.4
        ink = (52.0, 48.0, 50.0) if dark else mix(colour, (30, 24, 28), 0.25)
        size = float(np.ptp(outline, axis=0).max())
        loose = resample(np.vstack([outline, outline[:2]]), min(0.05, size / 4), closed=False)
        loose = loose + rng.normal(0, self.age.wobble * 0.25, loose.shape)
        wide = self.medium.line * self.height * rng.uniform(0.8, 1.25)
        # The tip of the tool is turned for what is small.
        wide *= 0.6 if size < 0.06 else 1.0
        path = smooth(loose, closed=False, rounds=1)
        stroke(self.pigment, path, self.height, (*ink, 255.0 * self.medium.body), wide)

    def _hatch(self, outline: Points, colour: Colour, backdrop: bool) -> None:
        """Fill with strokes to and fro that stop short of the outline or run past it."""
        medium, age, rng = self.medium, self.age, self.rng
        lean = rng.normal(0.1, 0.3) if backdrop else rng.normal(0.6, 0.35)
        gap = medium.gap * (1.0 + 14 * age.wobble * rng.random())
        if backdrop:
            gap *= rng.choice((1.0, 1.3, 1.9), p=(0.6, 0.28, 0.12))
        path = hatch(outline, lean, gap)
        if len(path) == 0:
            return
        path[1::2] = path[1::2, ::-1]
        path = path + rng.normal(0, age.spill * 0.6, path.shape)
        inward = path[:, ::-1] - path
        length = np.hypot(inward[..., 0], inward[..., 1])[..., None] + 1e-6
        short = np.minimum(rng.normal(0.2, 1.0, length.shape) * age.spill, 0.3 * length)
        path += inward / length * short
        wide = medium.hatching * self.height * rng.uniform(0.85, 1.25)
        tone = (*colour, 255.0 * medium.body * rng.uniform(0.7, 1.0))
        # An arm swings in arcs: each stroke gets a middle that is off the straight line.
        middle = path.mean(axis=1, keepdims=True)
        sag = rng.normal(0, 0.25 * medium.gap + 0.2 * age.wobble, middle.shape)
        path = np.concatenate([path[:, :1], middle + sag, path[:, 1:]], axis=1)
        # The tool is lifted where the next stroke begins too far away, as across a hollow.
        apart = np.hypot(*(path[1:, 0] - path[:-1, -1]).T) >= 4 * gap
        for run in np.split(path, np.flatnonzero(apart) + 1):
            swing = smooth(run.reshape(-1, 2), closed=False, rounds=1)
            stroke(self.pigment, swing, self.height, tone, wide)

    def _wash(self, points: Points, colour: Colour) -> None:
        """Lay a translucent wash: uneven within, darker where it dried at the edge."""
        scale, edge = self.height, np.array([self.width, self.height])
        low = np.clip(np.floor(points.min(axis=0) * scale) - 6, 0, edge).astype(int)
        high = np.clip(np.ceil(points.max(axis=0) * scale) + 7, 0, edge).astype(int)
        width, height = (high - low).tolist()
        if width < 3 or height < 3:
            return
        mask = np.zeros((height, width), np.uint8)
        outline = smooth(points) if len(points) > 6 else points
        fill(mask, outline - low / scale, scale, (255, 0, 0))
        soft = cv2.GaussianBlur(mask, (0, 0), 1.6).astype(np.float32) / 255
        rim = soft * (1 - cv2.GaussianBlur(mask, (0, 0), 3.5).astype(np.float32) / 255)
        flow = 0.08 * noise_patch(self.rng, height, width, 40.0)
        flow = flow + 0.05 * noise_patch(self.rng, height, width, 3.0)
        depth = np.clip(soft * (0.8 + flow) + 0.5 * rim, 0, 1)[..., None]
        here = self.paper[low[1] : high[1], low[0] : high[0]]
        glaze = np.array(colour, np.float32)
        # A child's watercolour half hides what lies below and half filters it.
        here[:] = here * (1 - depth) + depth * (0.6 * glaze + 0.4 * here * glaze / 255)

    def rubbed_in(self) -> Plane:
        """The drawing: the grain of the paper catches the pigment or lets the paper show."""
        rng, size = self.rng, (self.height, self.width)
        tooth = 0.5 * noise_patch(rng, *size, 0.7) + 0.5 * noise_patch(rng, *size, 1.5)
        catch = np.clip(1 - self.medium.tooth * (0.22 + 0.42 * tooth), 0, 1)
        cover = (self.pigment[..., 3].astype(np.float32) / 255 * catch)[..., None]
        tone = self.pigment[..., :3].astype(np.float32)
        tone += 7 * noise_patch(rng, *size, 3.0)[..., None]
        return (self.paper + (tone - self.paper) * cover).astype(np.float32)


def _scan(drawn: Plane, rng: np.random.Generator) -> Picture:
    """The scanner: a slight turn, the dark lid past some edges, uneven light, a colour cast."""
    height, width = drawn.shape[:2]
    turn = np.radians(rng.normal(0, 0.7))
    # Per side: how far the lid shows (positive) or the sheet is cut (negative), in pixels.
    past = np.where(rng.random(4) < 0.55, rng.uniform(2, 0.045 * width, 4), rng.uniform(-5, 1, 4))
    left, top, right, bottom = past
    c, s = np.cos(turn), np.sin(turn)
    sx = (width - left - right) / width
    sy = (height - top - bottom) / height
    warp = np.array(
        [[c * sx, -s * sx, left + s * height * 0.5], [s * sy, c * sy, top - s * width * 0.5]]
    )
    lid = rng.uniform(14, 46)
    scan = cv2.warpAffine(
        drawn, warp, (width, height), flags=cv2.INTER_LINEAR, borderValue=(lid, lid, lid * 1.05)
    )
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    slope = rng.normal(0, 0.03, 3).tolist()
    light = 1 + slope[0] * x + slope[1] * y - abs(slope[2]) * x * x
    cast = 1 + rng.normal(0, 0.012, 3) - abs(rng.normal(0, 0.02))
    scan = scan * (light[..., None] * cast.astype(np.float32))
    return np.clip(scan, 0, 255).astype(np.uint8)
