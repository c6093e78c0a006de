"""A look at many images: every fault is found, in order; what was seen is kept until it changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawsim.pixels import look_store, looking
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS
from drawsim.pixels.look import Look, look_at
from drawsim.pixels.look_store import LookStore, state_of
from drawsim.pixels.looking import look_at_images


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder is an empty one; the file that is kept there."""
    monkeypatch.setattr(look_store, "user_cache", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "looks.sqlite"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were decoded, by name."""
    names: list[str] = []

    def counted(path: Path, max_pixels: int) -> Look:
        names.append(path.name)
        return look_at(path, max_pixels)

    monkeypatch.setattr(looking, "look_at", counted)
    return names


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Nine images, of which b (cut), e (missing), g (text) and a (too large) are of no use."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    paths = {}
    for name in "ihgfedcba":  # not in alphabetical order
        paths[name] = tmp_path / f"{name} é.jpg"
        Image.fromarray(noise).save(paths[name])
    paths["b"].write_bytes(paths["b"].read_bytes()[:-100])
    paths["e"].unlink()
    paths["g"].write_text("not an image")
    Image.new("L", (300, 300)).save(paths["a"])
    return paths


def faults(
    paths: dict[str, Path], max_pixels: int = 10_000, *, workers: int = 1, anew: bool = False
) -> dict[str, str]:
    files = list(paths.values())
    looks = look_at_images(files, max_pixels=max_pixels, workers=workers, what="", anew=anew)
    return {name: look.reason for name, look in zip(paths, looks, strict=True) if look.reason}


@pytest.mark.parametrize("workers", [1, 3])
def test_faults_come_in_input_order(
    paths: dict[str, Path], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_BATCH", 2)
    problems = faults(paths, workers=workers)
    assert list(problems) == ["g", "e", "b", "a"]
    assert problems["e"] == "is not there"
    assert "not an image" in problems["g"]
    assert "truncated" in problems["b"]
    assert "90,000 pixels" in problems["a"]
    assert not any(
        str(path.parent) in problems[name] for name, path in paths.items() if name in problems
    )


def test_sound_images_and_none_at_all(paths: dict[str, Path]) -> None:
    assert faults({name: paths[name] for name in "cdfhia"}, DEFAULT_MAX_PIXELS) == {}
    assert faults({}) == {}


def test_the_bar_counts_every_image(
    paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, int | None, str, int]] = []

    @contextmanager
    def bar(what: str, total: int | None, unit: str) -> Iterator[Callable[..., None]]:
        done: list[int] = []
        yield lambda count=1: done.append(count)
        counted.append((what, total, unit, sum(done)))

    monkeypatch.setattr(looking, "progress_bar", bar)
    for _ in range(2):
        look_at_images(list(paths.values()), max_pixels=10_000, workers=1, what="checking")
    assert counted == [("checking", 9, "images", 9)] * 2


def test_an_image_is_decoded_once_until_it_changes(
    paths: dict[str, Path], decoded: list[str]
) -> None:
    sound = {name: paths[name] for name in "cdf"}
    first = look_at_images(list(sound.values()), max_pixels=10_000, workers=1, what="")
    again = look_at_images(list(sound.values()), max_pixels=10_000, workers=1, what="")
    assert len(decoded) == 3
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.small, other.small)  # type: ignore[arg-type]
        assert vars(one) | {"small": None} == vars(other) | {"small": None}
    before = paths["c"].stat()
    paths["c"].write_bytes(bytes(before.st_size))  # as large, and said to be as old
    os.utime(paths["c"], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(faults(sound)) == ["c"]
    assert decoded[3:] == ["c é.jpg"]


def test_what_is_of_no_use_is_looked_at_each_time(
    paths: dict[str, Path], decoded: list[str]
) -> None:
    assert faults(paths) == faults(paths)
    assert len(decoded) == 9 + 4
    assert list(faults({"i": paths["i"]}, 64 * 64 // 8 - 1)) == ["i"]  # too large for this one


def test_anew_trusts_nothing_that_was_seen(paths: dict[str, Path], decoded: list[str]) -> None:
    faults(paths)
    faults(paths, anew=True)
    assert len(decoded) == 18


def test_where_nothing_can_be_kept_a_process_remembers(
    paths: dict[str, Path], store: Path, decoded: list[str]
) -> None:
    store.mkdir(parents=True)
    for _ in range(2):
        assert list(faults(paths)) == ["g", "e", "b", "a"]
    assert len(decoded) == 9 + 4


def test_a_damaged_file_makes_room_for_a_new_one(paths: dict[str, Path], store: Path) -> None:
    store.parent.mkdir()
    store.write_text("no database" * 100)
    faults({"c": paths["c"]})
    faults({"d": paths["d"]})
    with LookStore(store) as kept:
        assert list(kept.get([state_of(paths["d"])])) == [0]


def test_the_oldest_looks_go(
    paths: dict[str, Path], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_store, "MOST", 2)
    for name in "cdfc":
        faults({name: paths[name]}, anew=True)
    with LookStore(store) as kept:
        states = [state_of(paths[name]) for name in "cdf"]
        assert list(kept.get(states)) == [0, 2]
