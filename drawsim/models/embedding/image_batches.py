"""Image files for embedding: known by their content, read and cut into views of one size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from drawsim.common.machine import is_first_process
from drawsim.common.opening import (
    CannotFetchError,
    CannotOpenError,
    status_of,
    url_of_copy,
    why_unreadable,
)
from drawsim.common.progress import Advance, progress_bar
from drawsim.models.embedding.store import file_sha256
from drawsim.pixels.decode import ImageReadError
from drawsim.pixels.folders import head_of
from drawsim.pixels.formats import other_kind, recognise
from drawsim.pixels.reading import Reading

_BATCH = 1024  # files handed to the hashing threads at once, so that Ctrl-C is answered soon

_FETCHING = 16  # threads where files come from servers, which they wait for most of the time


@contextmanager
def bar(what: str, total: int, show: bool = True) -> Iterator[Advance]:
    """A bar of images in the first process alone."""
    if not (show and is_first_process()):
        yield lambda count=1: None
        return
    with progress_bar(what, total, "images") as advance:
        yield advance


class Fingerprint(NamedTuple):
    """An image file's content, and what says whether it has changed since."""

    digest: bytes
    size: int
    changed: int


Todo = Mapping[bytes, tuple[Path, Fingerprint]]
"""Images that are to be embedded, by their digests."""


def fingerprints(
    images: Mapping[str, Path], threads: int, progress: bool = True
) -> tuple[dict[str, Fingerprint], dict[str, str]]:
    """Fingerprints of image files by id, and reasons for those that cannot be read."""
    found: dict[str, Fingerprint] = {}
    reasons: dict[str, str] = {}
    items = iter(images.items())
    if any(map(url_of_copy, images.values())):
        threads = max(threads, _FETCHING)
    with (
        bar("looking at files", len(images), progress) as advance,
        ThreadPoolExecutor(threads) as pool,
    ):
        while some := list(itertools.islice(items, _BATCH)):
            for (name, _), mark in zip(
                some, pool.map(_fingerprint, [path for _, path in some]), strict=True
            ):
                if isinstance(mark, Fingerprint):
                    found[name] = mark
                else:
                    reasons[name] = mark
                advance()
    return found, reasons


def _fingerprint(path: Path) -> Fingerprint | str:
    try:
        head = head_of(path)
        if recognise(head) is None:  # so that no large file of another kind is read
            what = other_kind(head)
            found = f"a kind that is read, but {what}" if what else "a known kind, or is damaged"
            return f"is not an image of {found}"
        status = status_of(path)
        return Fingerprint(file_sha256(path), status.st_size, status.st_mtime_ns)
    except CannotFetchError:  # all others would fail likewise
        raise
    except CannotOpenError as error:
        return error.reason
    except (OSError, ValueError) as error:
        return why_unreadable(error, path)


class Views(Dataset[tuple[bytes, "np.ndarray | str"]]):
    """Item i: a digest with (views, S, S, 3) levels 0..255, or with the reason why there are none.

    The first view is the whole image, squashed; the others are crops.
    """

    def __init__(self, reading: Reading, images: Todo) -> None:
        self.images = list(images.items())
        self.reading = reading

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[bytes, np.ndarray | str]:
        digest, (path, mark) = self.images[index]
        try:
            image = self.reading.decode(path)
            status = status_of(path)
            # A copy of the file on another disk may have another time.
            same = (status.st_size, status.st_mtime_ns) == (mark.size, mark.changed)
            if not same and file_sha256(path) != digest:
                return digest, "was changed while it was embedded; run the command again"
        except ImageReadError as error:
            return digest, str(error).removeprefix(f"{path}: ")
        except CannotOpenError as error:
            return digest, error.reason
        except OSError as error:
            return digest, why_unreadable(error, path)
        return digest, self.reading.views(image)


def filled(images: Tensor, rows: int) -> Tensor:
    """A batch of so many rows, (rows, …), the last one repeated: at least one, at most `rows`.

    What libraries compute of an image depends in its last digits on how many are computed at once;
    in batches of one size it is the same wherever, and beside whatever, the image comes.
    """
    return images if len(images) == rows else images[torch.arange(rows).clamp(max=len(images) - 1)]
