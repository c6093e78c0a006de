"""From image files to batches for embedding: known by their content, read and cut by workers."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

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

LEAST = 19
"""Added to the niceness of a process: it then has the least priority."""
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


class Batch(NamedTuple):
    """digests of B images; images: (B, views, 3, S, S); failed: digest -> reason for others."""

    digests: list[bytes]
    images: Tensor
    failed: dict[bytes, str]


class Views(Dataset[tuple[bytes, "np.ndarray | str"]]):
    """Item i: a digest with (views, S, S, 3) levels 0..255, or with the reason why there are none.

    The first view is the whole image, squashed; the others are crops.
    """

    def __init__(self, reading: Reading, images: Mapping[bytes, tuple[Path, Fingerprint]]) -> None:
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


def collate(items: Sequence[tuple[bytes, np.ndarray | str]]) -> Batch:
    """One batch; its images have channels last in memory, as the network wants them."""
    good = [(digest, views) for digest, views in items if not isinstance(views, str)]
    failed = {digest: views for digest, views in items if isinstance(views, str)}
    stacked = np.stack([v for _, v in good]) if good else np.empty((0, 1, 1, 1, 3), np.uint8)
    images = torch.from_numpy(stacked).permute(0, 1, 4, 2, 3)
    return Batch([digest for digest, _ in good], images, failed)


class ImageBatches(pl.LightningDataModule):
    """The images that are this process's own, by their digests: the same whoever else there is."""

    def __init__(
        self,
        reading: Reading,
        todo: Mapping[bytes, tuple[Path, Fingerprint]],
        batch_size: int,
        workers: int,
    ) -> None:
        super().__init__()
        self.reading = reading
        self.todo = todo
        self.batch_size = batch_size
        self.workers = workers

    def predict_dataloader(self) -> DataLoader[Any]:
        """Batches in the order of the images."""
        assert self.trainer is not None
        on_cpu = self.trainer.strategy.root_device.type == "cpu"
        rank, world = self.trainer.global_rank, self.trainer.world_size
        own = {
            d: item for d, item in self.todo.items() if int.from_bytes(d[:4], "big") % world == rank
        }
        return DataLoader(
            Views(self.reading, own),
            batch_size=self.batch_size,
            num_workers=min(self.workers, -(-len(own) // self.batch_size)),
            collate_fn=collate,
            worker_init_fn=_begin_polite if on_cpu else _begin_worker,
            pin_memory=torch.cuda.is_available(),
        )


def _begin_worker(worker: int) -> None:
    """Workers are many already, and Ctrl-C is for their parent to answer."""
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin_polite(worker: int) -> None:
    """Read ahead while the network leaves a core free, and take none from it.

    A thread of the network that is held up keeps the others waiting at the end of every layer.
    """
    _begin_worker(worker)
    if hasattr(os, "nice"):  # not on Windows
        os.nice(LEAST)
