"""What others need not know of a machine: where its files are, and with that whose they are."""

from __future__ import annotations

import re
from typing import Any

ELSEWHERE = "ELSEWHERE"
"""Stands for the folder of a path that is left out."""
_ROOTED = re.compile(
    r"""(?:^|[\s'"\[({,=:])(?:[\\/](?=\S)|~[\w.-]*[\\/]|\.\.[\\/]|[A-Za-z]:[\\/]|\w+://)"""
)
"""Where a path begins that leads from a root, a home or upwards, or an address."""


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
            return self._known.setdefault(value, f"{ELSEWHERE}/{len(self._known) + 1}")
        return value

    def argument(self, text: str) -> str:
        """An argument of a command line; of a setting, its value.

        >>> places = Places()
        >>> places.argument("data.root='/home/ada/a b'"), places.argument("aug=style")
        ('data.root=ELSEWHERE/1', 'aug=style')
        """
        key, equals, value = text.partition("=")
        if not equals or names_a_place(key):
            return str(self.value(text))
        quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
        bare = value[1:-1] if quoted else value
        hidden = str(self.value(bare))
        return text if hidden == bare else f"{key}={hidden}"
