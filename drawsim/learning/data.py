"""From a task and its image files to batches: training triplets, and images to embed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, Subset
from torch.utils.data.distributed import DistributedSampler

from drawsim.errors import UserError
from drawsim.pixels.dataset import ImageDataset, to_tensor
from drawsim.pixels.decode import read_image
from drawsim.pixels.transforms import Augmentation
from drawsim.retrieval.ranking import Relevance
from drawsim.retrieval.task import RetrievalTask

Kind = Literal["drawing", "artwork"]
ANCHOR, POSITIVE, NEGATIVE = range(3)
NOTHING = -1
"""Stands for no artwork."""


class TripletSpec(NamedTuple):
    """A training sample as numbers: what to read and how to augment it.

    own: every confirmed artwork of the drawing, filled up with NOTHING to the same number for all.
    weight: what this sample counts for in the mean loss of its batch over all processes, times
    their number, since gradients are averaged over processes.
    """

    epoch: int
    pair: int
    drawing: int
    positive: int
    negatives: tuple[int, ...]
    own: tuple[int, ...]
    weight: float


class Triplets(NamedTuple):
    """A sample, or, with B in front of every shape, a batch of them.

    images: (2 + n, 3, S, S) uint8: anchor, positive, n negatives; artworks: (1 + n,) int64 rows of
    positive and negatives; own: (m,) int64 rows of the drawing's confirmed artworks, or NOTHING;
    weight: what the sample counts for (see TripletSpec).
    """

    images: Tensor
    artworks: Tensor
    own: Tensor
    weight: Tensor


class TripletDataset(Dataset[Triplets]):
    """Spec -> sample.

    Augmentation is drawn from (seed, epoch, role, pair, artwork): the same wherever and whenever
    the sample is made, and the same anchor and positive for each negative of a pair.
    """

    def __init__(
        self,
        drawings: Sequence[Path],
        artworks: Sequence[Path],
        augmentation: Augmentation,
        seed: int,
        max_pixels: int,
    ) -> None:
        self.paths: dict[Kind, list[str]] = {
            "drawing": [str(path) for path in drawings],
            "artwork": [str(path) for path in artworks],
        }
        self.augmentation = augmentation
        self.seed = seed
        self.max_pixels = max_pixels

    def __getitem__(self, spec: TripletSpec) -> Triplets:
        images = [
            self._image("drawing", spec.drawing, spec, ANCHOR),
            self._image("artwork", spec.positive, spec, POSITIVE),
            *(self._image("artwork", row, spec, NEGATIVE) for row in spec.negatives),
        ]
        return Triplets(
            images=torch.stack(images),
            artworks=torch.tensor([spec.positive, *spec.negatives]),
            own=torch.tensor(spec.own),
            weight=torch.tensor(spec.weight),
        )

    def _image(self, kind: Kind, row: int, spec: TripletSpec, role: int) -> Tensor:
        stream = np.random.SeedSequence([self.seed, spec.epoch, role, spec.pair, row])
        seed = int(stream.generate_state(1)[0])
        path = Path(self.paths[kind][row])
        # A crop keeps as little as 8 % of the area: twice the size keeps most crops sharp.
        image = read_image(path, 2 * self.augmentation.size, self.max_pixels)
        return to_tensor(self.augmentation(image, kind, seed))


class TripletBatches(Sampler[list[TripletSpec]]):
    """Batches of specs for one process of `world`, in an order drawn from (seed, epoch).

    batch_size counts samples over all processes; batches are as equal as can be, so most hold fewer
    where it does not divide the samples. A sample is a pair with all its negatives if `grouped`,
    else a pair with one of them. positives: all confirmed pairs. negatives: (drawings, n) artwork
    rows, asked for when an epoch begins, as is its number. Raises UserError if a process would go
    without a sample.
    """

    def __init__(
        self,
        pairs: Tensor,
        positives: Relevance,
        negatives: Callable[[], Tensor],
        epoch: Callable[[], int],
        *,
        batch_size: int,
        negatives_per_pair: int,
        grouped: bool,
        seed: int,
        rank: int,
        world: int,
    ) -> None:
        self.pairs = pairs
        self.own = _own_artworks(positives)
        self.negatives = negatives
        self.epoch = epoch
        self.seed = seed
        self.rank = rank
        self.world = world
        choices = [None] if grouped else list(range(negatives_per_pair))
        self.groups = [(pair, one) for pair in range(len(pairs)) for one in choices]
        if min(batch_size, len(self.groups)) < world:
            raise UserError(
                f"batch.size={batch_size} of {len(self.groups)} training samples for {world} "
                f"process{'es' if world > 1 else ''}: each needs at least one in every batch. "
                f"Set batch.size to {world} or more, or trainer.devices lower."
            )
        # As many batches as batch_size asks for, as equal as can be; each has a sample for each
        # process. What a batch holds does not depend on the number of processes, unless
        # batch_size is less than twice that.
        steps = min(math.ceil(len(self.groups) / batch_size), len(self.groups) // world)
        edges = [step * len(self.groups) // steps for step in range(steps + 1)]
        self.bounds = list(itertools.pairwise(edges))

    def __len__(self) -> int:
        return len(self.bounds)

    def __iter__(self) -> Iterator[list[TripletSpec]]:
        epoch, negatives = self.epoch(), self.negatives()
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.groups))
        for start, stop in self.bounds:
            weight = self.world / (stop - start)
            yield [
                self._spec(epoch, self.groups[i], negatives, weight)
                for i in order[start:stop][self.rank :: self.world]
            ]

    def _spec(
        self, epoch: int, group: tuple[int, int | None], negatives: Tensor, weight: float
    ) -> TripletSpec:
        pair, one = group
        drawing, positive = self.pairs[pair].tolist()
        chosen = negatives[drawing].tolist()
        return TripletSpec(
            epoch=epoch,
            pair=pair,
            drawing=drawing,
            positive=positive,
            negatives=tuple(chosen if one is None else [chosen[one]]),
            own=self.own[drawing],
            weight=weight,
        )


def _own_artworks(positives: Relevance) -> dict[int, tuple[int, ...]]:
    """Confirmed artworks of each drawing, filled up to the same number."""
    own: dict[int, list[int]] = {}
    for drawing, artwork in zip(positives.query.tolist(), positives.gallery.tolist(), strict=True):
        own.setdefault(drawing, []).append(artwork)
    most = max(map(len, own.values()), default=0)
    return {key: (*rows, *[NOTHING] * (most - len(rows))) for key, rows in own.items()}


class TripletData(pl.LightningDataModule):
    """Batches of a task.

    Training: triplets. Validation: the gallery and every train and val drawing. Test: the gallery
    and every drawing. In images to embed, row i < len(artworks) is artwork i, the rest drawings.
    """

    def __init__(
        self,
        task: RetrievalTask,
        drawings: Sequence[Path],
        artworks: Sequence[Path],
        augmentation: Augmentation,
        *,
        image_size: int,
        batch_size: int,
        grouped: bool,
        embed_batch_size: int,
        negatives_per_pair: int,
        workers: int,
        seed: int,
        max_pixels: int,
    ) -> None:
        super().__init__()
        self.task = task
        self.images = ImageDataset([*artworks, *drawings], image_size, max_pixels)
        self.triplets = TripletDataset(drawings, artworks, augmentation, seed, max_pixels)
        self.batch_size = batch_size
        self.grouped = grouped
        self.embed_batch_size = embed_batch_size
        self.negatives_per_pair = negatives_per_pair
        self.workers = workers
        self.seed = seed
        # Set by the mining callback. The trainer's own count is one behind when a resumed run asks
        # for its first batches.
        self.negatives = torch.empty(0, 0, dtype=torch.int64)
        self.epoch = 0

    def train_dataloader(self) -> DataLoader[Any]:
        """Training triplets of this process."""
        trainer = self._trainer()
        batches = TripletBatches(
            self.task.train_pairs,
            self.task.positives,
            lambda: self.negatives,
            lambda: self.epoch,
            batch_size=self.batch_size,
            negatives_per_pair=self.negatives_per_pair,
            grouped=self.grouped,
            seed=self.seed,
            rank=trainer.global_rank,
            world=trainer.world_size,
        )
        return self._loader(self.triplets, batch_sampler=batches)

    def val_dataloader(self) -> DataLoader[Any]:
        """Gallery, train and val drawings, in order."""
        return self._images(self.task.rows(("train", "val")))

    def test_dataloader(self) -> DataLoader[Any]:
        """Gallery and all drawings, in order."""
        return self._images(torch.arange(len(self.task.drawings)))

    def _images(self, drawings: Tensor) -> DataLoader[Any]:
        gallery = len(self.task.artworks)
        rows = [*range(gallery), *(gallery + drawings).tolist()]
        images = Subset(self.images, rows)
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
