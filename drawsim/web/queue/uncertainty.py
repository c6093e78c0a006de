"""How unsure the models are of each query: worked out beside the server, and kept.

With many images this takes minutes of all cores, so that nobody waits for it: it is begun when the
order is first wanted, gives way to everything else, and what is known by then is what is ordered.
Queries are looked at by chance, so that these are a fair sample: the least sure of a random pool
are nearly as good to ask for as the least sure of all.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drawsim.collection.kinds import Kind
from drawsim.common.files import atomic
from drawsim.common.machine import give_way

Values = npt.NDArray[np.float64]
Measure = Callable[[Kind, Sequence[str]], Values]
"""How unsure the models are of the named queries, (Q,); larger is less sure."""

AT_ONCE = 64
"""Queries that are looked at while a page that is asked for waits."""
BREATH = 0.005
"""Seconds between, in which whoever waits for the index gets it."""
GROWN = 1.5
"""What is known is told anew when it is so many times as much."""
UNKNOWN = -np.inf


class Uncertainty:
    """Values of all queries by kind, as far as they are known.

    measure: works out some. ids: by kind, all queries. index: the hash of what ranks them. folder:
    where finished values are kept for the next start; None: nowhere. patience: seconds that the
    first who asks waits, so that small collections are ordered rightly at once.
    """

    def __init__(
        self,
        measure: Measure,
        ids: Mapping[Kind, Sequence[str]],
        index: str,
        folder: Path | None = None,
        patience: float = 1.0,
    ) -> None:
        self._measure = measure
        self._ids = {kind: list(names) for kind, names in ids.items()}
        self._index = index
        self._folder = folder
        self._patience = patience
        self._known: dict[Kind, Values] = {}
        self._complete = {kind: threading.Event() for kind in self._ids}
        self._beginning = threading.Lock()
        self._workers: list[threading.Thread] = []
        self._stopping = threading.Event()

    def __call__(self, kind: Kind) -> Values:
        """(N,) in the order of the ids; UNKNOWN for what is not known yet.

        It is one and the same array until more is known, and must not be changed.
        """
        with self._beginning:
            first = kind not in self._known
            if first:
                self._known[kind] = np.full(len(self._ids[kind]), UNKNOWN)
                worker = threading.Thread(target=self._work, args=(kind,), daemon=True)
                self._workers.append(worker)
                worker.start()
        if first:
            self._complete[kind].wait(self._patience)
        return self._known[kind]

    def stop(self) -> None:
        """Work no more, and wait until that is so."""
        self._stopping.set()
        for worker in self._workers:
            worker.join()

    def _work(self, kind: Kind) -> None:
        give_way(10)
        kept = self._kept(kind)
        values = self._measured(kind) if kept is None else kept
        if values is None:
            return
        self._known[kind] = values
        self._complete[kind].set()
        if kept is None:
            self._keep(kind, values)

    def _measured(self, kind: Kind) -> Values | None:
        """All values, None if stopped; on the way, what is known by then is told now and then."""
        names = self._ids[kind]
        values = np.full(len(names), UNKNOWN)
        places = np.random.default_rng(0).permutation(len(names))
        told = 0
        for start in range(0, len(names), AT_ONCE):
            some = places[start : start + AT_ONCE]
            values[some] = self._measure(kind, [names[place] for place in some])
            known = start + len(some)
            if known >= GROWN * told:
                self._known[kind], told = values.copy(), known
            if self._stopping.wait(BREATH):
                return None
        return values

    def _file(self, kind: Kind) -> Path | None:
        return self._folder and self._folder / f"uncertainty-{kind}.npz"

    def _made_of(self, kind: Kind) -> str:
        """A hash of what the values depend on."""
        text = "\n".join([self._index, *self._ids[kind]])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _kept(self, kind: Kind) -> Values | None:
        """Values of an earlier start, if they are of the same index and the same queries."""
        file = self._file(kind)
        if file is None or not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as held:
                same = str(held["made_of"]) == self._made_of(kind)
                values = np.asarray(held["values"], dtype=np.float64)
        except (OSError, ValueError, KeyError, EOFError):
            return None
        return values if same and values.shape == (len(self._ids[kind]),) else None

    def _keep(self, kind: Kind, values: Values) -> None:
        file = self._file(kind)
        if file is None:
            return
        try:
            with atomic(file) as temporary, temporary.open("wb") as writing:
                np.savez(writing, made_of=np.array(self._made_of(kind)), values=values)
        except OSError:
            pass  # it is worked out again at the next start
