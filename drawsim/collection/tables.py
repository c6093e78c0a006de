"""A collection is a folder of tables; here they are read and checked, once, for every command.

`drawings.csv` and `artworks.csv` list images (`id`, `path` relative to the folder, anything else);
`pairs.csv` lists what people decided about drawings and artworks. Images are not opened here.
"""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.kinds import Kind
from drawsim.collection.pairs import read_pairs, unknown_ids
from drawsim.collection.problems import Problem, raise_problems
from drawsim.common.errors import UserError

Table = Literal["drawings", "artworks", "pairs"]
TABLES: tuple[Table, ...] = get_args(Table)


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

    @classmethod
    def open(cls, root: Path, *, tables: tuple[Table, ...] = TABLES) -> Collection:
        """Read and check the tables of a collection folder; those not asked for are empty.

        Raises UserError that lists every problem found, with file, row and cure: missing files and
        columns, empty or duplicate ids, pairs that name unknown ids, values of `pair` that are
        neither true nor false, and pairs that are both.
        """
        if not root.is_dir():
            files = [f"{name}.csv" for name in TABLES if name in tables]
            listed = " and ".join(filter(None, [", ".join(files[:-1]), files[-1]]))
            raise UserError(
                f"{root}: no such folder. Set data.root to a folder with {listed}, "
                "or use data=demo."
            )
        problems: list[Problem] = []
        images = {
            name: read_images(root / f"{name}.csv", problems) if name in tables else _no_images()
            for name in ("drawings", "artworks")
        }
        pairs = read_pairs(root / "pairs.csv", problems) if "pairs" in tables else _no_pairs()
        for column, name in (("drawing_id", "drawings"), ("artwork_id", "artworks")):
            if len(images[name]):  # of a table that cannot be read, every id would be unknown
                problems += unknown_ids(pairs, column, images[name].index, f"{name}.csv")
        raise_problems(f"{root} cannot be used", problems)
        return cls(root, images["drawings"], images["artworks"], pairs)

    @property
    def true_pairs(self) -> pd.DataFrame:
        """The confirmed pairs."""
        return self.pairs[self.pairs["pair"]]

    def paths(self, kind: Kind, ids: Iterable[str] | None = None) -> dict[str, Path]:
        """Image files of these drawings or artworks (default: all of them), by id."""
        table = self.drawings if kind == "drawing" else self.artworks
        wanted = list(table.index if ids is None else ids)
        return {i: self.root / p for i, p in zip(wanted, table.loc[wanted, "path"], strict=True)}

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


def _no_images() -> pd.DataFrame:
    return pd.DataFrame({"path": []}, index=pd.Index([], name="id"), dtype=str)


def _no_pairs() -> pd.DataFrame:
    pairs = pd.DataFrame(columns=["drawing_id", "artwork_id", "pair", "parent"], dtype=str)
    return pairs.astype({"pair": bool})


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
