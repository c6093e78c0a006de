"""Ids and file names on the command line, taken as they are written.

To Hydra 1995_14 is a number, a comma begins a sweep, and ê is no letter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

_ELEMENT = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,]*?)\s*(?:,|$)""")
_MEANT_SO = ("'", '"', "{")
"""What a value begins with that is left to Hydra."""


def as_texts(arguments: Sequence[str], keys: Collection[str]) -> list[str]:
    """The arguments, with the values of these settings, or the parts of a [list], as texts.

    Values in quotes, mappings and `null` stay as they are.

    >>> as_texts(["id=1995_14", "box=1,2,3,4", "image=[a b.png,'c,d.png']", "k=3"],
    ...          ["id", "box", "image"])
    ["id='1995_14'", "box='1,2,3,4'", "image=['a b.png','c,d.png']", 'k=3']
    """
    return [_as_text(argument, keys) for argument in arguments]


def listed(value: Any) -> list[str]:
    """The texts of a setting: none, one or several."""
    if value is None:
        return []
    return [str(value)] if isinstance(value, str | int | float | Path) else [str(v) for v in value]


def words_first(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words in front of the settings, and the rest of a command line.

    >>> words_first(["user", "add", "ada", "role=reviewer", "--cfg", "job"])
    (['user', 'add', 'ada'], ['role=reviewer', '--cfg', 'job'])
    """
    count = 0
    while count < len(arguments) and not ("=" in arguments[count] or arguments[count][:1] in "-+~"):
        count += 1
    return list(arguments[:count]), list(arguments[count:])


def _as_text(argument: str, keys: Collection[str]) -> str:
    key, sign, value = argument.partition("=")
    value = value.strip()
    if not sign or key not in keys or value in ("", "null") or value.startswith(_MEANT_SO):
        return argument
    if value.startswith("[") and value.endswith("]"):
        inner = value[1:-1]
        parts = [match[1] for match in _ELEMENT.finditer(inner) if match[1]]
        return f"{key}=[{','.join(quoted(part) for part in parts)}]"
    return f"{key}={quoted(value)}"


def quoted(text: str) -> str:
    """The text in quotes as Hydra reads them: backslashes count only before a quote."""
    if text.startswith(_MEANT_SO[:2]):
        return text
    inner = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), text)
    return f"'{inner}'"
