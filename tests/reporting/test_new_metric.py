"""One entry in the registry, and a metric is in every table, page, chart and summary."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from drawsim.reporting.comparison.latex import latex_tables
from drawsim.reporting.comparison.page import compare
from drawsim.reporting.comparison.results import read_runs
from drawsim.reporting.comparison.tables import as_html, as_markdown
from drawsim.reporting.run.console import print_results
from drawsim.reporting.run.page import write_report
from drawsim.retrieval.metrics import registry
from drawsim.retrieval.metrics.functions import metric_values
from drawsim.retrieval.metrics.metric import Metric
from drawsim.retrieval.metrics.query_ranks import Floats, QueryRanks
from tests.html_page import Page
from tests.reporting.comparison.compared import ladder, make_run

NAME, LABEL = "last_hit", "Last hit"


def _last(q: QueryRanks) -> Floats:
    return q.total(q.rank * (q.place == q.relevant[q.query]))


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Metric:
    """A metric of which lower values are better, and which stands first."""
    metric = Metric(
        name=NAME,
        label=LABEL,
        family="list",
        higher_is_better=False,
        unit="rank",
        description="The rank at which the last true one is found.",
        formula="r_m",
        headline=(NAME,),
        tested=(NAME,),
        compute=_last,
    )
    monkeypatch.setattr(registry, "METRICS", (*registry.all_metrics(), metric))
    return metric


@pytest.fixture
def study(tmp_path: Path, added: Metric) -> Path:
    """Two runs that were measured with the metric."""
    sets = {"test": [f"a{n}" for n in range(9)], "val": [f"b{n}" for n in range(9)], "train": ["t"]}
    before = {name: ladder(drawings, 3) for name, drawings in sets.items()}
    for split in ("v0", "v1"):
        after = {name: ladder(drawings, 2) for name, drawings in sets.items()}
        folder = make_run(tmp_path / "study", split=split, before=before, after=after)
        record: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        for model, own in (("baseline", before), ("final", after)):
            for name, ranks in own.items():
                values = metric_values(QueryRanks.of_lists(list(ranks.values()), 40))
                record[model][name][NAME] = float(values[NAME].mean())
        record |= {
            "counts": {name: {"queries": len(d), "pairs": len(d)} for name, d in sets.items()},
            "monitor": "val/mrr",
            "seconds": {"total": 1.0},
        }
        (folder / "metrics.json").write_text(json.dumps(record), encoding="utf-8")
        with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        with (folder / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], f"val/{NAME}"])
            writer.writeheader()
            writer.writerows({**row, f"val/{NAME}": 9 - n} for n, row in enumerate(rows))
    return tmp_path / "study"


def test_it_is_computed(added: Metric) -> None:
    values = metric_values(QueryRanks.of_lists([[1.0, 5.0], [2.0]], 40))
    assert values[NAME].tolist() == [5.0, 2.0]


def test_it_is_printed(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_results(next(study.iterdir()))
    assert LABEL in capsys.readouterr().out


def test_it_is_on_the_page_of_a_run(study: Path) -> None:
    page = Page(write_report(next(study.iterdir()), {}, {}).read_text(encoding="utf-8"))
    html = page.text
    first, rest = html.split("Learning curves")
    assert LABEL in first
    assert "The rank at which the last true one is found." in first
    charts, tables = rest.split("All metrics", 1)
    assert LABEL in charts
    assert LABEL in tables


def test_it_is_compared(study: Path) -> None:
    found = compare(read_runs([study]), None)
    for text in (as_markdown(found.tables), latex_tables(found), as_html(found.tables)):
        assert LABEL in text
    own = [c for c in found.comparisons if c.metric == NAME]
    assert own
    assert all(c.better for c in own)  # the trained one finds the last one sooner
    cells = [
        (row.model, cell.best)
        for table in found.tables
        if NAME in table.metrics and table.set == "test"
        for row in table.rows
        for cell in [row.cells[table.metrics.index(NAME)]]
    ]
    assert [best for _, best in cells] == [False, True]
