"""Search, against the bare work: exact lists, one query at a time, and approximate search.

    python scripts/bench/search.py [--queries 1000] [--gallery 100000] [--dimensions 1280]
    python scripts/bench/search.py --faiss [--threads 2]
    python scripts/bench/search.py --embeddings FILE [--items 1000000] [--ann hnsw ivf]

First: the best 400 of 1,000 queries in 100,000 x 1,280, against the bare matrix product and `topk`
(target: 1.5 times), and a single query in 8,577 artworks (target: 5 ms).
With --faiss: five shapes of exact search against FAISS's flat index of inner products, in turns
(target: 1.05 times its time, with as many threads).
With the embeddings of real images (a .safetensors that drawsim embed wrote): their 256 principal
directions, multiplied with small noise to a million vectors, searched by HNSW and IVF (targets:
recall@10 0.98 at 10 times the rate of exact single queries). It needs faiss-cpu and some minutes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from drawsim.common.machine import prepare

prepare()
# ruff: noqa: E402

import pandas as pd
import torch
from measuring import seconds, unit_rows
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.retrieval.embeddings import Embeddings, load_embeddings
from drawsim.retrieval.index.backends import ann_settings
from drawsim.retrieval.index.base import Items, Place, Searcher
from drawsim.retrieval.index.folder import Index, build_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.measured import measured
from drawsim.retrieval.index.queries import of_vectors, search
from drawsim.retrieval.ranking import TIE, top_k

K = 400
SHAPES = (
    (1000, 100_000, 256, 400),
    (1000, 8577, 2048, 20),
    (1, 8577, 2048, 20),
    (1, 100_000, 256, 400),
    (1, 100_000, 1280, 20),
)
"""Queries, vectors, dimensions and length of the lists that are compared with FAISS."""
ARTWORKS = 8577
ANN_DIMENSIONS = 256
QUERIES = 1000
NOISE = 0.1
"""Length of the noise that is added to a vector of length 1."""


def main() -> None:
    """Measure, and print a line for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--gallery", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=1280)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--faiss", action="store_true", help="measures exact search against it")
    parser.add_argument("--threads", type=int, help="by default as many as there are cores")
    parser.add_argument("--embeddings", type=Path, help="measures approximate search instead")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument(
        "--ann", nargs="+", default=["hnsw", "ivf"], choices=["hnsw", "ivf", "ivfpq"]
    )
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
        threadpool_limits(arguments.threads)  # numpy's products have threads of their own
    print(f"{torch.get_num_threads()} threads, median of {arguments.repeats}")
    if arguments.faiss:
        for shape in SHAPES:
            against_faiss(*shape, arguments.repeats)
    elif arguments.embeddings is None:
        exact(arguments.queries, arguments.gallery, arguments.dimensions, arguments.repeats)
    else:
        approximate(arguments.embeddings, arguments.items, arguments.ann, arguments.repeats)


def show(what: str, taken: float, against: str) -> None:
    """One line of the table."""
    print(f"{what:44} {taken * 1e3:10.2f} ms   {against}", flush=True)


