"""From batches to the store: what is kept, what failed and why, and how far the work is."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from drawsim.common.progress import Advance
from drawsim.models.embedding.store import Store

log = logging.getLogger(__name__)

NOTE_SECONDS = 60.0
"""Between two lines that say how far the work is."""


class Keeping:
    """Puts what is embedded into the store; says once a minute how far and how fast the work is.

    total: images of all processes. world: processes that share them. computed, failed: by this
    one, the latter reasons by digest.
    """

    def __init__(self, store: Store, total: int, advance: Advance, world: int = 1) -> None:
        self.store = store
        self.total = total
        self.advance = advance
        self.world = world
        self.computed = 0
        self.failed: dict[bytes, str] = {}
        self._began = self._noted = time.monotonic()

    def take(self, digests: Sequence[bytes], rows: Tensor, failed: Mapping[bytes, str]) -> None:
        """Keep the rows, (len(digests), d), of a batch; one that holds no numbers is none.

        failed: reasons for images of the batch that have no row.
        """
        vectors = rows.float().cpu()
        good = torch.isfinite(vectors).all(dim=1).tolist()
        self.failed |= failed
        self.failed |= {
            digest: "the network gives nan or infinity for it"
            for digest, fine in zip(digests, good, strict=True)
            if not fine
        }
        kept = [digest for digest, fine in zip(digests, good, strict=True) if fine]
        self.store.add(kept, vectors[good])
        self.computed += len(kept)
        self.advance((len(digests) + len(failed)) * self.world)
        self._note()

    def _note(self) -> None:
        now = time.monotonic()
        if now - self._noted < NOTE_SECONDS:
            return
        self._noted = now
        done = (self.computed + len(self.failed)) * self.world
        rate = done / (now - self._began)
        left = max(0, self.total - done) / rate / 60
        log.info("%d of %d, %.1f images/s, %.0f minutes left", done, self.total, rate, left)
