"""One of several parts of a list of images: read from a command line, so without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from drawsim.common.errors import UserError, brief

T = TypeVar("T")

MOST = 1_000_000
_SPELT = re.compile(r"(\d{1,7})/(\d{1,7})")


@dataclass(frozen=True)
class Shard:
    """One of `of` parts of a list, counted from 1."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """From `3/16`. Raises UserError for what is none."""
        found = _SPELT.fullmatch(text)
        own = cls(*map(int, found.groups())) if found else cls(0, 0)
        if 1 <= own.number <= own.of <= MOST:
            return own
        why = ""
        if found and 1 <= own.of <= MOST:
            why = f"there is no part {own.number} of {own.of}; "
        elif found:
            why = f"a list has from 1 to {MOST:,} parts; "
        raise UserError(
            f"shard={brief(text)[1:-1]}: {why}the first of 16 is shard=1/16, the last shard=16/16"
        )

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def file(self, out: Path) -> Path:
        """Where the shard of an embedding file goes.

        >>> Shard(3, 16).file(Path("a/F.safetensors")).as_posix()
        'a/F.3-of-16.safetensors'
        """
        return out.with_name(f"{out.stem}.{self.number}-of-{self.of}{out.suffix}")

    def part(self, files: Mapping[str, T]) -> dict[str, T]:
        """The images of this part."""
        return {name: files[name] for name in list(files)[self.number - 1 :: self.of]}
