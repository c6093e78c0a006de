"""Which artworks are the same picture, by the untrained network: no negatives of one another."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.miners.mining import most_artworks
from drawsim.retrieval.ranking import BLOCK, Relevance


def same_pictures(artworks: Tensor, positives: Relevance, least: float) -> Relevance:
    """Artworks that are the same picture as one of a drawing's own, and so no negatives of it.

    Another photograph or print, or a copy, has a cosine of `least` or more with that one. artworks:
    (N, d) unit rows; own artworks are not listed. Raises UserError if to some drawing more than
    half of the gallery is the same picture: such embeddings do not tell pictures apart.
    """
    size = len(artworks)
    own = torch.unique(positives.gallery)
    found = [torch.empty(0, 2, dtype=torch.int64)]
    step = max(1, BLOCK // max(1, size))
    for start in range(0, len(own), step):
        scores = artworks[own[start : start + step].to(artworks.device)] @ artworks.T
        alike = (scores >= least).nonzero().cpu()
        found.append(alike + torch.tensor([start, 0]))
    place, artwork = torch.cat(found).unbind(dim=1)
    # Every own artwork of a drawing stands for the run of its likes in that list.
    counts = torch.bincount(place, minlength=len(own))
    begins = counts.cumsum(0) - counts
    mine = torch.searchsorted(own, positives.gallery.contiguous())
    times = counts[mine]
    steps = torch.arange(int(times.sum())) - (times.cumsum(0) - times).repeat_interleave(times)
    likes = artwork[begins[mine].repeat_interleave(times) + steps]
    pairs = torch.unique(positives.query.repeat_interleave(times) * size + likes)
    pairs = pairs[~torch.isin(pairs, positives.query * size + positives.gallery)]
    same = Relevance(pairs // size, pairs % size)
    if 2 * (most := most_artworks(same)) > size:
        raise UserError(
            f"miner.same_picture={least}: up to {most} of {size} artworks would be the same "
            "picture as a drawing's own: this backbone does not tell them apart. Set "
            "miner.same_picture nearer to 1, or to null for no such check."
        )
    return same
