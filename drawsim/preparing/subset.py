"""The step `subset`: a smaller collection out of a collection, by what its tables say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import among
from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.collection.splits import SETS, split_files
from drawsim.collection.summary import Summary
from drawsim.collection.tables import Collection
from drawsim.collection.truth import truths
from drawsim.common.errors import UserError, nearest
from drawsim.common.files import atomic
from drawsim.common.opening import copy_regular
from drawsim.common.progress import progress_bar
from drawsim.preparing.listing import list_roots
from drawsim.preparing.renewal import IMAGE, PAIR, renew_whole
from drawsim.preparing.rewriting import would_lose

Keep = Literal["all", "paired", "learning"]
Artworks = Literal["all", "paired"]
COPIED = "images copied"
HINT = 200
"""Letters in which the values of a column are offered, where none is near."""


def prepare_subset(
    source: Path,
    out: Path,
    workers: int,
    *,
    where: Mapping[str, Any] | None,
    keep: Keep,
    artworks: Artworks,
    copy_images: bool,
) -> Summary:
    """Write the collection of the drawings that are asked for, with their pairs and splits.

    where: column of drawings.csv -> the value or values that it must have. keep: all of these
    drawings, those in any pair (paired), or those in a true pair (learning). artworks: the whole
    gallery, or those in a pair that is left. Style copies go with their originals. Image paths lead
    to the images of the source, unless these are copied. Raises UserError for columns and values
    that do not occur, for a subset without drawings or artworks, and if `out` holds what would be
    lost; nothing is then written.
    """
    if source.resolve() == out.resolve():
        raise UserError(f"out={out}: choose another folder than the source, such as out=subset")
    for name, value, options in (("keep", keep, Keep), ("artworks", artworks, Artworks)):
        if value not in get_args(options):
            raise UserError(f"step.{name}={value}: {nearest(value, get_args(options))}")
    if where is not None and not isinstance(where, Mapping):
        raise UserError(f"step.where={where}: name a column too: 'step.where={{COLUMN: {where}}}'")
    collection = Collection.open(source)
    drawings = choose_drawings(collection, where or {}, keep)
    return write_subset(collection, drawings, out, artworks=artworks, copy_images=copy_images)


def write_subset(
    collection: Collection,
    drawings: pd.DataFrame,
    out: Path,
    *,
    pairs: pd.DataFrame | None = None,
    artworks: Artworks = "all",
    copy_images: bool = False,
) -> Summary:
    """Write the collection of some drawings of a collection, as `prepare_subset` does.

    drawings: rows of the collection's table, all style copies of them included; further columns are
    written too. pairs: those of the whole collection, if they are others than in its table. Raises
    UserError as `prepare_subset` does.
    """
    source = collection.root
    every = collection.pairs if pairs is None else pairs
    pairs = every[among(every["drawing_id"], drawings.index)]
    gallery = collection.artworks
    if artworks == "paired":
        gallery = gallery[among(gallery.index, pairs["artwork_id"])]
    if drawings.empty or gallery.empty:
        raise UserError(
            f"{source}: no {'drawings' if drawings.empty else 'artworks'} are left; ask for less "
            "with step.where, step.keep or step.artworks"
        )

    splits, problems = _splits(source)
    keys = ("drawing_id", "artwork_id")
    before = {
        "drawings": (collection.drawings.reset_index(), ("id",)),
        "artworks": (collection.artworks.reset_index(), ("id",)),
        "pairs": (every, (*keys, "pair")),
        **{name: (split, (*keys, "set")) for name, split in splits.items()},
    }
    for name, (table, columns) in before.items():
        problems += would_lose(out / f"{name}.csv", table, columns)
    raise_problems(f"{out} cannot become a subset of {source}", problems)

    summary = Summary(read={name: len(table) for name, (table, _) in before.items()})
    start = source.resolve()
    files = [
        [Path(os.path.normpath(start / path)) for path in table["path"]]
        for table in (drawings, gallery)
    ]
    paths = _copied(files, start, out, summary) if copy_images else _linked(files, out)
    after = {
        "drawings": drawings.assign(path=paths[0]).reset_index(),
        "artworks": gallery.assign(path=paths[1]).reset_index(),
        "pairs": _of(pairs, drawings, gallery),
        **{name: _of(split, drawings, gallery) for name, split in splits.items()},
    }
    for name, table in after.items():
        path = out / f"{name}.csv"
        if renew_whole(path, table, IMAGE if "path" in table.columns else PAIR, summary):
            summary.made[name] = len(table)
        else:
            summary.skipped[f"{name} (as before)"] = len(table)
        summary.files.append(path)
        if name in ("drawings", "artworks"):
            list_roots(summary, out, table["path"], source)
        empty = [own for own in SETS if name in splits and not (table["set"] == own).any()]
        if empty:
            summary.notes.append(f"{name}: no {' and no '.join(empty)} pairs are left")
    return summary


def choose_drawings(collection: Collection, where: Mapping[str, Any], keep: Keep) -> pd.DataFrame:
    """The drawings that have these values and are in such pairs, with all their style copies.

    Raises UserError, with the nearest names, for columns that there are not and values that no
    drawing has.
    """
    drawings = collection.drawings
    columns = drawings.reset_index()
    chosen = pd.Series(True, index=drawings.index)
    for column, values in where.items():
        if column not in columns.columns:
            raise UserError(
                f"step.where.{column}: drawings.csv has no such column, "
                f"{nearest(column, columns.columns)}"
            )
        chosen &= _has(columns[column], values).to_numpy()
    own = drawings.index.to_series()
    parents = collection.parents.where(among(collection.parents, drawings.index), own)
    if keep != "all":
        pairs = collection.true_pairs if keep == "learning" else collection.pairs
        chosen &= among(parents, pairs["parent"])
    return drawings[parents.map(chosen).fillna(chosen).astype(bool)]


def _has(column: pd.Series[str], values: Any) -> pd.Series[bool]:
    """Which rows of a column have one of these values."""
    wanted: list[Any] = values if isinstance(values, list) else [values]
    found = pd.Series(False, index=column.index)
    for value in wanted:
        if isinstance(value, bool):
            rows = truths(column).eq(value)
        else:
            rows = column == ("" if value is None else str(value))
        if not rows.any():
            hint = nearest(str(value), column)
            short = hint if len(hint) < HINT else f"{hint[:HINT].rpartition(',')[0]}, …"
            raise UserError(f"step.where.{column.name}={value}: no drawing has it, {short}")
        found |= rows
    return found


def _splits(source: Path) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    """The split tables of the source, as they are, by their path without the ending."""
    problems = Problems()
    required = ("drawing_id", "artwork_id", "set")
    splits = {
        f"splits/{path.stem}": read_csv(path, required, problems) for path in split_files(source)
    }
    return splits, problems


def _of(pairs: pd.DataFrame, drawings: pd.DataFrame, artworks: pd.DataFrame) -> pd.DataFrame:
    """The pairs between these drawings and artworks."""
    return pairs[
        among(pairs["drawing_id"], drawings.index) & among(pairs["artwork_id"], artworks.index)
    ]


def _linked(files: list[list[Path]], out: Path) -> list[list[str]]:
    """The paths that lead from `out` to the files."""
    end = out.resolve()
    return [[Path(os.path.relpath(file, end)).as_posix() for file in some] for some in files]


def _copied(files: list[list[Path]], source: Path, out: Path, summary: Summary) -> list[list[str]]:
    """The paths of copies in `out`, which are made unless they are there, and counted."""
    every = [file for some in files for file in some]
    base = source
    if not all(file.is_relative_to(base) for file in every):
        base = Path(os.path.commonpath([file.parent for file in every]))
    done = Counter[str]()
    with progress_bar("copying images", len(every), "images") as advance:
        for file in every:
            done[_copy(file, out / file.relative_to(base))] += 1
            advance()
    for what, count in done.items():
        (summary.made if what == COPIED else summary.skipped)[what] = count
    return [[file.relative_to(base).as_posix() for file in some] for some in files]


def _copy(file: Path, target: Path) -> str:
    """Copy a file, with its time, unless that was done before; say what was done."""
    if not file.is_file():
        return "images that are not there"
    if target.is_file() and _looks(target) == _looks(file):
        return "images copied before"
    with atomic(target) as temporary:
        copy_regular(file, temporary)
    return COPIED


def _looks(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, int(status.st_mtime)
