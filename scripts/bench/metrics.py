"""Scoring and mining, against how the thesis did them, and against the bare matrix product.

    python scripts/bench/metrics.py [--queries 786] [--gallery 8577] [--dimensions 2048] [--large]

The comparison is a faithful rewrite of the method of the thesis's code: for each pair a BallTree
query that returns the whole gallery by distance, and Python loops over the result; it runs on a
tenth of the queries and its time is scaled. It needs scikit-learn (pip install scikit-learn).
Targets: 200 times faster scoring, 150 times faster mining, and no more than twice the bare product
of the two matrices. --large also ranks 20,000 queries in 1,000,000 items of 256 dimensions and says
how much memory that takes beyond its input (target: under 4 GiB).
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

from drawsim.common.machine import prepare

prepare()
# ruff: noqa: E402

import numpy as np
import torch
from measuring import seconds, unit_rows

from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.ranking import Relevance, rank, top_k

CUTS = (20, 50, 100, 200, 400)
NEGATIVES = 10


def main() -> None:
    """Measure, and print one line for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=int, default=786)
    parser.add_argument("--gallery", type=int, default=8577)
    parser.add_argument("--dimensions", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="20,000 x 1,000,000 x 256 as well")
    arguments = parser.parse_args()

    queries = unit_rows(arguments.queries, arguments.dimensions, 0)
    gallery = unit_rows(arguments.gallery, arguments.dimensions, 1)
    relevance = Relevance(torch.arange(len(queries)), torch.randperm(len(gallery))[: len(queries)])
    print(
        f"{len(queries)} queries x {len(gallery)} artworks x {arguments.dimensions} dimensions, ",
        end="",
    )
    print(f"{torch.get_num_threads()} threads, median of {arguments.repeats}")

    product = seconds(lambda: queries @ gallery.T, arguments.repeats)
    scoring = seconds(
        lambda: summarise(query_metrics(rank(queries, gallery, relevance, k=0))), arguments.repeats
    )
    mining = seconds(
        lambda: top_k(queries, gallery, NEGATIVES, exclude=relevance), arguments.repeats
    )
    show("bare matrix product", product, "")
    show("all metrics", scoring, f"{scoring / product:.2f} x the product (target: 2)")
    show("10 negatives each", mining, f"{mining / product:.2f} x the product (target: 2)")
    compare(queries.numpy(), gallery.numpy(), relevance, scoring, mining)
    if arguments.large:
        large()


def show(what: str, taken: float, against: str) -> None:
    """One line of the table."""
    print(f"{what:32} {taken:9.3f} s   {against}")


def compare(
    queries: np.ndarray, gallery: np.ndarray, relevance: Relevance, scoring: float, mining: float
) -> None:
    """The tree and the loops on a tenth of the queries; their results must be ours."""
    try:
        from sklearn.neighbors import BallTree
    except ImportError:
        print("no comparison with a BallTree: pip install scikit-learn")
        return
    tenth = max(1, len(queries) // 10)
    scale = len(queries) / tenth
    uids = np.array([f"artwork_{row}" for row in range(len(gallery))], dtype=object)
    own = [{str(uids[item])} for item in relevance.gallery[:tenth]]

    began = time.perf_counter()
    tree = BallTree(gallery)
    building = time.perf_counter() - began

    began = time.perf_counter()
    scores = tree_scores(tree, uids, queries[:tenth], own)
    theirs = building + (time.perf_counter() - began) * scale
    show("BallTree and loops: scores", theirs, f"{theirs / scoring:.0f} x ours (target: 200)")

    began = time.perf_counter()
    triplets = tree_negatives(tree, uids, queries[:tenth], own)
    theirs = building + (time.perf_counter() - began) * scale
    show("BallTree and loops: negatives", theirs, f"{theirs / mining:.0f} x ours (target: 150)")

    first = Relevance(torch.arange(tenth), relevance.gallery[:tenth])
    vectors = torch.from_numpy(queries[:tenth]), torch.from_numpy(gallery)
    ours = summarise(query_metrics(rank(*vectors, first, k=0)))
    assert np.isclose(scores["map"], ours["map"], atol=1e-6), (scores, ours)
    assert all(np.isclose(scores[f"recall@{k}"], ours[f"recall@{k}"]) for k in CUTS)
    _, mined = top_k(*vectors, NEGATIVES, exclude=first)
    assert triplets == [set(uids[row]) for row in mined.numpy()]
    print("both ways give the same map, recall@k and negatives")


def tree_scores(
    tree: Any, uids: np.ndarray, queries: np.ndarray, own: list[set[str]]
) -> dict[str, float]:
    """Ask the tree for the whole gallery by distance, and walk down every list of ids."""
    found: dict[str, list[float]] = {"map": [], **{f"recall@{k}": [] for k in CUTS}}
    for query, mine in zip(queries, own, strict=True):
        _, order = tree.query(query[None], k=len(uids))
        ranked = list(uids[order[0]])
        places, precisions = [], []
        for place, uid in enumerate(ranked):
            if uid in mine:
                places.append(place)
                precisions.append(len(places) / (place + 1))
        found["map"].append(sum(precisions) / len(precisions))
        for k in CUTS:
            found[f"recall@{k}"].append(len(mine & set(ranked[:k])) / len(mine & set(ranked)))
    return {name: float(np.mean(values)) for name, values in found.items()}


def tree_negatives(
    tree: Any, uids: np.ndarray, queries: np.ndarray, own: list[set[str]]
) -> list[set[str]]:
    """The nearest of every query, its own taken out."""
    negatives = []
    for query, mine in zip(queries, own, strict=True):
        _, order = tree.query(query[None], k=NEGATIVES + len(mine))
        kept = [uid for uid in uids[order[0]] if uid not in mine]
        negatives.append(set(kept[:NEGATIVES]))
    return negatives


def large() -> None:
    """Rank 20,000 queries in a million items, and look at the memory."""
    queries, gallery = unit_rows(20_000, 256, 0), unit_rows(1_000_000, 256, 1)
    relevance = Relevance(torch.arange(20_000), torch.randperm(1_000_000)[:20_000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    summarise(query_metrics(rank(queries, gallery, relevance, k=20)))
    spent = time.perf_counter() - began
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    print(f"20,000 x 1,000,000 x 256: {spent:.0f} s, {more:.2f} GiB beyond its input (target: 4)")


if __name__ == "__main__":
    main()
