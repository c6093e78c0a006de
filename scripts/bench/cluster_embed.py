"""How much faster two workers of a Ray cluster embed than one, each on a core of its own.

    python scripts/bench/cluster_embed.py IMAGES [--images 640] [--size 224] [--batch 32]

IMAGES: a folder of pictures. Two clusters on this machine, one after the other: a node that has one
core, then two such nodes with twice the images. A worker reads its images and has the network on
the same core; the process that keeps the rows has no core of its own. Rates are counted from the
first rows that come back to the last: starting a cluster and importing torch, told apart, takes as
long for any number of images. Target: two workers at least 90 % of twice one. Run it on a machine
that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("RAY_worker_niceness", "0")
from drawsim.common.machine import prepare

prepare()  # before torch is imported, as the commands do
# ruff: noqa: E402

from ray.cluster_utils import Cluster

from drawsim.models.embedding.keeping import Keeping
from drawsim.models.model import Model
from drawsim.workflows.embed import EmbedSettings, Images, embed

TARGET = 0.9
MEMORY = 200_000_000
"""Bytes of the object store of a node."""
TRAINER = {"name": "cpu", "accelerator": "cpu", "devices": 1, "precision": "auto"}


@contextmanager
def nodes(cores: list[int]) -> Iterator[str]:
    """The address of a cluster with a node on each of these cores, and none on the head's."""
    every = os.sched_getaffinity(0)
    store: dict[str, Any] = {"object_store_memory": MEMORY, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **store})
    try:
        for core in cores:
            os.sched_setaffinity(0, {core})  # what is started now inherits it
            cluster.add_node(num_cpus=1, **store)
        os.sched_setaffinity(0, every)
        yield cluster.address
    finally:
        os.sched_setaffinity(0, every)
        cluster.shutdown()


def measure(model: Model, files: list[Path], cores: list[int], batch: int) -> tuple[float, float]:
    """Images per second on these cores, and seconds from the start to the first rows."""
    came: list[tuple[float, int]] = []
    take = Keeping.take

    def noting(self: Keeping, *rows: Any) -> None:
        take(self, *rows)
        came.append((time.perf_counter(), self.computed))

    images = Images({str(number): path for number, path in enumerate(files)}, {})
    with tempfile.TemporaryDirectory() as folder, nodes(cores) as address:
        started = time.perf_counter()
        with mock.patch.object(Keeping, "take", noting):
            out = Path(folder, "out.safetensors")
            settings = EmbedSettings(out, Path(folder, "store"), batch=batch, ray=address)
            embed(model, images, None, TRAINER, settings)
    (first, before), (last, after) = came[0], came[-1]
    return (after - before) / (last - first), first - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="of pictures")
    parser.add_argument("--images", type=int, default=640, help="a worker")
    parser.add_argument("--size", type=int, default=224, help="pixels, both sides")
    parser.add_argument("--batch", type=int, default=32)
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        parser.error("two cores are needed")
    files = list(Images.of_folder(given.folder).files.values())[: 2 * given.images]
    model = Model.load("lite", image_size=given.size)
    print(f"{'workers':<10}{'images':>10}{'images/s':>10}{'of one':>10}{'start':>10}")
    one = None
    for workers in (1, 2):
        some = files[: workers * given.images]
        rate, start = measure(model, some, cores[:workers], given.batch)
        one = one or rate
        share = rate / (workers * one)
        print(
            f"{workers:<10}{len(some):>10,}{rate:>10.1f}{share:>10.1%}{start:>8.1f} s", flush=True
        )
    print(f"target: {TARGET:.0%} of twice one")


if __name__ == "__main__":
    main()
