"""Embeddings laid out in a plane, so that what is alike lies together: PCA, t-SNE or UMAP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from scipy.linalg import eigh

from drawsim.common.errors import UserError, nearest

Method = Literal["pca", "tsne", "umap"]

REDUCED = 50
"""Principal components that t-SNE and UMAP start from, as L. van der Maaten and G. Hinton did,
"Visualizing data using t-SNE", JMLR 9, 2008, section 4.2: less noise, and far less work."""

FEWEST = 10  # images from which a neighbourhood can be learnt
PERPLEXITY = 30.0
NEIGHBOURS = 15


def project(vectors: np.ndarray, method: Method = "pca", seed: int = 0) -> np.ndarray:
    """Lay (N, d) vectors out in a plane: (N, 2) float32, the same for the same seed.

    pca: the two directions of largest variance; axes in the unit of the vectors. tsne, umap: close
    ones stay close, while distances over the plane mean little; both start from 50 principal
    components, and from these the first two as the first layout. PCA needs no seed.

    Raises UserError for an unknown method, for fewer than 10 vectors with tsne and umap, and where
    umap-learn is missing for umap.
    """
    if method not in get_args(Method):
        raise UserError(f"method={method}: {nearest(method, get_args(Method))}")
    if method == "pca":
        return principal_components(vectors, 2)
    if len(vectors) < FEWEST:
        raise UserError(
            f"method={method}: needs at least {FEWEST} images, here are {len(vectors)}; "
            "use method=pca"
        )
    reduced = principal_components(vectors, REDUCED)
    return _tsne(reduced, seed) if method == "tsne" else _umap(reduced, seed)


def project_together(
    groups: Sequence[np.ndarray],
    method: Method = "pca",
    seed: int = 0,
    *,
    centre: bool = True,
) -> list[np.ndarray]:
    """Lay several groups of vectors out in one plane: an (N_i, 2) float32 for each (N_i, d).

    Networks tell drawings from artworks by how they are made before they see what they show: the
    two lie apart as two clouds. `centre` takes the mean of each group away, so that the clouds lie
    over one another and what they share can be seen. Raises UserError as `project` does.
    """
    vectors = [np.asarray(group, np.float32) for group in groups]
    if centre:
        vectors = [group - group.mean(axis=0) if len(group) else group for group in vectors]
    plane = project(np.concatenate(vectors), method, seed)
    return np.split(plane, np.cumsum([len(group) for group in vectors])[:-1])


def principal_components(vectors: np.ndarray, count: int) -> np.ndarray:
    """The scores of (N, d) vectors on their first principal components: (N, count) float32.

    From the eigenvectors of X'X or XX', whichever is smaller, of the centred X: they are the right
    and left singular vectors of X (I. Jolliffe, "Principal component analysis", 2002, section 3.5).
    The sign of a component is chosen so that its score of largest magnitude is positive.
    Components beyond the rank of X are zero.
    """
    centred = np.asarray(vectors, np.float64)
    centred = centred - centred.mean(axis=0) if len(centred) else centred
    scores = np.zeros((len(centred), count))
    found = min(count, *centred.shape)
    if found:
        tall = centred.shape[0] >= centred.shape[1]
        gram = centred.T @ centred if tall else centred @ centred.T
        largest = (len(gram) - found, len(gram) - 1)
        variances, basis = eigh(gram, subset_by_index=largest)
        own = centred @ basis if tall else basis * np.sqrt(np.maximum(variances, 0))
        scores[:, :found] = own[:, ::-1]  # eigenvalues come in ascending order
    furthest = np.abs(scores).argmax(axis=0) if len(scores) else np.zeros(count, np.int64)
    signs = np.sign(scores[furthest, range(count)]) if len(scores) else np.ones(count)
    return np.asarray(scores * np.where(signs < 0, -1, 1), np.float32)


def _tsne(reduced: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE  # slow to import

    # Starting from the principal components keeps the large shape of the data: D. Kobak and
    # P. Berens, "The art of using t-SNE for single-cell transcriptomics", 2019.
    start = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-12) * 1e-4
    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    learner = TSNE(2, perplexity=perplexity, init=start, random_state=seed)
    return np.asarray(learner.fit_transform(reduced), np.float32)


def _umap(reduced: np.ndarray, seed: int) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError as error:
        raise UserError(
            "method=umap: needs umap-learn, which is not installed: pip install umap-learn; "
            "or use method=pca"
        ) from error
    neighbours = min(NEIGHBOURS, len(reduced) - 1)
    start = reduced[:, :2] / max(float(np.abs(reduced[:, :2]).max()), 1e-12) * 10
    learner = UMAP(neighbours, init=start, random_state=seed, n_jobs=1)
    return np.asarray(learner.fit_transform(reduced), np.float32)
