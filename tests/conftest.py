"""What several tests stand on: a small collection, and the real ones where they are present."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings

from drawsim.collection.tables import Collection
from tests.checkout import Checkout
from tests.order import LongFirst
from tests.postgres import new_vector_database as new_vector_database
from tests.postgres import postgres_server as postgres_server
from tests.skips import Skips
from tests.skips import pytest_addoption as pytest_addoption

# A busy machine is slow, which is no defect.
settings.register_profile("drawsim", deadline=None)
settings.load_profile("drawsim")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Skips(config))
    config.pluginmanager.register(Checkout(config))
    config.pluginmanager.register(LongFirst(config))


def pytest_sessionstart() -> None:
    gc.disable()  # nothing that is imported is garbage


def pytest_collection_finish() -> None:
    """Leave what was imported out of every later search for garbage: it is most of what there is.

    A tenth of the time of the tests went there.
    """
    gc.freeze()
    gc.enable()


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
CASES = SHARED.with_name("cases")

PAIRS = [
    ("d0", "a0", True),
    ("d1", "a0", True),  # one artwork, two drawings
    ("d2", "a1", True),
    ("d2", "a2", True),  # one drawing, two artworks
    ("d3", "a3", True),
    ("d4", "a4", True),
    ("d5", "a5", True),
    ("d6", "a6", True),
    ("d7", "a7", False),
]
"""Six components of confirmed pairs: enough for one in val and one in test in every version."""


@pytest.fixture(scope="session", autouse=True)
def settings_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings and caches of this process and of its commands: new ones, which nobody else uses.

    What a user agrees to, demos, embeddings and what was seen of images lie there.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        cache = tmp_path_factory.mktemp("cache")
        (cache / "drawsim").mkdir()  # is used because it is there, where systems have another place
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield


@pytest.fixture(scope="session")
def collection_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of 8 drawings and 12 artworks, smooth random pictures. Not to be changed."""
    root = tmp_path_factory.mktemp("collection")
    rng = np.random.default_rng(0)
    for kind, letter, count in (("drawings", "d", 8), ("artworks", "a", 12)):
        (root / kind).mkdir()
        lines = ["id,path"]
        for i in range(count):
            path = f"{kind}/{letter}{i}.png"
            coarse = rng.integers(0, 256, (4, 5, 3), np.uint8)
            done, data = cv2.imencode(".png", cv2.resize(coarse, (50, 40)))
            assert done
            (root / path).write_bytes(data.tobytes())
            lines.append(f"{letter}{i},{path}")
        (root / f"{kind}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [f"{drawing},{artwork},{pair}" for drawing, artwork, pair in PAIRS]
    text = "\n".join(["drawing_id,artwork_id,pair", *rows]) + "\n"
    (root / "pairs.csv").write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def collection(collection_root: Path) -> Collection:
    """The small collection, read."""
    return Collection.open(collection_root)


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of inputs that went wrong once; the test is skipped where it is absent."""
    if not CASES.is_dir():
        pytest.skip(f"no real data: there is no folder {CASES}")
    return CASES


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real collections; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: there is no folder {SHARED}")
    return SHARED
