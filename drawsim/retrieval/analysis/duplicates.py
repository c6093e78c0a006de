"""Near-identical images within and across the two collections, by hash and by embedding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS
from drawsim.pixels.duplicates import check_distance, near_duplicates
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.ranking import BLOCK

Image = tuple[str, str]
"""drawing or artwork, and its id."""
ACROSS = [
    *("split", "first_kind", "first", "first_set", "second_kind", "second", "second_set"),
    *("distance", "cosine"),
]
"""Columns of near-duplicates in different sets of a split."""


def find_duplicates(
    images: Mapping[Image, Path],
    *,
    distance: int,
    workers: int,
    embeddings: Mapping[str, Embeddings] | None = None,
    similarity: float = 0.95,
    parents: Mapping[str, str] | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> pd.DataFrame:
    """Pairs of images that look the same, or whose embeddings are nearly the same.

    Columns: first_kind, first, second_kind, second, distance (bits in which the hashes differ,
    Int64; missing where that is more than `distance`), cosine (float64; missing where one of the
    two has no embedding). `first` comes before `second` in `images`; nearest pairs come first.

    embeddings: by kind; a pair is found by them from a cosine of `similarity` on. parents: the
    original of each style copy; copies of one drawing, and the drawing, are not compared. Raises
    UserError for a distance or a similarity out of its range.
    """
    check_nearness(distance, similarity)
    names = list(images)
    # Drawings and artworks may share their ids: images are compared under numbers.
    numbered = {str(number): path for number, path in enumerate(images.values())}
    found = near_duplicates(numbered, distance=distance, workers=workers, max_pixels=max_pixels)
    rows = zip(found["first"].astype(int), found["second"].astype(int), strict=True)
    bits = dict(zip(rows, found["distance"], strict=True))
    places, vectors = _embedded(names, embeddings or {})
    cosines = dict(_cosines(places, vectors, similarity))
    row_of = {place: row for row, place in enumerate(places)}
    for first, second in bits.keys() - cosines.keys():
        if first in row_of and second in row_of:
            cosine = vectors[row_of[first]] @ vectors[row_of[second]]
            cosines[first, second] = float(cosine)
    families = [_family(name, parents or {}) for name in names]
    return _table(names, families, bits, cosines)


def check_nearness(distance: int, similarity: float) -> None:
    """Raise UserError unless these are a number of bits and a cosine to find duplicates by."""
    check_distance(distance)
    if not 0 < similarity <= 1:
        raise UserError(f"similarity={similarity}: must be a cosine above 0, at most 1")


def across_sets(name: str, split: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Of pairs as `find_duplicates` gives them, those that a split has in different sets.

    name: of the split, which has drawing_id, artwork_id and set. Columns as in ACROSS.
    """
    sets = {
        (kind, image): own
        for kind, column in (("drawing", "drawing_id"), ("artwork", "artwork_id"))
        for image, own in zip(split[column], split["set"], strict=True)
    }
    first, second = (
        pd.Series(
            [sets.get(image) for image in zip(pairs[f"{which}_kind"], pairs[which], strict=True)],
            index=pairs.index,
            dtype=object,
        )
        for which in ("first", "second")
    )
    apart = first.notna() & second.notna() & (first != second)
    table = pairs.assign(split=name, first_set=first, second_set=second)
    return table.loc[apart, ACROSS]


def _embedded(names: list[Image], embeddings: Mapping[str, Embeddings]) -> tuple[list[int], Tensor]:
    """The numbers of the images that have an embedding, ascending, and their unit rows."""
    places, vectors = [], []
    for number, (kind, name) in enumerate(names):
        if kind in embeddings and name in embeddings[kind].rows:
            places.append(number)
            vectors.append(embeddings[kind].vectors[embeddings[kind].rows[name]].float())
    if not places:
        return [], torch.empty(0, 0)
    return places, normalize(torch.stack(vectors))


def _cosines(
    places: list[int], vectors: Tensor, similarity: float
) -> Iterator[tuple[tuple[int, int], float]]:
    """Pairs of images, the earlier first, whose cosine is large enough; block by block."""
    rows = max(1, BLOCK // max(1, len(vectors)))
    for start in range(0, len(vectors), rows):
        cosine = (vectors[start : start + rows] @ vectors[start:].T).triu(1)
        first, second = (cosine >= similarity).nonzero(as_tuple=True)
        values = cosine[first, second].tolist()
        for one, other, value in zip(first.tolist(), second.tolist(), values, strict=True):
            yield (places[start + one], places[start + other]), value


def _family(image: Image, parents: Mapping[str, str]) -> Image:
    kind, name = image
    return (kind, parents.get(name, name)) if kind == "drawing" else image


def _table(
    names: list[Image],
    families: list[Image],
    bits: Mapping[tuple[int, int], int],
    cosines: Mapping[tuple[int, int], float],
) -> pd.DataFrame:
    rows = [
        (*names[first], *names[second], bits.get((first, second)), cosines.get((first, second)))
        for first, second in sorted(
            bits.keys() | cosines.keys(),
            key=lambda pair: (bits.get(pair, np.inf), -cosines.get(pair, 0.0), pair),
        )
        if families[first] != families[second]
    ]
    columns = ["first_kind", "first", "second_kind", "second", "distance", "cosine"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"distance": "Int64", "cosine": "float64"})
