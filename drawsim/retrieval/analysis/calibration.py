"""How likely is the top result a true match? A probability from the shape of a ranked list.

A Bayesian logistic regression on one feature of the list, fitted on drawings whose answer is known:
pairs, and drawings that have none in the gallery. It may be fitted on few: what these leave open is
in the interval that comes with each probability. Both hold for drawings that come in the same
mixture, and for the embeddings and the gallery it was fitted with.

Why so: scripts/bench/calibration.py fits 5 to 200 lists whose true probabilities are known. Of 5 to
20, Firth's regression has intervals about as honest and a fifth wider, and guesses about as good;
from 20 on this guesses better. An isotonic regression with a bootstrap claims far too much of few.
A law that is no logistic one, such as a step, is in the interval less often than 95 of 100 times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.files import read_json, write_json
from drawsim.retrieval.analysis.intervals import percentile_interval
from drawsim.retrieval.analysis.posterior import posterior
from drawsim.retrieval.analysis.reliability import (
    FOLDS,
    Bin,
    Reliability,
    grouped_folds,
    measure_reliability,
)
from drawsim.retrieval.ranking import Relevance

Floats = NDArray[np.float64]

FORMAT = 2
FEATURE = "margin to the second"
LIST = 2
"""Scores of a list that are looked at."""
FEWEST = 5
"""Drawings whose answer is known: of fewer nothing can be learnt."""

LEAST, LARGEST = 1e-30, 1e6
"""Of the numbers of a fit. Its own are far within; beyond, computing with them may overflow."""


@dataclass(frozen=True)
class Chance:
    """A probability, and the 95 % interval that the answers known to the fit leave it."""

    probability: float
    low: float
    high: float

    def __str__(self) -> str:
        """In per cent, for people.

        >>> str(Chance(0.634, 0.21, 0.947))
        '63 % (21 to 95 %)'
        """
        return f"{self.probability * 100:.0f} % ({self.low * 100:.0f} to {self.high * 100:.0f} %)"


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration: the mean of expit(slope * (margin - centre) / scale + intercept).

    samples: slopes and intercepts, as likely as the answers leave them. true_tops, other_tops: the
    drawings it was fitted on; gallery: how many artworks they ranked; reliability: cross-validated
    on them, None where they are too few for that. made_with: what made the embeddings, as their
    files say.
    """

    centre: float
    scale: float
    samples: tuple[tuple[float, float], ...]
    true_tops: int
    other_tops: int
    gallery: int
    reliability: Reliability | None
    made_with: Mapping[str, str]

    def chances(self, scores: Tensor) -> list[Chance]:
        """How likely the top result is a true match, Q of them, from (Q, k >= LIST) scores."""
        each = _chances(_standard(scores, self.centre, self.scale), np.array(self.samples))
        return [Chance(float(own.mean()), *percentile_interval(own)) for own in each.T]

    def save(self, path: Path) -> None:
        """Write it as JSON, atomically."""
        write_json(path, {"format": FORMAT, "feature": FEATURE, **asdict(self)})


@dataclass(frozen=True)
class Uncalibrated:
    """There is too little to fit; `reason` says of what."""

    reason: str


def load_calibration(path: Path) -> Calibration:
    """Read what `Calibration.save` wrote. Raises UserError if it is missing, old or damaged."""
    try:
        record = read_json(path)
    except UserError as error:
        raise UserError(f"{error}; fit it again") from error
    try:
        if record.pop("format") != FORMAT or record.pop("feature") != FEATURE:
            raise ValueError("another format")
        measured = record.pop("reliability")
        if measured is not None:
            bins = tuple(Bin(**entry) for entry in measured.pop("bins"))
            measured = Reliability(bins=bins, **measured)
        samples = tuple((float(slope), float(at)) for slope, at in record.pop("samples"))
        centre, scale = float(record.pop("centre")), float(record.pop("scale"))
        if not (samples and LEAST <= scale <= LARGEST):
            raise ValueError("numbers that no fit gives")
        if not (np.abs([(centre, 0.0), *samples]) <= LARGEST).all():
            raise ValueError("numbers that no fit gives")
        counts = [record[name] for name in ("true_tops", "other_tops", "gallery")]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("counts that are none")
        return Calibration(centre, scale, samples, reliability=measured, **record)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path}: no calibration of this version; fit it again with drawsim evaluate "
            "calibrate=true"
        ) from error


