"""Embedding on a Ray cluster: Ray Data moves images from pools of readers to pools of networks.

Rows come back to the process that started it, which keeps them: nothing that dies on the way can
take along what was embedded. What a dead node had in hand, Ray gives to others.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from drawsim.common.errors import UserError
from drawsim.common.machine import keep_freed_memory
from drawsim.common.remote import located, named
from drawsim.models.embedding.compiling import Compiling, Mode
from drawsim.models.embedding.engine import Outcome, embed_what_lacks
from drawsim.models.embedding.image_batches import (
    Fingerprint,
    Todo,
    Views,
    bar,
    filled,
    fingerprints,
)
from drawsim.models.embedding.keeping import Keeping
from drawsim.models.embedding.ray_cluster import KINDS, Cluster
from drawsim.models.embedding.store import Store
from drawsim.models.model import Model
from drawsim.pixels.reading import Reading

log = logging.getLogger(__name__)

READER, NETWORK = 0.1, 0.8
"""Cores that Ray counts for a reader and for a network where there are no GPUs: both of a core."""

Batch = dict[str, "np.ndarray"]


def embed_on_ray(
    model: Model,
    images: Mapping[str, Path],
    store: Store,
    cluster: Cluster,
    hardware: Mapping[str, Any],
    *,
    batch_size: int,
    workers: int,
    compile_mode: Mode,
    progress: bool = True,
) -> Outcome:
    """As `embed_images` on the nodes of a cluster that this process has joined.

    hardware: as `settle_on` has it. workers: threads that look at files here. Every node must find
    the images under the names that they have here. compile_mode: auto compiles nothing, so that
    every node computes the same. Raises UserError where a node cannot read what can be read here,
    and where the cluster is lost.
    """
    prints, skipped = fingerprints(images, max(1, workers), progress)

    def predict(todo: Todo) -> tuple[int, dict[bytes, str]]:
        with bar("embedding", len(todo), progress) as advance:
            keeping = Keeping(store, len(todo), advance)
            try:
                _predict(model, todo, keeping, cluster, hardware, batch_size, compile_mode)
            finally:
                store.flush()
        return keeping.computed, keeping.failed

    return embed_what_lacks(images, prints, skipped, store, predict)


def _predict(
    model: Model,
    todo: Todo,
    keeping: Keeping,
    cluster: Cluster,
    hardware: Mapping[str, Any],
    batch_size: int,
    compile_mode: Mode,
) -> None:
    import ray
    from ray.exceptions import RayError, RayTaskError

    quiet_ray_data()
    readers, networks = _pools(cluster, hardware, len(todo), batch_size)
    rows = (
        ray.data.from_arrow(_tables(todo, batch_size))
        .map_batches(
            Reader,
            fn_constructor_kwargs={"reading": model.reading},
            batch_size=None,
            **readers,
        )
        .map_batches(
            Network,
            fn_constructor_kwargs={
                "model": ray.put(model),
                "batch_size": batch_size,
                "compile_mode": compile_mode,
                **hardware,
            },
            batch_size=None,
            **networks,
        )
    )
    try:
        found: Any = rows.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0)
        for batch in found:
            _take(batch, todo, model.reading, keeping)
    except RayTaskError as error:
        if isinstance(cause := error.cause, UserError):
            raise UserError(str(cause)) from error
        raise
    except RayError as error:
        why = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise UserError(
            f"engine=ray: the cluster is lost ({why}); what was embedded is kept, the same command "
            "goes on from there"
        ) from error


def quiet_ray_data() -> None:
    """Leave out what Ray Data says of itself: bars, plans, counts."""
    from ray.data import DataContext

    context: Any = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _pools(
    cluster: Cluster, hardware: Mapping[str, Any], images: int, batch_size: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Ray Data is told of the two pools: how many actors, what each takes of a node."""
    from ray.data import ActorPoolStrategy

    batches = -(-images // batch_size)
    nodes, cores = min(batches, len(cluster.nodes)), min(batches, cluster.cpus)
    if hardware["accelerator"] == "cuda":
        devices = min(batches, cluster.gpus)
        return (
            {"compute": ActorPoolStrategy(min_size=nodes, max_size=cores), "num_cpus": 1},
            {"compute": ActorPoolStrategy(size=devices), "num_gpus": 1},
        )
    return (
        {"compute": ActorPoolStrategy(min_size=nodes, max_size=cores), "num_cpus": READER},
        {"compute": ActorPoolStrategy(size=cores), "num_cpus": NETWORK},
    )


def _tables(todo: Todo, batch_size: int) -> list[Any]:
    """The images as Ray Data takes them, a table for each batch."""
    import pyarrow as pa

    rows = [
        (digest.hex(), named(path), mark.size, mark.changed)
        for digest, (path, mark) in todo.items()
    ]
    columns = ("digest", "path", "size", "changed")
    return [
        pa.table(
            dict(zip(columns, zip(*rows[start : start + batch_size], strict=True), strict=True))
        )
        for start in range(0, len(rows), batch_size)
    ]


class Reader:
    """Reads the files of a batch on a node: `views` of each, or the `reason` why there are none."""

    def __init__(self, reading: Reading) -> None:
        import ray

        cv2.setNumThreads(1)
        keep_freed_memory()
        self.reading = reading
        util: Any = ray.util
        self.node = util.get_node_ip_address()

    def __call__(self, batch: Batch) -> Batch:
        """digest, reason (empty where there are views), node, views (B, views, S, S, 3)."""
        columns = (batch[name].tolist() for name in ("digest", "path", "size", "changed"))
        marks = {
            bytes.fromhex(digest): (
                located(path),
                Fingerprint(bytes.fromhex(digest), size, changed),
            )
            for digest, path, size, changed in zip(*columns, strict=True)
        }
        views = Views(self.reading, marks)
        read = [views[number][1] for number in range(len(views))]
        nothing = np.zeros((1 + self.reading.crops, *[self.reading.size] * 2, 3), self.dtype)
        return {
            "digest": batch["digest"],
            "reason": np.array([each if isinstance(each, str) else "" for each in read], object),
            "node": np.array([self.node] * len(read), object),
            "views": np.stack([nothing if isinstance(each, str) else each for each in read]),
        }

    @property
    def dtype(self) -> type[np.uint8] | type[np.float32]:
        """Of the levels that `reading` gives."""
        return np.float32 if self.reading.method == "thesis" else np.uint8


class Network:
    """The model on one GPU or one core of a node."""

    def __init__(
        self, model: Any, batch_size: int, compile_mode: Mode, accelerator: str, precision: str
    ) -> None:
        import ray

        keep_freed_memory()
        if accelerator == "cpu":
            torch.set_num_threads(1)
        self.model: Model = ray.get(model)
        self.model.backbone.to(accelerator).eval()
        self.batch_size = batch_size
        self.accelerator = accelerator
        self.kind = KINDS[precision]
        mode: Mode = "false" if compile_mode == "auto" else compile_mode
        self.call = Compiling(self.model.backbone, mode, 1)

    @torch.inference_mode()
    def __call__(self, batch: Batch) -> Batch:
        """digest, reason, node, and the rows (B, d): of zeros where there is a reason."""
        good = np.array([not reason for reason in batch["reason"]])
        rows = torch.zeros(len(good), self.model.dimensions)
        if good.any():
            images = torch.from_numpy(batch["views"][good]).permute(0, 1, 4, 2, 3)
            images = filled(images, self.batch_size).to(self.accelerator)
            with torch.autocast(self.accelerator, self.kind, enabled=self.kind is not None):
                rows[good] = self.model.encode(images, self.call)[: int(good.sum())].float().cpu()
        return {name: batch[name] for name in ("digest", "reason", "node")} | {"row": rows.numpy()}


def _take(batch: Batch, todo: Todo, reading: Reading, keeping: Keeping) -> None:
    """Keep a batch. What a node could not read is tried here: it may be the node's fault.

    Raises UserError where it is.
    """
    digests = [bytes.fromhex(each) for each in batch["digest"]]
    reasons = batch["reason"].tolist()
    failed = {digest: reason for digest, reason in zip(digests, reasons, strict=True) if reason}
    for digest, node in zip(digests, batch["node"], strict=True):
        if digest in failed and not isinstance(Views(reading, {digest: todo[digest]})[0][1], str):
            raise UserError(
                f"engine=ray: node {node}: {named(todo[digest][0])} {failed[digest]}, but can be "
                "read here; share its folder with every node, under the same path"
            )
    good = [place for place, reason in enumerate(reasons) if not reason]
    rows = torch.from_numpy(np.stack([batch["row"][place] for place in good])) if good else None
    empty = torch.empty(0, keeping.store.shape[0])
    keeping.take([digests[place] for place in good], empty if rows is None else rows, failed)
