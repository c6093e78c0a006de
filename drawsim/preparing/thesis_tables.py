"""The tables of the original project: its metadata, annotations and splits, read as they are.

What is wrong in them is either reported and left out, where the rest stands without it (annotations
of images that no table lists), or refused with file and row.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import among
from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.pairs import read_pairs, spelt_as_listed, with_parents
from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.collection.splits import SETS, leaks
from drawsim.collection.tables import ids_of
from drawsim.common.errors import UserError, brief
from drawsim.common.opening import is_there
from drawsim.preparing.unpickling import read_pickle

IMAGE = ("id", "path")
PAIR = ("drawing_id", "artwork_id")
SAMPLE = 200
"""Images by which the folder is found that their paths start from."""


@dataclass
class ThesisTables:
    """What a data folder of the original project says.

    drawings, artworks: id, path, and their other columns; drawings with `parent`, the original of
    a style copy. pairs: drawing_id, artwork_id, pair (bool), parent. splits: by version, with all
    their columns. left_out: file, row, drawing_id, artwork_id, pair, reason. read: rows by file.
    """

    drawings: pd.DataFrame
    artworks: pd.DataFrame
    pairs: pd.DataFrame
    splits: dict[str, pd.DataFrame]
    left_out: pd.DataFrame
    read: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_thesis(source: Path) -> ThesisTables:
    """Read `metadata/`, `manual_annotation/` and `splits/` of a data folder.

    Tables that overlap are united; ids and cells stay as they are. Raises UserError that lists
    every problem: missing tables and columns, empty and duplicate ids, pairs that are both true and
    false, and splits that leak.
    """
    problems = Problems()
    notes: list[str] = []
    read: dict[str, int] = {}
    images = {kind: _read_images(source, kind, problems, notes, read) for kind in KINDS}
    pairs = _read_annotations(source, problems, read)
    splits = _read_splits(source, problems, notes, read)
    raise_problems(f"{source} cannot be imported", problems)

    _add_from_pickle(source, images, [pairs, *splits.values()], notes, read)
    pairs, left_out = _known(pairs, images)
    for version, table in splits.items():
        splits[version], gone = _known(table, images)
        left_out = pd.concat([left_out, gone], ignore_index=True)
    copies = pairs[pairs["parent"] != pairs["drawing_id"]]
    parents = dict(zip(copies["drawing_id"], copies["parent"], strict=True))
    drawings = images["drawing"]
    return ThesisTables(
        drawings=drawings.assign(parent=drawings["id"].map(parents).fillna("")),
        artworks=images["artwork"],
        pairs=pairs,
        splits=splits,
        left_out=left_out,
        read=read,
        notes=notes,
    )


def reroot(paths: pd.Series[str], folder: Path, out: Path) -> pd.Series[str] | None:
    """The paths as they lead from `out` to the images in `folder`; None if none is there.

    As many leading folders are left off as it takes to find the most images of a sample.
    """
    parts = [Path(path).parts for path in paths]
    sample = parts[:: max(1, len(parts) // SAMPLE)]
    found = {
        skipped: sum(is_there(folder.joinpath(*part[skipped:])) for part in sample)
        for skipped in range(max(map(len, sample)))
    }
    skipped = max(found, key=lambda n: found[n])
    if not found[skipped]:
        return None
    start, end = folder.resolve(), out.resolve()
    files = [os.path.relpath(start.joinpath(*part[skipped:]), end) for part in parts]
    return pd.Series([Path(file).as_posix() for file in files], index=paths.index, dtype=str)


def _read_images(
    source: Path, kind: str, problems: Problems, notes: list[str], read: dict[str, int]
) -> pd.DataFrame:
    """All tables of `metadata/` with the kind in their names as one, the longest first."""
    paths = sorted((source / "metadata").glob(f"*{kind}*.csv"))
    if not paths:
        cure = f"give a data folder of the original project, with a table of {kind}s there"
        problems.append(Problem(f"metadata/*{kind}*.csv", None, "missing", cure))
    tables = []
    for path in paths:
        table = read_csv(path, IMAGE, problems)
        read[f"rows of {path.name}"] = len(table)
        problems += [
            Problem(path.name, int(row), f"empty {column}", "fill it in")
            for column in IMAGE
            for row in table.index[table[column].str.strip() == ""]
        ]
        problems += [
            Problem(path.name, int(str(row)), f"duplicate id {brief(name)}", "keep one of the rows")
            for row, name in table.loc[table["id"].duplicated() & (table["id"] != ""), "id"].items()
        ]
        tables.append(table.drop_duplicates("id").assign(file=path.name))
    united = pd.DataFrame(columns=list(IMAGE), dtype=str)
    for table in sorted(tables, key=len, reverse=True):
        differ = _differences(united, table)
        if differ:
            notes.append(
                f"{table['file'].iloc[0]}: rows that differ from a longer table, which was kept: "
                f"{len(differ)}, e.g. {brief(differ[0])}"
            )
        new = table[~among(table["id"], united["id"])].drop(columns="file")
        united = pd.concat([united, new], ignore_index=True)
    return united[[*IMAGE, *(c for c in united.columns if c not in IMAGE)]].fillna("")


def _differences(united: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Ids of rows that are in both tables with other values."""
    columns = [name for name in table.columns if name in united.columns and name != "id"]
    both = table.merge(united, on="id", suffixes=("", " of the other"))
    unlike = [both[name] != both[f"{name} of the other"].fillna("") for name in columns]
    return both.loc[pd.concat(unlike, axis=1).any(axis=1), "id"].tolist() if unlike else []