def margins(scores: Tensor) -> Floats:
    """FEATURE of ranked lists, (Q,): how far the first is ahead, from their scores (Q, k >= LIST).

    It grows with the top score. Scores are best first.
    """
    if scores.shape[1] < LIST:
        raise ValueError(f"lists of {scores.shape[1]} scores, {LIST} are needed")
    values = scores[:, :LIST].double().cpu().numpy()
    return np.asarray(values[:, 0] - values[:, 1])


def _standard(scores: Tensor, centre: float, scale: float) -> Floats:
    return np.asarray((margins(scores) - centre) / scale)


def _chances(standard: Floats, samples: Floats) -> Floats:
    """(S, Q) probabilities of Q features by S samples."""
    return np.asarray(expit(samples[:, :1] * standard + samples[:, 1:]))


def true_tops(top_index: Tensor, relevance: Relevance) -> NDArray[np.bool_]:
    """Whether the first of each list, (Q, k) gallery rows, is relevant to its query; (Q,)."""
    answers = np.zeros(len(top_index), dtype=bool)
    hit = top_index[relevance.query, 0] == relevance.gallery
    answers[relevance.query[hit].numpy()] = True
    return answers


def fit_calibration(
    scores: Tensor,
    true_top: ArrayLike,
    groups: ArrayLike,
    gallery: int,
    made_with: Mapping[str, str],
) -> Calibration | Uncalibrated:
    """Fit on drawings whose answer is known; one of which it is not is to be left out.

    scores: (Q, k) of their lists, best first; true_top: (Q,) whether the first is a true match, so
    False for a drawing without artwork in the gallery; groups: (Q,) labels, drawings of one group
    depend on each other (they share an artwork) and are never on both sides of a cross-validation.
    gallery: artworks that were ranked.
    """
    answers, labels = np.asarray(true_top, dtype=bool), np.asarray(groups)
    if scores.shape[1] < LIST:
        return Uncalibrated(f"there is a choice from {LIST} artworks on, not of {scores.shape[1]}")
    if len(answers) < FEWEST:
        return Uncalibrated(f"the answer is known for {len(answers)} drawings, {FEWEST} are needed")
    feature = margins(scores)
    centre, scale, samples = _fit(feature, answers)
    return Calibration(
        centre=centre,
        scale=scale,
        samples=tuple((float(slope), float(at)) for slope, at in samples),
        true_tops=int(answers.sum()),
        other_tops=int((~answers).sum()),
        gallery=gallery,
        reliability=_cross_validated(feature, answers, labels),
        made_with=dict(made_with),
    )


def _fit(feature: Floats, answers: NDArray[np.bool_]) -> tuple[float, float, Floats]:
    """Centre and scale of a feature, and samples of the fit to what it is then."""
    centre, scale = float(feature.mean()), float(feature.std()) or 1.0
    return centre, scale, posterior((feature - centre) / scale, answers)


def _cross_validated(
    feature: Floats, answers: NDArray[np.bool_], groups: NDArray[np.generic]
) -> Reliability | None:
    """Of probabilities by fits that did not see the drawing; None without FOLDS of each answer."""
    if min(len(np.unique(groups[answers == each])) for each in (True, False)) < FOLDS:
        return None
    folds = grouped_folds(answers, groups)
    unseen = np.empty(len(answers))
    for fold in range(FOLDS):
        inside = folds == fold
        centre, scale, samples = _fit(feature[~inside], answers[~inside])
        unseen[inside] = _chances((feature[inside] - centre) / scale, samples).mean(axis=0)
    return measure_reliability(unseen, answers)
