"""Weights from a hub that is really asked: a stand-in on the loopback interface."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub as hub
import pytest
import timm
import torch
from safetensors.torch import save, save_file

from drawsim.common.building import build
from drawsim.common.configuration import option
from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.hub import nothing_fetched
from tests.models.backbones.conftest import shallow_settings
from tests.models.backbones.hub_server import StandIn, serving
from tests.models.backbones.networks import pictures, random_model

TINY = "test_vit.r160_in1k"
WEIGHTS = "model.safetensors"


def published(server: StandIn, model: str, **settings: Any) -> dict[str, torch.Tensor]:
    """Random weights with a classifier, which the hub then has as those of a model."""
    torch.manual_seed(1)
    network = timm.create_model(model, pretrained=False, **settings)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    known = timm.get_pretrained_cfg(model)
    assert known is not None
    server.files[f"{known.hf_hub_id}/{WEIGHTS}"] = save(tensors)
    return tensors


@pytest.mark.parametrize(
    ("name", "size", "narrow"),
    [
        ("dinov3", 64, {"embed_dim": 64, "num_heads": 2}),
        ("siglip_so400m", 56, {"embed_dim": 64, "num_heads": 2}),
        ("eva02", 64, {"embed_dim": 64, "num_heads": 2}),
        ("convnextv2", 64, {"dims": (8, 16, 24, 32)}),
    ],
)
def test_an_option_takes_its_weights_from_the_hub(
    monkeypatch: pytest.MonkeyPatch, stand_in: StandIn, name: str, size: int, narrow: dict[str, Any]
) -> None:
    settings = option("backbone", name, image_size=size)
    small = {**shallow_settings(settings["model"]), **narrow}
    given = published(stand_in, settings["model"], **small)
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda *a, **s: create(*a, **s, **small))
    backbone: Backbone = build(settings, name=name)
    own = backbone.network.state_dict()
    # Positions are stretched to the size, and the classifier is left out.
    kept = [n for n in own if n in given and own[n].shape == given[n].shape]
    assert set(own) - set(kept) <= {"pos_embed"}
    assert all(torch.equal(own[n], given[n]) for n in kept)
    known = timm.get_pretrained_cfg(settings["model"])
    assert known is not None
    path = f"/{known.hf_hub_id}/resolve/main/{WEIGHTS}"
    assert [one for one in stand_in.asked if one[1] == path] == [("HEAD", path), ("GET", path)]
    with torch.inference_mode():
        rows = backbone.eval()(pictures(2, size))
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(2))


def test_what_was_fetched_is_kept(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    published(stand_in, TINY)
    first = random_model(TINY, 64, "own", pretrained=True).network.state_dict()
    stand_in.asked.clear()
    with nothing_fetched():
        kept = random_model(TINY, 64, "own", pretrained=True).network.state_dict()
    assert not [path for _, path in stand_in.asked if path.startswith("/timm")]
    monkeypatch.setattr(hub.constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody is there
    offline = random_model(TINY, 64, "own", pretrained=True).network.state_dict()
    assert all(torch.equal(first[n], kept[n]) and torch.equal(first[n], offline[n]) for n in first)


@pytest.mark.parametrize("model", [TINY, "test_vit3.r160_in1k"])
def test_a_file_at_another_size_is_as_from_the_hub(
    stand_in: StandIn, tmp_path: Path, model: str
) -> None:
    """Positions of patches are published at one size, and stretched as timm does."""
    tensors = published(stand_in, model)
    save_file(tensors, tmp_path / "weights.safetensors")
    from_hub = random_model(model, 64, "own", pretrained=True).network.state_dict()
    file = str(tmp_path / "weights.safetensors")
    from_file = random_model(model, 64, "own", weights=file).network.state_dict()
    assert from_hub["pos_embed"].shape != tensors["pos_embed"].shape
    assert from_hub.keys() == from_file.keys()
    for name, tensor in from_hub.items():
        torch.testing.assert_close(from_file[name], tensor)


def gone(server: StandIn) -> None:
    hub.constants.ENDPOINT = "http://127.0.0.1:9"


def damaged(server: StandIn) -> None:
    file = f"timm/{TINY}/{WEIGHTS}"
    server.files[file] = server.files[file][:1000]


FAULTS: dict[str, tuple[Any, str]] = {
    "gone": (gone, r"\(127\.0\.0\.1 does not answer\)\. Connect to the network once"),
    "no repository": (lambda s: s.files.clear(), r"has no such weights\)\. Look there"),
    "no file": (
        lambda s: s.files.update({f"timm/{TINY}/README.md": s.files.popitem()[1]}),
        r"has no such weights\)\. Look there",
    ),
    "gated": (
        lambda s: s.errors.update({f"timm/{TINY}": (403, "GatedRepo")}),
        r"not open to everyone\)\. Accept its terms there and log in \(hf auth login",
    ),
    "not logged in": (
        lambda s: s.errors.update({f"timm/{TINY}": (401, "GatedRepo")}),
        r"not open to everyone\)\. Accept its terms",
    ),
    "forbidden": (
        lambda s: s.errors.update({f"timm/{TINY}": (403, "")}),
        r"not open to everyone\)\. Accept its terms",
    ),
    "truncated": (lambda s: s.cut.add(f"timm/{TINY}"), r"Consistency check failed"),
    "damaged": (damaged, r"what came is damaged: .*\)\. Remove .*models--timm--test_vit"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hub_that_does_not_give_them_is_one_line_with_both_cures(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    published(stand_in, TINY)
    monkeypatch.setattr(hub.constants, "ENDPOINT", hub.constants.ENDPOINT)  # put back behind us
    cause, said = FAULTS[fault]
    cause(stand_in)
    with pytest.raises(UserError, match=said) as caught:
        random_model(TINY, 64, "own", pretrained=True)
    text = str(caught.value)
    assert text.startswith(f"backbone.model={TINY}: its weights could not be fetched from the hub")
    assert "or give a local file: backbone.weights=FILE" in text
    assert "\n" not in text


def test_the_variable_that_names_the_hub_is_followed(tmp_path: Path) -> None:
    """In a process of its own, for the client reads it once, as it is imported."""
    script = (
        "from drawsim.models.backbones.timm_models import from_timm\n"
        f"net = from_timm('x', '{TINY}', 'own', True, 64, True)\n"
        "print(float(net.network.cls_token.sum()))"
    )
    with serving(StandIn()) as server:
        given = published(server, TINY)
        names = {"HF_ENDPOINT": server.endpoint, "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **names},
            capture_output=True,
            text=True,
            check=True,
        )
    assert float(done.stdout) == pytest.approx(float(given["cls_token"].sum()))
