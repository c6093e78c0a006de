"""A collection is a folder of tables; here they are read and checked, once, for every door.

`drawings.csv` and `artworks.csv` list images (`id`, `path` relative to the folder, anything else);
`pairs.csv` lists what people decided about drawings and artworks. Images are not opened here.
"""

from __future__ import annotations

import io
from collections.abc import Collection as Ids
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from drawsim.collection.spreadsheets import unguarded
from drawsim.common.errors import UserError
from drawsim.common.files import atomic

TRUE_WORDS = {"true", "1", "yes"}
FALSE_WORDS = {"false", "0", "no"}
SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a table. `row` is the row as a spreadsheet counts it (header = 1)."""

    file: str
    row: int | None
    what: str
    cure: str

    def __str__(self) -> str:
        where = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.what} – {self.cure}"


def raise_problems(heading: str, problems: list[Problem]) -> None:
    """Raise one UserError that lists the problems, the first twenty in full; do nothing if none."""
    if not problems:
        return
    lines = [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"  … and {len(problems) - SHOWN_PROBLEMS} more")
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    raise UserError(f"{heading}: {count}\n" + "\n".join(lines))


@dataclass(frozen=True)
class Collection:
    """Drawings, artworks and the pairs between them.

    drawings, artworks: indexed by `id` (text), with `path` and whatever other columns the file has.
    pairs: `drawing_id`, `artwork_id`, `pair` (bool), `parent` (the drawing itself, or the original
        of which it is a style copy), and any other columns.
    """

    root: Path
    drawings: pd.DataFrame
    artworks: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def true_pairs(self) -> pd.DataFrame:
        """The confirmed pairs."""
        return self.pairs[self.pairs["pair"]]

    def drawing_paths(self, ids: Iterable[str]) -> dict[str, Path]:
        """Image files of these drawings, by id."""
        return _paths(self.root, self.drawings, ids)

    def artwork_paths(self, ids: Iterable[str] | None = None) -> dict[str, Path]:
        """Image files of these artworks (default: the whole gallery), by id."""
        return _paths(self.root, self.artworks, self.artworks.index if ids is None else ids)

    def without(self, drawings: Ids[str], artworks: Ids[str]) -> Collection:
        """The collection less these images and every pair that names one of them."""
        gone = self.pairs["drawing_id"].isin(list(drawings)) | self.pairs["artwork_id"].isin(
            list(artworks)
        )
        return replace(
            self,
            drawings=self.drawings.drop(index=[i for i in drawings if i in self.drawings.index]),
            artworks=self.artworks.drop(index=[i for i in artworks if i in self.artworks.index]),
            pairs=self.pairs[~gone].reset_index(drop=True),
        )


def _paths(root: Path, table: pd.DataFrame, ids: Iterable[str]) -> dict[str, Path]:
    wanted = list(ids)
    return {i: root / p for i, p in zip(wanted, table.loc[wanted, "path"], strict=True)}


def read_gallery(root: Path) -> Collection:
    """The artworks of a collection folder alone, which needs no other table than artworks.csv.

    Raises UserError as `read_collection` does.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder. Set data.root to a folder with artworks.csv.")
    problems: list[Problem] = []
    artworks = read_images(root / "artworks.csv", problems)
    raise_problems(f"{root} cannot be used", problems)
    none = pd.DataFrame({"path": []}, index=pd.Index([], name="id"), dtype=str)
    pairs = pd.DataFrame(columns=["drawing_id", "artwork_id", "pair", "parent"], dtype=str)
    return Collection(root, none, artworks, pairs.astype({"pair": bool}))


def read_collection(root: Path) -> Collection:
    """Read and check a collection folder.

    Raises UserError that lists every problem found, with file, row and cure: missing files and
    columns, empty or duplicate ids, pairs that name unknown ids, values of `pair` that are neither
    true nor false, and pairs that are both.
    """
    if not root.is_dir():
        raise UserError(
            f"{root}: no such folder. Set data.root to a folder with drawings.csv, artworks.csv "
            "and pairs.csv, or use data=demo."
        )
    problems: list[Problem] = []
    drawings = read_images(root / "drawings.csv", problems)
    artworks = read_images(root / "artworks.csv", problems)
    pairs = read_pairs(root / "pairs.csv", problems)
    for column, images, file in (
        ("drawing_id", drawings, "drawings.csv"),
        ("artwork_id", artworks, "artworks.csv"),
    ):
        if len(images):  # of a table that cannot be read, every id would be unknown
            problems += unknown_ids(pairs, column, images.index, file)
    raise_problems(f"{root} cannot be used", problems)
    return Collection(root, drawings, artworks, pairs)