def against_faiss(count: int, size: int, dimensions: int, k: int, repeats: int) -> None:
    """Ours and FAISS's in turns, so that both meet the same machine."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    gallery, queries = unit_rows(size, dimensions, 0), unit_rows(count, dimensions, 1)
    flat = faiss.IndexFlatIP(dimensions)
    flat.add(gallery.numpy())
    taken: list[list[float]] = [[], []]
    for _ in range(repeats if count > 1 else 10 * repeats):
        taken[0].append(seconds(lambda: top_k(queries, gallery, k), 1))
        taken[1].append(seconds(lambda: flat.search(queries.numpy(), k), 1))
    ours, theirs = map(statistics.median, taken)
    what = f"{count:,} x {size:,} x {dimensions:,}, best {k}"
    show(what, ours, f"FAISS {theirs * 1e3:.2f} ms, {ours / theirs:.2f} times (target: 1.05)")


def exact(count: int, size: int, dimensions: int, repeats: int) -> None:
    """Whole searches against the bare product and `topk`; then one query in a small gallery."""
    with tempfile.TemporaryDirectory() as folder:
        index = random_index(Path(folder) / "large", size, dimensions)
        queries = of_vectors(
            [f"query_{row}" for row in range(count)], unit_rows(count, dimensions, 1), index.model
        )
        gallery, k = index.part("artwork").matrix, min(K, size)
        bare = seconds(lambda: (queries.vectors @ gallery.T).topk(k, dim=1), repeats)
        ours = seconds(lambda: search(index, "artwork", queries, k), repeats)
        what = f"{count} queries x {size} x {dimensions}, best {k}"
        show(f"{what}: bare", bare, "")
        show(f"{what}: search", ours, f"{ours / bare:.2f} x the bare work (target: 1.5)")

        index = random_index(Path(folder) / "small", ARTWORKS, dimensions)
        one = of_vectors(["query"], unit_rows(1, dimensions, 2), index.model)
        ours = seconds(lambda: search(index, "artwork", one, 20), 10 * repeats)
        show(f"1 query x {ARTWORKS} x {dimensions}, best 20", ours, "(target: 5 ms)")


def approximate(file: Path, size: int, kinds: list[str], repeats: int) -> None:
    """Recall and rate of single queries by FAISS, against exact single queries."""
    # Queries are noisy copies like all others, but not in the gallery.
    copies = multiplied(load_embeddings(file).vectors.float(), size + QUERIES)
    vectors, queries = copies[:size], copies[size:]
    best, _ = top_k(queries, vectors, 10)
    ones = [queries[row : row + 1] for row in range(100)]
    bare = seconds(lambda: [top_k(one, vectors, 10) for one in ones[:10]], repeats) / 10
    show(f"1 query x {size} x {vectors.shape[1]}, exact", bare, f"{1 / bare:.0f} queries/s")
    model = EmbeddingModel("copies", "none", "none", vectors.shape[1])
    ids = [f"artwork_{row}" for row in range(size)]
    items = Items(ids, vectors, pd.DataFrame(index=ids), Place(Path(), "artwork", 1, model))
    for kind in kinds:
        began = time.perf_counter()
        index = ann_settings(kind, {}).build(items)
        taken = time.perf_counter() - began
        record = measured(index, items, taken).record()
        show(f"{kind}: build", taken, f"{record}")
        taken = seconds(partial(one_by_one, index, ones), repeats)
        scores, _ = index.top_k(queries, 10)
        recall = float((scores >= best[:, -1:] - TIE[torch.float32]).double().mean())
        rate = f"{100 / taken:.0f} queries/s, {bare * 100 / taken:.0f} x exact (target: 10)"
        show(f"{kind}: 1 query", taken / 100, f"{rate}, recall@10 {recall:.4f} (target: 0.98)")
        del index  # the next one needs the room


def one_by_one(index: Searcher, queries: list[Tensor]) -> None:
    """Approximate lists of single queries."""
    for query in queries:
        index.top_k(query, 10)


def multiplied(vectors: Tensor, size: int) -> Tensor:
    """Noisy copies of vectors in their principal directions, (size, 256), unit rows."""
    centred = vectors - vectors.mean(dim=0)
    directions = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -ANN_DIMENSIONS:]
    reduced = normalize(vectors @ directions)
    generator = torch.Generator().manual_seed(0)
    copies = []
    for start in range(0, size, len(reduced)):
        some = reduced[: size - start]
        noise = normalize(torch.randn(some.shape, generator=generator))
        copies.append(normalize(some + NOISE * noise))
    return torch.cat(copies)


def random_index(folder: Path, size: int, dimensions: int) -> Index:
    """An index of random artworks."""
    model = EmbeddingModel("random", "none", "none", dimensions)
    vectors = Embeddings([f"artwork_{i}" for i in range(size)], unit_rows(size, dimensions, 0))
    return build_index(folder, {"artwork": Gallery(vectors, model)})


if __name__ == "__main__":
    main()
