"""What an adaptation learns has a rate of its own, beside those of the network's layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import timm
import torch

from drawsim.learning.losses.triplet import TripletCosineLoss
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.schedules import Constant
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from tests.learning.tiny import axis_weights, tiny_model


def matcher(head_lr: float | None, decay: float, frozen: bool) -> Matcher:
    network = timm.create_model("test_vit", num_classes=0)
    backbone = Backbone("small", network, [0.0] * 3, [1.0] * 3, freeze_norm=False)
    if frozen:
        backbone.freeze()
    adaptation = Adaptation(
        backbone.dimensions, axes="own", keep=None, power=0.5, neighbours=None, learn="axes"
    )
    return Matcher(
        model=tiny_model(backbone, adaptation=adaptation),
        loss=TripletCosineLoss(0.1, "mean"),
        optimizer=partial(torch.optim.AdamW, lr=0.01, weight_decay=0.3),
        schedule=Constant(),
        in_batch_negatives=False,
        cross_batch_memory=False,
        layer_decay=decay,
        seed=0,
        head_lr=head_lr,
    )


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("decay", [1, 0.7])
@pytest.mark.parametrize("head_lr", [None, 0.3])
def test_every_parameter_has_the_rate_that_is_meant(
    head_lr: float | None, decay: float, frozen: bool
) -> None:
    module = matcher(head_lr, decay, frozen)
    groups: list[dict[str, Any]] = module.configure_optimizers().param_groups
    rate = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert len(rate) == sum(len(group["params"]) for group in groups)  # each in one group
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    assert set(rate) == {id(parameter) for parameter in trained}
    head = axis_weights(module.adaptation)
    assert rate.pop(id(head)) == pytest.approx(head_lr or 0.01)
    if frozen:
        assert not rate
    elif decay == 1:
        assert set(rate.values()) == {0.01}
    else:
        assert max(rate.values()) == pytest.approx(0.01)
        assert min(rate.values()) < 0.01
