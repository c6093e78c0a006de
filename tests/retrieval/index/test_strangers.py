"""What a score says among strangers, against a sort of all scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import normalize

from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.folder import Index, build_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.strangers import FEWEST, Strangers, strangers_of

DRAWINGS, ARTWORKS = 40, 60
MODEL = EmbeddingModel("lite", "w", "t", 8)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Drawing d<i> lies at its artwork a<i>, which pairs.csv confirms for even numbers."""
    generator = torch.Generator().manual_seed(0)
    artworks = normalize(torch.randn(ARTWORKS, 8, generator=generator))
    near = artworks[:DRAWINGS] + 0.1 * torch.randn(DRAWINGS, 8, generator=generator)
    rows = [f"d{i},a{i},{'true' if i % 2 == 0 else 'false'}\n" for i in range(DRAWINGS)]
    (tmp_path / "pairs.csv").write_text("drawing_id,artwork_id,pair\n" + "".join(rows))
    years = pd.DataFrame({"year": range(ARTWORKS)}, index=[f"a{i}" for i in range(ARTWORKS)])
    galleries = {
        "drawing": Gallery(Embeddings([f"d{i}" for i in range(DRAWINGS)], normalize(near)), MODEL),
        "artwork": Gallery(
            Embeddings(list(years.index), artworks), MODEL, years.rename_axis("id").astype(str)
        ),
    }
    return build_index(tmp_path / "INDEX", galleries, tmp_path)


def cosines(index: Index, asked: str, searched: str) -> np.ndarray:
    return (index.part(asked).matrix @ index.part(searched).matrix.T).numpy()


def test_known_pairs_are_no_strangers(index: Index) -> None:
    found = strangers_of(index, "drawing", "artwork")
    assert found is not None
    scores = cosines(index, "drawing", "artwork")
    scores[range(0, DRAWINGS, 2), range(0, DRAWINGS, 2)] = -2
    np.testing.assert_allclose(found.best, np.sort(scores.max(axis=1)), atol=1e-6)
    assert "of 40 drawings of this index, such a share has no artwork as near" in found.says


def test_the_query_and_what_a_filter_leaves_out_do_not_count(index: Index) -> None:
    found = strangers_of(index, "drawing", "artwork", "year>=50", without=["d3", "d4"])
    assert found is not None
    scores = np.delete(cosines(index, "drawing", "artwork"), [3, 4], axis=0)[:, 50:]
    np.testing.assert_allclose(found.best, np.sort(scores.max(axis=1)), atol=1e-6)


def test_within_a_kind_an_image_is_no_stranger_to_itself(index: Index) -> None:
    found = strangers_of(index, "artwork", "artwork")
    assert found is not None
    scores = cosines(index, "artwork", "artwork")
    np.fill_diagonal(scores, -2)
    np.testing.assert_allclose(found.best, np.sort(scores.max(axis=1)), atol=1e-6)


def test_where_there_are_few_nothing_is_said(index: Index) -> None:
    gone = [f"d{i}" for i in range(DRAWINGS - FEWEST + 1)]
    assert strangers_of(index, "drawing", "artwork", without=gone) is None
    assert strangers_of(index.remove("drawing", gone), "drawing", "artwork") is None


def test_shares_by_hand() -> None:
    some = Strangers(np.array([0.1, 0.2, 0.2, 0.4]), "drawing", "artwork")
    shares = some.below(np.array([0.05, 0.2, 0.3, 0.5]))
    assert shares.tolist() == [0, 0.25, 0.75, 1]
