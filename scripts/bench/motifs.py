"""Motifs on known answers: how long they take, how right they are, and what the tests find.

    python scripts/bench/motifs.py times 9000 90000    families among drawings of no motif
    python scripts/bench/motifs.py compare 4000        our groups beside scikit-learn's HDBSCAN
    python scripts/bench/motifs.py calibration 100     planted and shuffled labels, so many seeds

A family is a point in the space of embeddings and drawings around it; all other drawings lie about
the centres of some broad kinds, as portraits and landscapes do. `times` prints the adjusted Rand
index over all drawings, those of no motif each a group of its own, and that over the drawings of
the groups that are shown.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score

from drawsim.retrieval.analysis.who import leanings, who_draws
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.motifs.find import Finding, find_motifs

Ints = NDArray[np.int64]
SETTINGS = Finding(neighbours=15, chance=1.0, smallest=3, resamples=200, stability=0.75, seed=0)
SIZES = (3, 3, 3, 5, 5, 5, 10, 10, 30, 100)
"""Of the families among every 2,000 drawings; and one family is of a thirtieth of all."""
LEVEL = 0.05
ASKED = ("country", "region", "age_group", "year", "side", "medium")
STRATA = ("year", "country")


def mixture(count: int, dimensions: int, seed: int) -> tuple[torch.Tensor, Ints]:
    """Unit rows, (count, dimensions), and the family of each, -1 for none."""
    rng = np.random.default_rng(seed)
    spread = (np.arange(1, dimensions + 1) ** -0.5).astype(np.float32)
    kinds = 0.3 * rng.standard_normal((50, dimensions), np.float32) * spread
    rows = kinds[rng.integers(50, size=count)]
    rows += rng.standard_normal((count, dimensions), np.float32) * spread
    family = np.full(count, -1)
    order, at = rng.permutation(count), 0
    for number, size in enumerate([count // 30, *(SIZES * max(1, count // 2000))]):
        members = order[at : at + size]
        at += size
        family[members] = number
        centre = kinds[rng.integers(50)] + rng.standard_normal(dimensions, np.float32) * spread
        noise = rng.standard_normal((size, dimensions), np.float32) * spread
        rows[members] = centre + rng.uniform(0.5, 0.9) * noise
    rows += 3 * spread * rng.standard_normal(dimensions, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return torch.from_numpy(rows), family


def alone(label: Ints) -> Ints:
    """The labels with each drawing of no group in one of its own."""
    none = label < 0
    own = label.copy()
    own[none] = label.max() + 1 + np.arange(none.sum())
    return own


@contextmanager
def told(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Say how long a step takes."""
    began = time.perf_counter()
    yield lambda _: None
    print(f"    {what}, {total:,}: {time.perf_counter() - began:.1f} s", flush=True)


def found_in(vectors: torch.Tensor) -> tuple[Ints, int]:
    """The shown group of each row, and how many groups were not stable."""
    ids = [str(row) for row in range(len(vectors))]
    found = find_motifs(Embeddings(ids, vectors), SETTINGS, told, adapted=False)
    label = np.full(len(ids), -1)
    for number, motif in enumerate(found.motifs):
        label[[int(name) for name in motif.members]] = number
    return label, found.unstable


def scores(family: Ints, label: Ints) -> str:
    """What is right about groups."""
    shown = label >= 0
    everywhere = adjusted_rand_score(alone(family), alone(label))
    within = adjusted_rand_score(alone(family)[shown], label[shown])
    return (
        f"{label.max() + 1:,} groups in {shown.sum():,} drawings of {family.max() + 1:,} families "
        f"in {(family >= 0).sum():,}; ARI of all {everywhere:.3f}, of those shown {within:.3f}"
    )


def times(counts: list[int]) -> None:
    """Seconds, memory and what is found, of 1,000-dimensional embeddings."""
    for count in counts:
        vectors, family = mixture(count, 1000, 0)
        began, used = time.perf_counter(), time.process_time()
        label, unstable = found_in(vectors)
        took, used = time.perf_counter() - began, time.process_time() - used
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
        print(
            f"{count:,} × 1,000: {took:.0f} s, {used:.0f} of a processor, "
            f"{peak:.1f} GiB at most in all; load {os.getloadavg()[0]:.1f}"
        )
        print(f"    {scores(family, label)}; {unstable} not stable", flush=True)


