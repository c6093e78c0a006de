"""Fits to few lists whose true probabilities are known: are the intervals honest, the guesses good?

    python scripts/bench/calibration.py [worlds]

For each number of known answers: the share of 95 % intervals that hold the truth (in the worst kind
of world behind it), their mean width, and by how much Brier and log score exceed those of the
truth. Worlds differ in how the chance grows with the lead: as a logistic law, not at all, in a
step, steeply. It needs scikit-learn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import beta
from sklearn.isotonic import IsotonicRegression

from drawsim.retrieval.analysis.calibration import Calibration, fit_calibration

Floats = NDArray[np.float64]
Answers = NDArray[np.bool_]
Guess = tuple[Floats, Floats, Floats]
"""Probability, low and high end."""

LAWS: dict[str, Callable[[Floats], Floats]] = {
    "logistic": lambda lead: expit(30 * lead - 2),
    "flat": lambda lead: np.full(len(lead), 0.23),
    "step": lambda lead: np.where(lead > 0.05, 0.92, 0.08),
    "steep": lambda lead: expit(90 * lead - 3),
}
COUNTS = (5, 10, 20, 54, 200)
NORMAL = 1.96


def constant(lead: Floats, true: Answers, new: Floats) -> Guess:
    """The share of true answers, with Jeffreys' interval."""
    own = beta(true.sum() + 0.5, (~true).sum() + 0.5)
    mean, low, high = (np.full(len(new), each) for each in (own.mean(), *own.interval(0.95)))
    return mean, low, high


def firth(lead: Floats, true: Answers, new: Floats) -> Guess:
    """Firth's logistic regression (Biometrika 80, 1993), Wald's interval of the logit."""
    centre, scale = lead.mean(), lead.std() or 1.0
    x, at = (np.column_stack([(v - centre) / scale, np.ones(len(v))]) for v in (lead, new))
    weights = np.zeros(2)
    for _ in range(200):
        p = expit(x @ weights)
        covariance = np.linalg.pinv(x.T @ ((p * (1 - p))[:, None] * x))
        leverage = p * (1 - p) * np.einsum("ij,jk,ik->i", x, covariance, x)
        step = covariance @ (x.T @ (true - p + leverage * (0.5 - p)))
        weights += step / max(1.0, np.abs(step).max())
    logit = at @ weights
    error = NORMAL * np.sqrt(np.einsum("ij,jk,ik->i", at, covariance, at))
    return expit(logit), expit(logit - error), expit(logit + error)


def isotonic(lead: Floats, true: Answers, new: Floats) -> Guess:
    """A monotone fit, with the percentile interval of 200 bootstraps."""

    def fit(rows: NDArray[np.int64]) -> Floats:
        law = IsotonicRegression(out_of_bounds="clip").fit(lead[rows], true[rows])
        return np.asarray(law.predict(new))

    rng = np.random.default_rng(0)
    low, high = np.quantile(
        [fit(rng.integers(len(lead), size=len(lead))) for _ in range(200)], [0.025, 0.975], axis=0
    )
    return fit(np.arange(len(lead))), low, high


def ours(lead: Floats, true: Answers, new: Floats) -> Guess:
    """What drawsim does."""
    made = fit_calibration(_lists(lead), true, np.zeros(len(lead)), 2, {})
    assert isinstance(made, Calibration)
    chances = made.chances(_lists(new))
    mean, low, high = np.array([(c.probability, c.low, c.high) for c in chances]).T
    return mean, low, high


def _lists(lead: Floats) -> torch.Tensor:
    return torch.from_numpy(np.column_stack([lead, np.zeros(len(lead))]))


def main() -> None:
    """Print the table."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    rng = np.random.default_rng(0)
    print("answers  fit        95 % holds (worst)  width   Brier +   log score +")
    for count in COUNTS:
        for fit in (constant, firth, isotonic, ours):
            found = np.array(
                [[_measured(fit, law, count, rng) for _ in range(worlds)] for law in LAWS.values()]
            )
            holds, width, brier, log = found.mean(axis=(0, 1))
            worst = found[:, :, 0].mean(axis=1).min()
            print(
                f"{count:7}  {fit.__name__:9}  {holds:8.0%} ({worst:.0%})  {width:12.2f}  "
                f"{brier:8.4f}  {log:8.4f}"
            )


def _measured(
    fit: Callable[[Floats, Answers, Floats], Guess],
    law: Callable[[Floats], Floats],
    count: int,
    rng: np.random.Generator,
) -> tuple[float, float, float, float]:
    lead, new = (rng.exponential(0.05, size) for size in (count, 200))
    truth = np.clip(law(new), 1e-6, 1 - 1e-6)
    p, low, high = fit(lead, rng.random(count) < law(lead), new)
    holds = np.mean((low <= truth) & (truth <= high))
    brier = np.mean(np.square(p - truth))
    p = np.clip(p, 1e-3, 1 - 1e-3)
    log = np.mean(truth * np.log(truth / p) + (1 - truth) * np.log((1 - truth) / (1 - p)))
    return float(holds), float(np.mean(high - low)), float(brier), float(log)


if __name__ == "__main__":
    main()
