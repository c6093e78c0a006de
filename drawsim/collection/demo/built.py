"""Motifs that people build in a landscape: boats, houses, churches, mills, bridges.

A motif stands on the origin of its frame, one unit tall, upwards being negative y.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo.geometry import blob, box, ellipse, points, smooth
from drawsim.collection.demo.scene import Sketch, mix

BOATS = ("sail", "rowing", "steamer", "junk")


def boat(s: Sketch, x: float, y: float, size: float, kind: str, *, weight: float = 0.7) -> None:
    """A boat of one of the BOATS kinds; the water line is the origin, the mast one unit tall."""
    hull = s.any_of("7a3b2a", "2f4858", "e6e0cf", "b23a2e", "33523f", "c98b3a")
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        half = s.between(0.34, 0.5)
        deck = points((-half, -0.16), (half, -0.18), (half * 0.72, 0.04), (-half * 0.74, 0.04))
        if kind == "sail":
            s.line(points((0, -0.1), (0, -1)), s.shade("4a3524"), 0.025, "body")
            cloth = s.any_of("f3ecd9", "e3b778", "c8553d", "f7f3ea")
            s.area(points((0.03, -0.98), (0.03, -0.22), (half * 0.95, -0.25)), cloth, grain=1.4)
            if s.chance(0.7):
                s.area(
                    points((-0.03, -0.9), (-0.03, -0.24), (-half * 0.8, -0.26)),
                    mix(cloth, (90, 90, 120), 0.2),
                    grain=1.7,
                )
        elif kind == "junk":
            s.line(points((0, -0.1), (0, -0.95)), s.shade("4a3524"), 0.025, "body")
            cloth = s.any_of("a8452b", "c98b3a", "8c2f2a")
            for k in range(4):
                top = -0.95 + 0.19 * k
                s.area(box(-0.2 - 0.03 * k, top, 0.26 + 0.03 * k, top + 0.17), cloth)
        elif kind == "steamer":
            s.area(box(-half * 0.6, -0.38, half * 0.5, -0.14), s.shade("efe8d8"))
            s.area(box(-0.1, -0.66, 0.08, -0.36), s.any_of("b23a2e", "222222"))
            smoke = s.any_of("8a8a90", "55555c", "d6d2cc")
            for k in range(3):
                s.area(
                    blob(
                        s.rng, -0.08 - 0.17 * k, -0.8 - 0.09 * k, 0.13 + 0.04 * k, 0.09 + 0.02 * k
                    ),
                    smoke,
                    "detail",
                )
            for k in range(3):
                s.area(
                    ellipse(-half * 0.4 + 0.2 * k, -0.25, 0.04, 0.04, count=8),
                    s.shade("2b3a4a"),
                    "detail",
                )
        else:
            s.line(points((-0.1, -0.2), (-half - 0.15, 0.08)), s.shade("8a6a42"), 0.03)
            coat = s.any_of("b23a2e", "2f4858", "d8c9a0")
            s.area(
                smooth(
                    points((-0.12, -0.14), (-0.08, -0.42), (0.08, -0.42), (0.12, -0.14)), rounds=1
                ),
                coat,
            )
            s.area(ellipse(0, -0.5, 0.08, 0.09, count=12), s.shade("d9a983"))
        s.area(deck, hull, solid=True)
        s.line(points((-half, -0.14), (half, -0.16)), mix(hull, (255, 255, 240), 0.5), 0.03)


def house(s: Sketch, x: float, y: float, size: float, *, weight: float = 0.6) -> None:
    """A cottage with a gabled roof; about 1.1 units wide."""
    wall = s.any_of("f0e6cf", "e3c08a", "d98c6a", "e8e8e4", "c9d4da", "d9b3a0")
    roof = s.any_of("a8452b", "7c3b2a", "54606e", "c46a3a", "8c7a3e")
    half = s.between(0.4, 0.62)
    eaves = s.between(-0.6, -0.45)
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        if s.chance(0.5):
            s.area(
                box(half * 0.4, -1.05, half * 0.4 + 0.11, -0.7),
                mix(roof, (60, 30, 30), 0.4),
                "feature",
            )
        s.area(box(-half, eaves, half, 0), wall, fade=mix(wall, (90, 80, 90), 0.2))
        if s.chance(0.5):
            crest = s.between(0.1, 0.5) * half
            rim = points(
                (-half - 0.08, eaves + 0.02),
                (-crest, -0.98),
                (crest, -0.98),
                (half + 0.08, eaves + 0.02),
            )
        else:
            rim = points((-half - 0.08, eaves + 0.02), (0, -1.02), (half + 0.08, eaves + 0.02))
        s.area(rim, roof, grain=0.9)
        door = s.between(-0.5, 0.5) * half
        s.area(
            box(door - 0.08, -0.3, door + 0.08, 0),
            s.any_of("5b3a26", "2f5d62", "7c2f2a"),
            "feature",
        )
        pane = s.any_of("3a4a5e", "f2d16b", "2b3038", "9cc3d5")
        for at in (-0.62 * half, 0.55 * half):
            if abs(at - door) > 0.17:
                s.area(box(at - 0.08, eaves + 0.12, at + 0.08, eaves + 0.3), pane, "feature")


def church(s: Sketch, x: float, y: float, size: float, *, weight: float = 0.7) -> None:
    """A nave beside a tower with a spire or an onion dome."""
    wall = s.any_of("efe7d6", "d9c7a3", "c9a58a", "e6e3df")
    roof = s.any_of("54606e", "8c3b2a", "3f5f55", "b98a2e")
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        s.area(box(-0.05, -0.36, 0.5, 0), wall)
        s.area(points((-0.08, -0.34), (0.05, -0.52), (0.42, -0.52), (0.55, -0.34)), roof)
        s.area(box(-0.24, -0.62, 0, 0), mix(wall, (255, 255, 255), 0.2))
        if s.chance(0.5):
            s.area(points((-0.27, -0.6), (-0.12, -1.02), (0.03, -0.6)), roof)
        else:
            onion = points(
                (-0.2, -0.62),
                (-0.3, -0.76),
                (-0.12, -0.92),
                (-0.12, -1.0),
                (-0.12, -0.92),
                (0.06, -0.76),
                (-0.04, -0.62),
            )
            s.area(smooth(onion), s.any_of("c9962e", "3f7f6d", "3a5f94"), solid=True)
        s.line(points((-0.12, -0.98), (-0.12, -1.14)), s.shade("4a3a2a"), 0.02, "feature")
        s.line(points((-0.17, -1.08), (-0.07, -1.08)), s.shade("4a3a2a"), 0.02, "feature")
        for at in (0.1, 0.25, 0.4):
            s.area(box(at - 0.035, -0.26, at + 0.035, -0.1), s.shade("3a4a5e"), "detail")
        s.area(
            smooth(
                points((-0.18, 0), (-0.18, -0.14), (-0.12, -0.2), (-0.06, -0.14), (-0.06, 0)),
                rounds=1,
            ),
            s.shade("4a3326"),
            "feature",
        )


def windmill(s: Sketch, x: float, y: float, size: float) -> None:
    """A tower mill with four sails."""
    body = s.any_of("e9e0cc", "8c5a3a", "6f7f86", "c9a070")
    with s.motif(x, y, size, weight=0.85):
        s.area(points((-0.2, 0), (-0.12, -0.6), (0.12, -0.6), (0.2, 0)), body, solid=True)
        cap = points((-0.15, -0.58), (-0.1, -0.72), (0.1, -0.72), (0.15, -0.58))
        s.area(smooth(cap, rounds=1), s.any_of("7c2f2a", "3a3f4a", "5f6f3a"))
        s.area(box(-0.05, -0.16, 0.05, 0), s.shade("4a3326"), "feature")
        turn = s.between(0, np.pi / 2)
        cloth = s.any_of("f3ecd9", "d9c9a3", "b8584a")
        for k in range(4):
            with s.motif(0, -0.64, 0.46, turn=turn + k * np.pi / 2):
                s.line(points((0, 0), (0, -1)), s.shade("4a3a2a"), 0.06, "body")
                s.area(box(0.02, -1, 0.26, -0.25), cloth)


def lighthouse(s: Sketch, x: float, y: float, size: float) -> None:
    """A banded tower with a lantern."""
    band = s.any_of("b8322a", "2f4858", "222428", "c9762e")
    with s.motif(x, y, size, weight=0.85):
        for k in range(5):
            low, high = -0.15 * k, -0.15 * (k + 1)
            a, b = 0.14 - 0.014 * k, 0.126 - 0.014 * k
            s.area(
                points((-a, low), (-b, high), (b, high), (a, low)),
                s.shade("efe9dc", 5) if k % 2 else band,
                solid=True,
            )
        s.area(box(-0.06, -0.87, 0.06, -0.75), s.shade("f6d767"), "feature")
        s.area(points((-0.09, -0.87), (0, -1), (0.09, -0.87)), band)


def bridge(s: Sketch, x: float, y: float, size: float, *, stone: bool) -> None:
    """A bridge across the origin, `size` long: stone arches, or one bow with a railing."""
    with s.motif(x, y, size, weight=0.9):
        if stone:
            wall = s.any_of("a89a86", "c9b08c", "8a8c92")
            s.area(box(-0.5, -0.2, 0.5, 0.04), wall)
            for k in range(3):
                arch = ellipse(-0.32 + 0.32 * k, 0.05, 0.11, 0.18, start=np.pi, end=2 * np.pi)
                s.area(arch, s.any_of("3f5a6a", "2f4350"), "feature")
            s.line(points((-0.5, -0.2), (0.5, -0.2)), mix(wall, (50, 40, 40), 0.4), 0.02)
        else:
            paint = s.any_of("3f6f5a", "a8322a", "4a6f9a", "8a6a42")
            for lift, thick in ((0.0, 0.05), (-0.13, 0.025)):
                bow = ellipse(
                    0, 0.12 + lift, 0.5, 0.24, start=np.pi * 1.04, end=np.pi * 1.96, count=20
                )
                s.line(bow, paint, thick, "body")
            for k in range(7):
                at = -0.42 + 0.14 * k
                top = 0.12 - 0.24 * np.sqrt(max(0.0, 1 - (at / 0.5) ** 2))
                s.line(points((at, top), (at, top - 0.13)), paint, 0.02)
