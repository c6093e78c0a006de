"""Tables of images that others made: whose columns are named otherwise, or that name no files."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import pandas as pd

from drawsim.collection.columns import key, offer
from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import normal, trimmed, without_image_ending
from drawsim.collection.paths import is_below
from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.common.errors import UserError, brief
from drawsim.common.words import counted
from drawsim.pixels.folders import Met, files_below, head_of

LEADS_OUT = "is not below the folder of the table: move it there"


@dataclass(frozen=True)
class NamedImage:
    """A row of a table of images.

    id, path: as the table has them, empty where it does not. file: the image; None: it is not
    there. refused: why it cannot be taken. cells: the other columns.
    """

    id: str
    path: str
    file: Path | None
    refused: str
    cells: dict[str, str]


class TableForm(Protocol):
    """How a table of images is read.

    endings: of files that are such tables. files: images that were fetched, by id.
    """

    @property
    def endings(self) -> tuple[str, ...]: ...
    @property
    def files(self) -> Mapping[str, Path]: ...
    def read(self, source: Path, problems: Problems) -> pd.DataFrame:
        """The table, its columns called as drawsim calls them."""


@dataclass(frozen=True)
class NamedColumns:
    """A CSV file whose columns are called as drawsim calls them, but for those a user named."""

    columns: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    endings: tuple[str, ...] = (".csv",)

    def read(self, source: Path, problems: Problems) -> pd.DataFrame:
        """The table; what is wrong is entered in `problems`."""
        table = read_csv(source, (), problems)
        return table if problems else _named(source, table, self.columns, problems)


def columns_of_table(source: Path, named: Mapping[str, str | None]) -> NamedColumns:
    """The columns that a user named. Raises UserError if the source is no table."""
    columns = {known: given for known, given in named.items() if given is not None}
    if columns and source.suffix.lower() != ".csv":
        known = next(iter(columns))
        raise UserError(f"step.{known}_column={columns[known]}: {source} is no .csv table")
    return NamedColumns(columns)


def named_images(source: Path, form: TableForm) -> Iterator[NamedImage]:
    """The images that a table names, in its order.

    form: how it is read. An image that was fetched is that one. Where the table has no path to a
    file, the image is the one below the table's folder that is called like the path or the id, its
    ending left out, if that is one alone; how many were found so is said in the log. Raises
    UserError if a column is not there, or neither id nor path.
    """
    problems = Problems()
    table = form.read(source, problems)
    raise_problems(f"{source} cannot be used", list(problems))  # its notes are said below
    folder = _Folder(source.parent)
    found: list[tuple[str, str]] = []
    for row in table.to_dict("records"):
        cells = {str(column): str(value) for column, value in row.items()}
        name, path = trimmed(cells.pop("id", "")), cells.pop("path", "")
        if name in form.files:
            yield NamedImage(name, path, form.files[name], "", cells)
            continue
        file, refused = folder.named(path) if path else (None, "")
        if file is None and not refused and (other := folder.called(path) or folder.called(name)):
            found.append((path or name, other))
            file = source.parent / other
        yield NamedImage(name, path, file, refused, cells)
    if found:
        how = f"{brief(found[0][0])} is {found[0][1]}"
        problems.note(source, f"{counted(len(found), 'image')} found by name ({how})")
    raise_problems("", problems)


def _named(
    source: Path, table: pd.DataFrame, columns: Mapping[str, str], problems: Problems
) -> pd.DataFrame:
    """The table with the columns that a user named called as drawsim calls them."""
    for known, given in columns.items():
        alike = [name for name in table.columns if key(name) == key(given)]
        name = given if given in table.columns else alike[0] if len(alike) == 1 else None
        if name is None:
            what = f"no column {brief(given)} (step.{known}_column)"
            problems.append(Problem(source.name, 1, what, offer([given], table.columns)))
        elif name != known:
            before = {known: f"table_{known}"} if known in table.columns else {}
            table = table.rename(columns={**before, name: known})
    if not problems and not {"id", "path"} & set(table.columns):
        cure = f"say which it is, step.id_column or step.path_column; {offer((), table.columns)}"
        problems.append(Problem(source.name, 1, "no column id, uid or path", cure))
    return table


class _Folder:
    """The files below the folder of a table."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = os.path.realpath(root)

    def named(self, path: str) -> tuple[Path | None, str]:
        """The file of a path, and why it may not be taken; None and nothing if it is not there."""
        for spelling in dict.fromkeys((path, trimmed(path), trimmed(path).replace("\\", "/"))):
            file = self._root / spelling
            try:
                if not file.is_file():
                    continue
            except (OSError, ValueError):  # longer than any name, or a NUL in it
                continue
            leads_out = not is_below(os.path.realpath(file), self._real)
            return (None, LEADS_OUT) if leads_out else (file, "")
        return None, ""

    def called(self, name: str) -> str | None:
        """The path of the one image that is called like this, folders and ending left out."""
        stem = normal(without_image_ending(trimmed(name))).replace("\\", "/").rpartition("/")[2]
        alike = self._by_stem.get(stem, []) if stem else []
        return alike[0] if len(alike) == 1 else None

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        met = Met()
        for name, file in files_below(Path(self._real), met):
            inside = is_below(os.path.realpath(file), self._real)
            if inside and met.takes(name, partial(head_of, file)):
                found[normal(without_image_ending(name.rpartition("/")[2]))].append(name)
        return found
