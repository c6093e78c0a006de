"""Settings of a training run: what cannot be is a line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from omegaconf import OmegaConf

from drawsim.common.building import TARGET, check_types, locate
from drawsim.common.configuration import OR_NULL, check_values, compose
from drawsim.common.errors import UserError
from drawsim.pixels.transforms import Augmentation
from drawsim.workflows.settings import (
    NEEDED,
    BatchSettings,
    TrainSettings,
    check_init,
    check_numbers,
    filled,
)

CHOICES = (
    "data=demo",
    "data=folder data.root=x",
    "adapt=hubs pairs=drawings callbacks=early_stopping",
    "optim=sgd rerank=spatial layout=grids",
    "aug=style miner=mixed loss=infonce",
)


@cache
def composed(choices: str) -> dict[str, Any]:
    """The configuration with these choices, nothing resolved."""
    return dict(OmegaConf.to_container(compose("train", choices.split())))  # type: ignore[arg-type]


def places(settings: dict[str, Any], key: str = "") -> Iterator[tuple[dict[str, Any], str, str]]:
    """Every setting: the mapping that it lies in, its name, its dotted name."""
    for name, value in list(settings.items()):
        yield settings, name, f"{key}{name}"
        if isinstance(value, dict):
            yield from places(value, f"{key}{name}.")


def complaint(settings: dict[str, Any], choices: str) -> str:
    try:
        check_values("train", settings, choices.split(), None)
        check_numbers(settings)
    except UserError as error:
        return str(error)
    return ""


def complaint_of(factory: str, name: str) -> str:
    passed_on = [Augmentation] if factory.endswith("thesis_transforms.augmentation") else []
    try:
        for each in (locate(factory), *passed_on):
            check_types(each, {name: None})
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("choices", CHOICES)
def test_null_is_a_line_wherever_no_null_is_meant(choices: str) -> None:
    """Of every setting: null by default, or with a meaning of its own, or a line."""
    settings = composed(choices)
    meant = set()
    for mapping, name, key in places(settings):
        if (before := mapping[name]) is None or name in (TARGET, "_partial_"):
            continue
        mapping[name] = None
        said = complaint(settings, choices) or (
            TARGET in mapping and complaint_of(mapping[TARGET], name)
        )
        mapping[name] = before
        if said:
            assert f"{name}=null: " in said
            assert "\n" not in said
        else:
            meant.add(key)
    by_factories = {"adapt.keep", "adapt.neighbours", "miner.near_duplicate_similarity"}
    by_factories |= {"backbone.image_size"}
    of_torch = {key for key in meant if key.startswith("optim.optimizer.")}
    assert meant - of_torch <= OR_NULL | by_factories


@pytest.mark.parametrize("bad", ["x", [3], {"a": 1}, True, 1.5])
@pytest.mark.parametrize("name", ["artworks", "pairs", "seed"])
def test_the_demo_takes_whole_numbers_alone(name: str, bad: object) -> None:
    settings = composed("data=demo")
    demo = settings["data"]["demo"]
    with pytest.raises(UserError, match=f"^{name}=.*: must be a whole number"):
        check_types(locate(demo[TARGET]), {name: bad})


def test_settings_are_of_their_types() -> None:
    with pytest.raises(
        UserError, match=r"^batch\.size=null: must be a whole number; batch\.flip=1: "
    ):
        filled(BatchSettings, {"size": None, "flip": 1}, "batch.")


def test_a_number_may_be_a_name() -> None:
    plain = OmegaConf.to_container(compose("train", ["study=2024", "name=7"]), resolve=True)
    made = TrainSettings.of(plain)  # type: ignore[arg-type]
    assert (made.study, made.name) == ("2024", "7")


@pytest.mark.parametrize("key", NEEDED)
def test_null_where_a_value_is_needed(key: str) -> None:
    values: object = None
    for part in reversed(key.split(".")):
        values = {part: values}
    assert isinstance(values, dict)
    with pytest.raises(UserError, match=f"^{key}=null: give a value$"):
        check_numbers(values)


def test_what_is_not_there_is_not_null() -> None:
    check_numbers({"seed": 0, "backbone": {}})


@pytest.mark.parametrize("key", ["study", "name"])
@pytest.mark.parametrize("text", ["", "..", ".", "a/b", "/etc/x", "../x", "a\\b", "a\0b"])
def test_names_that_lead_elsewhere(key: str, text: str) -> None:
    with pytest.raises(UserError, match="is the name of one folder"):
        check_numbers({key: text})


@pytest.mark.parametrize("text", ["lite-seed0", "my runs (1)", "ünï,code", "..x"])
def test_names_of_folders(text: str) -> None:
    check_numbers({"study": text, "name": text})


@pytest.mark.parametrize("parts", [3, [3], [[1]], [[-2, 4.5]], [[-2, True]], "x"])
def test_a_layout_that_is_none(parts: object) -> None:
    with pytest.raises(UserError, match="must be pairs of a map and its cells"):
        check_numbers({"layout": {"parts": parts}})


@pytest.mark.parametrize("parts", [None, [[-2, 4], [-1, 2]]])
def test_a_layout(parts: object) -> None:
    check_numbers({"layout": {"parts": parts}})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": None, "strength": 0.5}, r"init.strength=0.5: of which run\? .*init=RUN"),
        ({"model": None, "network": False}, "init.network=false: of which run"),
        ({"model": "R", "network": False, "adaptation": False}, "leave nothing to begin with"),
    ],
)
def test_what_to_begin_with_that_is_nothing(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_init(values)


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_a_strength_out_of_bounds(strength: float) -> None:
    with pytest.raises(UserError, match=f"init.strength={strength}: must be"):
        check_numbers({"init": {"strength": strength}})


@pytest.mark.parametrize("values", [{}, {"model": None}, {"model": "RUN", "strength": 0}])
def test_what_to_begin_with(values: dict[str, Any]) -> None:
    check_init(values)


def test_what_is_decided_by_itself_may_be_so_beside_a_recipe() -> None:
    """`freeze=auto`, though `+experiment=tiny` has it false."""
    for value in ("auto", "true", "false"):
        arguments = ["+experiment=tiny", f"freeze={value}"]
        settings: Any = OmegaConf.to_container(compose("train", arguments))
        check_values("train", settings, arguments, None)
