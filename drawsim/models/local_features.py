"""Local features of pictures by a model: computed once, then kept by content, like embeddings.

They lie in the store beside the embeddings, in chunks, as float16: half the room, and the same
whether a picture was looked at before or not.
"""

from __future__ import annotations

import atexit
import logging
import math
import shutil
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.machine import readers
from drawsim.common.opening import CannotOpenError
from drawsim.models.backbones.backbone import Backbone, blank
from drawsim.models.embedding.compiling import Compiling, Mode
from drawsim.models.embedding.digests import Digests
from drawsim.models.embedding.image_batches import bar
from drawsim.models.embedding.store import Store, default_store
from drawsim.models.model import Model
from drawsim.models.precision import Precision, arithmetic
from drawsim.pixels.decode import ImageReadError
from drawsim.retrieval.reranking.local import STRIDE, LocalFeatures, both_ways, local_features

log = logging.getLogger(__name__)

BATCH = 32
"""Pictures that go through the network at once."""
SAID = 2 * BATCH
"""From so many pictures on it is said before what they take, and a bar shows how far it is."""
MEMORY = 256 << 20
"""Bytes of queries' features, at most, that are kept from one look to the next."""
_instead: dict[Path, Path] = {}
"""Folders of stores that cannot be written, and what this process takes in their place."""
Picture = Path | np.ndarray
"""A file, or (height, width, 3) uint8 RGB."""


