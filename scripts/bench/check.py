"""How much of the raw rate of decoding is left to `prepare step=check`.

    python scripts/bench/check.py COLLECTION

Raw: the same decoder on the same images in as many processes, and nothing else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from drawsim.collection.tables import Collection
from drawsim.common.machine import cores
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS, read_image
from drawsim.pixels.duplicates import DISTANCE
from drawsim.pixels.inspection import inspect_collection
from drawsim.pixels.look import ENOUGH
from drawsim.pixels.looking import look_at_images
from drawsim.pixels.parallel import in_processes

PART = 1000  # images decoded raw and then looked at, in turn: both meet the same load


def decode(path: Path) -> int:
    """Decode an image and throw it away."""
    return len(read_image(path, min_size=ENOUGH))


def decode_all(paths: list[Path], workers: int) -> int:
    """Decode images and do nothing else."""
    return sum(in_processes(decode, paths, workers, batch=16))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print images per second: raw, and as the step looks at them; and what the step adds."""
    root = Path(sys.argv[1])
    paths = list(Collection.open(root).paths("artwork").values())
    workers = cores()
    raw = looked = again = 0.0
    for start in range(0, len(paths), PART):
        part = paths[start : start + PART]
        raw += seconds(partial(decode_all, part, workers))
        look = partial(look_at_images, part, max_pixels=DEFAULT_MAX_PIXELS, workers=workers)
        looked += seconds(partial(look, what="looking", anew=True))
        again += seconds(partial(look, what="looking"))
    whole = partial(
        inspect_collection,
        root,
        distance=DISTANCE,
        max_pixels=DEFAULT_MAX_PIXELS,
        workers=workers,
    )
    print(f"{len(paths):,} artworks of {root}, {workers} processes")
    print(f"  raw decoding          {len(paths) / raw:8,.0f} images/s")
    print(
        f"  decoding and looking  {len(paths) / looked:8,.0f} images/s, {raw / looked:.1%} of raw"
    )
    print(
        f"  looking again         {len(paths) / again:8,.0f} images/s, from the user's cache folder"
    )
    print(f"  the whole inspection  {seconds(whole):8.1f} s (all images, tables, duplicates)")


if __name__ == "__main__":
    main()
