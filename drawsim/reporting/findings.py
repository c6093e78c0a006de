"""What was looked at, and how it is, in the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from drawsim.reporting.kit.console import wide_console

STYLES = {"ok": "green", "missing": "yellow", "wrong": "bold red"}


def print_findings(rows: Iterable[tuple[str, str, str, str]]) -> None:
    """Print area, name, state (ok, missing or wrong) and what is said, a line each."""
    table = Table(box=SIMPLE_HEAD)
    for column in ("", "", "state", ""):
        table.add_column(column, overflow="fold")
    before = ""
    for area, name, state, said in rows:
        if area != before and before:
            table.add_section()
        shown = area if area != before else ""
        table.add_row(shown, escape(name), f"[{STYLES[state]}]{state}[/]", escape(said))
        before = area
    wide_console().print(table)
