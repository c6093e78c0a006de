"""What a demo collection holds, decided before anything is painted.

Every item has its own random stream, seeded by (seed, kind, number), so that it comes out the same
whoever paints it and in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawsim.collection.demo.artists import ARTISTS, Artist, tinted
from drawsim.collection.demo.genres import GENRES, compose
from drawsim.collection.demo.motifs import MOTIFS, Motif, spread
from drawsim.collection.demo.retell import AGES, Age
from drawsim.collection.demo.scene import Scene, second_version
from drawsim.common.errors import UserError

_COUNTRY_CODES = (
    "ARG ARM AUS AUT BEL BGD BGR BRA CAN CHE CHL CHN CIV COL CZE DEU EGY ESP EST FIN "
    "FRA GBR GEO GRC HRV HUN IDN IND IRN ISL ITA JPN KEN KOR LBN LKA LTU LVA MAR MEX "
    "MNG MYS NGA NOR NPL PER PHL POL PRT ROU RUS SEN SRB SVN SWE THA TUN TUR UKR VNM"
)
COUNTRIES = _COUNTRY_CODES.split()
_AGE_SHARES = (0.12, 0.20, 0.22, 0.27, 0.19)
# The kinds of random stream.
_PLAN, _SCENE, _VERSION, _PAINT, _DRAW, _OWN_SCENE, _MOTIF, _PLANT = range(8)


@dataclass(frozen=True)
class Size:
    """How much a demo collection holds, and its seed."""

    artworks: int = 600
    paired_artworks: int = 100
    pairs: int = 130
    unpaired_drawings: int = 30
    motifs: int = 0
    seed: int = 0

    def check(self) -> None:
        """Raise UserError where the counts contradict each other."""
        if min(vars(self).values()) < 0:
            raise UserError("the demo's counts and seed must not be negative")
        if self.motifs > len(MOTIFS):
            raise UserError(f"the demo has {len(MOTIFS)} motifs to plant, not {self.motifs}")
        if self.paired_artworks > self.artworks:
            raise UserError(
                f"the demo cannot pair {self.paired_artworks} of {self.artworks} artworks: "
                "lower paired_artworks or raise artworks"
            )
        if not self.paired_artworks <= self.pairs <= 3 * self.paired_artworks:
            raise UserError(
                f"{self.pairs} pairs do not fit {self.paired_artworks} paired artworks: "
                "each has one to three, so choose pairs between "
                f"{self.paired_artworks} and {3 * self.paired_artworks}"
            )


@dataclass(frozen=True)
class Artwork:
    """One artwork to paint. Two works with the same `theme` are versions of one subject."""

    id: str
    path: str
    artist: Artist
    genre: str
    number: int
    theme: int

    def scene(self, seed: int) -> Scene:
        """What the work shows."""
        scene = compose(self.genre, np.random.default_rng([seed, _SCENE, self.theme]))
        if self.theme == self.number:
            return scene
        return second_version(scene, np.random.default_rng([seed, _VERSION, self.number]))

    def stream(self, seed: int) -> np.random.Generator:
        """The randomness of this work's brush."""
        return np.random.default_rng([seed, _PAINT, self.number])


@dataclass(frozen=True)
class Drawing:
    """One drawing to make: after an artwork, after a planted motif or after the child's own idea.

    model and motif are None where it is after another.
    """

    id: str
    path: str
    year: int
    age: Age
    country: str
    number: int
    model: Artwork | None = None
    motif: Motif | None = None

    def scene(self, seed: int) -> Scene:
        """What the child looks at."""
        if self.model is not None:
            return tinted(self.model.scene(seed), self.model.artist)
        if self.motif is not None:
            # Each child knows the work by another reproduction.
            scene = self.motif.scene(
                np.random.default_rng([seed, _MOTIF, *self.motif.genre.encode()])
            )
            return second_version(
                scene, np.random.default_rng([seed, _VERSION, _MOTIF, self.number])
            )
        rng = np.random.default_rng([seed, _OWN_SCENE, self.number])
        return compose(str(rng.choice(list(GENRES))), rng)

    def stream(self, seed: int) -> np.random.Generator:
        """The randomness of this child's hand."""
        return np.random.default_rng([seed, _DRAW, self.number])


@dataclass(frozen=True)
class Plan:
    """All artworks, drawings and pairs; a pair is (drawing id, artwork id, confirmed)."""

    artworks: tuple[Artwork, ...]
    drawings: tuple[Drawing, ...]
    pairs: tuple[tuple[str, str, bool], ...]

    @property
    def items(self) -> tuple[Artwork | Drawing, ...]:
        """Everything to be made, in the order of its numbers: artworks, then drawings."""
        return (*self.artworks, *self.drawings)


