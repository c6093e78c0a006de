"""Still lifes, bouquets and interiors, and the walls behind them.

A genre is a function that fills a sketch and returns a title.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo import beasts, beings, nature, things
from drawsim.collection.demo.geometry import blob, box, ellipse, points, smooth
from drawsim.collection.demo.scene import Colour, Sketch, choose, mix

GROUNDS = (
    "6a4a3a",
    "2f4a5a",
    "8a3a34",
    "4a5a3a",
    "c9a05a",
    "d9c8b0",
    "3a3448",
    "7a9aa8",
    "b86a4a",
    "a8b48a",
)


def wall(s: Sketch, down_to: float) -> Colour:
    """A wall behind the subject, plain, striped or dotted; its colour."""
    tone = s.any_of(*GROUNDS)
    s.area(
        box(-0.03, -0.03, s.width + 0.03, down_to + 0.02),
        tone,
        "backdrop",
        fade=mix(tone, (20, 15, 20), s.between(0, 0.4)),
        grain=s.between(-1, 1),
    )
    pattern = choose(s.rng, ("plain", "plain", "stripes", "dots"))
    ornament = mix(tone, s.any_of("f4ead0", "2a2030", "c8603a", "e3b04a"), 0.45)
    with s.motif(weight=0.2):
        if pattern == "stripes":
            for x in np.arange(s.between(0.02, 0.1), s.width, s.between(0.12, 0.22)):
                s.area(box(x, -0.03, x + 0.04, down_to), ornament, "detail", grain=1.57)
        elif pattern == "dots":
            gap = s.between(0.12, 0.2)
            for row, y in enumerate(np.arange(0.06, down_to - 0.02, gap)):
                for x in np.arange(0.05 + gap / 2 * (row % 2), s.width, gap):
                    s.area(blob(s.rng, x, y, 0.022, 0.022, 0.2), ornament, "detail")
    return tone


def tabletop(s: Sketch) -> float:
    """A wall and a table top or cloth across the picture; where the objects stand."""
    edge = s.between(0.55, 0.72)
    wall(s, edge)
    cloth = s.any_of("f0e8d6", "a8703a", "7a4a2a", "b83a3a", "3f5a7a", "d9c08a", "5a6f4a")
    s.area(
        box(-0.03, edge, s.width + 0.03, 1.05),
        cloth,
        "backdrop",
        fade=mix(cloth, (40, 25, 30), 0.3),
        grain=0.05,
    )
    if s.chance(0.4):
        with s.motif(weight=0.2):
            band = mix(cloth, s.any_of("b8322a", "2f4a7a", "f4f0e6"), 0.6)
            for x in np.arange(0.05, s.width, 0.16):
                s.area(
                    points(
                        (x, edge),
                        (x + 0.05, edge),
                        (x + 0.09 + 0.3 * (x - s.width / 2), 1.05),
                        (x + 0.0 + 0.3 * (x - s.width / 2), 1.05),
                    ),
                    band,
                    "detail",
                )
    return edge


def still_life(s: Sketch) -> str:
    """Vessels, fruit, books, a candle, a guitar or fish on a table."""
    edge = tabletop(s)
    if s.chance(0.25):
        with s.motif(choose(s.rng, (0.0, 1.0)) * s.width, 0.0, 1.0, weight=0.4):
            drape = points(
                (-0.35, -0.03), (0.35, -0.03), (0.22, 0.4), (0.3, 0.8), (-0.3, 0.8), (-0.2, 0.4)
            )
            s.area(smooth(drape), s.any_of(*things.GLAZES), grain=1.5, solid=True)
    lead = choose(s.rng, ("vessels", "fruit", "candle", "guitar", "fish", "cake"))
    names = []
    if lead == "guitar":
        things.guitar(s, s.between(0.35, 0.65) * s.width, edge + 0.22, s.between(0.7, 0.9))
    slots = s.rng.permutation(np.linspace(0.14, 0.86, 5))[: s.count(2, 4)]
    for at in np.sort(slots):
        kind = choose(s.rng, tuple(things.VESSELS))
        size = s.between(0.16, 0.24) if kind in ("bowl", "pot") else s.between(0.28, 0.5)
        if lead == "vessels":
            size *= 1.15
        x, y = at * s.width, edge + s.between(0.04, 0.16)
        if kind == "bowl":
            pile = choose(s.rng, things.FRUITS[:4])
            for dx, dy in ((-0.08, 0.0), (0.08, 0.0), (0.0, -0.06)):
                things.fruit(s, x + dx, y - size * 0.9 + dy + 0.05, 0.11, pile)
        things.vessel(s, x, y, size, kind)
        names.append(kind)
    if lead == "candle":
        things.candle(s, s.between(0.2, 0.8) * s.width, edge + 0.14, s.between(0.45, 0.6))
        things.book(s, s.between(0.2, 0.8) * s.width, edge + 0.25, s.between(0.3, 0.42))
    elif lead == "fish":
        x, y = s.between(0.35, 0.65) * s.width, s.between(0.82, 0.9)
        with s.motif(x, y, s.between(0.3, 0.4), weight=0.6):
            s.area(ellipse(0, 0, 1.0, 0.3), s.shade("f0ece0", 5))
        for k in range(s.count(1, 3)):
            beasts.fish(s, x, y - 0.05 + 0.05 * k, s.between(0.4, 0.55))
    elif lead == "cake":
        with s.motif(
            s.between(0.35, 0.65) * s.width, edge + 0.24, s.between(0.22, 0.3), weight=1.0
        ):
            cream = s.any_of("f0d9c0", "8a5034", "e8a8b0")
            s.area(box(-0.7, -0.5, 0.7, 0), cream, solid=True)
            s.area(
                smooth(
                    points(
                        (-0.72, -0.3),
                        (-0.7, -0.6),
                        (0.7, -0.6),
                        (0.72, -0.25),
                        (0.4, -0.4),
                        (0, -0.25),
                        (-0.4, -0.42),
                    )
                ),
                s.any_of("f6f0e6", "b8423f", "4a2a1e"),
            )
            for k in range(5):
                s.area(
                    ellipse(-0.5 + 0.25 * k, -0.66, 0.09, 0.09, count=10),
                    s.shade("c8322e"),
                    "feature",
                )
    for _ in range(s.count(5, 8) if lead == "fruit" else s.count(0, 4)):
        kind = choose(s.rng, things.FRUITS)
        things.fruit(
            s,
            s.between(0.08, 0.92) * s.width,
            s.between(edge + 0.14, 0.95),
            s.between(0.1, 0.18),
            kind,
        )
    return f"Still Life with {(lead if lead != 'vessels' else names[0]).title()}"


def bouquet(s: Sketch) -> str:
    """Flowers in a vase."""
    edge = tabletop(s)
    kinds = tuple(choose(s.rng, nature.FLOWERS) for _ in range(choose(s.rng, (1, 1, 2, 3))))
    base = s.between(edge + 0.1, 0.93)
    things.bouquet(
        s, s.between(0.38, 0.62) * s.width, base, base - s.between(0.0, 0.08), kinds, s.count(4, 12)
    )
    for _ in range(s.count(0, 3)):
        things.fruit(
            s,
            s.between(0.08, 0.92) * s.width,
            s.between(edge + 0.16, 0.96),
            s.between(0.1, 0.16),
            choose(s.rng, things.FRUITS),
        )
    if s.chance(0.2):
        beasts.cat(s, choose(s.rng, (0.15, 0.85)) * s.width, 0.96, s.between(0.3, 0.4), weight=0.8)
    return f"Vase with {kinds[0].title()} Flowers"


def interior(s: Sketch) -> str:
    """A room: bed, table or sofa corner, window, chair, pictures, lamp, perhaps a person or cat."""
    floor_y = s.between(0.58, 0.74)
    wall(s, floor_y)
    floor = s.any_of("a8703a", "8a5a3a", "c99a6a", "6a4a44", "b8524a", "d9b880")
    s.area(
        box(-0.03, floor_y, s.width + 0.03, 1.05),
        floor,
        "backdrop",
        fade=mix(floor, (40, 20, 20), 0.3),
    )
    vanish = s.width / 2
    with s.motif(weight=0.15):
        for x in np.linspace(-0.6, s.width + 0.6, s.count(6, 10)):
            s.line(
                points((vanish + (x - vanish) * 0.55, floor_y), (x, 1.05)),
                mix(floor, (40, 20, 20), 0.35),
                0.008,
            )
    if s.chance(0.35):
        side = choose(s.rng, (0.0, 1.0))
        with s.motif(side * s.width, 0.0, 1.0, weight=0.3, mirror=side > 0):
            s.area(
                points((-0.03, -0.03), (0.16, -0.03), (0.16, floor_y), (-0.03, floor_y + 0.2)),
                s.any_of(*GROUNDS),
            )
    things.window(
        s, s.between(0.2, 0.8) * s.width, floor_y * 0.5, s.between(0.34, 0.5), night=s.chance(0.3)
    )
    for _ in range(s.count(0, 3)):
        things.frame(
            s, s.between(0.1, 0.9) * s.width, s.between(0.14, floor_y - 0.2), s.between(0.12, 0.2)
        )
    subject = choose(s.rng, ("bed", "table", "cafe", "studio", "music"))
    x = s.between(0.38, 0.62) * s.width
    if s.chance(0.45):
        with s.motif(x, s.between(0.86, 0.92), 1.0, weight=0.4):
            rug = s.any_of("a8322a", "2f5a8a", "d9a83c", "5a7a5a")
            s.area(ellipse(0, 0, s.between(0.3, 0.5), 0.1), rug)
            s.area(ellipse(0, 0, 0.2, 0.05), mix(rug, (250, 240, 210), 0.5), "detail")
    if subject == "bed":
        things.bed(s, x, 0.88, s.between(0.7, 0.95))
        things.chair(s, choose(s.rng, (0.13, 0.87)) * s.width, 0.93, s.between(0.34, 0.44))
    elif subject in ("table", "cafe"):
        high = s.between(0.72, 0.78)
        length = s.between(0.5, 0.8)
        for side in (-1, 1):
            if s.chance(0.7):
                things.chair(s, x + side * length * 0.65, 0.95, s.between(0.38, 0.48))
        if subject == "cafe":
            for side in (-1, 1):
                beings.person(
                    s,
                    x + side * length * 0.36,
                    0.95,
                    s.between(0.5, 0.6),
                    choose(s.rng, ("stand", "wave")),
                )
        things.table(s, x, high, length, round_top=s.chance(0.5))
        for k in range(s.count(1, 3)):
            things.vessel(
                s,
                x + (k - 1) * 0.14,
                high - 0.02,
                s.between(0.12, 0.2),
                choose(s.rng, tuple(things.VESSELS)),
            )
    elif subject == "studio":
        with s.motif(x, 0.95, s.between(0.6, 0.7), weight=1.0):
            for foot in (-0.36, 0.0, 0.36):
                s.line(points((0, -1.05), (foot, 0)), s.shade("8a5a34"), 0.04, "body")
            s.area(box(-0.36, -0.92, 0.36, -0.34), s.shade("f0e8d6", 5))
            s.area(blob(s.rng, 0, -0.6, 0.2, 0.18, 0.25), s.any_of(*things.GLAZES))
        beings.person(s, x + choose(s.rng, (-0.34, 0.34)), 0.96, s.between(0.55, 0.65), "reach")
    else:
        things.guitar(s, x, 0.85, s.between(0.5, 0.65))
        things.chair(s, x + choose(s.rng, (-0.35, 0.35)), 0.95, s.between(0.4, 0.5))
    if s.chance(0.4):
        things.lamp(s, s.between(0.3, 0.7) * s.width, s.between(0.16, 0.24), s.between(0.12, 0.18))
    if s.chance(0.3):
        beasts.cat(s, s.between(0.12, 0.88) * s.width, 0.97, s.between(0.18, 0.26), weight=0.6)
    return {
        "bed": "The Bedroom",
        "table": "The Table",
        "cafe": "At the Table",
        "studio": "The Studio",
        "music": "The Guitar",
    }[subject]
