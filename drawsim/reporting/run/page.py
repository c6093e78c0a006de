"""The result page of a run: `report.html`, one file that shows everything without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from drawsim.common.files import write_text
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.decisions import decisions
from drawsim.reporting.kit.pages import environment
from drawsim.reporting.kit.stages import Stage, learnt_nothing, stages
from drawsim.reporting.kit.thumbnails import SIDE, make_sheet
from drawsim.reporting.run.curves import curve_panels, run_charts
from drawsim.reporting.run.headline import headline
from drawsim.reporting.run.reading import (
    SETS,
    Query,
    read_epochs,
    read_lines,
    read_metrics,
    read_optional,
    read_queries,
)
from drawsim.retrieval.analysis.intervals import REPEATS
from drawsim.retrieval.metrics import registry
from drawsim.runs.folder import in_starts
from drawsim.runs.settings import read_values

TRUE_SHOWN = 4  # true artworks pictured per drawing


def write_report(
    run: Path,
    drawings: Mapping[str, Path],
    artworks: Mapping[str, Path],
    *,
    captions: Captions | None = None,
    queries_shown: int = 24,
    top: int = 8,
) -> Path:
    """Write `run/report.html` from what the run folder holds and return its path.

    `drawings` and `artworks` give the image file of each id; a missing or unreadable picture
    becomes an empty tile. captions: what pictures are called; None: their ids. For each set at most
    `queries_shown` drawings are pictured, each with its `top` nearest artworks. A run that was
    broken off is shown as far as it went.

    Raises UserError if the folder has no readable `metrics.json`, or its tables are damaged.
    """
    metrics = read_metrics(run / "metrics.json")
    measured = stages(metrics)
    config_text = read_optional(run / "config.yaml")
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
        .get_template("run/templates/report.html.j2")
        .render(
            metrics=metrics,
            in_starts=in_starts(metrics),
            config=read_values(run) if config_text else {},
            config_text=config_text,
            sets=SETS,
            headline=headline(metrics, queries["test"]),
            repeats=REPEATS,
            charts=run_charts(
                curve_panels(read_epochs(run / "metrics.csv"), metrics["baseline"]),
                metrics.get("best_epoch"),
            ),
            metric_families=registry.by_family(
                name for stage in measured for values in stage.scores.values() for name in values
            ),
            stages=measured,
            decisions=decisions(metrics),
            learnt_nothing=learnt_nothing(metrics),
            among_ten=_among_ten(measured, queries["test"]),
            captions=captions or Captions(),
            queries=queries,
            pair_counts={name: metrics["counts"].get(name, {}).get("pairs", 0) for name in SETS},
            groups=groups,
            anchors={(query.set, query.drawing_id): f"q{n}" for n, query in enumerate(pictured)},
            top=top,
            true_shown=TRUE_SHOWN,
            sheet=sheet,
            side=SIDE,
            drawing_symbol=lambda drawing_id: sheet.symbol(drawings.get(drawing_id)),
            artwork_symbol=lambda artwork_id: sheet.symbol(artworks.get(artwork_id)),
            environment=[line.partition(":") for line in read_lines(run / "environment.txt")],
            files=_contents(run),
            written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        )
    )
    path = run / "report.html"
    write_text(path, page)
    return path


def _among_ten(measured: Sequence[Stage], queries: Sequence[Query]) -> list[tuple[Stage, int]]:
    """For how many drawings each stage finds a true artwork among the first ten, where known."""
    names = [stage.name for stage in measured]
    found = []
    for stage in measured:
        rankings = [query.at(stage.name, names) for query in queries]
        known = [ranking for ranking in rankings if ranking is not None]
        if len(known) == len(queries):
            found.append((stage, sum(ranking.first <= 10 for ranking in known)))
    return found


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
    if query.untrained is None or query.final is None:
        return 1.0
    return query.untrained.first / query.final.first


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
