"""Training samples: which drawing meets which artworks in which batch, and their images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.learning.miners.base import NOTHING
from drawsim.pixels.dataset import to_tensor
from drawsim.pixels.decode import read_image
from drawsim.pixels.reading import Reading

ANCHOR, POSITIVE, NEGATIVE = range(3)


class ImageAugmentation(Protocol):
    """What makes a training image of a file's pixels (see `drawsim.pixels.transforms`)."""

    size: int
    copies: tuple[str, ...]
    reads: int | None

    def __call__(
        self, image: np.ndarray, kind: Kind, seed: int, copy: str | None = None
    ) -> np.ndarray:
        """One augmented view."""


class EpochChoice(NamedTuple):
    """What an epoch trains on, chosen before it from the latest embeddings.

    negatives: (D, n) artwork rows for each drawing, or NOTHING; own: (D, m) rows that are never its
    negatives, its confirmed artworks first, filled up with NOTHING. views: (V,) artworks of which a
    simulated view is an anchor; view_negatives (V, n) and view_own (V, k) say the same of those.
    undecided: (D, u) rows that are neither a drawing's own nor its negatives, filled up likewise.
    """

    negatives: Tensor
    own: Tensor
    views: Tensor
    view_negatives: Tensor
    view_own: Tensor
    undecided: Tensor = torch.empty(0, 0, dtype=torch.int64)  # nobody is undecided


def nothing_chosen(drawings: int) -> EpochChoice:
    """The choice before anything is mined."""
    empty = torch.empty(0, 0, dtype=torch.int64)
    none = torch.empty(drawings, 0, dtype=torch.int64)
    return EpochChoice(none, none, torch.empty(0, dtype=torch.int64), empty, empty)


def without_views(choice: EpochChoice) -> EpochChoice:
    """The same for pairs alone."""
    return choice._replace(
        views=choice.views[:0],
        view_negatives=choice.view_negatives[:0],
        view_own=choice.view_own[:0],
    )


class TripletSpec(NamedTuple):
    """A training sample as numbers: what to read and how to augment it.

    drawing: NOTHING if the anchor is a simulated view of the positive. copy: the style effect that
    the drawing is seen through, if any. own, undecided: see EpochChoice. weight: what this sample
    counts for in the mean loss of its batch over all processes, times their number, since gradients
    are averaged over processes.
    """

    epoch: int
    pair: int
    drawing: int
    positive: int
    negatives: tuple[int, ...]
    own: tuple[int, ...]
    weight: float
    copy: str | None = None
    undecided: tuple[int, ...] = ()


class Triplets(NamedTuple):
    """A sample, or, with B in front of every shape, a batch of them.

    images: (2 + n, 3, S, S) uint8, or float32 levels of 0..255: anchor, positive, n negatives;
    artworks: (1 + n,) int64 rows of positive and negatives, or NOTHING; own: (m,) int64 rows of the
    drawing's confirmed artworks, or NOTHING; undecided: (u,) int64 rows that are neither its own
    nor its negatives, or NOTHING; weight: what the sample counts for (see TripletSpec).
    """

    images: Tensor
    artworks: Tensor
    own: Tensor
    undecided: Tensor
    weight: Tensor


class TripletDataset(Dataset[Triplets]):
    """Spec -> sample.

    Augmentation is drawn from (seed, epoch, role, pair, artwork): the same wherever and whenever
    the sample is made, and the same anchor and positive for each negative of a pair. `view` makes
    the anchor of a sample without a drawing from the positive's picture. reading: the model's,
    which says what of a file is the picture.
    """

    def __init__(
        self,
        drawings: Sequence[Path],
        artworks: Sequence[Path],
        augmentation: ImageAugmentation,
        view: Callable[[np.ndarray, int], np.ndarray] | None,
        seed: int,
        reading: Reading,
    ) -> None:
        self.paths: dict[Kind, list[str]] = {
            "drawing": [str(path) for path in drawings],
            "artwork": [str(path) for path in artworks],
        }
        self.augmentation = augmentation
        self.view = view
        self.seed = seed
        self.reading = reading

    def __getitem__(self, spec: TripletSpec) -> Triplets:
        images = [
            self._view(spec) if spec.drawing == NOTHING else self._drawing(spec),
            self._artwork(spec.positive, spec, POSITIVE),
            *(self._artwork(row, spec, NEGATIVE) for row in spec.negatives if row != NOTHING),
        ]
        images += [torch.zeros_like(images[0])] * (2 + len(spec.negatives) - len(images))
        return Triplets(
            images=torch.stack(images),
            artworks=torch.tensor([spec.positive, *spec.negatives]),
            own=torch.tensor(spec.own),
            undecided=torch.tensor(spec.undecided, dtype=torch.int64),
            weight=torch.tensor(spec.weight),
        )

    def _drawing(self, spec: TripletSpec) -> Tensor:
        image = self._read("drawing", spec.drawing)
        seed = self._seed(spec, ANCHOR, spec.drawing)
        return to_tensor(self.augmentation(image, "drawing", seed, spec.copy))

    def _artwork(self, row: int, spec: TripletSpec, role: int) -> Tensor:
        image = self._read("artwork", row)
        return to_tensor(self.augmentation(image, "artwork", self._seed(spec, role, row)))

    def _view(self, spec: TripletSpec) -> Tensor:
        assert self.view is not None, "a sample without a drawing needs what simulates one"
        image = self._read("artwork", spec.positive)
        return to_tensor(self.view(image, self._seed(spec, ANCHOR, spec.positive)))

    def _read(self, kind: Kind, row: int) -> np.ndarray:
        least, most = self.augmentation.reads, self.reading.max_pixels
        return self.reading.picture(read_image(Path(self.paths[kind][row]), least, most))

    def _seed(self, spec: TripletSpec, role: int, row: int) -> int:
        stream = np.random.SeedSequence([self.seed, spec.epoch, role, spec.pair, row])
        return int(stream.generate_state(1)[0])