def compare(count: int) -> None:
    """Our groups and scikit-learn's HDBSCAN, which compares all with all as well."""
    vectors, family = mixture(count, 200, 1)
    began = time.perf_counter()
    label, _ = found_in(vectors)
    print(f"ours: {time.perf_counter() - began:.1f} s, {scores(family, label)}", flush=True)
    for method in ("eom", "leaf"):
        began = time.perf_counter()
        other = HDBSCAN(
            min_cluster_size=3, min_samples=2, cluster_selection_method=method, copy=True
        ).fit_predict(vectors.numpy())
        took = time.perf_counter() - began
        print(f"HDBSCAN, {method}: {took:.1f} s, {scores(family, other)}", flush=True)


def drawn(seed: int) -> tuple[pd.DataFrame, dict[str, Ints], set[tuple[str, str, str]]]:
    """Metadata in which countries come together by year and age; ten groups, and what leans."""
    rng = np.random.default_rng(seed)
    count = 3000
    year = rng.integers(20, size=count)
    country = np.where(rng.random(count) < 0.5, year % 12, rng.integers(12, size=count))
    age = (rng.integers(4, size=count) + (rng.random(count) < 0.3) * year) % 5
    table = pd.DataFrame(
        {
            "country": [f"C{value}" for value in country],
            "age_group": [f"A{value}" for value in age],
            "year": [str(1995 + value) for value in year],
            "region": [f"R{value // 3}" for value in country],
            "side": np.where(rng.random(count) < 0.4 + 0.02 * year, "V", "R"),
            "medium": np.where(rng.random(count) < 0.3, "gray", "colour"),
        }
    )
    groups: dict[str, Ints] = {}
    leans: set[tuple[str, str, str]] = set()
    for number in range(10):
        size = int(rng.choice([5, 10, 20, 40]))
        members = rng.permutation(count)
        if number < 7:  # seven in ten at home, or without colour, whatever the year
            column, value = (
                ("country", f"C{rng.integers(12)}") if number < 5 else ("medium", "gray")
            )
            there = table[column].to_numpy()[members] == value
            settled = round(0.7 * size)
            members = np.r_[members[there][:settled], members[~there][: size - settled]]
            leans.add((str(number), column, value))
        groups[str(number)] = members[:size]
    return table, groups, leans


def calibration(seeds: int) -> None:
    """False findings beside planted leanings, and how often shuffled labels give none."""
    rates: list[float] = []
    said: list[float] = []
    power: list[float] = []
    silent = 0
    for seed in range(seeds):
        table, groups, leans = drawn(seed)
        who = partial(who_draws, columns=ASKED, strata=STRATA, level=LEVEL)
        found = who(groups, table)
        hits = found[found["q"] <= LEVEL]
        # Of a home other countries are drawn less, and its region more: no false findings.
        true = {(motif, column) for motif, column, _ in leans}
        true |= {(motif, "region") for motif, column, _ in leans if column == "country"}
        rates.append(_false(hits, true))
        said.append(_false(leanings(found, groups, table, STRATA, level=LEVEL), true))
        named = set(zip(hits["motif"], hits["column"], hits["value"], strict=True))
        power.append(len(leans & named) / len(leans))
        order = np.random.default_rng(seed).permutation(len(table))
        mixed = {name: order[members] for name, members in groups.items()}
        silent += not (who(mixed, table)["q"] <= LEVEL).any()
    print(
        f"{seeds} seeds: false-discovery rate {np.mean(rates):.3f}, of leanings put together "
        f"{np.mean(said):.3f}; planted leanings found {np.mean(power):.2f}; "
        f"shuffled: nothing found in {silent}"
    )


def _false(found: pd.DataFrame, true: set[tuple[str, str]]) -> float:
    """The share of what is found that is not there."""
    pairs = list(zip(found["motif"], found["column"], strict=True))
    return sum(pair not in true for pair in pairs) / max(len(pairs), 1)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    numbers = [int(each) for each in rest]
    if what == "times":
        times(numbers)
    elif what == "compare":
        compare(numbers[0])
    else:
        calibration(numbers[0])
