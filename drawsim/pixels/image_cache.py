"""Decoded images kept between epochs: one memory-mapped file, filled as images are first read."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drawsim.common.errors import UserError
from drawsim.pixels.decode import DECODING
from drawsim.pixels.reading import Reading

log = logging.getLogger(__name__)


class ImageCache:
    """Squares as a model reads them, uint8 RGB, of a list of image files.

    The file in `folder` is named by how they are read and by the paths, sizes and times of the
    images, so that a changed image means another file. Beside each image stands its CRC-32: what a
    killed process left half written counts as absent. Processes may share it. Raises UserError
    where the disk has no room.
    """

    def __init__(self, folder: Path, paths: Sequence[Path], reading: Reading) -> None:
        size = reading.size
        self.shape = (len(paths), size, size, 3)
        state = [_state(path) for path in paths]
        cropped = [reading.frames] if reading.frames != "none" else []
        key = json.dumps([DECODING, size, *cropped, state])
        digest = hashlib.sha256(key.encode()).hexdigest()
        self.images_file = folder / f"{digest[:16]}.images"
        self.marks_file = folder / f"{digest[:16]}.marks"
        self._maps: tuple[Any, Any] | None = None
        if self.images_file.is_file() and self.marks_file.is_file():
            log.info("image cache: %s", self.images_file)
            return
        wanted = len(paths) * size * size * 3
        there = next(place for place in (folder, *folder.resolve().parents) if place.is_dir())
        free = shutil.disk_usage(there).free
        if wanted > free:
            raise UserError(
                f"image_cache={folder}: {len(paths):,} images need {wanted / 1e9:.1f} GB and "
                f"{free / 1e9:.1f} GB are free; name a folder on another disk, or leave it out"
            )
        log.info(
            "image cache: %s will grow to %.1f GB (%d images)",
            self.images_file,
            wanted / 1e9,
            len(paths),
        )

    def get(self, row: int) -> np.ndarray | None:
        """Image number `row`, (size, size, 3) uint8; None if it is not there yet."""
        images, marks = self._open()
        mark = int(marks[row])
        if not mark:
            return None
        image = np.array(images[row])
        return image if _mark(image) == mark else None

    def put(self, row: int, image: np.ndarray) -> None:
        """Keep an image."""
        images, marks = self._open()
        images[row] = image
        marks[row] = _mark(image)

    def _open(self) -> tuple[Any, Any]:
        if self._maps is None:
            self.images_file.parent.mkdir(parents=True, exist_ok=True)
            self._maps = (
                _mapped(self.images_file, np.uint8, self.shape),
                _mapped(self.marks_file, np.uint64, self.shape[:1]),
            )
        return self._maps

    def __getstate__(self) -> dict[str, Any]:
        """Without the maps: another process opens its own, rather than a copy of them."""
        return {**self.__dict__, "_maps": None}


def _mapped(file: Path, dtype: type, shape: tuple[int, ...]) -> Any:
    """The file as an array, zeros where nothing was written: it takes room as it is filled."""
    with file.open("ab") as opened:
        opened.truncate(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    return np.memmap(file, dtype, "r+", shape=shape)


def _state(path: Path) -> tuple[str, int, int]:
    """What tells whether an image has changed; a missing one is found when it is read."""
    try:
        status = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), status.st_size, status.st_mtime_ns


def _mark(image: np.ndarray) -> int:
    """CRC-32 of an image, with a bit above it that says that there is one."""
    return zlib.crc32(np.ascontiguousarray(image).data) | 1 << 32
