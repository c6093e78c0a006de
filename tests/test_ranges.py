"""Numbers of factories: what no run can use is a line before anything is trained."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from drawsim.common.building import TARGET, build, config_folder
from drawsim.common.errors import UserError

REFERRED = {"image_size": 64, "seed": 0, "monitor": "val/mrr", "trainer": {"max_epochs": 3}}
OWN = {
    # of the run, see LEAST of its settings
    *("views", "passes", "layer_decay", "unlabelled", "first", "distill", "head_lr"),
    *("lr", "weight_decay", "momentum"),  # torch's, see `test_what_torch_refuses_is_a_line`
}


def made(group: str, settings: dict[str, Any]) -> Any:
    """What the settings of a group build."""
    if group == "optim":
        return build(settings["schedule"])
    if group == "pairs":
        return build(settings["view"])
    if group == "callbacks":
        return [build(one) for one in settings.values()]
    own = {key: value for key, value in settings.items() if key not in ("unlabelled", "distill")}
    return build(own, **({"dimensions": 8} if group == "adapt" else {}))


def numbers(settings: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from numbers(value, (*path, key))
        elif type(value) in (int, float) and key not in OWN:
            yield (*path, key)


def options(group: str) -> Iterator[dict[str, Any]]:
    for file in sorted((config_folder() / group).glob("*.yaml")):
        whole = OmegaConf.create({**REFERRED, group: OmegaConf.load(file)})
        found: Any = OmegaConf.to_container(whole[group], resolve=True)
        found.pop("defaults", None)
        if TARGET in str(found):
            yield found


@pytest.mark.parametrize(
    "group", ["aug", "loss", "miner", "optim", "adapt", "rerank", "pairs", "callbacks"]
)
def test_numbers_far_off_are_refused(group: str) -> None:
    tried = 0
    for settings in options(group):
        for *above, name in numbers(settings):
            for bad in (-(10**9), math.nan):
                wrong = copy.deepcopy(settings)
                place = wrong
                for key in above:
                    place = place[key]
                place[name] = bad if type(place[name]) is int and bad < 0 else float(bad)
                with pytest.raises(UserError):
                    made(group, wrong)
                tried += 1
    assert tried


def test_what_torch_refuses_is_a_line() -> None:
    from drawsim.workflows.parts import built_optimizer

    sgd = {TARGET: "torch.optim.SGD", "_partial_": True, "lr": 0.1}
    for wrong in ({"momentum": -1.0}, {"nesterov": True}, {"weight_decay": -1.0}):
        with pytest.raises(UserError, match=r"^optim\.optimizer: .+"):
            built_optimizer({**sgd, **wrong})
    assert built_optimizer(sgd)([torch.nn.Parameter(torch.zeros(1))])
