"""What several indexes have in common, lists of one query, and how sure lists are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drawsim.collection.kinds import Kind
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.queries import Hits


def common(indexes: Sequence[Index], kind: Kind) -> list[str]:
    """Ids that all indexes hold, in the order of the first."""
    rest = [index.part(kind).embeddings.rows for index in indexes[1:]]
    ids = indexes[0].part(kind).embeddings.ids
    return [name for name in ids if all(name in rows for rows in rest)]


def row_of(hits: Hits) -> tuple[list[str], list[float]]:
    """Ids and scores of the only query."""
    held = hits.ranks[0] > 0
    return hits.ids[0, held].tolist(), hits.scores[0, held].astype(float).tolist()


def margins(hits: Hits) -> np.ndarray:
    """The best score less the second best, (Q,); 0 where there is no second."""
    if hits.scores.shape[1] < 2:
        return np.zeros(len(hits.queries))
    return np.nan_to_num(hits.scores[:, 0].astype(float) - hits.scores[:, 1].astype(float))


def disagreement(lists: Sequence[Hits]) -> np.ndarray:
    """Mean of 1 - |A ∩ B| / |A ∪ B| over all pairs of lists for the same query, (Q,)."""
    distances = []
    for i, one in enumerate(lists):
        for two in lists[i + 1 :]:
            sets = [(set(a) - {""}, set(b) - {""}) for a, b in zip(one.ids, two.ids, strict=True)]
            distances.append([1 - len(a & b) / len(a | b) for a, b in sets])
    return np.mean(distances, axis=0)
