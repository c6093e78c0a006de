"""Mean ± SD of every metric over a model's replicates: as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from drawsim.reporting.comparison.results import Results
from drawsim.reporting.kit.pages import environment, format_metric

SET_NAMES = {
    "test": "Test set",
    "val": "Validation set",
    "train": "Training set",
    "non_train": "Validation and test sets",
}
POSITIONS = ("MP", "MMP", "mean_median_position")
FAMILIES = (
    r"mrr|map|(mean|median|first|normalised)_rank",
    r"recall@\d+",
    r"precision@\d+",
    r"hit_rate@\d+",
    r"map@\d+",
    r"ndcg@\d+",
    r"MAP|R@\d+|MMP",
    r"MP|mean_median_position",
)
"""Metrics that share a table; the last two families are the thesis's."""
LATEX_SPECIALS = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
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


def lower_is_better(metric: str) -> bool:
    """Whether a metric counts places in a ranking."""
    return metric.endswith("rank") or metric in POSITIONS


def format_score(value: float, metric: str) -> str:
    """A score with the decimals of its kind: two for the thesis's percent and positions.

    >>> format_score(0.41251, "mrr"), format_score(150.25, "mean_rank"), format_score(37.416, "MAP")
    ('0.413', '150.2', '37.42')
    """
    published = metric in POSITIONS or metric == "MAP" or metric.startswith("R@")
    return f"{value:.2f}" if published else format_metric(value, metric)


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
    return [
        make_table(results, set_name, metrics)
        for set_name in results.sets
        for metrics in families(results.metrics)
    ]


def make_table(results: Results, set_name: str, metrics: Sequence[str]) -> Table:
    """Some metrics on one set, for people."""
    table = summary(results)
    rows = table[table["set"] == set_name]
    columns = [_column(rows, metric) for metric in metrics]
    made = [
        Row(str(model), int(n), [column[place] for column in columns])
        for place, (model, n) in enumerate(zip(rows["model"], rows["n"], strict=True))
    ]
    return Table(set_name, SET_NAMES[set_name], list(metrics), made)


def families(metrics: Sequence[str]) -> list[list[str]]:
    """The metrics kin by kin, each in the order given."""

    def kin(metric: str) -> int:
        found = (i for i, pattern in enumerate(FAMILIES) if re.fullmatch(pattern, metric))
        return next(found, len(FAMILIES))

    return [list(family) for _, family in groupby(sorted(metrics, key=kin), kin)]


def _column(rows: pd.DataFrame, metric: str) -> list[Cell]:
    """The cells of a metric; the best are bold, all that print alike."""
    means, sds = rows[f"{metric}_mean"], rows[f"{metric}_sd"]
    best = format_score(means.min() if lower_is_better(metric) else means.max(), metric)
    cells = []
    for mean, sd in zip(means, sds, strict=True):
        text = "–" if math.isnan(mean) else format_score(mean, metric)
        deviation = "" if math.isnan(sd) else format_score(sd, metric)
        cells.append(Cell(text, deviation, best=text == best and len(rows) > 1))
    return cells


# Written out


def as_markdown(tables: Sequence[Table]) -> str:
    """The tables as Markdown, with a heading for each set; the best mean is bold."""
    parts = []
    for title, same in groupby(tables, lambda table: table.title):
        parts.append(f"## {title}\n")
        for table in same:
            lines = [_markdown_line(["model", "n", *table.metrics])]
            lines.append(_markdown_line(["---", *["---:"] * (1 + len(table.metrics))]))
            for row in table.rows:
                cells = [
                    _with_sd(f"**{c.mean}**" if c.best else c.mean, c, " ± ") for c in row.cells
                ]
                lines.append(_markdown_line([row.model, str(row.replicates), *cells]))
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_latex(tables: Sequence[Table]) -> str:
    """The tables as LaTeX floats; they need the packages booktabs and graphicx."""
    parts = ["% \\usepackage{booktabs,graphicx}"]
    for table in tables:
        head = [_latex(metric) for metric in table.metrics]
        replicates = sorted({row.replicates for row in table.rows})
        counted = " to ".join(str(n) for n in dict.fromkeys((replicates[0], replicates[-1])))
        lines = [
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{table.title}, mean $\\pm$ SD over {counted} runs; best in bold.}}",
            "\\resizebox{\\linewidth}{!}{%",
            f"\\begin{{tabular}}{{l{'r' * len(head)}}}",
            "\\toprule",
            _latex_line(["model", *head]),
            "\\midrule",
        ]
        for row in table.rows:
            cells = []
            for c in row.cells:
                mean = "--" if c.mean == "–" else c.mean
                bold = f"\\textbf{{{mean}}}" if c.best else mean
                cells.append(_with_sd(bold, c, " $\\pm$ "))
            lines.append(_latex_line([_latex(row.model), *cells]))
        parts.append("\n".join([*lines, "\\bottomrule", "\\end{tabular}}", "\\end{table}"]))
    return "\n\n".join(parts) + "\n"


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex(text: str) -> str:
    return "".join(LATEX_SPECIALS.get(letter, letter) for letter in text)


def _with_sd(mean: str, cell: Cell, plus_minus: str) -> str:
    return f"{mean}{plus_minus}{cell.sd}" if cell.sd else mean


def as_html(tables: Sequence[Table]) -> str:
    """The tables as HTML to be pasted into a page."""
    return environment().get_template("compare_table.html.j2").render(tables=tables)
