"""Which pictures of a collection may be published, by what its tables say of their rights."""

from __future__ import annotations

from collections.abc import Collection as AnyOf
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from drawsim.collection.rights import USES, rights_of
from drawsim.common.words import counted

NOTHING_SAID = "nothing is said"
ORDER = tuple(USES[use] for use in ("no", "conditions", "unknown", "free"))
"""Of what may not be published first."""
LISTED = (
    *("kind", "id", "publish", "licence", "address", "required_statement", "homepage", "title"),
    "artist",
)


@dataclass(frozen=True)
class Share:
    """How many drawings and artworks are under a licence, and whether they may be published."""

    publish: str
    licence: str
    drawings: int
    artworks: int


@dataclass(frozen=True)
class Publishing:
    """table: a row for each picture, the least free first, with the columns LISTED."""

    table: pd.DataFrame

    @property
    def is_told(self) -> bool:
        """Whether anything is said of any picture."""
        return bool((self.table["licence"] != NOTHING_SAID).any())

    @property
    def shares(self) -> list[Share]:
        """How many pictures there are of each licence, the least free first."""
        groups = self.table.groupby(["publish", "licence"], sort=False)
        return [
            Share(
                str(publish),
                str(said),
                int((rows["kind"] == "drawing").sum()),
                int((rows["kind"] == "artwork").sum()),
            )
            for (publish, said), rows in groups
        ]

    @property
    def note(self) -> str:
        """In one line, how many pictures may not be published."""
        counts = self.table["publish"].value_counts()
        told = [f"{words} {counts[words]:,}" for words in ORDER if words in counts]
        pictures = counted(len(self.table), "picture")
        return f"rights in {pictures}: {', '.join(told)}; see rights.csv"


def publishing_of(tables: Mapping[str, pd.DataFrame], copies: AnyOf[str] = ()) -> Publishing:
    """What may be published of a collection.

    tables: by kind, indexed by id. copies: drawings that are style copies, and left out.
    """
    rows = []
    for kind, table in tables.items():
        for name, row in zip(table.index, table.to_dict("records"), strict=True):
            if kind == "drawing" and name in copies:
                continue
            cells = {str(column): str(cell) for column, cell in row.items()}
            rights = rights_of(cells)
            rows.append(
                {
                    "kind": kind,
                    "id": str(name),
                    "publish": USES[rights.use],
                    "licence": rights.label or NOTHING_SAID,
                    "address": rights.address,
                    "required_statement": rights.statement,
                    "homepage": rights.homepage,
                    "title": cells.get("title", ""),
                    "artist": cells.get("artist_name") or cells.get("artist", ""),
                }
            )
    rows.sort(key=lambda row: ORDER.index(row["publish"]))
    return Publishing(pd.DataFrame(rows, columns=list(LISTED), dtype=str))
