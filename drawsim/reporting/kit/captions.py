"""What people call a picture, and whose it is, where the collection knows that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from drawsim.collection.names import display_name
from drawsim.collection.rights import NOTHING, Rights, Use, rights_of
from drawsim.collection.tables import Collection


@dataclass(frozen=True)
class Caption:
    """Title and artist of a picture, each empty where it is not known, its id, and its rights."""

    title: str
    artist: str
    id: str
    rights: Rights = NOTHING

    @classmethod
    def of(cls, name: str, row: Mapping[str, object]) -> Caption:
        """From the cells of a picture's row."""
        title, artist = (
            text.strip() if isinstance(text := row.get(column), str) else ""
            for column in ("title", "artist")
        )
        return cls(title, display_name(artist), name, rights_of(row))

    @property
    def line(self) -> str:
        """In one line.

        >>> Caption("Guernica", "Pablo Picasso", "a1").line, Caption("", "", "a1").line
        ('Guernica, Pablo Picasso', 'a1')
        """
        return ", ".join(part for part in (self.title, self.artist) if part) or self.id

    @property
    def printed(self) -> str:
        """Below a picture on paper: its id, and whose it is."""
        return " · ".join(filter(None, (self.id, self.rights.line)))


@dataclass(frozen=True)
class Captions:
    """Captions by kind (drawing, artwork) and id. tables: those of the collection, by kind.

    It remembers which pictures it was asked for: those that a page shows.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    _shown: dict[tuple[str, str], Caption] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, collection: Collection) -> Captions:
        """Those of a collection."""
        return cls({"drawing": collection.drawings, "artwork": collection.artworks})

    def __call__(self, kind: str, name: str) -> Caption:
        """The caption of a picture; of an unknown one its id alone."""
        if (kind, name) not in self._shown:
            self._shown[kind, name] = self._read(kind, name)
        return self._shown[kind, name]

    def _read(self, kind: str, name: str) -> Caption:
        table = self.tables.get(kind)
        if table is None or name not in table.index or not table.index.is_unique:
            return Caption("", "", name)
        row = {str(column): cell for column, cell in table.loc[name].items()}
        return Caption.of(name, row)

    @property
    def warning(self) -> str:
        """What must be known before the pictures that were asked for are published."""
        return warning_of(caption.rights for caption in self._shown.values())


def warning_of(shown: Iterable[Rights]) -> str:
    """What must be known before some pictures are published, in a sentence.

    Empty if all may be, or nothing is said of any of them.

    >>> warning_of([Rights("In copyright", use="no"), Rights("CC0", use="free"), NOTHING])
    'Rights in these pictures: 1 may not be published without permission, of 1 nothing is known.'
    """
    rights = list(shown)
    if all(each == NOTHING for each in rights):
        return ""
    counts = Counter(each.use for each in rights)
    words: dict[Use, str] = {
        "no": f"{counts['no']:,} may not be published without permission",
        "conditions": f"{counts['conditions']:,} may be published under conditions",
        "unknown": f"of {counts['unknown']:,} nothing is known",
    }
    said = [text for use, text in words.items() if counts[use]]
    return f"Rights in these pictures: {', '.join(said)}." if said else ""
