"""How long the style effects take, how `oil` compares with OpenCV's own, and how a set scales.

    python scripts/bench/styles.py [IMAGE...]

Without images it makes one of 1233 × 888 pixels. OpenCV's `xphoto.oilPainting` is timed where the
contributed modules are there: in another environment, with opencv-contrib-python-headless in place
of opencv-python-headless. Everything is on one core but the last table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from drawsim.common.machine import cores
from drawsim.pixels.decode import read_image
from drawsim.pixels.parallel import in_processes
from drawsim.pixels.styles import EFFECTS

REPEATS = 4  # of each measurement, in turn; the best counts
SET = 12  # images in the set that processes share


def picture() -> np.ndarray:
    """Soft blotches with noise on them, as rich in tones as a scan."""
    rng = np.random.default_rng(0)
    blotches = cv2.resize(rng.integers(40, 250, (7, 10, 3), np.uint8), (1233, 888))
    noise = rng.normal(0, 4, blotches.shape)
    return np.clip(blotches + noise, 0, 255).astype(np.uint8)


def best_seconds(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The best time of each, all measured in turn, so that the load of the machine is shared."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(REPEATS):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def all_effects(image: np.ndarray) -> int:
    """What a process does for one drawing, less reading and writing."""
    return sum(int(effect(image)[0, 0, 0]) for effect in EFFECTS.values())


def main() -> None:
    """Print the tables."""
    cv2.setNumThreads(1)
    images = [read_image(Path(name)) for name in sys.argv[1:]] or [picture()]
    theirs = getattr(getattr(cv2, "xphoto", None), "oilPainting", None)
    for image in images:
        height, width = image.shape[:2]
        print(f"{width} x {height} pixels, one core, OpenCV {cv2.__version__}")
        works: dict[str, Callable[[], object]] = {
            name: partial(effect, image) for name, effect in EFFECTS.items()
        }
        if theirs is not None:
            bgr = np.ascontiguousarray(image[:, :, ::-1])
            works["xphoto"] = partial(theirs, bgr, 5, 1)
        seconds = best_seconds(works)
        for name, value in seconds.items():
            print(f"  {name:<12}{value:8.3f} s")
        if theirs is not None:
            apart = np.abs(theirs(bgr, 5, 1)[:, :, ::-1].astype(int) - EFFECTS["oil"](image))
            ratio = seconds["xphoto"] / seconds["oil"]
            print(f"  oil is {ratio:.2f} times as fast as xphoto, {apart.mean():.3f} levels apart")
    for workers in sorted({1, cores()}):
        began = time.perf_counter()
        sum(in_processes(all_effects, [images[0]] * SET, workers))
        print(f"{workers} processes: {SET / (time.perf_counter() - began):.2f} drawings a second")


if __name__ == "__main__":
    main()
