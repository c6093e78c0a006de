"""The invented painters: palette, brushwork and favourite genres of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drawsim.collection.demo.scene import Colour, Scene, mix, rgb


@dataclass(frozen=True)
class Artist:
    """A painter's hand.

    palette: the colours this painter leans to, hexadecimal codes; `lean` (0..1) is how far.
    stroke: length and thickness of a brush stroke in picture heights; length 0 makes dots.
    cover: brush layers over the flat paint; 0 leaves it flat, as gouache or a print.
    swirl: how strongly strokes follow a turning field instead of the form. jitter: colour
    difference from stroke to stroke, in levels. relief: how thick the paint stands. contour: width
    of dark outlines, in heights. shade: strength of light and shade on solid forms. weave: how
    far the canvas shows. varnish: how yellow and dark at the rim the picture has become.
    """

    name: str
    genres: tuple[str, ...]
    palette: str
    lean: float
    stroke: tuple[float, float]
    cover: float
    swirl: float = 0.3
    jitter: float = 10.0
    relief: float = 0.4
    contour: float = 0.0
    shade: float = 0.3
    weave: float = 0.3
    varnish: float = 0.0

    def tint(self, colour: Colour) -> Colour:
        """The colour as this painter mixes it: drawn towards the nearest of the palette."""
        shades = np.array([rgb(code) for code in self.palette.split()])
        # Brightness counts twice, so that light things stay light in any palette.
        off = shades - np.array(colour)
        away = (off**2).sum(axis=1) + (off.mean(axis=1) ** 2) * 6
        r, g, b = (float(v) for v in shades[int(away.argmin())])
        return mix(colour, (r, g, b), self.lean)


def tinted(scene: Scene, artist: Artist) -> Scene:
    """The scene in the colours that this artist gives it."""
    shapes = tuple(
        replace(
            shape,
            colour=artist.tint(shape.colour),
            fade=None if shape.fade is None else artist.tint(shape.fade),
        )
        for shape in scene.shapes
    )
    return replace(scene, shapes=shapes)


ARTISTS = (
    Artist(
        "Anselm Harrow",
        ("landscape", "garden", "bouquet"),
        "2f4f7a 5a86b0 c9b458 f0e2a0 4a7048 8a5a34",
        0.3,
        (0.055, 0.012),
        1.6,
        swirl=0.9,
        jitter=16,
        relief=0.9,
    ),
    Artist(
        "Beatriz Olmedo",
        ("portrait", "figures", "icon"),
        "3a2418 7a4628 b8763a e0b070 f2dcb0 4a1f1e 22261e",
        0.5,
        (0.02, 0.005),
        0.7,
        jitter=5,
        relief=0.15,
        shade=0.75,
        varnish=0.8,
    ),
    Artist(
        "Cosmin Vădan",
        ("night", "landscape", "seascape"),
        "10204a 24468a 5a8ac8 e8c850 f6ecb0 1f4a46 6a4a34",
        0.35,
        (0.07, 0.014),
        1.7,
        swirl=1.6,
        jitter=18,
        relief=1.0,
    ),
    Artist(
        "Dorothea Lind",
        ("interior", "still life", "portrait"),
        "b8c4c4 8a9aa0 d9d4c8 5a5f66 e8dcc4 a88f74 3a3d44",
        0.5,
        (0.03, 0.008),
        0.9,
        jitter=6,
        relief=0.2,
        shade=0.5,
        varnish=0.2,
    ),
    Artist(
        "Émile Carsac",
        ("seascape", "garden", "cityscape"),
        "8ab4d0 b8d0e0 e8d8c8 d9a8a8 7a9a7a f4ecd8 6a7aa8",
        0.4,
        (0.035, 0.01),
        1.7,
        jitter=18,
        relief=0.6,
        swirl=0.4,
    ),
    Artist(
        "Fumiko Aranami",
        ("seascape", "animal", "poster"),
        "1f3f6a 5a86a8 e8dcc0 c8604a 2a2a30 a8b8a0 f2ead6",
        0.5,
        (0.0, 0.0),
        0.0,
        contour=0.006,
        shade=0.0,
        weave=0.1,
    ),
    Artist(
        "Giulia Marchetto",
        ("icon", "portrait"),
        "d9a83a a8322a 2f4a8a f0dca8 5a3420 3f5f44 e8c870",
        0.4,
        (0.012, 0.004),
        0.5,
        jitter=5,
        relief=0.15,
        contour=0.004,
        shade=0.5,
        varnish=0.5,
    ),
    Artist(
        "Hendrik van Oost",
        ("still life", "bouquet", "seascape"),
        "1e1812 4a3220 8a6034 d0a860 f0e0c0 6a2a20 3a4630",
        0.55,
        (0.018, 0.005),
        0.6,
        jitter=4,
        relief=0.12,
        shade=0.95,
        varnish=1.0,
    ),
    Artist(
        "Ilse Brandhoff",
        ("cityscape", "figures", "portrait"),
        "c8282e 2a3a8a f0b030 1e7a5a e86a8a 1a1a22 f2e6c8",
        0.6,
        (0.05, 0.014),
        1.1,
        jitter=20,
        relief=0.7,
        contour=0.009,
        shade=0.1,
    ),
    Artist(
        "João Ferraz",
        ("abstract", "poster", "cityscape"),
        "e0602a f2c040 2a7a8a f4e8cc 26262e c83a5a",
        0.4,
        (0.0, 0.0),
        0.0,
        shade=0.05,
        weave=0.2,
    ),
    Artist(
        "Katarzyna Wolska",
        ("animal", "landscape", "figures"),
        "d03a2a f0c030 2f8a4a 2a5ab0 f6f0e0 e87a9a 2a2020",
        0.55,
        (0.022, 0.006),
        0.4,
        jitter=8,
        relief=0.2,
        contour=0.005,
        shade=0.15,
    ),
    Artist(
        "Lucien Prévault",
        ("garden", "seascape", "figures"),
        "5a9ad0 f0d060 e87a4a 6ab06a a06ab0 f6ecd0 3a5a9a",
        0.35,
        (0.0, 0.011),
        2.6,
        jitter=34,
        relief=0.3,
        shade=0.2,
    ),
    Artist(
        "Matteo Ricasoli",
        ("portrait", "night", "interior"),
        "14100e 3a2a20 7a5436 c89a64 f0d8a8 5a1f1a 2a2f3a",
        0.6,
        (0.025, 0.007),
        0.8,
        jitter=5,
        relief=0.25,
        shade=1.0,
        varnish=1.0,
    ),
    Artist(
        "Nadia Ben Salah",
        ("abstract", "still life", "bouquet"),
        "c8503a e8a850 3a6a7a f0dcc0 7a3a4a 8aa08a 2a3446",
        0.6,
        (0.06, 0.02),
        0.9,
        swirl=0.1,
        jitter=12,
        relief=0.5,
        shade=0.1,
    ),
    Artist(
        "Oskar Nyström",
        ("night", "interior", "figures"),
        "1a2a4a 3a5a7a 7a9ab0 c0d0d4 2a3436 5a6a80 d8c8a0",
        0.65,
        (0.04, 0.012),
        1.2,
        swirl=0.7,
        jitter=10,
        relief=0.4,
        shade=0.3,
    ),
    Artist(
        "Paloma Quintero",
        ("figures", "bouquet", "animal"),
        "e83a5a f28a2a f4d03a 2aa08a 5a3a9a faf0dc 2a1f2a",
        0.55,
        (0.04, 0.012),
        0.9,
        jitter=14,
        relief=0.5,
        contour=0.007,
        shade=0.1,
    ),
    Artist(
        "Quentin Ashby",
        ("cityscape", "seascape", "landscape"),
        "5a5f66 8a8f92 b8b4a8 d8d0bc 3a3f46 7a6a56 a89a80",
        0.6,
        (0.045, 0.012),
        1.3,
        jitter=9,
        relief=0.4,
        swirl=0.5,
        varnish=0.4,
    ),
    Artist(
        "Rosa Tamberi",
        ("still life", "interior", "garden"),
        "e07a4a f0b878 6a8a6a f4e4cc a84a3a 4a6a86 d8a8a0",
        0.5,
        (0.06, 0.018),
        1.2,
        jitter=13,
        relief=0.6,
        swirl=0.2,
        shade=0.2,
    ),
    Artist(
        "Søren Ålund",
        ("abstract", "animal", "landscape"),
        "e8e2d4 2a3a5a c8442e d9b450 6a8a90 1e1e22",
        0.5,
        (0.0, 0.0),
        0.0,
        contour=0.0,
        shade=0.0,
        weave=0.5,
    ),
    Artist(
        "Tatiana Rudneva",
        ("icon", "cityscape", "night"),
        "c03028 e8b83a 2a4a9a 3a8a5a f4e8d0 6a2a5a 1e1a26",
        0.6,
        (0.03, 0.008),
        0.8,
        jitter=12,
        relief=0.4,
        contour=0.006,
        shade=0.15,
    ),
    Artist(
        "Umberto Salis",
        ("landscape", "still life", "animal"),
        "a8744a c89a60 6a7a4a 8aa0a0 e0c898 5a3f30 d0604a",
        0.5,
        (0.05, 0.02),
        1.5,
        swirl=0.15,
        jitter=16,
        relief=0.5,
        shade=0.25,
    ),
    Artist(
        "Willa Marsh",
        ("poster", "bouquet", "garden"),
        "3a6a5a e8d0a0 d8684a 7aa0a8 f4ecda 8a4a5a 2f3a44",
        0.55,
        (0.0, 0.0),
        0.0,
        contour=0.004,
        shade=0.0,
        weave=0.15,
    ),
)
