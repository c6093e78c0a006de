"""Thumbnails: small, true to shape and colour, one per file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawsim.reporting.kit.thumbnails import PLACEHOLDER, SIDE, make_sheet


def save(path: Path, size: tuple[int, int], colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


@pytest.mark.parametrize(
    ("size", "expected"),
    [((600, 300), (SIDE, SIDE // 2)), ((300, 600), (SIDE // 2, SIDE)), ((40, 30), (40, 30))],
)
def test_a_thumbnail_keeps_shape_and_colour(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    file = save(tmp_path / "a.png", size, (200, 40, 90))
    thumbnail = make_sheet([file]).by_file[file]
    header, data = thumbnail.uri.split(",")
    assert header == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.size == (thumbnail.width, thumbnail.height) == expected
        pixels = np.asarray(picture.convert("RGB"), dtype=float)
    assert np.abs(pixels.mean(axis=(0, 1)) - (200, 40, 90)).max() < 4


def test_a_file_named_often_is_one_thumbnail(tmp_path: Path) -> None:
    a, b = (save(tmp_path / name, (20, 20), (1, 2, 3)) for name in ("a.png", "b.png"))
    sheet = make_sheet([a, b, a, a])
    assert list(sheet.by_file) == [a, b]
    assert sheet.symbol(a) != sheet.symbol(b)


def test_what_cannot_be_read_becomes_the_placeholder(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    good = save(tmp_path / "good.png", (20, 20), (1, 2, 3))
    sheet = make_sheet([broken, tmp_path / "absent.png", good])
    assert list(sheet.by_file) == [good]
    assert sheet.symbol(broken) == sheet.symbol(tmp_path / "absent.png") == PLACEHOLDER
    assert sheet.symbol(None) == PLACEHOLDER
