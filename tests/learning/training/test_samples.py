"""What an epoch is made of: passes, style copies, simulated views, and negatives that are none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from drawsim.learning.miners.base import NOTHING, listed
from drawsim.learning.training.samples import (
    EpochChoice,
    TripletDataset,
    TripletSpec,
    nothing_chosen,
    without_views,
)
from drawsim.pixels.dataset import to_tensor
from drawsim.pixels.decode import read_image
from drawsim.pixels.reading import Reading
from drawsim.pixels.thesis_transforms import augmentation
from drawsim.retrieval.ranking import Relevance
from tests.learning.tiny import (
    BASIC,
    SIZE,
    as_process,
    batches,
    choice_of,
    some_choice,
    tinted,
    tiny_data,
    tiny_task,
    write_images,
)

SEED = 5
STYLES = ("oil", "pencil_gray")
READING = Reading(SIZE)


def specs(made: Any) -> list[TripletSpec]:
    return [spec for batch in made for spec in batch]


def grid(pairs: int) -> Tensor:
    return torch.stack([torch.arange(pairs), torch.arange(pairs) + 100], dim=1)


@settings(max_examples=60)
@given(
    pairs=st.integers(0, 9),
    passes=st.integers(0, 3),
    copies=st.sampled_from([(), STYLES[:1], STYLES]),
    views=st.integers(0, 7),
    n=st.integers(1, 3),
    grouped=st.booleans(),
    world=st.integers(1, 2),
)
def test_each_pair_for_itself_and_each_effect_in_each_pass_and_each_view_once(
    pairs: int,
    passes: int,
    copies: tuple[str, ...],
    views: int,
    n: int,
    grouped: bool,
    world: int,
) -> None:
    whole = pairs * passes * (1 + len(copies)) + views
    assume(whole >= world)
    choice = EpochChoice(
        negatives=1000 + torch.arange(pairs * n).view(pairs, n),
        own=torch.arange(pairs * 2).view(pairs, 2),
        views=300 + torch.arange(views),
        view_negatives=2000 + torch.arange(views * n).view(views, n),
        view_own=300 + torch.arange(views)[:, None],
    )
    how: dict[str, Any] = {
        "passes": passes,
        "copies": copies,
        "grouped": grouped,
        "batch_size": 5,
    }
    found = [
        spec
        for rank in range(world)
        for spec in specs(batches(grid(pairs), choice, rank=rank, world=world, **how))
    ]

    expected: Counter[Any] = Counter()
    for number in range(pairs):
        row = choice.negatives[number].tolist()
        for negatives in [row] if grouped else [[one] for one in row]:
            for copy in (None, *copies):
                sample = (number, number, number + 100, tuple(negatives), copy)
                expected[sample] += passes
    for number in range(views):
        row = choice.view_negatives[number].tolist()
        for negatives in [row] if grouped else [[one] for one in row]:
            expected[pairs + number, NOTHING, 300 + number, tuple(negatives), None] += 1
    assert +expected == Counter((s.pair, s.drawing, s.positive, s.negatives, s.copy) for s in found)
    for spec in found:
        if spec.drawing == NOTHING:  # as long as those of drawings, so that they make one tensor
            assert spec.own == (spec.positive, NOTHING)
        else:
            assert spec.own == tuple(choice.own[spec.drawing].tolist())


def test_an_epoch_mixes_pairs_and_views_and_every_epoch_otherwise() -> None:
    choice = EpochChoice(
        negatives=torch.zeros(20, 1, dtype=torch.int64),
        own=torch.zeros(20, 1, dtype=torch.int64),
        views=torch.arange(20),
        view_negatives=torch.zeros(20, 1, dtype=torch.int64),
        view_own=torch.arange(20)[:, None],
    )

    def order(**changes: int) -> list[int]:
        return [s.pair for s in specs(batches(grid(20), choice, batch_size=4, **changes))]

    assert order() == order()
    assert len({tuple(order(epoch=epoch)) for epoch in range(3)}) == 3
    assert {pair < 20 for pair in order()[:10]} == {True, False}


@given(pairs=st.integers(1, 40), views=st.integers(1, 40), size=st.integers(1, 12))
def test_views_can_be_spread_evenly(pairs: int, views: int, size: int) -> None:
    choice = choice_of(torch.zeros(pairs, 1, dtype=torch.int64))
    choice = choice._replace(
        views=torch.arange(views),
        view_negatives=torch.zeros(views, 1, dtype=torch.int64),
        view_own=torch.arange(views)[:, None],
    )
    every = batches(grid(pairs), choice, batch_size=size, evenly=True)
    found = list(every)
    assert Counter(s.pair for batch in found for s in batch) == Counter(range(pairs + views))
    for batch in found:
        there = sum(spec.drawing == NOTHING for spec in batch)
        assert abs(there - len(batch) * views / (pairs + views)) <= 1
    assert [[s.pair for s in batch] for batch in every] == [[s.pair for s in b] for b in found]


def test_the_first_epochs_are_of_views_alone_and_the_others_have_their_share(
    tmp_path: Path,
) -> None:
    data = tiny_data(tmp_path, views=7, share=0.4, first=2, passes=1, batch_size=3)
    pairs = len(data.task.train_pairs)
    for number, expected in ((0, (0, 7)), (1, (0, 7)), (2, (pairs, 6)), (5, (pairs, 6))):
        as_process(data, 0, 1, epoch=number)
        data.choice = some_choice(views=data.choose_views(number).tolist())
        found = specs(data.train_dataloader().batch_sampler)
        views = sum(spec.drawing == NOTHING for spec in found)
        assert (
            (len(found) - views, views)
            == expected
            == (
                data.pairs_in(number),
                data.views_in(number),
            )
        )
    assert tiny_data(tmp_path, views=5, share=0.0, first=1).views_in(1) == 0
    assert tiny_data(tmp_path, views=5, share=0.99, first=1).views_in(1) == 16  # the whole gallery


@pytest.mark.parametrize("shape", ["first", "middle", "all"])
def test_plain_batches_leave_out_what_is_nothing_and_grouped_ones_keep_its_place(
    shape: str,
) -> None:
    negatives = 1000 + torch.arange(12).view(4, 3)
    gone = {"first": [0], "middle": [1, 2], "all": [0, 1, 2]}[shape]
    negatives[2, gone] = NOTHING
    plain = specs(batches(grid(4), choice_of(negatives), batch_size=5, grouped=False))
    made = Counter((spec.drawing, *spec.negatives) for spec in plain)
    there = [(d, n) for d in range(4) for n in negatives[d].tolist() if n != NOTHING]
    assert made == Counter(there)
    grouped = specs(batches(grid(4), choice_of(negatives), batch_size=5))
    assert {s.drawing: list(s.negatives) for s in grouped}[2] == negatives[2].tolist()


def test_a_negative_that_is_nothing_is_a_black_image(tmp_path: Path) -> None:
    dataset = tiny_data(tmp_path).triplets
    spec = TripletSpec(0, 2, 5, 7, (3, NOTHING, NOTHING), (7,), 1.0)
    sample = dataset[spec]
    assert not sample.images[3:].any()
    assert sample.artworks.tolist() == [7, 3, NOTHING, NOTHING]
    assert torch.equal(sample.images[:3], dataset[spec._replace(negatives=(3,))].images)


def test_a_copy_is_the_drawing_seen_through_its_effect(tmp_path: Path) -> None:
    drawings, artworks = write_images(tmp_path)
    transform = augmentation(exact=True, **BASIC | {"styles": STYLES})
    dataset = TripletDataset(drawings, artworks, transform, None, SEED, READING)
    spec = TripletSpec(1, 2, 5, 7, (3,), (7,), 1.0)
    plain, *copies = (dataset[spec._replace(copy=copy)].images for copy in (None, *STYLES))
    seed = int(np.random.SeedSequence([SEED, 1, 0, 2, 5]).generate_state(1)[0])
    for copy, images in zip(STYLES, copies, strict=True):
        expected = to_tensor(transform(read_image(drawings[5]), "drawing", seed, copy))
        assert torch.equal(images[0], expected)
        assert not torch.equal(images[0], plain[0])
        assert torch.equal(images[1:], plain[1:])  # artworks have no copies


def test_copies_of_the_transform_become_samples(tmp_path: Path) -> None:
    transform = augmentation(exact=True, **BASIC | {"styles": STYLES})
    data = tiny_data(tmp_path, augmentation=transform, passes=2)
    as_process(data, 0, 1)
    data.choice = some_choice()
    sampler: Any = data.train_dataloader().batch_sampler
    counts = Counter((spec.drawing, spec.positive, spec.copy) for spec in specs(sampler))
    pairs = [tuple(pair) for pair in tiny_task().train_pairs.tolist()]
    assert counts == {(*pair, copy): 2 for pair in pairs for copy in (None, *STYLES)}


def test_the_anchor_of_a_view_is_made_from_the_file_of_its_positive(tmp_path: Path) -> None:
    drawings, artworks = write_images(tmp_path)
    given: list[tuple[np.ndarray, int]] = []

    def view(image: np.ndarray, seed: int) -> np.ndarray:
        given.append((image, seed))
        return tinted(image, seed)

    transform = augmentation(exact=False, **BASIC)
    dataset = TripletDataset(drawings, artworks, transform, view, SEED, READING)
    spec = TripletSpec(0, 9, NOTHING, 4, (1, 2), (4,), 1.0)
    images = dataset[spec].images
    [(image, seed)] = given
    assert np.array_equal(image, read_image(artworks[4]))
    assert torch.equal(images[0], to_tensor(tinted(image, seed)))
    # the rest is what it would be beside a drawing
    assert torch.equal(images[1:], dataset[spec._replace(drawing=0)].images[1:])

    given.clear()
    for other in (spec, spec._replace(negatives=(2,)), spec._replace(own=(4, 8), weight=0.5)):
        assert torch.equal(dataset[other].images[0], images[0])
    assert {seed for _, seed in given} == {seed}
    given.clear()
    for other in (spec._replace(epoch=1), spec._replace(pair=8), spec._replace(positive=5)):
        dataset[other]
    assert len({seed, *(one for _, one in given)}) == 4


def test_views_are_drawn_anew_every_epoch_from_seed_and_epoch(tmp_path: Path) -> None:
    data = tiny_data(tmp_path, views=6)
    drawn = [data.choose_views(epoch) for epoch in range(20)]
    assert all(len(set(views.tolist())) == 6 for views in drawn)
    assert len({tuple(views.tolist()) for views in drawn}) == 20
    assert {row for views in drawn for row in views.tolist()} == set(range(16))
    again = tiny_data(tmp_path, views=6, batch_size=9)
    assert all(torch.equal(again.choose_views(n), views) for n, views in enumerate(drawn))
    again.seed = SEED + 1
    assert not torch.equal(again.choose_views(0), drawn[0])
    whole = tiny_data(tmp_path, views=99)
    assert whole.choose_views(0).sort().values.tolist() == list(range(16))


def test_pairs_of_val_come_once_without_views(tmp_path: Path) -> None:
    data = tiny_data(tmp_path, views=4, passes=3, augmented_val=True)
    as_process(data, 0, 1, epoch=2)
    data.choice = some_choice(views=[0, 3, 9, 12])
    _, loader = data.val_dataloader()
    found = specs(loader.batch_sampler)
    assert Counter((s.drawing, s.positive) for s in found) == {(7, 7): 1, (8, 8): 1, (8, 13): 1}
    assert {s.epoch for s in found} == {2}
    for spec in found:
        assert list(spec.negatives) == data.choice.negatives[spec.drawing].tolist()


def test_without_views_keeps_all_of_the_pairs() -> None:
    choice = some_choice(views=[0, 3])
    alone = without_views(choice)
    assert torch.equal(alone.negatives, choice.negatives)
    assert torch.equal(alone.own, choice.own)
    assert alone.views.shape == (0,)
    assert alone.view_negatives.shape == (0, 3)
    assert len(specs(batches(tiny_task().train_pairs, alone, batch_size=4))) == 9


def test_before_anything_is_mined_there_is_nothing_to_read(tmp_path: Path) -> None:
    choice = nothing_chosen(12)
    assert choice.negatives.shape == choice.own.shape == (12, 0)
    made = specs(batches(tiny_task().train_pairs, choice, batch_size=4))
    assert {spec.negatives for spec in made} == {()}


@given(
    among=st.integers(1, 6),
    drawn=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)), max_size=15, unique=True),
)
def test_a_table_of_pairs_is_a_plain_loop(among: int, drawn: list[tuple[int, int]]) -> None:
    pairs = [(row, artwork) for row, artwork in drawn if row < among]
    columns = torch.tensor(pairs, dtype=torch.int64).view(-1, 2)
    table = listed(Relevance(columns[:, 0], columns[:, 1]), among)
    rows: list[list[int]] = [[] for _ in range(among)]
    for row, artwork in pairs:
        rows[row].append(artwork)
    widest = max(map(len, rows))
    assert table.dtype == torch.int64
    assert table.shape == (among, widest)
    assert table.tolist() == [row + [NOTHING] * (widest - len(row)) for row in rows]