def make_plan(size: Size) -> Plan:
    """The plan for these counts and this seed."""
    size.check()
    rng = np.random.default_rng([size.seed, _PLAN])
    paired = rng.permutation(size.artworks)[: size.paired_artworks].tolist()
    # A drawing after a subject painted twice belongs to both works.
    twins = min(3, size.paired_artworks // 8, size.pairs - size.paired_artworks)
    versions = {paired[2 * k + 1]: paired[2 * k] for k in range(twins)}
    artworks = _artworks(size.artworks, versions, rng)
    models = [paired[2 * k] for k in range(twins)] + paired[2 * twins :]
    drawn_twice = paired[: 2 * twins] + paired[2 * twins :]
    extra = size.pairs - size.paired_artworks
    models += rng.permutation(np.repeat(drawn_twice, 2))[:extra].tolist()
    motifs = MOTIFS[: size.motifs]
    own = len(models) + size.unpaired_drawings
    total = own + sum(motif.drawings for motif in motifs)
    numbers = (rng.permutation(max(9999, total))[:total] + 1).tolist()
    drawings = _drawings(artworks, models, numbers[:own], rng)
    pairs = [(d.id, artworks[m].id, True) for d, m in zip(drawings, models, strict=False)]
    pairs += [(drawings[k].id, artworks[paired[2 * k + 1]].id, True) for k in range(twins)]
    pairs += _ambiguous(artworks, drawings, pairs, min(10, size.pairs // 10), rng)
    stream = np.random.default_rng([size.seed, _PLANT])
    shared = _planted(motifs, own, numbers[own:], stream)
    return Plan(artworks, (*drawings, *shared), tuple(sorted(pairs)))


def _artworks(
    count: int, versions: dict[int, int], rng: np.random.Generator
) -> tuple[Artwork, ...]:
    """Artists and genres of all works; `versions` maps a second version to the first."""
    makers = [ARTISTS[int(k)] for k in rng.integers(len(ARTISTS), size=count)]
    # A painter's first genre is the favourite.
    themes = [a.genres[int(rng.integers(0, len(a.genres) + 1)) % len(a.genres)] for a in makers]
    for second, first in versions.items():
        makers[second], themes[second] = makers[first], themes[first]
    works, seen = [], dict.fromkeys((a.name for a in ARTISTS), 0)
    for number, (artist, genre) in enumerate(zip(makers, themes, strict=True)):
        seen[artist.name] += 1
        folder = artist.name.replace(" ", "_")
        key = f"{folder}_{seen[artist.name]}"
        theme = versions.get(number, number)
        works.append(Artwork(key, f"artworks/{folder}/{key}.jpg", artist, genre, number, theme))
    return tuple(works)


def _drawings(
    artworks: tuple[Artwork, ...], models: list[int], numbers: list[int], rng: np.random.Generator
) -> tuple[Drawing, ...]:
    """Drawings after the models, then after no artwork, one for each of the `numbers`."""
    drawings = []
    for k, number in enumerate(numbers):
        year = int(rng.integers(1994, 2021))
        age = AGES[int(rng.choice(len(AGES), p=_AGE_SHARES))]
        country = COUNTRIES[int(rng.integers(len(COUNTRIES)))]
        model = artworks[models[k]] if k < len(models) else None
        drawings.append(_drawing(k, number, year, age, country, model=model))
    return tuple(drawings)


def _planted(
    motifs: tuple[Motif, ...], first: int, numbers: list[int], rng: np.random.Generator
) -> tuple[Drawing, ...]:
    """The drawings of all motifs; `first` is how many drawings come before them."""
    ages = {age.group: age for age in AGES}
    shares = dict(zip(ages, _AGE_SHARES, strict=True))
    drawings: list[Drawing] = []
    for motif in motifs:
        years = rng.integers(1994, 2021, size=motif.drawings).tolist()
        groups = spread(motif.drawings, motif.ages, shares, rng)
        countries = spread(motif.drawings, motif.countries, dict.fromkeys(COUNTRIES, 1.0), rng)
        for year, group, country in zip(years, groups, countries, strict=True):
            k = len(drawings)
            made = _drawing(first + k, numbers[k], year, ages[group], country, motif=motif)
            drawings.append(made)
    return tuple(drawings)


def _drawing(
    k: int,
    number: int,
    year: int,
    age: Age,
    country: str,
    *,
    model: Artwork | None = None,
    motif: Motif | None = None,
) -> Drawing:
    """The `k`-th drawing, named as in IMAJ."""
    key = f"{year}_{age.group}_{number:04d}_{country}_R_C"
    return Drawing(key, f"drawings/{key}.jpg", year, age, country, k, model, motif)


def _ambiguous(
    artworks: tuple[Artwork, ...],
    drawings: tuple[Drawing, ...],
    pairs: list[tuple[str, str, bool]],
    count: int,
    rng: np.random.Generator,
) -> list[tuple[str, str, bool]]:
    """Rows that annotators could not agree on: another work of the same genre and artist."""
    known = {(drawing, artwork) for drawing, artwork, _ in pairs}
    rows: list[tuple[str, str, bool]] = []
    for k in rng.permutation(len(drawings)).tolist():
        model = drawings[k].model
        if model is None:
            continue
        rivals = [
            work.id
            for work in artworks
            if work.genre == model.genre
            and work.artist == model.artist
            and work.theme != model.theme
            and (drawings[k].id, work.id) not in known
        ]
        if rivals and len(rows) < count:
            rows.append((drawings[k].id, rivals[int(rng.integers(len(rivals)))], False))
    return rows
