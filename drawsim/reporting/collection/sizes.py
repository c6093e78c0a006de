"""Sizes of a collection's images, from the first bytes of their files."""

from __future__ import annotations

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from drawsim.common.opening import CannotOpenError, open_regular
from drawsim.common.progress import progress_bar
from drawsim.pixels.decode import read_header

_BATCH = 256  # images handed out at once: few enough that Ctrl-C is answered


def measure(
    paths: Mapping[str, Path], kind: str, *, at_most: int | None, workers: int
) -> pd.DataFrame:
    """Width and height of images, upright, in pixels: `kind`, `id`, `width`, `height`, `problem`.

    Files are opened, not decoded; what cannot be opened has its reason in `problem` and 0 x 0. Of
    more than `at_most` images a random sample is measured, always the same; None measures all.
    """
    ids = sorted(paths)
    if at_most is not None and len(ids) > at_most:
        ids = sorted(random.Random(0).sample(ids, at_most))
    rows = []
    with (
        ThreadPoolExecutor(workers) as pool,
        progress_bar(f"measuring {kind}s", len(ids), "images") as advance,
    ):
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            for id_, found in zip(batch, pool.map(_size, map(paths.get, batch)), strict=True):
                rows.append((kind, id_, *found))
            advance(len(batch))
    return pd.DataFrame(rows, columns=["kind", "id", "width", "height", "problem"])


def _size(path: Path | None) -> tuple[int, int, str]:
    assert path is not None
    try:
        with open_regular(path) as file:
            header = read_header(file)
    except CannotOpenError as error:
        return 0, 0, error.reason
    except Exception as error:  # decoders raise many kinds for damaged files
        return 0, 0, str(error)
    return header.width, header.height, ""


def describe_sizes(sizes: pd.DataFrame) -> pd.DataFrame:
    """For each kind of image: how many, the middle, the extremes, and shapes as shares.

    Columns: kind, measured, unreadable, median_width, median_height, smallest, largest (by pixels,
    as width × height), portrait, square, landscape (shares of the measured ones).
    """
    rows = []
    for kind, part in sizes.groupby("kind", sort=False):
        good = part[part["problem"] == ""]
        if good.empty:
            continue
        by_area = good.iloc[(good["width"] * good["height"]).argsort(kind="stable")]
        extremes = [f"{by_area['width'].iat[i]} × {by_area['height'].iat[i]}" for i in (0, -1)]
        rows.append(
            {
                "kind": kind,
                "measured": len(good),
                "unreadable": len(part) - len(good),
                "median_width": good["width"].median(),
                "median_height": good["height"].median(),
                "smallest": extremes[0],
                "largest": extremes[1],
                "portrait": (good["width"] < good["height"]).mean(),
                "square": (good["width"] == good["height"]).mean(),
                "landscape": (good["width"] > good["height"]).mean(),
            }
        )
    return pd.DataFrame(rows)
