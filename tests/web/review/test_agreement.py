"""Agreement against published examples, and against its definitions counted out pair by pair."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from drawsim.collection.grades import SCALE
from drawsim.web.review.agreement import (
    MISSING,
    Scale,
    alpha,
    cohens_kappa,
    kappas,
    krippendorffs_alpha,
    ratings,
)

# Krippendorff 2011, section C: four observers, twelve units, values 1 to 5, * missing.
FOUR_OBSERVERS = """
1 2 3 3 2 1 4 1 2 * * *
1 2 3 3 2 2 4 1 2 5 * 3
* 3 3 3 2 3 4 2 2 5 1 *
1 2 3 3 2 4 4 1 2 5 1 *
"""


def codes(text: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of one-character values as (units, observers) codes."""
    rows = [line.split() for line in text.split("\n") if line]
    values = sorted({cell for row in rows for cell in row} - {"*"})
    return np.array([[values.index(c) if c != "*" else MISSING for c in row] for row in rows]).T


def alpha_by_definition(table: np.ndarray[Any, Any], scale: Scale) -> float | None:
    """Krippendorff, Content Analysis, 2004, ch. 11: mean difference within units over in all."""
    units = [[int(v) for v in row if v != MISSING] for row in table]
    units = [unit for unit in units if len(unit) > 1]
    pool = [value for unit in units for value in unit]
    if len(set(pool)) < 2:
        return None

    def difference(c: int, k: int) -> float:
        if scale == "nominal":
            return float(c != k)
        low, high = sorted((c, k))
        between = sum(pool.count(g) for g in range(low, high + 1))
        return (between - (pool.count(c) + pool.count(k)) / 2) ** 2

    within = sum(
        difference(c, k) / (len(unit) - 1)
        for unit in units
        for c, k in itertools.permutations(unit, 2)
    ) / len(pool)
    pairs = list(itertools.permutations(pool, 2))
    return 1 - within / (sum(difference(c, k) for c, k in pairs) / len(pairs))


@pytest.mark.parametrize(("scale", "published"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_alpha_of_krippendorffs_four_observers(scale: Scale, published: float) -> None:
    assert krippendorffs_alpha(codes(FOUR_OBSERVERS), scale) == pytest.approx(published, abs=5e-4)


def test_alpha_of_krippendorffs_two_observers() -> None:
    binary = codes("0 1 0 0 0 0 0 0 1 0\n1 1 1 0 0 1 0 0 0 0")  # 2011, section A
    nominal = codes("a a b b d c c c e d d a\nb a b b b c c c e d d d")  # section B
    assert krippendorffs_alpha(binary) == pytest.approx(0.095, abs=5e-4)
    assert krippendorffs_alpha(nominal) == pytest.approx(0.692, abs=5e-4)


@settings(max_examples=150)
@given(
    arrays.arrays(
        np.int64,
        st.tuples(st.integers(0, 7), st.integers(1, 4)),
        elements=st.integers(MISSING, 3),
    ),
    st.sampled_from(["nominal", "ordinal"]),
)
def test_alpha_is_its_definition(table: np.ndarray[Any, Any], scale: Scale) -> None:
    assert krippendorffs_alpha(table, scale) == pytest.approx(alpha_by_definition(table, scale))


def test_alpha_looks_at_how_far_grades_lie_apart_only_where_they_are_ordered() -> None:
    near = codes("a b c d a b c d\na b c d a b d c")
    far = codes("a b c d a b c d\na b c d d b c a")
    assert krippendorffs_alpha(near) == krippendorffs_alpha(far)
    closer, wider = (krippendorffs_alpha(table, "ordinal") for table in (near, far))
    assert closer is not None
    assert wider is not None
    assert closer > wider


def test_kappa_of_fleiss_example() -> None:
    # Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 2003, table 18.1:
    # p_o = .89, p_e = .66, kappa = .676.
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    first, second = np.repeat(np.indices((3, 3)).reshape(2, -1), table.ravel(), axis=1)
    assert cohens_kappa(first, second) == pytest.approx(23 / 34)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=12))
