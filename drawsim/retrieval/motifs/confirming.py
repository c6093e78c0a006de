"""Edges between drawings, looked at picture by picture: do both lie in one layout?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drawsim.retrieval.motifs.graph import Edges, Floats
from drawsim.retrieval.reranking.base import Pictures
from drawsim.retrieval.reranking.spatial import spatial_scores


def confirmed(
    edges: Edges, pictures: Pictures, advance: Callable[[int], None] = lambda _: None
) -> Floats:
    """The spatial score of each edge, (E,), 0 where pictures match in no layout or cannot be read.

    Either drawing is looked for in the other, upright and mirrored; the better of both counts.
    pictures: of the drawings, as queries and as a gallery.
    """
    found = np.zeros(len(edges.first), np.float32)
    pictures.prepare(np.unique([edges.first, edges.second]).tolist())
    for one, other in ((edges.first, edges.second), (edges.second, edges.first)):
        for drawing in np.unique(one):
            if not pictures.gallery([int(drawing)])[0]:
                continue  # it cannot be read, and matches nothing
            here = np.flatnonzero(one == drawing)
            places, features = pictures.gallery(other[here].tolist())
            scores = spatial_scores(pictures.queries([int(drawing)]), features).numpy()
            found[here[places]] = np.maximum(found[here[places]], scores)
        advance(len(edges.first) // 2)
    return found
