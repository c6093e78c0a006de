"""Figures out of doors, portraits and icons.

A genre is a function that fills a sketch and returns a title.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo import beasts, beings, nature, things
from drawsim.collection.demo.country import SKIES, hills, sky, weather
from drawsim.collection.demo.geometry import blob, box, ellipse, points, ridge, smooth, star
from drawsim.collection.demo.rooms import wall
from drawsim.collection.demo.scene import Sketch, choose, mix


def figures(s: Sketch) -> str:
    """People: a round dance, a walk with umbrellas, a harvest, a mother with children."""
    subject = choose(s.rng, ("dance", "walk", "harvest", "family", "couple", "circus"))
    ground = s.between(0.45, 0.7)
    mood = choose(s.rng, tuple(SKIES))
    if subject in ("dance", "circus") and s.chance(0.6):
        s.area(
            box(-0.03, -0.03, s.width + 0.03, 1.05),
            s.any_of("2f5aa0", "c8522e", "3f7a5a", "d9a83c", "5a2f5a"),
            "backdrop",
        )
        s.area(
            ridge(s.rng, s.width, ground, 0.06, waves=0.6),
            s.any_of("4a8a4a", "d98a4a", "a8322a", "e3c06a"),
            "backdrop",
        )
    else:
        _, low = sky(s, ground, mood)
        weather(s, ground, mood, low)
        hills(s, ground)
    if subject == "dance":
        count = s.count(3, 6)
        for angle in np.linspace(0, 2 * np.pi, count, endpoint=False) + s.between(0, 1):
            x, y = s.width / 2 + 0.36 * s.width * np.cos(angle), 0.8 + 0.15 * np.sin(angle)
            beings.person(s, x, y, s.between(0.46, 0.6), choose(s.rng, ("dance", "reach")))
    elif subject == "circus":
        beasts.beast(
            s,
            s.width / 2,
            0.92,
            s.between(0.36, 0.48),
            choose(s.rng, ("horse", "elephant", "zebra")),
        )
        beings.person(s, s.width / 2, 0.5, s.between(0.34, 0.42), "dance", weight=1.0)
        for _ in range(s.count(1, 3)):
            with s.motif(s.between(0.1, 0.9) * s.width, 0.96, s.between(0.06, 0.1), weight=0.6):
                s.area(ellipse(0, -1, 1, 1), s.any_of("c8402a", "e3b02e", "2f6a9a"), solid=True)
    elif subject == "walk":
        for k in range(s.count(2, 4)):
            x, size = (0.2 + 0.24 * k) * s.width, s.between(0.42, 0.62)
            beings.person(s, x, s.between(0.9, 0.98), size, "walk")
            if s.chance(0.7):
                with s.motif(x + 0.1 * size, 0.92 - 0.55 * size, size, weight=0.7):
                    s.line(points((0, 0.1), (0, -0.55)), s.shade("2a2420"), 0.025, "body")
                    s.area(
                        ellipse(0, -0.45, 0.3, 0.24, start=np.pi, end=2 * np.pi),
                        s.any_of("222630", "c8402a", "3a6ab0", "d9c44a"),
                    )
    elif subject == "harvest":
        for _ in range(s.count(1, 3)):
            nature.haystack(s, s.between(0.1, 0.9) * s.width, ground + 0.1, s.between(0.12, 0.2))
        for _ in range(s.count(2, 4)):
            beings.person(
                s,
                s.between(0.15, 0.85) * s.width,
                s.between(0.82, 0.97),
                s.between(0.34, 0.5),
                choose(s.rng, ("bend", "stand", "reach")),
            )
    else:
        x = s.between(0.4, 0.6) * s.width
        beings.person(
            s,
            x - 0.16,
            0.97,
            s.between(0.66, 0.8),
            choose(s.rng, ("stand", "wave", "reach")),
            weight=1.0,
        )
        if subject == "couple":
            beings.person(
                s, x + 0.2, 0.97, s.between(0.66, 0.8), choose(s.rng, ("stand", "wave")), weight=1.0
            )
        else:
            for k in range(s.count(1, 3)):
                beings.person(
                    s,
                    x + 0.14 + 0.22 * k,
                    0.98,
                    s.between(0.34, 0.46),
                    choose(s.rng, ("stand", "walk", "wave")),
                )
    return {
        "dance": "The Dance",
        "walk": "The Walk",
        "harvest": "Harvest",
        "family": "Mother and Children",
        "couple": "The Couple",
        "circus": "At the Circus",
    }[subject]


def portrait(s: Sketch) -> str:
    """Head and shoulders, sometimes with a cat, a bird or a flower; before a wall or a view."""
    view = choose(s.rng, ("wall", "wall", "wall", "view", "window"))
    if view == "view":
        horizon = s.between(0.35, 0.55)
        sky(s, horizon, choose(s.rng, tuple(SKIES)))
        hills(s, horizon)
        for _ in range(s.count(0, 4)):
            nature.tree(
                s,
                s.between(0, 1) * s.width,
                horizon + 0.08,
                s.between(0.15, 0.3),
                choose(s.rng, nature.TREES),
                weight=0.2,
            )
    else:
        wall(s, 1.0)
        if view == "window":
            things.window(
                s,
                choose(s.rng, (0.18, 0.82)) * s.width,
                0.3,
                s.between(0.36, 0.48),
                night=s.chance(0.3),
            )
    skin, hair, coat = s.any_of(*beings.SKINS), s.any_of(*beings.HAIRS), s.any_of(*beings.CLOTHES)
    style = choose(
        s.rng, ("long", "bun", "bob", "bald", "curls", "hat", "turban", "veil", "crown", "cap")
    )
    x, head = s.between(0.4, 0.6) * s.width, s.between(0.32, 0.52)
    y = s.between(0.26, 0.3) + head * 0.28
    lower = mix(coat, (20, 15, 30), 0.3)
    with s.motif(x, y, head, weight=1.0, turn=s.between(-0.08, 0.08), mirror=s.chance(0.5)):
        broad = s.between(0.8, 1.15)
        bust = points(
            (-0.2, 0.45),
            (-broad, 0.72),
            (-broad - 0.15, 2.4),
            (broad + 0.15, 2.4),
            (broad, 0.72),
            (0.2, 0.45),
        )
        s.area(smooth(bust), coat, fade=lower, grain=1.2, solid=True)
        s.area(box(-0.17, 0.3, 0.17, 0.68), mix(skin, (80, 30, 20), 0.18))
        collar = choose(s.rng, ("ruff", "scarf", "lapels", "beads", "plain", "plain"))
        other = s.any_of(*beings.CLOTHES)
        if collar == "ruff":
            s.area(
                star(0, 0.62, 0.62, 16, 0.86) * np.array([1, 0.5]) + np.array([0, 0.31]),
                s.shade("f4f0e4", 5),
            )
        elif collar == "scarf":
            s.area(
                smooth(
                    points(
                        (-0.34, 0.48),
                        (0.34, 0.48),
                        (0.4, 0.74),
                        (0.1, 0.8),
                        (0.14, 1.5),
                        (-0.12, 1.5),
                        (-0.1, 0.8),
                        (-0.4, 0.72),
                    )
                ),
                other,
            )
        elif collar == "lapels":
            s.area(points((-0.22, 0.52), (0, 1.2), (0.22, 0.52)), s.shade("f0ece0"))
            s.area(
                points((-0.05, 0.66), (0.05, 0.66), (0.08, 1.15), (0, 1.25), (-0.08, 1.15)),
                other,
                "feature",
            )
        elif collar == "beads":
            for angle in np.linspace(0.3, np.pi - 0.3, 11):
                s.area(
                    ellipse(
                        0.34 * np.cos(angle), 0.56 + 0.24 * np.sin(angle), 0.045, 0.045, count=10
                    ),
                    other,
                    "feature",
                )
        else:
            s.area(ellipse(0, 0.55, 0.2, 0.16, start=0, end=np.pi), skin)
        beings.face(s, skin, hair, style)
        if style not in ("veil", "long", "bun") and s.chance(0.4):
            beings.beard(s, hair)
        elif s.chance(0.3):
            for side in (-1, 1):
                s.area(
                    ellipse(side * 0.38, 0.2, 0.05, 0.06, count=10), s.shade("f2e6c0", 5), "feature"
                )
    held = choose(s.rng, ("none", "none", "cat", "bird", "flower", "fruit", "hand"))
    side = choose(s.rng, (-1, 1))
    low = (x + side * 0.2, 1.0)
    if held == "cat":
        beasts.cat(s, *low, s.between(0.34, 0.44), weight=0.9)
    elif held == "bird":
        beasts.bird(s, x + side * 0.26, 0.8, s.between(0.2, 0.3), weight=0.9)
    elif held == "flower":
        nature.flower(s, x + side * 0.14, 1.0, s.between(0.26, 0.36), choose(s.rng, nature.FLOWERS))
    elif held == "fruit":
        things.fruit(s, *low, s.between(0.14, 0.2), choose(s.rng, things.FRUITS))
    elif held == "hand":
        with s.motif(x + side * 0.1, 0.92, 0.12, weight=0.8, mirror=side > 0):
            s.area(blob(s.rng, 0, 0, 0.5, 0.4, 0.05), skin)
            for k in range(4):
                s.line(
                    points((0.2, -0.25 + 0.17 * k), (0.85, -0.3 + 0.18 * k)), skin, 0.17, "feature"
                )
    who = {
        "bald": "Old Man",
        "hat": "Person in a Hat",
        "turban": "Head with Turban",
        "veil": "Veiled Woman",
        "crown": "The Monarch",
        "cap": "Youth in a Cap",
    }.get(style, "Portrait")
    return who + {
        "cat": " with Cat",
        "bird": " with Bird",
        "flower": " with Flower",
        "fruit": " with Fruit",
    }.get(held, "")


def saint(s: Sketch, x: float, y: float, head: float, *, child: bool) -> None:
    """A robed half figure with a halo, its head at (x, y); with a child on the arm if asked."""
    skin, robe, cloak = (
        s.any_of(*beings.SKINS[:4]),
        s.any_of(*beings.CLOTHES),
        s.any_of(*beings.CLOTHES),
    )
    gold = s.any_of("f0c850", "f6dc8a", "e0a83a")
    with s.motif(x, y, head, weight=1.0, mirror=s.chance(0.5)):
        s.area(ellipse(0, -0.05, 0.86, 0.86), gold)
        s.line(
            ellipse(0, -0.05, 0.86, 0.86, end=2 * np.pi - 0.01),
            mix(gold, (120, 40, 20), 0.5),
            0.05,
            "body",
        )
        s.area(
            smooth(
                points((-0.3, 0.4), (-1.1, 0.9), (-1.35, 3.4), (1.35, 3.4), (1.1, 0.9), (0.3, 0.4))
            ),
            cloak,
            grain=1.4,
            solid=True,
        )
        s.area(
            smooth(points((-0.25, 0.5), (-0.5, 3.4), (0.5, 3.4), (0.25, 0.5)), rounds=1),
            robe,
            grain=1.5,
        )
        covered = child or s.chance(0.4)
        beings.face(
            s,
            skin,
            s.any_of(*beings.HAIRS),
            "veil" if covered else choose(s.rng, ("long", "bob", "bald", "crown")),
        )
        if not covered and s.chance(0.6):
            beings.beard(s, s.any_of(*beings.HAIRS))
        if child:
            with s.motif(0.62, 1.25, 0.55):
                s.area(ellipse(0, -0.05, 0.78, 0.78), gold)
                s.area(
                    smooth(
                        points(
                            (-0.3, 0.4),
                            (-0.7, 0.9),
                            (-0.6, 2.2),
                            (0.6, 2.2),
                            (0.7, 0.9),
                            (0.3, 0.4),
                        )
                    ),
                    s.any_of("e8dcc0", "d98a4a", "c9b0a0"),
                )
                beings.face(s, skin, s.any_of(*beings.HAIRS), "bob")
        else:
            s.area(box(-0.6, 1.5, -0.1, 2.1), s.any_of("8a2f2a", "3a4a7a", "c9a03a"), "feature")
            s.area(ellipse(-0.05, 1.85, 0.16, 0.13, count=12), skin, "feature")


def icon(s: Sketch) -> str:
    """Saints on a gold ground within a painted frame."""
    ground = s.any_of("d9a83c", "e0b850", "c98f2e", "a8322a", "3a4f7a", "e8d9b0")
    s.area(
        box(-0.03, -0.03, s.width + 0.03, 1.05),
        ground,
        "backdrop",
        fade=mix(ground, (120, 60, 20), 0.3),
    )
    if s.chance(0.3):
        for _ in range(s.count(3, 6)):
            with s.motif(
                s.between(0.05, 0.95) * s.width,
                s.between(0.08, 0.4),
                s.between(0.04, 0.07),
                weight=0.4,
            ):
                s.area(star(0, 0, 1, 8), s.any_of("f6e6b0", "f0d060"), "feature")
    kind = choose(s.rng, ("mother", "single", "row", "angel"))
    if kind == "row":
        count = s.count(2, 4)
        for k in range(count):
            saint(
                s,
                (k + 0.5) / count * s.width,
                s.between(0.3, 0.36),
                min(0.24, 0.5 * s.width / count),
                child=False,
            )
    else:
        x, head = s.between(0.44, 0.56) * s.width, s.between(0.26, 0.36)
        if kind == "angel":
            with s.motif(x, 0.5, 0.5, weight=0.9):
                plume = s.any_of("f0e8d8", "c8603a", "8ab0c8", "e8c86a")
                for side in (-1, 1):
                    s.area(
                        smooth(
                            points(
                                (side * 0.2, 0.1),
                                (side * 0.55, -0.6),
                                (side * 0.95, -0.5),
                                (side * 0.95, 0.4),
                                (side * 0.6, 0.9),
                            )
                        ),
                        plume,
                        grain=1.2,
                    )
                    for k in range(3):
                        s.line(
                            points((side * (0.5 + 0.13 * k), -0.3), (side * (0.5 + 0.13 * k), 0.5)),
                            mix(plume, (80, 50, 40), 0.4),
                            0.02,
                        )
        saint(
            s, x, 0.36 if kind != "mother" else s.between(0.3, 0.38), head, child=kind == "mother"
        )
    border = s.any_of("7a2f24", "2f3f6a", "5a3a24", "2f5a46")
    with s.motif(weight=0.3):
        rim = s.between(0.025, 0.055)
        for edge in (
            box(-0.03, -0.03, rim, 1.03),
            box(s.width - rim, -0.03, s.width + 0.03, 1.03),
            box(-0.03, -0.03, s.width + 0.03, rim),
            box(-0.03, 1 - rim, s.width + 0.03, 1.03),
        ):
            s.area(edge, border)
    return {
        "mother": "Mother and Child",
        "single": "Saint with Book",
        "row": "Company of Saints",
        "angel": "Angel",
    }[kind]
