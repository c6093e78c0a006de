"""Mean ± SD over replicates, and how it is written."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from drawsim.reporting.comparison.latex import latex_tables
from drawsim.reporting.comparison.page import compare
from drawsim.reporting.comparison.results import Results, read_runs
from drawsim.reporting.comparison.score_files import read_scores
from drawsim.reporting.comparison.tables import (
    as_html,
    as_markdown,
    make_table,
    make_tables,
    summary,
)
from drawsim.retrieval.metrics.registry import by_family
from tests.reporting.comparison.compared import make_study, write_scores


@pytest.fixture
def scores(tmp_path: Path) -> Results:
    write_scores(tmp_path, "baselines", "resnext", [10.0, 12.5, 20.0])
    write_scores(tmp_path, "tuned", "FT_a & b | c", [30.0, 41.0, 22.0])
    return read_scores([f"{tmp_path}/*/*.csv"])


def bold(line: str) -> list[str]:
    return re.findall(r"\*\*(.*?)\*\*", line)


def test_the_summary_has_mean_and_sd_of_the_replicates(scores: Results) -> None:
    table = summary(scores)
    row = table[table["model"] == "ImageNet baseline"].iloc[0]
    assert list(table.columns)[2:] == ["n", "MAP_mean", "MAP_sd", "MMP_mean", "MMP_sd"]
    assert row["set"] == "test"
    assert row["n"] == 3
    assert row["MAP_mean"] == pytest.approx(np.mean([10, 12.5, 20]))
    assert row["MMP_sd"] == pytest.approx(10 * np.std([10, 12.5, 20], ddof=1))


def test_the_baseline_stands_first(scores: Results) -> None:
    assert make_tables(scores)[0].rows[0].model == "ImageNet baseline"


def test_the_best_is_bold_by_the_direction_of_the_metric(scores: Results) -> None:
    lines = as_markdown(make_tables(scores)).splitlines()
    baseline, tuned = (next(x for x in lines if x.startswith(f"| {m}")) for m in ("Imag", "FT"))
    assert bold(baseline) == ["141.67"]  # MMP counts places
    assert bold(tuned) == ["31.00"]


def test_what_prints_alike_is_equally_bold(tmp_path: Path) -> None:
    write_scores(tmp_path, "baselines", "A", [10.0001])
    write_scores(tmp_path, "b", "B", [10.0002])
    table = make_table(read_scores([f"{tmp_path}/*/*.csv"]), "test", ["MAP"])
    assert [row.cells[0].best for row in table.rows] == [True, True]


def test_a_single_replicate_has_no_sd(tmp_path: Path) -> None:
    results = read_runs([make_study(tmp_path / "s", {"none": 2}, ["v0"])])
    (row,) = [row for row in make_table(results, "test", ["mrr"]).rows if row.model != "baseline"]
    assert (row.replicates, row.cells[0].sd) == (1, "")
    assert "±" not in as_markdown(make_tables(results))


def test_names_cannot_break_the_tables(scores: Results) -> None:
    tables = make_tables(scores)
    assert re.search(r"^\| FT_a & b \\\| c +\|", as_markdown(tables), re.MULTILINE)
    assert "FT_a &amp; b | c" in as_html(tables)


def test_every_form_holds_the_same_numbers(scores: Results) -> None:
    tables = make_tables(scores)
    numbers = re.compile(r"\d+\.\d\d")
    expected = [
        text for row in tables[0].rows for cell in row.cells for text in (cell.mean, cell.sd)
    ]

    class Text(HTMLParser):
        data = ""

        def handle_data(self, data: str) -> None:
            self.data += data + "\n"

    page = Text()
    page.feed(as_html(tables))
    latex = latex_tables(compare(scores, None)).replace("p < 0.05", "")
    for text in (as_markdown(tables), latex, page.data):
        assert numbers.findall(text) == expected


def test_metrics_go_kin_by_kin() -> None:
    metrics = ["recall@1", "map", "ndcg@5", "map@5", "recall@20", "mean_rank", "mrr"]
    assert by_family(metrics) == [
        ["mrr", "map", "mean_rank"],
        ["recall@1", "recall@20"],
        ["map@5"],
        ["ndcg@5"],
    ]
    assert by_family(["MAP", "R@400", "MMP", "MP"]) == [["MAP", "R@400", "MMP"], ["MP"]]


@pytest.mark.real_data
def test_the_published_table_to_the_printed_digit(shared_data: Path) -> None:
    reference = shared_data.parent / "reference"
    if not (reference / "scores").is_dir():
        pytest.skip(f"no real data: no published scores in {reference}")
    published = {}
    for line in (reference / "thesis.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 8 and "±" in line:
            published[cells[0]] = cells[1:]
    results = read_scores([f"{reference}/scores/*/test_scores_kfold.csv"])
    metrics = ["MAP", "R@400", "R@200", "R@100", "R@50", "R@20", "MMP"]
    made = {
        row.model: [f"{cell.mean} ± {cell.sd}" for cell in row.cells]
        for row in make_table(results, "test", metrics).rows
    }
    assert len(published) == 9
    assert made == published


def test_the_csv_can_be_read_back(tmp_path: Path, scores: Results) -> None:
    summary(scores).to_csv(tmp_path / "table.csv", index=False)
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == {"ImageNet baseline", "FT_a & b | c"}
    assert float(rows[0]["MAP_mean"]) == pytest.approx(14.1667, abs=1e-4)
