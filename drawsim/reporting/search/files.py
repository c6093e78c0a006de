"""Results of a search as tables for people and programs: hits.csv and hits.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.csv_files import write_csv
from drawsim.common.files import write_json
from drawsim.reporting.search.page import SearchSheet

LEFT_OUT = ("overlay",)
"""Columns of hits that are pictures."""


def write_hits(sheets: Sequence[SearchSheet], out: Path, **facts: Any) -> None:
    """Write `hits.csv`, a row for each result, and `hits.json`, an entry for each query.

    facts: what else the JSON should say of the search, plain values.
    """
    tables = [_plain(sheet).assign(query=sheet.query) for sheet in sheets]
    table = pd.concat(tables, ignore_index=True)
    columns = ["query", *(name for name in table.columns if name != "query")]
    write_csv(table[columns], out / "hits.csv")
    queries = [
        {
            "query": sheet.query,
            "asked": [
                {"name": each.name, "kind": each.kind, "id": each.id}
                for each in sheet.pictures
                if not each.unlike
            ],
            "probability": None if sheet.chance is None else sheet.chance.probability,
            "probability_95": None
            if sheet.chance is None
            else [sheet.chance.low, sheet.chance.high],
            "notes": list(sheet.notes),
            "hits": [_filled(row) for row in _plain(sheet).to_dict("records")],
        }
        for sheet in sheets
    ]
    write_json(out / "hits.json", {**facts, "queries": queries})


def _plain(sheet: SearchSheet) -> pd.DataFrame:
    return sheet.hits.drop(columns=list(LEFT_OUT), errors="ignore")


def _filled(row: dict[Any, Any]) -> dict[str, Any]:
    """A result without cells that say nothing."""
    filled = {str(name): value for name, value in row.items()}
    return {k: v for k, v in filled.items() if not (v is None or v == "" or v != v)}
