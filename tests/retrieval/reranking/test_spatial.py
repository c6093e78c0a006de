"""Spatial verification: planted layouts are found again, and nothing is found in noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import Backbone
from drawsim.retrieval.reranking import spatial
from drawsim.retrieval.reranking.base import Lists
from drawsim.retrieval.reranking.local import LocalFeatures, both_ways, local_features
from drawsim.retrieval.reranking.spatial import (
    TOLERANCE,
    Spatial,
    expected_by_chance,
    place,
    spatial_scores,
)
from tests.learning.tiny import tiny_backbone
from tests.retrieval.reranking.plain_spatial import plain_place

SIDE = 14
DEPTH = 64


def noise(pictures: int, seed: int) -> Tensor:
    """Maps of random unit cells, (pictures, SIDE, SIDE, DEPTH)."""
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(
        torch.randn(pictures, SIDE, SIDE, DEPTH, generator=generator), dim=3
    )


def features(maps: Tensor) -> LocalFeatures:
    return LocalFeatures(maps.flatten(1, 2), *maps.shape[1:3])


def query_of(drawing: Tensor) -> LocalFeatures:
    """A drawing's map (SIDE, SIDE, DEPTH) and its mirror image's."""
    return features(torch.stack([drawing, drawing.flip(1)]))


def planted(drawing: Tensor, scale: float, x: float, y: float, mirrored: bool, seed: int) -> Tensor:
    """An artwork's map: noise, with the drawing's cells where p -> scale p + (x, y) takes them."""
    artwork = noise(1, seed)[0]
    shown = drawing.flip(1) if mirrored else drawing
    for row in range(SIDE):
        for column in range(SIDE):
            # The cell of the drawing that lies over the middle of this one.
            u = ((column + 0.5) / SIDE - x) / scale
            v = ((row + 0.5) / SIDE - y) / scale
            if 0 <= u < 1 and 0 <= v < 1:
                artwork[row, column] = shown[int(v * SIDE), int(u * SIDE)]
    return artwork


@settings(max_examples=30, derandomize=True)
@given(
    scale=st.floats(0.7, 1.4),  # much smaller, and whole rows of cells are skipped
    x=st.floats(-0.2, 0.35),
    y=st.floats(-0.2, 0.35),
    mirrored=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_planted_drawing_is_found(
    scale: float, x: float, y: float, mirrored: bool, seed: int
) -> None:
    drawing = noise(1, seed)[0]
    artwork = planted(drawing, scale, x, y, mirrored, seed + 1)
    found = place(query_of(drawing), features(artwork[None]))[0]
    assert found is not None
    assert found.mirrored == mirrored
    two_cells = 2 / SIDE  # it rests on two matches, and each lies half a cell off in both maps
    assert found.scale == pytest.approx(scale, abs=two_cells)
    assert found.shift == pytest.approx((x, y), abs=two_cells)
    assert 0 < found.score <= 1
    assert found.chance < 1e-3
    # What agrees lies where the placement takes it.
    away = (found.apply(found.drawing) - found.artwork).norm(dim=1)
    assert float(away.max()) < TOLERANCE
    assert len(found.drawing) == len(found.artwork) == len(found.similarity) <= found.matches


def test_a_picture_lies_whole_in_itself() -> None:
    drawing = noise(1, 0)[0]
    found = place(query_of(drawing), features(drawing[None]))[0]
    assert found is not None
    assert (found.mirrored, len(found.drawing), found.matches) == (False, SIDE**2, SIDE**2)
    assert found.scale == pytest.approx(1, abs=1e-5)
    assert found.score == pytest.approx(1, abs=1e-5)
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    torch.testing.assert_close(found.frame(), corners, atol=1e-5, rtol=0)


def test_in_its_mirror_image_left_is_right() -> None:
    drawing = noise(1, 0)[0]
    found = place(query_of(drawing), features(drawing.flip(1)[None]))[0]
    assert found is not None
    assert found.mirrored
    corners = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    torch.testing.assert_close(found.frame(), corners, atol=1e-5, rtol=0)
    mirrored = torch.stack([1 - found.drawing[:, 0], found.drawing[:, 1]], dim=1)
    torch.testing.assert_close(found.artwork, mirrored)


def test_shuffled_cells_have_no_layout() -> None:
    """Every cell has its perfect match, but nowhere near where its neighbours have theirs."""
    drawing = noise(1, 0)[0]
    generator = torch.Generator().manual_seed(1)
    cells = drawing.flatten(0, 1)
    shuffled = torch.stack([cells[torch.randperm(SIDE**2, generator=generator)] for _ in range(30)])
    found = place(query_of(drawing), LocalFeatures(shuffled, SIDE, SIDE))
    assert sum(placement is not None for placement in found) <= 3


def test_blank_pictures_have_no_layout() -> None:
    blank = torch.zeros(1, SIDE, SIDE, DEPTH)
    assert place(query_of(blank[0]), features(blank)) == [None]
    assert place(query_of(noise(1, 0)[0]), features(noise(1, 1)[:0])) == []


def test_the_other_artworks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone, together, and in blocks of bounded size: the same."""
    drawing = noise(1, 0)[0]
    artworks = torch.stack([planted(drawing, 0.8, 0.1, 0.1, i % 2 == 1, i) for i in range(7)])
    together = place(query_of(drawing), features(artworks))
    sizes = []
    agreement = spatial._agreement

    def watched(*given: Any) -> tuple[Tensor, Tensor]:
        total, agrees = agreement(*given)
        sizes.append(agrees.numel())
        return total, agrees

    monkeypatch.setattr(spatial, "_agreement", watched)
    monkeypatch.setattr(spatial, "BLOCK", 1 << 20)
    for i, found in enumerate(place(query_of(drawing), features(artworks))):
        other = together[i]
        assert found is not None
        assert other is not None
        assert found.score == pytest.approx(other.score, rel=1e-5)
        torch.testing.assert_close(found.frame(), other.frame(), atol=1e-4, rtol=0)
    assert max(sizes) <= 1 << 20


