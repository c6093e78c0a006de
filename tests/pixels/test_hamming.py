"""Hashes that differ in few bits: those that comparing all with all finds, each once."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawsim.pixels import hamming
from drawsim.pixels.hamming import BITS, Band, choose_bands, close_hashes

Pair = tuple[int, int, int]


def by_brute_force(hashes: np.ndarray, distance: int) -> list[Pair]:
    numbers = hashes.tolist()
    pairs = (
        (a, b, bin(numbers[a] ^ numbers[b]).count("1"))
        for a, b in combinations(range(len(numbers)), 2)
    )
    return [pair for pair in pairs if pair[2] <= distance]


def found(hashes: np.ndarray, distance: int) -> list[Pair]:
    blocks = close_hashes(hashes, distance)
    return sorted(row for block in blocks for row in zip(*(c.tolist() for c in block), strict=True))


@st.composite
def clustered(draw: st.DrawFn) -> np.ndarray:
    """Hashes of which most are a few flips from another, and some are the same."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    hashes = rng.integers(0, 2**64, draw(st.integers(0, 40)), np.uint64)
    for row in range(1, len(hashes)):
        if rng.random() < 0.7:
            hashes[row] = hashes[rng.integers(row)]
            for bit in rng.integers(0, BITS, rng.integers(0, 16)).tolist():
                hashes[row] ^= np.uint64(1 << bit)
    return hashes


@st.composite
def bands_of(draw: st.DrawFn) -> tuple[int, list[Band]]:
    """A distance, and disjoint bands whose bounds add up to what it allows, in any way."""
    distance = draw(st.integers(0, 20))
    number = draw(st.integers(1, distance + 1))
    width = draw(st.integers(0, min(12, BITS // number)))
    bounds = [0] * number
    for _ in range(distance - number + 1):
        bounds[draw(st.integers(0, number - 1))] += 1
    starts = [place * width for place in range(number)]
    return distance, [Band(s, width, min(b, 4)) for s, b in zip(starts, bounds, strict=True)]


@settings(max_examples=80)
@given(clustered(), st.integers(0, BITS), st.integers(1, 50))
def test_they_are_those_of_brute_force(hashes: np.ndarray, distance: int, once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "_ONCE", once)
        assert found(hashes, distance) == by_brute_force(hashes, distance)


@settings(max_examples=80)
@given(clustered(), bands_of())
def test_whatever_the_bands(hashes: np.ndarray, chosen: tuple[int, list[Band]]) -> None:
    """A bound that is cut to 4 bits may miss pairs, and may not find one twice."""
    distance, bands = chosen
    whole = sum(band.bound for band in bands) == distance - len(bands) + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "choose_bands", lambda *_: bands)
        pairs = found(hashes, distance)
    wanted = by_brute_force(hashes, distance)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) <= set(wanted)
    if whole:
        assert pairs == wanted


@given(st.integers(0, 10**7), st.integers(0, BITS))
def test_bands_that_are_chosen_miss_nothing(count: int, distance: int) -> None:
    bands = choose_bands(count, distance)
    taken = [bit for band in bands for bit in range(band.start, band.start + band.width)]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(range(BITS))
    if bands != [Band(0, 0, 0)]:  # the one of no bits compares all with all
        assert sum(band.bound for band in bands) == distance - len(bands) + 1


def test_few_hashes_are_compared_with_one_another() -> None:
    """Of 20,000 hashes there are 200 million pairs: one in fifty is looked at."""
    hashes = np.random.default_rng(0).integers(0, 2**64, 20_000, np.uint64)
    compared = sum(
        len(first)
        for band in choose_bands(len(hashes), 10)
        for first, _ in hamming._candidates(band.of(hashes), band)
    )
    assert compared < 200_000_000 / 50
