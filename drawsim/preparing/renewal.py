"""Tables that a step makes again: what people changed in them since stays as they want it.

What a step wrote is remembered in `.prepared/` in the collection's folder. So a later run knows
which rows people took out, which they added, and which cells and columns they changed: a row that
it wrote and that is gone was taken out, a cell that it wrote otherwise was edited. Without that
record, of a table made elsewhere, the step's own columns are as the source says.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv, with_words
from drawsim.collection.problems import Problems
from drawsim.collection.summary import Summary
from drawsim.common.opening import is_there
from drawsim.common.words import counted, first_of
from drawsim.preparing.rewriting import RECORDS, rewrite

Row = dict[str, str]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Renewal:
    """A table after a run.

    rows: how many it has. changed: whether it was written. kept: how many of the rows are style
    copies made in the collection. gone: ids that it had before and the source has no more. Of what
    people did since the last run, removed: ids of rows that stay out. added: how many rows of
    theirs are kept; edited: how many cells. dropped: columns that stay out.
    """

    path: Path
    rows: int
    changed: bool
    kept: int
    gone: list[str]
    removed: list[str] = field(default_factory=list)
    added: int = 0
    edited: int = 0
    dropped: list[str] = field(default_factory=list)


IMAGE: tuple[Key, ...] = (("path",), ("id",))
PAIR: tuple[Key, ...] = (("drawing_id", "artwork_id"),)
"""Columns by which a row of images or of pairs is known again, the surest first."""


def renew(
    path: Path,
    table: pd.DataFrame,
    prepared: pd.DataFrame,
    own: Names[str],
    keys: tuple[Key, ...] = IMAGE,
    record: str | None = None,
) -> Renewal:
    """Write a table in place of the one of an earlier run, if anything has changed.

    table: what the step made. prepared: what the file has, empty if it is not there. own: columns
    that the step makes; others of the earlier table are kept. So are the rows of style copies made
    in the collection, as long as their originals are in the table. keys: columns by which a row is
    known again. record: the file in `.prepared` that remembers what the step wrote; None: it is
    called as the table is. Rows that others remember are kept like those that people added.
    """
    table = with_words(table).fillna("").astype(str)
    memory = path.parent / RECORDS / (record or path.name)
    written = _read_record(memory, keys) if len(prepared) else None
    if written is None and record is not None:
        written = prepared[:0]  # what is there is others'
    now = _Rows(prepared, keys)
    before = _Rows(prepared[:0] if written is None else written, keys)
    rows: list[Row] = []
    removed: list[str] = []
    edited = 0
    for row in _records(table):
        current, wrote = now.like(row), before.like(row)
        if current is None and wrote is not None:
            removed.append(_name(row, keys))
            continue
        changes = _changes(row, current, wrote or {}) if current and written is not None else {}
        edited += len(changes)
        others = {name: cell for name, cell in (current or {}).items() if name not in own}
        rows.append(others | row | changes)
    made = {_name(row, keys) for row in rows}
    left = [row for row in now.rest() if _name(row, keys) not in made]
    theirs = [row for row in left if _is_theirs(row, written, before)]
    ids = made | {_name(row, keys) for row in theirs}
    copies = [row for row in left if _is_copy(row, ids, path.parent)]
    known = prepared.columns if written is None else written.columns
    dropped = [
        name
        for name in table.columns
        if len(prepared) and written is not None and name in known and name not in prepared.columns
    ]
    columns = [
        *(name for name in table.columns if name not in dropped),
        *(name for name in prepared.columns if name not in own and name not in table.columns),
    ]
    new = pd.DataFrame([*rows, *theirs, *copies], columns=columns, dtype=str).fillna("")
    kept = {_name(row, keys) for row in (*theirs, *copies)}
    gone = [name for row in left if (name := _name(row, keys)) not in kept]
    changed = rewrite(new, path)
    rewrite(table, memory)
    return Renewal(
        path, len(new), changed, len(copies), gone, removed, len(theirs), edited, dropped
    )


def count_rows(summary: Summary, renewal: Renewal, what: str) -> None:
    """Enter a renewed table, and what people did to it, in the account of a step."""
    summary.files.append(renewal.path)
    summary.made[what if renewal.changed else f"{what}, all as they were"] = renewal.rows
    if renewal.kept:
        summary.made["of these style copies made in the collection, kept"] = renewal.kept
    if renewal.added:
        summary.made["of these rows that people or other steps added, kept"] = renewal.added
    if renewal.edited:
        summary.made["cells that people changed, kept"] = renewal.edited
    name = renewal.path.name
    if renewal.gone:
        summary.skipped["rows of before that this step finds no more"] = len(renewal.gone)
        summary.notes.append(
            f"ids that {name} had before and this step finds no more (the source lacks them, or "
            f"they are read by other settings), left out: {len(renewal.gone):,}, e.g. "
            f"{renewal.gone[0]}"
        )
    note_taken_out(summary, name, renewal.removed, renewal.dropped)


def renew_whole(path: Path, table: pd.DataFrame, keys: tuple[Key, ...], summary: Summary) -> bool:
    """Renew a table of which every column is the step's own; whether that changed anything.

    Rows that people took out, and cells that they changed, stay so; the account tells of them.
    """
    problems = Problems()
    needed = tuple(name for key in keys for name in key)
    empty = table.iloc[:0]
    prepared = read_csv(path, needed, problems) if path.is_file() else empty
    renewal = renew(path, table, empty if problems else prepared, list(table.columns), keys)
    note_taken_out(summary, path.name, renewal.removed, renewal.dropped)
    return renewal.changed


def note_taken_out(
    summary: Summary,
    table: str,
    removed: Sequence[str],
    dropped: Sequence[str] = (),
    record: str | None = None,
) -> None:
    """Enter in the account of a step what people took out of a table, and that it stays out.

    removed, dropped: rows and columns. record: the file in `.prepared` that remembers them, unless
    it is called as the table is.
    """
    if removed:
        what = "rows that people took out"
        summary.skipped[what] = summary.skipped.get(what, 0) + len(removed)
    if removed or dropped:
        taken = [
            f"{counted(len(removed), 'row')} ({first_of(removed, 1)})" if removed else "",
            f"columns {', '.join(dropped)}" if dropped else "",
        ]
        summary.notes.append(
            f"taken out of {table} since the last run, and left out: "
            f"{' and '.join(filter(None, taken))}; delete {RECORDS}/{record or table} to have them "
            "back"
        )


class _Rows:
    """Rows of a table, found by the first of some keys that finds one."""

    def __init__(self, table: pd.DataFrame, keys: tuple[Key, ...]) -> None:
        self._rows = _records(table)
        self._by = {
            key: {tuple(row[name] for name in key): n for n, row in enumerate(self._rows)}
            for key in keys
        }
        self._found: set[int] = set()

    def like(self, row: Mapping[str, str]) -> Row | None:
        """The row of the same image or pair."""
        for key, numbers in self._by.items():
            number = numbers.get(tuple(row[name] for name in key))
            if number is not None:
                self._found.add(number)
                return self._rows[number]
        return None

    def rest(self) -> list[Row]:
        """The rows that were not asked for."""
        return [row for number, row in enumerate(self._rows) if number not in self._found]


def _records(table: pd.DataFrame) -> list[Row]:
    columns = {str(name): list(map(str, table[name].to_numpy())) for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _changes(row: Row, current: Row, wrote: Row) -> Row:
    """Cells that people wrote since the step did, and that differ from what it has now."""
    return {
        name: current[name]
        for name in row
        if name in current and current[name] not in (wrote.get(name, ""), row[name])
    }


def _is_theirs(row: Row, written: pd.DataFrame | None, before: _Rows) -> bool:
    """Whether people added a row, as the step did not write it, and it is no style copy."""
    return written is not None and before.like(row) is None and not row.get("parent")


def _is_copy(row: Row, ids: Names[str], root: Path) -> bool:
    """Whether a row is a style copy made in the collection of one of these drawings."""
    return row.get("parent", "") in ids and is_there(root / row.get("path", ""))


def _name(row: Row, keys: tuple[Key, ...]) -> str:
    return ", ".join(row[name] for name in keys[-1])


def _read_record(record: Path, keys: tuple[Key, ...]) -> pd.DataFrame | None:
    """What the step wrote last; None if that is not known."""
    if not record.is_file():
        return None
    problems = Problems()
    table = read_csv(record, tuple(name for key in keys for name in key), problems)
    return None if problems else table
