"""The order of the tests: long files first, and each of them is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.order import LONG

FOLDER = Path(__file__).parent


def test_every_long_file_is_there() -> None:
    assert len(set(LONG)) == len(LONG)
    assert [name for name in LONG if not (FOLDER / name).is_file()] == []


def test_they_come_first(request: pytest.FixtureRequest) -> None:
    names = [item.path.relative_to(FOLDER).as_posix() for item in request.session.items]
    files = list(dict.fromkeys(names))
    long = [name for name in LONG if name in files]
    assert files[: len(long)] == long
