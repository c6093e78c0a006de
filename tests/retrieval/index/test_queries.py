"""Search against brute force, combined queries and fused lists against hand-made numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.folder import Index, build_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.queries import (
    Hits,
    Queries,
    combined,
    fused,
    joined,
    of_ids,
    of_vectors,
    search,
)

D = 8
MODEL = EmbeddingModel("lite", "hash", "transform", D)
OTHER = EmbeddingModel("resnet50", "other", "transform", D)
COUNTRIES = ("FRA", "ITA", "CHE")


def unit_rows(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, D, generator=generator))


def gallery(letter: str, rows: int, seed: int) -> Gallery:
    ids = [f"{letter}{i}" for i in range(rows)]
    table = pd.DataFrame({"country": [COUNTRIES[i % 3] for i in range(rows)]}, index=ids)
    return Gallery(Embeddings(ids, unit_rows(rows, seed)), MODEL, table)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    galleries = {"drawing": gallery("x", 20, 0), "artwork": gallery("x", 31, 1)}
    return build_index(tmp_path_factory.mktemp("index"), galleries)


def brute_force(
    index: Index, kind: str, query: Tensor, own: set[str], countries: set[str]
) -> list[tuple[str, float]]:
    """All that may be found, best first, one image at a time."""
    part = index.parts[kind]
    found = []
    for name, vector in zip(part.embeddings.ids, part.embeddings.vectors, strict=True):
        if name not in own and part.table.loc[name, "country"] in countries:
            found.append((name, float(sum(a * b for a, b in zip(query, vector, strict=True)))))
    return sorted(found, key=lambda hit: -hit[1])


@settings(max_examples=40)
@given(
    st.sampled_from(["drawing", "artwork"]),
    st.sampled_from(["drawing", "artwork"]),
    st.lists(st.integers(0, 19), min_size=1, max_size=4),
    st.integers(1, 40),
    st.sets(st.sampled_from(COUNTRIES), min_size=1),
    st.sampled_from([D, 8 * D, 1 << 20]),
)
def test_every_direction_equals_brute_force(
    index: Index,
    asked: str,
    wanted: str,
    rows: list[int],
    k: int,
    countries: set[str],
    gathered: int,
) -> None:
    names = [f"x{row}" for row in rows]
    where = {"country": sorted(countries)} if countries < set(COUNTRIES) else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drawsim.retrieval.index.exact.GATHERED", gathered)
        hits = search(index, wanted, of_ids(index, asked, names), k, where)
    longest = 0
    for i, (name, row) in enumerate(zip(names, rows, strict=True)):
        query = index.parts[asked].embeddings.vectors[row]
        own = {name} if asked == wanted else set()
        expected = brute_force(index, wanted, query, own, countries)
        longest = max(longest, len(expected))
        some = expected[:k]
        assert [found for found in hits.ids[i] if found] == [found for found, _ in some]
        np.testing.assert_allclose(
            hits.scores[i][: len(some)], [score for _, score in some], atol=1e-6
        )
        assert np.isnan(hits.scores[i][len(some) :]).all()
        assert (hits.ranks[i] > 0).sum() == len(some)
    assert hits.ids.shape == (len(rows), min(k, longest))
    assert bool(hits.notes) == (k > longest)


def test_an_own_id_that_the_filter_leaves_out_costs_no_hit(index: Index) -> None:
    # x0 is FRA: among ITA there are as many to find for it as for a query from outside.
    hits = search(index, "drawing", of_ids(index, "drawing", ["x0", "x1"]), 99, "country=ITA")
    assert (hits.ranks > 0).sum(axis=1).tolist() == [7, 6]
    assert hits.notes == ("k=99: there are 7 drawings to rank, and all of them are listed",)
    assert len(hits.table()) == 13


def test_a_half_precision_index_ranks_as_its_vectors(tmp_path: Path) -> None:
    vectors = unit_rows(10, 4)
    half = Gallery(Embeddings([f"a{i}" for i in range(10)], vectors.half()), MODEL)
    index = build_index(tmp_path, {"artwork": half})
    hits = search(index, "artwork", of_vectors(["q"], vectors[3:4], MODEL), 1)
    assert hits.ids.tolist() == [["a3"]]
    assert hits.scores[0, 0] == pytest.approx(1, abs=1e-3)


def test_what_cannot_be_searched_is_named(index: Index, tmp_path: Path) -> None:
    one = of_vectors(["q"], unit_rows(1, 9), MODEL)
    with pytest.raises(UserError, match="k=0"):
        search(index, "artwork", one, 0)
    with pytest.raises(UserError, match=r"lite .* resnet50"):
        search(index, "artwork", of_vectors(["q"], unit_rows(1, 9), OTHER), 1)
    with pytest.raises(UserError, match="did you mean country"):
        search(index, "artwork", one, 1, "contry=FRA")
    with pytest.raises(UserError, match="no drawing 'x99'"):
        of_ids(index, "drawing", ["x99"])
    drawings = build_index(tmp_path, {"drawing": gallery("d", 2, 0)})
    with pytest.raises(UserError, match="holds drawings, no artworks"):
        search(drawings, "artwork", one, 1)


def axes(*rows: list[float]) -> Queries:
    vectors = torch.tensor([row + [0.0] * (D - len(row)) for row in rows])
    return of_vectors([f"q{i}" for i in range(len(rows))], vectors, MODEL)


def test_a_combined_query_by_hand() -> None:
    # mean (0.5, 0.5, 0) − 0.5 × (0, 0, 1) = (0.5, 0.5, −0.5), of length √0.75
    both = combined(axes([1, 0, 0], [0, 1, 0]), axes([0, 0, 1]))
    expected = torch.tensor([[1, 1, -1, 0, 0, 0, 0, 0]]) / 3**0.5
    torch.testing.assert_close(both.vectors, expected)
    assert list(both.names) == ["q0 + q1 - q0"]
    # (1, 0) − 1 × (0.6, 0.8) = (0.4, −0.8), of length √0.8
    one = combined(axes([1, 0]), axes([0.6, 0.8]), weight=1)
    torch.testing.assert_close(one.vectors[0, :2], torch.tensor([0.4, -0.8]) / 0.8**0.5)


def test_what_a_combined_query_is_made_of_is_not_found(index: Index) -> None:
    asked = joined([of_ids(index, "drawing", ["x0", "x3"]), of_ids(index, "artwork", ["x5"])])
    query = combined(asked, of_ids(index, "drawing", ["x7"]))
    drawings, artworks = (search(index, kind, query, 99).ids[0] for kind in ("drawing", "artwork"))
    assert set(index.parts["drawing"].embeddings.ids) - set(drawings) == {"x0", "x3", "x7"}
    assert set(index.parts["artwork"].embeddings.ids) - set(artworks) == {"x5"}


def test_queries_that_cannot_be_combined() -> None:
    with pytest.raises(UserError, match="cancel each other"):
        combined(axes([1, 0]), axes([1, 0]), weight=1)
    with pytest.raises(UserError, match="at least one"):
        combined(of_vectors([], torch.empty(0, D), MODEL))
    with pytest.raises(UserError, match="one model"):
        combined(axes([1]), of_vectors(["q"], unit_rows(1, 0), OTHER))


def lists(*ids: list[str], queries: int = 1) -> list[Hits]:
    """One list of hits for each model, all for the same query."""
    names = [f"q{i}" for i in range(queries)]
    return [
        Hits(names, "artwork", np.array([some], dtype=object), np.linspace(1, 0, len(some))[None])
        for some in ids
    ]


def test_fused_lists_by_hand() -> None:
    hits = fused(lists(["a", "b", "c"], ["b", "d", "a"]), k=3)
    assert hits.ids.tolist() == [["b", "a", "d"]]
    expected = [1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 62]
    np.testing.assert_allclose(hits.scores, [expected])
    assert hits.notes == ()
    weighted = fused(lists(["a", "b", "c"], ["b", "d", "a"]), k=9, weights=[3, 1])
    assert weighted.ids.tolist() == [["a", "b", "c", "d"]]
    expected = [3 / 61 + 1 / 63, 3 / 62 + 1 / 61, 3 / 63, 1 / 62]
    np.testing.assert_allclose(weighted.scores, [expected])
    assert weighted.notes == ("k=9: the lists hold 4 artworks at most, and all of them are listed",)


def test_fused_lists_of_other_lengths_and_several_queries() -> None:
    one = Hits(
        ["q0", "q1"],
        "artwork",
        np.array([["a", ""], ["b", "a"]], dtype=object),
        np.array([[0.9, np.nan], [0.8, 0.7]]),
    )
    two = Hits(["q0", "q1"], "artwork", np.array([["b"], ["c"]], dtype=object), np.ones((2, 1)))
    hits = fused([one, two], k=5)
    # Equal scores: the earlier list first. The image "" of the short list is nowhere.
    assert hits.ids.tolist() == [["a", "b", ""], ["b", "c", "a"]]
    assert hits.ranks.tolist() == [[1, 2, 0], [1, 2, 3]]


@given(st.lists(st.permutations("abcdefg"), min_size=1, max_size=4), st.integers(1, 9))
def test_fused_lists_equal_sums_one_by_one(permutations: list[list[str]], k: int) -> None:
    weights = [1.0 + 0.25 * i for i in range(len(permutations))]
    hits = fused(lists(*permutations), k, weights)
    for name, score in zip(hits.ids[0], hits.scores[0], strict=True):
        places = [some.index(name) + 1 for some in permutations]
        expected = sum(w / (60 + place) for w, place in zip(weights, places, strict=True))
        assert score == pytest.approx(expected)
    assert len(hits.ids[0]) == min(k, 7)
    assert (np.diff(hits.scores[0]) <= 1e-12).all()


def test_lists_that_cannot_be_fused() -> None:
    first, second = lists(["a"], ["b"])
    other = Hits(["else"], "artwork", second.ids, second.scores)
    drawings = Hits(["q0"], "drawing", second.ids, second.scores)
    for wrong in (other, drawings):
        with pytest.raises(UserError, match="can be fused"):
            fused([first, wrong], 1)
    for weights in ([1], [1, 0], [1, float("nan")]):
        with pytest.raises(UserError, match="above 0 for each of the 2"):
            fused([first, second], 1, weights)


def test_a_table_with_metadata_whose_names_are_taken() -> None:
    hits = lists(["a", "b"])[0]
    known = pd.DataFrame({"rank": ["7", "8"], "title": ["A", "B"]}, index=["b", "a"])
    table = hits.table(known)
    assert list(table.columns) == ["query", "rank", "id", "score", "artwork_rank", "title"]
    assert table["title"].tolist() == ["B", "A"]
    assert table["artwork_rank"].tolist() == ["8", "7"]
    assert table["rank"].tolist() == [1, 2]
