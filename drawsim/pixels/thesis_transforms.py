"""The image transforms of the thesis to the letter, for runs that reproduce its numbers.

They are what torchvision 0.12 does with tensors: bilinear without antialias, so that a large image
is sampled rather than averaged; rotation to the nearest pixel with black corners; gray made of
normalised values. `drawsim.pixels.transforms` has the corrected ones.

Source: R. Annapureddy, "Searching for patterns in a large collection of children drawings", EPFL,
2022, and its published code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision import transforms
from torchvision.transforms import functional

from drawsim.collection.kinds import Kind
from drawsim.common.building import check_types
from drawsim.pixels.styles import style_effect
from drawsim.pixels.transforms import Augmentation, check_settings

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Red, green, blue, for pixels in 0..1: what the thesis normalises by, whatever the backbone."""


def squash(image: np.ndarray, size: int) -> np.ndarray:
    """The evaluation transform: `size` x `size` pixels, bilinear without antialias.

    `image`: uint8, height x width x 3. Returns float32 of the same layout, in levels 0..255. Each
    result is interpolated between the four pixels nearest to its centre, however much the image
    shrinks.
    """
    square = functional.resize(_unit_tensor(image), [size, size], antialias=False)
    return _levels(square)


class ThesisAugmentation:
    """The random transform of a training image, as the thesis has it.

    Pixels in 0..1 go through these steps: resize to `size * oversize`, aspect not kept; a random
    crop of `crop_scale` of the area and an aspect in `crop_ratio`, resized to `size`; brightness,
    contrast and saturation in random order, each by a factor in 1 ± `jitter`; a horizontal flip
    with probability `flip`; a rotation by up to ± `rotate` degrees; normalisation by ImageNet's
    mean m and deviation s; with probability `gray`, gray by Rec. 601 of the normalised values.

    Backbones normalise by themselves, so the last normalisation is undone: a gray picture has
    levels 255 (m + s g), g being its gray value, and m and s those of the channel. Normalising them
    by m and s gives g in every channel. The levels of such a picture differ between channels and
    can leave 0..255.

    copies: effects of which every training drawing has a copy of its own, beside the original; an
    effect is worked out on the image as it is read. reads: the `min_size` to read images with;
    None is full resolution.

    Raises UserError for an unknown effect and for numbers out of their range.
    """

    def __init__(
        self,
        *,
        size: int,
        crop_scale: tuple[float, float],
        crop_ratio: tuple[float, float],
        oversize: float,
        jitter: float,
        flip: float,
        rotate: float,
        gray: float,
        copies: Sequence[str],
    ) -> None:
        check_settings(size, crop_scale, crop_ratio, oversize, jitter, flip, rotate, gray)
        self.size = size
        self.copies = tuple(copies)
        self.reads: int | None = None
        self._effects = {name: style_effect(name, {}) for name in copies}
        start = round(size * oversize)
        mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
        self._pipeline = transforms.Compose(
            [
                transforms.Resize((start, start), antialias=False),
                transforms.RandomResizedCrop(
                    size, scale=tuple(crop_scale), ratio=tuple(crop_ratio), antialias=False
                ),
                transforms.ColorJitter(brightness=jitter, contrast=jitter, saturation=jitter),
                transforms.RandomHorizontalFlip(flip),
                transforms.RandomRotation(rotate),
                transforms.Normalize(mean.tolist(), std.tolist()),
                transforms.RandomGrayscale(gray),
                transforms.Normalize((-mean / std).tolist(), (1 / std).tolist()),  # its inverse
            ]
        )

    def __call__(
        self,
        image: np.ndarray,
        kind: Kind,
        seed: int,
        copy: str | None = None,
    ) -> np.ndarray:
        """One augmented view of `image` (uint8 RGB of any size): float32 levels, size x size x 3.

        `copy`: the one of `copies` to apply before anything else. Drawings and artworks are treated
        alike. The result depends on the arguments alone: the same in every process and in every
        order of calls. It borrows torch's random numbers and threads, so two threads must not call
        it at once.
        """
        if copy is not None:
            image = self._effects[copy](image)
        with _own_randomness(seed), _one_thread():
            return _levels(self._pipeline(_unit_tensor(image)))


def augmentation(
    *, exact: bool, styles: Sequence[str], style_p: float, **settings: Any
) -> Augmentation | ThesisAugmentation:
    """The random transform of training images that a configuration asks for.

    exact: the thesis's own, `ThesisAugmentation`, whose every training drawing has one copy for
    each of `styles`, whatever `style_p`; else drawsim's, `Augmentation`. settings: what both take.
    """
    check_types(ThesisAugmentation if exact else Augmentation, settings)
    if exact:
        return ThesisAugmentation(copies=styles, **settings)
    return Augmentation(styles=styles, style_p=style_p, **settings)


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Torch's random numbers on the CPU drawn from `seed`, and afterwards as if none were drawn."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the accelerators, too.
        torch.default_generator.manual_seed(int(seed))
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread: how many there are decides the last bit of a mean (in contrast)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _unit_tensor(image: np.ndarray) -> Tensor:
    """Height x width x 3 uint8 to 3 x height x width float32 in 0..1."""
    tensor: Tensor = functional.to_tensor(np.ascontiguousarray(image))
    return tensor


def _levels(image: Tensor) -> np.ndarray:
    """3 x height x width in 0..1 to height x width x 3 float32 in 0..255, C-contiguous."""
    return (255 * image).permute(1, 2, 0).contiguous().numpy()
