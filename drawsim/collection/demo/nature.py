"""Motifs out of doors: sky, trees, flowers, a wave, hay.

A motif stands on the origin of its frame, one unit tall, upwards being negative y.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo.geometry import blob, box, ellipse, points, smooth, star
from drawsim.collection.demo.scene import Colour, Sketch, choose, mix

TREES = ("round", "poplar", "pine", "palm", "bare", "blossom", "autumn")


FLOWERS = ("daisy", "tulip", "sunflower", "rose", "poppy", "iris")


def sun(s: Sketch, x: float, y: float, size: float, colour: Colour, *, rays: bool = False) -> None:
    """A disc, with rays if asked."""
    with s.motif(x, y, size, weight=0.6):
        if rays:
            s.area(
                star(0, 0, 1.9, rays=s.count(9, 14), waist=0.62), mix(colour, (255, 200, 90), 0.5)
            )
        s.area(ellipse(0, 0, 1, 1), colour)


def moon(s: Sketch, x: float, y: float, size: float) -> None:
    """A full moon with a halo, or a crescent."""
    colour = s.any_of("f6e7a8", "fdf4d0", "f2c968")
    with s.motif(x, y, size, weight=0.7, turn=s.between(-0.5, 0.5)):
        if s.chance(0.5):
            s.area(ellipse(0, 0, 1.5, 1.5), mix(colour, (70, 90, 150), 0.6), "detail")
            s.area(ellipse(0, 0, 1, 1), colour)
        else:
            outer = ellipse(0, 0, 1.1, 1.1, start=-1.9, end=1.9, count=18)
            inner = ellipse(-0.45, 0, 1.0, 1.0, start=1.55, end=-1.55, count=18)
            s.area(np.vstack([outer, inner]), colour)


def star_field(s: Sketch, count: int, floor: float) -> None:
    """Stars of many sizes strewn above `floor`, the larger ones with a halo."""
    for _ in range(count):
        x, y = s.between(0.03, s.width - 0.03), s.between(0.03, floor)
        size = choose(s.rng, (0.008, 0.012, 0.03, 0.045))
        gold = s.any_of("f6e08a", "fdf4d0", "f2c968")
        with s.motif(x, y, size, weight=0.4):
            if size > 0.02:
                s.area(ellipse(0, 0, 1.3, 1.3, count=14), mix(gold, (60, 90, 160), 0.55), "detail")
                s.area(star(0, 0, 1.0, s.count(5, 8)), gold, "feature")
            else:
                s.area(ellipse(0, 0, 1, 1, count=8), gold, "detail")


def cloud(s: Sketch, x: float, y: float, size: float, colour: Colour) -> None:
    """A bank of three to five puffs with a flat belly; `size` is its length."""
    puffs = s.count(3, 5)
    with s.motif(x, y, size, weight=0.3):
        for k in range(puffs):
            at = (k + 0.5) / puffs - 0.5
            bulge = 0.2 * (1 - 2 * abs(at)) + s.between(0.08, 0.14)
            s.area(blob(s.rng, at, -bulge * 0.5, 0.2, bulge, 0.08), colour, grain=0.1)


def tree(s: Sketch, x: float, y: float, size: float, kind: str, *, weight: float = 0.5) -> None:
    """A tree of one of the TREES kinds."""
    bark = s.any_of("5b4028", "6e4b2c", "4a3a32", "7a5a3c")
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5), turn=s.rng.normal(0, 0.04)):
        if kind == "poplar":
            s.area(box(-0.025, -0.2, 0.025, 0), bark)
            crown = points(
                (0, -1.02), (0.12, -0.6), (0.13, -0.25), (0, -0.1), (-0.13, -0.25), (-0.12, -0.6)
            )
            s.area(smooth(crown), s.any_of("2f5d3a", "46743a", "274a36"), grain=1.4, solid=True)
        elif kind == "pine":
            s.area(box(-0.035, -0.2, 0.035, 0), bark)
            green = s.any_of("1f4a37", "2c5b3b", "38633f")
            for k in range(s.count(2, 4)):
                top, half = -0.55 - 0.14 * k, 0.3 - 0.055 * k
                s.area(
                    points((-half, top + 0.4), (0, top - 0.06), (half, top + 0.4)), green, grain=1.2
                )
        elif kind == "palm":
            trunk = smooth(points((0, 0), (0.04, -0.4), (0.14, -0.75)), closed=False)
            s.line(trunk, bark, 0.06, "body")
            green = s.any_of("3f7a35", "2e6b46", "6a8a34")
            for angle in np.linspace(-3.0, 0.3, s.count(5, 7)):
                dx, dy = 0.4 * np.cos(angle), 0.3 * np.sin(angle)
                leaf = points(
                    (0.14, -0.75),
                    (0.14 + dx * 0.6, -0.8 + dy),
                    (0.14 + dx, -0.62 + dy * 0.6),
                    (0.14 + dx * 0.5, -0.71 + dy * 0.7),
                )
                s.area(smooth(leaf), green, grain=float(angle))
        else:
            fork = s.between(-0.62, -0.45)
            s.area(points((-0.06, 0), (-0.035, fork), (0.035, fork), (0.06, 0)), bark, grain=1.5)
            for side, reach in ((-1, 0.26), (1, 0.3), (-0.3, 0.1)):
                bough = points(
                    (0, fork + 0.05), (side * reach * 0.6, fork - 0.14), (side * reach, fork - 0.3)
                )
                s.line(
                    smooth(bough, closed=False), bark, 0.035, "body" if kind == "bare" else "detail"
                )
                if kind == "bare":
                    twig = points(
                        (side * reach * 0.6, fork - 0.14), (side * reach * 0.5, fork - 0.36)
                    )
                    s.line(twig, bark, 0.018)
            leaves = {
                "round": ("4d7d35", "3a6a3a", "6d8f3c", "5b8a50"),
                "blossom": ("eab0bd", "f3cfd6", "e58fa6"),
                "autumn": ("c8702a", "d99a2b", "a8452b"),
            }.get(kind)
            if leaves:
                green = s.any_of(*leaves)
                for k in range(s.count(1, 4)):
                    off = s.between(-0.2, 0.2) if k else 0.0
                    crown_y = fork - s.between(0.12, 0.3)
                    tone = mix(green, (255, 240, 170), 0.12 * k)
                    r = s.between(0.2, 0.32) if k else 0.34
                    s.area(blob(s.rng, off, crown_y, r, r * 0.85, 0.1), tone, grain=0.6, solid=True)
                if s.chance(0.25):
                    fruit = s.any_of("c4302b", "e8a33a", "f4d35e")
                    for _ in range(7):
                        at = s.between(-0.25, 0.25), fork - s.between(0.0, 0.4)
                        s.area(ellipse(*at, 0.03, 0.03, count=8), fruit, "detail")


def flower(s: Sketch, x: float, y: float, size: float, kind: str, *, stem: bool = True) -> None:
    """A flower of one of the FLOWERS kinds; with a stem its head is one unit above the origin."""
    green = s.any_of("3e7a3a", "5c8a3a", "2f6048")
    with s.motif(x, y, size, weight=0.5, turn=s.rng.normal(0, 0.12)):
        if stem:
            s.line(points((0, 0), (s.between(-0.08, 0.08), -0.5), (0, -1)), green, 0.05, "body")
            leaf = points((0, -0.3), (0.16, -0.5), (0.3, -0.5), (0.14, -0.34))
            s.area(smooth(leaf), green, "detail")
        top = -1.0 if stem else 0.0
        if kind == "tulip":
            cup = points(
                (-0.17, top - 0.22),
                (-0.07, top - 0.08),
                (0, top - 0.26),
                (0.07, top - 0.08),
                (0.17, top - 0.22),
                (0.14, top + 0.1),
                (0, top + 0.18),
                (-0.14, top + 0.1),
            )
            s.area(
                smooth(cup, rounds=1), s.any_of("d33a3a", "e8b62e", "d4588e", "f0ece0"), solid=True
            )
        elif kind == "rose":
            red = s.any_of("c23b4e", "e79aa8", "f2e3d0", "d9703e")
            s.area(blob(s.rng, 0, top, 0.2, 0.19, 0.06), red, solid=True)
            s.area(
                ellipse(0.02, top - 0.01, 0.11, 0.1, count=12),
                mix(red, (60, 0, 20), 0.25),
                "detail",
            )
        elif kind == "iris":
            for angle in (-2.4, -1.57, -0.75, 0.6, 2.5):
                at = 0.12 * np.cos(angle), top + 0.12 * np.sin(angle)
                s.area(blob(s.rng, *at, 0.1, 0.12, 0.1), s.any_of("5a4fa0", "7566b8", "3f3f88"))
            s.area(ellipse(0, top, 0.05, 0.07, count=8), s.shade("e8c43a"), "detail")
        else:
            petal, heart, count, waist = {
                "daisy": ("f4f1e6", "e6b32e", 10, 0.55),
                "sunflower": ("e9ad1f", "5a3a1e", 13, 0.6),
                "poppy": ("d5392a", "2a2024", 4, 0.8),
            }[kind]
            s.area(smooth(star(0, top, 0.27, count, waist), rounds=1), s.shade(petal))
            s.area(ellipse(0, top, 0.11, 0.11, count=14), s.shade(heart), "feature", solid=True)


def gull(s: Sketch, x: float, y: float, size: float, colour: Colour) -> None:
    """A bird in flight, as two arcs."""
    with s.motif(x, y, size, weight=0.2, turn=s.rng.normal(0, 0.2)):
        wings = points((-1, -0.25), (-0.5, -0.5), (0, 0), (0.5, -0.5), (1, -0.25))
        s.line(smooth(wings, closed=False), colour, 0.14, "feature")


def haystack(s: Sketch, x: float, y: float, size: float) -> None:
    """A rick of hay with a thatched top."""
    straw = s.any_of("d9a83c", "c98b3a", "e3c06a", "b8794a")
    with s.motif(x, y, size, weight=0.8):
        s.area(
            smooth(points((-0.6, 0), (-0.66, -0.45), (0.66, -0.45), (0.6, 0)), rounds=1),
            straw,
            grain=1.4,
            solid=True,
        )
        s.area(
            smooth(points((-0.78, -0.4), (-0.1, -1.05), (0.1, -1.05), (0.78, -0.4)), rounds=1),
            mix(straw, (120, 70, 40), 0.3),
            grain=1.0,
            solid=True,
        )


def wave(s: Sketch, x: float, y: float, size: float) -> None:
    """A great curling breaker with a comb of foam."""
    deep = s.any_of("234a72", "2f6a8a", "1f5a63")
    with s.motif(x, y, size, weight=1.0, mirror=s.chance(0.5)):
        body = points(
            (-1.0, 0.1),
            (-0.8, -0.35),
            (-0.45, -0.85),
            (0.05, -1.0),
            (0.4, -0.8),
            (0.42, -0.55),
            (0.2, -0.7),
            (-0.05, -0.6),
            (-0.1, -0.3),
            (0.2, -0.05),
            (0.9, 0.1),
        )
        s.area(smooth(body), deep, fade=mix(deep, (160, 210, 210), 0.45), grain=-0.8)
        foam = s.shade("f2f0e6", 5)
        rim = points((-0.48, -0.83), (0.05, -1.03), (0.42, -0.82), (0.44, -0.52))
        s.line(smooth(rim, closed=False), foam, 0.09, "body")
        for _ in range(8):
            s.area(
                ellipse(s.between(0.1, 0.7), s.between(-0.6, -0.2), 0.035, 0.03, count=8),
                foam,
                "detail",
            )
        for bend in (0.0, 0.16):
            rib = points((-0.75 + bend, -0.05), (-0.5 + bend, -0.5), (-0.15 + bend, -0.8))
            s.line(smooth(rib, closed=False), mix(deep, foam, 0.6), 0.04)
