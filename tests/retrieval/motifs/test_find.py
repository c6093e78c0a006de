"""Groups of drawings on known answers: families among drawings that have nothing in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.motifs.find import Finding, find_motifs
from drawsim.retrieval.motifs.graph import Edges, Ints, least_surprise, nearest, varying
from drawsim.retrieval.motifs.groups import groups

SETTINGS = Finding(neighbours=10, chance=1.0, smallest=3, resamples=20, stability=0.75, seed=0)
SIZES = (4, 6, 10, 20, 40)


@contextmanager
def silent(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


@pytest.fixture(scope="module")
def families() -> tuple[Embeddings, Ints]:
    """500 drawings in 64 dimensions, 80 of them in five families; a hub direction in all."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((500, 64))
    family = np.full(500, -1)
    order = np.split(rng.permutation(500), np.cumsum(SIZES))
    for number, members in enumerate(order[:-1]):
        family[members] = number
        rows[members] = rng.standard_normal(64) + 0.4 * rng.standard_normal((len(members), 64))
    rows[:, 0] += 4
    vectors = normalize(torch.from_numpy(rows).float(), dim=1)
    return Embeddings([f"d{row}" for row in range(500)], vectors), family


def labels(embeddings: Embeddings, members: list[tuple[str, ...]]) -> Ints:
    label = np.full(len(embeddings.ids), -1)
    for number, names in enumerate(members):
        label[[embeddings.rows[name] for name in names]] = number
    return label


def test_families_are_found_and_nothing_else(families: tuple[Embeddings, Ints]) -> None:
    embeddings, family = families
    found = find_motifs(embeddings, SETTINGS, silent, adapted=False)
    label = labels(embeddings, [each.members for each in found.motifs])
    assert adjusted_rand_score(family, label) > 0.95
    assert [each.size for each in found.motifs] == sorted(SIZES, reverse=True)
    assert [each.id for each in found.motifs] == ["1", "2", "3", "4", "5"]
    assert all(each.stability >= 0.75 for each in found.motifs)
    again = find_motifs(embeddings, SETTINGS, silent, adapted=False)
    assert again == found


def test_order_and_constant_dimensions_do_not_count(families: tuple[Embeddings, Ints]) -> None:
    embeddings, _ = families
    rows = np.random.default_rng(1).permutation(500).tolist()
    constant = torch.full((500, 2), 0.5)
    wider = normalize(torch.cat([embeddings.vectors, constant], dim=1), dim=1)
    others = Embeddings([embeddings.ids[row] for row in rows], wider[rows])
    known = find_motifs(embeddings, SETTINGS, silent, adapted=True)
    found = find_motifs(others, SETTINGS, silent, adapted=True)
    assert {frozenset(m.members) for m in found.motifs} == {
        frozenset(m.members) for m in known.motifs
    }
    torch.testing.assert_close(varying(wider), embeddings.vectors)


def test_drawings_with_nothing_in_common_are_no_group() -> None:
    rows = torch.randn(400, 64, generator=torch.Generator().manual_seed(3))
    plain = Embeddings([f"d{row}" for row in range(400)], normalize(rows, dim=1))
    assert find_motifs(plain, SETTINGS, silent, adapted=False).motifs == ()


def test_second_scans_are_no_motif(families: tuple[Embeddings, Ints]) -> None:
    embeddings, family = families
    lone = np.flatnonzero(family < 0)[:2]
    copied = embeddings.vectors.clone()
    copied[lone[1]] = copied[lone[0]]
    copied[np.flatnonzero(family < 0)[2]] = copied[lone[0]]
    scans = Embeddings(embeddings.ids, copied)
    three = [embeddings.ids[row] for row in np.flatnonzero(family < 0)[:3]]
    blind = find_motifs(scans, SETTINGS, silent, adapted=False)
    assert frozenset(three) in {frozenset(each.members) for each in blind.motifs}
    found = find_motifs(scans, SETTINGS, silent, adapted=False, same=lambda pairs: pairs)
    assert set(three[1:]) <= set(found.copies)
    assert not any(three[0] in each.members for each in found.motifs)


def test_edges_count_only_where_they_are_confirmed(families: tuple[Embeddings, Ints]) -> None:
    embeddings, family = families

    def only_the_last(edges: Edges) -> np.ndarray:
        return (family[edges.first] == 4).astype(np.float32)

    found = find_motifs(embeddings, SETTINGS, silent, adapted=False, confirm=only_the_last)
    assert [each.size for each in found.motifs] == [40]
    assert found.motifs[0].confirmed == 1


def test_a_motif_says_what_share_of_its_pairs_was_confirmed(
    families: tuple[Embeddings, Ints],
) -> None:
    embeddings, _ = families
    asked: list[Edges] = []

    def all_but_a_few(edges: Edges) -> np.ndarray:
        asked.append(edges)
        return ((edges.first + edges.second) % 5 > 0).astype(np.float32)

    found = find_motifs(embeddings, SETTINGS, silent, adapted=False, confirm=all_but_a_few)
    largest = {embeddings.rows[name] for name in found.motifs[0].members}
    (edges,) = asked
    near = edges.z >= least_surprise(500, SETTINGS.chance)
    ends = list(zip(edges.first[near].tolist(), edges.second[near].tolist(), strict=True))
    matched = [sum(pair) % 5 > 0 for pair in ends if largest.issuperset(pair)]
    assert found.motifs[0].confirmed == pytest.approx(np.mean(matched))
    assert 0.6 < np.mean(matched) < 0.95
    plain = find_motifs(embeddings, SETTINGS, silent, adapted=False)
    assert {each.confirmed for each in plain.motifs} == {None}


def test_few_drawings_are_a_line(families: tuple[Embeddings, Ints]) -> None:
    few = families[0].of(families[0].ids[:49])
    with pytest.raises(UserError, match="49 drawings; motifs are looked for among 50 or more"):
        find_motifs(few, SETTINGS, silent, adapted=False)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("smallest", 2), ("chance", 0), ("stability", 1.5), ("resamples", 0), ("neighbours", 1.5)],
)
def test_settings_that_cannot_be(setting: str, value: float) -> None:
    changed: Any = {setting: value}
    with pytest.raises(UserError, match=rf"explore\.motifs\.{setting}={value}"):
        replace(SETTINGS, **changed)


def test_neighbours_are_those_of_all_products(families: tuple[Embeddings, Ints]) -> None:
    vectors = families[0].vectors
    cosines, rows = nearest(vectors, 7)
    every = (vectors @ vectors.T).fill_diagonal_(-2)
    best = every.topk(7, dim=1)
    np.testing.assert_allclose(cosines, best.values.numpy(), atol=1e-6)
    assert (rows == best.indices.numpy()).mean() > 0.99


def test_a_bridge_does_not_join_two_groups() -> None:
    first = [0, 0, 1, 3, 3, 4, 2]
    second = [1, 2, 2, 4, 5, 5, 3]
    edges = Edges(np.array(first), np.array(second), np.ones(7, np.float32), 7)
    assert groups(edges, 3, 9).tolist() == [0, 0, 0, 1, 1, 1, -1]
    assert groups(edges, 4, 9).tolist() == [-1] * 7
    assert groups(edges.where(np.zeros(7, bool)), 3, 9).tolist() == [-1] * 7
