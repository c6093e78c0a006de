"""Schemes of file names: what the name of a scan says of the drawing, by a user's own rules.

A scheme is a regular expression with named fields and tables of corrections, both configuration
(`conf/scheme/*.yaml`), so that another archive needs no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import without_image_ending
from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.common.errors import UserError, brief, nearest

TABLES = {
    "file_names": ("found", "corrected"),
    "fields": ("file_name",),
    "age_groups": ("found", "corrected"),
    "country_codes": ("code", "iso3"),
}
"""A scheme's tables of corrections, and the columns each must have."""
SETTINGS = ("name", "pattern", "verso", "series", "same_name", *TABLES)
OWN_COLUMNS = ("id", "path", "verso", "parent", "width", "height", "bytes")
"""Columns of drawings.csv that no field of a scheme may be called."""


@dataclass(frozen=True, slots=True)
class ScanName:
    """What a file's name says.

    fields: the scheme's fields, corrected; empty where the name does not have them.
    sheet: the name less side and quality, which the two sides of a sheet have in common.
    place: in a series that is numbered scan by scan, its name and the number there; else None.
    """

    fields: dict[str, str]
    sheet: str
    place: tuple[str, int] | None


class ByFileName:
    """Rows of a table, looked up by a file's name or the end of its path, ending left out."""

    def __init__(self, rows: Iterable[tuple[str, Any]]) -> None:
        self._rows: dict[str, list[tuple[str, Any]]] = {}
        for found, value in rows:
            name = without_image_ending(found)
            self._rows.setdefault(name.rpartition("/")[2], []).append((name, value))

    def get(self, name: str) -> Any | None:
        """The value for a path without its ending, or None."""
        for found, value in self._rows.get(name.rpartition("/")[2], ()):
            if name == found or name.endswith(f"/{found}"):
                return value
        return None


@dataclass(frozen=True)
class Scheme:
    """The rules for an archive's file names; made by `load_scheme`.

    pattern: must match a whole name without its ending; its named groups are the fields.
    verso: the value of the field `side` that marks the back of a sheet, or None.
    series: a field; names that have it are numbered scan by scan. None: there are no such names.
    qualify: whether files of the same name get their folders into the id; else they are reported.
    file_names, fields: corrections of single files, by name; age_groups, country_codes: of values.
    """

    name: str
    pattern: re.Pattern[str]
    verso: str | None
    series: str | None
    qualify: bool
    file_names: ByFileName
    fields: ByFileName
    age_groups: Mapping[str, str]
    country_codes: Mapping[str, str]

    @property
    def columns(self) -> list[str]:
        """The fields, in the order of the pattern."""
        return list(self.pattern.groupindex)

    def parse(self, name: str) -> ScanName | None:
        """What a file's name says, or None if it does not follow the pattern.

        name: path without its ending; folders only serve to find its corrections.
        """
        stem = self.corrected(name)
        match = self.pattern.fullmatch(stem)
        if match is None:
            return None
        fields = {field: value or "" for field, value in match.groupdict().items()}
        for field, table in (("age_group", self.age_groups), ("country", self.country_codes)):
            if field in fields:
                fields[field] = table.get(fields[field], fields[field])
        fields |= self.fields.get(name) or {}
        return ScanName(fields, _without(match, ("side", "quality")), self._place(match))

    def corrected(self, name: str) -> str:
        """The name to be parsed, without folders: as it is, or as the table of names has it."""
        return self.file_names.get(name) or name.rpartition("/")[2]

    def _place(self, match: re.Match[str]) -> tuple[str, int] | None:
        if self.series is None or not match[self.series]:
            return None
        number = match["number"] or ""
        if not number.isdecimal():
            return None
        return _without(match, ("side", "quality", "number")), int(number)


def _without(match: re.Match[str], fields: Sequence[str]) -> str:
    """The matched text with a gap in place of these fields."""
    present = [f for f in fields if f in match.re.groupindex and match[f] is not None]
    text = match.string
    for start, end in sorted((match.span(field) for field in present), reverse=True):
        text = f"{text[:start]}\0{text[end:]}"
    return text


