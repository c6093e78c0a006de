"""Ranked lists looked at again by layout, picture by picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from drawsim.common.errors import UserError
from drawsim.models.model import Model
from drawsim.pixels.decode import ImageReadError
from drawsim.retrieval.reranking.spatial import (
    LocalFeatures,
    Placement,
    both_ways,
    local_features,
    place,
)

BATCH = 16


@torch.no_grad()
def placements(
    model: Model, query: Path | np.ndarray, files: Sequence[Path | None]
) -> list[Placement | None]:
    """Where the query lies in each picture; None where nowhere, or the file cannot be read.

    query: a file, or its pixels, (height, width, 3) uint8 RGB. Raises UserError if no file can be
    read, or the network gives no feature maps.
    """
    images, readable = [], []
    for row, file in enumerate(files):
        if file is None:
            continue
        try:
            images.append(model.look(file)[0])
        except ImageReadError:
            continue
        readable.append(row)
    if not readable:
        raise UserError(
            "spatial: needs the pictures of what is found; build the index with collection=DIR"
        )
    asked = local_features(model.backbone, both_ways(model.look(query)[0]))
    some = [
        local_features(model.backbone, torch.stack(images[start : start + BATCH]))
        for start in range(0, len(images), BATCH)
    ]
    vectors = torch.cat([part.vectors for part in some])
    found = place(asked, LocalFeatures(vectors, some[0].height, some[0].width))
    every: list[Placement | None] = [None] * len(files)
    for row, placement in zip(readable, found, strict=True):
        every[row] = placement
    return every
