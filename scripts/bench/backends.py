"""Index backends side by side: recall, time and room, with filters and without.

    python scripts/bench/backends.py FILE [--items 100000] [--ann hnsw pgvector milvus]
        [--database postgresql://USER@HOST/NAME]

FILE: the embeddings of real images, a .safetensors that drawsim embed wrote. They are multiplied
with small noise to so many vectors, a tenth, a third and a half of which filters leave; each
backend builds an index of them, and single queries are compared with exact search (targets:
recall@10 0.98 of 100,000 x 1,280, filtered likewise). It needs the extras of the backends, and for
pgvector a database that may be written to: what it puts there, it takes away. Milvus is the Lite of
the index's folder.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from drawsim.common.machine import prepare

prepare()
# ruff: noqa: E402

import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.retrieval.embeddings import Embeddings, load_embeddings
from drawsim.retrieval.index import queries as queries_module
from drawsim.retrieval.index.backends import ann_settings, backends
from drawsim.retrieval.index.base import InDatabase
from drawsim.retrieval.index.folder import Index, build_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.queries import Queries, of_vectors, search
from drawsim.retrieval.ranking import TIE

NOISE = 0.1
"""Length of the noise that is added to a vector of length 1."""
QUERIES, K = 50, 10
SHARES = {"tenth": 10, "third": 3, "half": 2}


def main() -> None:
    """Measure, and print a line for each backend, and one for each filter."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--ann", nargs="+", default=["hnsw"], choices=sorted(backends()))
    parser.add_argument("--database")
    arguments = parser.parse_args()
    # Filters are to be the backend's own, however little they leave.
    queries_module.FEW = 1
    copies = multiplied(load_embeddings(arguments.file).vectors.float(), arguments.items + QUERIES)
    vectors, asked = copies[: arguments.items], copies[arguments.items :]
    model = EmbeddingModel("copies", "none", "none", vectors.shape[1])
    ids = [f"artwork_{row}" for row in range(len(vectors))]
    table = pd.DataFrame(
        {name: [str(row % n) for row in range(len(ids))] for name, n in SHARES.items()}, index=ids
    )
    gallery = Gallery(Embeddings(ids, vectors), model, table)
    wanted = of_vectors([f"query_{row}" for row in range(QUERIES)], asked, model)
    print(f"{len(ids):,} x {vectors.shape[1]:,}, {torch.get_num_threads()} threads", flush=True)
    for kind in arguments.ann:
        one(kind, gallery, wanted, arguments.database if kind == "pgvector" else None)


def one(kind: str, gallery: Gallery, wanted: Queries, database: str | None) -> None:
    """Build an index with a backend, say how well it does, and take it away."""
    settings = ann_settings(kind, {})
    with tempfile.TemporaryDirectory() as folder:
        index = build_index(Path(folder), {"artwork": gallery}, ann=settings, database=database)
        part = index.part("artwork")
        assert part.measured is not None
        print(part.measured.said("artwork"), flush=True)
        for where in (None, *(f"{name}=0" for name in SHARES)):
            show(index, wanted, where)
        if isinstance(settings, InDatabase):
            settings.drop(part.file(settings.ending), database)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"    memory of this process at most {peak:.1f} GiB", flush=True)


def show(index: Index, wanted: Queries, where: str | None) -> None:
    """Recall and time of single queries, against an exact search of the same."""
    exact = search(index, "artwork", wanted, K, where)
    right, taken = 0.0, []
    for row, name in enumerate(wanted.names):
        query = of_vectors([name], wanted.vectors[row : row + 1], wanted.model)
        began = time.perf_counter()
        found = search(index, "artwork", query, K, where, ann=True)
        taken.append(time.perf_counter() - began)
        least = exact.scores[row, -1] - TIE[torch.float32]
        right += float((found.scores[0] >= least).mean()) / len(wanted.names)
    middle = 1000 * sorted(taken)[len(taken) // 2]
    print(f"    {where or 'all':10} recall@{K} {right:.4f}, {middle:.1f} ms a query", flush=True)


def multiplied(vectors: Tensor, size: int) -> Tensor:
    """Noisy copies of vectors, (size, d), unit rows."""
    generator = torch.Generator().manual_seed(0)
    copies = torch.empty(size, vectors.shape[1])
    for start in range(0, size, len(vectors)):
        some = vectors[: size - start]
        noise = normalize(torch.randn(some.shape, generator=generator))
        copies[start : start + len(some)] = normalize(some + NOISE * noise)
    return copies


if __name__ == "__main__":
    main()
