"""The pictures of a collection, as exports show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from drawsim.collection.canvases import Places, places_of
from drawsim.collection.iiif.shown import label_of
from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection, held_tables
from drawsim.reporting.iiif.pictures import Picture
from drawsim.retrieval.index.filters import Condition, passing


@dataclass(frozen=True)
class Catalogue:
    """Looks up pictures of a collection by kind and id."""

    collection: Collection

    @classmethod
    def open(cls, root: Path) -> Catalogue:
        """Of a folder, whichever tables it has. Raises UserError as `Collection.open`."""
        return cls(Collection.open(root, tables=held_tables(root) or ("drawings", "artworks")))

    @property
    def name(self) -> str:
        """What the collection is called."""
        return self.collection.root.resolve().name

    def picture(self, kind: Kind, name: str) -> Picture | None:
        """A picture; None: the collection has none of that id."""
        row = self._rows[kind].get(name)
        if row is None:
            return None
        file = self.collection.paths(kind, [name])[name]
        return Picture(kind, name, file, row, self._places.get((kind, name)))

    def label(self, picture: Picture) -> str:
        """What people call a picture."""
        return label_of(picture.kind, picture.id, picture.row)

    def failing(self, conditions: Sequence[Condition]) -> frozenset[tuple[str, str]]:
        """Kind and id of the pictures that do not fulfil all conditions.

        A condition is on the pictures whose table has its column. Raises UserError as
        `retrieval.index.filters.passing`.
        """
        found: set[tuple[str, str]] = set()
        for condition in conditions:
            tables = {
                kind: table.reset_index()
                for kind, table in self._tables.items()
                if condition.column in ("id", *table.columns)
            }
            told = [table[list({"id", condition.column})] for table in tables.values()]
            every = pd.concat(told or [table.reset_index() for table in self._tables.values()])
            mask = passing([condition], every.set_index("id"), str(self.collection.root)).mask
            keys = [(kind, str(name)) for kind, table in tables.items() for name in table["id"]]
            found |= {key for key, passes in zip(keys, mask, strict=True) if not passes}
        return frozenset(found)

    @cached_property
    def _rows(self) -> dict[Kind, dict[str, dict[str, str]]]:
        return {
            kind: {
                str(name): {str(column): str(cell) for column, cell in row.items()}
                for name, row in table.to_dict("index").items()
            }
            for kind, table in self._tables.items()
        }

    @property
    def _tables(self) -> dict[Kind, pd.DataFrame]:
        return {"drawing": self.collection.drawings, "artwork": self.collection.artworks}

    @cached_property
    def _places(self) -> Places:
        return places_of(self.collection)