def load_scheme(settings: Mapping[str, Any], folders: Sequence[Path]) -> Scheme:
    """A scheme from its configuration.

    folders: where its tables are looked for, if not in the current folder.
    Raises UserError for settings that do not exist, a pattern that is no regular expression, and
    everything wrong in the tables, with file, row and cure.
    """
    name = str(settings.get("name", "(unnamed)"))
    for setting in settings:
        if setting not in SETTINGS:
            raise UserError(f"scheme.{setting}: no such setting, {nearest(setting, SETTINGS)}")
    pattern = _compiled(name, settings.get("pattern"))
    verso, series = settings.get("verso"), settings.get("series")
    _need_field(name, pattern, "side", verso is not None, "verso")
    _need_field(name, pattern, series, series is not None, "series")
    _need_field(name, pattern, "number", series is not None, "series")
    same_name = settings.get("same_name", "report")
    if same_name not in ("report", "qualify"):
        raise UserError(f"scheme.same_name={same_name}: must be report or qualify")
    problems = Problems()
    tables = {key: _read_table(name, key, settings.get(key), folders, problems) for key in TABLES}
    scheme = Scheme(
        name,
        pattern,
        verso,
        series,
        qualify=same_name == "qualify",
        file_names=ByFileName(_pairs(tables, "file_names")),
        fields=ByFileName(_field_rows(tables["fields"], pattern, settings.get("fields"), problems)),
        age_groups=dict(_pairs(tables, "age_groups")),
        country_codes=dict(_pairs(tables, "country_codes")),
    )
    raise_problems(f"scheme {name} cannot be used", problems)
    return scheme


def _compiled(name: str, pattern: Any) -> re.Pattern[str]:
    if not pattern:
        raise UserError(f"scheme {name}: pattern must be given, a regular expression")
    try:
        compiled = re.compile(str(pattern))
    except re.error as error:
        place = "" if error.lineno is None else f" in line {error.lineno}, column {error.colno}"
        what = f"is not a regular expression: {error.msg}{place}"
        raise UserError(f"scheme {name}: pattern {what}") from error
    taken = [field for field in compiled.groupindex if field in OWN_COLUMNS]
    if taken:
        raise UserError(
            f"scheme {name}: pattern calls a field {taken[0]!r}, which drawings.csv has already; "
            "call it otherwise"
        )
    return compiled


def _need_field(
    name: str, pattern: re.Pattern[str], field: str | None, needed: bool, why: str
) -> None:
    if needed and field not in pattern.groupindex:
        have = ", ".join(pattern.groupindex) or "none"
        raise UserError(
            f"scheme {name}: {why} needs the field {field!r}, which its pattern does not have "
            f"(it has {have})"
        )


def _read_table(
    name: str,
    key: str,
    given: str | None,
    folders: Sequence[Path],
    problems: Problems,
) -> pd.DataFrame:
    required = TABLES[key]
    if given is None:
        return pd.DataFrame(columns=list(required), dtype=str)
    places = [folder / given for folder in (*folders, Path())]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        looked = " or ".join(dict.fromkeys(str(place.parent.resolve()) for place in places))
        raise UserError(f"scheme {name}: {key}={given}: no such table in {looked}")
    table = read_csv(path, required, problems)
    repeated = table[table[required[0]].duplicated()]
    problems += [
        Problem(path.name, int(str(row)), f"{brief(found)} is there twice", "keep one of the two")
        for row, found in repeated[required[0]].items()
    ]
    return table


def _pairs(tables: Mapping[str, pd.DataFrame], key: str) -> Iterator[tuple[str, str]]:
    found, corrected = TABLES[key]
    return zip(tables[key][found], tables[key][corrected], strict=True)


def _field_rows(
    table: pd.DataFrame, pattern: re.Pattern[str], path: str | None, problems: Problems
) -> Iterator[tuple[str, dict[str, str]]]:
    """Of each row, the fields that are filled in."""
    fields = [column for column in table.columns if column != "file_name"]
    for column in fields:
        if column not in pattern.groupindex:
            what = f"column {brief(column)} is no field of the pattern"
            problems.append(
                Problem(Path(str(path)).name, 1, what, nearest(column, pattern.groupindex))
            )
    for row in table.to_dict("records"):
        yield str(row["file_name"]), {f: str(row[f]) for f in fields if row[f]}
