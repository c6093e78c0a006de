"""A run's results in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from drawsim.runs import read_record

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
    console.print(
        f"gallery of {record['gallery_size']} artworks, best epoch {record['best_epoch']} "
        f"by {record['monitor']}, {record['seconds']['total']:.0f} s"
    )
    if record["best_epoch"] == 0:
        console.print(f"no epoch beat the untrained model on {record['monitor']}: it was kept")
