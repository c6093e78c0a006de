"""Planted motifs: scenes that unconnected children share, and that no artwork of the gallery shows.

Who draws each is known, so that groups of drawings and tests of who draws what have a right answer.
Nothing of it stands in the collection's own tables; `truth` reads it from the files beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from drawsim.collection.demo.artists import ARTISTS, tinted
from drawsim.collection.demo.genres import compose
from drawsim.collection.demo.scene import Scene

# The share of a motif's drawings that come from where it is at home.
_AT_HOME = 0.7


@dataclass(frozen=True)
class Motif:
    """One planted motif, named by its genre.

    drawings: how many show it. countries, ages: where and at what age it is at home, which seven
    in ten of its drawings keep to; empty where it is drawn by everybody alike.
    """

    genre: str
    drawings: int
    countries: tuple[str, ...] = ()
    ages: tuple[str, ...] = ()

    def scene(self, rng: np.random.Generator) -> Scene:
        """What all its drawings go back to: a lost work by a painter of this genre."""
        painter = next(artist for artist in ARTISTS if self.genre in artist.genres)
        return tinted(compose(self.genre, rng), painter)

    @property
    def leans(self) -> Iterator[tuple[str, str]]:
        """The columns and values that are over-represented among its drawings."""
        yield from (("country", country) for country in self.countries)
        yield from (("age_group", age) for age in self.ages)


# A demo with fewer motifs has the first of these.
MOTIFS = (
    Motif("portrait", 5),
    Motif("bouquet", 8, countries=("PER",)),
    Motif("night", 12),
    Motif("icon", 18, countries=("BGR", "ROU"), ages=("14-17",)),
    Motif("animal", 24, ages=("3-5",)),
    Motif("seascape", 30, countries=("GRC", "TUR")),
)


def spread(
    count: int, home: tuple[str, ...], every: Mapping[str, float], rng: np.random.Generator
) -> list[str]:
    """A value for each of `count` drawings: seven in ten from `home` in turn, the others by chance.

    `every` has each possible value's share among all drawings.
    """
    settled = [home[k % len(home)] for k in range(round(_AT_HOME * count))] if home else []
    others = {value: share for value, share in every.items() if value not in home}
    shares = np.array(list(others.values()))
    drawn = rng.choice(list(others), size=count - len(settled), p=shares / shares.sum())
    return [str(value) for value in rng.permutation([*settled, *drawn.tolist()])]
