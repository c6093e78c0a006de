"""The metrics: a new one is a function and an entry in METRICS, and is everywhere then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drawsim.retrieval.metrics.metric import Metric
from drawsim.retrieval.metrics.query_ranks import Floats, QueryRanks

KS = (1, 5, 10, 20, 50, 100, 200, 400)
"""Cut-offs of every metric of the protocol `drawsim` that is named `…@k`."""
THESIS_KS = (400, 200, 100, 50, 20)


# (Q,) values from the ranks r_1 <= … <= r_m of each query's m relevant items.


def _reciprocal_rank(q: QueryRanks) -> Floats:
    return 1 / q.first


def _average_precision(q: QueryRanks) -> Floats:
    return q.total(q.place / q.rank) / q.relevant


def _first_rank(q: QueryRanks) -> Floats:
    return q.first


def _mean_rank(q: QueryRanks) -> Floats:
    return q.total(q.rank) / q.relevant


def _normalised_rank(q: QueryRanks) -> Floats:
    spare = q.total(q.rank) - q.relevant * (q.relevant + 1) / 2
    return spare / (q.gallery_size * q.relevant)


def _recall(q: QueryRanks, k: int) -> Floats:
    return q.total(q.rank <= k) / q.relevant


def _precision(q: QueryRanks, k: int) -> Floats:
    return q.total(q.rank <= k) / k


def _hit_rate(q: QueryRanks, k: int) -> Floats:
    return (q.first <= k).astype(np.float64)


def _average_precision_at(q: QueryRanks, k: int) -> Floats:
    return q.total((q.rank <= k) * q.place / q.rank) / np.minimum(q.relevant, k)


def _ndcg(q: QueryRanks, k: int) -> Floats:
    best = np.cumsum(1 / np.log2(2 + np.arange(k)))
    most: NDArray[np.int64] = np.minimum(q.relevant, k)
    return q.total((q.rank <= k) / np.log2(1 + q.rank)) / best[most - 1]


METRICS: tuple[Metric, ...] = (
    Metric(
        name="mrr",
        label="MRR",
        family="list",
        higher_is_better=True,
        unit="share",
        description="Mean reciprocal rank: how near the top the first true one stands.",
        formula="1 / r₁",
        source="Voorhees, The TREC-8 question answering track report, 1999",
        headline=("mrr",),
        tested=("mrr",),
        broken_down=("mrr",),
        compute=_reciprocal_rank,
    ),
    Metric(
        name="map",
        label="MAP",
        family="list",
        higher_is_better=True,
        unit="share",
        description="Mean average precision: how near the top all true ones stand. The denominator "
        "is m, all relevant items. In a gallery where each query has one, it equals MRR.",
        formula="1/m · Σ_j j / r_j",
        source="Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8",
        headline=("map",),
        tested=("map",),
        compute=_average_precision,
    ),
    Metric(
        name="first_rank",
        label="First rank",
        family="list",
        higher_is_better=False,
        unit="rank",
        description="The rank of the first true one, averaged. One very bad query moves it much.",
        formula="r₁",
        compute=_first_rank,
    ),
    Metric(
        name="median_rank",
        label="Median rank",
        family="list",
        higher_is_better=False,
        unit="rank",
        description="Half of the queries find a true one at this rank or nearer: what a typical "
        "query sees. The median over queries, the mean of the two middle ones for an even number.",
        formula="r₁",
        headline=("median_rank",),
        compute=_first_rank,
        over_queries="median",
    ),
    Metric(
        name="mean_rank",
        label="Mean rank",
        family="list",
        higher_is_better=False,
        unit="rank",
        description="The mean rank of a query's true ones, averaged over queries.",
        formula="1/m · Σ_j r_j",
        tested=("mean_rank",),
        compute=_mean_rank,
    ),
    Metric(
        name="normalised_rank",
        label="Normalised rank",
        family="list",
        higher_is_better=False,
        unit="share",
        description="0 for a perfect ranking, near 0.5 by chance, whatever the size of the "
        "gallery.",
        formula="(Σ_j r_j − m (m + 1) / 2) / (N m)",
        source="Müller et al., Performance evaluation in content-based image retrieval, 2001",
        compute=_normalised_rank,
    ),
    Metric(
        name="recall",
        label="Recall",
        short="R",
        family="recall",
        higher_is_better=True,
        unit="share",
        description="The share of the true ones that stand at rank k or nearer. The denominator is "
        "m, even where m > k; it grows with k.",
        formula="h_k / m",
        source="Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8",
        cutoffs=KS,
        headline=("recall@1", "recall@10", "recall@20"),
        tested=("recall@1", "recall@10", "recall@20", "recall@100"),
        broken_down=("recall@10", "recall@20"),
        compute=_recall,
    ),
    Metric(
        name="precision",
        label="Precision",
        short="P",
        family="precision",
        higher_is_better=True,
        unit="share",
        description="The share of the first k that are true. The denominator is k, even where a "
        "query has fewer relevant items: with one it cannot exceed 1/k.",
        formula="h_k / k",
        source="Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8",
        cutoffs=KS,
        compute=_precision,
    ),
    Metric(
        name="hit_rate",
        label="Hit rate",
        short="Hit",
        family="hit_rate",
        higher_is_better=True,
        unit="share",
        description="Whether somebody who looks at the first k finds a true one. Equals recall "
        "where each query has one relevant item.",
        formula="1 if h_k > 0, else 0",
        cutoffs=KS,
        compute=_hit_rate,
    ),
    Metric(
        name="map",
        label="MAP",
        family="map",
        higher_is_better=True,
        unit="share",
        description="Average precision of the first k places, 1 if they are as good as they can "
        "be.",
        formula="1 / min(m, k) · Σ_{j ≤ h_k} j / r_j",
        cutoffs=KS,
        compute=_average_precision_at,
    ),
    Metric(
        name="ndcg",
        label="nDCG",
        family="ndcg",
        higher_is_better=True,
        unit="share",
        description="The first k places, a true one counting less the further down it stands.",
        formula="Σ_{j ≤ h_k} 1 / log₂(1 + r_j), over the same sum for ranks 1 … min(m, k)",
        source="Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002, "
        "with binary relevance",
        cutoffs=KS,
        compute=_ndcg,
    ),
    Metric(
        name="loss",
        label="Loss",
        family="training",
        higher_is_better=False,
        unit="number",
        description="What training minimises, by the loss that was chosen: comparable between runs "
        "of one loss alone.",
    ),
    Metric(
        name="recall",
        label="Recall",
        short="R",
        family="thesis",
        higher_is_better=True,
        unit="share",
        description="Over the relevant items that the gallery holds.",
        cutoffs=THESIS_KS,
        joint="_",
    ),
    Metric(
        name="mean_min_position",
        label="Mean minimum position",
        short="MMP",
        family="thesis",
        higher_is_better=False,
        unit="position",
        description="The position of the first hit, mean over pairs.",
    ),
    Metric(
        name="MAP",
        label="MAP",
        family="thesis",
        higher_is_better=True,
        unit="percent",
        description="`map` of this protocol, as its tables print it.",
        tested=("MAP",),
    ),
    Metric(
        name="R",
        label="R",
        family="thesis",
        higher_is_better=True,
        unit="percent",
        description="`recall_k` of this protocol, as its tables print it.",
        cutoffs=THESIS_KS,
        tested=tuple(f"R@{k}" for k in THESIS_KS),
    ),
    Metric(
        name="MMP",
        label="MMP",
        family="thesis",
        higher_is_better=False,
        unit="position",
        description="`mean_min_position`, as its tables print it.",
        tested=("MMP",),
    ),
    Metric(
        name="MP",
        label="MP",
        family="thesis_padded",
        higher_is_better=False,
        unit="position",
        description="`mean_position`, as its tables print it.",
    ),
    Metric(
        name="mean_position",
        label="Mean position",
        short="MP",
        family="thesis_padded",
        higher_is_better=False,
        unit="position",
        description="Over all relevant items of all pairs, each that is not found at position 400. "
        "Every drawing's own id is one that is not found, so that it says little.",
    ),
    Metric(
        name="mean_median_position",
        label="Mean median position",
        short="median pos.",
        family="thesis_padded",
        higher_is_better=False,
        unit="position",
        description="The median of a pair's positions, that 400 included, mean over pairs.",
    ),
)
