"""The audit: Wilson's interval against its definition, recall of a slice counted by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.retrieval.analysis.intervals import wilson_interval
from drawsim.web.review.audit import Ratio, audits

START = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)


def answers(*rows: dict[str, object]) -> pd.DataFrame:
    """EventStore's table of answers, of the columns that are not as usual."""
    usual = {
        "annotator": "ann",
        "kind": "drawing",
        "answer": "done",
        "at": START,
        "shown_ids": (),
        "audit": True,
        "model": "lite",
        "index_sha256": "1",
    }
    return pd.DataFrame([usual | row for row in rows], columns=[*usual, "id"])


def judgements(*rows: tuple[str, str, float | None, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["drawing_id", "artwork_id", "rank", "index_sha256"])


def matches(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["drawing_id", "artwork_id"])


@given(st.integers(1, 400), st.data())
def test_wilson_is_where_the_share_is_z_deviations_off(of: int, data: st.DataObject) -> None:
    """The ends are the p for which (hits / of - p)^2 = z^2 p (1 - p) / of."""
    hits = data.draw(st.integers(0, of))
    z = NormalDist().inv_cdf(0.975)
    roots = np.roots([of + z * z, -(2 * hits + z * z), hits * hits / of])
    assert wilson_interval(hits, of) == pytest.approx(sorted(roots.real), abs=1e-7)


def test_wilson_of_a_textbook_and_of_nothing() -> None:
    # Newcombe, Statistics in Medicine 17, 1998, table I, method 3: 81 of 263 and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(0, 0) == (0, 1)


def test_wilson_covers_the_truth_about_19_times_in_20() -> None:
    hits = np.random.default_rng(0).binomial(60, 0.8, 2000)
    ends = {int(count): wilson_interval(int(count), 60) for count in np.unique(hits)}
    covered = np.mean([ends[int(count)][0] <= 0.8 <= ends[int(count)][1] for count in hits])
    assert 0.93 < covered < 0.97


def test_recall_of_a_slice_counted_by_hand() -> None:
    shown = tuple(f"a{i}" for i in range(20))
    answered = answers(
        {"id": "at 1", "shown_ids": shown},
        {"id": "at 7", "shown_ids": shown},
        {"id": "beyond", "shown_ids": shown},  # its match was found by its name
        {"id": "of another", "shown_ids": shown, "answer": "none"},  # found by somebody else
        {"id": "two", "shown_ids": shown},
        {"id": "alone", "shown_ids": shown, "answer": "none"},
        {"id": "skipped", "shown_ids": shown, "answer": "skip"},
        {"id": "not drawn", "shown_ids": shown, "audit": False},
        {"id": "a0", "shown_ids": ("at 7",), "kind": "artwork"},
    )
    true = matches(
        ("at 1", "a0"),
        ("at 7", "a6"),
        ("beyond", "x"),
        ("of another", "a4"),
        ("two", "a9"),
        ("two", "a2"),
        ("skipped", "a0"),
        ("not drawn", "a0"),
    )
    graded = judgements(("at 1", "a0", 1, "1"), ("beyond", "x", None, "1"))
    (found,) = audits(answered, graded, true, k=20)
    assert found.model == "lite"
    assert found.recall == {
        1: Ratio(1, 5),  # at 1
        5: Ratio(3, 5),  # and two, at 3; of another, at 5
        10: Ratio(4, 5),  # and at 7
        20: Ratio(4, 5),
    }
    assert found.unmatched == Ratio(1, 6)
    assert found.unmatched.interval == wilson_interval(1, 6)


def test_each_model_has_its_own_recall_and_the_latest_comes_first() -> None:
    answered = answers(
        {"id": "d0", "shown_ids": ("a1", "a0"), "index_sha256": "1"},
        {
            "id": "d0",
            "shown_ids": ("a0", "a1"),
            "index_sha256": "2",
            "annotator": "bob",
            "at": START + timedelta(days=1),
        },
    )
    graded = judgements(("d0", "a0", 2, "1"), ("d0", "a0", 1, "2"))
    found = audits(answered, graded, matches(("d0", "a0")), k=1)
    assert [each.index_sha256 for each in found] == ["2", "1"]
    assert [each.recall for each in found] == [{1: Ratio(1, 1)}, {1: Ratio(0, 1)}]


def test_a_rank_counts_although_the_list_of_what_was_shown_is_lost() -> None:
    (found,) = audits(
        answers({"id": "d0"}), judgements(("d0", "a0", 12, "1")), matches(("d0", "a0")), k=20
    )
    assert found.recall == {
        1: Ratio(0, 1),
        5: Ratio(0, 1),
        10: Ratio(0, 1),
        20: Ratio(1, 1),
    }


def test_nothing_audited_yet() -> None:
    assert audits(answers(), judgements(), matches(), k=20) == []
    (found,) = audits(answers({"id": "d0", "answer": "none"}), judgements(), matches(), k=5)
    assert found.recall == {1: Ratio(0, 0), 5: Ratio(0, 0)}
    assert found.unmatched == Ratio(1, 1)
