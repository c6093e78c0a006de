"""Miners against sorting everything by hand, and against the thesis's own triplets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn import functional

from drawsim.common.building import build, config_folder
from drawsim.common.errors import UserError
from drawsim.learning.miners import near_duplicates as duplicates
from drawsim.learning.miners import semi_hard
from drawsim.learning.miners.base import NOTHING, Miner, Snapshot
from drawsim.learning.miners.hardest import HardestNegatives
from drawsim.learning.miners.mixed import MixedNegatives
from drawsim.learning.miners.near_duplicates import near_duplicates
from drawsim.learning.miners.none import NoNegatives
from drawsim.learning.miners.random import RandomNegatives
from drawsim.learning.miners.semi_hard import SemiHardNegatives
from drawsim.learning.miners.thesis import ThesisNegatives
from drawsim.retrieval import ranking
from drawsim.retrieval.ranking import Relevance

EVERY: Any = "every_epoch"


def unit(rows: int, seed: int) -> Tensor:
    raw = torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return functional.normalize(raw, dim=1)


def relevance(pairs: set[tuple[int, int]]) -> Relevance:
    columns = torch.tensor(sorted(pairs), dtype=torch.int64).view(-1, 2)
    return Relevance(columns[:, 0], columns[:, 1])


class Case(NamedTuple):
    """Drawings and artworks at random; which are a drawing's own, and which the same picture."""

    drawings: Tensor
    artworks: Tensor
    own: set[tuple[int, int]]
    same: set[tuple[int, int]]

    def mine(self, miner: Miner, epoch: int = 0) -> list[list[int]]:
        """Rows with NOTHING taken off their ends, where alone it may be."""
        positives = relevance(self.own)
        miner.check(len(self.artworks), positives)
        same = relevance(self.same) if self.same else None
        mined = miner.mine(Snapshot(self.drawings, self.artworks, positives, same, epoch))
        assert mined.shape == (len(self.drawings), miner.negatives)
        assert mined.dtype == torch.int64
        rows = [[i for i in row if i != NOTHING] for row in mined.tolist()]
        for row, full in zip(rows, mined.tolist(), strict=True):
            assert full == row + [NOTHING] * (len(full) - len(row))
            assert len(set(row)) == len(row)
        return rows

    def allowed(self, drawing: int) -> list[int]:
        """Artworks that may be negatives, the most similar first."""
        cosines = self.cosines(drawing)
        order = sorted(range(len(cosines)), key=lambda i: -cosines[i])
        return [i for i in order if (drawing, i) not in self.own | self.same]

    def cosines(self, drawing: int) -> list[float]:
        return [float(self.drawings[drawing] @ artwork) for artwork in self.artworks]

    def most(self) -> int:
        """The most artworks that a drawing has."""
        return max(Counter(drawing for drawing, _ in self.own).values(), default=0)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    drawings, artworks = draw(st.integers(0, 6)), draw(st.integers(6, 30))
    seed = draw(st.integers(0, 10_000))
    pairs = (
        st.sets(st.tuples(st.integers(0, drawings - 1), st.integers(0, artworks - 1)), max_size=12)
        if drawings
        else st.just(set())
    )
    own = draw(pairs.filter(lambda s: max(Counter(d for d, _ in s).values(), default=0) < 5))
    # Some pictures listed as the same are the drawing's own: that must not matter.
    case = Case(unit(drawings, seed), unit(artworks, seed + 1), own, draw(pairs))
    # Own artworks lie near their drawing, as near as can be told apart: they must not be mined.
    for drawing, artwork in sorted(own):
        moved = case.drawings[drawing] + 0.05 * case.artworks[artwork]
        case.artworks[artwork] = functional.normalize(moved, dim=0)
    return case


@settings(max_examples=60)
@given(case=cases(), data=st.data())
def test_hardest_are_the_nearest_that_are_allowed(case: Case, data: st.DataObject) -> None:
    negatives = data.draw(st.integers(1, len(case.artworks) - case.most()))
    found = case.mine(HardestNegatives(negatives=negatives))
    expected = [case.allowed(i)[:negatives] for i in range(len(case.drawings))]
    assert found == expected


@settings(max_examples=40)
@given(case=cases(), data=st.data())
def test_thesis_takes_out_of_the_nearest(case: Case, data: st.DataObject) -> None:
    nearest = data.draw(st.integers(1, len(case.artworks)))
    found = case.mine(ThesisNegatives(nearest=nearest))
    for drawing, row in enumerate(found):
        cosines = case.cosines(drawing)
        first = sorted(range(len(cosines)), key=lambda i: -cosines[i])[:nearest]
        assert row == [i for i in first if (drawing, i) not in case.own | case.same]


