"""Schemes for artworks: what museums' tables call their columns, and how their files are named.

A scheme is configuration (`conf/scheme/*.yaml` with `of: artworks`), so that another museum needs
no code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.columns import offer
from drawsim.collection.csv_files import read_csv
from drawsim.collection.names import named_artist
from drawsim.collection.problems import Problem, Problems
from drawsim.collection.years import span_of
from drawsim.common.errors import UserError, brief, nearest
from drawsim.common.opening import CannotOpenError, read_regular

SETTINGS = (
    *("name", "of", "columns", "rows", "separator", "id_pattern", "url_size"),
    *("pattern", "spaces", "capitals"),
)
LARGEST = 1 << 30
"""Bytes of a JSON table; it is read as a whole."""
DEEPEST = 6
"""Levels of a JSON row that become columns."""
JOINED = "; "


@dataclass(frozen=True)
class Museum:
    """What is known of a museum's tables and files; made by `load_museum`.

    columns: drawsim's column -> the table's, the first that has a value counts; in JSON, names
    within names are joined by dots. `url` is where an image can be fetched. rows: where in a JSON
    file the list of rows is. separator: what stands between several values of a cell. id_pattern:
    the part of an id that is kept. url_size: a pattern in addresses of images and what is put in
    its place, `{size}` being the pixels that are asked for. pattern: of names of files; its named
    groups are columns, `spaces` are letters that stand for a space, and words of the columns
    `capitals` begin with a capital letter.
    files: of images that were fetched, by id.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    rows: str = ""
    separator: str = ""
    id_pattern: re.Pattern[str] | None = None
    url_size: tuple[re.Pattern[str], str] | None = None
    pattern: re.Pattern[str] | None = None
    spaces: str = ""
    capitals: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    endings: tuple[str, ...] = (".csv", ".tsv", ".json", ".jsonl")

    def with_columns(self, named: Mapping[str, str | None]) -> Museum:
        """The same where a user calls some columns otherwise."""
        own = {known: (given,) for known, given in named.items() if given is not None}
        return replace(self, columns={**self.columns, **own})

    def with_files(self, files: Mapping[str, Path]) -> Museum:
        """The same where the images of some ids have been fetched."""
        return replace(self, files=files)

    def read(self, source: Path, problems: Problems) -> pd.DataFrame:
        """The table with the columns of drawsim that it has, all text.

        What is wrong is entered in `problems`. Raises UserError for what cannot be read at all.
        """
        found = list(self._found(source, problems))
        if problems:
            return pd.DataFrame(columns=["id"])
        names = {name for row in found for name in row}
        wanted = self.columns["id"]
        if not names & set(wanted):
            what = (
                f"no column {' or '.join(map(brief, wanted))}, which scheme {self.name} has ids in"
            )
            problems.append(Problem(source.name, 1, what, offer(wanted[:1], sorted(names))))
        rows = [self._row(each) for each in found]
        own = list(dict.fromkeys(["id", *(name for row in rows for name in row)]))
        return pd.DataFrame(rows, columns=own, dtype=str).fillna("")

    def of_name(self, name: str) -> dict[str, str] | None:
        """What the path of a file says, its ending left out; None: it is not named so."""
        if self.pattern is None:
            return None
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        cells = {}
        for column, text in match.groupdict().items():
            plain = (text or "").translate({ord(letter): " " for letter in self.spaces})
            words = " ".join(plain.split())
            cells[column] = _capitals(words) if column in self.capitals else words
        return completed(cells)

    def url(self, row: Mapping[str, str], size: int) -> str:
        """The address of a row's image at a size; "": it has none."""
        url = row.get("url", "").split(JOINED)[0]
        if url and self.url_size:
            pattern, put = self.url_size
            url = pattern.sub(put.replace("{size}", str(size)), url, count=1)
        return url

    def _found(self, source: Path, problems: Problems) -> Iterator[dict[str, str]]:
        """Rows as the file has them."""
        if source.suffix.lower() in (".csv", ".tsv"):
            table = read_csv(source, (), problems)
            for row in table.to_dict("records"):
                yield {str(name): str(cell) for name, cell in row.items()}
            return
        for each in _json_rows(source, self.rows):
            flat: dict[str, str] = {}
            _flatten(each, "", flat, 0)
            yield flat

    def _row(self, found: Mapping[str, str]) -> dict[str, str]:
        row = {}
        for column, names in self.columns.items():
            cell = next((text for name in names if (text := found.get(name, "").strip())), "")
            if self.separator and column != "url":
                cell = JOINED.join(filter(None, map(str.strip, cell.split(self.separator))))
            if cell:
                row[column] = cell
        if self.id_pattern and (part := self.id_pattern.search(row.get("id", ""))):
            row["id"] = part[part.lastindex or 0]
        return completed(row)


