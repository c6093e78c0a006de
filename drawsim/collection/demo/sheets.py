"""Animals, abstract compositions and posters.

A genre is a function that fills a sketch and returns a title.
"""

from __future__ import annotations

import numpy as np

from drawsim.collection.demo import beasts, beings, built, nature, things
from drawsim.collection.demo.country import SKIES, sky
from drawsim.collection.demo.geometry import blob, box, ellipse, points, ridge, smooth
from drawsim.collection.demo.rooms import GROUNDS, wall
from drawsim.collection.demo.scene import Sketch, choose, mix


def animal(s: Sketch) -> str:
    """Large animals in a meadow, a jungle, snow, under water or before a wall."""
    subject = choose(s.rng, (*beasts.BEASTS, "cat", "bird", "bird", "fish", "cat"))
    if subject == "fish":
        deep = s.any_of("2a6a9a", "3a9aa8", "1f4a7a", "4aa88a")
        s.area(
            box(-0.03, -0.03, s.width + 0.03, 1.05),
            mix(deep, (190, 230, 230), 0.4),
            "backdrop",
            fade=deep,
        )
        for _ in range(s.count(2, 6)):
            with s.motif(s.between(0, 1) * s.width, 1.02, s.between(0.2, 0.5), weight=0.3):
                weed = points((0, 0), (0.08, -0.3), (-0.06, -0.6), (0.05, -1))
                s.line(
                    smooth(weed, closed=False), s.any_of("3f7a4a", "6a9a4a", "a84a5a"), 0.08, "body"
                )
        for _ in range(s.count(1, 6)):
            beasts.fish(s, s.between(0.2, 0.8) * s.width, s.between(0.2, 0.8), s.between(0.26, 0.6))
        return "Fishes"
    place = choose(s.rng, ("meadow", "jungle", "plain", "plain", "snow"))
    ground = s.between(0.55, 0.75)
    if place == "plain":
        wall(s, ground)
        tone = s.any_of(*GROUNDS)
        s.area(
            box(-0.03, ground, s.width + 0.03, 1.05),
            tone,
            "backdrop",
            fade=mix(tone, (30, 20, 20), 0.3),
        )
    else:
        sky(s, ground, "storm" if place == "snow" else choose(s.rng, tuple(SKIES)))
        land = {
            "meadow": ("7fa05a", "a8b85a"),
            "jungle": ("3f6a3a", "2f5a46"),
            "snow": ("eef2f4", "dfe8ee"),
        }[place]
        if place == "jungle":
            for _ in range(s.count(4, 9)):
                nature.tree(
                    s,
                    s.between(0, 1) * s.width,
                    ground + 0.05,
                    s.between(0.4, 0.7),
                    choose(s.rng, ("palm", "round")),
                    weight=0.3,
                )
        else:
            for _ in range(s.count(0, 3)):
                nature.tree(
                    s,
                    s.between(0, 1) * s.width,
                    ground + 0.04,
                    s.between(0.3, 0.5),
                    "pine" if place == "snow" else "round",
                    weight=0.3,
                )
        s.area(ridge(s.rng, s.width, ground, 0.03), s.any_of(*land), "backdrop")
    x, y = s.between(0.4, 0.6) * s.width, s.between(0.88, 0.95)
    if subject == "cat":
        beasts.cat(s, x, y, s.between(0.6, 0.82))
        if s.chance(0.3):
            beasts.bird(
                s, choose(s.rng, (0.15, 0.85)) * s.width, y, s.between(0.2, 0.3), weight=0.7
            )
    elif subject == "bird":
        for k in range(s.count(1, 2)):
            beasts.bird(s, x + 0.35 * k, y, s.between(0.45, 0.7), weight=1.0)
    else:
        size = min(s.between(0.45, 0.6), s.width * 0.48) * (0.72 if subject == "giraffe" else 1.0)
        beasts.beast(s, x - 0.08, y, size, subject)
        if s.chance(0.3):
            beasts.beast(
                s, choose(s.rng, (0.15, 0.85)) * s.width, y - 0.1, size * 0.5, subject, weight=0.6
            )
    if place in ("meadow", "jungle"):
        bloom = choose(s.rng, nature.FLOWERS)
        for _ in range(s.count(0, 7)):
            nature.flower(
                s,
                s.between(0.03, 0.97) * s.width,
                s.between(0.95, 1.06),
                s.between(0.12, 0.22),
                bloom,
            )
    return f"The {subject.title()}"


