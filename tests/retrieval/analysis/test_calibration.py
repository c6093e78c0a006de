"""The probability that the top result is a true match."""

from __future__ import annotations

import json
import math
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
    FEWEST,
    Calibration,
    Uncalibrated,
    fit_calibration,
    load_calibration,
    margins,
    true_tops,
)
from drawsim.retrieval.analysis.reliability import (
    BINS,
    FOLDS,
    grouped_folds,
    measure_reliability,
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
    return fit(scores, answers, np.arange(400) // 2)


def fit(scores: Tensor, answers: np.ndarray, groups: np.ndarray | None = None) -> Calibration:
    groups = np.arange(len(answers)) if groups is None else groups
    result = fit_calibration(scores, answers, groups, 15, {"model": "lite"})
    assert isinstance(result, Calibration)
    return result


def means(calibration: Calibration, scores: Tensor) -> np.ndarray:
    return np.array([chance.probability for chance in calibration.chances(scores)])


def test_the_margin_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.5, 0.5], [0.3, 0.3, -1.0]])
    np.testing.assert_allclose(margins(scores), [0.4, 0.0], rtol=1e-6)
    with pytest.raises(ValueError, match="scores"):
        margins(scores[:, :1])


def test_true_tops_looks_at_the_first_place_only() -> None:
    relevance = Relevance(torch.tensor([0, 0, 1, 3]), torch.tensor([5, 6, 7, 2]))
    top = torch.tensor([[6, 5], [1, 7], [2, 3], [2, 9]])
    assert true_tops(top, relevance).tolist() == [True, False, False, True]


def test_the_truth_is_found_again() -> None:
    """Of many lists the probabilities approach those the answers were drawn with."""
    rng = np.random.default_rng(1)
    scores, _ = lists(20_000)
    scores[:, 0] += 0.01
    truth = expit(30 * (margins(scores) - 0.2))
    result = fit(scores, rng.random(len(truth)) < truth)
    np.testing.assert_allclose(means(result, scores[:500]), truth[:500], atol=0.03)
    assert result.reliability is not None
    assert result.reliability.calibration_error < 0.02
    assert result.reliability.brier < 0.7 * result.reliability.brier_constant


def test_few_answers_leave_much_open() -> None:
    """With more answers the interval narrows, and holds what many answers say."""
    scores, answers = lists(2_000)
    truth = means(fit(scores, answers), scores[:200])
    widths = []
    for count in (FEWEST, 20, 100):
        chances = fit(scores[-count:], answers[-count:]).chances(scores[:200])
        low, high = (np.array([getattr(each, end) for each in chances]) for end in ("low", "high"))
        widths.append((high - low).mean())
        assert ((low <= truth + 0.02) & (truth - 0.02 <= high)).mean() > 0.85
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0.4


@pytest.mark.parametrize("answer", [True, False])
def test_one_answer_alone_is_no_certainty(answer: bool) -> None:
    scores, _ = lists(12)
    result = fit(scores, np.full(12, answer))
    assert result.reliability is None
    for chance in result.chances(scores):
        assert 0.01 < chance.probability < 0.99
        assert chance.low < chance.probability < chance.high
        assert chance.high > 0.9 if answer else chance.low < 0.1


@given(lead=st.floats(0, 0.5), seed=st.integers(0, 99))
def test_a_nearer_top_is_never_less_likely(fitted: Calibration, lead: float, seed: int) -> None:
    scores, _ = lists(5, seed)
    nearer = scores.clone()
    nearer[:, 0] += lead
    assert (means(fitted, nearer) >= means(fitted, scores)).all()


def test_saved_and_read_again_it_is_the_same(fitted: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    fitted.save(path)
    again = load_calibration(path)
    assert again == fitted
    scores, _ = lists(20, seed=3)
    assert again.chances(scores) == fitted.chances(scores)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"features": ["top score"], "weights": [1]}', '{"format": 2}'),
        '{"format": 2, "feature": "margin to the second", "samples": [], "reliability": null}',
    ],
)
def test_a_damaged_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="fit it again"):
        load_calibration(path)


@pytest.mark.parametrize("name", ["true_tops", "other_tops", "gallery"])
@pytest.mark.parametrize("value", [None, "x", math.nan, -5, [1], True, 10**400, 1.5])
def test_counts_that_are_none_are_refused(
    fitted: Calibration, tmp_path: Path, name: str, value: object
) -> None:
    _forged(fitted, tmp_path, {name: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"samples": [[1e308, -1e308]]},
        {"samples": [[1, math.inf]]},
        {"samples": [[10**400, 1]]},
        {"centre": 1e308},
        {"centre": math.nan},
        {"scale": 1e-320},
        {"scale": 0},
    ],
)
def test_numbers_that_no_fit_gives_are_refused(
    fitted: Calibration, tmp_path: Path, changes: dict[str, object]
) -> None:
    _forged(fitted, tmp_path, changes)


def _forged(fitted: Calibration, folder: Path, changes: dict[str, object]) -> None:
    path = folder / "calibration.json"
    fitted.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(UserError, match="fit it again"):
        load_calibration(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there"):
        load_calibration(tmp_path / "none.json")


def test_too_little_stays_uncalibrated() -> None:
    scores, _ = lists(100)
    few = fit_calibration(scores[:4], np.arange(4) < 2, np.arange(4), 15, {})
    assert isinstance(few, Uncalibrated)
    assert few.reason == "the answer is known for 4 drawings, 5 are needed"
    assert isinstance(
        fit_calibration(scores[:, :1], np.ones(100), np.ones(100), 1, {}), Uncalibrated
    )


def test_reliability_takes_five_groups_of_either_answer() -> None:
    scores, _ = lists(40)
    rows = np.arange(40)
    assert fit(scores, rows < 4).reliability is None
    assert fit(scores, rows < 20, np.where(rows < 20, 0, rows)).reliability is None
    measured = fit(scores, rows < 5).reliability
    assert measured is not None
    assert len(measured.bins) <= 4


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
