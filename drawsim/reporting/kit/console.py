"""Results in the terminal: of a run, of a step of preparation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drawsim.collection.summary import Summary
from drawsim.runs.folder import read_record

SHORT = {"mean_position": "MP", "mean_min_position": "MMP", "mean_median_position": "median pos."}
SHOWN = ("mrr", "map", "recall@1", "recall@10", "recall@20", "median_rank")


def print_results(run: Path) -> None:
    """Print baseline and final metrics of val and test."""
    record = read_record(run)
    table = Table(
        box=SIMPLE_HEAD, title=f"{record['study']} / {record['name']}", title_justify="left"
    )
    for column in ("set", "model", "n", *SHOWN):
        short = column.replace("recall", "R").replace("median_rank", "median rank")
        table.add_column(short, justify="left" if column in ("set", "model") else "right")
    for name in ("val", "test"):
        for model in ("baseline", "final"):
            scores = record[model][name]
            cells = [f"{scores[m]:.1f}" if "rank" in m else f"{scores[m]:.3f}" for m in SHOWN]
            table.add_row(name, model, str(record["counts"][name]["queries"]), *cells)
    console = Console()
    console.print(table)
    how = f"best epoch {record['best_epoch']} by {record['monitor']}"
    if "keep" in record:
        how = f"epoch {record['best_epoch']} kept (keep={record['keep']})"
    seconds = f"{record['seconds']['total']:.0f} s"
    console.print(f"gallery of {record['gallery_size']} artworks, {how}, {seconds}")
    if record["best_epoch"] == 0 and "keep" not in record:
        console.print(f"no epoch beat the untrained model on {record['monitor']}: it was kept")


def print_metrics(metrics: Mapping[str, Mapping[str, Mapping[str, float]]], out: Path) -> None:
    """Print the metrics of an evaluation, model -> set -> metric, and where the rest lies."""
    console = Console(highlight=False)
    console.width = max(console.width, 110)  # a table that is cut is worse than one that wraps
    first = next(values for sets in metrics.values() for values in sets.values() if values)
    # the thesis's protocol has its own few metrics, all of which are shown
    shown = [name for name in SHOWN if name in first] if "mrr" in first else list(first)
    table = Table(box=SIMPLE_HEAD)
    for column in ("set", "model", *shown):
        table.add_column(
            SHORT.get(column, column.replace("recall", "R").replace("R_", "R@").replace("_", " ")),
            justify="left" if column in ("set", "model") else "right",
            no_wrap=True,
        )
    for name in dict.fromkeys(name for sets in metrics.values() for name in sets):
        for model, sets in metrics.items():
            if scores := sets[name]:
                places = ("rank", "position")
                cells = [f"{scores[m]:.{1 if m.endswith(places) else 3}f}" for m in shown]
                table.add_row(name, model, *cells)
    console.print(table)
    console.print(escape(f"→ {out}"), soft_wrap=True)


def print_summary(step: str, summary: Summary) -> None:
    """Print what a preparation step read, made and skipped, and what it wants looked at."""
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for heading, counts in (
        ("read", summary.read),
        ("made", summary.made),
        ("skipped", summary.skipped),
    ):
        for number, (what, count) in enumerate(counts.items()):
            table.add_row("" if number else heading, f"{count:,}", escape(what))
    console.print(f"[bold]prepare step={step}[/]")
    console.print(table)
    for note in summary.notes:
        console.print(escape(f"! {note}"), style="yellow", soft_wrap=True)
    for path in summary.files:
        console.print(escape(f"→ {path}"), soft_wrap=True)
