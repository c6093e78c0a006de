"""What people call groups: names and tags that the annotation app exported as `groups.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drawsim.collection.spreadsheets import unguarded
from drawsim.common.files import read_table
from drawsim.retrieval.motifs.files import Motifs

GROUPS = "groups.csv"
"""As `drawsim annotate export` writes it."""
COLUMNS = ("group", "name", "tags", "drawing_id", "belongs")
BETWEEN = "; "


@dataclass(frozen=True)
class Named:
    """What was said of a group. removed: its drawings that do not belong, as somebody said."""

    name: str = ""
    tags: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()


def read_named(file: Path, motifs: Motifs) -> tuple[dict[str, Named], int]:
    """What is said of groups, by the ids of those that have the same drawings.

    And of how many groups something is said that are not among the motifs. Raises UserError for a
    table that drawsim did not write.
    """
    table = unguarded(read_table(file, COLUMNS))
    said: dict[frozenset[str], Named] = {}
    for _, rows in table.groupby("group", sort=False):
        removed = rows.loc[rows["belongs"] == "false", "drawing_id"]
        first = rows.iloc[0]
        tags = tuple(filter(None, str(first["tags"]).split(BETWEEN)))
        said[frozenset(rows["drawing_id"])] = Named(str(first["name"]), tags, frozenset(removed))
    named = {
        motif.id: said[members]
        for motif in motifs.motifs
        if (members := frozenset(motif.members)) in said
    }
    return named, len(said) - len(named)


def named_words(motif: str, named: Mapping[str, Named]) -> str:
    """What a motif is called: by its name, or by its id.

    >>> named_words("2", {"2": Named("Boats")}), named_words("3", {})
    ('Boats', 'Motif 3')
    """
    said = named.get(motif)
    return said.name if said is not None and said.name else f"Motif {motif}"