def test_thesis_triplets_are_those_of_the_original(shared_data: Path) -> None:
    parity = shared_data.parent / "reference" / "parity"
    if not parity.is_dir():
        pytest.skip(f"no real data: there is no folder {parity}")
    arrays = np.load(parity / "embeddings.npz", allow_pickle=False)
    drawings = {name: i for i, name in enumerate(arrays["drawing_ids"].tolist())}
    artworks = arrays["artwork_ids"].tolist()
    split = pd.read_csv(parity / "split.csv")
    positives = relevance(
        {
            (drawings[drawing], artworks.index(artwork))
            for drawing, artwork in zip(split["drawing_id"], split["artwork_id"], strict=True)
        }
    )
    miner = ThesisNegatives()
    vectors = torch.from_numpy(arrays["drawings"]), torch.from_numpy(arrays["artworks"])
    mined = miner.mine(Snapshot(*vectors, positives, None, epoch=0))
    assert mined.shape == (len(drawings), 11)
    triplets = pd.read_csv(parity / "triplets.csv")
    for (drawing, _), rows in triplets.groupby(["A", "B"]):
        found = [artworks[i] for i in mined[drawings[str(drawing)]].tolist() if i != NOTHING]
        assert len(found) in (9, 10, 11)
        assert set(found) == set(rows["C"])


@settings(max_examples=60)
@given(case=cases(), data=st.data())
def test_semi_hard_are_those_just_below_the_own(case: Case, data: st.DataObject) -> None:
    negatives = data.draw(st.integers(1, len(case.artworks) - case.most()))
    margin = data.draw(st.sampled_from([0.1, 0.3, 1.0]))
    # Own artworks not far up, so that there is something above them.
    for _, artwork in sorted(case.own):
        case.artworks[artwork] = functional.normalize(unit(1, artwork)[0], dim=0)
    found = case.mine(SemiHardNegatives(negatives=negatives, margin=margin))
    for drawing, row in enumerate(found):
        cosines, allowed = case.cosines(drawing), case.allowed(drawing)
        own = [cosines[i] for d, i in case.own if d == drawing]
        least = min(own, default=float("inf"))
        semi = [i for i in allowed if least - margin < cosines[i] < least]
        harder = [i for i in reversed(allowed) if cosines[i] >= least]
        easier = [i for i in allowed if cosines[i] <= least - margin]
        assert row == [*semi, *harder, *easier][:negatives]


@settings(max_examples=40)
@given(case=cases(), data=st.data())
def test_random_ones_are_allowed_and_depend_on_no_embedding(
    case: Case, data: st.DataObject
) -> None:
    negatives = data.draw(st.integers(1, len(case.artworks) - case.most()))
    epoch = data.draw(st.integers(0, 5))
    found = case.mine(RandomNegatives(negatives=negatives, seed=1), epoch)
    for drawing, row in enumerate(found):
        allowed = case.allowed(drawing)
        assert set(row) <= set(allowed)
        assert len(row) == min(negatives, len(allowed))
    torch.manual_seed(epoch)  # no state of this process has a part in it
    again = case._replace(drawings=-case.drawings).mine(
        RandomNegatives(negatives=negatives, seed=1), epoch
    )
    assert again == found


def test_random_ones_differ_between_epochs_and_seeds() -> None:
    case = Case(unit(20, 0), unit(50, 1), {(0, 0)}, set())
    draws = [
        case.mine(RandomNegatives(negatives=3, seed=seed), epoch)
        for seed, epoch in ((0, 0), (0, 1), (1, 0))
    ]
    assert draws[0] != draws[1]
    assert draws[0] != draws[2]


def test_every_set_of_random_ones_is_as_likely_as_another() -> None:
    drawings = 5000
    own = {(drawing, 2) for drawing in range(drawings)}
    same = {(drawing, 4) for drawing in range(drawings)}
    case = Case(torch.zeros(drawings, 1), torch.zeros(7, 1), own, same)
    counts = Counter(frozenset(row) for row in case.mine(RandomNegatives(negatives=2, seed=0)))
    assert set().union(*counts) == {0, 1, 3, 5, 6}
    assert len(counts) == 10
    # 500 of each are expected, with a standard deviation of 21
    assert all(abs(count - 500) < 5 * 21 for count in counts.values())


