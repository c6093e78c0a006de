"""What a run would do, from its parts, without doing it."""

from __future__ import annotations

import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from drawsim.collection.splits import SETS
from drawsim.common.words import counted
from drawsim.learning.training.data import TripletData
from drawsim.models.backbones.backbone import Backbone

MIB = 2**20
RATED = 8
"""Images that are embedded to measure how fast that is."""


def describe_plan(
    backbone: Backbone, data: TripletData, negatives: int, epochs: int, folder: Path, idle: str = ""
) -> list[str]:
    """Lines that say what is in the data, how long an epoch is, and what memory and disk it takes.

    Memory is an estimate in float32: weights, their gradients, two moments, and the activations of
    one batch, counted by sending one image through the network. negatives: mined for each pair.
    idle: why nothing is trained, if so.
    """
    task = data.task
    last = max(data.first, epochs - 1)
    pairs, views = data.pairs_in(last), data.views_in(last)
    samples = (pairs + views) * (1 if data.grouped else negatives)
    roles = 2 + (negatives if data.grouped else 1)
    steps = math.ceil(samples / data.batch_size)
    images = math.ceil(samples / steps) * roles
    weights = sum(p.numel() * p.element_size() for p in backbone.parameters()) / MIB
    activations = images * activation_bytes(backbone, data.images.reading.size) / MIB
    gallery = len(task.artworks)
    vectors = (gallery + len(task.drawings)) * backbone.dimensions * 4 / MIB
    queries = ", ".join(f"{name} {len(task.queries[name])}" for name in SETS)
    return [
        f"gallery       {gallery} artworks",
        f"queries       {queries} drawings",
        f"training      {pairs} pairs and {views} simulated ones, {negatives} negatives each"
        + (f"; first {data.first} x {data.views_in(0)} simulated ones alone" if data.first else ""),
        *_epochs(epochs, idle, data, steps, images),
        *_unpaired(backbone, data),
        f"model         {backbone.name}, {backbone.dimensions} dimensions, {weights:.0f} MiB",
        f"memory        about {4 * weights + activations + vectors:.0f} MiB beside the libraries",
        f"disk          about {4 * weights + 2 * vectors:.0f} MiB in {folder}",
    ]


def _epochs(epochs: int, idle: str, data: TripletData, steps: int, images: int) -> list[str]:
    """What an epoch is, and how many there are; or why there is none."""
    if idle:
        return [f"epochs        none: {idle}"]
    task = data.task
    to_embed = len(task.rows(("train", "val"))) + len(task.artworks)
    return [
        f"epoch         {counted(steps, 'step')} of {counted(images, 'image')} at "
        f"{data.images.reading.size} px, then {to_embed} to embed",
        f"epochs        {epochs}",
    ]


def _unpaired(backbone: Backbone, data: TripletData) -> list[str]:
    """What it costs to embed the drawings without a pair, by the rate of this processor."""
    count = data.task.unpaired
    if not count:
        return []
    rate = images_per_second(backbone, data.images.reading.size)
    seconds = "" if rate is None else f", about {count / rate:,.0f} s at {rate:.0f} images/s"
    return [
        f"unpaired      {count} drawings to embed at the end{seconds} "
        "(embed.unpaired=false leaves them out)"
    ]


def images_per_second(backbone: Backbone, size: int) -> float | None:
    """How fast this processor embeds images; None where a GPU will do it."""
    if torch.cuda.is_available():
        return None
    images = torch.zeros(RATED, 3, size, size, dtype=torch.uint8)
    backbone.eval()
    with torch.inference_mode():
        backbone(images[:1])
        started = time.perf_counter()
        backbone(images)
    return RATED / (time.perf_counter() - started)


def activation_bytes(backbone: Backbone, size: int) -> int:
    """Bytes of all layer outputs for one image: what a training step keeps for the way back."""
    total = 0

    def count(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal total
        if isinstance(output, Tensor):
            total += output.numel() * output.element_size()

    leaves = [m for m in backbone.modules() if not list(m.children())]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    backbone.eval()
    with torch.inference_mode():
        backbone(torch.zeros(1, 3, size, size, dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    return total
