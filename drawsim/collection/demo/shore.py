"""Seascapes.

A genre is a function that fills a sketch and returns a title.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo import beings, built, nature
from drawsim.collection.demo.country import SKIES, mountains, sky, weather
from drawsim.collection.demo.geometry import box, ellipse, points, ridge, smooth
from drawsim.collection.demo.scene import Sketch, choose, mix


def seascape(s: Sketch) -> str:
    """The sea with boats, a lighthouse, a great wave, cliffs or bathers' beach."""
    horizon = s.between(0.28, 0.66)
    mood = choose(s.rng, tuple(SKIES))
    _, low = sky(s, horizon, mood)
    weather(s, horizon, mood, low)
    if s.chance(0.3):
        mountains(s, horizon)
    water = {"storm": s.any_of("3f5a62", "4a5f6a"), "evening": s.any_of("6a5a8a", "3f5a7a")}.get(
        mood, s.any_of("2f7aa8", "3a9aa8", "2a6a9a", "5aa8b8")
    )
    s.area(
        box(-0.03, horizon, s.width + 0.03, 1.05),
        mix(water, low, 0.25),
        "backdrop",
        fade=mix(water, (10, 30, 60), 0.25),
    )
    foam = mix(water, (255, 255, 250), 0.65)
    with s.motif(weight=0.15):
        for _ in range(s.count(5, 14)):
            y = s.between(horizon + 0.04, 0.98)
            x, half = s.between(0, s.width), 0.05 + 0.12 * (y - horizon)
            crest = points(
                (x - half, y),
                (x - half / 2, y - 0.015),
                (x, y),
                (x + half / 2, y - 0.015),
                (x + half, y),
            )
            s.line(smooth(crest, closed=False), foam, 0.008)
    subject = choose(
        s.rng, ("fleet", "boat", "boat", "wave", "lighthouse", "cliff", "beach", "harbour")
    )
    side = choose(s.rng, (-1, 1))
    edge = s.width if side > 0 else 0.0
    rock = s.any_of("8a7a6a", "b89a7a", "5f5a5a", "d9cdb8", "7a5a4a")
    if subject == "fleet":
        kind = choose(s.rng, built.BOATS)
        for k in range(s.count(3, 7)):
            y = horizon + 0.03 + 0.07 * k
            built.boat(s, s.between(0.08, 0.92) * s.width, y, 0.12 + 0.05 * k, kind, weight=0.6)
    elif subject == "boat":
        y = s.between(horizon + 0.1, 0.85)
        built.boat(
            s,
            s.between(0.3, 0.7) * s.width,
            y,
            s.between(0.42, 0.75),
            choose(s.rng, built.BOATS),
            weight=1.0,
        )
    elif subject == "wave":
        built.boat(
            s, s.between(0.2, 0.8) * s.width, 0.8, 0.2, choose(s.rng, built.BOATS), weight=0.5
        )
        nature.wave(s, s.between(0.3, 0.7) * s.width, 0.98, s.between(0.5, 0.72))
    elif subject == "lighthouse":
        with s.motif(edge, 1.0, 1.0, weight=0.5, mirror=side > 0):
            s.area(
                smooth(points((-0.2, 0.1), (-0.1, -0.35), (0.3, -0.3), (0.6, -0.05), (0.75, 0.1))),
                rock,
                grain=1.0,
            )
        built.lighthouse(s, edge - side * 0.22, 0.72, s.between(0.4, 0.58))
    elif subject == "cliff":
        with s.motif(edge, 1.0, 1.0, weight=0.9, mirror=side > 0):
            top = s.between(-0.85, -0.55)
            s.area(
                points(
                    (-0.1, 0.1),
                    (-0.1, top),
                    (0.3, top - 0.03),
                    (0.42, -0.4),
                    (0.5, -0.25),
                    (0.6, 0.1),
                ),
                rock,
                fade=mix(rock, (60, 50, 70), 0.4),
                grain=1.5,
            )
            s.area(
                smooth(
                    points(
                        (-0.1, top + 0.06),
                        (-0.1, top - 0.03),
                        (0.3, top - 0.06),
                        (0.33, top + 0.02),
                    )
                ),
                s.any_of("6f8f4a", "8fae5a"),
            )
        built.boat(
            s,
            s.width / 2 - side * 0.25 * s.width,
            s.between(horizon + 0.1, 0.9),
            s.between(0.2, 0.36),
            choose(s.rng, built.BOATS),
        )
    else:
        sand = s.any_of("e3cfa0", "d9b88a", "efe0bc")
        shore = s.between(0.74, 0.86)
        s.area(ridge(s.rng, s.width, shore, 0.03, waves=0.8), sand, "backdrop", grain=0.1)
        if subject == "beach":
            for _ in range(s.count(1, 3)):
                with s.motif(
                    s.between(0.1, 0.9) * s.width, 0.95, s.between(0.24, 0.34), weight=0.8
                ):
                    cloth = s.any_of("c8402a", "e3b02e", "2f6a9a")
                    s.line(points((0, 0), (0.05, -0.9)), s.shade("8a6a42"), 0.03, "body")
                    s.area(ellipse(0.05, -0.72, 0.55, 0.36, start=np.pi, end=2 * np.pi), cloth)
                    s.area(
                        points((-0.1, -0.73), (0.05, -1.08), (0.2, -0.73)),
                        (245.0, 240.0, 230.0),
                        "feature",
                    )
            for _ in range(s.count(1, 4)):
                beings.person(
                    s,
                    s.between(0.1, 0.9) * s.width,
                    s.between(0.85, 0.97),
                    s.between(0.22, 0.36),
                    choose(s.rng, tuple(beings.POSES)),
                )
        else:
            for k in range(s.count(2, 4)):
                built.boat(
                    s,
                    (0.2 + 0.25 * k) * s.width,
                    s.between(0.84, 0.95),
                    s.between(0.26, 0.42),
                    choose(s.rng, ("sail", "rowing")),
                )
            built.boat(s, s.between(0.2, 0.8) * s.width, horizon + 0.08, 0.18, "sail", weight=0.4)
    return {
        "fleet": "Regatta",
        "boat": "Boat at Sea",
        "wave": "The Wave",
        "lighthouse": "Lighthouse",
        "cliff": "The Cliff",
        "beach": "On the Beach",
        "harbour": "Boats on the Shore",
    }[subject] + f", {mood}"