def test_maps_may_differ_in_shape() -> None:
    drawing = noise(1, 0)[0]
    left_half = drawing[:, : SIDE // 2]
    found = place(query_of(left_half), features(drawing[None]))[0]
    assert found is not None
    # One scale cannot halve a width and keep a height, but a part of the layout still agrees.
    assert found.matches == SIDE * SIDE // 2
    assert found.score > 0.1


@settings(max_examples=8, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    scale=st.floats(0.4, 2.5),
    shared=st.floats(0, 0.9),
    flat=st.integers(0, 60),
)
def test_all_is_as_in_plain_steps(seed: int, scale: float, shared: float, flat: int) -> None:
    """Artworks with more and less of the drawing; flat: cells that are all alike, as of paper."""
    drawing = noise(1, seed)[0]
    drawing.flatten(0, 1)[:flat] = drawing[0, 0]
    artworks = torch.stack(
        [
            functional.normalize(
                shared * planted(drawing, scale, 0.1, -0.1, i % 2 == 1, seed + i)
                + (1 - shared) * noise(1, seed - i)[0],
                dim=2,
            )
            for i in range(2)
        ]
    )
    both, gallery = query_of(drawing), features(torch.cat([artworks, torch.zeros_like(artworks)]))
    plain, fast = plain_place(both, gallery), place(both, gallery)
    scores = spatial_scores(both, gallery)
    for expected, found, score in zip(plain, fast, scores.tolist(), strict=True):
        assert (expected is None) == (found is None)
        if expected is None or found is None:
            assert score == 0
            continue
        assert score == pytest.approx(expected.score, abs=1e-6)
        assert found.score == pytest.approx(expected.score, abs=1e-6)
        assert (found.mirrored, found.matches) == (expected.mirrored, expected.matches)
        assert found.chance == pytest.approx(expected.chance)
        torch.testing.assert_close(found.frame(), expected.frame(), atol=1e-4, rtol=0)
        torch.testing.assert_close(found.drawing, expected.drawing)
        torch.testing.assert_close(found.artwork, expected.artwork)


@dataclass
class Shown:
    """Pictures of a few queries and artworks; the last artwork cannot be read."""

    drawings: LocalFeatures
    artworks: LocalFeatures
    prepared: list[int] = field(default_factory=list)

    def prepare(self, rows: Sequence[int]) -> None:
        self.prepared += rows

    def queries(self, numbers: Sequence[int]) -> LocalFeatures:
        return self.drawings[[way for number in numbers for way in (2 * number, 2 * number + 1)]]

    def gallery(self, rows: Sequence[int]) -> tuple[list[int], LocalFeatures]:
        known = [place for place, row in enumerate(rows) if row < len(self.artworks.vectors)]
        return known, self.artworks[[rows[place] for place in known]]


def test_scores_add_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spatial, "QUERIES", 2)
    drawings = noise(3, 0)
    shown = Shown(
        LocalFeatures(torch.cat([query_of(each).vectors for each in drawings]), SIDE, SIDE),
        features(drawings),
    )
    rows = torch.tensor([[0, 3, 1], [1, 0, 3], [3, 1, 2]])
    scores = torch.tensor([[0.4, 0.3, 0.2]] * 3)
    lists = Lists(torch.empty(3, 2), torch.empty(4, 2), rows, scores)
    expected = scores + 0.5 * (rows == torch.arange(3)[:, None])
    found = Spatial(3, weight=0.5).scores(lists, shown)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert sorted(shown.prepared) == [0, 1, 2, 3]


