"""What a score says by itself: how it stands among the best scores of strangers.

A cosine of 0.3 is much for one model and nothing for another. What it is for this one, the index
tells: each of its drawings has a nearest artwork among those that are not known to be its own, a
stranger, and the share of strangers that score lower than a result is what the result is worth. A
drawing without any pair finds a first result above 90 % of the strangers in one case of ten.
"""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drawsim.retrieval.index.base import InDatabase
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.queries import Hits, of_ids, search
from drawsim.retrieval.index.results import confirmed

Floats = NDArray[np.float64]

FEWEST = 20
"""Images of the query's kind, below which their strangers say nothing."""
MOST = 400
"""Images whose strangers are looked up, and how many that is at least in a large gallery."""
LEAST = 100
SCORES = 1 << 23
"""About so many scores are looked at: in a gallery of a million, those of few images."""


@dataclass(frozen=True)
class Strangers:
    """best: (n,) ascending, the best score of a stranger for each of n images of the index.

    asked, searched: kinds of the images and of the strangers.
    """

    best: Floats
    asked: str
    searched: str

    def below(self, scores: NDArray[np.floating[Any]]) -> Floats:
        """The share of strangers, 0..1, that score lower than each of some scores of any shape."""
        places = np.searchsorted(self.best, scores, side="left")
        return np.asarray(places / len(self.best), dtype=np.float64)

    @property
    def says(self) -> str:
        """What the shares are, for people: the end of a sentence."""
        return (
            f"of {len(self.best):,} {self.asked}s of this index, such a share has no "
            f"{self.searched} as near, leaving out those known to be theirs"
        )


def strangers_of(
    index: Index,
    asked: str,
    searched: str,
    where: str | Mapping[str, Any] | None = None,
    without: Ids[str] = (),
) -> Strangers | None:
    """The strangers of an index, of a fixed sample of its images; None where there are too few.

    asked, searched: kinds. where: a filter of what is searched. without: ids that are not asked for
    themselves, those of the query.
    """
    if asked not in index.parts or searched not in index.parts:
        return None
    gone = set(without)
    names = [name for name in index.part(asked).embeddings.ids if name not in gone]
    if len(names) < FEWEST:
        return None
    part = index.part(searched)
    count = min(MOST, max(LEAST, SCORES // len(part.embeddings.ids)), len(names))
    rows = np.random.default_rng(0).permutation(len(names))[:count]
    sample = [names[row] for row in sorted(rows)]
    known = confirmed(index, asked, sample) if asked != searched else {}
    depth = 1 + max(map(len, known.values()), default=0)
    # What is far away is asked by those who mean it alone.
    ann = part.settings is not None and not isinstance(part.settings, InDatabase)
    found = search(index, searched, of_ids(index, asked, sample), depth, where, ann)
    best = _best(found, known)
    return Strangers(np.sort(best), asked, searched) if len(best) >= FEWEST else None


def _best(found: Hits, known: Mapping[str, Ids[str]]) -> Floats:
    """The first score of each list that is a stranger's; lists without any are left out."""
    best = []
    for query, ids, scores in zip(found.queries, found.ids, found.scores, strict=True):
        own: Ids[str] | Sequence[str] = known.get(query, ())
        first = next(
            (float(s) for each, s in zip(ids, scores, strict=True) if each and each not in own),
            None,
        )
        if first is not None:
            best.append(first)
    return np.array(best, dtype=np.float64)
