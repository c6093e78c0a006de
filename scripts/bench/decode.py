"""How many JPEG images `read_image` decodes in a second of processor time.

    python scripts/bench/decode.py

It makes its own images in a temporary folder: soft noise with shapes on it, 1000 × 700 pixels.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageCms

from drawsim.pixels.decode import read_image
from drawsim.pixels.transforms import resize

SIZE = 280  # pixels, the side that the model takes
IMAGES = 8
SECONDS = 2.0  # for each row of the table


def picture(seed: int) -> np.ndarray:
    """A page of soft noise with thirty filled shapes, RGB."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (700, 1000, 3), np.uint8)
    page = cv2.addWeighted(noise, 0.15, np.full_like(noise, 230), 0.85, 0)
    for _ in range(30):
        centre = [int(value) for value in rng.integers(0, (1000, 700))]
        axes = [int(value) for value in rng.integers(10, 120, 2)]
        colour = [int(value) for value in rng.integers(0, 256, 3)]
        cv2.ellipse(page, centre, axes, float(rng.integers(180)), 0, 360, colour, -1)
    return np.asarray(page)


def images_per_second(paths: list[Path], min_size: int | None, resized: bool) -> float:
    """Images per second of processor time."""
    done = 0
    began = time.process_time()
    while time.process_time() - began < SECONDS:
        image = read_image(paths[done % len(paths)], min_size)
        if resized:
            resize(image, SIZE)
        done += 1
    return done / (time.process_time() - began)


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    print(f"{'JPEG':<14}{'min_size':>9}{'resized to':>12}{'images/s per core':>20}")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("baseline", "progressive", "sRGB profile"):
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{i}.jpg" for i in range(IMAGES)]
            for i, path in enumerate(paths):
                image = Image.fromarray(picture(i))
                options: dict[str, Any] = {"icc_profile": srgb} if kind == "sRGB profile" else {}
                image.save(path, quality=90, progressive=kind == "progressive", **options)
            for min_size, resized in ((None, False), (SIZE, False), (None, True), (SIZE, True)):
                speed = images_per_second(paths, min_size, resized)
                target = SIZE if resized else "-"
                print(f"{kind:<14}{min_size or '-':>9}{target:>12}{speed:>20.0f}")


if __name__ == "__main__":
    main()
