"""What a model is given of another one before it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.initial import Initial
from drawsim.models.model import Model
from drawsim.models.weights import weights_hash
from tests.learning.tiny import TinyNet, tiny_adaptation, tiny_backbone, tiny_model

LEARNT: dict[str, Any] = {"axes": "own", "keep": None, "learn": "axes"}


def model_of(seed: int, adaptation: Adaptation | None = None) -> Model:
    """A model whose weights, batch statistics too, are drawn from a seed."""
    torch.manual_seed(seed)
    model = tiny_model(tiny_backbone(), adaptation=adaptation)
    with torch.no_grad():
        for buffer in model.backbone.network.buffers():
            if buffer.is_floating_point():
                buffer.add_(torch.rand_like(buffer))
        if adaptation is not None:
            for parameter in adaptation.parameters():
                parameter.normal_()
    return model


def tensors(model: Model) -> dict[str, torch.Tensor]:
    return {name: each.clone() for name, each in model.backbone.network.state_dict().items()}


@given(strength=st.floats(0, 1))
def test_weights_lie_between_the_two(strength: float) -> None:
    own, other = model_of(1), model_of(2)
    before, given_ = tensors(own), tensors(other)
    Initial("RUN", other, strength=strength).give(own)
    for name, after in tensors(own).items():
        if after.is_floating_point():
            wanted = (1 - strength) * before[name].double() + strength * given_[name].double()
            assert torch.allclose(after.double(), wanted, atol=1e-6)
    assert all(torch.equal(each, given_[name]) for name, each in tensors(other).items())


@pytest.mark.parametrize("strength", [0, 0.0, 1, 1.0])
def test_the_ends_are_exact(strength: float) -> None:
    own, other = model_of(1), model_of(2)
    hashes = [weights_hash(each.backbone.network) for each in (own, other)]
    Initial("RUN", other, strength=strength).give(own)
    assert weights_hash(own.backbone.network) == hashes[int(strength)]


@pytest.mark.parametrize("learn", ["axes", "channels", "matrix"])
def test_what_is_learnt_is_taken_and_what_is_fitted_is_fitted_anew(learn: str) -> None:
    head = {**LEARNT, "learn": learn, "parts": [(3, 2)]}
    own, other = (model_of(n, tiny_adaptation(**head)) for n in (1, 2))
    assert own.adaptation is not None
    assert other.adaptation is not None
    rows = torch.nn.functional.normalize(torch.randn(20, TinyNet.num_features), dim=1)
    for model in (own, other):
        assert model.adaptation is not None
        model.adaptation.fit(rows[:8], rows[8:])
    means = own.adaptation.means.clone()
    before = weights_hash(own.backbone.network)
    Initial("RUN", other, network=False, strength=0.25).give(own)
    assert weights_hash(own.backbone.network) == before
    heads = own.adaptation.head, other.adaptation.head
    assert heads[0] is not None
    assert heads[1] is not None
    learnt = heads[1](rows)
    heads[1].scale(0.25)
    assert torch.allclose(heads[0](rows), heads[1](rows))
    assert not torch.allclose(learnt, heads[1](rows))
    assert torch.equal(own.adaptation.means, means)
    assert not own.adaptation.fitted  # so the next pass fits it


def test_the_network_alone() -> None:
    own, other = (model_of(n, tiny_adaptation(**LEARNT)) for n in (1, 2))
    assert own.adaptation is not None
    learnt = [each.clone() for each in own.adaptation.parameters()]
    Initial("RUN", other, adaptation=False).give(own)
    assert weights_hash(own.backbone.network) == weights_hash(other.backbone.network)
    for now, then in zip(own.adaptation.parameters(), learnt, strict=True):
        assert torch.equal(now, then)


def with_parts(model: Model) -> Model:
    model.backbone.parts = [(-1, 2)]
    return model


def wider() -> Backbone:
    network = TinyNet()
    network[0] = nn.Conv2d(3, 8, 5, stride=2)
    return Backbone("tiny", network, [127.0] * 3, [64.0] * 3, freeze_norm=True)


def other_levels() -> Backbone:
    return Backbone("tiny", TinyNet(), [120.0] * 3, [64.0] * 3, freeze_norm=True)


@pytest.mark.parametrize(
    ("own", "other", "said"),
    [
        (lambda: tiny_model(), lambda: tiny_model(wider()), "has 8×3×5×5 for 0.weight, .* 8×3×3×3"),
        (lambda: tiny_model(), lambda: tiny_model(other_levels()), "takes pixels as"),
        (
            lambda: tiny_model(adaptation=tiny_adaptation(**LEARNT)),
            lambda: with_parts(tiny_model(adaptation=tiny_adaptation(**LEARNT))),
            r"layout has the parts \[\[-1, 2\]\], that of this run none",
        ),
        (
            lambda: tiny_model(),
            lambda: tiny_model(adaptation=tiny_adaptation(**LEARNT)),
            "learnt from pairs, this run has none; choose adapt=",
        ),
        (
            lambda: tiny_model(adaptation=tiny_adaptation(**LEARNT | {"learn": "none"})),
            lambda: tiny_model(adaptation=tiny_adaptation(**LEARNT)),
            "this run learns nothing",
        ),
        (
            lambda: tiny_model(adaptation=tiny_adaptation(**LEARNT | {"power": 0.0})),
            lambda: tiny_model(adaptation=tiny_adaptation(**LEARNT)),
            "a power of 0.5 there, 0.0 here",
        ),
        (
            lambda: tiny_model(adaptation=tiny_adaptation(learn="axes")),
            lambda: tiny_model(adaptation=tiny_adaptation(learn="axes")),
            "principal axes",
        ),
    ],
)
def test_what_differs_is_a_line(own: Any, other: Any, said: str) -> None:
    initial = Initial("runs/a/b", other())
    with pytest.raises(UserError, match=f"^init=runs/a/b: .*{said}") as error:
        initial.give(own())
    assert "\n" not in str(error.value)


def test_an_adaptation_that_learnt_nothing_needs_no_partner() -> None:
    own, other = tiny_model(), tiny_model(adaptation=tiny_adaptation())
    initial = Initial("RUN", other)
    initial.give(own)
    assert initial.record()["adaptation"] is False
    assert initial.describe().startswith("the network of RUN (tiny, weights ")


def test_nothing_to_begin_with_is_a_line() -> None:
    for other in (tiny_model(), tiny_model(adaptation=tiny_adaptation())):
        with pytest.raises(UserError, match="init=RUN: its adaptation has learnt nothing"):
            Initial("RUN", other, network=False).check(tiny_model())


def test_it_says_which_weights_it_took() -> None:
    other = model_of(2, tiny_adaptation(**LEARNT))
    assert other.adaptation is not None
    assert Initial("runs/a/b", other, strength=0.5).record() == {
        "model": "runs/a/b",
        "network": True,
        "adaptation": True,
        "strength": 0.5,
        "weights_sha256": weights_hash(other.backbone.network),
        "adaptation_sha256": weights_hash(other.adaptation),
    }


def test_a_backbone_by_name_is_no_run(tmp_path: Path) -> None:
    parts: dict[str, Any] = {"network": True, "adaptation": True, "strength": 1.0}
    with pytest.raises(UserError, match="init=lite: no such run folder, checkpoint or index"):
        Initial.load("lite", **parts)
    with pytest.raises(UserError, match=f"init={tmp_path}: run={tmp_path}: no checkpoints/best"):
        Initial.load(str(tmp_path), **parts)
