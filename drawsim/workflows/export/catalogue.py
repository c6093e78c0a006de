"""The pictures of a collection, as exports show them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from drawsim.collection.canvases import Places, places_of
from drawsim.collection.iiif.shown import label_of
from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection, held_tables
from drawsim.reporting.iiif.pictures import Picture


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

    @cached_property
    def _rows(self) -> dict[Kind, dict[str, dict[str, str]]]:
        tables: dict[Kind, pd.DataFrame] = {
            "drawing": self.collection.drawings,
            "artwork": self.collection.artworks,
        }
        return {
            kind: {
                str(name): {str(column): str(cell) for column, cell in row.items()}
                for name, row in table.to_dict("index").items()
            }
            for kind, table in tables.items()
        }

    @cached_property
    def _places(self) -> Places:
        return places_of(self.collection)
