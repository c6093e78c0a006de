"""Who draws what: planted leanings are found, what is not there is not, and strata count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from drawsim.retrieval.analysis.statistics import benjamini_hochberg
from drawsim.retrieval.analysis.who import leanings, uses_what, who_draws

LEVEL = 0.05
ASKED = ["country", "age_group", "year"]
SEEDS = 20


def collection(rng: np.random.Generator, count: int = 400) -> pd.DataFrame:
    """Drawings whose countries come together by year."""
    year = rng.integers(8, size=count)
    country = np.where(rng.random(count) < 0.6, year % 5, rng.integers(5, size=count))
    return pd.DataFrame(
        {
            "country": [f"C{value}" for value in country],
            "age_group": [f"A{value}" for value in rng.integers(3, size=count)],
            "year": [str(1995 + value) for value in year],
        }
    )


def test_false_discovery_rates_are_scipys() -> None:
    p = np.random.default_rng(0).random(40) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))


def test_shuffled_labels_give_nothing() -> None:
    # At a level of 5 % a seed gives a finding with probability 0.05 at most; of 20 more than 4 do
    # with a probability of 0.3 %.
    found = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        table = collection(rng, 200)
        groups = {str(n): rng.permutation(len(table))[:size] for n, size in enumerate((5, 20))}
        who = who_draws(groups, table, ASKED, ["year", "country"], level=LEVEL)
        found += bool((who["q"] <= LEVEL).any())
    assert found <= 4


def test_who_draws_it_is_found_with_what_is_expected_of_them() -> None:
    rng = np.random.default_rng(0)
    table = collection(rng)
    home = np.flatnonzero(table["country"] == "C1")
    members = np.r_[home[:14], np.flatnonzero(table["country"] != "C1")[:6]]
    who = who_draws({"boats": members}, table, ASKED, ["year"], level=LEVEL)
    first = who.iloc[0]
    assert list(first[["motif", "column", "value", "count", "known"]]) == [
        *("boats", "country", "C1", 14, 20)
    ]
    assert 1 < first["low"] < first["odds_ratio"] < first["high"]
    assert first["q"] <= LEVEL
    by_hand = table.groupby("year")["country"].apply(lambda own: (own == "C1").mean())
    assert np.isclose(first["expected"], by_hand[table["year"].iloc[members]].sum())


def test_a_year_of_one_country_makes_no_motif_of_that_country() -> None:
    table = pd.DataFrame(
        {
            "country": ["GRC"] * 40 + ["FRA"] * 10 + ["FRA"] * 50,
            "year": ["1998"] * 50 + ["2004"] * 50,
        }
    )
    of_1998 = [*range(0, 40, 2), *range(40, 50, 2)]
    alone = who_draws({"1": of_1998}, table, ["country"], [], level=LEVEL)
    within = who_draws({"1": of_1998}, table, ["country"], ["year"], level=LEVEL)
    assert (alone["q"] <= LEVEL).all()
    assert not (within["q"] <= LEVEL).any()


def test_unknown_cells_and_columns_of_one_value_say_nothing() -> None:
    table = pd.DataFrame({"country": ["GRC"] * 20 + [""] * 40, "year": ["1998"] * 60})
    who = who_draws({"1": range(30)}, table, ["country", "year"], ["year"], level=LEVEL)
    assert len(who) == 0
    assert who["q"].dtype == float


def test_who_uses_a_colour() -> None:
    rng = np.random.default_rng(1)
    table = collection(rng)
    red = np.where(table["country"] == "C2", rng.random(len(table)) < 0.8, rng.random(400) < 0.2)
    seen = np.ones(len(table), bool)
    seen[:10] = False
    used = uses_what(
        table, ["country"], {"red": red}, seen, ["year", "country"], what="colour", level=LEVEL
    )
    row = used[used["motif"] == "country=C2"].iloc[0]
    here = (table["country"] == "C2").to_numpy() & seen
    assert list(row[["column", "value", "count", "known"]]) == [
        *("colour", "red", int((here & red).sum()), int(here.sum()))
    ]
    assert row["q"] <= LEVEL
    assert row["count"] > row["expected"]


def test_a_stratum_may_be_called_as_what_is_used() -> None:
    rng = np.random.default_rng(1)
    table = collection(rng)
    red = rng.random(len(table)) < 0.4
    names = ["school", "colour"]
    made = [
        uses_what(
            table.assign(**{name: np.where(red, "a", "b")}),
            *(["country"], {"red": red}, np.ones(len(table), bool), [name]),
            what="colour",
            level=LEVEL,
        )
        for name in names
    ]
    pd.testing.assert_frame_equal(made[0], made[1])


def test_values_that_lean_the_same_way_are_one_finding() -> None:
    rng = np.random.default_rng(0)
    table = collection(rng)
    of = {name: np.flatnonzero(table["country"] == name) for name in ("C1", "C3", "C4")}
    groups = {"boats": np.r_[of["C3"][:18], of["C4"][:18], of["C1"][:2]]}
    who = who_draws(groups, table, ASKED, ["age_group"], level=LEVEL)
    found = leanings(who, groups, table, ["age_group"], level=LEVEL)
    more = found[(found["column"] == "country") & (found["count"] > found["expected"])]
    assert len(more) == 1
    row = more.iloc[0]
    assert (set(row["values"]), row["count"], row["known"]) == ({"C3", "C4"}, 36, 38)
    parts = who[who["value"].isin(["C3", "C4"])]
    assert row["expected"] == pytest.approx(parts["expected"].sum())
    assert (row["q"], row["p"] < parts["p"].min()) == (parts["q"].max(), True)
    as_one = table.assign(country=table["country"].replace("C4", "C3"))
    alone = who_draws(groups, as_one, ["country"], ["age_group"], level=LEVEL)
    assert row["p"] == pytest.approx(alone.set_index("value").loc["C3", "p"])
    assert len(leanings(who.iloc[:0], groups, table, ["age_group"], level=LEVEL)) == 0


@pytest.mark.parametrize("made", [True, False])
def test_regions_vary_among_countries_not_within(made: bool) -> None:
    rng = np.random.default_rng(0)
    table = collection(rng)
    own = table["country"].isin(["C1", "C2"])
    region = np.where(own, "south", "north") if made else rng.choice(["south", "north"], len(table))
    table = table.assign(region=region)
    south = np.flatnonzero(table["region"] == "south")
    who = who_draws({"boats": south[:20]}, table, ["region"], ["year", "country"], level=LEVEL)
    within = who_draws({"boats": south[:20]}, table, ["region"], ["year"], level=LEVEL)
    # Of two values one stands for both: more of one is less of the other.
    assert len(who) == len(within) == 1
    assert (who["p"] == within["p"]).all() == made
