"""What scores of a model are worth: those of true artworks beside those of strangers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from drawsim.retrieval.analysis.evaluation import unit_rows
from drawsim.retrieval.analysis.inputs import Inputs
from drawsim.retrieval.ranking import top_k
from drawsim.retrieval.task import make_task

SHARES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Scores:
    """Cosines of some drawings of validation and test, by the last model, before re-ranking.

    strangers, own: quantiles SHARES of the best score of an artwork that is not the drawing's, and
    of one that is. above: the share of drawings whose own artwork scores above 95 % of strangers.
    """

    model: str
    drawings: int
    strangers: tuple[float, ...]
    own: tuple[float, ...]
    above: float


def describe_scores(inputs: Inputs) -> Scores | None:
    """Scores of drawings of validation and test; None if there are none, or no other artworks."""
    model = [one for one in inputs.models if one.reranker is None][-1]
    task = make_task(inputs.collection, inputs.split)
    rows = torch.cat([task.queries["val"], task.queries["test"]])
    relevance = task.relevant_to(rows)
    most = int(torch.bincount(relevance.query).max()) if len(relevance.query) else 0
    if not len(rows) or len(task.artworks) <= most:
        return None
    drawings = unit_rows(model.drawings.of(task.drawings).vectors[rows], model.name)
    artworks = unit_rows(model.artworks.of(task.artworks).vectors, model.name)
    scores, found = top_k(drawings, artworks, most + 1)
    own = torch.zeros_like(scores, dtype=torch.bool)
    for query, artwork in zip(relevance.query.tolist(), relevance.gallery.tolist(), strict=True):
        own[query] |= found[query] == artwork
    strangers = scores.masked_fill(own, -torch.inf).amax(dim=1).double().numpy()
    true = torch.full((len(rows),), -torch.inf, dtype=scores.dtype)
    cosines = (drawings[relevance.query] * artworks[relevance.gallery]).sum(dim=1)
    best = true.scatter_reduce(0, relevance.query, cosines, "amax").double().numpy()
    return Scores(
        model.name,
        len(rows),
        tuple(np.quantile(strangers, SHARES).tolist()),
        tuple(np.quantile(best, SHARES).tolist()),
        float((best > np.quantile(strangers, SHARES[-1])).mean()),
    )
