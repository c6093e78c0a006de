"""How a child retells a scene: what is kept, moved, enlarged, doubled or forgotten, by age.

Nothing here touches pixels; `hand` draws the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from drawsim.collection.demo.geometry import Points, resample
from drawsim.collection.demo.scene import Colour, Scene, Shape, rgb


@dataclass(frozen=True)
class Age:
    """How a child of one age group draws; lengths in picture heights, chances 0..1.

    wobble: deviation of an outline from the line meant. step: distance of the points that an
    outline is remembered by. bend: deviation of the whole layout. move, grow: deviation of each
    motif's place and log size. forget: chance to leave out a minor motif; details: chance to
    keep a detail. double: chance to draw a minor motif twice. clear: chance that a shape hides what
    lies behind it. lone: chance to draw only the main motif. stray: chance of a crayon far from
    the colour seen. spill: how far hatching misses the outline.
    """

    group: str
    wobble: float
    step: float
    bend: float
    move: float
    grow: float
    forget: float
    details: float
    double: float
    clear: float
    lone: float
    stray: float
    spill: float


AGES = (
    Age("3-5", 0.018, 0.14, 0.040, 0.045, 0.22, 0.40, 0.10, 0.15, 0.35, 0.10, 0.20, 0.030),
    Age("6-9", 0.010, 0.09, 0.028, 0.034, 0.16, 0.24, 0.40, 0.12, 0.75, 0.07, 0.13, 0.018),
    Age("10-13", 0.006, 0.06, 0.020, 0.024, 0.12, 0.16, 0.65, 0.08, 0.92, 0.06, 0.09, 0.011),
    Age("14-17", 0.0035, 0.045, 0.013, 0.016, 0.08, 0.10, 0.85, 0.05, 1.00, 0.05, 0.06, 0.007),
    Age("18-25", 0.002, 0.03, 0.008, 0.009, 0.05, 0.06, 0.95, 0.03, 1.00, 0.04, 0.03, 0.004),
)

CRAYON_BOX = (
    "d62828 f26a2e f7c325 f9e36a 8cc63e 2f8f3e 1d5c3a 4fb3e8 2456b8 18285e 7b3fa0 "
    "e66fae f5b8a0 8a4f2a 5c3620 c98b4e 9a9a9a 555555 1c1c1c f6f2e6"
)
CRAYONS = [rgb(code) for code in CRAYON_BOX.split()]


def crayon(colour: Colour, age: Age, rng: np.random.Generator) -> Colour:
    """The crayon taken for a colour: the nearest of the box, now and then any other."""
    if rng.random() < age.stray:
        return CRAYONS[int(rng.integers(len(CRAYONS)))]
    box = np.array(CRAYONS)
    # Crayons are purer than paint: the colour is pushed away from its own gray before the choice.
    seen = np.array(colour)
    seen = seen.mean() + 1.6 * (seen - seen.mean()) + rng.normal(0, 12, 3)
    return CRAYONS[int(((box - seen) ** 2).sum(axis=1).argmin())]


def retell(scene: Scene, age: Age, rng: np.random.Generator) -> tuple[Shape, ...]:
    """The scene's shapes as this child arranges them, in the scene's own unit."""
    groups = sorted({s.group for s in scene.shapes if s.group > 0})
    weights = {s.group: s.weight for s in scene.shapes}
    main = max(weights.values(), default=0.0)
    lone = rng.random() < age.lone and main >= 0.8
    kept = {g for g in groups if weights[g] >= main - 1e-9 or not lone}
    kept = {g for g in kept if weights[g] >= min(main, 0.8) or rng.random() > age.forget}
    spread = _layout(scene.width, age, rng)
    moves = {g: _motif_move(scene, g, age, rng) for g in kept}
    doubles = {g for g in kept if 0.2 < weights[g] < 0.8 and rng.random() < age.double}
    drawn: list[Shape] = []
    for shape in scene.shapes:
        setting = shape.group == 0
        if (setting and lone) or (not setting and shape.group not in kept):
            continue
        if shape.role == "detail" and rng.random() > age.details:
            continue
        places = [spread] if setting else [_chain(moves[shape.group], spread)]
        if shape.group in doubles:
            shift = np.array([0.16 * (1 if shape.group % 2 else -1), 0.03])
            places.append(_chain(_chain(moves[shape.group], _shift(shift)), spread))
        drawn.extend(
            replace(shape, points=_remember(place(shape.points), shape, age, rng))
            for place in places
        )
    return _large(drawn, scene.width) if lone else tuple(drawn)


def _large(shapes: list[Shape], width: float) -> tuple[Shape, ...]:
    """A motif on its own fills the sheet, as far as twice its size goes."""
    every = np.vstack([shape.points for shape in shapes])
    low, high = every.min(axis=0), every.max(axis=0)
    scale = min(2.0, *(0.85 * np.array([width, 1.0]) / (high - low)).tolist())
    centre, middle = (low + high) / 2, np.array([width / 2, 0.5])
    return tuple(
        replace(s, points=(s.points - centre) * scale + middle, thickness=s.thickness * scale)
        for s in shapes
    )


def _chain(
    first: Callable[[Points], Points], then: Callable[[Points], Points]
) -> Callable[[Points], Points]:
    return lambda points: then(first(points))


def _shift(by: Points) -> Callable[[Points], Points]:
    return lambda points: points + by


def _layout(width: float, age: Age, rng: np.random.Generator) -> Callable[[Points], Points]:
    """A smooth bend of the whole sheet: sums of slow waves in x and y."""
    wave = rng.uniform(0.5, 1.3, (3, 2)) * 2 * np.pi / np.array([width, 1.0])
    phase = rng.uniform(0, 2 * np.pi, 3)
    push = rng.normal(0, age.bend, (3, 2))

    def bend(points: Points) -> Points:
        moved = points.copy()
        for k in range(3):
            moved += np.sin(points @ wave[k] + phase[k])[:, None] * push[k]
        return moved

    return bend


def _motif_move(
    scene: Scene, group: int, age: Age, rng: np.random.Generator
) -> Callable[[Points], Points]:
    """A small move, turn and change of size about the motif's own centre; main motifs grow."""
    members = [s for s in scene.shapes if s.group == group]
    centre = np.vstack([s.points for s in members]).mean(axis=0)
    grown = np.exp(rng.normal(0.5 * age.grow * members[0].weight, age.grow))
    squash = np.exp(rng.normal(0, age.grow * 0.5, 2))
    turn = rng.normal(0, age.grow * 0.3)
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.array([[c, s], [-s, c]]) * grown * squash
    shift = rng.normal(0, age.move, 2)
    return lambda points: (points - centre) @ matrix + centre + shift


def _remember(points: Points, shape: Shape, age: Age, rng: np.random.Generator) -> Points:
    """The outline through fewer points, each a little off: simpler and unsteady."""
    closed = shape.thickness == 0
    size = float(np.ptp(points, axis=0).max())
    step = float(np.clip(age.step, 0.02, max(0.02, size / 4)))
    # From school age on, a few corners are kept as corners.
    angular = 3 <= len(points) <= 6 and age.step <= 0.1
    path = points if angular else resample(points, step, closed=closed)
    error = rng.normal(0, min(age.wobble, 0.14 * size + 0.001), path.shape)
    return path + error
