"""The metrics that stand first, and how certain they are said to be."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from drawsim.reporting.kit.stages import stages
from drawsim.reporting.run.headline import headline
from drawsim.reporting.run.reading import Query, Ranking, read_queries
from drawsim.retrieval.analysis.intervals import bootstrap
from tests.reporting.run.conftest import Run, summary


def test_headline_intervals_hold_the_figures_and_rest_on_ranks_csv(run: Run) -> None:
    queries = read_queries(run.folder / "ranks.csv")["test"]
    rows = {row.metric: row for row in headline(run.metrics, queries)}
    assert list(rows) == ["mrr", "map", "median_rank", "recall@1", "recall@10", "recall@20"]
    for row in rows.values():
        ends = [(figure.value, figure.interval) for figure in row.figures]
        for value, interval in (*ends, (row.change, row.change_interval)):
            if interval is not None:
                assert value is not None
                assert interval[0] <= value <= interval[1]
    for metric in ("mrr", "map"):
        assert all(figure.interval is not None for figure in rows[metric].figures)
    before, after = (figure.value for figure in rows["mrr"].figures)
    assert before is not None
    assert after is not None
    assert rows["mrr"].change == after / before
    before, after = (figure.value for figure in rows["median_rank"].figures)
    assert before is not None
    assert after is not None
    assert rows["median_rank"].change == before / after


def test_stages_lead_from_the_plain_network_to_the_final_model(run: Run) -> None:
    """Those that are neither have their own ranks; what stands before learning is the baseline."""
    file = run.folder / "ranks.csv"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    ranks = {
        (name, drawing): [30.0 + len(json.loads(ids))] * len(json.loads(ids))
        for name, drawing, ids in zip(
            *(table[column] for column in ("set", "drawing_id", "relevant_ids")), strict=True
        )
    }
    plain = table[table["model"] == "baseline"].assign(
        model="untrained",
        relevant_ranks=[
            json.dumps(ranks[key])
            for key in zip(
                *(table.loc[table["model"] == "baseline", c] for c in ("set", "drawing_id")),
                strict=True,
            )
        ],
    )
    pd.concat([table, plain]).to_csv(file, index=False)
    own = {
        name: summary([values for (of, _), values in ranks.items() if of == name])
        for name in ("train", "val", "test")
    }
    final = run.metrics["final"]
    run.metrics["stages"] = {
        "untrained": own,
        "adapted": run.metrics["baseline"],
        "learnt": final,
    }
    run.save_metrics()
    assert [stage.label for stage in stages(run.metrics)] == ["untrained", "adapted", "learnt"]
    queries = read_queries(file)["test"]
    before, between, after = headline(run.metrics, queries)[0].figures
    for figure, scores in zip(
        (before, between, after), (own, run.metrics["baseline"], final), strict=True
    ):
        assert figure.value == scores["test"]["mrr"]
        assert figure.interval is not None
        low, high = figure.interval
        assert low <= scores["test"]["mrr"] <= high
    page = run.page()
    text = " ".join(page.text.split())
    found = [sum(q.baseline.first <= 10 for q in queries if q.baseline), 8]
    assert (
        f"first ten for 0 (untrained), {found[0]} (adapted) and 8 (learnt) of 8 test drawings"
        in text
    )
    assert "untrained, the plain network; adapted," in text
    assert f"{queries[0].stages['untrained'].first:.0f} →" in text


def test_a_figure_of_another_definition_gets_no_interval(run: Run) -> None:
    run.metrics["baseline"]["test"]["mrr"] += 0.01
    queries = read_queries(run.folder / "ranks.csv")["test"]
    mrr = headline(run.metrics, queries)[0]
    assert mrr.figures[0].interval is None
    assert mrr.change_interval is None
    assert mrr.figures[1].interval is not None


@pytest.mark.parametrize(("hits", "size"), [(5, 20), (30, 60), (1, 10)])
def test_bootstrap_of_a_share_follows_the_binomial(hits: int, size: int) -> None:
    values = np.array([1.0] * hits + [0.0] * (size - hits))
    sample = bootstrap(values, np.mean, repeats=20_000)
    low, high = np.quantile(sample, [0.025, 0.975]) * size
    assert low == pytest.approx(binom.ppf(0.025, size, hits / size), abs=1)
    assert high == pytest.approx(binom.ppf(0.975, size, hits / size), abs=1)
    assert sample.std() == pytest.approx(np.sqrt(hits * (size - hits) / size**3), rel=0.03)


def test_the_interval_of_a_headline_figure_holds_95_percent() -> None:
    queries = [
        Query(f"d{n}", "test", None, Ranking({"a": 1.0 if n < 30 else 7.0}, [], []))
        for n in range(100)
    ]
    (row,) = headline({"final": {"test": {"recall@1": 0.3}}}, queries)
    interval = row.figures[-1].interval
    assert interval is not None
    expected = [binom.ppf(level, 100, 0.3) / 100 for level in (0.025, 0.975)]
    assert interval == pytest.approx(expected, abs=0.011)


def test_four_drawings_are_too_few_for_an_interval() -> None:
    queries = [Query(f"d{n}", "test", None, Ranking({"a": 1.0 + n}, [], [])) for n in range(5)]
    for size, given_interval in ((4, False), (5, True)):
        figure = float(np.median(np.arange(1, size + 1)))
        metrics = {"final": {"test": {"median_rank": figure}}}
        (row,) = headline(metrics, queries[:size])
        assert row.figures[-1].value == figure
        assert (row.figures[-1].interval is not None) == given_interval


def test_bootstraps_of_one_size_are_paired() -> None:
    values = np.random.default_rng(1).random(15)
    assert np.array_equal(bootstrap(2 * values, np.mean), 2 * bootstrap(values, np.mean))
    assert set(bootstrap(np.full(9, 0.25), np.median, repeats=50)) == {0.25}
