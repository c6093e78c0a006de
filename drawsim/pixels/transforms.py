"""From RGB pixels of any size to the square a model takes: resizing, and random augmentation."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError, nearest
from drawsim.pixels.styles import EFFECTS

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else importing it asks the network
import albumentations as A  # noqa: N812
from albumentations.core.transforms_interface import BaseTransformInitSchema


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Squash an image to `size` x `size` pixels; the aspect is not kept, as in the thesis.

    `image`: uint8, height x width x channels. A side that shrinks is averaged over areas, one that
    grows is interpolated linearly. An image that has the size already is returned as it is.
    """
    height, width = image.shape[:2]
    smaller = (min(width, size), min(height, size))
    if smaller != (width, height):
        image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
    if smaller != (size, size):
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    return image


class StyleEffect(A.ImageOnlyTransform):  # type: ignore[misc]  # albumentations has no types
    """One of the thesis's style effects as a transform of albumentations.

    `effect` is a name in `drawsim.pixels.styles.EFFECTS`; another raises UserError.
    """

    class InitSchema(BaseTransformInitSchema):  # type: ignore[misc]
        effect: str

    def __init__(self, effect: str, p: float = 0.5) -> None:
        super().__init__(p=p)
        if effect not in EFFECTS:
            raise UserError(f"unknown style effect {effect!r}: {nearest(effect, EFFECTS)}")
        self.effect = effect

    def apply(self, img: np.ndarray, **_: Any) -> np.ndarray:
        """The effect on one image, uint8 RGB."""
        return EFFECTS[self.effect](img)


def in_turn(transforms: Sequence[Any]) -> Any:
    """Transforms of albumentations, one after another. Raises TypeError for anything else."""
    for one in transforms:
        if not isinstance(one, A.BasicTransform | A.BaseCompose):
            raise TypeError(f"{one!r} is no transform of albumentations")
    return A.Compose([*transforms])


def apply_seeded(pipeline: Any, image: np.ndarray, seed: int) -> np.ndarray:
    """What a pipeline of albumentations makes of an image, all its choices from one seed."""
    # set_random_seed would give each step a generator of its own, all with the same seed: a
    # flip would then always come with gray. One shared generator keeps them independent.
    pipeline.set_random_state(np.random.default_rng(seed), random.Random(int(seed)))
    result: np.ndarray = pipeline(image=image)["image"]
    return result


class Augmentation:
    """The random transform of a training image.

    The steps of the thesis in its order: resize to `size * oversize`; for drawings, with
    probability `style_p`, one of the effects `styles`, each as likely; a random crop of
    `crop_scale` of the area and an aspect in `crop_ratio`, resized to `size`; brightness, contrast
    and saturation each by a factor in 1 ± `jitter`; a horizontal flip with probability `flip`; a
    rotation by up to ± `rotate` degrees, corners black; gray with probability `gray`.

    It ends with uint8 pixels: normalisation belongs to the model, and so gray comes before it,
    where the thesis makes gray of normalised values. A step whose numbers turn it off is left out;
    with all of them off the result is `resize(image, size)` to the last bit.

    copies: effects of which every training drawing has a copy of its own: none, since styles are
    drawn anew each time. reads: the `min_size`, in pixels, to read images with.

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
        styles: Sequence[str],
        style_p: float,
    ) -> None:
        check_settings(size, crop_scale, crop_ratio, oversize, jitter, flip, rotate, gray)
        crop_scale = (crop_scale[0], crop_scale[1])
        crop_ratio = (crop_ratio[0], crop_ratio[1])
        _check("style_p", style_p, 0 <= style_p <= 1, "a probability")
        if style_p > 0 and not styles:
            raise UserError(f"aug: style_p={style_p} needs at least one effect in styles")

        self.size = size
        self.copies: tuple[str, ...] = ()
        # A crop keeps as little as 8 % of the area: twice the size keeps most crops sharp.
        self.reads: int | None = 2 * size
        self.start = round(size * oversize)
        steps = []
        if (crop_scale, crop_ratio) != ((1, 1), (1, 1)) or self.start != size:
            steps += [A.RandomResizedCrop((size, size), scale=crop_scale, ratio=crop_ratio)]
        if jitter > 0:
            steps += [A.ColorJitter(jitter, jitter, jitter, hue=0, p=1)]
        if flip > 0:
            steps += [A.HorizontalFlip(p=flip)]
        if rotate > 0:
            steps += [A.Rotate((-rotate, rotate), p=1)]
        if gray > 0:
            steps += [A.ToGray(p=gray)]
        effects = [StyleEffect(name, p=1) for name in styles]
        style = [A.OneOf(effects, p=style_p)] if style_p > 0 else []
        self._pipelines = {"drawing": in_turn(style + steps), "artwork": in_turn(steps)}

    def __call__(
        self,
        image: np.ndarray,
        kind: Kind,
        seed: int,
        copy: str | None = None,
    ) -> np.ndarray:
        """One augmented view of `image` (uint8 RGB of any size): uint8, `size` x `size` x 3.

        `copy`: the name of a style effect to apply before anything else. The result depends on the
        arguments alone: the same in every process and in every order of calls. One object must not
        be called by several threads at once.
        """
        if copy is not None:
            image = EFFECTS[copy](image)
        resized = resize(image, self.start)
        pipeline = self._pipelines[kind]
        if not pipeline.transforms:
            return resized
        return apply_seeded(pipeline, resized, seed)


def check_settings(
    size: int,
    crop_scale: Sequence[float],
    crop_ratio: Sequence[float],
    oversize: float,
    jitter: float,
    flip: float,
    rotate: float,
    gray: float,
) -> None:
    """Raise UserError for numbers of the random steps that are out of their range."""
    _check("size", size, size >= 1, "at least 1")
    low, high = crop_scale
    _check("crop_scale", (low, high), 0 < low <= high <= 1, "two rising numbers in 0..1")
    low, high = crop_ratio
    _check("crop_ratio", (low, high), 0 < low <= high, "two rising numbers above 0")
    _check("oversize", oversize, 1 <= oversize <= 4, "a number in 1..4")
    _check("jitter", jitter, 0 <= jitter <= 1, "a number in 0..1")
    _check("flip", flip, 0 <= flip <= 1, "a probability")
    _check("rotate", rotate, 0 <= rotate <= 180, "degrees in 0..180")
    _check("gray", gray, 0 <= gray <= 1, "a probability")


def _check(name: str, value: object, good: bool, meant: str) -> None:
    if not good:
        raise UserError(f"aug: {name}={value} must be {meant}")
