"""Checking many images: every fault is found, in order, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawsim.pixels import check
from drawsim.pixels.check import check_images
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS


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
    Image.new("L", (101, 100)).save(paths["a"])
    return paths


@pytest.mark.parametrize("workers", [1, 3])
def test_faults_come_in_input_order(paths: dict[str, Path], workers: int) -> None:
    problems = check_images(paths, max_pixels=10_000, workers=workers)
    assert list(problems) == ["g", "e", "b", "a"]
    assert problems["e"] == "there is no such file"
    assert "not an image" in problems["g"]
    assert "truncated" in problems["b"]
    assert "10,100 pixels" in problems["a"]
    assert not any(
        str(path.parent) in problems[name] for name, path in paths.items() if name in problems
    )


def test_sound_images_and_none_at_all(paths: dict[str, Path]) -> None:
    sound = {name: paths[name] for name in "cdfhia"}
    assert check_images(sound, max_pixels=DEFAULT_MAX_PIXELS) == {}
    assert check_images({}, max_pixels=DEFAULT_MAX_PIXELS) == {}


def test_more_images_than_a_batch(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_BATCH", 2)
    assert list(check_images(paths, max_pixels=10_000)) == ["g", "e", "b", "a"]


def test_the_bar_counts_every_image(
    paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, int | None, str, int]] = []

    @contextmanager
    def bar(what: str, total: int | None, unit: str) -> Iterator[Callable[[], None]]:
        done = []
        yield lambda: done.append(1)
        counted.append((what, total, unit, len(done)))

    monkeypatch.setattr(check, "progress_bar", bar)
    check_images(paths, max_pixels=10_000, label="drawings")
    assert counted == [("checking drawings", 9, "images", 9)]
