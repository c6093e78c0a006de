"""A vision transformer of which only an adapter is trained, from a command line to its model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from drawsim.collection.tables import Collection
from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.common.launch import to_plain
from drawsim.models.adapters import BASE, DOWN, UP
from drawsim.models.model import Model
from drawsim.models.weights import OWN_PREFIX, read_weights
from drawsim.retrieval.embeddings import kind_path, load_embeddings
from drawsim.workflows.parts import make_module
from drawsim.workflows.settings import TrainSettings
from drawsim.workflows.train import train

SIZE = 32
CHOSEN = (
    *("data=folder", f"image_size={SIZE}", "backbone=timm", "backbone.model=test_vit"),
    *("backbone.pretrained=false", "adapter=lora", "adapter.rank=2", "layout=none", "rerank=none"),
    *("freeze=auto", "freeze_below=1", "keep=last", "decide=none", "logger=csv", "workers=0"),
    *("optim.optimizer.lr=0.01", "trainer.max_epochs=1", "adapt.learn=axes"),
)


def settings(root: Path, *changes: str) -> TrainSettings:
    values = to_plain(compose("train", [*CHOSEN, f"data.root={root}", *changes]))
    return TrainSettings.of({**values, "name": "n"})


def tensors(run: Path) -> dict[str, Any]:
    """Of the network, in the checkpoint of a run."""
    found = torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    own = {name: each for name, each in found.items() if name.startswith(OWN_PREFIX)}
    return {name.removeprefix(OWN_PREFIX): each for name, each in own.items()}


def test_only_the_adapter_is_trained_and_the_model_of_the_run_has_it_folded_in(
    collection_root: Path, collection: Collection, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    run = tmp_path / "run"
    train(settings(collection_root), run)
    first = tensors(run)
    learnt = {name for name in first if name.endswith((DOWN, UP))}
    assert learnt
    assert all(float(first[name].abs().max()) > 0 for name in learnt)

    model = Model.load(run)
    own = model.backbone.network.state_dict()
    kept = {name.replace(f"{BASE}.", "."): each for name, each in first.items()}
    changed = {name for name in own if not torch.equal(own[name], kept[name])}
    assert changed == {name.replace(UP, ".weight") for name in learnt if name.endswith(UP)}

    gallery = load_embeddings(kind_path(run / "embeddings/final", "artwork"))
    made = model.embed(collection.paths("artwork"), "artwork", store=tmp_path / "store")
    torch.testing.assert_close(made.of(gallery.ids).vectors, gallery.vectors, atol=1e-5, rtol=1e-4)
    with safe_open(kind_path(run / "embeddings/final", "artwork"), framework="pt") as file:
        assert file.metadata()["weights_sha256"] == model.describe()["weights_sha256"]

    with pytest.raises(UserError, match="trained with adapter=lora"):
        read_weights(run / "checkpoints/best.ckpt")
    again = settings(collection_root, f"init.model={run}", "trainer.max_epochs=0")
    module = make_module(again, 9)
    assert module.initial is not None
    module.initial.give(module.model)
    given = module.backbone.network.state_dict()
    assert all(torch.equal(given[name], each) for name, each in own.items())

    train(settings(collection_root, "resume=true", "trainer.max_epochs=2"), run)
    record = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert (record["status"], record["epochs"]) == ("finished", 2)
    second = tensors(run)
    assert {name for name in first if not torch.equal(second[name], first[name])} == learnt


def test_what_leaves_nothing_to_train_or_nothing_to_adapt_is_a_line(collection_root: Path) -> None:
    pytest.importorskip("peft")
    with pytest.raises(UserError, match="adapter=lora with freeze=true leaves nothing to train"):
        make_module(settings(collection_root, "freeze=true"), 9)
    few = make_module(settings(collection_root, "freeze_below=50"), 9)
    assert few.adapter is None
    assert few.backbone.frozen
