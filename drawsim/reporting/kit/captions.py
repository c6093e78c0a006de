"""What people call a picture: its title and artist, where the collection knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from drawsim.collection.names import display_name
from drawsim.collection.tables import Collection


@dataclass(frozen=True)
class Caption:
    """Title and artist of a picture, each empty where it is not known, and its id."""

    title: str
    artist: str
    id: str

    @property
    def line(self) -> str:
        """In one line.

        >>> Caption("Guernica", "Pablo Picasso", "a1").line, Caption("", "", "a1").line
        ('Guernica, Pablo Picasso', 'a1')
        """
        return ", ".join(part for part in (self.title, self.artist) if part) or self.id


@dataclass(frozen=True)
class Captions:
    """Captions by kind (drawing, artwork) and id. tables: those of the collection, by kind."""

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(cls, collection: Collection) -> Captions:
        """Those of a collection."""
        return cls({"drawing": collection.drawings, "artwork": collection.artworks})

    def __call__(self, kind: str, name: str) -> Caption:
        """The caption of a picture; of an unknown one its id alone."""
        table = self.tables.get(kind)
        if table is None or name not in table.index or not table.index.is_unique:
            return Caption("", "", name)
        title, artist = (
            str(table.at[name, column]).strip() if column in table.columns else ""
            for column in ("title", "artist")
        )
        return Caption(title, display_name(artist), name)
