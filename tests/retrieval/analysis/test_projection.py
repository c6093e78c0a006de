"""Projections: PCA against a singular value decomposition, and what all methods promise."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from drawsim.common.errors import UserError
from drawsim.retrieval.analysis.projection import (
    FEWEST,
    Method,
    principal_components,
    project,
    project_together,
)


def sample(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Vectors with a different variance in each direction, so that components are unique."""
    rng = np.random.default_rng(seed)
    spread = 0.7 ** np.arange(columns)
    turned = np.linalg.qr(rng.normal(size=(columns, columns)))[0]
    return (rng.normal(size=(rows, columns)) * spread) @ turned + 3


@given(st.integers(3, 40), st.integers(2, 40), st.integers(0, 99))
def test_pca_is_the_singular_value_decomposition(rows: int, columns: int, seed: int) -> None:
    x = sample(rows, columns, seed)
    left, values, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    ours = principal_components(x, 2)
    assert ours.dtype == np.float32
    # Signs are free; what two equal values mean is not: products of scores are unique.
    if values[1] > 1.001 * (values[2] if len(values) > 2 else 0) and values[0] > 1.001 * values[1]:
        np.testing.assert_allclose(np.abs(ours), np.abs(left[:, :2] * values[:2]), atol=1e-4)
    furthest = ours[np.abs(ours).argmax(axis=0), [0, 1]]
    assert (furthest >= 0).all()


def test_pca_agrees_with_scikit_learn() -> None:
    x = sample(60, 12)
    theirs = PCA(5, svd_solver="full").fit_transform(x)
    np.testing.assert_allclose(np.abs(principal_components(x, 5)), np.abs(theirs), atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(0, 4), (1, 4), (2, 1), (5, 1), (4, 9)])
def test_few_vectors_have_a_place(rows: int, columns: int) -> None:
    plane = project(sample(max(rows, 1), columns)[:rows])
    assert plane.shape == (rows, 2)
    assert np.isfinite(plane).all()
    if columns == 1 or rows < 2:
        assert (plane[:, 1] == 0).all()  # no second direction
    if rows > 1:
        assert plane[:, 0].std() > 0


def test_centring_lays_the_clouds_over_one_another() -> None:
    drawings, artworks = sample(30, 8, 1), sample(50, 8, 2) + 20
    apart = project_together([drawings, artworks], centre=False)
    assert np.linalg.norm(apart[0].mean(axis=0) - apart[1].mean(axis=0)) > 10
    over = project_together([drawings, artworks])
    assert [len(group) for group in over] == [30, 50]
    for group in over:
        np.testing.assert_allclose(group.mean(axis=0), 0, atol=1e-5)
    [only, nothing] = project_together([drawings, np.empty((0, 8))])
    np.testing.assert_allclose(only, project(drawings - drawings.mean(axis=0)), atol=1e-5)
    assert nothing.shape == (0, 2)


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_neighbours_stay_together(method: Method) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 20)) * 10
    x = np.concatenate([centre + rng.normal(size=(9, 20)) for centre in centres])
    plane = project(x, method, seed=4)
    assert plane.dtype == np.float32
    np.testing.assert_array_equal(plane, project(x, method, seed=4))
    means = plane.reshape(3, 9, 2).mean(axis=1)
    nearest = np.linalg.norm(plane[:, None] - means, axis=2).argmin(axis=1)
    assert (nearest == np.repeat([0, 1, 2], 9)).all()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(UserError, match="pip install umap-learn"):
        project(sample(FEWEST, 4), "umap")


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(UserError, match=f"at least {FEWEST} images, here are 9"):
        project(sample(9, 4), "tsne")
    with pytest.raises(UserError, match="did you mean tsne"):
        project(sample(9, 4), "t-sne")  # type: ignore[arg-type]
