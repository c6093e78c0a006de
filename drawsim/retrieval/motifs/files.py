"""What was found of motifs, as files: `motifs.json` and two tables, which pages and the app read.

A folder holds `motifs.json` (the groups and what they were found in), `tables/members.csv` (a row
for each drawing of a group), `tables/who.csv` (who draws it, see `retrieval/analysis/who.py`) and
`tables/colours.csv` (the same of colours). What is read is checked whole, whoever wrote it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drawsim.collection.csv_files import write_csv
from drawsim.collection.spreadsheets import unguarded
from drawsim.common.errors import UserError
from drawsim.common.files import read_json, read_table, write_json
from drawsim.common.typed import mistyped
from drawsim.retrieval.embeddings import Embeddings

MOTIFS = "motifs.json"
MEMBERS = Path("tables") / "members.csv"
WHO = Path("tables") / "who.csv"
COLOURS = Path("tables") / "colours.csv"
FORMAT = 1
MEMBER_COLUMNS = ("motif", "drawing_id")
WHO_COLUMNS = (
    *("motif", "column", "value", "count", "known", "expected"),
    *("odds_ratio", "low", "high", "p", "q"),
)
"""Of `who.csv`: of the motif's `known` drawings, those whose column says anything, `count` have the
value; `expected` by chance within strata; the common odds ratio with its 95 % interval (`inf` where
it has no upper end); p, and q after Benjamini and Hochberg."""
COLOUR_COLUMNS = ("column", "value", "colour", *WHO_COLUMNS[3:])
"""Of `colours.csv`: of the `known` drawings with this value `count` use the colour."""
CURE = "find motifs again: python -m drawsim.explore view=motifs"


@dataclass(frozen=True)
class Motif:
    """A group of drawings that share a motif.

    id: as files, pages and the app name it, 1, 2, … from the largest group on. members: ids of
    drawings, those most like the rest first. medoid: the first of them. stability: mean Jaccard
    index of the group with its best match in resampled data, 0..1. confirmed: share of its pairs of
    neighbours whose pictures match in one layout; None where pictures were not looked at.
    """

    id: str
    members: tuple[str, ...]
    medoid: str
    stability: float
    confirmed: float | None = None

    @property
    def size(self) -> int:
        """How many drawings it has."""
        return len(self.members)


@dataclass(frozen=True)
class Motifs:
    """The motifs of a collection, the largest first.

    drawings: how many were looked at, in groups or not. unstable: groups that were found and are
    not shown. collection: its name. model: what made the embeddings, for people. digest: of the
    embeddings (see `digest_of`). settings: of `explore.motifs`, as they were.
    """

    motifs: tuple[Motif, ...]
    drawings: int
    unstable: int
    collection: str
    model: str
    digest: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_id(self) -> dict[str, Motif]:
        """The groups by their ids."""
        return {each.id: each for each in self.motifs}

    def members(self) -> pd.DataFrame:
        """`motif` and `drawing_id`, a row for each drawing of a group."""
        rows = [(each.id, drawing) for each in self.motifs for drawing in each.members]
        return pd.DataFrame(rows, columns=list(MEMBER_COLUMNS), dtype=str)

    def check_drawings(self, known: Container[str], where: str) -> None:
        """Raise UserError if a member is not among the drawings that are known.

        where: what knows them, for the message.
        """
        gone = [name for each in self.motifs for name in each.members if name not in known]
        if gone:
            raise UserError(
                f"motifs of another collection ({self.collection}), or of one that has changed: "
                f"{len(gone):,} of their drawings, such as {gone[0]!r}, are not in {where}; {CURE}"
            )

    def check_embeddings(self, embeddings: Embeddings, where: str) -> None:
        """Raise UserError if these are not the embeddings that the groups were found in."""
        if digest_of(embeddings) != self.digest:
            raise UserError(
                f"motifs found in other embeddings than those of {where}: drawings or the model "
                f"have changed since; {CURE}"
            )


def digest_of(embeddings: Embeddings) -> str:
    """SHA-256 of ids and vectors as float32, whatever their order."""
    order = sorted(range(len(embeddings.ids)), key=lambda row: embeddings.ids[row])
    found = hashlib.sha256()
    for row in order:
        found.update(embeddings.ids[row].encode() + b"\0")
    for start in range(0, len(order), 4096):
        some = embeddings.vectors[order[start : start + 4096]].float().numpy()
        found.update(np.ascontiguousarray(some, dtype="<f4").tobytes())
    return found.hexdigest()


def write_motifs(found: Motifs, folder: Path) -> None:
    """Write `tables/members.csv`, then `motifs.json`, each atomically."""
    write_csv(found.members(), folder / MEMBERS)
    groups = [
        {
            "id": each.id,
            "size": each.size,
            "medoid": each.medoid,
            "stability": round(each.stability, 4),
            "confirmed": None if each.confirmed is None else round(each.confirmed, 4),
            "members": list(each.members),
        }
        for each in found.motifs
    ]
    says = {
        "format": FORMAT,
        "collection": found.collection,
        "drawings": found.drawings,
        "unstable": found.unstable,
        "model": found.model,
        "digest": found.digest,
        "settings": dict(found.settings),
        "motifs": groups,
    }
    write_json(folder / MOTIFS, says)


_SAYS = {
    **{"collection": str, "drawings": int, "unstable": int, "model": str, "digest": str},
    **{"settings": dict, "motifs": list},
}
_GROUP = {
    **{"id": str, "size": int, "medoid": str, "stability": float, "confirmed": float | None},
    **{"members": list[str]},
}


def read_motifs(folder: Path) -> Motifs:
    """What `write_motifs` wrote. Raises UserError if it is missing, damaged or says nonsense."""
    file = folder / MOTIFS
    if not file.is_file():
        raise UserError(f"{folder}: no {MOTIFS} in it; {CURE} out={folder}")
    says = read_json(file)
    if says.get("format") != FORMAT:
        raise UserError(f"{file}: of another version (format {says.get('format')!r}); {CURE}")
    _check(says, _SAYS, file)
    groups = [_motif(each, file) for each in says["motifs"]]
    for what, names in (
        ("group", [each.id for each in groups]),
        ("drawing", [name for each in groups for name in each.members]),
    ):
        if len(set(names)) < len(names):
            raise UserError(f"{file}: damaged (a {what} is there twice); {CURE}")
    if min(says["drawings"] - sum(each.size for each in groups), says["unstable"]) < 0:
        raise UserError(f"{file}: damaged (fewer drawings than its groups have); {CURE}")
    rest = {key: says[key] for key in _SAYS if key != "motifs"}
    return Motifs(tuple(groups), **rest)


def _motif(says: Any, file: Path) -> Motif:
    if not isinstance(says, dict):
        raise UserError(f"{file}: damaged (a group that is none); {CURE}")
    _check(says, _GROUP, file)
    members = tuple(says["members"])
    confirmed = says["confirmed"]
    shares = [says["stability"], 0.0 if confirmed is None else confirmed]
    if not members or says["medoid"] not in members or says["size"] != len(members):
        raise UserError(f"{file}: damaged (the members of group {says['id'][:20]!r}); {CURE}")
    if not all(0 <= share <= 1 for share in shares):
        raise UserError(f"{file}: damaged (the stability of group {says['id'][:20]!r}); {CURE}")
    return Motif(says["id"], members, says["medoid"], float(says["stability"]), confirmed)


def _check(says: Mapping[str, Any], types: Mapping[str, Any], file: Path) -> None:
    for key, hint in types.items():
        if key not in says or (wrong := mistyped(says[key], hint)) is not None:
            why = f"no {key}" if key not in says else f"{key} {wrong}"
            raise UserError(f"{file}: damaged ({why}); {CURE}")


def read_who(folder: Path) -> pd.DataFrame:
    """`tables/who.csv`, counts and numbers as such; without it, no rows.

    Raises UserError for a table that drawsim did not write.
    """
    if not (folder / WHO).is_file():
        return empty_who()
    texts = unguarded(read_table(folder / WHO, WHO_COLUMNS))
    try:
        cells = texts[list(WHO_COLUMNS[3:])].astype(float)
    except ValueError as error:
        raise UserError(f"{folder / WHO}: damaged ({error}); {CURE}") from error
    finite = cells.drop(columns=["odds_ratio", "high"]).to_numpy()
    if not all(map(math.isfinite, finite.ravel())):
        raise UserError(f"{folder / WHO}: damaged (a number that is none); {CURE}")
    return texts.assign(**cells).astype({"count": int, "known": int})


def colour_table(colours: pd.DataFrame) -> pd.DataFrame:
    """A table of `uses_what`, whose groups are called `COLUMN=VALUE`, as `colours.csv` has it."""
    parts = [str(name).partition("=") for name in colours["motif"]]
    own = colours.rename(columns={"value": "colour"}).assign(
        column=[column for column, _, _ in parts], value=[value for _, _, value in parts]
    )
    return own[list(COLOUR_COLUMNS)]


def empty_who() -> pd.DataFrame:
    """A table of `who.csv` without rows."""
    kinds = dict.fromkeys(WHO_COLUMNS[:3], "object") | dict.fromkeys(WHO_COLUMNS[3:], "float64")
    return pd.DataFrame(columns=list(WHO_COLUMNS)).astype(kinds).astype({"count": int})
