"""Mean ± SD of every metric over a model's replicates: as CSV, Markdown and HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from drawsim.reporting.comparison.results import Results
from drawsim.reporting.kit.pages import environment
from drawsim.retrieval.metrics import registry

SET_NAMES = {
    "test": "Test set",
    "val": "Validation set",
    "train": "Training set",
    "non_train": "Validation and test sets",
}


@dataclass(frozen=True)
class Cell:
    """Mean and SD as they are printed; sd is empty for a single replicate."""

    mean: str
    sd: str
    best: bool


@dataclass(frozen=True)
class Row:
    """A model, how many replicates it has, and a cell per metric."""

    model: str
    replicates: int
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """Some metrics on one set."""

    set: str
    title: str
    metrics: list[str]
    rows: list[Row]


def summary(results: Results) -> pd.DataFrame:
    """One row per set and model: set, model, n, and `<metric>_mean`, `<metric>_sd` (n - 1) of each.

    n counts replicates: splits x seeds, and splits alone for an untrained network. The SD of a
    single one is empty.
    """
    replicates = results.scores.groupby(["set", "model", "metric"])["value"]
    stats = replicates.agg(["count", "mean", "std"])
    count, mean, sd = (stats[name].unstack("metric") for name in ("count", "mean", "std"))
    order = [(name, model) for name in results.sets for model in results.models]
    rows = [at for at in order if at in count.index]
    columns: dict[str, object] = {
        "set": [set_name for set_name, _ in rows],
        "model": [model for _, model in rows],
        "n": count.loc[rows].max(axis=1).astype(int).to_numpy(),
    }
    for metric in results.metrics:
        columns[f"{metric}_mean"] = mean[metric].loc[rows].to_numpy()
        columns[f"{metric}_sd"] = sd[metric].loc[rows].to_numpy()
    return pd.DataFrame(columns)


def make_tables(results: Results) -> list[Table]:
    """The summary as people read it: per set, a table for each family of metrics."""
    scores = summary(results)
    return [
        make_table(results, set_name, metrics, scores)
        for set_name in results.sets
        for metrics in registry.by_family(results.metrics)
    ]


def make_table(
    results: Results, set_name: str, metrics: Sequence[str], scores: pd.DataFrame | None = None
) -> Table:
    """Some metrics on one set, for people. scores: the summary, if it is there already."""
    table = summary(results) if scores is None else scores
    rows = table[table["set"] == set_name]
    columns = [_column(rows, metric) for metric in metrics]
    made = [
        Row(str(model), int(n), [column[place] for column in columns])
        for place, (model, n) in enumerate(zip(rows["model"], rows["n"], strict=True))
    ]
    return Table(set_name, SET_NAMES[set_name], list(metrics), made)


def _column(rows: pd.DataFrame, metric: str) -> list[Cell]:
    """The cells of a metric; the best are bold, all that print alike."""
    means, sds = rows[f"{metric}_mean"], rows[f"{metric}_sd"]
    best = registry.best(metric, means.dropna())
    cells = []
    for mean, sd in zip(means, sds, strict=True):
        text = registry.written(None if math.isnan(mean) else mean, metric)
        deviation = "" if math.isnan(sd) else registry.written(sd, metric)
        is_best = best is not None and text == registry.written(best, metric) and len(rows) > 1
        cells.append(Cell(text, deviation, is_best))
    return cells


# Written out


def as_markdown(tables: Sequence[Table]) -> str:
    """The tables as Markdown, with a heading for each set; the best mean is bold."""
    parts = []
    for title, same in groupby(tables, lambda table: table.title):
        parts.append(f"## {title}\n")
        for table in same:
            shown = _printed(table).replace(r"\|", r"\\|", regex=True)
            align = ["left", *["right"] * (shown.shape[1] - 1)]
            text = shown.to_markdown(index=False, disable_numparse=True, colalign=align)
            parts.append(f"{text}\n")
    return "\n".join(parts)


def _printed(table: Table) -> pd.DataFrame:
    """A table as text: model, n, and a column per metric, under the labels that people know."""

    def text(cell: Cell) -> str:
        mean = f"**{cell.mean}**" if cell.best else cell.mean
        return f"{mean} ± {cell.sd}" if cell.sd else mean

    columns = {
        registry.label(metric): [text(row.cells[place]) for row in table.rows]
        for place, metric in enumerate(table.metrics)
    }
    models = [row.model for row in table.rows]
    return pd.DataFrame({"model": models, "n": [str(r.replicates) for r in table.rows], **columns})


def as_html(tables: Sequence[Table]) -> str:
    """The tables as HTML to be pasted into a page."""
    return environment().get_template("comparison/templates/table.html.j2").render(tables=tables)
