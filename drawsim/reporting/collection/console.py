"""A step of preparation in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drawsim.collection.summary import Summary
from drawsim.common.words import of_one


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
            said = of_one(what) if count == 1 else what
            table.add_row("" if number else heading, f"{count:,}", escape(said))
    console.print(f"[bold]prepare step={step}[/]")
    console.print(table)
    for note in summary.notes:
        console.print(escape(f"! {note}"), style="yellow", soft_wrap=True)
    for path in summary.files:
        console.print(escape(f"→ {path}"), soft_wrap=True)
