"""The files of the configuration: each composes, and fits what it configures."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from drawsim import __main__
from drawsim.common.building import config_folder, locate
from drawsim.common.configuration import (
    COMMANDS,
    SPACES,
    WITH_A_PLUS,
    compose,
    groups,
    options,
)
from drawsim.common.explaining import explained
from tests.common.options import OPTIONS

GROUPS = [group for group in groups("train") if group not in (WITH_A_PLUS, SPACES)]
STEPS = sorted(path.stem for path in (config_folder() / "step").glob("*.yaml"))
SCHEMES = sorted(path.stem for path in (config_folder() / "scheme").glob("*.yaml"))
REQUIRED = {
    ("backbone", "timm"): ["backbone.model=resnet18"],
    ("data", "folder"): ["data.root=x"],
    ("split", "file"): ["split.name=fold0"],
}
"""What an option leaves to the user to say."""


def overrides(group: str, option: str) -> list[str]:
    """The arguments that choose an option and give it what it must be given."""
    plus = "+" if group in (WITH_A_PLUS, SPACES) else ""
    return [f"{plus}{group}={option}", *REQUIRED.get((group, option), [])]


@pytest.mark.parametrize("group", GROUPS)
def test_numbers_are_of_one_kind_in_all_options_of_a_group(group: str) -> None:
    """Where one option says 0.5 and another 0, a user of the latter could not say 0.5."""
    kinds: dict[str, set[type]] = {}
    for path in (config_folder() / group).iterdir():
        for key, value in leaves(OmegaConf.to_container(OmegaConf.load(path))):
            if type(value) in (int, float):
                kinds.setdefault(key, set()).add(type(value))
    assert {key for key, found in kinds.items() if len(found) > 1} == set()


def leaves(config: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(config, dict):
        for name, value in config.items():
            yield from leaves(value, f"{key}.{name}")
    else:
        yield key, config


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_and_fits_what_it_configures(group: str, option: str) -> None:
    """Without making anything: names, and parameters against the signatures of their targets."""
    config = compose("train", overrides(group, option))
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    named = {
        "backbone": {"timm": "resnet18"},
        "data": {"folder": "x"},
        "split": {"file": "fold0"},
    }.get(group, {})
    if group == "rerank":  # several can be chosen, each lies under its name
        assert list(plain[group]) == [name for name in (option,) if name != "none"]
    elif group not in ("callbacks", WITH_A_PLUS, SPACES):  # these have no name of their own
        assert plain[group]["name"] == named.get(option, option)
    targets = list(nodes_with_targets(plain))
    assert len(targets) >= 6
    for key, node in targets:
        settings = {
            k: v for k, v in node.items() if k[0] != "_" and (k != "name" or key == "backbone")
        }
        if key == "loss":  # taken out where it is built
            assert settings.pop("distill") >= 0
        if key == "adapt":  # what is known and taken out only where it is built
            settings["dimensions"] = 8
            assert settings.pop("unlabelled") >= 0
        signature = inspect.signature(locate(node["_target_"]))
        bind = signature.bind_partial if node.get("_partial_") else signature.bind
        bind(**settings)


def nodes_with_targets(config: dict[str, Any], key: str = "") -> Iterator[tuple[str, Any]]:
    if "_target_" in config:
        yield key, config
    for name, value in config.items():
        if isinstance(value, dict):
            yield from nodes_with_targets(value, name)


def test_every_file_of_the_configuration_is_a_command_or_an_option() -> None:
    """Nothing lies about: a file for each command, and groups that some command chooses from."""
    files = [path for path in config_folder().rglob("*") if path.is_file()]
    tables = [path for path in files if path.suffix == ".csv"]
    assert {path.parts[-3] for path in tables} == {"scheme"}
    assert all(path.suffix == ".yaml" for path in files if path not in tables)
    places = {path.relative_to(config_folder()).parts[:-1] for path in files if path not in tables}
    taken = {group for command in __main__.COMMANDS for group in groups(command)}
    hydras = {("hydra", "launcher"), ("hydra", "sweeper")}
    # `ann` is chosen from by the setting of that name.
    assert places == {(place,) for place in (COMMANDS, "ann", *taken)} | hydras
    named = {path.stem for path in (config_folder() / COMMANDS).iterdir()}
    assert named == set(__main__.COMMANDS)


@pytest.mark.parametrize("command", __main__.COMMANDS)
def test_every_command_has_its_settings_and_its_help(command: str) -> None:
    config = compose(command, ["hydra.job.name=x"], with_hydra=True)
    assert f"drawsim {command}: " in config.hydra.help.header
    assert f"python -m drawsim.{command}" in config.hydra.help.footer
    shown = config.hydra.help.template
    assert all(f"{group}: {', '.join(options(group))}" in shown for group in groups(command))
    settings = shown.replace("$$", "$").partition("== Settings")[2].partition("\n")[2]
    own = yaml.safe_load(settings.partition("\nExamples\n")[0])
    assert {*compose(command)} - {*groups(command)} <= {*own}
    assert not config.hydra.job.chdir


@pytest.mark.parametrize("command", __main__.COMMANDS)
def test_every_setting_can_be_set(command: str) -> None:
    """None of them is called as a group of options that its command does not choose from."""
    names = [f"{name!s}=null" for name in compose(command) if name not in groups(command)]
    assert names
    compose(command, names)


def test_help_says_what_the_configuration_says_of_each_setting() -> None:
    shown = compose("annotate", ["hydra.job.name=x"], with_hydra=True).hydra.help.template
    assert "\n# annotators who see each drawing\noverlap: 1\n" in shown
    assert "# Judge candidates in a browser" not in shown
    assert "hydra:" not in shown


def test_help_shows_what_the_command_line_makes_of_settings() -> None:
    line = ["loss=infonce", "seed=7", "trainer.max_epochs=3", "+experiment=tiny"]
    shown = compose("train", ["hydra.job.name=x", *line], with_hydra=True).hydra.help.template
    assert "\n# loss=infonce: InfoNCE: cross-entropy of picking the drawing's own" in shown
    assert "\nloss:\n  # cosines are divided by it" in shown
    assert "\n# one number behind every random choice\nseed: 7\n" in shown
    assert "\n  max_epochs: 3\n" in shown
    assert "\nstudy: tiny-$${data.name}\n" in shown
    assert "\n# experiment=tiny: A run of some seconds" in shown
    assert "_target_" not in shown


def bare_lines(command: str, settings: dict[str, Any], chosen: dict[str, str]) -> set[str]:
    """Lines of the help that have a value, and no remark above."""
    lines = ["", *explained(command, settings, chosen).splitlines()]
    return {
        line
        for before, line in itertools.pairwise(lines)
        if re.match(r" *[\w.]+: .", line) and not before.lstrip().startswith("#")
    }


def read(file: Path) -> dict[str, Any]:
    """What a file of conf/ says, less what it is made of and Hydra's part."""
    own: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {
        key: "explained as a whole: its keys are names of columns" if key == "columns" else value
        for key, value in own.items()
        if key not in ("defaults", "hydra", "name")
    }


