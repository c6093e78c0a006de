"""What a dry run says, against what a run does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from drawsim.collection.splits import make_split
from drawsim.collection.tables import Collection
from drawsim.learning.backbones import Backbone
from drawsim.learning.data import TripletBatches, TripletData
from drawsim.learning.plan import MIB, activation_bytes, describe_plan
from drawsim.pixels.transforms import Augmentation
from drawsim.retrieval.task import make_task

SIZE = 16


class Net(nn.Module):
    """8 channels at half the side, pooled: 4 × 8 × (8·8 + 8·8 + 1) bytes for an image of 16 px."""

    num_features = 8

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.layers(x), 1)


@pytest.fixture
def backbone() -> Backbone:
    return Backbone("net", Net(), (127.0,) * 3, (128.0,) * 3, freeze_norm=False)


def make_data(collection: Collection, *, grouped: bool, batch_size: int = 2) -> TripletData:
    task = make_task(collection, make_split(collection.true_pairs, "v0"))
    return TripletData(
        task,
        drawings=list(collection.drawing_paths(task.drawings).values()),
        artworks=list(collection.artwork_paths(task.artworks).values()),
        augmentation=Augmentation(
            size=SIZE,
            crop_scale=(1, 1),
            crop_ratio=(1, 1),
            oversize=1,
            jitter=0,
            flip=0,
            rotate=0,
            gray=0,
            styles=[],
            style_p=0,
        ),
        image_size=SIZE,
        batch_size=batch_size,
        grouped=grouped,
        embed_batch_size=4,
        negatives_per_pair=3,
        workers=0,
        seed=0,
        max_pixels=10**6,
    )


def test_bytes_of_layer_outputs(backbone: Backbone) -> None:
    assert activation_bytes(backbone, SIZE) == 4 * 8 * (8 * 8 + 8 * 8 + 1)
    assert activation_bytes(backbone, 2 * SIZE) == 4 * 8 * (16 * 16 + 16 * 16 + 1)


def test_counting_leaves_no_trace(backbone: Backbone) -> None:
    activation_bytes(backbone, SIZE)
    assert all(not module._forward_hooks for module in backbone.modules())


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
def test_steps_and_images_are_those_of_an_epoch(
    backbone: Backbone, collection: Collection, grouped: bool, batch_size: int
) -> None:
    data = make_data(collection, grouped=grouped, batch_size=batch_size)
    batches = list(
        TripletBatches(
            data.task.train_pairs,
            data.task.positives,
            lambda: torch.zeros(len(data.task.drawings), 3, dtype=torch.int64),
            lambda: 0,
            batch_size=batch_size,
            negatives_per_pair=3,
            grouped=grouped,
            seed=0,
            rank=0,
            world=1,
        )
    )
    images = [sum(2 + len(spec.negatives) for spec in batch) for batch in batches]
    embedded = len(data.task.rows(("train", "val"))) + 12
    text = "\n".join(describe_plan(backbone, data, 5, Path("runs/x")))
    assert f"{len(batches)} steps of {max(images)} images at {SIZE} px" in text
    assert f"then {embedded} to embed" in text


def test_a_plan_names_counts_model_and_place(backbone: Backbone, collection: Collection) -> None:
    data = make_data(collection, grouped=True)
    lines = describe_plan(backbone, data, 5, Path("runs/x"))
    plan = {line[:14].strip(): line[14:] for line in lines}
    counts = {name: len(rows) for name, rows in data.task.queries.items()}
    assert sum(counts.values()) == 7
    assert plan["gallery"] == "12 artworks"
    assert plan["queries"] == ", ".join(f"{k} {v}" for k, v in counts.items()) + " drawings"
    assert plan["training"] == f"{len(data.task.train_pairs)} pairs, 3 negatives each"
    assert plan["epochs"] == "5"
    assert plan["model"].startswith("net, 8 dimensions")
    assert plan["disk"].endswith("in runs/x")


def test_memory_grows_with_the_batch_and_the_weights(collection: Collection) -> None:
    def memory(width: int, batch_size: int) -> int:
        net = Net()
        net.layers.append(nn.Conv2d(8, width, 1))
        backbone = Backbone("net", net, (0.0,) * 3, (1.0,) * 3, freeze_norm=False)
        data = make_data(collection, grouped=True, batch_size=batch_size)
        [line] = [m for m in describe_plan(backbone, data, 1, Path()) if m.startswith("memory")]
        return int(re.findall(r"\d+", line)[0])

    width = 2**20
    weights = 4 * (8 + 1) * width / MIB  # the other layers are too small to show
    outputs = 4 * width / MIB  # of one image
    for batch_size in (1, 2):
        images = batch_size * (2 + 3)
        expected = 4 * weights + images * outputs
        assert memory(width, batch_size) == pytest.approx(expected, abs=1.5)
