"""A close look at a collection: every table, and every image decoded to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.paths import Places
from drawsim.collection.problems import Problem, Problems
from drawsim.collection.splits import assert_disjoint, read_split, split_files
from drawsim.collection.spreadsheets import IS_ONE, beside
from drawsim.collection.tables import TABLES, Collection, held_tables, read_image_rows, read_tables
from drawsim.collection.years import note_years
from drawsim.common.errors import UserError
from drawsim.common.remote import located
from drawsim.pixels.duplicates import check_distance, look_alikes, same_bytes
from drawsim.pixels.look import Look
from drawsim.pixels.looking import look_at_images

SEPARATOR = "; "
"""Between notes on one image."""
_WITHOUT = {
    "drawings": "this is a gallery alone",
    "artworks": "these are drawings alone",
    "pairs": "nothing can be learnt from or measured by",
}
"""What follows where a table is not there."""
_MEND = "mend the file or take the row out"


@dataclass(frozen=True)
class Inspection:
    """What was found in a collection.

    problems: what must be mended, and notes on the tables. images: one row for each row of the
    tables: kind, id, path, parent (the original of a style copy, else empty), width, height, mode
    (gray or colour), bytes, problem, note (what people should know of a usable one); width to bytes
    are empty for an unusable image. duplicates: first_kind, first, second_kind, second, same_bytes,
    distance (bits). pairs: those of the collection, as `read_pairs` has them. tables: what the
    collection says of its images, by kind, indexed by id.
    """

    problems: Problems
    images: pd.DataFrame
    duplicates: pd.DataFrame
    pairs: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]


def inspect_collection(root: Path, *, distance: int, max_pixels: int, workers: int) -> Inspection:
    """Read every table and decode every image of a collection, whether or not it is in a pair.

    distance: bits in which the hashes of near-duplicates may differ. Raises UserError only if there
    is no such folder, or the distance makes no sense: all else is listed.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; source must be the folder of a collection")
    check_distance(distance)
    problems, tables, collection = _inspect_tables(root)
    pairs = collection.pairs
    rows = [
        (kind, int(str(row)), name, path)
        for kind, table in tables.items()
        for row, name, path in zip(table.index, table["id"], table["path"], strict=True)
    ]
    looks = look_at_images(
        [located(path, root) for *_, path in rows],
        max_pixels=max_pixels,
        workers=workers,
        what="checking images",
        anew=True,
    )
    bad = {kind: set[str]() for kind in KINDS}
    for (kind, row, name, path), look in zip(rows, looks, strict=True):
        if look.reason:
            problems.append(Problem(f"{kind}s.csv", row, f"{name!r}: {path} {look.reason}", _MEND))
            bad[kind].add(name)
    problems += _pairs_without_images(pairs, bad)
    parents = {str(name): original for name, original in collection.parents.items()}
    images = pd.DataFrame(
        [
            (
                *_named(kind, name, path, parents),
                *_cells(look),
                look.reason or "",
                SEPARATOR.join(look.notes),
            )
            for (kind, _, name, path), look in zip(rows, looks, strict=True)
        ],
        columns=[
            "kind",
            "id",
            "path",
            "parent",
            "width",
            "height",
            "mode",
            "bytes",
            "problem",
            "note",
        ],
    )
    names: list[tuple[str, str]] = [(kind, name) for kind, _, name, _ in rows]
    duplicates = _duplicates(names, looks, parents, distance)
    named = {"drawing": collection.drawings, "artwork": collection.artworks}
    return Inspection(problems, images, duplicates, pairs, named)


def _named(kind: str, name: str, path: str, parents: dict[str, str]) -> tuple[str, str, str, str]:
    parent = parents.get(name, name) if kind == "drawing" else name
    return kind, name, path, "" if parent == name else parent


def _cells(look: Look) -> tuple[str, str, str, str]:
    if look.reason:
        return "", "", "", ""
    mode = "colour" if look.colour else "gray"
    return str(look.width), str(look.height), mode, str(look.bytes)


