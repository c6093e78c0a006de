"""A comparison in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from drawsim.reporting.comparison.page import Findings
from drawsim.reporting.comparison.tables import SET_NAMES, make_table
from drawsim.reporting.kit.console import wide_console
from drawsim.retrieval.metrics import registry


def print_findings(found: Findings, page: Path) -> None:
    """Print mean scores, which differences stand, what was left out, and where the page is."""
    console = wide_console()
    results = found.results
    scores = make_table(results, results.sets[0], registry.tested(results.metrics))
    table = Table(box=SIMPLE_HEAD, title=f"{scores.title}, means", title_justify="left")
    table.add_column("model", overflow="fold")  # names that begin alike differ at their ends
    for column in ("n", *map(registry.short_label, scores.metrics)):
        table.add_column(column, justify="right", no_wrap=True)
    for row in scores.rows:
        means = [f"[bold]{cell.mean}[/]" if cell.best else cell.mean for cell in row.cells]
        table.add_row(escape(row.model), str(row.replicates), *means)
    console.print(table)
    for name, verdicts in found.verdicts.items():
        console.print(
            f"[bold]{SET_NAMES[name]}[/]: {escape(' '.join(found.grounds[name]))}", soft_wrap=True
        )
        for verdict in verdicts:
            console.print(
                f"  [bold]{escape(verdict.model)}[/] {escape(verdict.text)}", soft_wrap=True
            )
    for note in found.notes:
        console.print(escape(f"! {note}"), style="yellow", soft_wrap=True)
    console.print(escape(f"→ {page}"), soft_wrap=True)
