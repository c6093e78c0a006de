"""The result page of a run: `report.html`, one file that shows everything without a network."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from drawsim.common.errors import UserError
from drawsim.common.files import write_text
from drawsim.reporting.kit.charts import run_charts
from drawsim.reporting.kit.pages import environment
from drawsim.reporting.kit.thumbnails import SIDE, make_sheet
from drawsim.retrieval.analysis.intervals import REPEATS, bootstrap, percentile_interval
from drawsim.runs.settings import read_values

SETS = ("test", "val", "train")
MODELS = ("baseline", "final")
HEADLINE = ("mrr", "recall@1", "recall@10", "recall@20", "median_rank")
TRUE_SHOWN = 4  # true artworks pictured per drawing
FEWEST_QUERIES = 5  # below that, resampling says nothing


@dataclass(frozen=True)
class Ranking:
    """How one model ranked the gallery for one drawing; ranks are 1-based, ties fractional."""

    ranks: dict[str, float]
    top_ids: list[str]
    top_scores: list[float]

    @property
    def first(self) -> float:
        """The rank of the nearest true artwork."""
        return min(self.ranks.values())


@dataclass(frozen=True)
class Query:
    """A drawing of one set, ranked by the untrained and by the trained model where available."""

    drawing_id: str
    set: str
    baseline: Ranking | None
    final: Ranking | None

    @property
    def shown(self) -> Ranking:
        """The ranking that is pictured: the trained model's, else the untrained one's."""
        ranking = self.final or self.baseline
        assert ranking is not None
        return ranking


@dataclass(frozen=True)
class HeadlineRow:
    """A headline metric before and after training, each with its 95 % interval where known.

    `change` is the factor of improvement: after / before, or before / after for ranks.
    """

    metric: str
    before: float | None
    after: float | None
    before_interval: tuple[float, float] | None
    after_interval: tuple[float, float] | None
    change: float | None
    change_interval: tuple[float, float] | None


def write_report(
    run: Path,
    drawings: Mapping[str, Path],
    artworks: Mapping[str, Path],
    *,
    queries_shown: int = 24,
    top: int = 8,
) -> Path:
    """Write `run/report.html` from what the run folder holds and return its path.

    `drawings` and `artworks` give the image file of each id; a missing or unreadable picture
    becomes an empty tile. For each set at most `queries_shown` drawings are pictured, each with
    its `top` nearest artworks. A run that was broken off is shown as far as it went.

    Raises UserError if the folder has no readable `metrics.json`, or its tables are damaged.
    """
    metrics = read_metrics(run / "metrics.json")
    config_text = _read_optional(run / "config.yaml")
    queries = read_queries(run / "ranks.csv")
    groups = {name: choose_queries(queries[name], queries_shown) for name in SETS}

    pictured = [query for parts in groups.values() for _, part in parts for query in part]
    files = [drawings.get(query.drawing_id) for query in pictured]
    for query in pictured:
        ids = [*query.shown.top_ids[:top], *list(query.shown.ranks)[:TRUE_SHOWN]]
        files.extend(artworks.get(artwork_id) for artwork_id in ids)
    sheet = make_sheet(file for file in files if file is not None)

    page = (
        environment()
        .get_template("run_page.html.j2")
        .render(
            metrics=metrics,
            config=read_values(run) if config_text else {},
            config_text=config_text,
            sets=SETS,
            headline=headline(metrics, queries["test"]),
            repeats=REPEATS,
            charts=run_charts(metrics, read_epochs(run / "metrics.csv")),
            metric_families=_metric_families(metrics),
            queries=queries,
            groups=groups,
            anchors={(query.set, query.drawing_id): f"q{n}" for n, query in enumerate(pictured)},
            top=top,
            true_shown=TRUE_SHOWN,
            sheet=sheet,
            side=SIDE,
            drawing_symbol=lambda drawing_id: sheet.symbol(drawings.get(drawing_id)),
            artwork_symbol=lambda artwork_id: sheet.symbol(artworks.get(artwork_id)),
            environment=[line.partition(":") for line in _lines(run / "environment.txt")],
            files=_contents(run),
            written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        )
    )
    path = run / "report.html"
    write_text(path, page)
    return path


# The headline and its uncertainty


def headline(metrics: Mapping[str, Any], queries: Sequence[Query]) -> list[HeadlineRow]:
    """The test set's headline metrics, with percentile bootstrap intervals over its queries.

    The figures are those of `metrics.json`. An interval is given only where `ranks.csv`
    reproduces the figure, so that it can never belong to another definition of the metric.
    """
    before = metrics.get("baseline", {}).get("test", {})
    after = metrics.get("final", {}).get("test", {})
    return [
        _headline_row(name, before.get(name), after.get(name), queries)
        for name in HEADLINE
        if name in before or name in after
    ]


def _headline_row(
    name: str, before: float | None, after: float | None, queries: Sequence[Query]
) -> HeadlineRow:
    before_sample = _resampled(name, before, [query.baseline for query in queries])
    after_sample = _resampled(name, after, [query.final for query in queries])
    ends = [(before, before_sample), (after, after_sample)]
    (below, below_sample), (above, above_sample) = ends[::-1] if name.endswith("rank") else ends
    return HeadlineRow(
        metric=name,
        before=before,
        after=after,
        before_interval=_interval(before_sample),
        after_interval=_interval(after_sample),
        change=above / below if above is not None and below else None,
        change_interval=_ratio_interval(above_sample, below_sample),
    )


def _resampled(
    name: str, figure: float | None, rankings: Sequence[Ranking | None]
) -> NDArray[np.float64] | None:
    """The metric's bootstrap sample; None where the rankings do not carry the figure."""
    known = [ranking for ranking in rankings if ranking is not None]
    if figure is None or len(known) < max(FEWEST_QUERIES, len(rankings)):
        return None
    values = np.array([query_value(name, list(ranking.ranks.values())) for ranking in known])
    centre = np.median if name == "median_rank" else np.mean
    if not math.isclose(centre(values), figure, rel_tol=1e-3, abs_tol=1e-4):
        return None
    return bootstrap(values, centre)


