"""Media of simulated drawings: pen, pencil, charcoal, scraperboard, crayons, paint, felt-tip.

Each takes what the hand draws and a sheet, and returns the sheet with the drawing on it. Lines are
found at edges: with a pen as traced strokes, with the others as differences of Gaussians.
Source of the latter: H. Winnemöller et al., "XDoG: an extended difference-of-Gaussians compendium",
Computers & Graphics, 2012.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from drawsim.pixels.warps import smooth_noise, streaks

Random = np.random.Generator


@dataclass(frozen=True)
class Scene:
    """What the hand draws, squares of equal sides.

    colours: uint8 RGB. subject: how much a pixel belongs to the subject, float32 in 0..1.
    drawn: how much of it is drawn at all, float32 in 0..1.
    """

    colours: np.ndarray
    subject: np.ndarray
    drawn: np.ndarray

    @property
    def side(self) -> int:
        """Side in pixels."""
        return len(self.colours)


Medium = Callable[[Scene, np.ndarray, Random], np.ndarray]
"""Draws a scene on a sheet (float32 RGB in 0..255) and returns the sheet."""


def pen(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """A quick sketch: few clean contours of even width, without shading."""
    focus = rng.uniform(0.2, 1)
    weight = scene.drawn * (1 - focus + focus * scene.subject)
    cover = _contours(_tone(scene, rng), weight, rng.uniform(0.05, 0.16), rng)
    if rng.random() < 0.35:  # the outline of the subject alone, and what is in it
        inside = (scene.subject > rng.uniform(0.3, 0.55)).astype(np.uint8) * 255
        cover = np.maximum(cover, _contours(inside, scene.drawn, 0.1, rng))
    if rng.random() < 0.25:
        cover = _broken(cover, rng)
    ink = rng.uniform(0, 50) if rng.random() < 0.85 else rng.uniform(0, 130, 3)
    return _lay(sheet, ink, cover)


def pencil(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """Gray lines of changing strength, at times with some hatching in the shadows."""
    side, tone = scene.side, _tone(scene, rng)
    cover = _lines(tone, side * rng.uniform(0.003, 0.01), rng)
    focus = rng.uniform(0, 0.9)
    cover = cover * (1 - focus + focus * scene.subject)
    if rng.random() < 0.4:
        shadow = np.clip((rng.uniform(90, 150) - tone.astype(np.float32)) / 100, 0, 1)
        hatching = streaks(rng, side, rng.uniform(1.3, 2.5), rng.uniform(0, np.pi)) > 0.5
        cover = np.maximum(cover, shadow * hatching * np.float32(rng.uniform(0.3, 0.8)))
    if rng.random() < 0.4:
        cover = _broken(cover, rng)
    cover = cover * scene.drawn * _tooth(rng, side, 0.35)
    graphite = rng.uniform(30, 95) + rng.uniform(-6, 10) * np.array([1, 0, -1])
    return _lay(sheet, graphite, cover)


def shading(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """Pencil or charcoal in soft tones, strokes in it, outlines gone over."""
    side, tone = scene.side, _tone(scene, rng).astype(np.float32)
    low, high = np.quantile(tone[::4, ::4], [0.03, rng.uniform(0.75, 0.97)])
    shade = np.clip((high - tone) / max(high - low, 40.0), 0, 1) ** np.float32(
        rng.uniform(0.8, 1.6)
    )
    texture = 1 - rng.uniform(0, 0.5) * streaks(rng, side, rng.uniform(1.5, 4), rng.uniform(0, 3.1))
    cover = shade * np.float32(rng.uniform(0.55, 1)) * texture * _tooth(rng, side, 0.3)
    lines = _lines(tone, side * rng.uniform(0.004, 0.01), rng) * np.float32(rng.uniform(0.2, 0.9))
    cover = np.maximum(cover, lines) * scene.drawn
    coal = rng.uniform(5, 80) + rng.uniform(-4, 12) * np.array([1, 0, -1])
    return _lay(sheet, coal, cover)


def scraperboard(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """Light on dark, as a linocut, scratched into black wax or chalk on black paper."""
    side, tone = scene.side, _tone(scene, rng).astype(np.float32)
    black = sheet * np.float32(rng.uniform(0.05, 0.2))
    if rng.random() < 0.5:
        cover = _lines(255 - tone, side * rng.uniform(0.005, 0.012), rng)
    else:  # light where the picture is: in flat parts, cut by strokes in the half-tones
        grooves = streaks(rng, side, rng.uniform(1.5, 3), rng.uniform(0, np.pi)) - 0.5
        low, middle, high = np.quantile(tone[::4, ::4], [0.05, rng.uniform(0.45, 0.75), 0.95])
        half_tones = (0.5 * max(high - low, 20.0)) * grooves
        cover = np.clip((tone - np.float32(middle) + half_tones) / 25 + 0.5, 0, 1)
    return _lay(black, sheet, cover * scene.drawn * _tooth(rng, side, 0.2))


def crayon(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """Coloured pencil or wax: strokes in a direction with white gaps, outlines in a darker tone."""
    side = scene.side
    width, angle = side * rng.uniform(0.009, 0.022), rng.uniform(0, np.pi)
    strokes = streaks(rng, side, width, angle)
    gray = cv2.cvtColor(scene.colours, cv2.COLOR_RGB2GRAY)
    light = gray > rng.integers(80, 180)  # other parts, another direction
    strokes = np.where(light, strokes, streaks(rng, side, width, angle + rng.uniform(0.5, 1.6)))
    pressure, gaps = rng.uniform(0.5, 1), rng.uniform(0.2, 0.9)
    cover = pressure * np.clip(1.25 - gaps * (0.5 + strokes * 0.9), 0, 1)
    cover = np.float32(cover) * _tooth(rng, side, rng.uniform(0.2, 0.7)) * scene.drawn
    sheet = _lay(sheet, scene.colours, cover)
    if rng.random() < 0.85:
        sheet = _outlined(scene, sheet, rng)
    return sheet


def paint(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """Opaque colours or watercolour, brush marks, seldom an outline."""
    side = scene.side
    width = side * rng.uniform(0.012, 0.04)
    marks = streaks(rng, side, width, rng.uniform(0, np.pi)) - 0.5
    marks = marks * np.float32(rng.uniform(0, 70)) + smooth_noise(rng, side, 9) * 6
    daubed = cv2.medianBlur(scene.colours, int(rng.choice([3, 5])))
    body = rng.uniform(0.55, 0.8) if rng.random() < 0.3 else rng.uniform(0.9, 1)
    cover = np.float32(body) * scene.drawn
    sheet = _lay(sheet, np.clip(daubed + marks[:, :, None], 0, 255), cover)
    if rng.random() < 0.3:
        sheet = _outlined(scene, sheet, rng)
    return sheet


def felt_tip(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """Strong flat colours with dark clean outlines."""
    side = scene.side
    fills = cv2.medianBlur(scene.colours, 5).astype(np.float32)
    strokes = streaks(rng, side, side * rng.uniform(0.01, 0.02), rng.uniform(0, np.pi))
    cover = scene.drawn * (1 - np.float32(rng.uniform(0, 0.35)) * strokes)
    if rng.random() < 0.4:  # parts are outlined, not filled
        cover = cover * np.clip(6 * smooth_noise(rng, side, 3) + rng.uniform(0.5, 3), 0, 1)
    sheet = _lay(sheet, fills, cover)
    lines = _contours(_tone(scene, rng), scene.drawn, rng.uniform(0.08, 0.25), rng)
    return _lay(sheet, rng.uniform(0, 60), lines)


LINE_MEDIA: dict[Medium, float] = {pen: 0.58, pencil: 0.22, shading: 0.14, scraperboard: 0.06}
"""Media without colour, each with its share."""

COLOUR_MEDIA: dict[Medium, float] = {crayon: 0.4, paint: 0.38, felt_tip: 0.22}
"""Media in colours, each with its share."""


def _lay(sheet: np.ndarray, colour: np.ndarray | float, cover: np.ndarray) -> np.ndarray:
    """Pigment on a sheet: `colour` gray or RGB, of every pixel or of all; `cover` in 0..1."""
    pigment = np.asarray(colour, np.float32) - sheet
    pigment *= cover[:, :, None]
    pigment += sheet
    return pigment


def _tooth(rng: Random, side: int, strength: float) -> np.ndarray:
    """How much pigment the grain of the paper takes: 1 - `strength`..1, float32."""
    return np.asarray(1 - np.float32(strength) * rng.random((side, side), np.float32))


def _broken(cover: np.ndarray, rng: Random) -> np.ndarray:
    """Lines with gaps and faint parts."""
    pressure = smooth_noise(rng, len(cover), int(rng.integers(5, 13)))
    return np.asarray(cover * np.clip(2.5 * pressure + rng.uniform(0.8, 2), 0, 1))


def _outlined(scene: Scene, sheet: np.ndarray, rng: Random) -> np.ndarray:
    """Dark lines over colours that are on the sheet already."""
    lines = _lines(_tone(scene, rng), scene.side * rng.uniform(0.004, 0.012), rng)
    cover = lines * scene.drawn * np.float32(rng.uniform(0.4, 1))
    return _lay(sheet, sheet * np.float32(rng.uniform(0.05, 0.5)), cover)


def _tone(scene: Scene, rng: Random) -> np.ndarray:
    """Luminance, or the mixture of channels in which the picture differs most; uint8."""
    if rng.random() < 0.5:
        return np.asarray(cv2.cvtColor(scene.colours, cv2.COLOR_RGB2GRAY))
    few = scene.colours[::8, ::8].reshape(-1, 3).astype(np.float32)
    few -= few.mean(axis=0)
    axis = np.linalg.eigh(few.T @ few)[1][:, -1]
    axis = axis if axis.sum() > 0 else -axis
    weights = axis / np.abs(axis).sum()
    offset = -255 * weights[weights < 0].sum()  # so that all of it lies in 0..255
    return np.asarray(cv2.transform(scene.colours, np.append(weights, offset)[None]))


def _lines(tone: np.ndarray, width: float, rng: Random) -> np.ndarray:
    """Soft lines on the dark side of edges: how much they cover, float32 in 0..1.

    The difference of two Gaussians, in units of its own strongest responses, above a threshold.
    """
    tone = tone.astype(np.float32)
    fine = cv2.GaussianBlur(tone, (0, 0), width)
    wide = cv2.GaussianBlur(fine, (0, 0), width * rng.uniform(1.3, 2.2))
    darker = wide - fine
    strong = max(float(np.quantile(darker[::3, ::3], rng.uniform(0.88, 0.97))), 2.0)
    return np.asarray(np.clip(1.6 * darker / strong - np.float32(rng.uniform(0.2, 0.8)), 0, 1))


def _contours(tone: np.ndarray, weight: np.ndarray, detail: float, rng: Random) -> np.ndarray:
    """Clean lines of even width round what differs: how much they cover, float32 in 0..1.

    `weight` in 0..1 tells where edges matter; `detail`: share of pixels that are strong edges.
    Edges are found (Canny), traced, the short ones dropped, the others drawn again with a pen.
    """
    side = len(tone)
    tone = cv2.GaussianBlur(tone, (0, 0), side * rng.uniform(0.006, 0.02))
    if rng.random() < 0.4:  # a few levels: closed outlines in place of every change
        levels = int(rng.integers(2, 5))
        steps = np.quantile(tone[::4, ::4], np.linspace(0, 1, levels + 1)[1:-1])
        table = np.searchsorted(steps, np.arange(256)) * (255 // (levels - 1))
        tone = cv2.medianBlur(cv2.LUT(tone, table.astype(np.uint8)), 5)
    across = cv2.Sobel(tone, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE) * weight
    down = cv2.Sobel(tone, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE) * weight
    steep = np.abs(across[::2, ::2]) + np.abs(down[::2, ::2])
    high = max(float(np.quantile(steep, 1 - detail)), 20.0)
    edges = cv2.Canny(across.astype(np.int16), down.astype(np.int16), 0.25 * high, high)
    traces = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    shortest, most = side * rng.uniform(0.12, 0.45), int(rng.integers(8, 50))
    traces = sorted(traces, key=len, reverse=True)
    long = sum(len(trace) > shortest for trace in traces)
    slack = rng.uniform(0.6, 1.8)
    # Drawn at twice the size, in eighths of its pixels, so that widths come in fine steps.
    strokes = [
        16 * cv2.approxPolyDP(trace, slack, True) + 8 for trace in traces[: min(max(long, 6), most)]
    ]
    canvas = np.zeros((2 * side, 2 * side), np.uint8)
    wide = max(1, round(2 * side * rng.uniform(0.007, 0.016)))
    cv2.polylines(canvas, strokes, True, 255, wide, cv2.LINE_AA, 3)
    small = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small.astype(np.float32) / 255)