@pytest.mark.parametrize("command", __main__.COMMANDS)
def test_every_setting_is_explained(command: str) -> None:
    assert not bare_lines(command, read(config_folder() / COMMANDS / f"{command}.yaml"), {})


@pytest.mark.parametrize(
    "group", sorted({*groups("train"), *groups("prepare")} - {WITH_A_PLUS, SPACES})
)
def test_every_setting_of_an_option_is_explained(group: str) -> None:
    """Experiments choose and set what others explain."""
    for option in options(group):
        own = read(config_folder() / group / f"{option}.yaml")
        if group == "rerank":
            own = {option: own}
        settings = own if group in own else {group: own}
        assert not bare_lines("train", settings, {group: option})


@pytest.mark.parametrize("kind", ["launcher", "sweeper"])
def test_every_setting_of_hydras_plugins_is_explained(kind: str) -> None:
    for file in (config_folder() / "hydra" / kind).iterdir():
        pairs = itertools.pairwise(file.read_text(encoding="utf-8").splitlines())
        bare = [line for above, line in pairs if line[0] not in "#_" and above[0] != "#"]
        assert bare == [], file


@pytest.mark.parametrize("experiment", options(WITH_A_PLUS))
def test_every_experiment_has_a_space_of_settings_that_it_has(experiment: str) -> None:
    """It sets nothing else, which trials would not tell from each other."""
    file = config_folder() / SPACES / f"{experiment}.yaml"
    assert read(file) == {}
    searched = yaml.safe_load(file.read_text(encoding="utf-8"))["hydra"]["sweeper"]["params"]
    assert len(searched) >= 2
    compose("train", [f"+{WITH_A_PLUS}={experiment}", *(f"{key}=1" for key in searched)])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_step_composes_and_fits_what_it_configures(step: str, scheme: str) -> None:
    config = compose("prepare", [f"step={step}", f"scheme={scheme}", "source=x"])
    OmegaConf.set_struct(config, False)
    if "config_folders" in config.step.keys():  # noqa: SIM118  # a look at the value resolves it
        del config.step["config_folders"]  # Hydra knows these only while a command runs
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert plain["step"].pop("name") == step
    in_place = plain["step"].pop("in_place", False)
    assert in_place == (step in ("check", "splits", "styles", "trust"))
    assert plain["step"].pop("addresses", False) == (step == "iiif")
    assert plain["scheme"]["name"] == scheme
    signature = inspect.signature(locate(plain["step"].pop("_target_")))
    given = set(plain["step"]) | {"source", "out", "workers", "config_folders"}
    assert set(signature.parameters) | {"config_folders"} == given