@given(agreeing=st.integers(3, 40), more=st.integers(0, 100))
def test_chance_is_the_binomial_tail(agreeing: int, more: int) -> None:
    matches, p = agreeing + more, math.pi * TOLERANCE**2
    n, k = matches - 2, agreeing - 2
    tail = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
    [found] = expected_by_chance([agreeing], [matches])
    assert found == pytest.approx(2 * spatial.HYPOTHESES * tail, rel=1e-9)


def test_two_matches_say_nothing() -> None:
    assert expected_by_chance([2, 0], [2, 0]).tolist() == [math.inf, math.inf]


# Features


def plain(model: str) -> Backbone:
    torch.manual_seed(0)
    network = timm.create_model(model, num_classes=0)
    return Backbone(model, network, [127.0] * 3, [128.0] * 3, freeze_norm=True).eval()


def pictures(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, 64, 64), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize(
    ("model", "stride", "side", "depth"),
    [
        ("tf_efficientnet_lite0", 16, 4, 112),
        ("tf_efficientnet_lite0", 32, 2, 320),
        ("resnet18", 16, 4, 256),
    ],
)
def test_cells_are_those_of_the_asked_for_map(
    model: str, stride: int, side: int, depth: int
) -> None:
    backbone = plain(model)
    images = pictures(2)
    cells = local_features(backbone, images, stride)
    assert (cells.height, cells.width) == (side, side)
    assert cells.vectors.shape == (2, side**2, depth)
    lengths = cells.vectors.norm(dim=2)
    torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=1e-5, rtol=0)
    with torch.inference_mode():
        network: Any = backbone.network
        maps = network.forward_intermediates((images.float() - 127) / 128, intermediates_only=True)
    own = next(each for each in maps if each.shape[1] == depth and each.shape[2] == side)
    # Row 1, column 0 comes after the whole of row 0.
    expected = functional.normalize(own[1, :, 1, 0], dim=0)
    torch.testing.assert_close(cells.vectors[1, side], expected, atol=1e-4, rtol=1e-4)


def test_positions_are_the_middles_of_the_cells() -> None:
    cells = LocalFeatures(torch.zeros(1, 2, 3), height=1, width=2)
    assert cells.positions.tolist() == [[0.25, 0.5], [0.75, 0.5]]


def test_both_ways_mirrors_left_and_right() -> None:
    image = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    upright, mirrored = both_ways(image)
    assert upright.equal(image)
    assert mirrored[0].tolist() == [[1, 0], [3, 2]]


def test_a_network_without_maps_is_refused() -> None:
    with pytest.raises(UserError, match="tiny gives no feature maps"):
        local_features(tiny_backbone(name="tiny"), pictures(1))
    with pytest.raises(UserError, match="no map as fine as 1 px"):
        local_features(plain("resnet18"), pictures(1), stride=1)
