"""What a motif may go back to: artworks that are confirmed for its drawings, or that are nearest.

A probability is that of the motif's medoid, a drawing like those the calibration was fitted on. Of
a group as a whole none is known: its drawings were put together because they are alike, so that
they are no independent witnesses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from drawsim.retrieval.analysis.calibration import LIST, Calibration, Chance
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.motifs.files import Motif, Motifs
from drawsim.retrieval.ranking import top_k

SHOWN = 3
"""Artworks of a motif."""
FEWEST = 2
"""Confirmed pairs that make an artwork the source of a motif: one drawing speaks for itself."""
LIKELY = 0.5
"""From this probability on the first artwork is called a likely source."""


@dataclass(frozen=True)
class Near:
    """An artwork near a motif.

    similarity: mean cosine with its drawings. firsts: how many of these find it first. confirmed:
    with how many it is a confirmed pair. chance: that it is true of the medoid, if the medoid finds
    it first and the model is calibrated.
    """

    artwork: str
    similarity: float
    firsts: int
    confirmed: int
    chance: Chance | None = None


@dataclass(frozen=True)
class Sources:
    """The artworks of each motif, by its id: confirmed ones first, then the nearest.

    paired: how many of its drawings have a confirmed pair with any artwork. gallery: how many
    artworks were looked at. note: why no probability is known; empty where one is.
    """

    by_motif: Mapping[str, Sequence[Near]]
    paired: Mapping[str, int]
    gallery: int
    note: str = ""

    def known(self, motif: str) -> Near | None:
        """The artwork that two paired drawings or more go back to, and most of them; or None."""
        first = next(iter(self.by_motif[motif]), None)
        if first is None or first.confirmed < FEWEST or 2 * first.confirmed <= self.paired[motif]:
            return None
        return first

    def likely(self, motif: str) -> Near | None:
        """The artwork that is more likely than not, where none is confirmed."""
        return next(
            (
                near
                for near in self.by_motif[motif]
                if near.chance is not None and near.chance.probability >= LIKELY
            ),
            None,
        )


def find_sources(
    found: Motifs,
    drawings: Embeddings,
    artworks: Embeddings,
    pairs: pd.DataFrame,
    calibration: Calibration | None = None,
    note: str = "",
) -> Sources:
    """Look for each motif's drawings in the gallery, of one artwork at least.

    pairs: `drawing_id`, `artwork_id` of the confirmed ones. calibration: of these embeddings; note:
    why there is none.
    """
    partners: dict[str, set[str]] = {}
    for drawing, artwork in zip(pairs["drawing_id"], pairs["artwork_id"], strict=True):
        partners.setdefault(drawing, set()).add(artwork)
    gallery = artworks.vectors.float()
    every = {
        motif.id: _sources(motif, drawings, artworks, gallery, partners, calibration)
        for motif in found.motifs
    }
    paired = {motif.id: sum(each in partners for each in motif.members) for motif in found.motifs}
    return Sources(every, paired, len(gallery), note)


def _sources(
    motif: Motif,
    drawings: Embeddings,
    artworks: Embeddings,
    gallery: Tensor,
    partners: Mapping[str, set[str]],
    calibration: Calibration | None,
) -> list[Near]:
    own = drawings.of([motif.medoid, *motif.members]).vectors.float()
    scores, rows = top_k(own, gallery, min(LIST, len(gallery)))
    firsts = Counter(artworks.ids[row] for row in rows[1:, 0].tolist())
    confirmed = Counter(name for each in motif.members for name in partners.get(each, ()))
    # The mean of the cosines with all drawings: the product with their mean.
    similarity = gallery @ own[1:].mean(dim=0)
    nearest = similarity.topk(min(SHOWN, len(gallery))).indices.tolist()
    first = artworks.ids[int(rows[0, 0])]
    chance = None
    if calibration is not None and scores.shape[1] >= LIST:
        chance = calibration.chances(scores[:1])[0]
    listed = [name for name, _ in confirmed.most_common() if name in artworks.rows]
    listed += [first, *(artworks.ids[row] for row in nearest)]
    return [
        Near(
            name,
            float(similarity[artworks.rows[name]]),
            firsts[name],
            confirmed[name],
            chance if name == first else None,
        )
        for name in list(dict.fromkeys(listed))[:SHOWN]
    ]
