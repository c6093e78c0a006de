"""Approximate search: its measured recall is true, and it follows every change of the index."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index import queries as queries_module
from drawsim.retrieval.index.backends import ann_settings
from drawsim.retrieval.index.base import Approximate, Items, Place, Settings, searcher
from drawsim.retrieval.index.faiss import Hnsw, Ivf, load_faiss
from drawsim.retrieval.index.filters import Passing
from drawsim.retrieval.index.folder import build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.measured import measured, recorded
from drawsim.retrieval.index.queries import of_ids, of_vectors, search

D = 16
MODEL = EmbeddingModel("lite", "hash", "transform", D)
BOTH = pytest.mark.parametrize("settings", [Hnsw(), Ivf()], ids=["hnsw", "ivf"])


def unit_rows(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, D, generator=generator))


def gallery(vectors: Tensor, first: int = 0) -> Gallery:
    ids = [f"a{i}" for i in range(first, first + len(vectors))]
    table = pd.DataFrame({"half": [str(int(name[1:]) % 2) for name in ids]}, index=ids)
    return Gallery(Embeddings(ids, vectors), MODEL, table)


def items(vectors: Tensor, folder: Path) -> Items:
    held = gallery(vectors)
    place = Place(folder, "artwork", 1, MODEL)
    return Items(held.embeddings.ids, vectors, held.table, place)


def built(settings: Settings, vectors: Tensor, folder: Path) -> Approximate:
    index = settings.build(items(vectors, folder))
    index.save(items(vectors, folder))
    return index


@BOTH
def test_measured_recall_is_that_of_brute_force(settings: Settings, tmp_path: Path) -> None:
    vectors = unit_rows(3000, 0)
    narrow = Hnsw(4, 8, 8) if isinstance(settings, Hnsw) else Ivf(lists=50, probes=4)
    index = built(narrow, vectors, tmp_path)
    known = measured(index, items(vectors, tmp_path), 1.5)
    sample = torch.randperm(3000, generator=torch.Generator().manual_seed(0))[:1000]
    scores = (vectors[sample] @ vectors.T).numpy()
    scores[np.arange(1000), sample.numpy()] = -2
    for k in (10, 100):
        _, rows = index.top_k(vectors[sample], k + 1)
        hits = []
        for query, found, own in zip(scores, rows.numpy(), sample.numpy(), strict=True):
            best = set(np.argsort(-query)[:k])
            hits.append(len(best & set([row for row in found if row not in (own, -1)][:k])) / k)
        assert 0.2 < known.recall[k] < 0.9999
        assert known.recall[k] == pytest.approx(np.mean(hits), abs=1e-4)  # near ties
    assert known.sample == 1000
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert known.bytes * 3000 == pytest.approx(size)
    assert (known.build, known.query > 0) == (1.5, True)
    assert recorded(known.record()) == known


@BOTH
def test_only_what_passes_is_found(settings: Settings, tmp_path: Path) -> None:
    vectors, queries = unit_rows(2000, 0), unit_rows(50, 1)
    index = built(settings, vectors, tmp_path)
    mask = np.arange(2000) % 5 == 3
    scores, rows = index.top_k(queries, 10, Passing(mask))
    assert mask[rows.numpy()].all()
    torch.testing.assert_close(scores, (queries @ vectors.T).gather(1, rows))
    allowed = torch.from_numpy(mask).nonzero().flatten()
    best = (queries @ vectors[allowed].T).topk(10).values
    assert float((scores >= best[:, -1:] - 1e-6).double().mean()) > 0.9


@BOTH
def test_search_follows_additions_replacements_and_removals(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries_module, "FEW", 10)
    vectors = unit_rows(900, 0)
    index = build_index(tmp_path, {"artwork": gallery(vectors[:600])}, ann=settings)

    def check(k: int = 5) -> None:
        part = open_index(tmp_path).part("artwork")
        assert part.measured is not None
        assert part.measured.recall[10] > 0.9
        assert part.load_ann().count == len(part.embeddings.ids)
        some = of_vectors([f"q{i}" for i in range(40)], unit_rows(40, 2), MODEL)
        for where in (None, "half=1"):
            exact = search(index, "artwork", some, k, where)
            found = search(index, "artwork", some, k, where, ann=True)
            pairs = zip(found.ids, exact.ids, strict=True)
            assert np.mean([len({*one} & {*other}) / k for one, other in pairs]) > 0.9
            rows = part.rows(found.ids.flatten().tolist())
            cosines = (some.vectors @ part.embeddings.vectors.T).gather(
                1, torch.tensor(rows).view(-1, k)
            )
            np.testing.assert_allclose(found.scores, cosines, atol=1e-6)

    check()
    index, _ = index.add("artwork", gallery(vectors[600:], first=600))
    check()
    index, changes = index.add("artwork", gallery(unit_rows(20, 5), first=100))
    assert changes.replaced == 20
    check()
    told = Gallery(gallery(vectors[:1]).embeddings, MODEL, pd.DataFrame({"title": {"a0": "T"}}))
    index, changes = index.add("artwork", told)
    assert changes.replaced == 1
    check()
    index = index.remove("artwork", [f"a{i}" for i in range(0, 900, 3)])
    check()
    index = index.remove("artwork", [f"a{i}" for i in range(25, 900) if i % 3])
    assert len(index.part("artwork").embeddings.ids) == 16
    check()
    own = of_ids(index, "artwork", ["a1", "a2"])
    found = search(index, "artwork", own, 5, ann=True)
    assert not {"a1"} & set(found.ids[0])
    assert not {"a2"} & set(found.ids[1])


def test_lists_that_come_out_too_short_are_completed(tmp_path: Path) -> None:
    index = build_index(
        tmp_path, {"artwork": gallery(unit_rows(400, 0))}, ann=Ivf(lists=10, probes=1)
    )
    one = of_vectors(["q"], unit_rows(1, 1), MODEL)
    exact, found = (search(index, "artwork", one, 400, ann=ann) for ann in (False, True))
    assert found.ids.tolist() == exact.ids.tolist()


@BOTH
def test_a_gallery_of_one(settings: Settings, tmp_path: Path) -> None:
    index = built(settings, unit_rows(1, 0), tmp_path)
    assert measured(index, items(unit_rows(1, 0), tmp_path), 0).recall == {10: 1.0, 100: 1.0}
    assert index.top_k(unit_rows(1, 1), 2)[1].tolist() == [[0, -1]]


def test_without_faiss_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(UserError, match="pip install faiss-cpu"):
        build_index(tmp_path, {"artwork": gallery(unit_rows(3, 0))}, ann=Hnsw())
    assert list(tmp_path.iterdir()) == []
    index = build_index(tmp_path, {"artwork": gallery(unit_rows(3, 0))})
    one = of_vectors(["q"], unit_rows(1, 1), MODEL)
    with pytest.raises(UserError, match="can be searched exactly only"):
        search(index, "artwork", one, 1, ann=True)


@pytest.mark.parametrize(
    ("kind", "parameters", "says"),
    [
        ("hsnw", {}, "did you mean hnsw"),
        ("hnsw", {"neighbors": 3}, "did you mean neighbours"),
        ("ivf", {"lists": 0}, "whole number from 1 on"),
        ("ivf", {"probes": 2.5}, "whole number from 1 on"),
        ("hnsw", {"neighbours": None}, "whole number from 1 on"),
    ],
)
def test_settings_that_cannot_be(kind: str, parameters: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        ann_settings(kind, parameters)


def test_default_lists_grow_with_the_gallery() -> None:
    assert [Ivf().for_size(n).lists for n in (1, 1000, 1_000_000)] == [1, 25, 2000]
    assert Ivf(lists=50, probes=9).for_size(80) == Ivf(lists=2, probes=2)


def test_a_file_that_says_something_else_is_not_believed(tmp_path: Path) -> None:
    vectors = unit_rows(100, 0)
    held, array = items(vectors, tmp_path), vectors.numpy()
    faiss = load_faiss()
    quantizer = faiss.IndexFlatIP(D)
    ivf = faiss.IndexIVFFlat(quantizer, D, 2, faiss.METRIC_INNER_PRODUCT)
    ivf.train(array)
    ivf.add_with_ids(array, np.where(np.arange(100) < 50, 3, np.arange(100) + 10**6))
    euclidean = faiss.IndexHNSWFlat(D, 32, faiss.METRIC_L2)
    euclidean.add(array)
    file = str(held.place.file("faiss"))
    for settings, wrong in ((Hnsw(), ivf), (Hnsw(), euclidean), (Ivf(), euclidean)):
        faiss.write_index(wrong, file)
        with pytest.raises(UserError, match="of another kind"):
            settings.load(held)
    faiss.write_index(ivf, file)
    found = searcher(Ivf(lists=2, probes=2).load(held), vectors)
    scores, rows = found.top_k(vectors[:1], 100)
    assert rows[0].tolist() == [3] + [-1] * 99
    torch.testing.assert_close(scores[0, 0], vectors[0] @ vectors[3])


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
def test_ids_that_can_be_in_no_table(name: str) -> None:
    with pytest.raises(UserError, match="is no text"):
        Gallery(Embeddings([name], unit_rows(1, 0)), MODEL, pd.DataFrame())
