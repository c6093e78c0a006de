"""Pictures by kind and id: small ones that are kept, large ones, and what two of them share.

No path ever comes from a browser: ids are looked up in the collection's tables.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.pixels.decode import DECODING, ImageReadError, TooManyPixelsError, read_image
from drawsim.pixels.formats import HEAD, NAMES, recognise
from drawsim.web.events.drafts import Box
from drawsim.web.thumbnails import Thumbnails

SMALL = 320  # pixels of the longer side
LARGE = 1600
SMALL_QUALITY, LARGE_QUALITY = 75, 88
UPLOAD_PIXELS = 60_000_000
Maker = Callable[[Path, Path], Image.Image | None]


class NoPicture(UserError):  # noqa: N818  (it says what is so, to whoever reads a signature)
    """A picture that is not there or cannot be read."""


@dataclass(frozen=True)
class Picture:
    """A picture for a browser. etag: changes with the content, without quotes."""

    data: bytes
    media_type: str
    etag: str


class Pictures:
    """The pictures of a collection; may be used by several threads.

    thumbnails: where small pictures and overlays are kept. What is kept is named by what it was
    made from, so that a changed file gets a new one.
    """

    def __init__(self, collection: Collection, thumbnails: Thumbnails) -> None:
        self.thumbnails = thumbnails
        self._files: dict[Kind, dict[str, Path]] = {
            "drawing": collection.paths("drawing", collection.drawings.index),
            "artwork": collection.paths("artwork"),
        }
        self._overlaying = threading.Lock()

    def file(self, kind: Kind, name: str) -> Path:
        """The image file of a drawing or artwork. Raises NoPicture for an unknown id.

        Style copies have theirs too: the history tells of those that were judged once.
        """
        try:
            return self._files[kind][name]
        except KeyError:
            raise NoPicture(f"no {kind} {name!r} in the collection") from None

    def etag(self, kind: Kind, name: str, size: str) -> str:
        """What names the present content of a picture. Raises NoPicture."""
        return _digest(_state(self.file(kind, name), f"{kind} {name!r}"), size)

    def bytes_of(self, kind: Kind, name: str) -> int:
        """How large an image file is. Raises NoPicture."""
        return _about(self.file(kind, name), f"{kind} {name!r}").st_size

    def kept(self, etag: str) -> Picture | None:
        """A small picture that was made before; None: it must be made."""
        data = self.thumbnails.read(etag)
        return None if data is None else Picture(data, "image/webp", etag)

    def small(self, kind: Kind, name: str) -> Picture:
        """At most 320 pixels wide and high, WebP, made once. Raises NoPicture."""
        etag = self.etag(kind, name, "thumb")
        found = self.kept(etag)
        if found is None:
            found = Picture(
                _webp(_shrunk(self.pixels(kind, name, SMALL), SMALL)), "image/webp", etag
            )
            self.thumbnails.write(etag, found.data)
        return found

    def large(self, kind: Kind, name: str) -> Picture:
        """At most 1600 pixels wide and high, JPEG. Raises NoPicture."""
        etag = self.etag(kind, name, "full")
        buffer = io.BytesIO()
        _shrunk(self.pixels(kind, name, LARGE), LARGE).save(buffer, "JPEG", quality=LARGE_QUALITY)
        return Picture(buffer.getvalue(), "image/jpeg", etag)

    def pixels(self, kind: Kind, name: str, min_size: int | None = None) -> np.ndarray:
        """An image, (height, width, 3) uint8 RGB, as `read_image` gives it. Raises NoPicture."""
        file = self.file(kind, name)
        try:
            return read_image(file, min_size)
        except ImageReadError as error:
            raise NoPicture(f"the picture of {kind} {name!r} cannot be read") from error

    def overlay(self, drawing: str, artwork: str, made_with: str, make: Maker) -> Picture | None:
        """A picture of what the two share, WebP, made once; None: no common layout.

        made_with: the hash of the index, whose model looks. make: one at a time. Raises NoPicture.
        """
        files = self.file("drawing", drawing), self.file("artwork", artwork)
        states = (_state(file, "one of the two") for file in files)
        etag = _digest(*states, made_with, "overlay")
        data = self.thumbnails.read(etag)
        if data is None:
            with self._overlaying:
                data = self.thumbnails.read(etag)
                if data is None:
                    try:
                        picture = make(*files)
                    except ImageReadError as error:
                        raise NoPicture("one of the two pictures cannot be read") from error
                    data = b"" if picture is None else _webp(picture)
                    self.thumbnails.write(etag, data)
        return Picture(data, "image/webp", etag) if data else None

    def upload(self, data: bytes, min_size: int | None = None) -> np.ndarray:
        """The pixels of an uploaded file, (height, width, 3) uint8 RGB.

        min_size: as of `read_image`. Raises UserError for what is of no format that is read, is
        damaged or too large.
        """
        format_ = recognise(data[:HEAD])
        if format_ is None:
            raise UserError(f"the file is no picture: one of {NAMES} is needed")
        if format_.lacks:
            raise UserError(f"{format_.name} cannot be read here: {format_.lacks}")
        with TemporaryDirectory(prefix="drawsim-") as folder:
            file = Path(folder, "upload")
            file.write_bytes(data)
            try:
                return read_image(file, min_size, UPLOAD_PIXELS, reduced=False)
            except TooManyPixelsError as error:
                most = f"{UPLOAD_PIXELS // 10**6} million pixels"
                raise UserError(
                    f"the picture is too large: {most} are taken; send a smaller copy"
                ) from error
            except ImageReadError as error:
                reason = str(error).removeprefix(f"{file}: ")
                raise UserError(f"the picture cannot be read: it {reason}") from error


def cut(pixels: np.ndarray, box: Box) -> np.ndarray:
    """The region of a picture that a box names, at least one pixel wide and high."""
    height, width = pixels.shape[:2]
    x, y, wide, high = box
    left, top = min(int(x * width), width - 1), min(int(y * height), height - 1)
    right, bottom = round((x + wide) * width), round((y + high) * height)
    return np.ascontiguousarray(pixels[top : max(bottom, top + 1), left : max(right, left + 1)])


def _state(file: Path, what: str) -> str:
    """What changes when a file does. Raises NoPicture where there is none."""
    about = _about(file, what)
    return f"{file}\n{about.st_mtime_ns}\n{about.st_size}"


def _about(file: Path, what: str) -> os.stat_result:
    try:
        return file.stat()
    except OSError as error:
        raise NoPicture(f"the picture of {what} is not there") from error


def _digest(*parts: str) -> str:
    text = "\n".join((str(DECODING), *parts))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _shrunk(pixels: np.ndarray, side: int) -> Image.Image:
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return picture


def _webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "WEBP", quality=SMALL_QUALITY, method=2)
    return buffer.getvalue()
