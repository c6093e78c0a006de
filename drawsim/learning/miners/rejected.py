"""Artworks that people found different from a drawing: negatives beyond doubt."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.learning.miners.base import NOTHING, nothing_last, places
from drawsim.retrieval.ranking import Relevance


def rejected_first(
    mined: Tensor, drawings: Tensor, artworks: Tensor, rejected: Relevance
) -> Tensor:
    """Put artworks that people found different from a drawing in front of what was mined for it.

    They are negatives beyond doubt; among those that were mined may be artworks that belong to the
    drawing and that nobody has looked at. The nearest ones take half of its places (rounded up) at
    most, so that the rest of the gallery is told apart too. mined: (D, n) as `Miner.mine` gives it,
    and so is what is returned. drawings: (D, d), artworks: (N, d), unit rows.
    """
    count = mined.shape[1]
    if not len(rejected.query) or not count:
        return mined
    query, gallery = rejected.query, rejected.gallery
    cosines = (drawings[query.to(drawings.device)] * artworks[gallery.to(artworks.device)]).sum(1)
    by_cosine = cosines.argsort(descending=True, stable=True).cpu()
    order = by_cosine[query[by_cosine].argsort(stable=True)]
    query, gallery = query[order], gallery[order]
    place = places(query, len(mined))
    first = torch.full((len(mined), (count + 1) // 2), NOTHING)
    room = place < first.shape[1]
    first[query[room], place[room]] = gallery[room]
    again = (mined[:, :, None] == first[:, None]).any(dim=2)
    return nothing_last(torch.cat([first, mined.masked_fill(again, NOTHING)], dim=1))[:, :count]
