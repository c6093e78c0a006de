"""Pictures from files, made small, and what stands for one that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

from drawsim.common.errors import UserError
from drawsim.common.palette import PAPER
from drawsim.pixels.decode import read_image


def load(files: Sequence[Path], workers: int, largest: int) -> list[Image.Image | None]:
    """The pictures, their longer side `largest` pixels at most; None for what cannot be read."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda file: shrunk(file, largest), files))


def shrunk(file: Path, largest: int) -> Image.Image | None:
    """The picture, its shape kept and neither side over `largest` pixels; None if unreadable."""
    try:
        image = Image.fromarray(read_image(file, min_size=largest))
    except UserError:
        return None
    image.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    return image


@cache
def placeholder() -> Image.Image:
    """What stands for a picture that cannot be read: a crossed tile."""
    tile = Image.new("RGB", (400, 300), PAPER["tile"])
    pen = ImageDraw.Draw(tile)
    for start, end in (((160, 110), (240, 190)), ((240, 110), (160, 190))):
        pen.line((start, end), fill=PAPER["faint"], width=4)
    return tile
