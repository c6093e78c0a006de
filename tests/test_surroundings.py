"""Where tests and the commands that they start keep things: nowhere near the user's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drawsim.common.files import user_cache
from drawsim.models.embedding.store import default_store
from tests.commands import run

PLACES = """
import json
from drawsim.common.files import user_cache
from drawsim.models.embedding.store import default_store
print(json.dumps([str(user_cache()), str(default_store())]))
"""


def test_caches_are_of_these_tests_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    places = [user_cache(), default_store()]
    assert all(place.is_relative_to(tmp_path_factory.getbasetemp()) for place in places)
    told = run("-c", PLACES)
    assert told.returncode == 0, told
    assert [Path(place) for place in json.loads(told.stdout)] == places
