"""Motifs indoors: what stands on tables, hangs on walls and furnishes rooms.

A motif stands on the origin of its frame, one unit tall, upwards being negative y.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo.geometry import blob, box, ellipse, points, smooth
from drawsim.collection.demo.nature import flower
from drawsim.collection.demo.scene import Sketch, choose, mix

FRUITS = ("apple", "pear", "orange", "lemon", "melon", "grapes")
GLAZES = ("2f5a8a", "a8522a", "e8e0cf", "3f6f5a", "8a3a3a", "d9a83c", "5b6a7a", "222630")
VESSELS = {
    "bottle": points((-0.15, 0), (-0.16, -0.5), (-0.06, -0.66), (-0.05, -1.0)),
    "jug": points((-0.26, 0), (-0.36, -0.4), (-0.16, -0.75), (-0.22, -1.0)),
    "vase": points((-0.2, 0), (-0.38, -0.45), (-0.14, -0.85), (-0.22, -1.0)),
    "pot": points((-0.3, 0), (-0.48, -0.5), (-0.44, -0.9), (-0.5, -1.0)),
    "glass": points((-0.2, 0), (-0.04, -0.06), (-0.04, -0.4), (-0.26, -0.6), (-0.24, -1.0)),
    "bowl": points((-0.4, 0), (-0.7, -0.5), (-0.9, -0.95)),
}


def vessel(s: Sketch, x: float, y: float, size: float, kind: str, *, weight: float = 0.6) -> None:
    """A turned vessel, one of VESSELS, with a handle where it has one."""
    glaze = (
        s.any_of("35523a", "2f4a3a", "6a4a2a", "22302a") if kind == "bottle" else s.any_of(*GLAZES)
    )
    side = VESSELS[kind] * np.array([s.between(0.85, 1.2), 1.0])
    outline = np.vstack([side, side[::-1] * np.array([-1.0, 1.0])])
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        if kind == "jug":
            s.line(
                smooth(points((0.2, -0.85), (0.55, -0.8), (0.5, -0.4), (0.3, -0.3)), closed=False),
                glaze,
                0.07,
                "body",
            )
        s.area(smooth(outline, rounds=1), glaze, grain=1.5, solid=True)
        rim = -side[-1, 0]
        s.area(ellipse(0, -0.98, rim, 0.05, count=16), mix(glaze, (20, 15, 20), 0.45), "detail")
        if kind in ("jug", "vase", "pot") and s.chance(0.5):
            s.line(points((-0.32, -0.42), (0.32, -0.42)), s.any_of(*GLAZES), 0.07, "feature")
        if kind == "bottle":
            s.area(box(-0.13, -0.42, 0.13, -0.18), s.shade("e8dcc0"), "detail")


def fruit(s: Sketch, x: float, y: float, size: float, kind: str, *, weight: float = 0.5) -> None:
    """A fruit, one of FRUITS, about one unit across."""
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        if kind == "grapes":
            skin = s.any_of("4a2f5a", "6a7a3a", "7a3a5a")
            for k, row in enumerate((4, 4, 3, 2, 1)):
                for j in range(row):
                    at = (j - (row - 1) / 2) * 0.24, -0.85 + 0.19 * k
                    s.area(
                        ellipse(*at, 0.13, 0.13, count=10),
                        mix(skin, (255, 255, 255), s.between(0, 0.25)),
                    )
        elif kind == "pear":
            body = points(
                (-0.42, -0.25),
                (-0.3, -0.6),
                (-0.12, -1.0),
                (0.12, -1.0),
                (0.3, -0.6),
                (0.42, -0.25),
                (0.2, 0),
                (-0.2, 0),
            )
            s.area(smooth(body), s.any_of("b8b03a", "c9a83c", "8a9a3a"), solid=True)
        elif kind == "melon":
            s.area(ellipse(0, -0.5, 0.7, 0.5, start=0, end=np.pi), s.shade("3f6f3a"))
            s.area(ellipse(0, -0.5, 0.6, 0.4, start=0, end=np.pi), s.shade("d9483a"))
            for seed in (-0.3, 0.0, 0.3):
                s.area(ellipse(seed, -0.36, 0.03, 0.05, count=6), s.shade("2a1a18", 4), "feature")
            return
        else:
            skins = {
                "apple": ("b8322a", "c9502e", "8aa03a"),
                "orange": ("e0862a", "e89a3a"),
                "lemon": ("e8cc3a", "d9c44a"),
            }[kind]
            rx, ry = (0.55, 0.4) if kind == "lemon" else (0.48, 0.46)
            s.area(blob(s.rng, 0, -0.45, rx, ry, 0.04), s.any_of(*skins), solid=True)
        s.line(points((0, -0.88), (0.06, -1.1)), s.shade("4a3524"), 0.06, "feature")
        if s.chance(0.4):
            s.area(
                smooth(points((0.04, -1.0), (0.2, -1.18), (0.4, -1.1), (0.2, -1.0))),
                s.shade("4a7a3a"),
                "detail",
            )


def bouquet(s: Sketch, x: float, y: float, size: float, kinds: tuple[str, ...], count: int) -> None:
    """A vase with `count` flowers fanned above it; vase and stems together one unit tall."""
    with s.motif(x, y, size, weight=1.0):
        for angle in s.rng.permutation(np.linspace(-0.85, 0.85, count)):
            reach = s.between(0.3, 0.52)
            root = angle * 0.08, -0.4
            tip = root[0] + reach * np.sin(angle), root[1] - reach * np.cos(angle)
            s.line(points(root, tip), s.any_of("3e7a3a", "5c8a3a", "2f6048"), 0.018, "body")
            flower(s, *tip, s.between(0.36, 0.55), choose(s.rng, kinds), stem=False)
        for _ in range(s.count(2, 5)):
            at = s.between(-0.3, 0.3), -0.42 - s.between(0, 0.14)
            s.area(blob(s.rng, *at, 0.1, 0.05, 0.1), s.any_of("3e7a3a", "5c8a3a"), "detail")
        vessel(s, 0, 0, 0.46, choose(s.rng, ("vase", "jug", "pot")))


def candle(s: Sketch, x: float, y: float, size: float) -> None:
    """A lit candle on a stick."""
    with s.motif(x, y, size, weight=0.6):
        s.area(points((-0.2, 0), (-0.05, -0.1), (0.05, -0.1), (0.2, 0)), s.shade("b8862e"))
        s.area(box(-0.06, -0.72, 0.06, -0.1), s.shade("f2ead2"), solid=True)
        s.area(ellipse(0, -0.86, 0.12, 0.16), s.shade("f0b03a"))
        s.area(ellipse(0, -0.83, 0.05, 0.08, count=10), s.shade("fdf0b0", 4), "detail")


def book(s: Sketch, x: float, y: float, size: float) -> None:
    """Two or three closed books in a pile; `size` is their length."""
    with s.motif(x, y, size, weight=0.5):
        for k in range(s.count(2, 3)):
            shift = s.between(-0.08, 0.08)
            s.area(box(-0.5 + shift, -0.2 * k - 0.19, 0.5 + shift, -0.2 * k), s.any_of(*GLAZES))
            s.area(
                box(0.3 + shift, -0.2 * k - 0.15, 0.5 + shift, -0.2 * k - 0.04),
                s.shade("f0e6cf"),
                "detail",
            )


def guitar(s: Sketch, x: float, y: float, size: float) -> None:
    """A guitar that leans."""
    wood = s.any_of("c9823a", "a8602a", "d9a85a")
    with s.motif(x, y, size, weight=1.0, turn=s.between(-0.9, 0.9)):
        s.area(box(-0.03, -1, 0.03, -0.4), s.shade("4a2f1e"))
        s.area(box(-0.06, -1.1, 0.06, -0.96), s.shade("3a2418"))
        body = points(
            (-0.25, -0.05),
            (-0.27, -0.2),
            (-0.15, -0.32),
            (-0.2, -0.45),
            (-0.08, -0.54),
            (0.08, -0.54),
            (0.2, -0.45),
            (0.15, -0.32),
            (0.27, -0.2),
            (0.25, -0.05),
            (0, 0.03),
        )
        s.area(smooth(body), wood, grain=1.5, solid=True)
        s.area(ellipse(0, -0.33, 0.08, 0.08, count=16), s.shade("2a1a12"), "feature")
        s.line(points((0, -0.12), (0, -1)), s.shade("efe6d0"), 0.012)


def chair(s: Sketch, x: float, y: float, size: float) -> None:
    """A plain wooden chair seen from the side front."""
    wood = s.any_of("d9a83c", "8a5a34", "a8322a", "3f6f8a", "e8dcc0")
    with s.motif(x, y, size, weight=0.8, mirror=s.chance(0.5)):
        for at, top in ((-0.28, -1.0), (0.28, -0.45), (-0.08, -0.5), (0.12, -1.0)):
            s.line(points((at, top), (at, 0 if at in (-0.28, 0.28) else -0.1)), wood, 0.06, "body")
        for level in (-0.95, -0.78, -0.62):
            s.line(points((-0.28, level), (0.12, level)), wood, 0.05, "body")
        s.area(
            points((-0.32, -0.42), (-0.1, -0.54), (0.32, -0.54), (0.32, -0.4), (-0.3, -0.36)),
            mix(wood, (240, 210, 120), 0.5),
        )


def table(s: Sketch, x: float, y: float, size: float, *, round_top: bool) -> None:
    """A table; the origin is the middle of its top, `size` its length."""
    top = s.any_of("a8703a", "e8e0cf", "7a4a2a", "b83a3a", "5a7a9a")
    with s.motif(x, y, size, weight=0.8):
        legs = (0.0,) if round_top else (-0.4, 0.4)
        for at in legs:
            s.line(points((at, 0), (at, 0.55)), mix(top, (40, 20, 20), 0.4), 0.07, "body")
        s.area(
            ellipse(0, 0, 0.5, 0.12)
            if round_top
            else points((-0.5, 0.06), (-0.4, -0.1), (0.4, -0.1), (0.5, 0.06)),
            top,
        )


def bed(s: Sketch, x: float, y: float, size: float) -> None:
    """A bed seen from its foot, `size` long."""
    wood, cover = (
        s.any_of("b8863a", "8a4a2a", "6a4a3a"),
        s.any_of("b8322a", "2f5a8a", "d9c44a", "5a7a4a"),
    )
    with s.motif(x, y, size, weight=1.0, mirror=s.chance(0.5)):
        s.area(box(-0.52, -0.62, -0.4, 0.05), wood)
        s.area(
            points((-0.42, -0.12), (-0.2, -0.36), (0.5, -0.26), (0.5, 0.08), (-0.42, 0.1)),
            cover,
            grain=0.2,
        )
        s.area(
            smooth(points((-0.42, -0.2), (-0.34, -0.4), (-0.12, -0.4), (-0.16, -0.22)), rounds=1),
            s.shade("f4efe2", 5),
            solid=True,
        )
        s.area(box(0.46, -0.42, 0.56, 0.16), wood)


def window(s: Sketch, x: float, y: float, size: float, *, night: bool) -> None:
    """A window with a cross bar and perhaps curtains; the origin is its centre."""
    frame = s.any_of("f0e8d8", "5b3a26", "3f6f5a", "a8b4b8")
    view = (
        s.any_of("22305a", "2f3a6a") if night else s.any_of("9cc8e0", "bcd9d9", "e8d9a8", "8ab0d0")
    )
    with s.motif(x, y, size, weight=0.8):
        s.area(box(-0.42, -0.54, 0.42, 0.54), frame)
        s.area(box(-0.36, -0.48, 0.36, 0.48), view)
        if s.chance(0.6):
            s.area(
                smooth(
                    points(
                        (-0.36, 0.48),
                        (-0.36, 0.2),
                        (0.0, s.between(0.0, 0.25)),
                        (0.36, 0.24),
                        (0.36, 0.48),
                    ),
                    rounds=1,
                ),
                s.any_of("4a7a3a", "6a8a9a", "2f5a8a"),
            )
        s.line(points((0, -0.5), (0, 0.5)), frame, 0.05, "feature")
        s.line(points((-0.4, 0), (0.4, 0)), frame, 0.05, "feature")
        if s.chance(0.6):
            cloth = s.any_of("b8322a", "d9b05a", "e8e0d4", "3f6f8a", "a86a8a")
            for side in (-1, 1):
                s.area(
                    smooth(
                        points(
                            (side * 0.52, -0.6),
                            (side * 0.1, -0.6),
                            (side * 0.36, 0),
                            (side * 0.3, 0.6),
                            (side * 0.54, 0.6),
                        ),
                        rounds=1,
                    ),
                    cloth,
                    grain=1.5,
                )


def frame(s: Sketch, x: float, y: float, size: float) -> None:
    """A small framed picture on a wall; the origin is its centre."""
    with s.motif(x, y, size, weight=0.5):
        w = s.between(0.3, 0.6)
        s.area(box(-w, -0.5, w, 0.5), s.any_of("c9962e", "4a2f1e", "222222"))
        s.area(
            box(-w + 0.09, -0.41, w - 0.09, 0.41), s.any_of("9cb8c8", "d9c9a0", "7a9a6a", "c98a7a")
        )
        s.area(blob(s.rng, 0, 0.1, w * 0.45, 0.2, 0.2), s.any_of(*GLAZES), "detail")


def lamp(s: Sketch, x: float, y: float, size: float) -> None:
    """A lamp that hangs from the ceiling; the origin is its bulb."""
    with s.motif(x, y, size, weight=0.6):
        s.line(points((0, -0.3), (0, -2)), s.shade("2a2420"), 0.06, "body")
        s.area(
            points((-0.2, -0.35), (0.2, -0.35), (0.6, 0.1), (-0.6, 0.1)),
            s.any_of("d9a83c", "3f6f5a", "a8322a", "e8dcc0"),
        )
        s.area(ellipse(0, 0.12, 0.24, 0.2), s.shade("fdf0b0", 5), "feature")
