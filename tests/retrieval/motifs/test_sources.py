from __future__ import annotations

import pandas as pd
import pytest
import torch

from drawsim.retrieval.analysis.calibration import Calibration
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.motifs.files import Motif, Motifs
from drawsim.retrieval.motifs.sources import Sources, find_sources

NO_PAIRS = pd.DataFrame(columns=["drawing_id", "artwork_id"])


def unit(rows: list[list[float]]) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=1)


# a, b and c point to x, less and less; d is alone.
DRAWINGS = Embeddings(list("abcd"), unit([[9, 1, 0], [8, 2, 0], [4, 5, 0], [0, 0, 1]]))
ARTWORKS = Embeddings(list("xyz"), unit([[1, 0, 0], [0, 1, 0], [0, 0, 1]]))
FOUND = Motifs((Motif("1", ("a", "b", "c"), "a", 0.9),), 4, 0, "k", "m", "0" * 64)


def sources(**given: object) -> Sources:
    return find_sources(FOUND, DRAWINGS, ARTWORKS, NO_PAIRS, **given)  # type: ignore[arg-type]


def always(chance: float) -> Calibration:
    """A calibration by which everything has one probability."""
    logit = float(torch.logit(torch.tensor(chance)))
    return Calibration(0.0, 1.0, ((0.0, logit),), 5, 5, 3, None, {})


def test_nearest_by_the_mean_cosine_and_how_many_find_it_first() -> None:
    near = sources().by_motif["1"]
    assert [each.artwork for each in near] == ["x", "y", "z"]
    assert [each.firsts for each in near] == [2, 1, 0]
    cosines = (DRAWINGS.vectors[:3] @ ARTWORKS.vectors.T).mean(dim=0).tolist()
    assert [each.similarity for each in near] == pytest.approx(cosines)
    assert all(each.confirmed == 0 and each.chance is None for each in near)


def test_confirmed_pairs_come_first_and_are_the_known_source() -> None:
    rows = [("a", "z"), ("b", "z"), ("d", "y"), ("c", "not in the gallery")]
    pairs = pd.DataFrame(rows, columns=["drawing_id", "artwork_id"])
    found = find_sources(FOUND, DRAWINGS, ARTWORKS, pairs)
    assert [each.artwork for each in found.by_motif["1"]] == ["z", "x", "y"]
    known = found.known("1")
    assert known is not None
    assert (known.artwork, known.confirmed, found.paired["1"]) == ("z", 2, 3)


@pytest.mark.parametrize("rows", [[("a", "z")], [("a", "z"), ("b", "x"), ("c", "y")]])
def test_single_pairs_make_no_source(rows: list[tuple[str, str]]) -> None:
    pairs = pd.DataFrame(rows, columns=["drawing_id", "artwork_id"])
    few = find_sources(FOUND, DRAWINGS, ARTWORKS, pairs)
    assert few.by_motif["1"][0].confirmed
    assert few.known("1") is None


@pytest.mark.parametrize(("chance", "likely"), [(0.9, "x"), (0.2, None)])
def test_a_source_is_likely_from_one_half_on(chance: float, likely: str | None) -> None:
    found = sources(calibration=always(chance))
    near = found.by_motif["1"][0]
    assert near.chance is not None
    assert near.chance.probability == pytest.approx(chance)
    assert [each.chance is None for each in found.by_motif["1"]] == [False, True, True]
    named = found.likely("1")
    assert (named.artwork if named else None) == likely
    assert found.known("1") is None


def test_a_gallery_of_one_artwork_has_no_second_to_be_ahead_of() -> None:
    one = ARTWORKS.of(["y"])
    found = find_sources(FOUND, DRAWINGS, one, NO_PAIRS, calibration=always(0.9))
    (near,) = found.by_motif["1"]
    assert (near.artwork, near.firsts, near.chance) == ("y", 3, None)
    assert found.gallery == 1
