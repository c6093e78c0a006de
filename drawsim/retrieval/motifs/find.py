"""Motifs of a collection, from embeddings to groups with a stability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.typed import check_bounds, check_whole
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.motifs.echoes import correlation, eased, first_artworks, shared_surprise
from drawsim.retrieval.motifs.files import Motif
from drawsim.retrieval.motifs.graph import (
    Background,
    Edges,
    Floats,
    Ints,
    background,
    edges_of,
    least_surprise,
    nearest,
    spread_out,
    varying,
)
from drawsim.retrieval.motifs.groups import NONE, groups
from drawsim.retrieval.motifs.joining import joined
from drawsim.retrieval.motifs.stability import stable_groups

FEWEST = 50
"""Drawings among which motifs are looked for: of fewer, what they have in common is not known."""
SPARE = 2
"""Times as many neighbours are looked up as are compared: of resampled drawings some are absent."""
NEARLY = 0.6
"""Of the z of an edge: pairs from there on may come above it where dimensions are drawn anew."""
SAME = 0.9
"""Cosine from which on two files may be one drawing, scanned twice."""

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""A bar for something, of so many steps."""


@dataclass(frozen=True)
class Finding:
    """How motifs are looked for; see `explore.motifs` in `conf/commands/explore.yaml`."""

    neighbours: int
    chance: float
    smallest: int
    resamples: int
    stability: float
    seed: int

    def __post_init__(self) -> None:
        check_whole("explore.motifs.neighbours", self.neighbours, 3)
        check_bounds("explore.motifs.chance", self.chance, 1e-9)
        check_whole("explore.motifs.smallest", self.smallest, 3)
        check_whole("explore.motifs.resamples", self.resamples, 1)
        check_bounds("explore.motifs.stability", self.stability, 0, 1)
        check_whole("explore.motifs.seed", self.seed, 0, 2**32 - 1)


@dataclass(frozen=True)
class Found:
    """motifs: the stable groups, the largest first; unstable: how many others there were.

    copies: ids of drawings that are second scans of others; they are in no group.
    """

    motifs: tuple[Motif, ...]
    unstable: int
    copies: tuple[str, ...]


Pairs = Sequence[tuple[str, str]]
SamePictures = Callable[[Pairs], Pairs]
"""Of pairs of ids those that are one drawing in two files."""


def find_motifs(
    embeddings: Embeddings,
    settings: Finding,
    bar: Bar,
    *,
    adapted: bool,
    artworks: Tensor | None = None,
    same: SamePictures = lambda pairs: [],
    confirm: Callable[[Edges], Floats] | None = None,
) -> Found:
    """The motifs among drawings.

    adapted: the embeddings are brought together by their model's adaptation already. artworks:
    (M, d) rows of a gallery by the same model; drawings whose first artworks are the same need be
    less alike then (see `echoes`), and half of `chance` is left to those that are alike without.
    same: which pairs that are very near are one drawing, scanned twice. confirm: of edges the
    spatial score, (E,), 0 for those whose pictures do not match in one layout; those are no edges
    then, and each motif says what share of its own matched. Raises UserError for fewer than 50
    drawings.
    """
    count = len(embeddings.ids)
    if count < FEWEST:
        raise UserError(
            f"view=motifs: {count} drawings; motifs are looked for among {FEWEST} or more"
        )
    plain = embeddings.vectors.float()
    vectors = varying(plain) if adapted else spread_out(plain)
    against = background(vectors, settings.seed)
    with bar("comparing drawings", count) as advance:
        lists = nearest(vectors, min(SPARE * settings.neighbours, count - 1), advance)
    edges = edges_of(*lists, against)
    listed, works = None, 0 if artworks is None else len(artworks)
    if artworks is not None and works:
        with bar("looking in the gallery", count) as advance:
            listed = first_artworks(plain, artworks, settings.seed, advance)
    least = _least(edges, vectors, against, listed, works, settings)
    edges, least = _both(edges, least, edges.z >= NEARLY * least)
    copies = _copies(edges.where(edges.z >= least), embeddings, same)
    edges, least = _both(edges, least, ~(copies[edges.first] | copies[edges.second]))
    near = edges.where(edges.z >= least)
    if confirm is not None:
        edges, least = _both(edges, least, confirm(edges) > 0)
    linked = groups(edges.where(edges.z >= least), settings.smallest, settings.neighbours)
    with bar("resampling", settings.resamples) as advance:
        label, stable = stable_groups(
            linked,
            edges,
            vectors,
            against,
            least=least,
            smallest=settings.smallest,
            crowded=settings.neighbours,
            resamples=settings.resamples,
            seed=settings.seed,
            advance=advance,
        )
    shown = np.flatnonzero(stable >= settings.stability)
    final = _numbered(label, shown)
    unstable = len(np.setdiff1d(linked[linked != NONE], linked[final != NONE]))
    if listed is not None:
        final = joined(
            final,
            edges,
            vectors,
            against,
            listed,
            works=works,
            chance=settings.chance,
            seed=settings.seed,
        )
    # Who joins may make a group the larger one.
    order = np.argsort(-np.bincount(final[final >= 0], minlength=len(shown)), kind="stable")
    shown = shown[order]
    motifs = [
        _motif(
            str(place),
            np.flatnonzero(final == number),
            float(stable[group]),
            embeddings,
            vectors,
        )
        for place, (number, group) in enumerate(zip(order, shown, strict=True), start=1)
    ]
    if confirm is not None:
        matched = _inside(edges.where(edges.z >= least), label, len(stable))
        shares = matched / np.maximum(_inside(near, label, len(stable)), 1)
        motifs = [
            replace(motif, confirmed=float(shares[group]))
            for motif, group in zip(motifs, shown, strict=True)
        ]
    left_out = tuple(np.array(embeddings.ids, dtype=object)[copies].tolist())
    return Found(tuple(motifs), unstable, left_out)


