"""Where small pictures are kept once they are made: a folder, or an object store, of all processes.

Each is named by what it was made from, so that whoever makes it writes the same, and nothing is
ever changed. What cannot be read or written is made again: people wait, and see their picture.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

from drawsim.common.errors import UserError
from drawsim.common.files import atomic

log = logging.getLogger(__name__)


class Thumbnails(Protocol):
    """Pictures by name; may be used by several threads, processes and hosts."""

    def read(self, name: str) -> bytes | None:
        """A picture; None: it is not there."""

    def write(self, name: str, data: bytes) -> None:
        """Keep a picture, all of it or nothing, if that can be."""


def open_thumbnails(where: str | Path) -> Thumbnails:
    """The pictures in a folder, or behind an address of fsspec, such as s3://bucket/thumbnails.

    Raises UserError where nothing can be written.
    """
    if "://" not in str(where):
        return ThumbnailFolder(Path(where))
    try:
        import fsspec
    except ImportError as error:
        raise UserError(
            f"thumbnails={where}: needs fsspec; pip install 'drawsim[cloud]'"
        ) from error
    try:
        files, path = fsspec.url_to_fs(str(where))
        found = ThumbnailObjects(files, path)
        found.try_it()
    except Exception as error:  # each store has errors of its own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"thumbnails={where}: nothing can be kept there ({reason}); is the address right, and "
            "may you write there?"
        ) from error
    return found


class ThumbnailFolder:
    """Files, in folders of the first letters of their names. Raises UserError as above."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=folder, prefix=".drawsim-"):
                pass
        except OSError as error:
            raise UserError(
                f"thumbnails={folder}: nothing can be kept there ({error.strerror or error}); "
                "change whose folder it is, or name another, thumbnails=FOLDER"
            ) from error

    def read(self, name: str) -> bytes | None:
        try:
            return self._file(name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        try:
            with atomic(self._file(name)) as temporary:
                temporary.write_bytes(data)
        except OSError as error:
            log.warning("thumbnails=%s: a picture is not kept: %s", self.folder, error)

    def _file(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.webp"


class ThumbnailObjects:
    """Objects of a store that fsspec knows, which keeps the whole of one or nothing."""

    def __init__(self, files: Any, path: str) -> None:
        self._files = files
        self._path = path.rstrip("/")

    def try_it(self) -> None:
        """Write something and take it away. Raises whatever the store does."""
        self._files.makedirs(self._path, exist_ok=True)
        probe = f"{self._path}/.drawsim"
        self._files.pipe_file(probe, b"drawsim")
        with suppress(Exception):  # who may write may not always remove, which is no harm
            self._files.rm_file(probe)

    def read(self, name: str) -> bytes | None:
        try:
            found: bytes = self._files.cat_file(self._object(name))
        except FileNotFoundError:
            return None
        except Exception as error:
            log.warning("thumbnails=%s: a picture cannot be read: %s", self._path, error)
            return None
        return found

    def write(self, name: str, data: bytes) -> None:
        try:
            self._files.pipe_file(self._object(name), data)
        except Exception as error:
            log.warning("thumbnails=%s: a picture is not kept: %s", self._path, error)

    def _object(self, name: str) -> str:
        return f"{self._path}/{name[:2]}/{name}.webp"