class Sample(NamedTuple):
    """One sample of an epoch: pairs come first, then views, in the count of `pair`."""

    pair: int
    copy: str | None
    column: int | None


class TripletBatches(Sampler[list[TripletSpec]]):
    """Batches of specs for one process of `world`, in an order drawn from (seed, epoch).

    batch_size counts samples over all processes; batches are as equal as can be, so most hold fewer
    where it does not divide the samples. A sample is a pair with all its negatives if `grouped`,
    else a pair with one of them; each pair comes `passes` times, and once more for each style
    effect of `copies`; the first `first` epochs go without pairs. `evenly`: views are spread over
    all batches alike, else they fall where they may. choice and epoch are asked for when an epoch
    begins. Raises UserError if a process would go without a sample.
    """

    def __init__(
        self,
        pairs: Tensor,
        choice: Callable[[], EpochChoice],
        epoch: Callable[[], int],
        *,
        batch_size: int,
        grouped: bool,
        passes: int,
        copies: Sequence[str],
        seed: int,
        rank: int,
        world: int,
        first: int = 0,
        evenly: bool = False,
    ) -> None:
        self.pairs = pairs
        self.choice = choice
        self.epoch = epoch
        self.batch_size = batch_size
        self.grouped = grouped
        self.passes = passes
        self.copies = (None, *copies)
        self.seed = seed
        self.rank = rank
        self.world = world
        self.first = first
        self.evenly = evenly

    def __len__(self) -> int:
        return len(self._bounds(len(self._samples(self.choice()))))

    def __iter__(self) -> Iterator[list[TripletSpec]]:
        epoch, choice = self.epoch(), self.choice()
        samples = self._samples(choice)
        bounds = self._bounds(len(samples))
        order = self._order(epoch, samples)
        for start, stop in bounds:
            weight = self.world / (stop - start)
            yield [
                self._spec(epoch, samples[i], choice, weight)
                for i in order[start:stop][self.rank :: self.world]
            ]

    def _order(self, epoch: int, samples: Sequence[Sample]) -> np.ndarray:
        order = np.random.default_rng([self.seed, epoch]).permutation(len(samples))
        if not self.evenly:
            return order
        are_views = np.array([samples[i].pair >= len(self.pairs) for i in order], dtype=bool)
        place = np.empty(len(order))
        for kind in (are_views, ~are_views):  # the i-th of n, from 0, stands at (i + 1/2) / n
            place[kind] = (np.arange(kind.sum()) + 0.5) / max(1, kind.sum())
        return order[np.argsort(place, kind="stable")]

    def _samples(self, choice: EpochChoice) -> list[Sample]:
        passes = self.passes if self.epoch() >= self.first else 0
        listed = itertools.product(range(len(self.pairs)), range(passes), self.copies)
        whole = [Sample(pair, copy, None) for pair, _, copy in listed]
        views = range(len(self.pairs), len(self.pairs) + len(choice.views))
        whole += [Sample(view, None, None) for view in views]
        if self.grouped:
            return whole
        there = (self._negatives(choice) != NOTHING).tolist()
        return [
            sample._replace(column=column)
            for sample in whole
            for column, is_there in enumerate(there[sample.pair])
            if is_there
        ]

    def _negatives(self, choice: EpochChoice) -> Tensor:
        """(pairs + views, n) negatives of every sample that can be."""
        return torch.cat([choice.negatives[self.pairs[:, 0]], choice.view_negatives])

    def _bounds(self, samples: int) -> list[tuple[int, int]]:
        if min(self.batch_size, samples) < self.world:
            raise UserError(
                f"batch.size={self.batch_size} of {samples} training samples for {self.world} "
                f"process{'es' if self.world > 1 else ''}: each needs at least one in every "
                f"batch. Set batch.size to {self.world} or more, or trainer.devices lower."
            )
        # As many batches as batch_size asks for, as equal as can be; each has a sample for each
        # process. What a batch holds does not depend on the number of processes, unless
        # batch_size is less than twice that.
        steps = min(math.ceil(samples / self.batch_size), samples // self.world)
        edges = [step * samples // steps for step in range(steps + 1)]
        return list(itertools.pairwise(edges))

    def _spec(self, epoch: int, sample: Sample, choice: EpochChoice, weight: float) -> TripletSpec:
        view = sample.pair - len(self.pairs)
        if view < 0:
            drawing, positive = self.pairs[sample.pair].tolist()
            chosen, own = choice.negatives[drawing].tolist(), choice.own[drawing].tolist()
        else:
            drawing, positive = NOTHING, int(choice.views[view])
            chosen, own = choice.view_negatives[view].tolist(), choice.view_own[view].tolist()
        width = max(choice.own.shape[1], choice.view_own.shape[1])
        undecided = [NOTHING] * choice.undecided.shape[1]
        if undecided and drawing != NOTHING:
            undecided = choice.undecided[drawing].tolist()
        return TripletSpec(
            epoch=epoch,
            pair=sample.pair,
            drawing=drawing,
            positive=positive,
            negatives=tuple(chosen if sample.column is None else [chosen[sample.column]]),
            own=(*own, *[NOTHING] * (width - len(own))),
            weight=weight,
            copy=sample.copy,
            undecided=tuple(undecided),
        )
