"""The thesis's protocol against the numbers and triplets that its own code gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drawsim.retrieval.metrics.thesis_protocol import CUTS, NEAREST, ThesisRanking, thesis_summary
from drawsim.retrieval.ranking import Relevance
from tests.retrieval.test_ranking import some_relevance

PARITY = Path(__file__).resolve().parents[4] / "shared" / "reference" / "parity"
needs_fixture = pytest.mark.skipif(
    not PARITY.is_dir(), reason="no real data: no parity fixtures beside the repository"
)


class Fixture(NamedTuple):
    ranking: ThesisRanking
    split: pd.DataFrame
    row: dict[str, int]
    artworks: list[str]


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    arrays = np.load(PARITY / "embeddings.npz", allow_pickle=False)
    split = pd.read_csv(PARITY / "split.csv")
    drawings = {name: i for i, name in enumerate(arrays["drawing_ids"].tolist())}
    artworks = {name: i for i, name in enumerate(arrays["artwork_ids"].tolist())}
    positives = Relevance(
        torch.tensor([drawings[i] for i in split["drawing_id"]]),
        torch.tensor([artworks[i] for i in split["artwork_id"]]),
    )
    vectors = torch.from_numpy(arrays["drawings"]), torch.from_numpy(arrays["artworks"])
    relevant = torch.bincount(positives.query, minlength=len(drawings))
    ranking = ThesisRanking.of(*vectors, positives, relevant)
    return Fixture(ranking, split, drawings, list(artworks))


@needs_fixture
def test_scores_equal_those_of_the_original(fixture: Fixture) -> None:
    expected = json.loads((PARITY / "scores.json").read_text())
    sets = {
        str(name): torch.tensor([fixture.row[i] for i in rows["drawing_id"]])
        for name, rows in fixture.split.groupby("set")
    }
    found = thesis_summary(fixture.ranking, sets)
    assert found.keys() == expected.keys()
    for name, scores in expected.items():
        assert found[name] == pytest.approx(scores, abs=1e-9), name


@needs_fixture
def test_triplets_equal_those_of_the_original(fixture: Fixture) -> None:
    triplets = pd.read_csv(PARITY / "triplets.csv")
    negatives = fixture.ranking.negatives()
    for (drawing, _), rows in triplets.groupby(["A", "B"]):
        found = negatives[fixture.row[str(drawing)]]
        assert {fixture.artworks[i] for i in found[found >= 0]} == set(rows["C"])


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(NEAREST, 40), st.integers(0, 10_000))
def test_agrees_with_loops_over_sorted_distances(q: int, n: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    drawings = torch.randn(q, 5, generator=generator)  # of any length: distance is not cosine
    artworks = torch.randn(n, 5, generator=generator)
    positives = some_relevance(q, n, seed)
    absent = torch.randint(0, 2, (q,), generator=generator)
    relevant = torch.bincount(positives.query, minlength=q) + absent
    ranking = ThesisRanking.of(drawings, artworks, positives, relevant)
    pairs = positives.query
    if not len(pairs):
        return
    order = torch.cdist(drawings.double(), artworks.double()).argsort(dim=1).tolist()
    rows: list[dict[str, float]] = []
    pooled: list[int] = []
    for drawing in pairs.tolist():
        own = set(positives.gallery[pairs == drawing].tolist())
        hits = [place for place, item in enumerate(order[drawing]) if item in own]
        padded = hits + [400] * (1 + int(relevant[drawing]) - len(hits))
        pooled += padded
        rows.append(
            {
                "mean_min_position": hits[0],
                "mean_median_position": float(np.median(padded)),
                "map": float(np.mean([(j + 1) / (p + 1) for j, p in enumerate(hits)])),
                **{f"recall_{k}": sum(p < k for p in hits) / len(hits) for k in CUTS},
            }
        )
        nearest = ranking.negatives()[drawing]
        assert set(nearest[nearest >= 0].tolist()) == set(order[drawing][:NEAREST]) - own
    expected = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    expected["mean_position"] = float(np.mean(pooled))
    assert ranking.scores(pairs) == pytest.approx(expected)
