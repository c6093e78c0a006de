"""Spatial verification: what local features take, one query against 200, many against 50 each.

    python scripts/bench/rerank.py COLLECTION [--artworks 500] [--queries 64] [--size 224]

Of the network of backbone=lite, with a store of its own that is gone afterwards. Targets: one query
against 200 artworks, their features in the store, in 0.3 s on one core; 25 queries a second against
50 each on two cores, which is 90,000 in an hour. Of some thousand queries the network is compiled,
which 64 do not repay: then their features take half as long.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from drawsim.common.machine import prepare

prepare()
# ruff: noqa: E402

import torch
from measuring import seconds

from drawsim.collection.tables import Collection
from drawsim.models.local_features import KeptPictures
from drawsim.models.model import Model
from drawsim.retrieval.reranking.base import Lists
from drawsim.retrieval.reranking.spatial import Spatial


def main() -> None:
    """Measure, and print a line for each step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collection", type=Path)
    parser.add_argument("--artworks", type=int, default=500)
    parser.add_argument("--queries", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    collection = Collection.open(arguments.collection)
    model = Model.load("lite", image_size=arguments.size)
    artworks = list(collection.paths("artwork").values())[: arguments.artworks]
    drawings = list(collection.paths("drawing", collection.originals.index).values())
    drawings = (drawings * arguments.queries)[: arguments.queries]
    with tempfile.TemporaryDirectory() as folder:
        measure(model, drawings, artworks, Path(folder), arguments.repeats)


def measure(
    model: Model, drawings: Sequence[Path], artworks: Sequence[Path], store: Path, repeats: int
) -> None:
    """All steps, in a store that is empty at first."""
    threads = torch.get_num_threads()
    rows = list(range(len(artworks)))
    began = time.perf_counter()
    KeptPictures(model, [], artworks, store).prepare(rows)
    taken = time.perf_counter() - began
    kept = sum(file.stat().st_size for file in store.rglob("*.safetensors"))
    each = len(artworks)
    print(
        f"local features of {each} artworks, {threads} threads: {each / taken:.1f} images/s, "
        f"{kept / each / 1e3:.1f} kB each, {kept / 1e6:.1f} MB"
    )

    torch.set_num_threads(1)
    deep = lists_of(1, len(artworks), 200)
    alone = seconds(lambda: ranked(model, drawings[:1], artworks, store, deep), repeats)
    print(f"one query against {deep.rows.shape[1]}, one core: {alone:.3f} s (target 0.3 s)")

    torch.set_num_threads(threads)
    many = lists_of(len(drawings), len(artworks), 50)
    for what, pictures in (
        ("with their local features", None),
        ("these in memory", KeptPictures(model, drawings, artworks, store)),
    ):
        work = seconds(partial(ranked, model, drawings, artworks, store, many, pictures), repeats)
        rate = len(drawings) / work
        print(
            f"{len(drawings)} queries against {many.rows.shape[1]} each, {what}, {threads} "
            f"threads: {rate:.1f} queries/s, 90,000 in {90_000 / rate / 60:.0f} minutes"
        )


def lists_of(queries: int, artworks: int, depth: int) -> Lists:
    """Random lists of so many artworks."""
    depth = min(depth, artworks)
    generator = torch.Generator().manual_seed(0)
    rows = torch.stack([torch.randperm(artworks, generator=generator) for _ in range(queries)])
    none = torch.empty(0, 1)
    return Lists(none, none, rows[:, :depth], torch.zeros(queries, depth))


def ranked(
    model: Model,
    drawings: Sequence[Path],
    artworks: Sequence[Path],
    store: Path,
    lists: Lists,
    pictures: KeptPictures | None = None,
) -> None:
    """The new scores of lists; with pictures of their own, nothing is remembered from before."""
    own = pictures or KeptPictures(model, drawings, artworks, store)
    Spatial(lists.rows.shape[1], weight=2.0).scores(lists, own)


if __name__ == "__main__":
    main()
