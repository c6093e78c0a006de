"""Batches: each sample once, shares of equal length, the same pixels wherever they are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.training.samples import Triplets, TripletSpec
from drawsim.pixels.dataset import to_tensor
from drawsim.pixels.decode import read_image
from drawsim.pixels.transforms import Augmentation, resize
from drawsim.retrieval.ranking import Relevance
from tests.learning.tiny import (
    ARTWORKS,
    DRAWINGS,
    NO_AUGMENTATION,
    as_process,
    batches,
    choice_of,
    some_choice,
    some_negatives,
    tiny_data,
    tiny_task,
    write_images,
)


def parts(sample: TripletSpec) -> tuple[int, ...]:
    return (sample.drawing, sample.positive, *sample.negatives)


@settings(max_examples=150)
@given(
    pairs=st.integers(1, 40),
    n=st.integers(1, 3),
    batch_size=st.integers(1, 12),
    world=st.integers(1, 4),
    grouped=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_every_sample_comes_once_an_epoch_and_no_process_waits(
    pairs: int, n: int, batch_size: int, world: int, grouped: bool, epoch: int
) -> None:
    columns = torch.stack([torch.arange(pairs), torch.arange(pairs) + 100], dim=1)
    negatives = 1000 + 10 * torch.arange(pairs)[:, None] + torch.arange(n)
    if grouped:
        expected = [(d, d + 100, *negatives[d].tolist()) for d in range(pairs)]
    else:
        expected = [(d, d + 100, g) for d in range(pairs) for g in negatives[d].tolist()]

    def process(rank: int, world: int = world) -> list[list[TripletSpec]]:
        made = batches(
            columns,
            choice_of(negatives),
            batch_size=batch_size,
            grouped=grouped,
            rank=rank,
            world=world,
            epoch=epoch,
        )
        shares = list(made)
        assert len(shares) == len(made)
        return shares

    if min(batch_size, len(expected)) < world:
        with pytest.raises(UserError, match=r"batch\.size"):
            process(0)
        return
    shares = [process(rank) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    assert all(batch for share in shares for batch in share)
    everything = [sample for share in shares for batch in share for sample in batch]
    assert Counter(parts(sample) for sample in everything) == Counter(expected)
    assert {sample.epoch for sample in everything} == {epoch}
    wholes = [sum(len(batch) for batch in step) for step in zip(*shares, strict=True)]
    assert max(wholes) - min(wholes) <= 1  # no small batch is left over at the end
    if batch_size >= 2 * world:
        assert max(wholes) <= batch_size
        alone = [{parts(s) for s in batch} for batch in process(0, 1)]
        steps = [{parts(s) for batch in step for s in batch} for step in zip(*shares, strict=True)]
        assert steps == alone
    for step in zip(*shares, strict=True):
        sizes = [len(batch) for batch in step]
        assert max(sizes) - min(sizes) <= 1
        assert sum(sizes) < batch_size + world
        # gradients are averaged over processes: the weights of a batch must average to 1 / size
        weights = {sample.weight for batch in step for sample in batch}
        assert weights == {world / sum(sizes)}


def test_the_order_comes_from_seed_and_epoch() -> None:
    columns = torch.stack([torch.arange(30), torch.arange(30)], dim=1)

    def order(**changes: int) -> list[int]:
        choice = choice_of(torch.zeros(30, 1, dtype=torch.int64))
        made = batches(columns, choice, batch_size=4, **changes)
        return [sample.pair for batch in made for sample in batch]

    assert order() == order()
    assert len({tuple(order(seed=s, epoch=e)) for s in (1, 2) for e in (0, 1)}) == 4


def test_each_epoch_takes_the_negatives_mined_last(tmp_path: Path) -> None:
    data = tiny_data(tmp_path, batch_size=100)
    as_process(data, 0, 1)
    data.choice = some_choice()
    sampler = data.train_dataloader().batch_sampler
    assert sampler is not None
    first: list[list[TripletSpec]] = list(sampler)
    data.choice = some_choice((some_negatives() + 1) % 12)
    second: list[list[TripletSpec]] = list(sampler)
    assert {parts(s)[2:] for s in first[0]} == {tuple(n.tolist()) for n in rows(0)}
    assert {parts(s)[2:] for s in second[0]} == {tuple(n.tolist()) for n in rows(1)}


def rows(shift: int) -> Tensor:
    return (some_negatives()[tiny_task().train_pairs[:, 0]] + shift) % 12


def test_a_sample_is_anchor_positive_negatives(tmp_path: Path) -> None:
    data = tiny_data(tmp_path, augmentation=Augmentation(**NO_AUGMENTATION))
    drawings, artworks = write_images(tmp_path)
    sample = data.triplets[TripletSpec(0, 2, 5, 7, (1, 3, 0), (7, 9), 0.25)]

    def plain(path: Path) -> Tensor:
        return to_tensor(resize(read_image(path), NO_AUGMENTATION["size"]))

    chosen = [drawings[5], artworks[7], artworks[1], artworks[3], artworks[0]]
    assert sample.images.dtype == torch.uint8
    assert torch.equal(sample.images, torch.stack([plain(path) for path in chosen]))
    assert sample.artworks.tolist() == [7, 1, 3, 0]
    assert sample.own.tolist() == [7, 9]
    assert sample.weight == 0.25


def test_workers_and_order_do_not_change_a_sample(tmp_path: Path) -> None:
    def epoch(workers: int) -> list[Triplets]:
        data = tiny_data(tmp_path, workers=workers)
        as_process(data, 0, 1, epoch=2)
        data.choice = some_choice()
        return list(data.train_dataloader())

    alone, helped = epoch(0), epoch(2)
    assert len(alone) == len(helped) == 3
    for one, other in zip(alone, helped, strict=True):
        for mine, same in zip(one, other, strict=True):
            assert torch.equal(mine, same)

    dataset = tiny_data(tmp_path).triplets
    first, second = (
        TripletSpec(0, 0, 0, 0, (5, 6), (0,), 1),
        TripletSpec(0, 1, 1, 1, (5, 6), (1,), 1),
    )
    forward = [dataset[first][0], dataset[second][0]]
    backward = [dataset[second][0], dataset[first][0]]
    assert torch.equal(forward[0], backward[1])
    assert torch.equal(forward[1], backward[0])


def test_another_epoch_seed_pair_or_role_is_another_view(tmp_path: Path) -> None:
    dataset = tiny_data(tmp_path).triplets
    spec = TripletSpec(epoch=0, pair=0, drawing=0, positive=1, negatives=(1, 2), own=(1,), weight=1)
    here = dataset[spec][0]
    other_seed = tiny_data(tmp_path, seed=6).triplets[spec][0]
    for there in (
        dataset[spec._replace(epoch=1)][0],
        dataset[spec._replace(pair=1)][0],
        other_seed,
    ):
        assert all(not torch.equal(a, b) for a, b in zip(here, there, strict=True))
    assert not torch.equal(here[1], here[2])  # one artwork as positive and as negative


def test_the_negatives_of_a_pair_share_anchor_and_positive(tmp_path: Path) -> None:
    dataset = tiny_data(tmp_path).triplets
    spec = TripletSpec(
        epoch=3, pair=4, drawing=4, positive=4, negatives=(7, 8, 9), own=(4,), weight=1
    )
    grouped = dataset[spec][0]
    for place, negative in enumerate(spec.negatives):
        single = dataset[spec._replace(negatives=(negative,))][0]
        assert torch.equal(single, grouped[[0, 1, 2 + place]])


def test_what_is_embedded(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    drawings, artworks = write_images(tmp_path)
    as_process(data, 0, 1)
    found: dict[int, Tensor] = {}
    for images, places in data.test_dataloader():
        found |= dict(zip(places.tolist(), images, strict=True))
    assert list(found) == list(range(ARTWORKS + DRAWINGS))
    for place, path in enumerate([*artworks, *drawings]):
        size = NO_AUGMENTATION["size"]
        assert torch.equal(found[place], to_tensor(resize(read_image(path, size), size)))

    validation = [place for _, places in data.val_dataloader() for place in places.tolist()]
    train_and_val = [ARTWORKS + row for row in (*range(9), 11)]  # the test drawings stay unseen
    assert validation == [*range(ARTWORKS), *train_and_val]


def test_drawings_without_a_pair_are_embedded_beside_train_and_val(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    task, positives = data.task, data.task.positives
    paired = positives.query != 11
    data.task = replace(  # drawing 11 is no style copy any more, but one that nothing is known of
        task,
        train_pairs=task.train_pairs[task.train_pairs[:, 0] != 11],
        positives=Relevance(positives.query[paired], positives.gallery[paired]),
        unlabelled=1,
    )
    as_process(data, 0, 1)
    validation = [place for _, places in data.val_dataloader() for place in places.tolist()]
    assert validation == [*range(ARTWORKS), *(ARTWORKS + row for row in (*range(9), 11))]
    data.choice = some_choice()
    sampler: Any = data.train_dataloader().batch_sampler
    assert {spec.drawing for batch in sampler for spec in batch} == set(range(7))


@pytest.mark.parametrize("world", [2, 3, 5])
def test_processes_share_the_embedding_evenly(tmp_path: Path, world: int) -> None:
    data = tiny_data(tmp_path)
    shares = []
    for rank in range(world):
        as_process(data, rank, world)
        shares.append([p for _, places in data.val_dataloader() for p in places.tolist()])
    assert len({len(share) for share in shares}) == 1
    as_process(data, 0, 1)
    alone = [p for _, places in data.val_dataloader() for p in places.tolist()]
    assert {p for share in shares for p in share} == set(alone)


def test_the_state_is_plain_values_and_gives_the_same_batches(tmp_path: Path) -> None:
    first, second = (tiny_data(tmp_path / name, views=3) for name in ("first", "second"))
    first.choice, first.epoch = some_choice(views=[0, 3, 5]), 2
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert second.epoch == 2
    for data in (first, second):
        as_process(data, 0, 1)
    batches = [data.train_dataloader().batch_sampler for data in (first, second)]
    assert [*batches[0]] == [*batches[1]]  # type: ignore[misc]
