"""The genres: from a name and a random stream to a scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drawsim.collection.demo import country, people, rooms, sheets, shore, town
from drawsim.collection.demo.scene import Scene, Sketch


@dataclass(frozen=True)
class Genre:
    """What fills the sketch, and the usual range of width over height."""

    fill: Callable[[Sketch], str]
    width: tuple[float, float]


GENRES = {
    "landscape": Genre(country.landscape, (1.1, 1.6)),
    "seascape": Genre(shore.seascape, (1.15, 1.6)),
    "cityscape": Genre(town.cityscape, (0.85, 1.5)),
    "night": Genre(town.night, (0.8, 1.4)),
    "garden": Genre(country.garden, (0.95, 1.4)),
    "figures": Genre(people.figures, (0.9, 1.5)),
    "portrait": Genre(people.portrait, (0.7, 0.9)),
    "still life": Genre(rooms.still_life, (0.95, 1.45)),
    "bouquet": Genre(rooms.bouquet, (0.7, 0.95)),
    "interior": Genre(rooms.interior, (0.95, 1.4)),
    "animal": Genre(sheets.animal, (0.95, 1.4)),
    "abstract": Genre(sheets.abstract, (0.75, 1.35)),
    "icon": Genre(people.icon, (0.68, 0.9)),
    "poster": Genre(sheets.poster, (0.66, 0.82)),
}


def compose(genre: str, rng: np.random.Generator) -> Scene:
    """A new scene of this genre."""
    kind = GENRES[genre]
    sketch = Sketch(rng, float(rng.uniform(*kind.width)))
    title = kind.fill(sketch)
    return Scene(genre, title, sketch.width, tuple(sketch.shapes))
