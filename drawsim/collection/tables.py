"""A collection is a folder of tables; here they are read and checked, once, for every command.

`drawings.csv` and `artworks.csv` list images (`id`, `path` relative to the folder, anything else);
`pairs.csv` lists what people decided about drawings and artworks. Images are not opened here.
"""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from html import escape
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.damage import CURE as CURE_ID
from drawsim.collection.damage import is_unreadable, note_damage
from drawsim.collection.ids import LONGEST_ID, IdList, as_listed, normal, trimmed
from drawsim.collection.kinds import Kind
from drawsim.collection.pairs import read_pairs, unknown_ids
from drawsim.collection.parents import parent_problems, parents_of
from drawsim.collection.paths import CURE, Places
from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.collection.spreadsheets import IS_ONE, beside
from drawsim.common.errors import UserError, brief
from drawsim.common.opening import is_there
from drawsim.common.remote import located

Table = Literal["drawings", "artworks", "pairs"]
CURE_LONG = f"an id has at most {LONGEST_ID:,} characters"
TABLES: tuple[Table, ...] = get_args(Table)


@dataclass(frozen=True, eq=False, repr=False)
class Collection:
    r"""Drawings, artworks and the pairs between them.

    drawings, artworks: indexed by `id` (text), with `path` and whatever other columns the file has;
        style copies are among the drawings, see `originals` and `copies`.
    pairs: `drawing_id`, `artwork_id`, `pair` (bool), `parent` (the drawing itself, or the original
        of which it is a style copy), and any other columns.

    >>> from tempfile import TemporaryDirectory
    >>> tables = {
    ...     "drawings": "id,path,parent\nd1,1.png,\nd1_oil,2.png,d1",
    ...     "artworks": "id,path\na1,a1.png",
    ...     "pairs": "drawing_id,artwork_id,pair\nd1,a1,true",
    ... }
    >>> with TemporaryDirectory() as folder:
    ...     for name, text in tables.items():
    ...         _ = Path(folder, f"{name}.csv").write_text(text)
    ...     c = Collection.open(folder)
    >>> list(c.originals.index), list(c.copies.index), c.paths("artwork")["a1"].name
    (['d1'], ['d1_oil'], 'a1.png')
    """

    root: Path
    drawings: pd.DataFrame
    artworks: pd.DataFrame
    pairs: pd.DataFrame

    @classmethod
    def open(cls, root: Path | str, *, tables: tuple[Table, ...] = TABLES) -> Collection:
        """Read and check the tables of a collection folder; those not asked for are empty.

        Raises UserError that lists every problem found, with file, row and cure: missing files and
        columns, empty or duplicate ids, paths that leave the collection, pairs that name unknown
        ids, values of `pair` that are neither true nor false, pairs that are both, and style copies
        of two originals. Raises it too for roots that this user has not agreed to (see `paths`).
        """
        root = Path(root)
        if not root.is_dir():
            files = [f"{name}.csv" for name in TABLES if name in tables]
            listed = " and ".join(filter(None, [", ".join(files[:-1]), files[-1]]))
            raise UserError(
                f"{root}: no such folder. Set data.root to a folder with {listed}, "
                "or use data=demo."
            )
        problems = Problems()
        read = read_tables(root, tables, problems)
        raise_problems(f"{root} cannot be used", problems)
        return cls(root, *read)

    @property
    def true_pairs(self) -> pd.DataFrame:
        """The confirmed pairs."""
        return self.pairs[self.pairs["pair"]]

    @cached_property
    def parents(self) -> pd.Series[str]:
        """The original of each drawing, by id: itself, unless it is a style copy."""
        return parents_of(self.drawings, self.pairs)

    @property
    def originals(self) -> pd.DataFrame:
        """The drawings that people made: what is counted, indexed, searched, judged, evaluated."""
        return self.drawings[(self.parents == self.parents.index).to_numpy()]

    @property
    def copies(self) -> pd.DataFrame:
        """The style copies that a program made after drawings, to train on."""
        return self.drawings[(self.parents != self.parents.index).to_numpy()]

    def paths(self, kind: Kind, ids: Iterable[str] | None = None) -> dict[str, Path]:
        """Image files by id, of these drawings or artworks, or else of all originals or artworks.

        Of remote files, where their copies lie, which need not be there (`drawsim.common.remote`).
        Raises KeyError for an id that is not listed.
        """
        table = self.drawings if kind == "drawing" else self.artworks
        if ids is None:
            ids = self.originals.index if kind == "drawing" else table.index
        wanted = list(ids)
        paths = table.loc[wanted, "path"]
        return {i: located(p, self.root) for i, p in zip(wanted, paths, strict=True)}

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

    def without_copies(self) -> Collection:
        """The collection less every style copy and its pairs."""
        return self.without(self.copies.index, ())

    @property
    def counts(self) -> dict[str, int]:
        """What there is: drawings (originals), style copies, artworks, pairs, confirmed pairs."""
        own = self.pairs[self.pairs["drawing_id"] == self.pairs["parent"]]
        return {
            "drawings": len(self.originals),
            "style copies": len(self.copies),
            "artworks": len(self.artworks),
            "pairs": len(own),
            "confirmed pairs": int(own["pair"].sum()),
        }

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {what}" for what, count in self.counts.items() if count)
        return f"Collection({str(self.root)!r}: {told or 'empty'})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{what}</th><td>{count:,}</td></tr>" for what, count in self.counts.items()
        )
        return f"<table><caption>{escape(str(self.root))}</caption>{rows}</table>"


