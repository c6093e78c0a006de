"""Collections written as text, and what is said of those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError

DRAWINGS = "id,path\nd0,d0.png\nd1,d1.png\n"
ARTWORKS = "id,path\na0,a0.png\na1,a1.png\n"
PAIRS = "drawing_id,artwork_id,pair\nd0,a0,true\nd1,a1,false\n"


def write(
    root: Path,
    drawings: str | bytes | None = DRAWINGS,
    artworks: str | bytes | None = ARTWORKS,
    pairs: str | bytes | None = PAIRS,
) -> Path:
    """A collection folder of these tables; None leaves one out."""
    tables = {"drawings.csv": drawings, "artworks.csv": artworks, "pairs.csv": pairs}
    for name, text in tables.items():
        if text is not None:
            (root / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def complaint(root: Path) -> list[str]:
    """The problems of a collection that cannot be used, without the heading."""
    with pytest.raises(UserError) as error:
        Collection.open(root)
    heading, *lines = str(error.value).splitlines()
    assert str(root) in heading
    assert all(" – " in line for line in lines if "… and" not in line), "each has a cure"
    return [line.strip() for line in lines]
