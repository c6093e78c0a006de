"""How likely is the top result a true match? A probability from the shape of a ranked list.

Logistic regression on four features of the list, fitted on drawings whose answer is known: pairs,
and drawings that have none in the gallery. The probability holds for drawings that come in the same
mixture, and for the embeddings and the gallery it was fitted with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.files import read_json, write_json
from drawsim.retrieval.ranking import Relevance

Floats = NDArray[np.float64]

FEATURES = ("top score", "margin to the second", "margin to the next 10", "margin in deviations")
LIST = 11
"""Scores of a list that are looked at."""
FEWEST = 20
"""Drawings of either answer below which nothing is fitted."""
FOLDS = 5
BINS = 10
RIDGE = 1.0
"""Half of it times the squared weights of standardised features is the penalty."""


@dataclass(frozen=True)
class Bin:
    """Drawings of similar probability: how many, their mean probability, the share of true tops."""

    drawings: int
    probability: float
    share: float


@dataclass(frozen=True)
class Reliability:
    """How probabilities that were given without knowing the answer agree with the answers.

    brier: mean squared difference (Brier, 1950); brier_constant: that of giving everyone the share
    of true tops; calibration_error: the mean distance between probability and share over bins,
    weighted by their drawings (Naeini, Cooper and Hauskrecht, "Obtaining well calibrated
    probabilities using Bayesian binning", 2015), of bins with equally many drawings.
    """

    bins: tuple[Bin, ...]
    brier: float
    brier_constant: float
    calibration_error: float


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration: expit(intercept + Σ weights * (features - centre) / scale).

    centre, scale, weights: one number for each of FEATURES. true_tops, other_tops: the drawings it
    was fitted on; reliability: cross-validated on them. made_with: what made the embeddings, as
    their files say.
    """

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    true_tops: int
    other_tops: int
    reliability: Reliability
    made_with: Mapping[str, str]

    def probability(self, scores: Tensor) -> Floats:
        """Probability that the top result is a true match, (Q,), from (Q, k >= LIST) scores."""
        standard = (list_features(scores) - self.centre) / np.asarray(self.scale)
        return np.asarray(expit(standard @ np.asarray(self.weights) + self.intercept))

    def save(self, path: Path) -> None:
        """Write it as JSON, atomically."""
        write_json(path, {"features": list(FEATURES), **asdict(self)})


@dataclass(frozen=True)
class Uncalibrated:
    """There is too little to fit; `reason` says of what."""

    reason: str


def load_calibration(path: Path) -> Calibration:
    """Read what `Calibration.save` wrote. Raises UserError if it is missing or damaged."""
    try:
        record = read_json(path)
    except UserError as error:
        raise UserError(f"{error}; fit it again") from error
    try:
        if record.pop("features") != list(FEATURES):
            raise ValueError("other features")
        measured = record.pop("reliability")
        bins = tuple(Bin(**entry) for entry in measured.pop("bins"))
        for name in ("centre", "scale", "weights"):
            record[name] = tuple(float(value) for value in record[name])
            if len(record[name]) != len(FEATURES):
                raise ValueError(f"{len(record[name])} numbers in {name}")
        return Calibration(reliability=Reliability(bins=bins, **measured), **record)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path}: is no calibration of this version; fit it again.") from error


def list_features(scores: Tensor) -> Floats:
    """The FEATURES of ranked lists, (Q, 4), from their scores, (Q, k >= LIST), best first.

    All four grow with the top score: how near it is, how far ahead of the second, of the mean of
    the next ten, and that in standard deviations of the ten (at least 1e-3).
    """
    if scores.shape[1] < LIST:
        raise ValueError(f"lists of {scores.shape[1]} scores, {LIST} are needed")
    values = scores[:, :LIST].double().cpu().numpy()
    top, following = values[:, 0], values[:, 1:]
    margin = top - following.mean(axis=1)
    deviation = np.maximum(following.std(axis=1), 1e-3)
    return np.stack([top, top - values[:, 1], margin, margin / deviation], axis=1)


def true_tops(top_index: Tensor, relevance: Relevance) -> NDArray[np.bool_]:
    """Whether the first of each list, (Q, k) gallery rows, is relevant to its query; (Q,)."""
    answers = np.zeros(len(top_index), dtype=bool)
    hit = top_index[relevance.query, 0] == relevance.gallery
    answers[relevance.query[hit].numpy()] = True
    return answers