def read_csv(path: Path, required: tuple[str, ...], problems: list[Problem]) -> pd.DataFrame:
    """A CSV (RFC 4180, UTF-8, a BOM is fine) with every cell as text and row numbers as the index.

    Cells that are not there are empty; rows with nothing in them are left out. Problems are
    appended to `problems`; the table is then empty but has the required columns.
    """
    empty = pd.DataFrame(columns=list(required), dtype=str)
    if not path.is_file():
        problems.append(
            Problem(path.name, None, "missing", f"it must have the columns {', '.join(required)}")
        )
        return empty
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header = text.partition("\n")[0]
        for mark, name in ((";", "semicolons"), ("\t", "tabs")):
            if mark in header and "," not in header:
                problems.append(Problem(path.name, 1, f"separated by {name}", "save with commas"))
                return empty
        table = pd.read_csv(
            io.StringIO(text), dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        problems.append(Problem(path.name, row, "not UTF-8", "save the table as UTF-8"))
        return empty
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        problems.append(Problem(path.name, None, what, "check the file and its permissions"))
        return empty
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        what = f"not a CSV table: {str(error).strip()}"
        problems.append(Problem(path.name, None, what, "mend or re-export"))
        return empty
    if not isinstance(table.index, pd.RangeIndex):  # pandas took the first cells for row names
        what = "more cells than the header has names"
        problems.append(Problem(path.name, 2, what, "quote cells that contain commas"))
        return empty
    table.index = pd.RangeIndex(2, len(table) + 2)
    table = table.fillna("")
    table = table[(table != "").any(axis=1)]
    if "uid" in table.columns:  # the thesis's tables: `uid` is the id, `id` a running number
        table = table.rename(columns={"id": "number", "uid": "id"})
    missing = [name for name in required if name not in table.columns]
    if missing:
        cure = f"found {', '.join(table.columns)}"
        problems.append(Problem(path.name, 1, f"no column {', '.join(missing)}", cure))
        return empty
    return table


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index as UTF-8 CSV, atomically; truth values as true and false."""
    truths = table.select_dtypes(bool).columns
    table = table.assign(**{c: table[c].map({True: "true", False: "false"}) for c in truths})
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def with_parents(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs with `parent` filled in: the drawing itself where the table names no other."""
    own = pairs["drawing_id"]
    if "parent" not in pairs.columns:
        return pairs.assign(parent=own)
    return pairs.assign(parent=pairs["parent"].where(pairs["parent"] != "", own))


def read_images(path: Path, problems: list[Problem]) -> pd.DataFrame:
    """A table of drawings or artworks, indexed by id; problems are appended as in `read_csv`."""
    before = len(problems)
    table = read_csv(path, ("id", "path"), problems)
    for column in ("id", "path"):
        problems += [
            Problem(path.name, int(row), f"empty {column}", "fill it in")
            for row in table.index[table[column].str.strip() == ""]
        ]
    seen: dict[str, int] = {}
    for row, name in table["id"].items():
        if name in seen and name:
            what = f"duplicate id {name!r} (first in row {seen[name]})"
            problems.append(Problem(path.name, int(str(row)), what, "keep one of the two"))
        seen.setdefault(name, int(str(row)))
    if table.empty and len(problems) == before:
        problems.append(Problem(path.name, None, "no rows", "list at least one image"))
    return table.set_index("id")


def read_pairs(path: Path, problems: list[Problem]) -> pd.DataFrame:
    """A table of pairs, `pair` as truth values and `parent` filled in; problems as in `read_csv`.

    A pair that is both true and false is a problem; one that is listed twice is kept once. What
    keeps a spreadsheet from running cells (see `spreadsheets`) is taken off.
    """
    table = unguarded(read_csv(path, ("drawing_id", "artwork_id", "pair"), problems))
    words = table["pair"].str.strip().str.lower()
    for row in table.index[~words.isin(TRUE_WORDS | FALSE_WORDS)]:
        what = f"pair is {table.at[row, 'pair']!r}"
        problems.append(Problem(path.name, int(row), what, "write true or false"))
    pairs = table.assign(pair=words.isin(TRUE_WORDS))
    decisions = pairs.groupby(["drawing_id", "artwork_id"])["pair"].transform("nunique")
    for row in pairs.index[decisions > 1]:
        what = (
            f"{pairs.at[row, 'drawing_id']!r} with {pairs.at[row, 'artwork_id']!r} "
            "is both true and false"
        )
        problems.append(Problem(path.name, int(row), what, "keep one decision"))
    return with_parents(pairs).drop_duplicates(["drawing_id", "artwork_id"])


def graded_unconfirmed(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that people gave a grade, column `grade`, and did not confirm."""
    if "grade" not in pairs.columns:
        return pairs[:0].assign(grade="")
    return pairs[(pairs["grade"] != "") & ~pairs["pair"]]


def unknown_ids(
    pairs: pd.DataFrame, column: str, known: pd.Index[str], listed_in: str
) -> list[Problem]:
    """A problem for each row of pairs whose id in `column` is not known."""
    unknown = pairs[~pairs[column].isin(known)]
    return [
        Problem(
            "pairs.csv",
            int(str(row)),
            f"{column} {name!r} is not in {listed_in}",
            "add it there or correct the id",
        )
        for row, name in unknown[column].items()
    ]
