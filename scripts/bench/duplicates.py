"""How long it takes to find near-duplicates among many hashes.

    python scripts/bench/duplicates.py [COUNT ...]

Random hashes, of which one in fifty is a few bits from another; beside bands, all are compared with
all by products of matrices, where that takes less than a minute.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from drawsim.pixels.duplicates import DISTANCE
from drawsim.pixels.hamming import BITS, choose_bands, close_hashes

COUNTS = (14_000, 56_000, 224_000)
MOST = 60_000  # hashes that are compared with all
BLOCK = 1536


def all_with_all(hashes: np.ndarray, distance: int) -> int:
    """Pairs within a distance; with bits as ±1, d bits apart are a dot product of 64 - 2 d."""
    bits = np.unpackbits(hashes[:, None].view(np.uint8), axis=1)
    signs = bits.astype(np.float32) * 2 - 1
    count = 0
    for top in range(0, len(signs), BLOCK):
        for left in range(top, len(signs), BLOCK):
            near = signs[top : top + BLOCK] @ signs[left : left + BLOCK].T >= BITS - 2 * distance
            count += int(np.count_nonzero(near if top < left else np.triu(near, 1)))
    return count


def main() -> None:
    """Print seconds for each number of hashes."""
    for count in map(int, sys.argv[1:] or COUNTS):
        rng = np.random.default_rng(0)
        hashes = rng.integers(0, 2**64, count, np.uint64)
        hashes[1::50] = hashes[::50][: len(hashes[1::50])] ^ np.uint64(0b1010101)
        began = time.perf_counter()
        found = sum(len(close.first) for close in close_hashes(hashes, DISTANCE))
        took = time.perf_counter() - began
        bands = ", ".join(f"{b.width} bits ±{b.bound}" for b in choose_bands(count, DISTANCE))
        print(f"{count:>9,} hashes  {found:>7,} pairs  {took:7.2f} s  by bands of {bands}")
        if count <= MOST:
            began = time.perf_counter()
            found = all_with_all(hashes, DISTANCE)
            took = time.perf_counter() - began
            print(f"{'':>9}         {found:>7,} pairs  {took:7.2f} s  all with all")


if __name__ == "__main__":
    main()
