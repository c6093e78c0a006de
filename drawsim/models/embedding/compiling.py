"""A network that is compiled once that repays itself, and only if it then gives the same."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

log = logging.getLogger(__name__)

Mode = Literal["auto", "true", "false"]
MODES: tuple[Mode, ...] = ("auto", "true", "false")
SECONDS = 30.0
"""What compiling takes, about."""
SAVED = 0.4
"""The share of the time that a compiled network saves on a CPU, at least where it saves any."""
ENOUGH = 0.9999
"""The least cosine between embeddings by the compiled and by the plain network."""
WARM = 3
"""Batches before the plain network's rate is believed."""


class Compiling:
    """Calls a network on batches of images, (B, …) to (B, d), for a known number of batches.

    mode: compile at once (true), never (false), or (auto) on a CPU, where the batches that are left
    would take so long that compiling them repays itself twice. A compiled network takes batches of
    one size and one order in memory: smaller ones are filled up. If compiling fails, or changes an
    embedding to a cosine below 0.9999, the plain network goes on, and a line says so.
    """

    def __init__(self, network: Callable[[Tensor], Tensor], mode: Mode, batches: int) -> None:
        self.network = network
        self.mode = mode
        self.left = batches
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self._size = 0
        self._seconds: list[float] = []

    def __call__(self, images: Tensor) -> Tensor:
        self.left -= 1
        if self._compiled is not None and len(images) <= self._size:
            rows = torch.arange(self._size).clamp(max=len(images) - 1)
            filled = images if len(images) == self._size else images[rows]
            return self._compiled(filled)[: len(images)]
        started = time.perf_counter()
        vectors = self.network(images)
        self._seconds.append(time.perf_counter() - started)
        if self._repays(images):
            return self._compile(images, vectors)
        return vectors

    def _repays(self, images: Tensor) -> bool:
        if self.mode != "auto" or images.device.type != "cpu":
            return self.mode == "true"
        if len(self._seconds) < WARM:
            return False
        rate = sorted(self._seconds[-WARM:])[WARM // 2]
        return self.left * rate * SAVED > 2 * SECONDS

    def _compile(self, images: Tensor, expected: Tensor) -> Tensor:
        """Compile for batches of this size, and compare on this one; what it gives from now on."""
        self.mode = "false"  # whatever comes of it, it is tried once
        log.info("compiling the network for %d batches that are left", self.left)
        try:
            from torch._inductor import config

            # Weights become constants of the compiled code, folded into convolutions.
            patch: Any = config.patch
            with patch(freezing=True):
                compiled: Any = torch.compile(self.network, dynamic=False)
                found = compiled(images)
        except Exception as error:  # whatever a compiler can raise: the plain network will do
            why = next(iter(str(error).splitlines()), "") or type(error).__name__
            log.warning("the network cannot be compiled here (%s); it is used as it is", why)
            return expected
        cosine = float(cosine_similarity(found.float(), expected.float()).min())
        if not cosine >= ENOUGH:
            log.warning(
                "compiled, the network gives something else (cosine %.4f); it is used as it is",
                cosine,
            )
            return expected
        self._compiled, self._size = compiled, len(images)
        result: Tensor = found
        return result
