"""What the images of a collection are."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["drawing", "artwork"]
KINDS: tuple[Kind, ...] = get_args(Kind)
