"""Netpbm written as text has the pixels that its numbers say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawsim.pixels.decode import ImageReadError, read_image
from drawsim.pixels.decoding import netpbm

FILES = {
    "bits without spaces": b"P1 # c\n3 2\n0101\n10",
    "bits": b"P1\n3 2\n0 1 0 1 1 0\n",
    "gray": b"P2\n# a comment\n3 2 15\n0 1 2 # here 9\n3 14 15 \n",
    "colours": b"P3 1 2 255\n0 10 20\t255 254 7",
    "colours of 10 bits": b"P3 1 2 1023\n0 10 20 1023 512 7",
}


@pytest.mark.parametrize("name", FILES)
def test_as_pillow_reads_it(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pnm"
    path.write_bytes(FILES[name])
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    assert (read_image(path) == expected).all()
    monkeypatch.setattr(netpbm, "_AT_ONCE", 1)
    assert (read_image(path) == expected).all()


def test_gray_of_16_bits_is_scaled_by_its_white(tmp_path: Path) -> None:
    (tmp_path / "x.pgm").write_bytes(b"P2 3 1 1000 0 500 1000")
    assert read_image(tmp_path / "x.pgm")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"P2 2 2 255 1 2 3", "truncated"),
        (b"P2 2 2 255 ", "truncated"),
        (b"P1 2 2 010", "truncated"),
        (b"P2 2 2 255 1 2 3 256", "larger than 255"),
        (b"P2 2 2 255 1 2 3 " + b"9" * 5000, "larger than 255"),
        (b"P2 2 2 255 1 2 3 -4", "something else than numbers"),
        (b"P1 2 2 0120", "larger than 1"),
    ],
)
def test_what_is_damaged_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "x.pnm").write_bytes(data)
    with pytest.raises(ImageReadError, match=why):
        read_image(tmp_path / "x.pnm")
