"""The command line as people type it: file names, ids and words are taken as they are written.

To Hydra 1995_14 is a number, a comma begins a sweep, ê is no letter, and a bracket is an error.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

_SETTING = re.compile(r"[+~]{0,2}[\w./@:-]+=")
_ELEMENT = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,]*?)\s*(?:,|$)""")
_ATOM = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^][{},:'"]+""")
_PLAIN = re.compile(
    r"^([+~]{0,2}[\w./@:-]+=)'(?!(?:true|false|null|nan|inf)'$)([A-Za-z_./][\w./+-]*)'$",
    re.IGNORECASE,
)
"""A setting whose value Hydra takes for the same text with and without quotes."""
_QUOTES = ("'", '"')


def as_texts(
    arguments: Sequence[str],
    texts: Collection[str] = (),
    lists: Collection[str] = (),
    *,
    sweep: bool = False,
) -> list[str]:
    """The arguments of a command line in Hydra's grammar, meaning what is written.

    texts: settings that are one text. lists: settings that are a text or a [list] of them, or a
    mapping, or a list with such. Of other settings, only what Hydra cannot read is taken as text.
    Values in quotes and `null` stay as they are. sweep: of several jobs, whose values stand side by
    side with commas.

    >>> as_texts(["id=1995_14", "box=1,2,3,4", "image=[a b.png,'c,d.png']", "k=3"],
    ...          ["id", "box"], ["image"])
    ["id='1995_14'", "box='1,2,3,4'", "image=['a b.png','c,d.png']", 'k=3']
    >>> as_texts(["out=my runs (1)", "name=Käthe's", "step.where={country: Österreich}"])
    ["out='my runs (1)'", "name='Käthe\\\\'s'", "step.where={country: 'Österreich'}"]
    """
    return list(_as_texts(arguments, texts, lists, sweep=sweep))


def unfolded(arguments: Sequence[str], short: Mapping[str, str]) -> list[str]:
    """The arguments with settings under their whole names. short: name on the command line -> name.

    A mapping is one of the settings below the short name.

    >>> unfolded(["init=runs/a/b", "seed=1", "init={strength: 0.5}"], {"init": "init.model"})
    ['init.model=runs/a/b', 'seed=1', 'init={strength: 0.5}']
    """
    found = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        named = short.get(key, key) if equals and not value.strip().startswith("{") else key
        found.append(f"{named}{equals}{value}")
    return found


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


def quoted(text: str) -> str:
    """The text in quotes as Hydra reads them: backslashes count only before a quote."""
    inner = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), text)
    return f"'{inner}'"


def in_a_shell(arguments: Sequence[str]) -> str:
    """A command line that a POSIX shell reads as these arguments, with no more quotes than needed.

    Quotes of Hydra's around a plain word say nothing and are left out.

    >>> print(in_a_shell(["study='baseline'", "split=glob(v*)", "out='my runs'", "seed='0'"]))
    study=baseline 'split=glob(v*)' "out='my runs'" "seed='0'"
    """
    return " ".join(_in_a_shell(_PLAIN.sub(r"\1\2", argument)) for argument in arguments)


def _in_a_shell(argument: str) -> str:
    if "'" in argument and not any(sign in argument for sign in '"$`\\!'):
        return f'"{argument}"'
    return shlex.quote(argument)


def _as_texts(
    arguments: Sequence[str], texts: Collection[str], lists: Collection[str], *, sweep: bool
) -> Iterator[str]:
    for argument in arguments:
        key, _, value = argument.partition("=")
        own = _value(key, value, texts, lists, sweep) if _SETTING.match(argument) else None
        yield argument if own is None else f"{key}={own}"


def _value(
    key: str, value: str, texts: Collection[str], lists: Collection[str], sweep: bool
) -> str | None:
    """The value for Hydra; None: as it is."""
    raw, value = value, value.strip()
    if value in ("", "null") or (value.startswith(_QUOTES) and _is_read(value)):
        return None
    name = key.lstrip("+~")
    if name in texts or name in lists:
        if sweep and _is_sweep(value):
            return None
        if name in lists and value[0] in "[{" and "{" in value and _is_read(value):
            return None
        if name in lists and value.startswith("[") and value.endswith("]"):
            parts = [match[1] for match in _ELEMENT.finditer(value[1:-1]) if match[1]]
            return f"[{','.join(map(_once_quoted, parts))}]"
        return quoted(raw)
    if _is_read(value):
        return None
    if value[0] + value[-1] in ("[]", "{}"):
        repaired = _ATOM.sub(lambda found: _readable(found[0]), value)
        return repaired if _is_read(repaired) else quoted(value)
    return quoted(value)


def _once_quoted(text: str) -> str:
    return text if text.startswith(_QUOTES) and _is_read(text) else quoted(text)


def _readable(atom: str) -> str:
    """A value within a list or a mapping, in quotes unless Hydra can read it; spaces outside."""
    inner = atom.strip()
    if not inner or _is_read(inner):
        return atom
    start = atom.index(inner[0])
    return f"{atom[:start]}{quoted(inner)}{atom[start + len(inner) :]}"


def _is_read(value: str) -> bool:
    """Whether Hydra can read a value."""
    return _parsed(value) is not None


def _is_sweep(value: str) -> bool:
    parsed = _parsed(value)
    return parsed is not None and bool(parsed.is_sweep_override())


def _parsed(value: str) -> Any:
    try:
        return OverridesParser.create().parse_override(f"x={value}")
    except (HydraException, ValueError, RecursionError):
        return None
