"""The result page of a run, read back as a browser would."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.decisions import decisions
from drawsim.reporting.run.page import choose_queries
from drawsim.reporting.run.reading import Query, Ranking
from drawsim.retrieval.metrics import registry
from tests.reporting.run.conftest import HOSTILE, KS, Run, keep_rows

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
    assert not re.search(r"url\((?!#)|@import|https?://|fetch\(", code)


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
    marks = {attributes["id"] for attributes in page.of("path") if "id" in attributes}
    assert (set(used) | {"none"}) - marks == set(symbols)
    assert max(used[symbol] for symbol in symbols) > 1
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
    rows = dict(
        re.findall(r'<tr><th scope="row" title="[^"]+">([^<]+)</th>(.*?)</tr>', table, re.DOTALL)
    )
    names = {"MRR": "mrr", "MAP": "map"}
    assert len(rows) == 5 + 2 * len(KS)
    for label, cells in rows.items():
        metric = names.get(label, label.lower().replace(" ", "_"))
        expected = []
        for name in ("train", "val", "test"):
            pair = [run.metrics[model][name][metric] for model in ("baseline", "final")]
            better = (min if registry.find(metric).unit == "rank" else max)(pair)
            expected += [(value, value == better and pair[0] != pair[1]) for value in pair]
        found = [
            (float(re.search(r'value="([^"]+)"', cell)[1]), "<strong>" in cell)  # type: ignore[index]
            for cell in re.findall(r"<td.*?</td>", cells, re.DOTALL)
        ]
        assert found == expected


def test_a_run_that_learnt_nothing_says_so(run: Run) -> None:
    assert "Nothing was learnt" not in run.page().text
    run.metrics |= {"best_epoch": 0, "epochs": 3}
    run.save_metrics()
    assert "No epoch beat the untrained model on val/mrr: it was kept" in run.page().text


# Broken-off runs


DECIDED = {
    **{"stage": "spatial", "kept": False, "metric": "mrr", "without": 0.5, "with": 0.4},
    **{"difference": -0.1, "low": -0.25, "high": 0.05, "queries": 34},
    **{"judged_on": "training and validation", "before_training": True, "why": "as <it> is"},
}


def test_decisions_stand_with_their_figures(run: Run) -> None:
    run.metrics["decisions"] = [DECIDED]
    run.save_metrics()
    text = run.page().text
    assert "34 drawings of training and validation" in text
    assert "-0.100" in text
    assert "-0.250 to +0.050" in text
    assert "as <it> is" in text
    loose = [DECIDED, {"stage": "learnt", "without": None}, "no decision"]
    first, second = decisions({"decisions": loose})
    assert first.line == (
        "spatial: off, MRR 0.500 → 0.400 (-0.100, 95 % -0.250 to +0.050), "
        "on 34 drawings of training and validation; as <it> is"
    )
    assert second.line == "learnt: kept"


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


def test_titles_and_artists_stand_before_ids(run: Run) -> None:
    table = pd.DataFrame({"title": ["Ni", ""], "artist": ["Paul_Klee", ""]}, index=["a2", "a3"])
    text = " ".join(run.page(Captions({"artwork": table})).text.split())
    assert "Ni Paul Klee a2" in text
    assert "Ni, Paul Klee a2" in text  # in the table of all drawings
    assert "nan" not in text