def abstract(s: Sketch) -> str:
    """Grids, rings, wedges, cut-out leaves or floating signs."""
    hues = choose(
        s.rng,
        (
            ("d8322a", "2a4fa0", "f2cf2e", "f4f1e8", "1a1a1e"),
            ("e07a3a", "f0c060", "3f7a7a", "f2ead6", "8a3a4a"),
            ("2f3f6a", "6a8fc0", "d9a8b0", "f0e0c0", "c8503a"),
            ("3a6a4a", "a8b85a", "e8d48a", "6a3a2a", "f4f0e0"),
            ("5a3f7a", "c86a9a", "f0b050", "2a8a9a", "f6efe6"),
            ("2a2a2e", "8a8680", "d9d2c4", "b8322a", "f2eee4"),
        ),
    )
    kind = choose(s.rng, ("grid", "rings", "wedges", "leaves", "signs", "quilt"))
    ground = s.any_of(*hues[3:])
    s.area(box(-0.03, -0.03, s.width + 0.03, 1.05), ground, "backdrop")
    if kind == "grid":
        xs = np.sort(s.rng.uniform(0.08, s.width - 0.08, s.count(2, 5)))
        ys = np.sort(s.rng.uniform(0.08, 0.92, s.count(2, 5)))
        across, down = [-0.03, *xs, s.width + 0.03], [-0.03, *ys, 1.03]
        for i in range(len(across) - 1):
            for j in range(len(down) - 1):
                if s.chance(0.45):
                    with s.motif(weight=0.8):
                        s.area(
                            box(across[i], down[j], across[i + 1], down[j + 1]),
                            s.any_of(*hues[:4]),
                            grain=1.57 * s.count(0, 1),
                        )
        bar = s.shade(hues[-1] if kind == "grid" and s.chance(0.3) else "1a1a1e", 4)
        with s.motif(weight=0.9):
            for x in xs:
                s.line(points((x, -0.03), (x, 1.03)), bar, 0.025, "body")
            for y in ys:
                s.line(points((-0.03, y), (s.width + 0.03, y)), bar, 0.025, "body")
    elif kind == "rings":
        for _ in range(s.count(2, 7)):
            x, y, r = s.between(0.1, 0.9) * s.width, s.between(0.12, 0.88), s.between(0.1, 0.34)
            with s.motif(x, y, r, weight=0.9):
                for k in range(s.count(2, 5)):
                    s.area(ellipse(0, 0, 1 - 0.22 * k, 1 - 0.22 * k), s.any_of(*hues))
    elif kind == "wedges":
        for _ in range(s.count(6, 13)):
            with s.motif(
                s.between(0.1, 0.9) * s.width,
                s.between(0.1, 0.9),
                s.between(0.12, 0.4),
                weight=0.7,
                turn=s.between(0, 6),
            ):
                shape = choose(s.rng, ("triangle", "bar", "half"))
                if shape == "triangle":
                    s.area(
                        points((-0.6, 0.5), (0.6, 0.5), (s.between(-0.5, 0.5), -0.8)),
                        s.any_of(*hues),
                    )
                elif shape == "bar":
                    s.area(box(-1.0, -0.09, 1.0, 0.09), s.any_of(*hues))
                else:
                    s.area(ellipse(0, 0, 0.6, 0.6, start=0, end=np.pi), s.any_of(*hues))
    elif kind == "leaves":
        for _ in range(s.count(5, 11)):
            with s.motif(
                s.between(0.1, 0.9) * s.width,
                s.between(0.12, 0.9),
                s.between(0.18, 0.34),
                weight=0.8,
                turn=s.between(-0.8, 0.8),
            ):
                tone = s.any_of(*hues)
                lobes = s.count(3, 5)
                for side in (-1, 1):
                    for k in range(lobes):
                        y = 0.5 - k / lobes
                        frond = points(
                            (0, y + 0.08),
                            (side * 0.3, y - 0.06),
                            (side * 0.42, y - 0.22),
                            (side * 0.24, y - 0.16),
                            (0, y - 0.08),
                        )
                        s.area(smooth(frond), tone)
                s.line(points((0, 0.6), (0, -0.6)), tone, 0.12, "body")
    elif kind == "signs":
        for _ in range(s.count(5, 10)):
            with s.motif(
                s.between(0.1, 0.9) * s.width,
                s.between(0.1, 0.9),
                s.between(0.08, 0.2),
                weight=0.7,
                turn=s.between(-1, 1),
            ):
                sign = choose(s.rng, ("star", "eye", "ladder", "curl", "moon", "blob"))
                tone, ink = s.any_of(*hues[:3]), s.shade("1a1a1e", 4)
                if sign == "star":
                    for angle in (0.0, np.pi / 3, 2 * np.pi / 3):
                        s.line(
                            points(
                                (-np.cos(angle), -np.sin(angle)), (np.cos(angle), np.sin(angle))
                            ),
                            ink,
                            0.1,
                            "body",
                        )
                elif sign == "eye":
                    s.area(smooth(points((-1, 0), (0, -0.6), (1, 0), (0, 0.6))), tone)
                    s.area(ellipse(0, 0, 0.26, 0.28), ink, "feature")
                elif sign == "ladder":
                    for rail in (-0.3, 0.3):
                        s.line(points((rail, -1.4), (rail, 1.4)), ink, 0.09, "body")
                    for y in (-1.0, -0.4, 0.2, 0.8):
                        s.line(points((-0.3, y), (0.3, y)), ink, 0.09, "body")
                elif sign == "curl":
                    turn = np.linspace(0.5, 9, 30)
                    s.line(
                        np.stack([np.cos(turn), np.sin(turn)], axis=1) * (turn / 9)[:, None],
                        ink,
                        0.12,
                        "body",
                    )
                elif sign == "moon":
                    s.area(
                        np.vstack(
                            [
                                ellipse(0, 0, 1, 1, start=-1.9, end=1.9, count=16),
                                ellipse(-0.4, 0, 0.9, 0.9, start=1.5, end=-1.5, count=16),
                            ]
                        ),
                        tone,
                    )
                else:
                    s.area(blob(s.rng, 0, 0, 1.1, 0.8, 0.3), tone)
    else:
        columns, rows = s.count(3, 6), s.count(3, 6)
        for i in range(columns):
            for j in range(rows):
                w, h = s.width / columns, 1 / rows
                with s.motif((i + 0.5) * w, (j + 0.5) * h, min(w, h), weight=0.7):
                    half_w, half_h = w / min(w, h) / 2, h / min(w, h) / 2
                    s.area(box(-half_w, -half_h, half_w, half_h), s.any_of(*hues))
                    if s.chance(0.5):
                        inner = choose(
                            s.rng,
                            (
                                ellipse(0, 0, 0.32, 0.32),
                                points((0, -0.34), (0.34, 0.3), (-0.34, 0.3)),
                                box(-0.26, -0.26, 0.26, 0.26),
                            ),
                        )
                        s.area(inner, s.any_of(*hues))
    return f"Composition: {kind.title()}"


