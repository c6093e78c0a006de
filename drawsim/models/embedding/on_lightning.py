"""Embedding on this machine, by a Lightning trainer: one process or several, fed by workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from drawsim.common.machine import release_freed_memory
from drawsim.models.embedding.compiling import Compiling, Mode
from drawsim.models.embedding.image_batches import Todo, Views, bar, filled
from drawsim.models.embedding.keeping import Keeping
from drawsim.models.embedding.store import Store
from drawsim.models.model import Model
from drawsim.models.trainer import make_trainer
from drawsim.pixels.reading import Reading

LEAST = 19
"""Added to the niceness of a process: it then has the least priority."""


def predict_all(
    model: Model,
    todo: Todo,
    store: Store,
    trainer: Mapping[str, Any],
    batch_size: int,
    workers: int,
    compile_mode: Mode,
    progress: bool,
) -> tuple[int, dict[bytes, str]]:
    """Embed what is to do, all processes together; how many, and reasons for the rest by digest."""
    data = ImageBatches(model.reading, todo, batch_size, workers)
    with bar("embedding", len(todo), progress) as advance:
        keeping = Keeping(store, len(todo), advance)
        lightning = make_trainer(
            {**trainer, "enable_progress_bar": False}, Path(), [_KeepsBatches(keeping)], []
        )
        try:
            release_freed_memory()  # the workers, about to start, would inherit it
            module = Embedder(model, compile_mode, batch_size)
            lightning.predict(module, datamodule=data, return_predictions=False)
        finally:
            store.flush()
    counts, failed = keeping.computed, keeping.failed
    if lightning.world_size > 1:
        gathered: list[Any] = [None] * lightning.world_size
        torch.distributed.all_gather_object(gathered, (counts, failed))
        counts = sum(count for count, _ in gathered)
        failed = {digest: why for _, some in gathered for digest, why in some.items()}
        store.refresh()
    return counts, failed


class Batch(NamedTuple):
    """digests of B images; images: (B, views, 3, S, S); failed: digest -> reason for others."""

    digests: list[bytes]
    images: Tensor
    failed: dict[bytes, str]


class Embedder(pl.LightningModule):
    """(B, views, 3, S, S) images to (B, d) raw unit rows, in batches of one size (see `filled`)."""

    def __init__(self, model: Model, compile_mode: Mode, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.backbone = model.backbone  # so that it moves to the device
        self.model = model
        self.compile_mode = compile_mode
        self.call: Compiling | None = None

    def on_predict_start(self) -> None:
        """Learn how much there is to do."""
        passes = (2 if self.model.flip else 1) * sum(map(int, self.trainer.num_predict_batches))
        self.call = Compiling(self.backbone, self.compile_mode, passes)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The rows of a batch, which may be empty."""
        assert self.call is not None
        if not batch.digests:
            return torch.empty(0, self.backbone.dimensions)
        rows = self.model.encode(filled(batch.images, self.batch_size), self.call)
        return rows[: len(batch.digests)]


class _KeepsBatches(pl.Callback):
    """Hands each batch of a prediction over to what keeps them."""

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Learn how many share the work."""
        self.keeping.world = trainer.world_size

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the embeddings of a batch."""
        self.keeping.take(batch.digests, outputs, batch.failed)


class ImageBatches(pl.LightningDataModule):
    """The images that are this process's own, by their digests: the same whoever else there is."""

    def __init__(
        self,
        reading: Reading,
        todo: Todo,
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


def collate(items: Sequence[tuple[bytes, np.ndarray | str]]) -> Batch:
    """One batch; its images have channels last in memory, as the network wants them."""
    good = [(digest, views) for digest, views in items if not isinstance(views, str)]
    failed = {digest: views for digest, views in items if isinstance(views, str)}
    stacked = np.stack([v for _, v in good]) if good else np.empty((0, 1, 1, 1, 3), np.uint8)
    images = torch.from_numpy(stacked).permute(0, 1, 4, 2, 3)
    return Batch([digest for digest, _ in good], images, failed)
