"""The settings of a command with what `conf/` says of each: what `--help` shows."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from drawsim.common.building import LABEL, PARTIAL, TARGET, config_folder

HIDDEN = (LABEL, TARGET, PARTIAL)
"""What an option says of itself: no setting, unless it is left to the user."""
WIDTH = 100
_KEY = re.compile(r"( *)([\w.-]+):(?: (.*))?$")
_PACKAGE = re.compile(r"# @package (\S+)$")
"""Where an option's settings go, unless under the name of its group."""


@dataclass
class Remarks:
    """What a file says: of itself, in the lines at its top; of settings, by dotted key.

    apart: settings that an empty line sets apart from those before. above: other options of the
    group that it begins with.
    """

    of_itself: list[str] = field(default_factory=list)
    of_settings: dict[str, list[str]] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    above: list[str] = field(default_factory=list)


def explained(command: str, settings: Mapping[str, Any], chosen: Mapping[str, str]) -> str:
    """All settings as YAML, each with its remark: a command's own, then those of its groups.

    settings: of the whole command, not resolved. chosen: the option of each group.
    """
    own = read_remarks(config_folder() / "commands" / f"{command}.yaml")
    groups = [group for group in chosen if group in settings or (config_folder() / group).is_dir()]
    lines: list[str] = []
    for key in settings:
        if key not in groups:
            lines += _lines(key, settings[key], key, [own], 0)
    for group in groups:
        lines += ["", *_heading(group, chosen[group])]
        if group in settings and isinstance(settings[group], Mapping):
            remarks = [own, *_of_group(group, chosen[group])]
            lines += _lines(group, settings[group], group, remarks, 0)
    return "\n".join(lines).strip("\n")


def read_remarks(file: Path, prefix: str = "") -> Remarks:
    """What a file of `conf/` says, if it is there. prefix: the group's, for its keys."""
    found = Remarks()
    said: list[str] = []
    path: list[tuple[int, str]] = []
    apart = False
    first = True
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    for package in filter(None, map(_PACKAGE.match, lines)):
        prefix = "" if package[1] == "_global_" else f"{package[1]}."
    for line in lines:
        text = line.strip()
        if text.startswith("#"):
            said += [] if _PACKAGE.match(text) else [text]
        elif match := _KEY.match(line):
            indent, key = len(match[1]), match[2]
            path = [*((i, k) for i, k in path if i < indent), (indent, key)]
            if first:
                found.of_itself, said, first = said, [], False
            dotted = prefix + ".".join(k for _, k in path)
            found.of_settings.setdefault(dotted, said)
            found.apart |= {dotted} if apart else set()
            said, apart = [], False
        elif path and path[0][1] == "defaults" and text.startswith("- ") and ":" not in text:
            found.above.append(text.removeprefix("- "))
        elif not text:
            apart = True
    return found


def _heading(group: str, option: str) -> list[str]:
    """What an option says of itself."""
    file = config_folder() / group / f"{option}.yaml"
    said = " ".join(line.lstrip("# ") for line in read_remarks(file).of_itself)
    return textwrap.wrap(
        f"{group}={option}" + (f": {said}" if said else ""),
        WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
    )


def _of_group(group: str, option: str) -> Iterator[Remarks]:
    """What is said of an option's settings: by its file, those it begins with, any other."""
    folder = config_folder() / group
    waiting = [option, *sorted(path.stem for path in folder.glob("*.yaml"))]
    done: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name not in done:
            done.add(name)
            remarks = read_remarks(folder / f"{name}.yaml", f"{group}.")
            waiting = [*remarks.above, *waiting]
            yield remarks


def _lines(
    key: str, value: Any, dotted: str, remarks: Sequence[Remarks], depth: int
) -> Iterator[str]:
    """A setting, and all below it, with what is said of each."""
    indent = "  " * depth
    if any(dotted in each.apart for each in remarks):
        yield ""
    said = (each.of_settings.get(dotted) for each in remarks)
    yield from (indent + line for line in next((one for one in said if one), []))
    if isinstance(value, Mapping):
        inner = {k: v for k, v in value.items() if k not in HIDDEN or v == "???"}
        if inner:
            yield f"{indent}{key}:"
        for name, below in inner.items():
            yield from _lines(name, below, f"{dotted}.{name}", remarks, depth + 1)
    elif isinstance(value, str) and "\n" in value:
        yield f"{indent}{key}: |"
        yield from (f"{indent}  {line}" for line in value.splitlines())
    else:
        plain = yaml.safe_dump(
            value, default_flow_style=True, allow_unicode=True, width=float("inf")
        )
        yield f"{indent}{key}: {plain.removesuffix('...' + chr(10)).strip()}"
