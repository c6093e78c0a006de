"""Artworks that the untrained model finds nearly the same: no negatives of one another."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.miners.base import most_artworks
from drawsim.retrieval.ranking import BLOCK, Relevance
from drawsim.retrieval.task import less


def near_duplicates(artworks: Tensor, positives: Relevance, least: float) -> Relevance:
    """Artworks that are near-duplicates of one of a drawing's own, and so no negatives of it.

    Another photograph or print, or a copy, has a cosine of `least` or more with that one. artworks:
    (N, d) unit rows; own artworks are not listed. Raises UserError if to some drawing more than
    half of the gallery is a near-duplicate: such embeddings do not tell pictures apart.
    """
    size = len(artworks)
    own = torch.unique(positives.gallery)
    alike = _alike(artworks, own, least)
    # Every own artwork of a drawing stands for the run of its likes in that list.
    counts = torch.bincount(alike.query, minlength=len(own))
    begins = counts.cumsum(0) - counts
    mine = torch.searchsorted(own, positives.gallery.contiguous())
    times = counts[mine]
    steps = torch.arange(int(times.sum())) - (times.cumsum(0) - times).repeat_interleave(times)
    likes = alike.gallery[begins[mine].repeat_interleave(times) + steps]
    pairs = torch.unique(positives.query.repeat_interleave(times) * size + likes)
    found = less(Relevance(pairs // size, pairs % size), positives, size)
    if 2 * (most := most_artworks(found)) > size:
        raise UserError(
            f"miner.near_duplicate_similarity={least}: up to {most} of {size} artworks would be "
            "near-duplicates of a drawing's own: this backbone does not tell them apart. Set "
            "miner.near_duplicate_similarity nearer to 1, or to null for no such check."
        )
    return found


def _alike(artworks: Tensor, own: Tensor, least: float) -> Relevance:
    """Which artworks have a cosine of `least` or more with each of `own`, (O,) rows; in order."""
    found = [torch.empty(0, 2, dtype=torch.int64)]
    step = max(1, BLOCK // max(1, len(artworks)))
    for start in range(0, len(own), step):
        scores = artworks[own[start : start + step].to(artworks.device)] @ artworks.T
        found.append((scores >= least).nonzero().cpu() + torch.tensor([start, 0]))
    place, artwork = torch.cat(found).unbind(dim=1)
    return Relevance(place, artwork)
