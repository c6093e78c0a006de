"""What could not be had from other people's servers, and why: a table in the collection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.problems import Problems
from drawsim.collection.summary import Summary
from drawsim.common.words import head
from drawsim.preparing.rewriting import rewrite

NAME = "not_fetched.csv"
COLUMNS = ("source", "id", "url", "reason")
SHOWN = 8


def list_failed(
    summary: Summary, out: Path, source: str, failed: Sequence[tuple[str, str, str]]
) -> None:
    """List what failed of a source: id (or ""), address, reason; of other sources it stays."""
    path = out / NAME
    problems = Problems()
    empty = pd.DataFrame(columns=list(COLUMNS), dtype=str)
    before = read_csv(path, COLUMNS, problems) if path.is_file() else empty
    others = empty if problems else before[before["source"] != source]
    rows = pd.DataFrame([(source, *row) for row in failed], columns=list(COLUMNS), dtype=str)
    table = pd.concat([others, rows])
    if table.empty:
        path.unlink(missing_ok=True)
        return
    rewrite(table, path)
    summary.files.append(path)
    if failed:
        told = [f"{url}: {reason}" for _, url, reason in failed]
        summary.notes += head(told, "that cannot be had", SHOWN)
        summary.notes.append(f"what failed is in {path}; the same command tries it again")