@settings(max_examples=40)
@given(case=cases(), data=st.data())
def test_mixed_are_the_hardest_and_then_others(case: Case, data: st.DataObject) -> None:
    negatives = data.draw(st.integers(1, len(case.artworks) - case.most()))
    share = st.floats(0, 1)
    miner = MixedNegatives(
        negatives=negatives, start=data.draw(share), end=data.draw(share), epochs=4, seed=0
    )
    epoch = data.draw(st.integers(0, 6))
    found = case.mine(miner, epoch)
    for drawing, row in enumerate(found):
        allowed = case.allowed(drawing)
        assert row[: miner.hardest(epoch)] == allowed[: miner.hardest(epoch)]
        assert set(row) <= set(allowed)
        assert len(row) == min(negatives, len(allowed))
    assert case.mine(miner, epoch) == found


def test_mixed_goes_from_start_to_end() -> None:
    miner = MixedNegatives(negatives=4, start=0, end=1, epochs=5, seed=0)
    assert [miner.hardest(epoch) for epoch in range(7)] == [0, 1, 2, 3, 4, 4, 4]
    down = MixedNegatives(negatives=10, start=0.9, end=0.5, epochs=3, seed=0)
    assert [down.hardest(epoch) for epoch in range(4)] == [9, 7, 5, 5]
    short = MixedNegatives(negatives=2, start=0.5, end=1, epochs=1, seed=0)
    assert short.hardest(0) == 1

    case = Case(unit(6, 0), unit(30, 1), {(0, 3), (1, 4)}, {(0, 5)})
    assert case.mine(miner, 0) == case.mine(RandomNegatives(negatives=4, seed=0), 0)
    assert case.mine(miner, 4) == case.mine(HardestNegatives(negatives=4), 4)


def test_no_negatives() -> None:
    case = Case(unit(3, 0), unit(5, 1), {(0, 3)}, set())
    assert case.mine(NoNegatives()) == [[], [], []]


@pytest.mark.parametrize(
    "miner",
    [
        HardestNegatives(negatives=4),
        ThesisNegatives(nearest=6),
        SemiHardNegatives(negatives=4, margin=0.2),
        MixedNegatives(negatives=4, start=0.5, end=0.5, epochs=1, seed=0),
    ],
)
def test_blocks_make_no_difference(miner: Miner, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {(drawing, drawing % 7) for drawing in range(20)} | {(5, 9), (19, 9)}
    case = Case(unit(20, 0), unit(12, 1), own, {(3, 8), (19, 1)})
    whole = case.mine(miner)
    for module in (semi_hard, ranking):
        monkeypatch.setattr(module, "BLOCK", 3 * 12)
    assert case.mine(miner) == whole


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    own=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 29)), max_size=12),
    block=st.sampled_from([30, 2 * 30, 1 << 24]),
    least=st.sampled_from([0.5, 0.7, 0.9]),
)
def test_near_duplicates_are_those_that_look_like_an_own_one(
    seed: int, own: set[tuple[int, int]], block: int, least: float
) -> None:
    # Ten kinds of pictures, three a little different ones of each.
    kinds = unit(10, seed).repeat(3, 1)
    artworks = functional.normalize(kinds + 0.4 * unit(30, seed + 1), dim=1)
    # A bound in the middle of a gap between cosines, which no rounding can cross.
    cosines = (artworks @ artworks.T).flatten().sort().values
    place = int(torch.searchsorted(cosines, least))
    bound = float(cosines[place - 1 : place + 1].mean())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "BLOCK", block)
        expected = {
            (drawing, other)
            for drawing, artwork in own
            for other in range(30)
            if float(artworks[artwork] @ artworks[other]) >= bound and (drawing, other) not in own
        }
        if max(Counter(drawing for drawing, _ in expected).values(), default=0) > 15:
            return
        found = near_duplicates(artworks, relevance(own), bound)
    assert set(zip(found.query.tolist(), found.gallery.tolist(), strict=True)) == expected


def test_a_copy_of_an_own_artwork_is_never_mined() -> None:
    drawings, artworks = unit(3, 0), unit(20, 1)
    artworks[4] = artworks[5] = artworks[0] = drawings[0]
    case = Case(drawings, artworks, {(0, 0), (1, 4), (2, 2)}, set())
    same = near_duplicates(artworks, relevance(case.own), 0.999)
    found = set(zip(same.query.tolist(), same.gallery.tolist(), strict=True))
    assert found == {(0, 4), (0, 5), (1, 0), (1, 5)}
    for miner in (HardestNegatives(negatives=17), RandomNegatives(negatives=17, seed=0)):
        mined = case._replace(same=found).mine(miner)
        assert set(mined[0]) == set(range(20)) - {0, 4, 5}
        assert set(mined[1]) == set(range(20)) - {0, 4, 5}


