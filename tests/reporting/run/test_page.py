"""The result page of a run, read back as a browser would."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import binom

from drawsim.common.errors import UserError
from drawsim.reporting.run import page as run_page
from drawsim.reporting.run.page import Query, Ranking, choose_queries, write_report
from drawsim.retrieval.analysis.intervals import bootstrap
from tests.html_page import Page

HOSTILE = "<script>alert(1)</script>\"'&amp;<img src=x onerror=alert(2)>"
KS = (1, 5, 10, 20, 50, 100, 200, 400)
Row = dict[str, str]


@dataclass
class Run:
    """A small run folder with its pictures."""

    folder: Path
    drawings: dict[str, Path] = field(default_factory=dict)
    artworks: dict[str, Path] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    def page(self, **options: int) -> Page:
        path = write_report(self.folder, self.drawings, self.artworks, **options)
        return Page(path.read_text(encoding="utf-8"))

    def save_metrics(self) -> None:
        text = json.dumps(self.metrics)
        (self.folder / "metrics.json").write_text(text, encoding="utf-8")


def summary(rankings: list[list[float]]) -> dict[str, float]:
    """The metrics of one set, written out plainly."""
    first = sorted(min(ranks) for ranks in rankings)
    n = len(first)
    values = {
        "mrr": sum(1 / rank for rank in first) / n,
        "map": sum(
            sum((j + 1) / rank for j, rank in enumerate(sorted(ranks))) / len(ranks)
            for ranks in rankings
        )
        / n,
        "mean_rank": sum(sum(ranks) / len(ranks) for ranks in rankings) / n,
        "first_rank": sum(first) / n,
        "median_rank": (first[(n - 1) // 2] + first[n // 2]) / 2,
    }
    for k in KS:
        hits = [sum(rank <= k for rank in ranks) for ranks in rankings]
        values[f"precision@{k}"] = sum(hits) / k / n
        values[f"recall@{k}"] = sum(h / len(r) for h, r in zip(hits, rankings, strict=True)) / n
    return values


@pytest.fixture
def run(tmp_path: Path) -> Run:
    rng = np.random.default_rng(5)
    made = Run(tmp_path / "runs" / "study" / "one")
    made.folder.mkdir(parents=True)
    for kind, count, ids in (("a", 30, made.artworks), ("d", 24, made.drawings)):
        for number in range(count):
            path = tmp_path / f"{kind}{number}.png"
            Image.new("RGB", (24, 16), tuple(rng.integers(0, 256, 3).tolist())).save(path)
            ids[{0: HOSTILE + kind, 1: f"Альбрехт_Dürer_{kind}"}.get(number, path.stem)] = path

    rows: list[Row] = []
    ranks: dict[tuple[str, str], list[list[float]]] = {}
    artworks = list(made.artworks)
    for number, drawing in enumerate(made.drawings):
        name = ("test", "val", "train")[number // 8]
        true = artworks[number : number + 1 + (number % 4 == 0) * 5]
        for model, limit in (("baseline", 30), ("final", 8)):
            places = sorted((1 + rng.choice(limit, len(true), replace=False)).tolist())
            others = [one for one in artworks if one not in true]
            top = [others.pop() if k not in places else true[places.index(k)] for k in range(1, 21)]
            ranks.setdefault((model, name), []).append(places)
            rows.append(
                {
                    "model": model,
                    "set": name,
                    "drawing_id": drawing,
                    "relevant_ids": json.dumps(true),
                    "relevant_ranks": json.dumps(places),
                    "top_ids": json.dumps(top),
                    "top_scores": json.dumps([1 - k / 40 for k in range(20)]),
                }
            )
    write_csv(made.folder / "ranks.csv", rows)
    epochs = [{"epoch": 0, "lr": "", "val/loss": 0.7, "val/mrr": 0.1, "train/mrr": 0.1}]
    epochs += [{"epoch": 1, "lr": 1e-4, "val/loss": "nan", "val/mrr": 0.3, "train/mrr": 0.4}]
    write_csv(made.folder / "metrics.csv", epochs)
    (made.folder / "config.yaml").write_text("seed: 0\nbackbone:\n  name: lite\n# <b>\n")
    (made.folder / "environment.txt").write_text("python: 3.10\ncommit: <i>\n")
    (made.folder / "a b:c.txt").write_text("x")
    made.metrics = {
        "status": "finished",
        "protocol": "drawsim",
        "study": "study",
        "name": "one",
        "gallery_size": 30,
        "counts": {name: {"queries": 8, "pairs": 18} for name in ("train", "val", "test")},
        "best_epoch": 1,
        "epochs": 1,
        "monitor": "val/mrr",
        "tie_rate": 0.0,
        "skipped": {"drawings": 0, "artworks": 0},
        "seconds": {"total": 12.5, "fit": 8.0, "embed": 2.0, "rank": 0.1},
    }
    for (model, name), places in ranks.items():
        made.metrics.setdefault(model, {})[name] = summary(places)
    made.save_metrics()
    return made


def write_csv(path: Path, rows: list[Any]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def keep_rows(path: Path, model: str) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        write_csv(path, [row for row in csv.DictReader(file) if row["model"] == model])


# The page as a whole


def test_nothing_is_fetched_from_outside(run: Run) -> None:
    page = run.page()
    links = [
        value
        for _, attributes in page.elements
        for key, value in attributes.items()
        if key in ("href", "src", "srcset", "action", "data", "poster", "xlink:href")
    ]
    assert links
    assert all(re.match(r"#|\./|data:image/webp;base64,", link) for link in links)
    code = (run.folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import|https?://|fetch\(", code)


def test_hostile_ids_stay_text(run: Run) -> None:
    page = run.page()
    assert len(page.of("script")) == 1
    assert not page.of("img")
    assert not [key for _, attributes in page.elements for key in attributes if key[:2] == "on"]
    assert HOSTILE + "d" in page.text
    assert f"Drawing {HOSTILE}d" in [attributes.get("aria-label") for attributes in page.of("svg")]
    assert "# <b>" in page.text
    assert "<i>" in page.text


def test_each_picture_is_embedded_once_and_every_use_finds_it(run: Run) -> None:
    page = run.page()
    symbols = [attributes["id"] for attributes in page.of("symbol")]
    assert len(symbols) == len(set(symbols))
    used = Counter(attributes["href"].removeprefix("#") for attributes in page.of("use"))
    assert set(used) | {"none"} == set(symbols)
    assert max(used.values()) > 1
    assert len(page.of("image")) == len(symbols) - 1
    assert all(a["role"] == "img" and a["aria-label"] for a in page.of("svg") if "role" in a)


def test_every_anchor_in_the_table_has_its_row(run: Run) -> None:
    page = run.page(queries_shown=3)
    rows = {attributes["id"] for attributes in page.of("article")}
    links = [a["href"][1:] for a in page.of("a") if a["href"].startswith("#")]
    assert len(rows) == 9
    assert sorted(links) == sorted(rows)


def test_files_are_linked_relative_and_quoted(run: Run) -> None:
    links = [a["href"] for a in run.page().of("a") if a["href"].startswith("./")]
    expected = ["./a%20b%3Ac.txt", "./config.yaml", "./environment.txt"]
    assert links == [*expected, "./metrics.csv", "./metrics.json", "./ranks.csv"]


def test_unreadable_and_unknown_pictures_leave_an_empty_tile(run: Run) -> None:
    run.drawings["d3"].write_bytes(b"no picture")
    del run.artworks["a3"]
    page = run.page()
    labels = [attributes.get("aria-label", "") for attributes in page.of("svg")]
    assert "Drawing d3, picture not available" in labels
    assert "True artwork a3, picture not available" in labels
    assert "Drawing d4" in labels


# Numbers


def test_the_table_holds_the_numbers_of_metrics_json(run: Run) -> None:
    run.page()
    html = (run.folder / "report.html").read_text(encoding="utf-8")
    table = html[html.index('<table class="metrics">') :]
    table = table[: table.index("</table>")]
    rows = dict(re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)</tr>', table, re.DOTALL))
    names = {"MRR": "mrr", "MAP": "map"}
    assert len(rows) == 5 + 2 * len(KS)
    for label, cells in rows.items():
        metric = names.get(label, label.lower().replace(" ", "_"))
        expected = []
        for name in ("train", "val", "test"):
            pair = [run.metrics[model][name][metric] for model in ("baseline", "final")]
            better = (min if metric.endswith("rank") else max)(pair)
            expected += [(value, value == better and pair[0] != pair[1]) for value in pair]
        found = [
            (float(re.search(r'value="([^"]+)"', cell)[1]), "<strong>" in cell)  # type: ignore[index]
            for cell in re.findall(r"<td.*?</td>", cells, re.DOTALL)
        ]
        assert found == expected


def test_headline_intervals_hold_the_figures_and_rest_on_ranks_csv(run: Run) -> None:
    queries = run_page.read_queries(run.folder / "ranks.csv")["test"]
    rows = {row.metric: row for row in run_page.headline(run.metrics, queries)}
    assert list(rows) == list(run_page.HEADLINE)
    for row in rows.values():
        for figure, interval in (
            (row.before, row.before_interval),
            (row.after, row.after_interval),
            (row.change, row.change_interval),
        ):
            if interval is not None:
                assert figure is not None
                assert interval[0] <= figure <= interval[1]
    mrr, median = rows["mrr"], rows["median_rank"]
    assert mrr.before_interval is not None
    assert mrr.before is not None
    assert mrr.after is not None
    assert mrr.change == mrr.after / mrr.before
    assert median.before is not None
    assert median.after is not None
    assert median.change == median.before / median.after


def test_a_figure_of_another_definition_gets_no_interval(run: Run) -> None:
    run.metrics["baseline"]["test"]["mrr"] += 0.01
    queries = run_page.read_queries(run.folder / "ranks.csv")["test"]
    mrr = run_page.headline(run.metrics, queries)[0]
    assert mrr.before_interval is None
    assert mrr.change_interval is None
    assert mrr.after_interval is not None


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
    (row,) = run_page.headline({"final": {"test": {"recall@1": 0.3}}}, queries)
    assert row.after_interval is not None
    expected = [binom.ppf(level, 100, 0.3) / 100 for level in (0.025, 0.975)]
    assert row.after_interval == pytest.approx(expected, abs=0.011)


def test_four_drawings_are_too_few_for_an_interval() -> None:
    queries = [Query(f"d{n}", "test", None, Ranking({"a": 1.0 + n}, [], [])) for n in range(5)]
    for size, given_interval in ((4, False), (5, True)):
        figure = float(np.median(np.arange(1, size + 1)))
        metrics = {"final": {"test": {"median_rank": figure}}}
        (row,) = run_page.headline(metrics, queries[:size])
        assert row.after == figure
        assert (row.after_interval is not None) == given_interval


def test_bootstraps_of_one_size_are_paired() -> None:
    values = np.random.default_rng(1).random(15)
    assert np.array_equal(bootstrap(2 * values, np.mean), 2 * bootstrap(values, np.mean))
    assert set(bootstrap(np.full(9, 0.25), np.median, repeats=50)) == {0.25}


# Broken-off runs


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_a_run_without_final_says_so_and_shows_the_baseline(run: Run, status: str) -> None:
    run.metrics |= {"status": status, "message": "Disk <full>", "best_epoch": 0, "epochs": 0}
    del run.metrics["final"]
    run.save_metrics()
    keep_rows(run.folder / "ranks.csv", "baseline")
    page = run.page()
    assert f"This run is marked {status}" in page.text
    assert "has not been evaluated" in page.text
    assert "Disk <full>" in page.text
    assert "→" not in page.text
    assert len(page.of("article")) == 24


@pytest.mark.parametrize("absent", ["metrics.csv", "ranks.csv", "config.yaml", "environment.txt"])
def test_a_missing_file_costs_its_part_only(run: Run, absent: str) -> None:
    (run.folder / absent).unlink()
    page = run.page()
    assert ("No epoch was recorded." in page.text) == (absent == "metrics.csv")
    assert ("No drawing has been ranked yet." in page.text) == (absent == "ranks.csv")
    assert f"{run.metrics['final']['test']['mrr']:.3f}" in page.text


def test_a_run_that_has_measured_nothing_renders(run: Run) -> None:
    for name in ("metrics.csv", "ranks.csv", "config.yaml", "environment.txt"):
        (run.folder / name).unlink()
    (run.folder / "metrics.json").write_text('{"status": "running"}')
    page = run.page()
    assert "Nothing has been measured on the test set yet." in page.text
    assert not page.of("article")


def test_a_finished_run_is_not_called_unfinished(run: Run) -> None:
    text = run.page().text
    assert "marked" not in text.split("What training changed")[0]
    assert "has not been evaluated" not in text


def test_damaged_tables_are_named_and_the_old_page_stays(run: Run) -> None:
    run.page()
    before = (run.folder / "report.html").read_bytes()
    ranks = run.folder / "ranks.csv"
    ranks.write_text(ranks.read_text(encoding="utf-8") + "final,test,x,[,1,2,3\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"ranks\.csv, line 50"):
        run.page()
    (run.folder / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"metrics\.json.*folder of a run"):
        run.page()
    assert (run.folder / "report.html").read_bytes() == before


# What is pictured


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=40),
    st.integers(0, 30),
)
def test_queries_are_chosen_once_and_as_titled(ranks: list[tuple[int, int]], shown: int) -> None:
    queries = [
        Query(f"d{n}", "test", Ranking({"a": before}, [], []), Ranking({"a": after}, [], []))
        for n, (before, after) in enumerate(ranks)
    ]
    parts = choose_queries(queries, shown)
    chosen = [query.drawing_id for _, part in parts for query in part]
    assert len(chosen) == len(set(chosen)) == min(shown, len(queries))
    by_title = dict(parts)
    improved = by_title.get("Most improved", [])
    gains = [before / after for before, after in ranks]
    assert [gains[int(q.drawing_id[1:])] for q in improved] == sorted(
        (gain for gain in gains if gain > 1), reverse=True
    )[: len(improved)]
    left = [q.shown.first for q in queries if q not in improved]
    worst = [q.shown.first for q in by_title.get("Worst now", [])]
    assert worst == sorted(left, reverse=True)[: len(worst)]


def test_true_artworks_among_the_nearest_are_framed(run: Run) -> None:
    page = run.page(top=8)
    with (run.folder / "ranks.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "final"]
    hits = sum(rank <= 8 for row in rows for rank in json.loads(row["relevant_ranks"]))
    framed = [attributes for attributes in page.of("li") if attributes.get("class") == "true"]
    assert len(framed) == hits
    assert len(page.of("li")) == 8 * len(rows)