def load_museum(settings: Mapping[str, Any]) -> Museum | None:
    """A scheme for artworks from its configuration; None: it is one for drawings.

    Raises UserError for settings that do not exist or cannot be used.
    """
    if settings.get("of") != "artworks":
        return None
    name = str(settings.get("name", "(unnamed)"))
    for setting in settings:
        if setting not in SETTINGS:
            raise UserError(f"scheme.{setting}: no such setting, {nearest(setting, SETTINGS)}")
    columns = settings.get("columns") or {}
    if not isinstance(columns, Mapping):
        raise UserError(f"scheme {name}: columns must be a mapping, column: [names]")
    mapped = {str(known): _names(given) for known, given in columns.items()}
    pattern = _compiled(name, "pattern", settings.get("pattern"))
    if not mapped.get("id") and pattern is None:
        raise UserError(f"scheme {name}: columns must say which column has the ids, id: [NAME]")
    url_size = settings.get("url_size")
    if url_size is not None and len(url_size) != 2:
        raise UserError(f"scheme {name}: url_size must be a pattern and what is put in its place")
    found = _compiled(name, "url_size", url_size[0]) if url_size else None
    return Museum(
        name,
        mapped or {"id": ("id",)},
        str(settings.get("rows") or ""),
        str(settings.get("separator") or ""),
        _compiled(name, "id_pattern", settings.get("id_pattern")),
        (found, str(url_size[1])) if found and url_size else None,
        pattern,
        str(settings.get("spaces") or ""),
        _names(settings.get("capitals")),
    )


def completed(cells: dict[str, str]) -> dict[str, str]:
    """The same with the first and the last year that its date names, unless it has a year, and
    without an artist who is nobody."""
    if not named_artist(cells.get("artist", "")):
        cells = {column: cell for column, cell in cells.items() if column != "artist"}
    if "year" not in cells and (years := span_of(cells.get("date", ""))):
        return {**cells, "year": str(years[0]), "year_to": str(years[1])}
    return cells


def _json_rows(source: Path, where: str) -> list[Any]:
    """The rows of a JSON file, or one of a row a line. Raises UserError."""
    try:
        text = read_regular(source, LARGEST).decode("utf-8-sig")
        if source.suffix.lower() == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        data = json.loads(text)
    except CannotOpenError as error:
        raise UserError(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source}: is not JSON ({brief(str(error))})") from None
    for part in where.split("."):
        if isinstance(data, dict) and part in data:
            data = data[part]
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        raise UserError(f"{source}: has no list of rows")
    return data


def _flatten(value: Any, name: str, flat: dict[str, str], depth: int) -> None:
    """Cells of a JSON row by dotted name; of a list all values, joined."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}" if name else str(key), flat, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _flatten(inner, name, flat, depth + 1)
    elif value is not None and not isinstance(value, dict):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        flat[name] = f"{flat[name]}{JOINED}{text}" if name in flat else text


def _names(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _compiled(name: str, setting: str, pattern: Any) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(str(pattern))
    except re.error as error:
        raise UserError(
            f"scheme {name}: {setting} is not a regular expression: {error.msg}"
        ) from None


def _capitals(words: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in words.split())
