"""Motifs of people: faces and full figures.

A motif stands on the origin of its frame, one unit tall, upwards being negative y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawsim.collection.demo.geometry import blob, box, ellipse, points, smooth
from drawsim.collection.demo.scene import Colour, Sketch, mix

SKINS = ("f0cba8", "e3b08a", "d9a077", "b87a55", "8a5a3c", "e8c9b8")


HAIRS = ("2a1f1c", "5b3a22", "8c5a2a", "d9b05a", "a8482a", "b9b4ae", "14161c")


CLOTHES = (
    "a8322a",
    "2f4a7a",
    "3f6f4a",
    "d9a83c",
    "5b3f6a",
    "222630",
    "d98c9a",
    "e8e0cf",
    "3f8a8a",
    "c9622e",
)


def face(s: Sketch, skin: Colour, hair: Colour, style: str) -> None:
    """A head of unit height about the origin, looking a little to one side.

    `style` is the head of hair or what covers it: long, bun, bob, bald, curls, hat, turban, veil,
    crown or cap.
    """
    look = s.between(-0.1, 0.1)
    half = s.between(0.33, 0.4)
    dark = mix(skin, (70, 20, 20), 0.45)
    cloth = s.any_of(*CLOTHES)
    if style == "long":
        s.area(
            smooth(points((-0.45, 0.75), (-0.47, -0.2), (0, -0.72), (0.47, -0.2), (0.45, 0.75))),
            hair,
            grain=1.4,
        )
    elif style in ("bob", "curls"):
        rough = 0.14 if style == "curls" else 0.03
        s.area(blob(s.rng, 0, -0.12, 0.5, 0.52, rough), hair, grain=1.4)
    elif style == "bun":
        s.area(ellipse(0, -0.62, 0.18, 0.16), hair)
    elif style == "veil":
        s.area(
            smooth(points((-0.62, 1.0), (-0.52, -0.3), (0, -0.78), (0.52, -0.3), (0.62, 1.0))),
            cloth,
            grain=1.4,
        )
    s.area(ellipse(0, 0, half, 0.5), skin, solid=True)
    if style in ("long", "bun", "bob", "curls", "cap"):
        fringe = points(
            (-half - 0.03, -0.02),
            (-half, -0.42),
            (0, -0.62),
            (half, -0.42),
            (half + 0.03, -0.02),
            (0.18 + look, -0.3),
            (-0.1 + look, -0.32),
        )
        s.area(smooth(fringe), hair)
    if style == "hat":
        s.area(
            smooth(points((-0.3, -0.36), (-0.28, -0.78), (0.28, -0.78), (0.3, -0.36)), rounds=1),
            cloth,
        )
        s.area(ellipse(0, -0.36, 0.66, 0.1), mix(cloth, (0, 0, 0), 0.2))
    elif style == "cap":
        s.area(ellipse(0, -0.36, half + 0.04, 0.24, start=np.pi, end=2 * np.pi), cloth)
    elif style == "turban":
        s.area(
            smooth(
                points(
                    (-0.46, -0.2),
                    (-0.4, -0.62),
                    (0.1, -0.74),
                    (0.48, -0.5),
                    (0.44, -0.18),
                    (0, -0.34),
                )
            ),
            cloth,
            grain=0.3,
            solid=True,
        )
        s.area(ellipse(0.02, -0.42, 0.06, 0.06, count=10), s.shade("f2d16b"), "detail")
    elif style == "crown":
        gold = s.shade("e0b13a")
        s.area(
            points(
                (-0.34, -0.34),
                (-0.4, -0.72),
                (-0.18, -0.5),
                (0, -0.78),
                (0.18, -0.5),
                (0.4, -0.72),
                (0.34, -0.34),
            ),
            gold,
        )
    eye = s.any_of("2a2420", "3a5a7a", "4a5a34")
    for side in (-1, 1):
        x = side * 0.16 + look
        s.area(
            smooth(points((x - 0.08, -0.03), (x, -0.08), (x + 0.08, -0.03), (x, 0.01))),
            (244.0, 240.0, 232.0),
            "feature",
        )
        s.area(ellipse(x + look * 0.2, -0.035, 0.036, 0.042, count=10), eye, "feature")
        brow = points((x - 0.09, -0.13), (x, -0.17), (x + 0.09, -0.14))
        s.line(smooth(brow, closed=False), mix(hair, (40, 20, 10), 0.4), 0.03)
    nose = points((look * 1.3 - 0.01, -0.06), (look * 1.7 + 0.05, 0.12), (look * 1.3 - 0.02, 0.14))
    s.line(smooth(nose, closed=False, rounds=1), dark, 0.025, "feature")
    lips = points(
        (look - 0.11, 0.27),
        (look - 0.03, 0.24),
        (look + 0.03, 0.24),
        (look + 0.11, 0.27),
        (look, 0.32),
    )
    s.area(smooth(lips, rounds=1), s.any_of("b8423f", "a85a52", "8c3a3a"), "feature")
    for side in (-1, 1):
        s.area(
            ellipse(side * 0.22 + look, 0.15, 0.08, 0.06, count=10),
            mix(skin, (220, 90, 80), 0.35),
            "detail",
        )


def beard(s: Sketch, hair: Colour) -> None:
    """A beard for the unit head of `face`."""
    low = s.between(0.6, 0.95)
    s.area(
        smooth(
            points(
                (-0.36, 0.12),
                (-0.2, 0.2),
                (0, 0.17),
                (0.2, 0.2),
                (0.36, 0.12),
                (0.2, low),
                (-0.2, low),
            )
        ),
        hair,
        grain=1.5,
    )
    s.area(ellipse(0, 0.29, 0.09, 0.025, count=10), s.shade("8c3a3a"), "feature")


@dataclass(frozen=True)
class Pose:
    """Where hands and feet of a standing figure are, in its own unit, for left and right."""

    hands: tuple[tuple[float, float], tuple[float, float]]
    feet: tuple[tuple[float, float], tuple[float, float]]


POSES = {
    "stand": Pose(((-0.16, -0.4), (0.16, -0.4)), ((-0.07, 0), (0.07, 0))),
    "walk": Pose(((-0.2, -0.45), (0.18, -0.42)), ((-0.16, 0), (0.15, -0.02))),
    "dance": Pose(((-0.3, -0.98), (0.32, -0.9)), ((-0.1, 0), (0.26, -0.14))),
    "reach": Pose(((-0.34, -0.72), (0.34, -0.74)), ((-0.1, 0), (0.1, 0))),
    "wave": Pose(((-0.15, -0.42), (0.28, -1.0)), ((-0.08, 0), (0.09, 0))),
    "bend": Pose(((-0.3, -0.3), (-0.2, -0.28)), ((-0.08, 0), (0.1, 0))),
}


def person(s: Sketch, x: float, y: float, size: float, pose: str, *, weight: float = 0.8) -> None:
    """A small full figure in one of the POSES, in a dress, a coat or shirt and trousers."""
    p = POSES[pose]
    skin, hair = s.any_of(*SKINS), s.any_of(*HAIRS)
    top, low = s.any_of(*CLOTHES), s.any_of(*CLOTHES)
    dress = s.chance(0.5)
    with s.motif(x, y, size, weight=weight, mirror=s.chance(0.5)):
        for side, foot in zip((-1, 1), p.feet, strict=True):
            leg = points((side * 0.05, -0.42), (side * 0.06 + foot[0] * 0.5, -0.2), foot)
            s.line(leg, mix(skin, low, 0.0 if dress else 1.0), 0.07, "body")
            s.area(
                ellipse(foot[0] + 0.02, foot[1], 0.05, 0.025, count=10),
                s.shade("2a2420"),
                "feature",
            )
        lean = -0.12 if pose == "bend" else 0.0
        neck = points((-0.09 + lean, -0.77), (0.09 + lean, -0.77))
        hem = -0.16 if dress else -0.38
        half = 0.2 if dress else 0.11
        s.area(np.vstack([neck, points((half, hem), (-half, hem))]), top, grain=1.4, solid=True)
        if dress and s.chance(0.5):
            s.line(
                points((-half * 0.55 + lean * 0.5, -0.5), (half * 0.55 + lean * 0.5, -0.5)),
                low,
                0.04,
            )
        for side, hand in zip((-1, 1), p.hands, strict=True):
            shoulder = (side * 0.09 + lean, -0.74)
            elbow = ((shoulder[0] + hand[0]) / 2 + side * 0.05, (shoulder[1] + hand[1]) / 2 + 0.04)
            s.line(points(shoulder, elbow, hand), mix(top, skin, 0.15), 0.055, "body")
            s.area(ellipse(*hand, 0.032, 0.032, count=10), skin, "feature")
        head = lean * 1.3
        if s.chance(0.4):
            s.area(ellipse(head, -0.87, 0.105, 0.13), hair)
        s.area(ellipse(head, -0.88, 0.08, 0.1), skin, solid=True)
        s.area(ellipse(head, -0.91, 0.088, 0.085, start=np.pi, end=2 * np.pi, count=12), hair)
        if s.chance(0.3):
            s.area(ellipse(head, -0.94, 0.16, 0.028), low)
            s.area(box(head - 0.07, -1.04, head + 0.07, -0.94), low)
        for side in (-1, 1):
            s.area(
                ellipse(head + side * 0.03, -0.875, 0.012, 0.014, count=6),
                s.shade("2a2420"),
                "feature",
            )