def fit_calibration(
    scores: Tensor, true_top: ArrayLike, groups: ArrayLike, made_with: Mapping[str, str]
) -> Calibration | Uncalibrated:
    """Fit on drawings whose answer is known; one of which it is not is to be left out.

    scores: (Q, k) of their lists, best first; true_top: (Q,) whether the first is a true match, so
    False for a drawing without artwork in the gallery; groups: (Q,) labels, drawings of one group
    depend on each other (they share an artwork) and are never on both sides of a cross-validation.
    """
    answers, labels = np.asarray(true_top, dtype=bool), np.asarray(groups)
    if scores.shape[1] < LIST:
        return Uncalibrated(f"the lists have {scores.shape[1]} artworks, {LIST} are needed")
    for answer, what in ((True, "a true match"), (False, "no true match")):
        own = labels[answers == answer]
        if len(own) < FEWEST or len(np.unique(own)) < FOLDS:
            return Uncalibrated(
                f"{what} at the top: {len(own)} drawings in {len(np.unique(own))} groups, "
                f"{FEWEST} in {FOLDS} are needed"
            )
    features = list_features(scores)
    folds = grouped_folds(answers, labels)
    unseen = np.empty(len(answers))
    for fold in range(FOLDS):
        inside = folds == fold
        unseen[inside] = _Fit.of(features[~inside], answers[~inside]).apply(features[inside])
    fit = _Fit.of(features, answers)
    return Calibration(
        centre=tuple(fit.centre.tolist()),
        scale=tuple(fit.scale.tolist()),
        weights=tuple(fit.weights.tolist()),
        intercept=fit.intercept,
        true_tops=int(answers.sum()),
        other_tops=int((~answers).sum()),
        reliability=measure_reliability(unseen, answers),
        made_with=dict(made_with),
    )


def grouped_folds(answers: NDArray[np.bool_], groups: NDArray[np.generic]) -> NDArray[np.int64]:
    """A fold of 0 … FOLDS - 1 for each drawing, (Q,): one per group, answers spread evenly.

    Groups come largest first, in a fixed shuffle, each to the fold with fewest of its rarer answer
    (in all data) and then with fewest drawings.
    """
    _, unit = np.unique(groups, return_inverse=True)
    rarer = answers if answers.mean() <= 0.5 else ~answers
    size, rare = np.bincount(unit), np.bincount(unit, weights=rarer)
    shuffle = np.random.default_rng(0).permutation(len(size))
    order = shuffle[np.lexsort((-size[shuffle], -rare[shuffle]))]
    fold_of = np.empty(len(size), dtype=np.int64)
    held = np.zeros((FOLDS, 2))
    for group in order:
        fold = min(range(FOLDS), key=lambda i: (held[i, 0] if rare[group] else 0, held[i, 1], i))
        fold_of[group] = fold
        held[fold] += rare[group], size[group]
    return np.asarray(fold_of[unit])


def measure_reliability(
    probability: Floats, answers: NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Bins of nearly equally many drawings (equal probabilities stay together), and their errors.

    probability: (Q,); answers: (Q,).
    """
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1]))
    _, which = np.unique(np.searchsorted(edges, probability, side="left"), return_inverse=True)
    count = np.bincount(which)
    mean = np.bincount(which, weights=probability) / count
    share = np.bincount(which, weights=answers) / count
    base = float(answers.mean())
    return Reliability(
        bins=tuple(
            Bin(int(n), float(p), float(s)) for n, p, s in zip(count, mean, share, strict=True)
        ),
        brier=float(np.square(probability - answers).mean()),
        brier_constant=base * (1 - base),
        calibration_error=float((count * np.abs(mean - share)).sum() / len(answers)),
    )


@dataclass(frozen=True)
class _Fit:
    centre: Floats
    scale: Floats
    weights: Floats
    intercept: float

    @classmethod
    def of(cls, features: Floats, answers: NDArray[np.bool_]) -> _Fit:
        centre, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        weights, intercept = fit_logistic((features - centre) / scale, answers)
        return cls(centre, scale, weights, intercept)

    def apply(self, features: Floats) -> Floats:
        standard = (features - self.centre) / self.scale
        return np.asarray(expit(standard @ self.weights + self.intercept))


def fit_logistic(features: Floats, answers: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights >= 0, (F,), and intercept of a logistic regression on standardised features, (n, F).

    The targets are Platt's, (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2), which keep a separable sample
    from certainty ("Probabilistic outputs for support vector machines", 1999); the penalty is
    RIDGE / 2 Σ w². Weights are not negative, so that a list that is better in every feature never
    gets a lower probability, which collinear features would otherwise bring about.
    """
    positive, negative = int(answers.sum()), int((~answers).sum())
    target = np.where(answers, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, activation = parameters[:-1], features @ parameters[:-1] + parameters[-1]
        error = expit(activation) - target
        value = (np.logaddexp(0, activation) - target * activation).sum()
        gradient = np.append(features.T @ error + RIDGE * weights, error.sum())
        return float(value + RIDGE / 2 * weights @ weights), gradient

    share = target.mean()
    start = np.append(np.zeros(features.shape[1]), np.log(share / (1 - share)))
    bounds = [(0, None)] * features.shape[1] + [(None, None)]
    options = {"ftol": 0.0, "gtol": 1e-8, "maxiter": 1000}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return np.asarray(found[:-1]), float(found[-1])
