"""What others need not know of a machine: where its files are, and with that whose they are."""

from __future__ import annotations

import re
from typing import Any

from drawsim.runs.identity import counts

ELSEWHERE = "ELSEWHERE"
"""Stands for what is left out."""
NAMES = ("name", "study")
"""Settings that change no result, and are told: what a run is called."""
_TOLD = (*NAMES, "again", "resume", "workers")
_ROOTED = re.compile(
    r"(?:^|[^\w.)\]\\/-])(?:[\\/](?=\S)|~|[A-Za-z]:[\\/])"
    r"|(?:^|[^\w.])\.\.(?:$|[\\/])|\w+://|%2[fF]|@[\w.-]+:|\$\{?\w"
)
"""Where a path begins that leads from a root, a home or upwards, or an address or a variable."""
_SAID = re.compile(r"[+~]{0,2}([A-Za-z_][\w.@]*(?:/[\w.@]+)*)=(['\"]?)([\w.,+*()\[\] -]*)\2")
"""A setting whose value is numbers, words and lists of these: it is told as it was typed."""
_KEY = re.compile(r"[+~]{0,2}[A-Za-z_][\w.]*=")
_FLAG = re.compile(r"-{0,2}\w[\w-]*")


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

    def value(self, value: Any) -> Any:
        """A value of a setting or of a record, and all that is in it, without places."""
        if isinstance(value, dict):
            return {self.value(key): self.value(own) for key, own in value.items()}
        if isinstance(value, list):
            return [self.value(own) for own in value]
        if isinstance(value, str) and names_a_place(value):
            return self._hidden(value)
        return value

    def argument(self, text: str) -> str:
        """An argument of a command line as others may see it.

        What is not plainly a setting that can change a result, or what a run is called, keeps its
        name alone: its value may be a place, an account or a password.

        >>> places = Places()
        >>> places.argument("data.root='/home/ada/a b'"), places.argument("aug=style")
        ('data.root=ELSEWHERE/1', 'aug=style')
        >>> places.argument("logger.entity=ada"), places.argument("split=glob(v*)")
        ('logger.entity=ELSEWHERE/2', 'split=glob(v*)')
        """
        plain = _SAID.fullmatch(text)
        if _FLAG.fullmatch(text) or (
            plain and (plain[1] in _TOLD or counts(plain[1])) and ".." not in plain[3]
        ):
            return text
        hidden = self._hidden(text.partition("=")[2] or text)
        key = _KEY.match(text)
        return f"{key[0]}{hidden}" if key else hidden

    def _hidden(self, text: str) -> str:
        return self._known.setdefault(text.strip("'\""), f"{ELSEWHERE}/{len(self._known) + 1}")