def _numbered(label: Ints, shown: Ints) -> Ints:
    """The groups that are shown as 0, 1, …; all others are none."""
    new = np.full(int(label.max(initial=NONE)) + 2, NONE)  # the last is that of NONE, -1
    new[shown] = np.arange(len(shown))
    return new[label]


def _motif(name: str, rows: Ints, stable: float, embeddings: Embeddings, vectors: Tensor) -> Motif:
    """A group with its members in the order of their mean cosine to the others."""
    own = vectors[rows]
    order = (own @ own.sum(dim=0)).argsort(descending=True, stable=True).numpy()
    members = tuple(embeddings.ids[row] for row in rows[order])
    return Motif(name, members, members[0], stable)


def _least(
    edges: Edges,
    vectors: Tensor,
    against: Background,
    listed: Ints | None,
    works: int,
    settings: Finding,
) -> Floats:
    """The z that each edge needs, (E,). listed: first artworks, of so many works, if any."""
    if listed is None:
        least = least_surprise(edges.drawings, settings.chance)
        return np.full(len(edges.z), least, np.float32)
    half = least_surprise(edges.drawings, settings.chance / 2)
    rho = correlation(listed, vectors, against, works, settings.seed)
    shared = shared_surprise(listed, edges.first, edges.second, works)
    return np.minimum(eased(shared, half, rho), half)


def _both(edges: Edges, least: Floats, keep: NDArray[np.bool_]) -> tuple[Edges, Floats]:
    """The edges that are kept, and the z that they need."""
    return edges.where(keep), least[keep]


def _inside(edges: Edges, label: Ints, count: int) -> Ints:
    """How many edges have both ends in each of `count` groups."""
    own = label[edges.first]
    return np.bincount(own[(own >= 0) & (own == label[edges.second])], minlength=count)


def _copies(edges: Edges, embeddings: Embeddings, same: SamePictures) -> np.ndarray:
    """Which drawings are second scans of an earlier one, (N,)."""
    vectors, names = embeddings.vectors, embeddings.ids
    cosine = (vectors[edges.first].float() * vectors[edges.second].float()).sum(dim=1).numpy()
    near = np.flatnonzero(cosine >= SAME)
    pairs = [(names[int(edges.first[at])], names[int(edges.second[at])]) for at in near]
    found = same(pairs) if pairs else []
    rows = np.array([[embeddings.rows[name] for name in pair] for pair in found]).reshape(-1, 2)
    graph = coo_array((np.ones(len(rows)), (rows[:, 0], rows[:, 1])), shape=(edges.drawings,) * 2)
    _, label = connected_components(graph, directed=False)
    first = np.unique(label, return_index=True)[1]
    copies = np.ones(edges.drawings, bool)
    copies[first] = False
    return copies
