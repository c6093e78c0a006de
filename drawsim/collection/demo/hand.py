"""The child's side: from a scene to the scan of a drawing of it."""

from __future__ import annotations

from dataclasses import dataclass

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

    line, hatching: stroke widths. gap: distance of hatching strokes (0: no hatching). tooth: how
    far the paper's grain breaks the stroke, 0..1. body: how opaque the pigment is, 0..1.
    wash: filled with translucent washes instead of strokes. gray: no colours.
    """

    name: str
    line: float
    hatching: float
    gap: float
    tooth: float
    body: float
    wash: bool = False
    gray: bool = False


MEDIA = (
    Medium("crayon", 0.010, 0.015, 0.0115, 0.62, 0.97),
    Medium("felt pen", 0.008, 0.011, 0.0095, 0.08, 0.96),
    Medium("coloured pencil", 0.005, 0.008, 0.0075, 0.60, 0.88),
    Medium("watercolour", 0.006, 0.0, 0.0, 0.35, 0.85, wash=True),
    Medium("gouache", 0.007, 0.026, 0.016, 0.12, 1.0),
    Medium("pencil", 0.0045, 0.006, 0.0095, 0.55, 0.88, gray=True),
)
_USE = (0.28, 0.16, 0.18, 0.15, 0.17, 0.06)


def draw(scene: Scene, age: Age, rng: np.random.Generator) -> Picture:
    """A child's drawing after the scene, scanned: RGB, uint8, (H, W, 3), long side 340-420 px."""
    medium = MEDIA[int(rng.choice(len(MEDIA), p=_USE))]
    shapes = retell(scene, age, rng)
    long_side = int(rng.integers(340, 421))
    ratio = _SHEETS[int(np.abs(np.log(np.array(_SHEETS) / scene.width)).argmin())]
    height = round(long_side / max(ratio, 1.0))
    width = round(height * ratio)
    margin = rng.uniform(0.0, 0.06)
    fit = np.array([ratio / scene.width, 1.0]) * (1 - 2 * margin)
    offset = margin * np.array([ratio, 1.0])
    sheet = _sheet(height, width, rng)
    pigment = np.zeros((height, width, 4), np.uint8)
    for shape in shapes:
        placed = shape.points * fit + offset
        colour = _pigment(shape, medium, age, rng)
        if medium.wash and shape.thickness == 0:
            _wash(sheet, placed, colour, height, rng)
        _mark(pigment, placed, shape, colour, medium, age, height, rng)
    drawn = _rub_in(sheet, pigment, medium, rng)
    return _scan(drawn, rng)


def _pigment(shape: Shape, medium: Medium, age: Age, rng: np.random.Generator) -> Colour:
    if medium.gray:
        level = 0.35 + 0.45 * sum(shape.colour) / 765
        return (150 * level, 150 * level, 156 * level)
    colour = crayon(shape.colour, age, rng)
    # Paint can be mixed: the older the child, the nearer to the colour seen.
    return mix(colour, shape.colour, 0.6 if medium.name in ("watercolour", "gouache") else 0.3)


