"""What drawings have in common in a gallery: a bound that holds, and families that need it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.motifs.echoes import (
    correlation,
    eased,
    first_artworks,
    shared_surprise,
)
from drawsim.retrieval.motifs.find import find_motifs
from drawsim.retrieval.motifs.graph import Ints, background, least_surprise, spread_out
from tests.retrieval.motifs.test_find import SETTINGS, silent

COUNT, WORKS, WIDE = 300, 2000, 64


def kinds(rng: np.random.Generator, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Drawings and artworks about the centres of the same broad kinds, and no families."""
    centres = weight * rng.standard_normal((20, WIDE))
    drawn, made = (
        centres[rng.integers(20, size=count)] + rng.standard_normal((count, WIDE))
        for count in (COUNT, WORKS)
    )
    return drawn, made


def unit(rows: np.ndarray) -> Tensor:
    return normalize(torch.from_numpy(rows).float(), dim=1)


def all_pairs(listed: Ints, works: int) -> tuple[Ints, Ints, np.ndarray]:
    first, second = np.triu_indices(len(listed), 1)
    return first, second, shared_surprise(listed, first, second, works)


def test_what_lists_share_is_that_of_sets() -> None:
    rng = np.random.default_rng(0)
    listed = np.stack([rng.permutation(40)[:20] for _ in range(30)])
    listed[0] += 100
    first, second, shared = all_pairs(listed, 900)
    for one, other, found in zip(first, second, shared, strict=True):
        both = [
            max(listed[one].tolist().index(work), listed[other].tolist().index(work)) + 1
            for work in set(listed[one]) & set(listed[other])
        ]
        share = min(1, min(both, default=np.inf) ** 2 / 900)
        assert found == pytest.approx(stats.norm.isf(share), rel=1e-5)


def test_z_that_is_needed_is_of_stouffers_sum() -> None:
    shared = np.array([0.0, 2.0, 3.5, -np.inf], np.float32)
    needed = eased(shared, 4.0, 0.0)
    for own, other in zip(shared[:3].astype(float), needed[:3].astype(float), strict=True):
        both = stats.combine_pvalues(stats.norm.sf([own, other]), method="stouffer")
        assert both.statistic == pytest.approx(4, rel=1e-5)
    assert np.isinf(needed[3])
    assert eased(np.array([9.0], np.float32), 4.0, 0.5).tolist() == [0.0]


def test_an_artwork_near_to_all_is_first_of_few() -> None:
    rng = np.random.default_rng(1)
    drawn, made = kinds(rng, 0.0)
    drawn[:, 0] += 3
    made[:5, 0] += 6
    listed = first_artworks(unit(drawn), unit(made), 0)
    by_cosine = (unit(drawn) @ unit(made).T).topk(20).indices.numpy()
    assert (by_cosine < 5).mean() > 5 * (listed < 5).mean()


@pytest.mark.parametrize("weight", [0.0, 0.4])
def test_without_families_pairs_stay_within_the_bound(weight: float) -> None:
    # Half of a pair is expected of each seed; 6 or more of an expected 1 is once in 1,600.
    count = 0
    for seed in range(2):
        drawn, made = (unit(rows) for rows in kinds(np.random.default_rng(seed), weight))
        listed = first_artworks(drawn, made, 0)
        first, second, shared = all_pairs(listed, WORKS)
        vectors = spread_out(drawn)
        against = background(vectors, 0)
        z = against.surprise(first, second, (vectors @ vectors.T).numpy()[first, second])
        rho = correlation(listed, vectors, against, WORKS, seed)
        assert 0.05 < rho < 0.6, "drawings that are alike have like lists"
        count += int((z >= eased(shared, least_surprise(COUNT, 0.5), rho)).sum())
    assert count < 6


def test_lists_that_never_meet_say_nothing() -> None:
    listed = np.arange(200).reshape(100, 2)
    vectors = unit(np.random.default_rng(0).standard_normal((100, 8)))
    assert correlation(listed, vectors, background(vectors, 0), 200, 0) == 1


def test_families_that_are_alike_by_their_source_as_well() -> None:
    rng = np.random.default_rng(2)
    drawn, made = kinds(rng, 0.0)
    for work in range(3):
        members = slice(8 * work, 8 * work + 8)
        drawn[members] = made[work] + 0.9 * rng.standard_normal((8, WIDE))
    embeddings = Embeddings([f"d{row}" for row in range(COUNT)], unit(drawn))
    alone = find_motifs(embeddings, SETTINGS, silent, adapted=False)
    found = find_motifs(embeddings, SETTINGS, silent, adapted=False, artworks=unit(made))
    families = [{f"d{row}" for row in range(8 * work, 8 * work + 8)} for work in range(3)]
    assert all(any(set(each.members) <= own for own in families) for each in found.motifs)
    sizes = [sum(each.size for each in some.motifs) for some in (alone, found)]
    assert sizes[1] >= 16, sizes
    assert sizes[1] > sizes[0] + 6, sizes
