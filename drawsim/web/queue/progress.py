"""How far the work is: by kind of query here; by annotator in `drawsim.web.review.standing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drawsim.collection.kinds import Kind


@dataclass(frozen=True)
class KindProgress:
    """How far the queries of a kind are.

    answered: by at least one. complete: by as many as wanted. leased: held now.
    """

    kind: Kind
    total: int
    answered: int
    complete: int
    leased: int


def original(copies: Mapping[str, str], kind: str, name: str) -> tuple[str, str]:
    """A query, with the original in place of its style copy."""
    return kind, copies.get(name, name) if kind == "drawing" else name