def _inspect_tables(root: Path) -> tuple[Problems, dict[Kind, pd.DataFrame], Collection]:
    """Every problem of the tables; the rows whose images can be looked at, by kind; what was read.

    These rows have an id, and a path that does not leave the collection.
    """
    problems = Problems()
    held = held_tables(root)
    # Without pairs a collection may be drawings or a gallery alone; pairs need both.
    asked = held if held and "pairs" not in held else TABLES
    for name in TABLES:
        if name not in asked:
            problems.note(root / f"{name}.csv", f"there is none, so {_WITHOUT[name]}")
    for folder in (root, root / "splits"):
        for path in beside(folder):
            problems.note(path, IS_ONE)
    collection = Collection(root, *read_tables(root, asked, problems))
    places = Places.of(root)
    tables = {}
    for kind in KINDS:
        table = read_image_rows(root / f"{kind}s.csv", Problems(), places)
        note_years(table, partial(problems.note, root / f"{kind}s.csv"))
        inside = [bool(path.strip()) and not places.complaint(path) for path in table["path"]]
        tables[kind] = table[(table["id"] != "") & np.array(inside, dtype=bool)]
    pairs = collection.pairs
    known = [*collection.drawings.index, ""]
    copied = pairs["parent"][pairs["parent"] != pairs["drawing_id"]]
    for file, parents in (
        ("drawings.csv", tables["drawing"].get("parent", pd.Series(dtype=str))),
        ("pairs.csv", copied),
    ):
        orphans = parents[~parents.isin(known)]
        problems += [
            Problem(
                file,
                int(str(row)),
                f"parent {parent!r} is not in drawings.csv",
                "add the original there, or take its style copies out",
            )
            for row, parent in orphans.items()
        ]
    if not problems:  # what splits name is then worth a look
        defects = {path: _defect_of_split(path, collection) for path in split_files(root)}
        cure = "mend it, or delete it and run step=splits"
        problems += [
            Problem(f"splits/{path.name}", None, what, cure)
            for path, what in defects.items()
            if what
        ]
    return problems, tables, collection


def _defect_of_split(path: Path, collection: Collection) -> str | None:
    try:
        assert_disjoint(read_split(path, collection), str(path))
    except UserError as error:
        return str(error).removeprefix(str(path)).strip(": \n")
    return None


def _pairs_without_images(pairs: pd.DataFrame, bad: dict[Kind, set[str]]) -> list[Problem]:
    return [
        Problem(
            "pairs.csv",
            int(str(row)),
            f"{kind}_id {name!r} has no usable image",
            "mend the image or take the pair out",
        )
        for kind in KINDS
        for row, name in pairs[f"{kind}_id"].items()
        if name in bad[kind]
    ]


def _duplicates(
    names: list[tuple[str, str]], looks: list[Look], parents: dict[str, str], distance: int
) -> pd.DataFrame:
    """Pairs of images that are the same to the byte, then those that look the same.

    Of files with the same bytes, each is listed with the first, and only that is compared further.
    Style copies of one drawing, and the drawing, are not compared with one another.
    """
    digests = {str(row): look.digest for row, look in enumerate(looks) if not look.reason}
    groups = same_bytes(digests)
    found = [(int(one[0]), int(other), True, 0) for one in groups for other in one[1:]]
    again = {second for _, second, *_ in found}
    rows = [row for row in map(int, digests) if row not in again]
    small = [look.small for look in map(looks.__getitem__, rows) if look.small is not None]
    alike = look_alikes(small, distance)
    found += [
        (rows[first], rows[second], False, bits)
        for first, second, bits in zip(*(column.tolist() for column in alike), strict=True)
    ]

    def family(row: int) -> tuple[str, str]:
        kind, name = names[row]
        return kind, parents.get(name, name) if kind == "drawing" else name

    return pd.DataFrame(
        [
            (*names[first], *names[second], same, bits)
            for first, second, same, bits in found
            if names[first] != names[second]  # listed twice: that is a problem of its own
            and (same or family(first) != family(second))
        ],
        columns=["first_kind", "first", "second_kind", "second", "same_bytes", "distance"],
    )


def groups_of(duplicates: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """Images (kind, id) that are connected by duplicates, largest group first."""
    group: dict[tuple[str, str], list[tuple[str, str]]] = {}
    columns = (duplicates[c].tolist() for c in ("first_kind", "first", "second_kind", "second"))
    for first_kind, first, second_kind, second in zip(*columns, strict=True):
        ends = (first_kind, first), (second_kind, second)
        one, other = (group.setdefault(end, [end]) for end in ends)
        if one is not other:
            one += other
            group |= dict.fromkeys(other, one)
    distinct = list({id(one): one for one in group.values()}.values())
    return sorted(distinct, key=len, reverse=True)
