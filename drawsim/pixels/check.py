"""Finding the images of a collection that cannot be used, before any work is built on them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drawsim.common.progress import progress_bar
from drawsim.pixels.decode import ImageReadError, read_image

_BATCH = 256  # images handed out at once: few enough that Ctrl-C is answered within seconds


def check_images(
    paths: Mapping[str, Path],
    *,
    max_pixels: int,
    workers: int = 2,
    label: str = "images",
) -> dict[str, str]:
    """Decode every image and return id -> reason for each that cannot be used, in input order.

    `paths`: id -> file. The reason does not repeat the path. Every file is decoded to its end, so
    that files cut short are found, but JPEG at reduced scale, which is faster. `workers` threads
    share the work. A bar counts `label`.
    """
    items = list(paths.items())
    problems: dict[str, str] = {}
    with (
        progress_bar(f"checking {label}", len(items), "images") as advance,
        ThreadPoolExecutor(workers) as pool,
    ):
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            reasons = pool.map(lambda item: _reason(item[1], max_pixels), batch)
            for (id_, _), reason in zip(batch, reasons, strict=True):
                if reason:
                    problems[id_] = reason
                advance()
    return problems


def _reason(path: Path, max_pixels: int) -> str | None:
    try:
        read_image(path, min_size=1, max_pixels=max_pixels)
    except ImageReadError as error:
        return str(error).removeprefix(f"{path}: ")
    return None
