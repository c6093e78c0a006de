"""From a task and its image files to loaders: training triplets, and images to embed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from torch.utils.data.distributed import DistributedSampler

from drawsim.learning.training.samples import (
    EpochChoice,
    ImageAugmentation,
    TripletBatches,
    TripletDataset,
    nothing_chosen,
    without_views,
)
from drawsim.pixels.dataset import ImageDataset
from drawsim.pixels.reading import Reading
from drawsim.retrieval.task import RetrievalTask

VIEWS = 7
"""Sets the stream that draws artworks for simulated views apart from that of the order."""


class TripletData(pl.LightningDataModule):
    """Batches of a task.

    Training: triplets of its pairs, each `passes` times an epoch, and of `views` artworks with a
    simulated view of each. The first `first` epochs are of those alone; in the others, with a
    `share`, views are that share of every batch, as many as that takes. Validation: the gallery and
    every drawing but those of test, then, with `augmented_val`, the triplets of the val pairs as
    training would see them. Test: the gallery, and every original; or, unless it is `at_the_end`,
    all drawings but the unpaired ones. Images to embed are squares as `reading` makes them; row i <
    len(artworks) is artwork i, the rest are drawings; image_cache: the folder that keeps them
    decoded, see `ImageCache`.
    """

    def __init__(
        self,
        task: RetrievalTask,
        drawings: Sequence[Path],
        artworks: Sequence[Path],
        augmentation: ImageAugmentation,
        *,
        reading: Reading,
        batch_size: int,
        grouped: bool,
        embed_batch_size: int,
        passes: int,
        views: int,
        view: Callable[[np.ndarray, int], np.ndarray] | None,
        share: float | None = None,
        first: int = 0,
        augmented_val: bool,
        frozen: bool,
        workers: int,
        seed: int,
        image_cache: Path | None = None,
    ) -> None:
        super().__init__()
        self.task = task
        self.images = ImageDataset([*artworks, *drawings], reading, image_cache)
        self.triplets = TripletDataset(drawings, artworks, augmentation, view, seed, reading)
        self.batch_size = batch_size
        self.grouped = grouped
        self.embed_batch_size = embed_batch_size
        self.passes = passes
        self.copies = augmentation.copies
        self.views = views
        self.share = share
        self.first = first
        self.augmented_val = augmented_val
        self.frozen = frozen
        self.workers = workers
        self.seed = seed
        self.at_the_end = True
        # Set by the mining callback. The trainer's own count is one behind when a resumed run asks
        # for its first batches.
        self.choice = nothing_chosen(len(task.drawings))
        self.epoch = 0
        # The experiment shares the evaluation's: images that need not be embedded again.
        self.known = torch.zeros(len(artworks) + len(drawings), dtype=torch.bool)

    def train_dataloader(self) -> DataLoader[Any]:
        """Training triplets of this process."""
        batches = self._batches(
            self.task.train_pairs, lambda: self.choice, self.passes, first=self.first
        )
        return self._loader(self.triplets, batch_sampler=batches)

    def val_dataloader(self) -> DataLoader[Any] | list[DataLoader[Any]]:
        """Gallery, all drawings but those of test; and the triplets of val, if asked for.

        One loader serves all epochs: of a frozen network it has what is not known at first.
        """
        if self.frozen:
            images = self._images(self.task.looked_at(), self.known)
        else:
            images = self._images(self.task.known())
        if not self.augmented_val:
            return images
        pairs = self.task.pairs_of("val")
        batches = self._batches(pairs, lambda: without_views(self.choice), 1)
        return [images, self._loader(self.triplets, batch_sampler=batches)]

    def test_dataloader(self) -> DataLoader[Any]:
        """Gallery and drawings, in order, less what is known; at least one image."""
        return self._images(self._tested(), self.known)

    def to_embed(self) -> Tensor:
        """Rows of images, (n,), that the next pass of test embeds, for they are not known."""
        rows = self._rows(self._tested())
        return rows[~self.known[rows]]

    def _rows(self, drawings: Tensor) -> Tensor:
        """Rows of images, of the gallery and of these drawings."""
        return torch.cat([torch.arange(self.task.gallery), self.task.gallery + drawings])

    def _tested(self) -> Tensor:
        return self.task.originals() if self.at_the_end else self.task.looked_at()

    def choose_views(self, epoch: int) -> Tensor:
        """Artworks of which an epoch trains on a simulated view, drawn from (seed, epoch)."""
        order = np.random.default_rng([self.seed, epoch, VIEWS]).permutation(self.task.gallery)
        return torch.from_numpy(order[: self.views_in(epoch)].astype(np.int64))

    def pairs_in(self, epoch: int) -> int:
        """How many samples of confirmed pairs an epoch has, each with all its negatives."""
        passes = self.passes if epoch >= self.first else 0
        return len(self.task.train_pairs) * passes * (1 + len(self.copies))

    def views_in(self, epoch: int) -> int:
        """How many simulated views an epoch has; the gallery has one for each artwork at most."""
        wanted = self.views
        if self.share is not None and epoch >= self.first:
            wanted = round(self.pairs_in(epoch) * self.share / (1 - self.share))
        return min(wanted, self.task.gallery)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to go on with the same triplets."""
        return {"epoch": self.epoch, "choice": self.choice._asdict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the triplets of a checkpoint. Lightning asks for batches after that."""
        self.epoch = state_dict["epoch"]
        self.choice = EpochChoice(**state_dict["choice"])

    def _batches(
        self, pairs: Tensor, choice: Callable[[], EpochChoice], passes: int, *, first: int = 0
    ) -> TripletBatches:
        trainer = self._trainer()
        return TripletBatches(
            pairs,
            choice,
            lambda: self.epoch,
            batch_size=self.batch_size,
            grouped=self.grouped,
            passes=passes,
            copies=self.copies,
            seed=self.seed,
            rank=trainer.global_rank,
            world=trainer.world_size,
            first=first,
            evenly=self.share is not None,
        )

    def _images(self, drawings: Tensor, known: Tensor | None = None) -> DataLoader[Any]:
        rows = self._rows(drawings)
        if known is not None:
            rows = rows[~known[rows]] if not bool(known[rows].all()) else rows[:1]
        images = Subset(self.images, rows.tolist())
        trainer = self._trainer()
        share: DistributedSampler[Any] = DistributedSampler(
            images, trainer.world_size, trainer.global_rank, shuffle=False
        )
        return self._loader(images, batch_size=self.embed_batch_size, sampler=share)

    def _loader(self, dataset: Dataset[Any], **settings: Any) -> DataLoader[Any]:
        return DataLoader(
            dataset,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            worker_init_fn=_one_thread,
            pin_memory=torch.cuda.is_available(),
            **settings,
        )

    def _trainer(self) -> pl.Trainer:
        assert self.trainer is not None, "the data module belongs to a trainer"
        return self.trainer


def _one_thread(worker: int) -> None:
    """Workers are many already: OpenCV's own threads would fight the model for the cores."""
    cv2.setNumThreads(0)
