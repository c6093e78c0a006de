"""What a dry run says, against what a run does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from drawsim.collection.splits import make_split
from drawsim.collection.tables import Collection
from drawsim.common.words import counted
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.plan import MIB, activation_bytes, describe_plan
from drawsim.learning.training.samples import EpochChoice
from drawsim.models.backbones.backbone import Backbone
from drawsim.pixels.reading import Reading
from drawsim.pixels.thesis_transforms import augmentation
from drawsim.retrieval.task import make_task
from tests.learning.tiny import NO_AUGMENTATION, as_process, tinted

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


def make_data(
    collection: Collection,
    *,
    grouped: bool,
    batch_size: int = 2,
    copies: tuple[str, ...] = (),
    **changes: Any,
) -> TripletData:
    task = make_task(collection, make_split(collection.true_pairs, "v0"))
    settings: dict[str, Any] = {"passes": 1, "views": 0, "view": tinted, **changes}
    plain = NO_AUGMENTATION | {"size": SIZE, "styles": copies}
    return TripletData(
        task,
        drawings=list(collection.paths("drawing", task.drawings).values()),
        artworks=list(collection.paths("artwork", task.artworks).values()),
        augmentation=augmentation(exact=bool(copies), **plain),
        reading=Reading(SIZE),
        batch_size=batch_size,
        grouped=grouped,
        embed_batch_size=4,
        augmented_val=False,
        frozen=False,
        workers=0,
        seed=0,
        **settings,
    )


def chosen(data: TripletData, negatives: int) -> EpochChoice:
    """So many negatives for everything that an epoch trains on."""

    def rows(n: int, width: int) -> Tensor:
        return torch.zeros(n, width, dtype=torch.int64)

    drawings, views = len(data.task.drawings), data.choose_views(0)
    some, of_views = rows(drawings, negatives), rows(len(views), negatives)
    return EpochChoice(some, rows(drawings, 1), views, of_views, views[:, None])


def test_bytes_of_layer_outputs(backbone: Backbone) -> None:
    assert activation_bytes(backbone, SIZE) == 4 * 8 * (8 * 8 + 8 * 8 + 1)
    assert activation_bytes(backbone, 2 * SIZE) == 4 * 8 * (16 * 16 + 16 * 16 + 1)


def test_counting_leaves_no_trace(backbone: Backbone) -> None:
    activation_bytes(backbone, SIZE)
    assert all(not module._forward_hooks for module in backbone.modules())


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
@pytest.mark.parametrize(
    "more", [{}, {"passes": 3}, {"views": 5}, {"views": 99}, {"copies": ("oil", "pencil_gray")}]
)
def test_steps_and_images_are_those_of_an_epoch(
    backbone: Backbone,
    collection: Collection,
    grouped: bool,
    batch_size: int,
    more: dict[str, Any],
) -> None:
    data = make_data(collection, grouped=grouped, batch_size=batch_size, **more)
    as_process(data, 0, 1)
    data.choice = chosen(data, 3)
    batches: Any = data.train_dataloader().batch_sampler
    images = [sum(2 + len(spec.negatives) for spec in batch) for batch in batches]
    embedded = len(data.task.rows(("train", "val"))) + 12
    text = "\n".join(describe_plan(backbone, data, 3, 5, Path("runs/x")))
    assert f"{counted(len(images), 'step')} of {max(images)} images at {SIZE} px" in text
    assert f"then {embedded} to embed" in text


def test_a_plan_names_counts_model_and_place(backbone: Backbone, collection: Collection) -> None:
    data = make_data(collection, grouped=True)
    lines = describe_plan(backbone, data, 3, 5, Path("runs/x"))
    plan = {line[:14].strip(): line[14:] for line in lines}
    counts = {name: len(rows) for name, rows in data.task.queries.items()}
    assert sum(counts.values()) == 7
    assert plan["gallery"] == "12 artworks"
    assert plan["queries"] == ", ".join(f"{k} {v}" for k, v in counts.items()) + " drawings"
    pairs = len(data.task.train_pairs)
    assert plan["training"] == f"{pairs} pairs and 0 simulated ones, 3 negatives each"
    assert plan["epochs"] == "5"
    assert plan["model"].startswith("net, 8 dimensions")
    assert plan["disk"].endswith("in runs/x")


def test_a_plan_counts_views_and_every_pass_and_copy(
    backbone: Backbone, collection: Collection
) -> None:
    more: dict[str, Any] = {"passes": 2, "views": 7, "copies": ("oil",)}
    data = make_data(collection, grouped=True, **more)
    text = "\n".join(describe_plan(backbone, data, 4, 5, Path("runs/x")))
    pairs = 4 * len(data.task.train_pairs)
    assert f"{pairs} pairs and 7 simulated ones, 4 negatives each" in text


def test_memory_grows_with_the_batch_and_the_weights(collection: Collection) -> None:
    def memory(width: int, batch_size: int) -> int:
        net = Net()
        net.layers.append(nn.Conv2d(8, width, 1))
        backbone = Backbone("net", net, (0.0,) * 3, (1.0,) * 3, freeze_norm=False)
        data = make_data(collection, grouped=True, batch_size=batch_size)
        [line] = [m for m in describe_plan(backbone, data, 3, 1, Path()) if m.startswith("memory")]
        return int(re.findall(r"\d+", line)[0])

    width = 2**20
    weights = 4 * (8 + 1) * width / MIB  # the other layers are too small to show
    outputs = 4 * width / MIB  # of one image
    for batch_size in (1, 2):
        images = batch_size * (2 + 3)
        expected = 4 * weights + images * outputs
        assert memory(width, batch_size) == pytest.approx(expected, abs=1.5)
