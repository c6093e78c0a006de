"""The probability that the top result is a true match."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.analysis.calibration import (
    BINS,
    FOLDS,
    LIST,
    RIDGE,
    Calibration,
    Uncalibrated,
    fit_calibration,
    fit_logistic,
    grouped_folds,
    list_features,
    load_calibration,
    measure_reliability,
    true_tops,
)
from drawsim.retrieval.ranking import Relevance


def lists(count: int, seed: int = 0) -> tuple[Tensor, np.ndarray]:
    """Ranked lists whose top is true with a chance that grows with its lead; (Q, 15) and (Q,)."""
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.uniform(0.3, 0.5, (count, 15)), axis=1)[:, ::-1].copy()
    lead = rng.uniform(0, 0.4, count)
    scores[:, 0] += lead
    return torch.from_numpy(scores), rng.random(count) < expit(30 * (lead - 0.2))


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    scores, answers = lists(400)
    result = fit_calibration(scores, answers, np.arange(400) // 2, {"model": "lite"})
    assert isinstance(result, Calibration)
    return result


def test_features_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, -1.0]])
    np.testing.assert_allclose(list_features(scores), [[0.9, 0.4, 0.5, 5.0]], rtol=1e-6)


def test_true_tops_looks_at_the_first_place_only() -> None:
    relevance = Relevance(torch.tensor([0, 0, 1, 3]), torch.tensor([5, 6, 7, 2]))
    top = torch.tensor([[6, 5], [1, 7], [2, 3], [2, 9]])
    assert true_tops(top, relevance).tolist() == [True, False, False, True]


@given(st.integers(0, 10_000))
def test_the_fit_is_the_optimum(seed: int) -> None:
    """Karush, Kuhn and Tucker: no slope where a weight is free, none downhill where it is 0."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3))
    answers = rng.random(60) < expit(features[:, 0])
    weights, intercept = fit_logistic(features, answers)
    n1, n0 = answers.sum(), (~answers).sum()
    target = np.where(answers, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    error = expit(features @ weights + intercept) - target
    slope = features.T @ error + RIDGE * weights
    assert abs(error.sum()) < 1e-3
    assert (weights >= 0).all()
    assert np.abs(slope[weights > 0]).max(initial=0) < 1e-3
    assert slope[weights == 0].min(initial=0) > -1e-3


def test_without_features_everyone_has_the_mean_target() -> None:
    answers = np.arange(50) < 10
    weights, intercept = fit_logistic(np.zeros((50, 4)), answers)
    mean = (10 * 11 / 12 + 40 / 42) / 50
    assert not weights.any()
    assert expit(intercept) == pytest.approx(mean)


def test_the_truth_is_found_again() -> None:
    """Of many lists the probabilities approach those the answers were drawn with."""
    scores, answers = lists(20_000)
    result = fit_calibration(scores, answers, np.arange(len(answers)), {})
    assert isinstance(result, Calibration)
    new, _ = lists(2_000, seed=1)
    lead = new[:, 0].numpy() - 0.5  # up to the spread of the list
    guess = result.probability(new)
    assert np.corrcoef(guess, expit(30 * (lead - 0.2)))[0, 1] > 0.95
    assert result.reliability.calibration_error < 0.02
    assert result.reliability.brier < 0.7 * result.reliability.brier_constant


@given(lead=st.floats(0, 0.5), seed=st.integers(0, 99))
def test_a_nearer_top_is_never_less_likely(fitted: Calibration, lead: float, seed: int) -> None:
    scores, _ = lists(5, seed)
    nearer = scores.clone()
    nearer[:, 0] += lead
    assert (fitted.probability(nearer) >= fitted.probability(scores)).all()


def test_saved_and_read_again_it_is_the_same(fitted: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    fitted.save(path)
    again = load_calibration(path)
    assert again == fitted
    scores, _ = lists(20, seed=3)
    np.testing.assert_array_equal(again.probability(scores), fitted.probability(scores))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"features": ["other"]}', '{"features": null, "weights": [1]}']
)
def test_a_damaged_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="fit it again"):
        load_calibration(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_calibration(tmp_path / "none.json")


def test_too_little_stays_uncalibrated() -> None:
    scores, _ = lists(100)
    rows = np.arange(100)
    few = fit_calibration(scores, rows < 19, rows, {})
    assert isinstance(few, Uncalibrated)
    assert "a true match at the top: 19 drawings" in few.reason
    one_artwork = fit_calibration(scores, rows < 50, np.where(rows < 50, 0, rows), {})
    assert isinstance(one_artwork, Uncalibrated)
    assert "50 drawings in 1 groups" in one_artwork.reason
    no_others = fit_calibration(scores, rows < 90, rows, {})
    assert isinstance(no_others, Uncalibrated)
    assert "no true match at the top: 10 drawings" in no_others.reason
    short = fit_calibration(scores[:, : LIST - 1], rows < 50, rows, {})
    assert isinstance(short, Uncalibrated)
    with pytest.raises(ValueError, match="scores"):
        list_features(scores[:, : LIST - 1])


@given(st.integers(0, 1000))
def test_folds_keep_groups_together_and_answers_spread(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 40, 200)
    answers = rng.random(200) < 0.2
    folds = grouped_folds(answers, groups)
    for group in np.unique(groups):
        assert len(np.unique(folds[groups == group])) == 1
    largest = max(answers[groups == group].sum() for group in groups)
    held = [answers[folds == fold].sum() for fold in range(FOLDS)]
    assert max(held) - min(held) <= largest
    assert min(np.bincount(folds, minlength=FOLDS)) > 0


def test_reliability_by_hand() -> None:
    probability = np.array([0.1, 0.1, 0.1, 0.1, 0.8, 0.8])
    answers = np.array([True, False, False, False, True, True])
    result = measure_reliability(probability, answers, bins=2)
    assert [(b.drawings, b.share) for b in result.bins] == [(4, 0.25), (2, 1.0)]
    assert [b.probability for b in result.bins] == pytest.approx([0.1, 0.8])
    assert result.brier == pytest.approx((0.81 + 3 * 0.01 + 2 * 0.04) / 6)
    assert result.brier_constant == pytest.approx(0.25)
    assert result.calibration_error == pytest.approx((4 * 0.15 + 2 * 0.2) / 6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_bins_hold_every_drawing_once(values: list[float]) -> None:
    probability = np.array(values)
    result = measure_reliability(probability, probability > 0.5)
    assert sum(each.drawings for each in result.bins) == len(values)
    assert len(result.bins) <= BINS
    means = [each.probability for each in result.bins]
    assert means == sorted(means)
