"""How the cells of a table are separated: by commas, or as spreadsheets of other countries do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drawsim.collection.columns import renamed

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars (|)"}
_SEP_LINE = re.compile(r'"?sep=([^\r\n"])"?\r?\n?', re.IGNORECASE)
HEADER_LETTERS = 2_000_000
"""Characters that a header may have."""
MOST_COLUMNS = 16_384
"""As many as a sheet of Excel has."""
_SAMPLE = 100  # rows by which separators are compared, and letters enough for them
_SAMPLE_LETTERS = 200_000


@dataclass(frozen=True)
class Dialect:
    """separator: one letter. body: the table from its header on. header: the first row.

    told: whether a line `sep=` said so. blank: how many empty lines were above.
    """

    separator: str
    body: str
    header: list[str]
    told: bool = False
    blank: int = 0

    @property
    def words(self) -> str:
        """What is unusual about it, for people; empty for commas."""
        name = SEPARATORS.get(self.separator, repr(self.separator))
        if self.told:
            return f"a line sep={self.separator} before the header"
        return "" if self.separator == "," else f"separated by {name}"


def dialect(text: str, required: Sequence[str]) -> Dialect | str:
    """How the cells of a table are separated; or why that cannot be told.

    A line `sep=;` before the header, which Excel writes and reads, says it. Otherwise it is the one
    separator that the header has outside quotes; of several the one that gives it the required
    columns, else that by which all rows have as many cells. Raises csv.Error for a broken header,
    or one of more than `HEADER_LETTERS` or `MOST_COLUMNS`.

    >>> dialect("id;path;size, cm\\n1;a.png;3", ("id", "path")).separator
    ';'
    """
    if found := _SEP_LINE.match(text):
        body = text[found.end() :]
        header = _first_row(body, found[1])
        if isinstance(header, csv.Error):
            raise header
        return Dialect(found[1], body, header, told=True)
    whole, text = text, text.lstrip("\r\n")
    blank = whole[: len(whole) - len(text)].count("\n")
    headers = _headers(text)
    used = [mark for mark, header in headers.items() if len(header) > 1]
    named = [m for m in used if required and not set(required) - set(renamed(headers[m]).values())]
    even = [mark for mark in used if _is_even(text, mark, len(headers[mark]))]
    for choice in (used, named, even):
        if len(choice) == 1:
            return Dialect(choice[0], text, headers[choice[0]], blank=blank)
    if not used or "," in even:
        return Dialect(",", text, headers[","], blank=blank)
    names = " or ".join(SEPARATORS[mark] for mark in used)
    return f"cells may be separated by {names}"


def _headers(text: str) -> dict[str, list[str]]:
    """The first row by each separator; empty by one that makes a cell too large of it.

    Raises csv.Error if there is such a one and no other separates anything.
    """
    rows = {mark: _first_row(text, mark) for mark in SEPARATORS}
    errors = [row for row in rows.values() if isinstance(row, csv.Error)]
    if errors and not any(isinstance(row, list) and len(row) > 1 for row in rows.values()):
        raise errors[0]
    return {mark: [] if isinstance(row, csv.Error) else row for mark, row in rows.items()}


def _first_row(text: str, separator: str) -> list[str] | csv.Error:
    """The first row that is not empty, or why there can be none: it is larger than any header."""
    sample = text[: HEADER_LETTERS + 1]
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        row = next((row for row in rows if row), [])
    except csv.Error as error:
        if len(sample) > csv.field_size_limit() and "field larger" in str(error):
            return csv.Error(
                f"the name of a column has more than {csv.field_size_limit():,} characters: "
                'a quotation mark (") may be left open'
            )
        return error
    if len(sample) < len(text) and not _has_more(rows):
        return csv.Error(f"the header has more than {HEADER_LETTERS:,} characters")
    if len(row) > MOST_COLUMNS:
        return csv.Error(f"it has {len(row):,} columns, more than {MOST_COLUMNS:,}")
    return row


def _has_more(rows: Iterator[list[str]]) -> bool:
    try:
        return next(rows, None) is not None
    except csv.Error:  # a cell that is too large for this reader, after the header
        return True


def _is_even(text: str, separator: str, cells: int) -> bool:
    """Whether the first rows have as many cells as the header; rows without any do not count."""
    sample = text[:_SAMPLE_LETTERS]
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        sizes = [len(row) for row, _ in zip(rows, range(_SAMPLE), strict=False) if row]
    except csv.Error:
        return False
    return all(size == cells for size in sizes[: -1 if len(sample) < len(text) else None])
