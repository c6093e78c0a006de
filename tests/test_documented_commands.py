"""Commands in README.md, docs/ and --help are such as drawsim takes: names, options, quotes."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from drawsim import __main__
from drawsim.common.arguments import as_texts
from drawsim.common.configuration import (
    SPACES,
    WITH_A_PLUS,
    chosen,
    composed,
    groups,
    options,
)
from tests.docs.pages import lines

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
HELPS = sorted((ROOT / "conf" / "commands").glob("*.yaml"))
OPTIONS = ("--help", "-m", "--multirun", "--cfg", "job", "--config-dir", "MYCONF")
OF_ONES_OWN = ("mine", "NAME")
"""Options of a user's own folder that pages speak of, and what stands for any."""


def commands() -> Iterator[tuple[str, str]]:
    """Page, and command line, of every command in a block of shell lines or a help text."""
    for file in HELPS:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))["hydra"]["help"]
        shown = f"{said['header']}\n{said['footer']}".splitlines()
        found = [line.strip() for line in shown if line.strip().startswith("python -m ")]
        assert any(f"drawsim.{file.stem}" in line for line in found), f"{file.stem}: no example"
        for line in found:  # what an example is for stands behind it, after three spaces
            yield f"{file.stem} --help", re.split(r"   +", line)[0]
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            for line in lines(block):
                if (command := of_drawsim(line)) is not None:
                    yield page.name, command


def of_drawsim(line: str) -> str | None:
    """The command of drawsim that a line is, or gives to a container or a job of a cluster."""
    if re.match(r"python -m drawsim\.|drawsim ", line):
        return line
    program, *words = shlex.split(line, comments=True)
    if program == "sbatch":
        return words[-1]
    if program == "docker":
        place = next((i for i, word in enumerate(words) if word in __main__.COMMANDS), None)
        return None if place is None else shlex.join(["drawsim", *words[place:]])
    return None


COMMANDS = sorted(set(commands()))


def value_of(settings: Mapping[str, Any], key: str) -> bool:
    """Whether there is such a setting; what is below a factory's argument is its own matter."""
    found: Any = settings
    for part in key.split("."):
        if not isinstance(found, Mapping):
            return False
        if part not in found:
            return "_target_" in found
        found = found[part]
    return True


HYDRAS = ("hydra/", "hydra.")


def own_of_hydra(key: str, arguments: list[str]) -> bool:
    """Whether a launcher or sweeper is one of ours, or a setting is one that it has."""
    chosen_ones = dict(text.split("=", 1) for text in arguments if text.startswith("hydra/"))
    if key.startswith("hydra/"):
        return chosen_ones[key] in options(key)
    kind, _, setting = key.removeprefix("hydra.").partition(".")
    name = chosen_ones.get(f"hydra/{kind}", "optuna")
    text = (ROOT / "conf/hydra" / kind / f"{name}.yaml").read_text(encoding="utf-8")
    return f"\n{setting}:" in text


def test_there_are_some() -> None:
    assert len(COMMANDS) > 30


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_documented_command_is_one(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    words = words[2:] if words[0] == "python" else words[1:]
    command = words[0].removeprefix("drawsim.")
    module = importlib.import_module(f"drawsim.{command}")
    given = [word for word in words[1:] if word not in OPTIONS and "=" in word]
    sweep = "-m" in words or any(word.startswith(f"+{SPACES}=") for word in words)
    texts, lists = getattr(module, "TEXTS", ()), getattr(module, "LISTS", ())
    arguments = as_texts(given, texts, lists, sweep=sweep)
    own = [word for word in arguments if word.partition("=")[2] in OF_ONES_OWN]
    choices = [
        word
        for word in chosen(command, arguments)
        if word not in own and not OverridesParser.create().parse_override(word).is_sweep_override()
    ]
    settings = composed(command, tuple(choices), None).settings
    for override in OverridesParser.create().parse_overrides(arguments):
        key = override.key_or_group
        assert sweep or not override.is_sweep_override(), f"{page}: {line}: {key} is a sweep"
        if key in groups(command):
            plus = key in (WITH_A_PLUS, SPACES)
            assert override.is_add() == plus, f"{page}: {line}: {key} and a plus"
            if not override.is_sweep_override():
                known = {*options(key), *OF_ONES_OWN}
                assert override.value() in known, f"{page}: {line}: {key}"
        elif key.startswith(HYDRAS):
            assert own_of_hydra(key, arguments), f"{page}: {line}: {key}"
        else:
            assert value_of(settings, key), f"{page}: {line}: no setting {key}"
