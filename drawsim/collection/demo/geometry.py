"""Outlines: the few curves every scene is built from.

An outline is a float64 array of shape (N, 2). x runs right and y runs down; the unit is whatever
frame the caller draws in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


def points(*pairs: tuple[float, float]) -> Points:
    """An outline from its corners."""
    return np.array(pairs, dtype=np.float64)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """An upright rectangle."""
    return points((left, top), (right, top), (right, bottom), (left, bottom))


def ellipse(
    x: float,
    y: float,
    rx: float,
    ry: float,
    *,
    start: float = 0.0,
    end: float = 2 * np.pi,
    count: int = 26,
) -> Points:
    """An ellipse, or its arc from `start` to `end` in radians, clockwise from three o'clock."""
    angle = np.linspace(start, end, count, endpoint=end - start < 2 * np.pi - 1e-9)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def blob(
    rng: np.random.Generator, x: float, y: float, rx: float, ry: float, rough: float = 0.12
) -> Points:
    """An ellipse whose radius swells and shrinks by about `rough` of itself."""
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    radius = np.ones_like(angle)
    for waves in (2, 3, 5, 7):
        radius += rough / np.sqrt(waves) * rng.normal() * np.cos(waves * angle + rng.uniform(0, 7))
    radius = np.clip(radius, 0.5, 1.6)
    return np.stack([x + rx * radius * np.cos(angle), y + ry * radius * np.sin(angle)], axis=1)


def smooth(outline: Points, *, closed: bool = True, rounds: int = 2) -> Points:
    """The outline with its corners cut (Chaikin, 1974): each edge keeps its middle half."""
    for _ in range(rounds):
        here = outline if closed else outline[:-1]
        there = np.roll(outline, -1, axis=0) if closed else outline[1:]
        cut = np.empty((2 * len(here), 2))
        cut[0::2] = 0.75 * here + 0.25 * there
        cut[1::2] = 0.25 * here + 0.75 * there
        outline = cut if closed else np.vstack([outline[:1], cut, outline[-1:]])
    return outline


def ridge(
    rng: np.random.Generator,
    width: float,
    height: float,
    rise: float,
    *,
    waves: float = 2.0,
    jagged: float = 0.0,
    floor: float = 1.05,
) -> Points:
    """Ground from edge to edge: a wavy upper rim about `height`, filled down to `floor`."""
    x = np.linspace(-0.03, width + 0.03, 36)
    y = np.full_like(x, height)
    for octave in range(3):
        turns = waves * 1.9**octave
        y += rise / 1.9**octave * 0.6 * np.sin(2 * np.pi * turns * x / width + rng.uniform(0, 7))
    y += jagged * rng.normal(size=len(x))
    return np.vstack([np.stack([x, y], axis=1), points((width + 0.03, floor), (-0.03, floor))])


def star(x: float, y: float, radius: float, rays: int = 5, waist: float = 0.45) -> Points:
    """A star with its first ray upright; `waist` is the inner radius over the outer one."""
    angle = np.arange(2 * rays) * np.pi / rays - np.pi / 2
    length = np.where(np.arange(2 * rays) % 2 == 0, radius, radius * waist)
    return np.stack([x + length * np.cos(angle), y + length * np.sin(angle)], axis=1)


def resample(outline: Points, step: float, *, closed: bool) -> Points:
    """Points about `step` apart along the outline, at least three."""
    path = np.vstack([outline, outline[:1]]) if closed else outline
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    count = max(3, int(along[-1] / step) + 1)
    at = np.linspace(0, along[-1], count, endpoint=not closed)
    return np.stack([np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])], axis=1)


def rotate(outline: Points, angle: float) -> Points:
    """The outline turned clockwise (y down) about the origin by `angle` radians."""
    c, s = np.cos(angle), np.sin(angle)
    return outline @ np.array([[c, s], [-s, c]])


def hatch(outline: Points, angle: float, gap: float) -> Points:
    """Parallel segments, `gap` apart at `angle`, that fill a closed outline (even-odd rule).

    The result has shape (segments, 2, 2): start and end of each. They come in order across the
    outline, so that joining their ends in turn gives one zigzag.
    """
    turned = rotate(outline, -angle)
    low, high = turned[:, 1].min(), turned[:, 1].max()
    rows = np.arange(low + gap / 2, high, gap)
    a, b = turned, np.roll(turned, -1, axis=0)
    crosses = (a[:, 1] <= rows[:, None]) != (b[:, 1] <= rows[:, None])
    drop = np.where(b[:, 1] == a[:, 1], 1.0, b[:, 1] - a[:, 1])
    x = a[:, 0] + (rows[:, None] - a[:, 1]) / drop * (b[:, 0] - a[:, 0])
    ends = np.sort(np.where(crosses, x, np.inf), axis=1)
    spans = ends.shape[1] // 2
    ends = ends[:, : 2 * spans].reshape(len(rows), spans, 2)
    row, pair = np.nonzero(np.isfinite(ends[..., 1]))
    level = np.broadcast_to(rows[row, None], (len(row), 2))
    return rotate(np.stack([ends[row, pair], level], axis=-1), angle)
