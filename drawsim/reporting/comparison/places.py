"""What others need not know of a machine: where its files are, and with that whose they are."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import yaml

from drawsim.common.building import TARGET, config_folder
from drawsim.common.configuration import groups
from drawsim.common.explaining import read_remarks
from drawsim.retrieval.metrics.registry import all_metrics
from drawsim.runs.identity import counts

ELSEWHERE = "ELSEWHERE"
"""Stands for what is left out."""
NAMES = ("name", "study")
"""Settings that change no result, and are told: what a run is called."""
_TOLD = (*NAMES, "again", "resume", "workers")
_FLAGS = ("-m", "--multirun")
_ROOTED = re.compile(
    r"(?:^|[^\w.)\]\\/-])(?:[\\/](?=\S)|~|[A-Za-z]:[\\/])"
    r"|(?:^|[^\w.])\.\.(?:$|[\\/])|\w+://|%2[fF]|@[\w.-]+:|\$\{?\w"
)
"""Where a path begins that leads from a root, a home or upwards, or an address or a variable."""
_WHERE = re.compile(
    r"(?:.*\.)?(?:root|weights|cache|file|folder|path|dir|trust|entity|user|account|token|password)"
    r"|init(?:\.model)?|hydra\..*"
)
"""Settings that say where something is or whose it is, whatever words they use for it."""
_STANDS = re.compile(rf"{ELSEWHERE}/\d+")
_SETTING = re.compile(r"([+~]{0,2})([A-Za-z_][\w.@]*(?:/[\w.@]+)*)=(.*)", re.DOTALL)
_NAME = re.compile(r"[\w.,+*()\[\] -]*")
"""What a name may be made of, several of them and a pattern of names."""
_WORD = re.compile(r"\w+")
_SWEEPS = ("choice", "glob", "interval", "range")
"""Hydra's words for several values."""
_NUMBER = re.compile(r"\d+(?:e\d*)?")


def names_a_place(text: str) -> bool:
    """Whether there is a path in a text that says where something is, or an address.

    >>> [names_a_place(text) for text in ("runs/a", "/home/ada/a", "in '~/a'", "s3://b", "1 / 2")]
    [False, True, True, True, False]
    """
    return bool(_ROOTED.search(text))


class Places:
    """Puts numbers in place of paths, the same for the same: ELSEWHERE/1, ELSEWHERE/2, …"""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def text(self, value: Any) -> Any:
        """A value of a record that drawsim wrote, and all that is in it, without places."""
        if isinstance(value, Mapping):
            return {self.text(key): self.text(own) for key, own in value.items()}
        if isinstance(value, list | tuple):
            return [self.text(own) for own in value]
        if isinstance(value, str) and names_a_place(value):
            return self._hidden(value)
        return value

    def setting(self, key: str, value: Any) -> Any:
        """The value of a setting of a dotted name, and all that is in it, as others may see it.

        Told are numbers, names of runs, studies, splits, networks and the like, and words that
        drawsim's own configuration has, there or in what it says of that setting. All else may be a
        place, an account or a password.

        >>> places = Places()
        >>> places.setting("trainer", {"precision": "bf16-mixed", "devices": 1})
        {'precision': 'bf16-mixed', 'devices': 1}
        >>> places.setting("data", {"name": "scans", "root": "ada/scans"})
        {'name': 'scans', 'root': 'ELSEWHERE/1'}
        """
        if isinstance(value, Mapping):
            return {
                self.text(own): self.setting(f"{key}.{own}", within)
                for own, within in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.setting(key, own) for own in value]
        if not isinstance(value, str) or _is_told(key, value):
            return value
        return self._hidden(value)

    def argument(self, text: str) -> str:
        """An argument of a command line as others may see it: a setting, by the same rule.

        What is no setting that can change a result, and not what a run is called, keeps its name
        alone.

        >>> places = Places()
        >>> places.argument("data.root='/home/ada/a b'"), places.argument("aug=style")
        ('data.root=ELSEWHERE/1', 'aug=style')
        >>> places.argument("logger.entity=ada"), places.argument("split=glob(v*)")
        ('logger.entity=ELSEWHERE/2', 'split=glob(v*)')
        """
        if text in _FLAGS:
            return text
        typed = _SETTING.fullmatch(text)
        if typed is None:
            return self._hidden(text)
        sign, key, value = typed.groups()
        plain = value[1:-1] if len(value) > 1 and value[0] == value[-1] in "'\"" else value
        matters = key in _TOLD or counts(key)
        if matters and "{" not in plain and _is_told(key, plain):
            return text
        return f"{sign}{key}={self._hidden(value)}"

    def _hidden(self, text: str) -> str:
        if _STANDS.fullmatch(text):  # of an archive that is packed again
            return text
        return self._known.setdefault(text.strip("'\""), f"{ELSEWHERE}/{len(self._known) + 1}")


def _is_told(key: str, value: str) -> bool:
    """Whether the value of a setting is such that anybody may see it."""
    if not value.isprintable() or names_a_place(value):
        return False
    if _is_called(key):
        return bool(_NAME.fullmatch(value)) and ".." not in value
    if _WHERE.fullmatch(key) or not value.isascii():
        return False
    known = _vocabulary() | _remarks().get(key.rpartition(".")[2], frozenset())
    return all(_NUMBER.fullmatch(word) or word in known for word in _WORD.findall(value))


def _is_called(key: str) -> bool:
    """Whether a setting is a name that is told, as what it names is meant to be known by it."""
    first, _, rest = key.partition(".")
    last = key.rpartition(".")[2]
    if last == TARGET or key in (*NAMES, "split"):
        return True
    return first in groups("train") and (
        rest == "name" or (first == "backbone" and last in ("name", "model"))
    )


@functools.cache
def _vocabulary() -> frozenset[str]:
    """The names and values of drawsim's own configuration, and the names of its metrics."""
    found = {*_SWEEPS, *(word for one in all_metrics() for word in _WORD.findall(one.name))}
    for file in config_folder().rglob("*.yaml"):
        found.update(_WORD.findall(file.stem))
        for event in yaml.parse(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent) and " " not in event.value:  # no sentence
                found.update(_WORD.findall(event.value))
    return frozenset(found)


@functools.cache
def _remarks() -> Mapping[str, frozenset[str]]:
    """The last part of a setting's name -> the words of what is said of it, but for examples."""
    found: dict[str, set[str]] = {}
    for file in config_folder().rglob("*.yaml"):
        for key, lines in read_remarks(file).of_settings.items():
            said = " ".join(lines).partition("e.g.")[0]
            found.setdefault(key.rpartition(".")[2], set()).update(_WORD.findall(said))
    return {key: frozenset(words) for key, words in found.items()}
