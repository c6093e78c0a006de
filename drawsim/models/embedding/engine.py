"""Embedding any number of images: read by workers, kept in a store by content, never twice."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from drawsim.collection.kinds import Kind
from drawsim.models.embedding.compiling import Mode
from drawsim.models.embedding.image_batches import (
    Fingerprint,
    Todo,
    filled,
    fingerprints,
)
from drawsim.models.embedding.shards import Part
from drawsim.models.embedding.store import Store
from drawsim.models.model import Model
from drawsim.models.precision import PLAIN
from drawsim.retrieval.exports import write_embeddings

log = logging.getLogger(__name__)

LIBRARIES = ("torch", "timm", "pillow", "opencv-python-headless", "numpy", "pytorch-lightning")
"""Those that take part in an embedding."""
ADAPTED_AT_ONCE = 2048
"""Rows that an adaptation takes at once, always: see `filled`."""

Predict = Callable[[Todo], tuple[int, dict[bytes, str]]]
"""Puts embeddings into the store: how many, and reasons for images that have none, by digest."""


@dataclass(frozen=True)
class Outcome:
    """digests: of images that are in the store, by id. skipped: id -> reason for the others.

    computed: embeddings made now, by all processes; seconds: what that took.
    """

    digests: dict[str, bytes]
    skipped: dict[str, str]
    computed: int
    seconds: float


def embed_images(
    model: Model,
    images: Mapping[str, Path],
    store: Store,
    trainer: Mapping[str, Any],
    *,
    batch_size: int,
    workers: int,
    compile_mode: Mode,
    progress: bool = True,
) -> Outcome:
    """Put the embeddings of all images into the store that are not there yet.

    images: id -> file. trainer: settled settings. Each process of a trainer embeds those images
    whose digest is its own. progress: show bars. Whatever ends the work early, what was embedded
    stays in the store.
    """
    from drawsim.models.embedding.on_lightning import predict_all  # Lightning takes seconds

    prints, skipped = fingerprints(images, max(1, workers), progress)

    def predict(todo: Todo) -> tuple[int, dict[bytes, str]]:
        return predict_all(model, todo, store, trainer, batch_size, workers, compile_mode, progress)

    return embed_what_lacks(images, prints, skipped, store, predict)


def embed_what_lacks(
    images: Mapping[str, Path],
    prints: Mapping[str, Fingerprint],
    unreadable: Mapping[str, str],
    store: Store,
    predict: Predict,
) -> Outcome:
    """Embed those images that are not in the store, each content once, and say what came of it.

    prints: of the images that can be read, by id. unreadable: reasons for the others.
    """
    skipped = dict(unreadable)
    todo = {
        mark.digest: (images[name], mark)
        for name, mark in prints.items()
        if mark.digest not in store
    }
    started = time.perf_counter()
    computed = 0
    failed: dict[bytes, str] = {}
    if todo:
        log.info("%d of %d images to embed", len(todo), len(images))
        computed, failed = predict(todo)
    for name, mark in prints.items():
        if mark.digest not in store:
            skipped[name] = failed.get(mark.digest, "was not embedded; run the command again")
    digests = {name: mark.digest for name, mark in prints.items() if name not in skipped}
    in_order = {name: skipped[name] for name in images if name in skipped}
    return Outcome(digests, in_order, computed, time.perf_counter() - started)


def assemble(
    out: Path,
    model: Model,
    store: Store,
    digests: Mapping[str, bytes],
    kind: Kind | None,
    dtype: torch.dtype,
    precision: str = PLAIN,
    part: Part | None = None,
) -> int:
    """Write the embeddings of images in the store to a file, adapted if the model does.

    digests: by id. precision: of the trainer that embedded. part: of which larger file this is one.
    Returns the dimensions.
    """
    wanted = list(digests.values())
    dimensions = model.adapt(torch.eye(1, model.dimensions), kind).shape[1]
    metadata = {
        **model.describe(precision),
        **({"kind": f"{kind}s"} if kind else {}),
        "dimensions": str(dimensions),
        "versions": json.dumps({name: version(name) for name in LIBRARIES}),
    }
    size = ADAPTED_AT_ONCE
    blocks = (
        model.adapt(filled(block, size), kind)[: len(block)] for block in store.blocks(wanted, size)
    )
    own = {} if part is None else part.tensors(digests)
    metadata |= {} if part is None else part.metadata()
    write_embeddings(out, list(digests), blocks, dimensions, dtype, metadata, own)
    return dimensions