def _sheet(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Blank paper, float32 RGB: tint, fibres and grain."""
    tint = np.array([(250, 249, 246), (246, 240, 226), (240, 236, 230), (236, 226, 204)])
    base = tint[int(rng.choice(4, p=(0.45, 0.3, 0.15, 0.1)))] + rng.normal(0, 2, 3)
    grain = 2.2 * noise_patch(rng, height, width, 0.7) + 1.5 * noise_patch(rng, height, width, 12.0)
    paper: Plane = (base + grain[..., None]).astype(np.float32)
    return paper


def _mark(
    pigment: Picture,
    points: Points,
    shape: Shape,
    colour: Colour,
    medium: Medium,
    age: Age,
    scale: int,
    rng: np.random.Generator,
) -> None:
    """Hatch one shape and go round it; the fourth channel of `pigment` is how much colour lies."""
    load = 255.0 * medium.body
    if shape.thickness > 0:
        wide = max(medium.line, 0.6 * shape.thickness) * scale * rng.uniform(0.8, 1.2)
        stroke(pigment, smooth(points, closed=False, rounds=1), scale, (*colour, load), wide)
        return
    outline = smooth(points, rounds=1) if len(points) > 4 else points
    backdrop = shape.role == "backdrop"
    if not backdrop and rng.random() < age.clear:
        cv2.fillPoly(pigment, [np.round(outline * scale).astype(np.int32)], (0, 0, 0, 0))
    if medium.gap > 0 and (not medium.gray or rng.random() < 0.45):
        _hatch(pigment, outline, shape, colour, medium, age, scale, rng)
    if not backdrop:
        dark = medium.gray or rng.random() < 0.4
        ink = (52.0, 48.0, 50.0) if dark else mix(colour, (30, 24, 28), 0.25)
        size = float(np.ptp(outline, axis=0).max())
        loose = resample(np.vstack([outline, outline[:2]]), min(0.05, size / 4), closed=False)
        loose = loose + rng.normal(0, age.wobble * 0.25, loose.shape)
        wide = medium.line * scale * rng.uniform(0.8, 1.25) * (0.6 if size < 0.06 else 1.0)
        stroke(pigment, smooth(loose, closed=False, rounds=1), scale, (*ink, load), wide)


def _hatch(
    pigment: Picture,
    outline: Points,
    shape: Shape,
    colour: Colour,
    medium: Medium,
    age: Age,
    scale: int,
    rng: np.random.Generator,
) -> None:
    """Fill with strokes to and fro that stop short of the outline or run past it."""
    lean = rng.normal(0.6, 0.35) if shape.role != "backdrop" else rng.normal(0.1, 0.3)
    loose = 1.0 + 14 * age.wobble * rng.random()
    if shape.role == "backdrop":
        loose *= rng.choice((1.0, 1.3, 1.9), p=(0.6, 0.28, 0.12))
    lines = hatch(outline, lean, medium.gap * loose)
    if len(lines) == 0:
        return
    path = lines
    path[1::2] = path[1::2, ::-1]
    path = path + rng.normal(0, age.spill * 0.6, path.shape)
    inward = path[:, ::-1] - path
    length = np.hypot(inward[..., 0], inward[..., 1])[..., None] + 1e-6
    path += (
        inward / length * np.minimum(rng.normal(0.2, 1.0, length.shape) * age.spill, 0.3 * length)
    )
    wide = medium.hatching * scale * rng.uniform(0.85, 1.25)
    load = 255.0 * medium.body * rng.uniform(0.7, 1.0)
    tone = (*colour, load)
    # An arm swings in arcs: each stroke gets a middle that is off the straight line.
    middle = path.mean(axis=1, keepdims=True)
    sag = rng.normal(0, 0.25 * medium.gap + 0.2 * age.wobble, middle.shape)
    path = np.concatenate([path[:, :1], middle + sag, path[:, 1:]], axis=1)
    joined = np.hypot(*(path[1:, 0] - path[:-1, -1]).T) < 4 * medium.gap * loose
    start = 0
    for k in [*(np.flatnonzero(~joined) + 1).tolist(), len(path)]:
        swing = smooth(path[start:k].reshape(-1, 2), closed=False, rounds=1)
        stroke(pigment, swing, scale, tone, wide)
        start = k


def _wash(
    sheet: Plane, points: Points, colour: Colour, scale: int, rng: np.random.Generator
) -> None:
    """Lay a translucent wash on the paper: uneven within, darker where it dried at the edge."""
    height, width = sheet.shape[:2]
    low = np.clip(np.floor(points.min(axis=0) * scale) - 6, 0, (width, height)).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) * scale) + 7, 0, (width, height)).astype(int)
    (left, top), (right, bottom) = low, high
    if right - left < 3 or bottom - top < 3:
        return
    size = int(bottom - top), int(right - left)
    mask = np.zeros(size, np.uint8)
    outline = smooth(points) if len(points) > 6 else points
    fill(mask, outline - np.array([left, top]) / scale, scale, (255, 0, 0))
    soft = cv2.GaussianBlur(mask, (0, 0), 1.6).astype(np.float32) / 255
    rim = soft * (1 - cv2.GaussianBlur(mask, (0, 0), 3.5).astype(np.float32) / 255)
    flow = 0.08 * noise_patch(rng, *size, 40.0) + 0.05 * noise_patch(rng, *size, 3.0)
    depth = np.clip(soft * (0.8 + flow) + 0.5 * rim, 0, 1)[..., None]
    here = sheet[top:bottom, left:right]
    glaze = np.array(colour, np.float32)
    # Half covering, half filtering: child's watercolour hides a little of what lies below.
    here[:] = here * (1 - depth) + depth * (0.6 * glaze + 0.4 * here * glaze / 255)


def _rub_in(sheet: Plane, pigment: Picture, medium: Medium, rng: np.random.Generator) -> Plane:
    """Pigment on paper: the grain of the sheet catches it or lets the paper show."""
    height, width = sheet.shape[:2]
    tooth = 0.5 * noise_patch(rng, height, width, 0.7) + 0.5 * noise_patch(rng, height, width, 1.5)
    catch = np.clip(1 - medium.tooth * (0.22 + 0.42 * tooth), 0, 1)
    cover = (pigment[..., 3].astype(np.float32) / 255 * catch)[..., None]
    tone = pigment[..., :3].astype(np.float32) + 7 * noise_patch(rng, height, width, 3.0)[..., None]
    return (sheet + (tone - sheet) * cover).astype(np.float32)


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
