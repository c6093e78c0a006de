"""Embeddings of a network whose weights are in the store already: a run takes them from there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from drawsim.models.embedding.digests import Digests
from drawsim.models.embedding.store import Store, default_store
from drawsim.models.model import Model
from drawsim.pixels.look_store import State, state_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """Embeddings of some images of a task: rows (n,), vectors (n, d), and plain (n, p), if asked.

    Rows number the gallery first, then the drawings; plain: as the network embeds without layout.
    """

    rows: Tensor
    vectors: Tensor
    plain: Tensor | None

    def __len__(self) -> int:
        return len(self.rows)


class KeptRows:
    """The store's part in a run: what it has is not embedded, what it lacks is given to it.

    Embeddings are known by the content of image files and by all that made them, weights included,
    so that another seed, split or head on the same network embeds nothing anew.

    files: of all images of the task, gallery first. precision: of the trainer. plain: the rows
    without layout are wanted too. workers: threads that read files. root: the folder of the store;
    None: that of all embeddings.
    """

    def __init__(
        self,
        model: Model,
        files: Sequence[Path],
        precision: str,
        *,
        plain: bool,
        workers: int,
        root: Path | None = None,
    ) -> None:
        self.files = files
        self.workers = workers
        folder = default_store() if root is None else root
        self.digests = Digests(folder)
        self.own = Store(folder, model.key(precision), model.dimensions)
        self.plain: Store | None = None
        if plain:
            width = model.backbone.plain_width
            self.plain = Store(folder, model.key(precision, layout=False), width)
        self._marks: dict[int, tuple[bytes, State]] = {}
        """Digest of each image that was looked at, and what says whether it has changed since."""

    def take(self, rows: Tensor) -> Rows:
        """Those of the rows, (n,), that the store has; before a pass over the others."""
        self._marks |= (marks := self._look(rows))
        stores = [self.own] if self.plain is None else [self.own, self.plain]
        known = [
            row for row, (digest, _) in marks.items() if all(digest in store for store in stores)
        ]
        if known:
            log.info("%d of %d embeddings were in the store", len(known), len(rows))
        digests = [marks[row][0] for row in known]
        plain = None if self.plain is None else _read(self.plain, digests)
        return Rows(torch.tensor(known, dtype=torch.int64), _read(self.own, digests), plain)

    def keep(self, found: Rows) -> None:
        """Give the store what was embedded since `take` was asked for it.

        Files that could not be read then, or were changed meanwhile, are passed over: nobody knows
        which content was embedded.
        """
        places = [i for i, row in enumerate(found.rows.tolist()) if self._same(row)]
        digests = [self._marks[int(found.rows[i])][0] for i in places]
        for store, vectors in ((self.own, found.vectors), (self.plain, found.plain)):
            if store is None or vectors is None:
                continue
            good = torch.isfinite(vectors[places]).all(dim=1).tolist()
            kept = [i for i, fine in zip(places, good, strict=True) if fine]
            names = [digest for digest, fine in zip(digests, good, strict=True) if fine]
            store.add(names, vectors[kept])
            store.flush()

    def _same(self, row: int) -> bool:
        mark = self._marks.get(row)
        return mark is not None and mark[1] == state_of(self.files[row])

    def _look(self, rows: Tensor) -> dict[int, tuple[bytes, State]]:
        numbers = rows.tolist()
        files = [self.files[row] for row in numbers]
        states = [state_of(file) for file in files]  # before their content is looked at
        digests = self.digests.of(files, self.workers)
        found = zip(numbers, digests, states, strict=True)
        return {row: (digest, state) for row, digest, state in found if digest is not None}


def _read(store: Store, digests: Sequence[bytes]) -> Tensor:
    blocks = list(store.blocks(digests))
    return torch.cat(blocks) if blocks else torch.empty(0, *store.shape)