def _read_annotations(source: Path, problems: Problems, read: dict[str, int]) -> pd.DataFrame:
    """All tables of `manual_annotation/` as one, the longest first, with `file` and `row`."""
    paths = sorted((source / "manual_annotation").glob("*.csv"))
    if not paths:
        problems.append(
            Problem("manual_annotation/*.csv", None, "missing", "add the table of annotated pairs")
        )
    tables = []
    for path in paths:
        table = read_pairs(path, problems)
        read[f"rows of {path.name}"] = len(table)
        tables.append(table.assign(file=path.name, row=table.index))
    empty = pd.DataFrame(columns=[*PAIR, "pair", "parent", "file", "row"])
    pairs = pd.concat([empty, *sorted(tables, key=len, reverse=True)], ignore_index=True)
    decided: dict[tuple[str, str], tuple[bool, str]] = {}
    for drawing, artwork, pair, file, row in pairs[[*PAIR, "pair", "file", "row"]].itertuples(
        index=False
    ):
        other, where = decided.setdefault((drawing, artwork), (pair, f"{file}, row {row}"))
        if other != pair:
            what = f"{brief(drawing)} with {brief(artwork)} is {pair} here and {other} in {where}"
            problems.append(Problem(file, row, what, "keep one decision"))
    return pairs.drop_duplicates(list(PAIR)).astype({"pair": bool})


def _read_splits(
    source: Path, problems: Problems, notes: list[str], read: dict[str, int]
) -> dict[str, pd.DataFrame]:
    """The tables of `splits/` by version, in order, with `file` and `row`."""
    found: dict[int, pd.DataFrame] = {}
    for path in sorted((source / "splits").glob("*.csv")):
        name = re.fullmatch(r".*split(?:_v(\d+))?", path.stem)
        if name is None:
            notes.append(f"splits/{path.name}: not named as a split of the project, left out")
            continue
        version = int(name[1] or 0)
        table = read_csv(path, (*PAIR, "set"), problems)
        problems += [
            Problem(path.name, int(str(row)), f"set is {brief(own)}", "write train, val or test")
            for row, own in table.loc[~table["set"].isin(SETS), "set"].items()
        ]
        problems += leaks(with_parents(table), path.name)
        if version in found:
            what = f"version {version}, as {found[version]['file'].iloc[0]}"
            problems.append(Problem(path.name, None, what, "keep one of the two"))
        found[version] = table.assign(file=path.name, row=table.index)
    read[f"rows of {len(found)} splits"] = sum(map(len, found.values()))
    return {f"v{version}": found[version] for version in sorted(found)}


def _add_from_pickle(
    source: Path,
    images: dict[Kind, pd.DataFrame],
    named: Iterable[pd.DataFrame],
    notes: list[str],
    read: dict[str, int],
) -> None:
    """Add what annotations and splits name, the tables lack, and the uid2path pickle has."""
    for path in sorted(source.rglob("*uid2path*.pkl")):
        listed = _id_to_path(path)
        read[f"entries of {path.name}"] = len(listed)
        for kind in KINDS:
            table = images[kind]
            known = dict(zip(table["id"], table["path"], strict=True))
            other = [i for i, p in known.items() if listed.get(i, p) != p]
            if other:
                notes.append(
                    f"{path.name}: {kind}s with another path than in metadata, which was kept: "
                    f"{len(other)}, e.g. {brief(other[0])}"
                )
            wanted = dict.fromkeys(
                i for pairs in named for i in pairs[f"{kind}_id"] if i not in known
            )
            added = {i: listed[i] for i in wanted if i in listed}
            if added:
                notes.append(f"{path.name}: {kind}s taken from it, in no table: {len(added)}")
                rows = pd.DataFrame({"id": list(added), "path": list(added.values())})
                images[kind] = pd.concat([table, rows], ignore_index=True).fillna("")


def _id_to_path(path: Path) -> dict[str, str]:
    """The pickled table as a dict, whether it is one, a series, or a table with uid and path."""
    value = read_pickle(path)
    if isinstance(value, pd.DataFrame) and "path" in value.columns:
        value = (value.set_index("uid") if "uid" in value.columns else value)["path"]
    if isinstance(value, pd.Series):
        value = value.to_dict()
    if not isinstance(value, dict) or not all(
        isinstance(text, str) for item in value.items() for text in item
    ):
        raise UserError(f"{path}: not a table of ids and paths; take it out of the folder")
    return value


def _known(
    pairs: pd.DataFrame, images: dict[Kind, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs of images that are listed, and the rest with `reason`."""
    reason = pd.Series("", index=pairs.index, dtype=str)
    listed = {kind: ids_of(images[kind].set_index("id")) for kind in KINDS}
    pairs = spelt_as_listed(pairs, listed)
    for kind in KINDS:
        reason[~among(pairs[f"{kind}_id"], images[kind]["id"])] = f"no table lists the {kind}"
    kept = pairs[reason == ""].drop(columns=["file", "row"])
    gone = pairs[reason != ""].reindex(columns=["file", "row", *PAIR, "pair"], fill_value="")
    return kept, gone.assign(reason=reason[reason != ""])
