"""Lists of codes on disk: what they find by whole vectors, how they grow, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.base import Items, Place, searcher
from drawsim.retrieval.index.filters import Passing
from drawsim.retrieval.index.folder import build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.ivfpq import IvfPq, IvfPqIndex

pytest.importorskip("faiss", reason="needs faiss-cpu")
D = 16
MODEL = EmbeddingModel("lite", "hash", "transform", D)
WIDE = IvfPq(lists=10, probes=10, rescored=400)
"""Looks at everything, and scores all of it again: as exact search does."""


def unit_rows(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, D, generator=generator))


def items(vectors: Tensor, folder: Path) -> Items:
    ids = [f"a{row}" for row in range(len(vectors))]
    return Items(ids, vectors, pd.DataFrame(index=ids), Place(folder, "artwork", 1, MODEL))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[IvfPqIndex, Items]:
    own = items(unit_rows(400, 0).half(), tmp_path_factory.mktemp("index"))
    made = WIDE.build(own)
    made.save(own)
    return made, own


def test_what_is_opened_finds_what_was_built(built: tuple[IvfPqIndex, Items]) -> None:
    made, own = built
    opened = made.settings.load(own)
    assert (opened.count, opened.bytes) == (400, own.place.file("ivfpq").stat().st_size)
    for one, other in zip(
        opened.top_k(unit_rows(7, 1), 30), made.top_k(unit_rows(7, 1), 30), strict=True
    ):
        assert torch.equal(one, other)


def test_scored_again_it_is_exact_search(built: tuple[IvfPqIndex, Items]) -> None:
    made, own = built
    queries, mask = unit_rows(9, 2), np.arange(400) % 3 == 1
    for passing in (None, Passing(mask)):
        scores, rows = searcher(made.settings.load(own), own.vectors).top_k(queries, 20, passing)
        every = queries @ own.vectors.float().T
        if passing is not None:
            every[:, torch.from_numpy(~mask)] = -torch.inf
        torch.testing.assert_close(scores, every.sort(dim=1, descending=True).values[:, :20])
        torch.testing.assert_close(every.gather(1, rows), scores)


def test_an_index_grows_and_shrinks(tmp_path: Path) -> None:
    vectors = unit_rows(330, 3)

    def gallery(rows: range) -> Gallery:
        held = [f"a{row}" for row in rows]
        return Gallery(Embeddings(held, vectors[rows.start : rows.stop]), MODEL)

    index = build_index(tmp_path, {"artwork": gallery(range(300))}, ann=WIDE)
    index, _ = index.add("artwork", gallery(range(300, 330)))
    for count in (330, 329):
        part = open_index(tmp_path).part("artwork")
        assert part.measured is not None
        assert set(part.measured.recall.values()) == {1.0}
        assert part.load_ann().count == count
        index = index.remove("artwork", ["a5"]) if count == 330 else index


@pytest.mark.parametrize("count", [1, 3])
def test_a_gallery_of_few(tmp_path: Path, count: int) -> None:
    own = items(unit_rows(count, 0), tmp_path)
    made = IvfPq().build(own)
    made.save(own)
    found = searcher(made.settings.load(own), own.vectors)
    assert found.top_k(own.vectors[:1], 5)[1][0, 0] == 0


def damaged(name: str, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file with something wrong in them."""
    sizes = arrays["sizes"].copy()
    changes = {
        "of other dimensions": {"centres": arrays["centres"][:, :8].copy()},
        "of no numbers": {"codebook": arrays["codebook"].astype(np.float64)},
        "a list too long": {"sizes": sizes + 1},
        "a list of less than nothing": {"sizes": np.array([-5, sizes.sum() + 5, *[0] * 8])},
        "entries missing": {"entries": arrays["entries"][:-1].copy()},
        "rows that are not there": {"entries": np.full_like(arrays["entries"], 127)},
    }
    return {**arrays, **changes[name]}


@pytest.mark.parametrize(
    "what",
    [
        *("of other dimensions", "of no numbers", "a list too long", "entries missing"),
        *("a list of less than nothing", "rows that are not there", "cut off", "no such format"),
    ],
)
def test_what_is_damaged_is_one_line(
    built: tuple[IvfPqIndex, Items], tmp_path: Path, what: str
) -> None:
    made, whole = built
    own, good = items(whole.vectors, tmp_path), whole.place.file("ivfpq")
    file = own.place.file("ivfpq")
    if what == "cut off":
        file.write_bytes(good.read_bytes()[:-1])
    elif what == "no such format":
        file.write_bytes(b"IwPQ" + bytes(500))
    else:
        save_file(damaged(what, load_file(good)), file)
    with pytest.raises(UserError, match=r"damaged; build the index again\.$") as error:
        made.settings.load(own).top_k(unit_rows(2, 1), 5)
    assert "\n" not in str(error.value)


def test_a_code_divides_the_dimensions(tmp_path: Path) -> None:
    assert IvfPq().for_size(1_000_000, 1280) == IvfPq(2000, 125, 160, 1000)
    assert IvfPq().for_size(5, 7).code == 1
    with pytest.raises(UserError, match=r"ann\.code=5: must divide the 16 dimensions"):
        IvfPq(code=5).build(items(unit_rows(50, 0), tmp_path))