def held_tables(root: Path) -> tuple[Table, ...]:
    """The tables that a collection folder has; it may be unfinished, without pairs for instance."""
    return tuple(name for name in TABLES if (root / f"{name}.csv").is_file())


def tables_of(root: Path, kind: Kind) -> tuple[Table, ...]:
    """The tables that tell of the images of a kind: pairs, too, may say which drawings are copies.

    What a collection does not have yet is needed only where it is the table of the kind itself.
    """
    if kind == "artwork":
        return ("artworks",)
    return ("drawings", "pairs") if "pairs" in held_tables(root) else ("drawings",)


def read_tables(
    root: Path, tables: tuple[Table, ...], problems: Problems
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Drawings, artworks and pairs of a folder; those not asked for are empty.

    Problems of single tables, and between them, are appended, and a note where a table that nobody
    asked for lies there as a spreadsheet.
    """
    for name in TABLES:
        if name not in tables and not (root / f"{name}.csv").exists():
            for path in beside(root, name):
                problems.note(path, IS_ONE)
    places = Places.of(root)
    images = {
        name: read_images(root / f"{name}.csv", problems, places)
        if name in tables
        else _no_images()
        for name in ("drawings", "artworks")
    }
    drawings, artworks = images.values()
    if "pairs" not in tables:
        return drawings, artworks, _no_pairs()
    listed: dict[Kind, IdList] = {"drawing": ids_of(drawings), "artwork": ids_of(artworks)}
    pairs = read_pairs(root / "pairs.csv", problems, listed)
    for kind, ids in listed.items():
        if ids:  # of a table that cannot be read, every id would be unknown
            problems += unknown_ids("pairs.csv", pairs[f"{kind}_id"], ids, f"{kind}s.csv")
    problems += parent_problems(drawings, pairs)
    parents = dict(parents_of(drawings, pairs).items())
    own = [
        str(parents.get(name, parent))
        for name, parent in zip(pairs["drawing_id"], pairs["parent"], strict=True)
    ]
    return drawings, artworks, pairs.assign(parent=pd.Series(own, pairs.index, dtype=str))


def _no_images() -> pd.DataFrame:
    return pd.DataFrame({"path": []}, index=pd.Index([], name="id"), dtype=str)


def _no_pairs() -> pd.DataFrame:
    pairs = pd.DataFrame(columns=["drawing_id", "artwork_id", "pair", "parent"], dtype=str)
    return pairs.astype({"pair": bool})


def ids_of(images: pd.DataFrame) -> IdList:
    """The ids of a table of images, indexed by id, and their paths: what ids can be meant for."""
    ids = images.index.to_numpy()
    paths = dict(zip(ids, images["path"].to_numpy(), strict=True)) if "path" in images else {}
    return IdList(ids, paths)


def read_images(path: Path, problems: Problems, places: Places) -> pd.DataFrame:
    """A table of drawings or artworks, indexed by id; problems are appended as in `read_csv`.

    places: where its images may lie.
    """
    return read_image_rows(path, problems, places).set_index("id")


def read_image_rows(path: Path, problems: Problems, places: Places) -> pd.DataFrame:
    """The same, with `id` a column and the rows of the file as the index.

    Spaces that nobody sees around a path to no file are taken off.
    """
    before = len(problems)
    table = _meant(path, read_csv(path, ("id", "path"), problems), problems)
    for column in ("id", "path"):
        problems += [
            Problem(path.name, int(row), f"empty {column}", "fill it in")
            for row in table.index[table[column].str.strip() == ""]
        ]
    problems += [
        Problem(path.name, int(str(row)), what, CURE)
        for row, place in table["path"].items()
        if place.strip() and (what := places.complaint(place))
    ]
    seen: dict[str, tuple[str, int]] = {}
    for row, name in table["id"].items():
        first, at = seen.setdefault(normal(name), (name, int(str(row))))
        if at != row and name:
            what = f"duplicate id {brief(name)} (first in row {at})"
            if first != name:
                what = f"id {name!a} is {first!a} of row {at} in another Unicode spelling"
            problems.append(Problem(path.name, int(str(row)), what, "keep one of the two"))
    if table.empty and len(problems) == before:
        problems.append(Problem(path.name, None, "no rows", "list at least one image"))
    problems += [
        Problem(path.name, int(str(row)), f"id {brief(name)} is none", CURE_ID)
        for row, name in table["id"].items()
        if is_unreadable(name)
    ]
    problems += [
        Problem(path.name, int(str(row)), f"id {brief(name)} is too long", CURE_LONG)
        for row, name in table["id"].items()
        if len(name) > LONGEST_ID
    ]
    note_damage(table, partial(problems.note, path))
    return table


def _meant(path: Path, table: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """The table with its paths and parents as they are meant, and that noted; ids stay as is."""
    wide = table["path"][table["path"].map(trimmed) != table["path"]]
    gone = wide[[not is_there(path.parent / place) for place in wide]]
    if len(gone):
        problems.note(path, f"path: {len(gone):,} with unseen spaces ({brief(gone.iloc[0])})")
        table = table.assign(path=gone.map(trimmed).reindex(table.index).fillna(table["path"]))
    if "parent" in table.columns:
        ids = IdList(table["id"], dict(zip(table["id"], table["path"], strict=True)))
        parents = as_listed(table["parent"], ids, partial(problems.note, path))
        table = table.assign(parent=parents)
    return table