def query_value(name: str, ranks: Sequence[float]) -> float:
    """What one query with true artworks at `ranks` adds to a headline metric.

    MRR is the mean of 1 / first rank, recall@k the mean share of the true artworks at ranks up to
    k (Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8); the
    median rank is the median of the first ranks.
    """
    if name == "mrr":
        return 1.0 / min(ranks)
    if name == "median_rank":
        return min(ranks)
    k = int(name.removeprefix("recall@"))
    return sum(rank <= k for rank in ranks) / len(ranks)


def _interval(sample: NDArray[np.float64] | None) -> tuple[float, float] | None:
    if sample is None:
        return None
    return percentile_interval(sample)


def _ratio_interval(
    above: NDArray[np.float64] | None, below: NDArray[np.float64] | None
) -> tuple[float, float] | None:
    if above is None or below is None or not below.all():
        return None
    return _interval(above / below)


# What is pictured


def choose_queries(queries: Sequence[Query], shown: int) -> list[tuple[str, list[Query]]]:
    """Which drawings of a set to picture, and under what title: at most `shown`, each once.

    A third are those whose first rank fell by the largest factor, a third those that rank worst
    now, the rest an even sample of the others from nearest to farthest.
    """
    third = min(shown, len(queries)) // 3
    by_rank = sorted(queries, key=lambda query: (query.shown.first, query.drawing_id))
    by_gain = sorted(by_rank, key=_gain, reverse=True)
    improved = [query for query in by_gain if _gain(query) > 1][:third]
    left = [query for query in by_rank if query not in improved]
    worst = [query for query in reversed(left) if query.shown.first > 1][:third]
    left = [query for query in left if query not in worst]
    places = min(shown - len(improved) - len(worst), len(left))
    sample = [left[index * len(left) // places] for index in range(places)]
    others = "The rest" if places == len(left) else "A sample of the rest"
    parts = [("Most improved", improved), ("Worst now", worst), (others, sample)]
    return [(title, part) for title, part in parts if part]


def _gain(query: Query) -> float:
    if query.baseline is None or query.final is None:
        return 1.0
    return query.baseline.first / query.final.first


def _metric_families(metrics: Mapping[str, Any]) -> list[list[str]]:
    """Every metric of the run, kin by kin: averages, each family by k, ranks."""
    measured = [*metrics["baseline"].values(), *metrics["final"].values()]
    names = {name for values in measured for name in values}
    kinds = ("recall@", "precision@", "hit_rate@", "map@", "ndcg@")

    def kind(name: str) -> int:
        if name in ("mrr", "map"):
            return -1
        family = "".join(name.partition("@")[:2])
        return kinds.index(family) if family in kinds else len(kinds)

    ordered = sorted(names, key=lambda name: (kind(name), int(name.partition("@")[2] or 0), name))
    return [list(family) for _, family in groupby(ordered, kind)]


# Reading the run folder


def read_metrics(path: Path) -> dict[str, Any]:
    """A run's `metrics.json`, with `baseline`, `final` and `counts` empty where it has none.

    Raises UserError if there is no such table.
    """
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: no readable metrics ({error}); is {path.parent} the folder of a run?"
        ) from error
    if not isinstance(metrics, dict):
        raise UserError(f"{path}: holds no table of metrics; run the training again.")
    # A broken-off run may have left these out or empty.
    return metrics | {key: metrics.get(key) or {} for key in ("baseline", "final", "counts")}


def _read_optional(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _lines(path: Path) -> list[str]:
    return [line for line in _read_optional(path).splitlines() if line.strip()]


def read_epochs(path: Path) -> list[dict[str, float]]:
    """The rows of `metrics.csv`; cells that are blank or not finite numbers are left out."""
    epochs: list[dict[str, float]] = []
    for row in csv.DictReader(_read_optional(path).splitlines()):
        epochs.append({})
        for column, text in row.items():
            with suppress(TypeError, ValueError):
                if math.isfinite(number := float(text)):
                    epochs[-1][column] = number
    return [row for row in epochs if "epoch" in row]


def read_queries(path: Path) -> dict[str, list[Query]]:
    """The queries of each set, in the order of the file; empty if there is no `ranks.csv`."""
    found: dict[tuple[str, str], dict[str, Ranking]] = {}
    rows = csv.DictReader(io.StringIO(_read_optional(path)))
    try:
        for row in rows:
            if row["model"] not in MODELS or row["set"] not in SETS:
                raise ValueError(f"unknown model {row['model']!r} or set {row['set']!r}")
            ids, ranks = json.loads(row["relevant_ids"]), json.loads(row["relevant_ranks"])
            found.setdefault((row["set"], row["drawing_id"]), {})[row["model"]] = Ranking(
                dict(zip(ids, ranks, strict=True)),
                json.loads(row["top_ids"]),
                json.loads(row["top_scores"]),
            )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}, line {rows.line_num}: cannot be read ({error!r}); evaluate the run again."
        ) from error
    queries: dict[str, list[Query]] = {name: [] for name in SETS}
    for (name, drawing_id), models in found.items():
        query = Query(drawing_id, name, models.get("baseline"), models.get("final"))
        queries[name].append(query)
    return queries


def _contents(run: Path) -> list[tuple[str, str, int]]:
    """What lies in the run folder: name, relative link and bytes, hidden files left out."""
    contents = []
    for path in sorted(run.iterdir()):
        if path.name.startswith(".") or path.name == "report.html":
            continue
        inside = path.rglob("*") if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in inside if file.is_file())
        name = path.name + ("/" if path.is_dir() else "")
        # The leading ./ keeps a colon in the name from being read as a scheme.
        contents.append((name, "./" + quote(name), size))
    return contents
