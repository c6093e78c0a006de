"""How the queries of one kind were left, in memory."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from drawsim.collection.kinds import Kind

Mask = npt.NDArray[np.bool_]


class Sheet:
    """How the queries of one kind were left, by their place in the table.

    lots: a number by chance for each, fixed by seed and id. answered: how many annotators left it
    with done or none, (N,). left: annotator -> which they left in any way, (N,).
    """

    def __init__(self, kind: Kind, table: pd.DataFrame, seed: int, audit: float) -> None:
        self.table = table
        self.ids = [str(name) for name in table.index]
        self.place = {name: place for place, name in enumerate(self.ids)}
        self.lots = np.array([_lot(seed, kind, name) for name in self.ids], dtype=np.float64)
        self.audited: Mask = self.lots < audit
        self.answered = np.zeros(len(self.ids), dtype=np.int64)
        self.left: defaultdict[str, Mask] = defaultdict(lambda: np.zeros(len(self.ids), dtype=bool))
        self.finished: Counter[str] = Counter()
        self._answers: dict[int, dict[str, str]] = {}

    def note(self, name: str, answers: Mapping[str, str]) -> None:
        """Replace what is known of a query by what annotators answer now."""
        place = self.place.get(name)
        if place is None:  # an image that was there in former days
            return
        for annotator, answer in self._answers.pop(place, {}).items():
            self.left[annotator][place] = False
            self.finished[annotator] -= answer != "skip"
        for annotator, answer in answers.items():
            self.left[annotator][place] = True
            self.finished[annotator] += answer != "skip"
        self.answered[place] = sum(answer != "skip" for answer in answers.values())
        self._answers[place] = dict(answers)

    def has_answered(self, annotator: str, place: int) -> bool:
        """Whether an annotator left a query with done or none."""
        return self._answers.get(place, {}).get(annotator, "skip") != "skip"


def _lot(seed: int, kind: Kind, name: str) -> float:
    """A number in 0..1 for a query, as if by chance: the first bits of a hash."""
    digest = hashlib.sha256(f"{seed}\n{kind}\n{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
