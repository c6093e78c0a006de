"""What the audit slice says of the model: how often a match that exists stands within k.

The slice is a random share of the drawings, whatever was queued for being easy, uncertain or
near. Its recall is therefore that of all drawings, up to the matches that nobody has found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from drawsim.retrieval.analysis.intervals import wilson_interval

DEPTHS = (1, 5, 10, 20, 50)


@dataclass(frozen=True)
class Ratio:
    """A share of things counted, and its 95 % interval (Wilson)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """hits / of; `of` is not 0."""
        return self.hits / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        return wilson_interval(self.hits, self.of)


@dataclass(frozen=True)
class Audit:
    """One model on the audit slice. recall: by k; unmatched: the share of the drawings answered
    that have no confirmed match; `of` is 0 where there is nothing yet to divide by.
    """

    model: str
    index_sha256: str
    recall: dict[int, Ratio]
    unmatched: Ratio


def audits(
    answers: pd.DataFrame, judgements: pd.DataFrame, matches: pd.DataFrame, k: int
) -> list[Audit]:
    """Recall at 1, 5, 10, … up to k on the drawings of the audit slice, for each model that
    ranked them, the latest first.

    answers, judgements: EventStore's tables. matches: drawing_id and artwork_id of all pairs held
    for true, found by any means, from this work or before it. A drawing counts where it was
    finished (done or none); its best match stands where it was shown. A match that was not among
    the candidates seen, found by its name or by a picture, is a miss.
    """
    asked = answers["audit"].astype(bool) & (answers["kind"] == "drawing")
    finished = answers[asked & answers["answer"].isin(["done", "none"])]
    matched = set(matches["drawing_id"])
    found = []
    by_model = ["model", "index_sha256"]
    for (model, index), rows in finished.sort_values("at", ascending=False).groupby(
        by_model, sort=False
    ):
        drawings = set(rows["id"])
        of_model = judgements[judgements["index_sha256"] == index]
        best = _best_ranks(rows, of_model, matches)
        total = len(drawings & matched)
        recall = {
            depth: Ratio(sum(best.get(drawing, math.inf) <= depth for drawing in drawings), total)
            for depth in _depths(k)
        }
        unmatched = Ratio(len(drawings - matched), len(drawings))
        found.append(Audit(str(model), str(index), recall, unmatched))
    return found


def _depths(k: int) -> Sequence[int]:
    return sorted({depth for depth in DEPTHS if depth < k} | {k})


def _best_ranks(
    answers: pd.DataFrame, judgements: pd.DataFrame, matches: pd.DataFrame
) -> dict[str, float]:
    """Of each drawing, the rank of its best match, 1-based; those without a rank are left out."""
    shown = answers[["id", "shown_ids"]].rename(columns={"id": "drawing_id"}).reset_index(drop=True)
    shown = shown.explode("shown_ids").rename(columns={"shown_ids": "artwork_id"})
    shown["rank"] = shown.groupby(level=0).cumcount() + 1
    ranked = pd.concat([shown, judgements[["drawing_id", "artwork_id", "rank"]]])
    ranked = ranked.dropna().merge(matches[["drawing_id", "artwork_id"]].drop_duplicates())
    return {str(name): float(rows["rank"].min()) for name, rows in ranked.groupby("drawing_id")}
