"""Landscapes and gardens, and the skies, hills and weather that other genres share.

A genre is a function that fills a sketch and returns a title.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo import beasts, beings, built, nature
from drawsim.collection.demo.geometry import box, ellipse, points, ridge, smooth
from drawsim.collection.demo.scene import Colour, Sketch, choose, mix

SKIES = {
    "morning": (("a8cfe3", "bcd8e8", "8fbfe0"), ("f2ead2", "e6eef0", "f6e3c8")),
    "noon": (("4a90c8", "5aa2d8", "3a7fc0"), ("bfe0ee", "d6ecf2", "a8d4e6")),
    "evening": (("d9703a", "c8524a", "8a5a9a"), ("f6c86a", "f2a85a", "f0d9a0")),
    "storm": (("4f5866", "6a6f7c", "3f4a58"), ("9aa4a8", "b8b0a4", "7f8a92")),
    "gold": (("d9b44a", "e8c86a", "c99a3a"), ("f4e6b0", "f2d98a", "e8dcb8")),
}


def sky(s: Sketch, horizon: float, mood: str) -> tuple[Colour, Colour]:
    """The sky down to the horizon; its upper and lower colour."""
    high, low = (s.any_of(*codes) for codes in SKIES[mood])
    s.area(box(-0.03, -0.03, s.width + 0.03, horizon + 0.02), high, "backdrop", fade=low)
    return high, low


def weather(s: Sketch, horizon: float, mood: str, low: Colour) -> None:
    """Sun, clouds and birds, each of them perhaps."""
    if mood != "storm" and s.chance(0.5):
        at = s.between(0.1, 0.9) * s.width, s.between(0.14, 0.7) * horizon
        nature.sun(
            s,
            *at,
            s.between(0.045, 0.1),
            s.any_of("f8dc6a", "f4b43a", "e8622e"),
            rays=s.chance(0.3),
        )
    tint = mix((255.0, 252.0, 245.0), low, 0.6 if mood == "storm" else 0.25)
    for _ in range(s.count(0, 4)):
        at = s.between(0.05, 0.95) * s.width, s.between(0.1, 0.8) * horizon
        nature.cloud(s, *at, s.between(0.2, 0.5), tint)
    if s.chance(0.3):
        for _ in range(s.count(2, 6)):
            at = s.between(0.1, 0.9) * s.width, s.between(0.15, 0.8) * horizon
            nature.gull(s, *at, s.between(0.015, 0.03), s.any_of("2a2a30", "f4f0e8"))


def mountains(s: Sketch, horizon: float) -> None:
    """A range of peaks on the horizon, some of them with snow."""
    stone = s.any_of("5a6f8a", "7a6a8a", "6a7f8a", "8a7a6a", "46607a")
    for _ in range(s.count(1, 4)):
        x, high, half = s.between(0, s.width), s.between(0.16, 0.42), s.between(0.2, 0.5)
        high = min(high, horizon * 0.85)
        with s.motif(x, horizon + 0.02, 1.0, weight=0.5):
            tone = mix(stone, (200, 210, 225), s.between(0, 0.4))
            lean = s.between(-0.3, 0.3) * half
            s.area(
                points(
                    (-half, 0),
                    (-half * 0.4, -high * 0.5),
                    (lean, -high),
                    (half * 0.5, -high * 0.55),
                    (half, 0),
                ),
                tone,
                fade=mix(tone, (190, 200, 190), 0.4),
                grain=0.9,
            )
            if s.chance(0.6):
                cap = points(
                    (lean * 0.75 - half * 0.14, -high * 0.78),
                    (lean, -high),
                    (lean + half * 0.16, -high * 0.82),
                    (lean + half * 0.05, -high * 0.74),
                )
                s.area(cap, s.shade("f6f4f0", 4), "detail")


def hills(s: Sketch, horizon: float) -> None:
    """Ground from the horizon to the lower edge in two to four rolling bands."""
    season = choose(
        s.rng,
        (
            ("7fa05a", "5f8a46", "8fae5a"),
            ("d9b44a", "c9a03c", "e3c86a"),
            ("a8763a", "8a5f34", "b8864a"),
            ("e6ebee", "d6e0e8", "f2f2f0"),
            ("5a7a5a", "46684f", "6f8a6a"),
            ("c98a9a", "8a6aa0", "a87ab0"),
        ),
    )
    bands = s.count(2, 4)
    for k in range(bands):
        y = horizon + (1 - horizon) * k / bands
        tone = s.any_of(*season)
        rim = ridge(s.rng, s.width, y, s.between(0.01, 0.06), waves=s.between(0.6, 1.8))
        s.area(
            rim, tone, "backdrop", fade=mix(tone, (60, 60, 30), 0.25), grain=s.between(-0.3, 0.3)
        )


def path(s: Sketch, horizon: float, colour: Colour) -> None:
    """A road or river that winds from the lower edge to the horizon."""
    x0, x1 = s.between(0.2, 0.8) * s.width, s.between(0.2, 0.8) * s.width
    bend = s.between(-0.3, 0.3)
    mid = (horizon + 1) / 2
    left = points((x1 - 0.01, horizon + 0.02), (x1 + bend - 0.05, mid), (x0 - 0.2, 1.05))
    right = points((x0 + 0.2, 1.05), (x1 + bend + 0.09, mid), (x1 + 0.015, horizon + 0.02))
    with s.motif(weight=0.6):
        s.area(
            np.vstack([smooth(left, closed=False), smooth(right, closed=False)]), colour, grain=1.3
        )


def landscape(s: Sketch) -> str:
    """Hills with a farm, mill, church, haystacks or nothing but trees."""
    horizon = s.between(0.3, 0.68)
    mood = choose(s.rng, tuple(SKIES))
    _, low = sky(s, horizon, mood)
    weather(s, horizon, mood, low)
    if s.chance(0.55):
        mountains(s, horizon)
    hills(s, horizon)
    course = choose(s.rng, ("road", "river", "none"))
    if course != "none":
        path(
            s,
            horizon,
            s.any_of("d9c49a", "c9a87a") if course == "road" else s.any_of("6a9ac0", "8ab8d0"),
        )
    kind = choose(s.rng, nature.TREES)
    for _ in range(s.count(0, 6)):
        y = s.between(horizon + 0.03, horizon + 0.2)
        nature.tree(s, s.between(0.03, 0.97) * s.width, y, s.between(0.12, 0.26), kind, weight=0.3)
    subject = choose(
        s.rng, ("house", "village", "mill", "church", "hay", "tree", "avenue", "herd", "field")
    )
    x, y = s.between(0.25, 0.75) * s.width, s.between(horizon + 0.12, 0.86)
    if subject == "house":
        built.house(s, x, y, s.between(0.24, 0.42), weight=0.9)
    elif subject == "village":
        for k in range(s.count(3, 6)):
            built.house(s, x + 0.24 * (k - 2), y - s.between(0, 0.1), s.between(0.13, 0.22))
        built.church(s, x, y - 0.06, s.between(0.26, 0.36))
    elif subject == "mill":
        built.windmill(s, x, y, s.between(0.4, 0.65))
    elif subject == "church":
        built.church(s, x, y, s.between(0.4, 0.6), weight=0.9)
    elif subject == "hay":
        for k in range(s.count(1, 4)):
            nature.haystack(s, x + 0.4 * k - 0.4, y + s.between(-0.1, 0.06), s.between(0.14, 0.26))
    elif subject == "tree":
        nature.tree(
            s,
            x,
            s.between(0.82, 0.97),
            s.between(0.6, 0.85),
            choose(s.rng, nature.TREES),
            weight=1.0,
        )
    elif subject == "avenue":
        row = choose(s.rng, ("poplar", "pine", "round", "bare", "blossom"))
        for k in range(s.count(4, 7)):
            near = 0.24 + 0.1 * k
            nature.tree(
                s,
                (0.1 + 0.14 * k) * s.width,
                horizon + near * (1 - horizon),
                near * 0.9,
                row,
                weight=0.8,
            )
    elif subject == "herd":
        animal = choose(s.rng, ("cow", "sheep", "horse", "deer"))
        for _ in range(s.count(2, 4)):
            beasts.beast(
                s,
                s.between(0.15, 0.85) * s.width,
                s.between(horizon + 0.15, 0.92),
                s.between(0.13, 0.22),
                animal,
                weight=0.8,
            )
    else:
        bloom = choose(s.rng, nature.FLOWERS)
        for _ in range(s.count(14, 26)):
            at = s.between(0.02, 0.98) * s.width, s.between(0.82, 1.08)
            nature.flower(s, *at, s.between(0.1, 0.2), bloom)
    if s.chance(0.35):
        edge = choose(s.rng, (0.08, 0.92)) * s.width
        nature.tree(s, edge, s.between(0.92, 1.0), s.between(0.6, 0.85), kind, weight=0.6)
    names = {
        "house": "The Farm",
        "village": "Village",
        "mill": "The Mill",
        "church": "Country Church",
        "hay": "Haystacks",
        "tree": "The Great Tree",
        "avenue": "Row of Trees",
        "herd": "Pasture",
        "field": "Flowering Field",
    }
    return f"{names[subject]}, {mood}"


def garden(s: Sketch) -> str:
    """A pond with lilies and a bridge, an orchard, or beds of flowers before a house."""
    horizon = s.between(0.22, 0.42)
    mood = choose(s.rng, ("morning", "noon", "gold", "evening"))
    sky(s, horizon, mood)
    hedge = s.any_of("4a7a4a", "3a6a46", "6a8f4a")
    s.area(ridge(s.rng, s.width, horizon - 0.06, 0.06, waves=3.0), hedge, "backdrop", grain=0.8)
    lawn = s.any_of("8fae5a", "7a9f4a", "a8b85a")
    s.area(
        box(-0.03, horizon + 0.1, s.width + 0.03, 1.05),
        lawn,
        "backdrop",
        fade=mix(lawn, (40, 70, 40), 0.3),
    )
    subject = choose(s.rng, ("pond", "orchard", "beds"))
    kind = choose(s.rng, ("round", "blossom", "autumn", "poplar"))
    if subject == "pond":
        pool = s.any_of("4a7a8a", "5a8fa0", "3f6a6a", "7a8fb8")
        with s.motif(s.width / 2, 0.8, 1.0, weight=0.6):
            s.area(
                ellipse(0, 0, s.width * s.between(0.42, 0.6), 0.26),
                pool,
                fade=mix(pool, (30, 40, 70), 0.4),
            )
        if s.chance(0.7):
            built.bridge(
                s, s.width / 2, s.between(0.55, 0.66), s.between(0.7, 0.95) * s.width, stone=False
            )
        for _ in range(s.count(5, 12)):
            with s.motif(
                s.between(0.15, 0.85) * s.width,
                s.between(0.68, 0.97),
                s.between(0.03, 0.06),
                weight=0.5,
            ):
                s.area(ellipse(0, 0, 1.3, 0.5), s.any_of("5a8f4a", "7aa85a"))
                if s.chance(0.6):
                    s.area(
                        ellipse(0, -0.3, 0.5, 0.4, count=10),
                        s.any_of("f2c8d6", "f6f0f0", "e87a9a"),
                        "feature",
                    )
        for edge in (0.06, 0.94):
            nature.tree(s, edge * s.width, s.between(0.55, 0.7), s.between(0.45, 0.6), kind)
    elif subject == "orchard":
        for row in range(2):
            for k in range(s.count(2, 4)):
                y = 0.62 + 0.3 * row
                nature.tree(
                    s,
                    (0.15 + 0.27 * k + s.between(-0.04, 0.04)) * s.width,
                    y,
                    0.36 + 0.14 * row,
                    kind,
                    weight=0.7,
                )
        for _ in range(s.count(0, 3)):
            beings.person(
                s,
                s.between(0.1, 0.9) * s.width,
                s.between(0.8, 0.97),
                s.between(0.3, 0.4),
                choose(s.rng, ("reach", "bend", "stand")),
            )
    else:
        built.house(
            s, s.between(0.3, 0.7) * s.width, s.between(0.5, 0.62), s.between(0.3, 0.45), weight=0.9
        )
        blooms = tuple(choose(s.rng, nature.FLOWERS) for _ in range(2))
        for k in range(s.count(16, 30)):
            nature.flower(
                s,
                s.between(0.02, 0.98) * s.width,
                0.76 + 0.012 * k,
                s.between(0.12, 0.2),
                choose(s.rng, blooms),
            )
    return {"pond": "The Lily Pond", "orchard": "The Orchard", "beds": "Garden of Flowers"}[
        subject
    ] + f", {mood}"
