"""Random transforms of one's own: a list of transforms of albumentations, as settings name them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.pixels.styles import EFFECTS
from drawsim.pixels.transforms import apply_seeded, in_turn, resize

_TRIED = 4  # seeds with which a new pipeline is tried


class Pipeline:
    """The random transform of a training image, made of transforms of albumentations.

    An image is resized to `size * oversize` pixels on both sides, goes through `drawings` if it is
    a drawing, then through `transforms`, and is squashed to `size`. What a transform makes of
    pixels must be uint8 RGB again: normalisation belongs to the model.

    copies: effects of which every training drawing has a copy of its own: none. reads: the
    `min_size`, in pixels, to read images with.

    Raises UserError for what is no transform of albumentations, and for transforms that fail on a
    picture or leave something else than one.
    """

    def __init__(
        self,
        *,
        size: int,
        transforms: Sequence[Any],
        drawings: Sequence[Any] = (),
        oversize: float = 1.0,
    ) -> None:
        if size < 1 or not 1 <= oversize < math.inf:
            raise UserError(f"aug: size={size} and oversize={oversize} must be at least 1")
        self.size = size
        self.start = round(size * oversize)
        self.copies: tuple[str, ...] = ()
        self.reads: int | None = 2 * size
        try:
            self._pipelines = {
                "drawing": in_turn([*drawings, *transforms]),
                "artwork": in_turn(transforms),
            }
        except TypeError as error:
            raise UserError(
                f"aug: {error}; give {{_target_: albumentations.HorizontalFlip, p: 0.5}}"
            ) from error
        noise = np.random.default_rng(0).integers(0, 256, (self.start, self.start, 3), np.uint8)
        for seed in range(_TRIED):
            self._try(noise, seed)

    def __call__(
        self, image: np.ndarray, kind: Kind, seed: int, copy: str | None = None
    ) -> np.ndarray:
        """One view of `image` (uint8 RGB of any size): uint8, `size` x `size` x 3.

        `copy`: the name of a style effect to apply before anything else. The result depends on the
        arguments alone. One object must not be called by several threads at once.
        """
        if copy is not None:
            image = EFFECTS[copy](image)
        result = apply_seeded(self._pipelines[kind], resize(image, self.start), seed)
        if result.dtype != np.uint8 or result.ndim != 3 or result.shape[2] != 3:
            shape = " x ".join(map(str, result.shape))
            raise UserError(
                f"aug: the transforms leave {shape} values of {result.dtype}, not an image of "
                "uint8 and three channels; leave out what normalises or makes tensors"
            )
        return resize(result, self.size)

    def _try(self, image: np.ndarray, seed: int) -> None:
        """What fails is told before a run begins."""
        try:
            self(image, "drawing", seed)
            self(image, "artwork", seed)
        except UserError:
            raise
        except Exception as error:  # whatever a transform may say
            said = " ".join(str(error).split())
            raise UserError(
                f"aug: the transforms fail on {self.start} x {self.start} pixels: {said}"
            ) from error
