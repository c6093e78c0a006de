"""Motifs of animals.

A motif stands on the origin of its frame, one unit tall, upwards being negative y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawsim.collection.demo.geometry import blob, ellipse, points, smooth, star
from drawsim.collection.demo.scene import Sketch, choose, mix

BEASTS = ("horse", "cow", "dog", "deer", "giraffe", "elephant", "sheep", "lion", "fox", "zebra")


@dataclass(frozen=True)
class Beast:
    """Proportions of a four-legged animal that faces right, one unit from hoof to withers."""

    coats: tuple[str, ...]
    length: float
    girth: float
    neck: tuple[float, float]
    head: float
    ears: float
    tail: float


BEAST_BUILDS = {
    "horse": Beast(
        ("7a4a2a", "efe6d6", "2a2420", "2f5fa0", "a8602a"),
        1.15,
        0.42,
        (0.36, -0.52),
        0.34,
        0.12,
        0.6,
    ),
    "cow": Beast(
        ("efe6d6", "8c4a2a", "2a2420", "d9b05a"), 1.35, 0.55, (0.3, -0.18), 0.34, 0.12, 0.5
    ),
    "dog": Beast(
        ("c98b4a", "2a2420", "efe6d6", "8a8078"), 1.1, 0.36, (0.24, -0.3), 0.36, 0.18, -0.4
    ),
    "deer": Beast(("a86a3a", "c98b4a"), 1.05, 0.36, (0.3, -0.56), 0.26, 0.12, 0.14),
    "giraffe": Beast(("e3b45a", "d99a3a"), 0.85, 0.36, (0.34, -1.3), 0.24, 0.1, 0.4),
    "elephant": Beast(("8a8f96", "6f747c", "a89a90"), 1.3, 0.8, (0.28, -0.12), 0.52, 0.3, 0.4),
    "sheep": Beast(("f2ede0", "2f2a28"), 1.15, 0.66, (0.24, -0.14), 0.28, 0.1, 0.12),
    "lion": Beast(("d9a04a", "c98b3a"), 1.25, 0.42, (0.26, -0.3), 0.42, 0.08, 0.6),
    "fox": Beast(("c8602a", "b8522a"), 1.2, 0.34, (0.26, -0.22), 0.34, 0.2, 0.7),
    "zebra": Beast(("f2ede0",), 1.15, 0.42, (0.36, -0.5), 0.34, 0.12, 0.5),
}


def beast(s: Sketch, x: float, y: float, size: float, kind: str, *, weight: float = 1.0) -> None:
    """A four-legged animal in profile, one of BEASTS."""
    b = BEAST_BUILDS[kind]
    coat = s.any_of(*b.coats)
    shadow, ink = mix(coat, (30, 20, 30), 0.35), s.shade("2a2420", 6)
    half = b.length / 2
    leg = -1 + b.girth * 0.75
    stride = s.between(0, 0.12)
    grazing = kind not in ("elephant", "lion") and s.chance(0.25)
    hx, hy = half + b.neck[0], -0.35 if grazing else -1 + b.neck[1] + 0.12
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        tail = points((-half, -0.92), (-half - 0.12, -0.85), (-half - 0.16, -0.9 + b.tail))
        s.line(smooth(tail, closed=False), shadow, 0.16 if kind == "fox" else 0.06, "body")
        thick = 0.22 if kind == "elephant" else 0.11
        for at, colour in (
            (-half * 0.62, shadow),
            (half * 0.72, shadow),
            (-half * 0.82, coat),
            (half * 0.55, coat),
        ):
            sway = stride if colour is coat else -stride
            s.line(
                points((at, leg), (at + sway * 0.5, leg / 2), (at + sway, 0)), colour, thick, "body"
            )
        body = points(
            (-half, -0.95),
            (-half * 0.3, -1.02),
            (half * 0.6, -1.02),
            (half, -0.9),
            (half * 0.9, leg - 0.05),
            (0, leg + 0.06),
            (-half * 0.95, leg - 0.04),
        )
        s.area(smooth(body), coat, grain=0.2, solid=True)
        throat = points(
            (half * 0.55, -1.0), (hx - 0.1, hy - 0.1), (hx + 0.1, hy + 0.1), (half * 0.98, -0.62)
        )
        s.area(smooth(throat, rounds=1), coat, grain=-0.9)
        if kind == "lion":
            s.area(star(hx, hy, 0.5, 14, 0.78), mix(coat, (110, 50, 10), 0.5))
        if kind == "horse":
            mane = points(
                (half * 0.6, -1.04),
                ((half * 0.6 + hx) / 2 - 0.1, (hy - 1.1) / 2),
                (hx - 0.04, hy - 0.17),
            )
            s.line(smooth(mane, closed=False), ink, 0.1, "body")
        with s.motif(hx, hy, b.head, turn=0.9 if grazing else s.between(0.15, 0.5)):
            for back in (-0.3, -0.12):
                s.area(
                    points(
                        (back - 0.12, -0.3), (back, -0.3 - b.ears / b.head), (back + 0.12, -0.3)
                    ),
                    shadow,
                    "feature",
                )
            round_head = kind in ("lion", "dog", "fox")
            s.area(
                ellipse(0, 0, 0.48, 0.44) if round_head else ellipse(0.12, 0, 0.62, 0.32),
                coat,
                solid=True,
            )
            if round_head:
                s.area(ellipse(0.38, 0.12, 0.28, 0.18), mix(coat, (255, 245, 230), 0.5))
                s.area(ellipse(0.62, 0.04, 0.08, 0.07, count=10), ink, "feature")
            s.area(ellipse(0.1, -0.08, 0.07, 0.08, count=10), ink, "feature")
            if kind in ("cow", "deer"):
                for lean in (-0.3, 0.1):
                    horn = points(
                        (-0.15, -0.3),
                        (-0.1 + lean, -0.75),
                        (0.1 + lean, -1.0 if kind == "cow" else -1.6),
                    )
                    s.line(
                        smooth(horn, closed=False),
                        s.shade("e8dcc0" if kind == "cow" else "7a5a3c"),
                        0.12,
                        "feature",
                    )
            if kind == "elephant":
                s.line(
                    smooth(points((0.55, 0.0), (0.85, 0.6), (0.75, 1.3), (1.0, 1.5)), closed=False),
                    coat,
                    0.28,
                    "body",
                )
                s.line(
                    smooth(points((0.5, 0.25), (0.8, 0.5), (1.1, 0.45)), closed=False),
                    s.shade("f2ede0"),
                    0.1,
                    "feature",
                )
                s.area(
                    blob(s.rng, -0.4, 0.05, 0.45, 0.6, 0.06),
                    mix(coat, (60, 50, 60), 0.25),
                    "feature",
                )
        if kind == "zebra":
            for k in range(7):
                at = -half * 0.8 + k * half * 0.25
                s.line(points((at, -0.98), (at + 0.04, leg - 0.02)), ink, 0.05, "feature")
        elif kind in ("giraffe", "cow") or (kind in ("dog", "horse") and s.chance(0.3)):
            patch = (
                mix(coat, (110, 50, 20), 0.7) if kind == "giraffe" else s.any_of("2a2420", "7a4a2a")
            )
            for _ in range(7 if kind == "giraffe" else 4):
                px, py = s.between(-half * 0.75, half * 0.7), s.between(-0.95, leg - 0.08)
                s.area(blob(s.rng, px, py, 0.1, 0.08, 0.15), patch, "feature")


def cat(s: Sketch, x: float, y: float, size: float, *, weight: float = 1.0) -> None:
    """A cat that sits and looks out of the picture."""
    coat = s.any_of("2a2624", "c9823a", "8a8680", "efe6d6", "6a4a34", "3a5a9a")
    stripe, ink = mix(coat, (20, 10, 10), 0.5), s.shade("1c1818", 4)
    eye = s.any_of("e8c43a", "7ab04a", "8ac4d9")
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        tail = points((0.2, -0.06), (0.5, -0.04), (0.55, -0.35), (0.42, -0.5))
        s.line(smooth(tail, closed=False), coat, 0.09, "body")
        s.area(
            smooth(
                points(
                    (-0.28, 0),
                    (-0.3, -0.25),
                    (-0.16, -0.62),
                    (0.16, -0.62),
                    (0.32, -0.25),
                    (0.3, 0),
                )
            ),
            coat,
            grain=1.3,
            solid=True,
        )
        for side in (-1, 1):
            s.area(
                points((side * 0.06, -0.9), (side * 0.2, -1.06), (side * 0.24, -0.78)),
                coat,
                "feature",
            )
        s.area(ellipse(0, -0.74, 0.25, 0.21), coat, solid=True)
        if s.chance(0.5):
            for k in range(3):
                s.line(points((-0.2, -0.18 - 0.13 * k), (0.2, -0.16 - 0.13 * k)), stripe, 0.035)
        for side in (-1, 1):
            s.area(
                smooth(
                    points(
                        (side * 0.03, -0.76),
                        (side * 0.1, -0.82),
                        (side * 0.17, -0.77),
                        (side * 0.1, -0.72),
                    )
                ),
                eye,
                "feature",
            )
            s.area(ellipse(side * 0.1, -0.77, 0.018, 0.045, count=8), ink, "feature")
            for drop in (0.0, 0.05):
                s.line(
                    points((side * 0.08, -0.66 + drop), (side * 0.34, -0.68 + 2 * drop)),
                    mix(coat, (255, 255, 255), 0.5),
                    0.012,
                )
        s.area(points((-0.03, -0.69), (0.03, -0.69), (0, -0.655)), s.shade("d98c8c"), "feature")


def bird(s: Sketch, x: float, y: float, size: float, *, weight: float = 0.9) -> None:
    """A bird that stands: sparrow, parrot, owl or peacock by its colours and tail."""
    coat = s.any_of("c8402a", "3a6ab0", "e3b02e", "3f8a4a", "2a2624", "8a6a4a", "efe6d6")
    wing = s.any_of("2f4a7a", "e8a03a", "a8322a", "3f6f4a", "5b4a3a")
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        if s.chance(0.35):
            for angle in np.linspace(-2.9, -1.6, 6):
                tip = -0.25 + 0.75 * np.cos(angle), -0.4 + 0.6 * np.sin(angle)
                s.line(points((-0.2, -0.4), tip), wing, 0.06, "body")
                s.area(ellipse(*tip, 0.09, 0.08, count=12), s.any_of("3a8a9a", "e3b02e"), "feature")
        else:
            s.area(points((-0.2, -0.35), (-0.75, -0.1), (-0.68, 0.04), (-0.1, -0.2)), wing)
        for at in (-0.04, 0.08):
            s.line(points((at, -0.2), (at + 0.02, 0)), s.shade("c9822e"), 0.03, "feature")
        s.area(
            smooth(
                points((-0.35, -0.35), (-0.1, -0.68), (0.25, -0.6), (0.3, -0.35), (0.05, -0.12))
            ),
            coat,
            grain=0.5,
            solid=True,
        )
        s.area(ellipse(0.2, -0.78, 0.19, 0.18), coat, solid=True)
        s.area(smooth(points((-0.3, -0.36), (-0.05, -0.56), (0.16, -0.42), (-0.05, -0.24))), wing)
        s.area(points((0.36, -0.84), (0.58, -0.76), (0.36, -0.7)), s.shade("e0962e"), "feature")
        s.area(ellipse(0.26, -0.82, 0.045, 0.045, count=10), (245.0, 240.0, 230.0), "feature")
        s.area(ellipse(0.27, -0.82, 0.022, 0.022, count=8), s.shade("1c1818", 4), "feature")


def fish(s: Sketch, x: float, y: float, size: float, *, weight: float = 0.8) -> None:
    """A fish one unit long about the origin."""
    coat = s.any_of("e0762e", "4a7ab0", "c9c4b4", "d9b03a", "b83a3a", "3f8a7a")
    fin = mix(coat, (60, 30, 60), 0.3)
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5), turn=s.rng.normal(0, 0.12)):
        s.area(points((-0.3, 0), (-0.55, -0.2), (-0.48, 0), (-0.55, 0.2)), fin)
        s.area(points((-0.15, -0.14), (0.05, -0.34), (0.2, -0.14)), fin)
        s.area(
            smooth(
                points((-0.4, 0), (-0.1, -0.2), (0.25, -0.2), (0.5, 0), (0.25, 0.2), (-0.1, 0.2))
            ),
            coat,
            solid=True,
        )
        for k in range(choose(s.rng, (0, 3))):
            s.line(
                ellipse(-0.15 + 0.13 * k, 0, 0.05, 0.15, start=-1.2, end=1.2, count=8), fin, 0.035
            )
        s.area(ellipse(0.3, -0.05, 0.045, 0.045, count=10), (245.0, 240.0, 230.0), "feature")
        s.area(ellipse(0.31, -0.05, 0.022, 0.022, count=8), s.shade("1c1818", 4), "feature")
