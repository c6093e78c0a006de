"""The groups of drawings that `drawsim explore view=motifs` found, as the app knows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drawsim.common.errors import UserError
from drawsim.retrieval.motifs.files import Motif, Motifs


class NoSuchGroup(UserError):  # noqa: N818  (it says what is so, to whoever reads a signature)
    """A group that the app was not opened with."""


@dataclass(frozen=True)
class Group:
    """A group of drawings that share a motif.

    key: made of its drawings, so that what is said of it holds as long as it has them, however
    often motifs are found again. number: its id in `motifs.json`. members: those most like the rest
    first. medoid: the drawing that stands for it. stability, confirmed: as in `Motif`.
    """

    key: str
    number: str
    members: tuple[str, ...]
    medoid: str
    stability: float
    confirmed: float | None

    @classmethod
    def of(cls, motif: Motif) -> Group:
        """As motifs have it."""
        return cls(
            key_of(motif.members),
            motif.id,
            motif.members,
            motif.medoid,
            motif.stability,
            motif.confirmed,
        )


def key_of(members: Sequence[str]) -> str:
    """What names a group of these drawings: the first 16 digits of a SHA-256 of their ids."""
    return hashlib.sha256("\0".join(sorted(members)).encode()).hexdigest()[:16]


class Groups:
    """The groups that the app was opened with, in the order of `motifs.json`."""

    def __init__(self, motifs: Motifs) -> None:
        self.every = tuple(Group.of(motif) for motif in motifs.motifs)
        self.by_key: Mapping[str, Group] = {group.key: group for group in self.every}
        self.of_drawing: Mapping[str, Group] = {
            name: group for group in self.every for name in group.members
        }

    def get(self, key: str) -> Group:
        """A group by its key. Raises NoSuchGroup."""
        try:
            return self.by_key[key]
        except KeyError:
            raise NoSuchGroup(
                f"there is no group {key[:40]!r}; motifs may have been found again since"
            ) from None