class KeptPictures:
    """The pictures of queries and of a gallery, as a way of re-ranking looks at them.

    queries, files: of each query and each gallery row, None where it is not known. store: the
    folder of the store; None: that of embeddings. The gallery's features are kept there; those of
    queries in memory, as far as there is room for them.
    """

    def __init__(
        self,
        model: Model,
        queries: Sequence[Picture | None],
        files: Sequence[Path | None],
        store: Path | None = None,
    ) -> None:
        self.model = model
        self.asked = queries
        self.files = files
        root = default_store() if store is None else store
        self.root = _instead.get(root, root)
        self._queries = -(-2 * len(queries) // BATCH)
        self._found: dict[int, Path | None] = {}
        self._digests: dict[int, bytes | None] = {}
        self._remembered: OrderedDict[int, Tensor] = OrderedDict()
        try:
            self._open()
        except OSError as error:
            self._go_elsewhere(error)

    def _open(self) -> None:
        self._kept = _kept(self.model, self.root)
        self._network = _Network(self._kept, self._queries)

    def _go_elsewhere(self, error: OSError) -> None:
        """Keep features as long as this process lives: the store only saves time.

        Raises the error if that is so already.
        """
        if self.root in _instead.values():
            raise error
        log.warning("local features are not kept for later (%s); all goes on without", error)
        folder = Path(mkdtemp(prefix="drawsim-local-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _instead[self.root] = folder
        self.root = folder
        self._found.clear()
        self._digests.clear()
        self._open()

    @property
    def folder(self) -> Path:
        """Where the features of this model are kept."""
        return self._kept.store.folder

    def queries(self, numbers: Sequence[int]) -> LocalFeatures:
        """Of queries as they are and mirrored, two pictures each.

        Raises UserError for one that is not known, and ImageReadError.
        """
        new = [number for number in dict.fromkeys(numbers) if number not in self._remembered]
        if any(self.asked[number] is None for number in new):
            raise UserError(
                "rerank=spatial: the picture of a query is not known; name the collection"
            )
        found: dict[int, Tensor] = {}
        with ThreadPoolExecutor(readers(None)) as pool:
            looks = pool.map(lambda number: both_ways(self._look(self.asked[number])), new)
            for start in range(0, len(new), BATCH // 2):
                some = new[start : start + BATCH // 2]
                pairs = torch.cat([next(looks) for _ in some])
                vectors = self._network.compute(pairs).view(-1, 2, *self._kept.store.shape)
                found |= dict(zip(some, vectors, strict=True))
        for number in numbers:
            if number in self._remembered:
                found[number] = self._remembered[number]
        for number in new:
            self._remembered[number] = found[number].clone()
        most = max(1, MEMORY // (2 * self._kept.size))
        while len(self._remembered) > most:
            self._remembered.popitem(last=False)
        return self._features(torch.cat([found[number] for number in numbers]))

    def prepare(self, rows: Sequence[int]) -> None:
        """Compute what is missing of these gallery rows, and keep it.

        From some pictures on, what that takes is said first. Whatever ends the work early, what was
        computed is kept.
        """
        new = {row: self.files[row] for row in rows if row >= 0 and row not in self._found}
        self._found |= new
        there = {row: file for row, file in new.items() if file is not None}
        digests = Digests(self.root).of(list(there.values()), readers(None))
        self._digests |= dict(zip(there, digests, strict=True))
        self._kept.store.refresh()
        missing = {
            digest: file
            for row in rows
            if (file := self._found.get(row)) is not None
            and (digest := self._digests[row]) is not None
            and digest not in self._kept
        }
        if not missing:
            return
        try:
            self._compute(missing)
        except OSError as error:
            self._go_elsewhere(error)
            self.prepare(rows)

    def gallery(self, rows: Sequence[int]) -> tuple[list[int], LocalFeatures]:
        """Those of the rows that can be read, by their place among `rows`, and their features.

        Raises UserError if none of their files is known.
        """
        if any(row >= 0 and row not in self._found for row in rows):
            self.prepare(rows)
        if all(self._found.get(row) is None for row in rows):
            raise UserError(
                "rerank=spatial: needs the pictures of what is found; build the index with "
                "collection=DIR"
            )
        try:
            return self._those_kept(rows)
        except KeyError:  # the store was emptied since they were prepared
            self.prepare(rows)
            return self._those_kept(rows)

    def _those_kept(self, rows: Sequence[int]) -> tuple[list[int], LocalFeatures]:
        known = self._kept.store
        found = [
            (place, digest)
            for place, row in enumerate(rows)
            if (digest := self._digests.get(row)) is not None and digest in known
        ]
        vectors = known.of([digest for _, digest in found])
        return [place for place, _ in found], self._features(vectors)

    def _features(self, vectors: Tensor) -> LocalFeatures:
        return LocalFeatures(vectors.float(), self._kept.height, self._kept.width)

    def _look(self, picture: Picture | None) -> Tensor:
        assert picture is not None  # who asks has seen to it
        return self.model.look(picture)[0]

    def _compute(self, missing: Mapping[bytes, Path]) -> None:
        """Compute and keep the features of files by digest; what cannot be read is left out."""
        many = len(missing) >= SAID
        if many:
            size = len(missing) * self._kept.size / 1e6
            log.info(
                "local features of %s pictures: %s MB in %s",
                f"{len(missing):,}",
                f"{size:,.0f}",
                self.folder,
            )
        network = _Network(self._kept, -(-len(missing) // BATCH))
        try:
            with (
                bar("local features", len(missing), many) as advance,
                ThreadPoolExecutor(readers(None)) as pool,
            ):
                for digests, squares in self._squares(list(missing.items()), pool):
                    good = [place for place, square in enumerate(squares) if square is not None]
                    if good:
                        images = torch.stack([s for s in squares if s is not None])
                        self._kept.store.add([digests[i] for i in good], network.compute(images))
                    advance(len(digests))
        finally:
            self._kept.store.flush()

    def _squares(
        self, items: Sequence[tuple[bytes, Path]], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[list[bytes], list[Tensor | None]]]:
        """Batches of pictures as the network sees them, read one batch ahead."""
        waiting: deque[tuple[list[bytes], list[Future[Tensor | None]]]] = deque()
        for start in range(0, len(items), BATCH):
            some = items[start : start + BATCH]
            waiting.append(([d for d, _ in some], [pool.submit(self._try, f) for _, f in some]))
            if len(waiting) > 1:
                digests, squares = waiting.popleft()
                yield digests, [square.result() for square in squares]
        for digests, squares in waiting:
            yield digests, [square.result() for square in squares]

    def _try(self, file: Path) -> Tensor | None:
        try:
            return self._look(file)
        except (ImageReadError, CannotOpenError):
            return None


@dataclass(frozen=True)
class _Kept:
    """What is kept of one model. height, width: cells of a picture."""

    backbone: weakref.ref[Backbone]
    precision: Precision
    store: Store
    height: int
    width: int

    @property
    def size(self) -> int:
        """Bytes of one picture's features."""
        return 2 * math.prod(self.store.shape)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self.store

    def network(self) -> Backbone:
        """The network that it is of."""
        backbone = self.backbone()
        assert backbone is not None  # a model that asks has one
        return backbone


class _Network:
    """The network of a model for a known number of batches: compiled where that repays itself."""

    def __init__(self, kept: _Kept, batches: int) -> None:
        self.kept = kept
        mode: Mode = "auto" if kept.precision == "auto" else "false"
        self.call = Compiling(self._flat, mode, batches)

    def _flat(self, images: Tensor) -> Tensor:
        return self.kept.network().cells(images, STRIDE).flatten(1)

    def cells(self, images: Tensor, stride: int) -> Tensor:
        """As those of a backbone, of the stride that is kept."""
        return self.call(images).view(len(images), -1, self.kept.height, self.kept.width)

    def compute(self, images: Tensor) -> Tensor:
        """The features of (B, 3, S, S) images as they come back from the store, (B, cells, d)."""
        device = self.kept.network().mean.device
        with arithmetic(self.kept.precision, device):
            features = local_features(self, images.to(device))
        return features.vectors.cpu().half()


_known: WeakKeyDictionary[Backbone, dict[tuple[object, ...], _Kept]] = WeakKeyDictionary()


def _kept(model: Model, root: Path) -> _Kept:
    """What is kept of a model in a store; opened once, as long as its weights stay the same."""
    backbone, reading = model.backbone, model.reading
    tensors = (*backbone.parameters(), *backbone.buffers())
    state = (root, reading, model.precision, *((id(each), each._version) for each in tensors))
    found = _known.setdefault(backbone, {})
    if state not in found:
        found.clear()
        features = local_features(backbone, blank(reading.size).to(backbone.mean.device))
        of_model = model.key()
        key = {name: of_model[name] for name in ("structure_sha256", "reading", "decoding")}
        made_by = backbone.describe(reading.size, layout=False)
        key |= {name: made_by[name] for name in ("weights_sha256", "transform")}
        key["local_features"] = f"stride {STRIDE}, in chunks"
        if model.precision != "auto":
            key["precision"] = model.precision
        shape = features.vectors.shape[1:]
        store = Store(root, key, shape, dtype=torch.float16, prefix="local-", whole=False)
        found[state] = _Kept(
            weakref.ref(backbone), model.precision, store, features.height, features.width
        )
    return found[state]