def poster(s: Sketch) -> str:
    """A flat, loud sheet: rays or bands behind one large sign, and bars where the letters stand."""
    loud = choose(
        s.rng,
        (
            ("c8322a", "f0d9a8", "22262e"),
            ("2f5a9a", "f2c14a", "f4efe2"),
            ("e07a2e", "2a6a6a", "f6ecd4"),
            ("3a7a4a", "f0e4c4", "a8322a"),
            ("6a3a6a", "f0b0a0", "f6ead8"),
        ),
    )
    s.area(box(-0.03, -0.03, s.width + 0.03, 1.05), s.any_of(loud[0]), "backdrop")
    x, y = s.between(0.4, 0.6) * s.width, s.between(0.4, 0.55)
    layout = choose(s.rng, ("rays", "disc", "bands", "plain"))
    if layout == "rays":
        with s.motif(x, y, 1.6, weight=0.5):
            rays = s.count(7, 12)
            for k in range(rays):
                a = 2 * np.pi * k / rays
                b = a + np.pi / rays
                s.area(
                    points((0, 0), (np.cos(a), np.sin(a)), (np.cos(b), np.sin(b))),
                    s.any_of(loud[1]),
                    grain=a,
                )
    elif layout == "disc":
        with s.motif(x, y, s.between(0.28, 0.4), weight=0.6):
            s.area(ellipse(0, 0, 1, 1), s.any_of(loud[1]))
    elif layout == "bands":
        with s.motif(weight=0.4):
            for top in np.arange(0.0, 1.0, 0.24):
                s.area(box(-0.03, top, s.width + 0.03, top + 0.12), s.any_of(loud[1]))
    subject = choose(
        s.rng,
        (
            "cat",
            "bird",
            "boat",
            "fruit",
            "flower",
            "dancer",
            "face",
            "beast",
            "guitar",
            "bottle",
            "lighthouse",
        ),
    )
    size, base = s.between(0.5, 0.62), y + 0.3
    if subject == "cat":
        beasts.cat(s, x, base, size)
    elif subject == "bird":
        beasts.bird(s, x, base, size, weight=1.0)
    elif subject == "boat":
        built.boat(s, x, base - 0.05, size, choose(s.rng, built.BOATS), weight=1.0)
    elif subject == "fruit":
        things.fruit(s, x, base, size * 0.8, choose(s.rng, things.FRUITS), weight=1.0)
    elif subject == "flower":
        nature.flower(s, x, base, size, choose(s.rng, nature.FLOWERS))
    elif subject == "dancer":
        beings.person(s, x, base, size * 1.1, "dance", weight=1.0)
    elif subject == "face":
        with s.motif(x, y, 0.44, weight=1.0):
            beings.face(
                s,
                s.any_of(*beings.SKINS),
                s.any_of(*beings.HAIRS),
                choose(s.rng, ("bob", "hat", "curls", "cap", "turban")),
            )
    elif subject == "beast":
        beasts.beast(s, x, base, min(0.45, 0.42 * s.width), choose(s.rng, beasts.BEASTS))
    elif subject == "guitar":
        things.guitar(s, x, base, size)
    elif subject == "bottle":
        things.vessel(s, x, base, size * 1.1, "bottle", weight=1.0)
    else:
        built.lighthouse(s, x, base, size)
    with s.motif(weight=0.4):
        for top in choose(s.rng, ((0.88,), (0.05, 0.89), (0.05,), (0.82, 0.91))):
            at, letter = s.between(0.06, 0.12), s.any_of(loud[2])
            while at < s.width - 0.12:
                w = s.between(0.035, 0.075)
                s.area(box(at, top, at + w, top + 0.06), letter, "detail")
                at += w + 0.02
    return f"Poster: {subject.title()}"
