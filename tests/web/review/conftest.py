"""What judges do to a collection of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawsim.collection.tables import Collection
from tests.web.judges import Judges, copied


@pytest.fixture
def judges(tmp_path: Path) -> Judges:
    return Judges(tmp_path)


@pytest.fixture
def mine(collection: Collection, tmp_path: Path) -> Collection:
    """The small collection in a folder that may be written to."""
    folder = tmp_path / "mine"
    folder.mkdir()
    return copied(collection, folder)