def test_kappa_is_its_definition(labels: list[tuple[str, str]]) -> None:
    first, second = ([pair[i] for pair in labels] for i in (0, 1))
    crossed = [one == other for one in first for other in second]  # all pairings: chance
    by_chance = float(np.mean(crossed)) if crossed else 1.0
    alike = float(np.mean([one == other for one, other in labels])) if labels else 1.0
    expected = None if by_chance == 1 else (alike - by_chance) / (1 - by_chance)
    assert cohens_kappa(first, second) == pytest.approx(expected)
    assert cohens_kappa(second, first) == pytest.approx(expected)


def test_kappa_of_lists_that_do_not_match() -> None:
    with pytest.raises(ValueError, match="2 and 1"):
        cohens_kappa(["a", "b"], ["a"])


def judged(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["annotator", "drawing_id", "artwork_id", "grade"])


def answered(*rows: tuple[str, str, str, str, tuple[str, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["annotator", "kind", "id", "answer", "shown_ids"])


def test_what_was_seen_and_left_is_rated_different() -> None:
    judgements = judged(("ann", "d0", "a0", "same work"), ("ann", "d0", "a1", "unsure"))
    answers = answered(
        ("ann", "drawing", "d0", "done", ("a0", "a1", "a2")),
        ("bob", "drawing", "d0", "none", ("a0", "a2", "a3")),
        ("cyd", "artwork", "a2", "done", ("d0",)),
        ("dan", "drawing", "d0", "skip", ("a0", "a1", "a2")),
        ("eve", "drawing", "d0", "done", ()),
    )
    rated = ratings(judgements, answers)
    found = {
        (row.drawing_id, row.artwork_id, row.annotator): (row.grade, row.given)
        for row in rated.itertuples()
    }
    assert found == {
        ("d0", "a0", "ann"): ("same work", True),
        ("d0", "a0", "bob"): ("different", False),
        ("d0", "a2", "ann"): ("different", False),
        ("d0", "a2", "bob"): ("different", False),
        ("d0", "a2", "cyd"): ("different", False),
    }


def test_kappas_of_annotators_with_common_pairs() -> None:
    judgements = judged(
        *(("ann", "d0", f"a{i}", grade) for i, grade in enumerate(["same work", "different"] * 2)),
        ("bob", "d0", "a0", "same work"),
        ("bob", "d0", "a1", "same motif"),
        ("cyd", "d1", "a0", "same work"),
    )
    answers = answered(("bob", "drawing", "d0", "done", ("a0", "a1", "a2", "a3")))
    (found,) = kappas(ratings(judgements, answers))
    assert (found.first, found.second, found.pairs, found.graded) == ("ann", "bob", 4, 2)
    assert found.same == 0.5
    # p_e: "same work" 2/4 * 1/4, "different" 2/4 * 2/4, "same motif" 0 * 1/4.
    assert found.kappa == pytest.approx((0.5 - 0.375) / (1 - 0.375))


def test_alpha_of_a_table_of_judgements_is_that_of_its_codes() -> None:
    rng = np.random.default_rng(0)
    grades = np.array([*SCALE, "unsure"], dtype=object)
    table = rng.integers(MISSING, len(grades), (30, 3))
    judgements = judged(
        *(
            (f"annotator {rater}", f"d{unit}", "a0", grades[table[unit, rater]])
            for unit, rater in zip(*np.nonzero(table != MISSING), strict=True)
        )
    )
    rated = ratings(judgements, answered())
    without_unsure = np.where(table == len(SCALE), MISSING, table)  # it has no place
    scales: list[tuple[Scale, np.ndarray[Any, Any]]] = [
        ("nominal", table),
        ("ordinal", without_unsure),
    ]
    for scale, counted in scales:
        found = alpha(rated, scale)
        met = (counted != MISSING).sum(axis=1)
        assert found.alpha == pytest.approx(alpha_by_definition(counted, found.scale))
        assert (found.pairs, found.ratings) == ((met > 1).sum(), met[met > 1].sum())


def test_nothing_judged_yet() -> None:
    rated = ratings(judged(), answered())
    assert rated.empty
    assert kappas(rated) == []
    assert alpha(rated, "nominal").alpha is None
    assert alpha(rated, "ordinal").pairs == 0