def test_embeddings_that_tell_nothing_apart_are_refused() -> None:
    artworks = functional.normalize(torch.ones(10, 4) + 0.01 * unit(10, 0)[:, :4].float(), dim=1)
    with pytest.raises(UserError) as caught:
        near_duplicates(artworks, relevance({(0, 3), (1, 3), (1, 4)}), 0.85)
    text = str(caught.value)
    assert "miner.near_duplicate_similarity=0.85: up to 9 of 10 artworks" in text
    assert "or to null" in text


def test_without_own_artworks_nothing_is_a_near_duplicate() -> None:
    nothing = near_duplicates(unit(5, 0), relevance(set()), 0.85)
    assert len(nothing.query) == len(nothing.gallery) == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: HardestNegatives(negatives=0), r"miner\.negatives=0: at least one"),
        (
            lambda: HardestNegatives(negatives=2, near_duplicate_similarity=1.5),
            r"miner\.near_duplicate_similarity=1\.5: a cosine above 0",
        ),
        (
            lambda: HardestNegatives(negatives=2, near_duplicate_similarity=0),
            r"miner\.near_duplicate_similarity=0: a cosine above 0",
        ),
        (lambda: ThesisNegatives(nearest=0), r"miner\.nearest=0: at least one"),
        (lambda: SemiHardNegatives(negatives=2, margin=0), r"miner\.margin=0: must be above 0"),
        (
            lambda: MixedNegatives(negatives=2, start=1.1, end=1, epochs=3, seed=0),
            r"miner\.start=1\.1: a share in 0\.\.1",
        ),
        (
            lambda: MixedNegatives(negatives=2, start=0, end=-1, epochs=3, seed=0),
            r"miner\.end=-1: a share in 0\.\.1",
        ),
        (
            lambda: MixedNegatives(negatives=2, start=0, end=1, epochs=0, seed=0),
            r"miner\.epochs=0: at least one",
        ),
    ],
)
def test_a_wrong_setting_is_refused(make: Callable[[], Miner], said: str) -> None:
    with pytest.raises(UserError, match=said):
        make()


def test_a_misspelt_policy_is_answered_with_the_right_one() -> None:
    wrong: Any = "every_epok"
    for make in (
        lambda: HardestNegatives(negatives=3, remine=wrong),
        lambda: ThesisNegatives(remine=wrong),
        lambda: SemiHardNegatives(negatives=3, remine=wrong, margin=0.2),
        lambda: RandomNegatives(negatives=3, remine=wrong, seed=0),
        lambda: MixedNegatives(negatives=3, remine=wrong, start=0, end=1, epochs=3, seed=0),
    ):
        with pytest.raises(UserError, match=r"miner\.remine=every_epok: did you mean every_epoch"):
            make()


def test_too_small_a_gallery_is_refused_with_the_number_that_works() -> None:
    positives = relevance({(0, 0), (1, 1), (1, 2)})
    with pytest.raises(UserError) as caught:
        HardestNegatives(negatives=6).check(7, positives)
    text = str(caught.value)
    assert "miner.negatives=6, but the gallery has 7 artworks" in text
    assert "of which up to 2 are a drawing's own" in text
    assert "lower miner.negatives to 5" in text
    case = Case(unit(2, 0), unit(7, 1), {(0, 0), (1, 1), (1, 2)}, set())
    assert sorted(case.mine(HardestNegatives(negatives=5))[1]) == [0, 3, 4, 5, 6]


def test_a_gallery_smaller_than_what_the_thesis_looks_at_is_refused() -> None:
    with pytest.raises(UserError, match=r"lower miner\.nearest to 10 or add artworks"):
        ThesisNegatives(nearest=11).check(10, relevance({(0, 0)}))
    ThesisNegatives(nearest=10).check(10, relevance({(0, 0)}))


@pytest.mark.parametrize("file", sorted((config_folder() / "miner").glob("*.yaml")))
def test_every_option_is_a_miner_that_mines(file: Path) -> None:
    run = {"seed": 3, "trainer": {"max_epochs": 6}, "miner": OmegaConf.load(file)}
    miner = build(OmegaConf.create(run).miner)
    assert isinstance(miner, Miner)
    case = Case(unit(3, 0), unit(14, 1), {(0, 0), (1, 1)}, {(1, 2)})
    assert len(case.mine(miner, epoch=5)) == 3
