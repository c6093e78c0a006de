"""Cityscapes and pictures of the night.

A genre is a function that fills a sketch and returns a title.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo import beings, built, nature
from drawsim.collection.demo.country import SKIES, sky, weather
from drawsim.collection.demo.geometry import box, ellipse, points, ridge
from drawsim.collection.demo.scene import Sketch, choose, mix


def street(s: Sketch, base: float, tall: tuple[float, float], lit: bool) -> None:
    """A row of house fronts on the line `base`, from edge to edge."""
    walls = choose(
        s.rng,
        (
            ("d98a5a", "e3b46a", "c9604a", "efe0c0"),
            ("b8b4ac", "8a8f96", "d6d0c4"),
            ("e8a0a0", "9ac0c8", "f0d890", "a8b88a"),
            ("7a3f34", "8a5a44", "a8704a"),
            ("e8e4dc", "d9d4c8", "f4f0e6"),
            ("5a6a8a", "4a5a7a", "7a6a9a"),
        ),
    )
    roofs = ("a8452b", "54606e", "7c3b2a", "3f5f55")
    pane = s.any_of("f6d767", "f0b03a") if lit else s.any_of("3a4a5e", "2b3038", "8ab0c4")
    x = s.between(-0.12, 0.0)
    while x < s.width:
        w, h = s.between(0.13, 0.32), s.between(*tall)
        wall = s.any_of(*walls)
        if lit:
            wall = mix(wall, (30, 35, 80), 0.65)
        with s.motif(x, base, 1.0, weight=0.7):
            s.area(box(0, -h, w, 0.03), wall, fade=mix(wall, (70, 60, 70), 0.2), grain=1.5)
            cap = choose(s.rng, ("gable", "flat", "mansard", "steps"))
            roof = s.any_of(*roofs)
            if cap == "gable":
                s.area(
                    points((-0.01, -h), (w / 2, -h - s.between(0.07, 0.15)), (w + 0.01, -h)), roof
                )
            elif cap == "mansard":
                s.area(
                    points((-0.01, -h), (0.03, -h - 0.07), (w - 0.03, -h - 0.07), (w + 0.01, -h)),
                    roof,
                )
            elif cap == "steps":
                s.area(box(w * 0.15, -h - 0.04, w * 0.85, -h), wall)
                s.area(box(w * 0.32, -h - 0.08, w * 0.68, -h), wall)
            columns, rows = max(1, int(w / 0.085)), max(1, int(h / 0.13))
            for row in range(rows):
                for column in range(columns):
                    cx, cy = (column + 0.5) * w / columns, -h + (row + 0.45) * h / rows
                    if row == rows - 1 and column == columns // 2:
                        s.area(
                            box(cx - 0.025, -0.09, cx + 0.025, 0.02),
                            s.any_of("4a3326", "2f5d62", "7c2f2a"),
                            "feature",
                        )
                    else:
                        s.area(box(cx - 0.019, cy - 0.03, cx + 0.019, cy + 0.03), pane, "feature")
        x += w + (s.between(0.01, 0.08) if s.chance(0.25) else 0.0)


def cityscape(s: Sketch) -> str:
    """House fronts along a street, a canal or a square; a tower and people perhaps."""
    mood = choose(s.rng, tuple(SKIES))
    base = s.between(0.62, 0.82)
    _, low = sky(s, base, mood)
    weather(s, base * 0.6, mood, low)
    if s.chance(0.6):
        x, high = s.between(0.15, 0.85) * s.width, s.between(0.5, 0.62)
        landmark = choose(s.rng, ("church", "tower", "dome"))
        if landmark == "church":
            built.church(s, x, base, high, weight=0.9)
        else:
            stone = s.any_of("c9b08c", "b88a6a", "9aa0a8", "e3d6bc")
            with s.motif(x, base, high, weight=0.9):
                if landmark == "tower":
                    s.area(
                        points((-0.14, 0), (-0.1, -0.8), (0.1, -0.8), (0.14, 0)), stone, grain=1.5
                    )
                    s.area(box(-0.15, -0.88, 0.15, -0.78), mix(stone, (40, 30, 30), 0.3))
                    s.area(ellipse(0, -0.66, 0.06, 0.06), (245.0, 240.0, 225.0), "feature")
                    s.area(
                        points((-0.13, -0.88), (0, -1.1), (0.13, -0.88)),
                        s.any_of("54606e", "3f7f6d", "a8452b"),
                    )
                else:
                    s.area(box(-0.4, -0.5, 0.4, 0), stone)
                    s.area(
                        ellipse(0, -0.5, 0.3, 0.4, start=np.pi, end=2 * np.pi),
                        s.any_of("3f7f6d", "c9962e", "6a7f96"),
                        solid=True,
                    )
                    s.line(points((0, -0.88), (0, -1.05)), s.shade("4a3a2a"), 0.03, "feature")
                    for k in range(5):
                        s.line(
                            points((-0.32 + 0.16 * k, -0.45), (-0.32 + 0.16 * k, 0)),
                            mix(stone, (255, 255, 250), 0.5),
                            0.04,
                        )
    street(s, base, choose(s.rng, ((0.14, 0.3), (0.25, 0.48), (0.4, 0.62))), lit=False)
    ground = choose(s.rng, ("street", "canal", "square"))
    floor = (
        s.any_of("6a9a9a", "4a7a96", "7a8f6a")
        if ground == "canal"
        else s.any_of("c9b89a", "a8a49c", "d9c8a8", "8a7f7a")
    )
    s.area(box(-0.03, base, s.width + 0.03, 1.05), mix(floor, low, 0.2), "backdrop", fade=floor)
    if ground == "canal":
        if s.chance(0.6):
            built.bridge(
                s,
                s.between(0.35, 0.65) * s.width,
                base + 0.12,
                s.between(0.6, 1.0),
                stone=s.chance(0.6),
            )
        for _ in range(s.count(1, 3)):
            built.boat(
                s,
                s.between(0.15, 0.85) * s.width,
                s.between(base + 0.1, 0.97),
                s.between(0.16, 0.28),
                choose(s.rng, ("rowing", "sail")),
            )
    else:
        if ground == "square":
            for _ in range(s.count(1, 4)):
                nature.tree(
                    s,
                    s.between(0.05, 0.95) * s.width,
                    s.between(base + 0.03, 0.95),
                    s.between(0.25, 0.4),
                    choose(s.rng, ("round", "bare", "poplar", "autumn")),
                )
        for _ in range(s.count(1, 6)):
            y = s.between(base + 0.08, 0.97)
            beings.person(
                s,
                s.between(0.05, 0.95) * s.width,
                y,
                0.08 + 0.7 * (y - base),
                choose(s.rng, ("stand", "walk", "wave")),
            )
    return {"street": "The Street", "canal": "The Canal", "square": "The Square"}[
        ground
    ] + f", {mood}"


def night(s: Sketch) -> str:
    """A sky full of stars over a village, the sea, a street or a dark wood."""
    horizon = s.between(0.55, 0.8)
    deep = s.any_of("14204a", "1f2f6a", "23205a", "0f2f4a")
    s.area(
        box(-0.03, -0.03, s.width + 0.03, horizon + 0.1),
        deep,
        "backdrop",
        fade=mix(deep, s.any_of("4a6aa0", "6a5a8a", "2f7a8a"), 0.7),
        grain=0.2,
    )
    if s.chance(0.45):
        for _ in range(s.count(1, 3)):
            x, y, r = s.between(0.1, 0.9) * s.width, s.between(0.12, 0.45), s.between(0.07, 0.15)
            turn = np.linspace(0, s.between(7, 11), 40)
            curl = np.stack([np.cos(turn), np.sin(turn) * 0.7], axis=1) * (turn / turn[-1])[:, None]
            with s.motif(x, y, r, weight=0.6, mirror=s.chance(0.5)):
                s.line(curl, s.any_of("8ab0e0", "c9d8f0", "e8dca0"), 0.13, "body")
    nature.star_field(s, s.count(8, 26), horizon * 0.8)
    if s.chance(0.75):
        nature.moon(s, s.between(0.12, 0.88) * s.width, s.between(0.13, 0.4), s.between(0.06, 0.13))
    ground = choose(s.rng, ("village", "water", "street", "wood", "fireworks"))
    land = s.any_of("1f2f3a", "22382f", "2f2a4a")
    if ground == "street":
        street(s, horizon + 0.08, (0.2, 0.5), lit=True)
        s.area(
            box(-0.03, horizon + 0.08, s.width + 0.03, 1.05),
            s.shade("4a4a62"),
            "backdrop",
            fade=s.shade("2a2a40"),
        )
        for _ in range(s.count(1, 3)):
            with s.motif(s.between(0.1, 0.9) * s.width, 0.97, s.between(0.35, 0.5), weight=0.6):
                s.area(ellipse(0, -0.95, 0.22, 0.2), s.shade("d9a83c"), "detail")
                s.line(points((0, 0), (0, -0.9)), s.shade("14141c", 4), 0.04, "body")
                s.area(ellipse(0, -0.95, 0.1, 0.11), s.shade("fdf0b0", 5), "feature")
        for _ in range(s.count(1, 3)):
            beings.person(
                s,
                s.between(0.1, 0.9) * s.width,
                s.between(0.92, 0.98),
                s.between(0.2, 0.28),
                "walk",
            )
    elif ground in ("water", "fireworks"):
        if ground == "fireworks":
            for _ in range(s.count(2, 4)):
                spark = s.any_of("f6a03a", "f4e06a", "e85a7a", "8ae0c0")
                with s.motif(
                    s.between(0.12, 0.88) * s.width,
                    s.between(0.15, 0.42),
                    s.between(0.1, 0.2),
                    weight=0.9,
                ):
                    for angle in np.linspace(0, 2 * np.pi, s.count(9, 14), endpoint=False):
                        ray = points(
                            (0.25 * np.cos(angle), 0.25 * np.sin(angle)),
                            (np.cos(angle), np.sin(angle)),
                        )
                        s.line(ray, spark, 0.07, "body")
        s.area(
            box(-0.03, horizon, s.width + 0.03, 1.05),
            mix(deep, (60, 110, 150), 0.35),
            "backdrop",
            fade=deep,
            grain=0.0,
        )
        with s.motif(weight=0.3):
            for _ in range(s.count(4, 9)):
                x = s.between(0.03, 0.97) * s.width
                s.line(
                    points((x, horizon + 0.03), (x + 0.01, s.between(horizon + 0.1, 0.97))),
                    s.any_of("f0c04a", "f6e0a0"),
                    0.016,
                    "detail",
                )
        for _ in range(s.count(1, 3)):
            built.boat(
                s,
                s.between(0.15, 0.85) * s.width,
                s.between(horizon + 0.06, 0.93),
                s.between(0.2, 0.36),
                choose(s.rng, built.BOATS),
            )
    else:
        for k in range(2):
            s.area(
                ridge(s.rng, s.width, horizon + 0.09 * k, 0.05, waves=1.1),
                mix(land, (70, 90, 130), 0.4 - 0.3 * k),
                "backdrop",
            )
        if ground == "village":
            built.church(s, s.between(0.3, 0.7) * s.width, 0.9, s.between(0.3, 0.42))
            for _ in range(s.count(3, 7)):
                built.house(
                    s, s.between(0.05, 0.95) * s.width, s.between(0.86, 0.97), s.between(0.13, 0.2)
                )
        else:
            for _ in range(s.count(5, 9)):
                nature.tree(
                    s,
                    s.between(0, 1) * s.width,
                    s.between(0.88, 1.0),
                    s.between(0.3, 0.55),
                    choose(s.rng, ("pine", "bare")),
                )
    if s.chance(0.35):
        nature.tree(
            s,
            choose(s.rng, (0.14, 0.86)) * s.width,
            1.02,
            s.between(0.7, 0.95),
            choose(s.rng, ("poplar", "pine", "bare")),
            weight=0.8,
        )
    return {
        "village": "Starry Village",
        "water": "Lights on the Water",
        "street": "Street at Night",
        "wood": "Wood under Stars",
        "fireworks": "Fireworks",
    }[ground]
