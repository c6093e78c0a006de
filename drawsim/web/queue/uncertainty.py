"""How unsure the models are of each query: worked out beside the server, once for all processes.

With many images this takes minutes of all cores, so that nobody waits for it: it is begun when the
order is first wanted, gives way to everything else, and what is known by then is what is ordered.
One of the processes on a database works it out and keeps it there; the others look now and then,
and if that one ends, another goes on.
Queries are looked at by chance, so that these are a fair sample: the least sure of a random pool
are nearly as good to ask for as the least sure of all.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from drawsim.collection.kinds import Kind
from drawsim.common.machine import give_way
from drawsim.web.queue.measured import HOLD, Measured, Values

log = logging.getLogger(__name__)

Measure = Callable[[Kind, Sequence[str]], Values]
"""How unsure the models are of the named queries, (Q,); larger is less sure."""

AT_ONCE = 64
"""Queries that are looked at while a page that is asked for waits."""
BREATH = 0.005
"""Seconds between, in which whoever waits for the index gets it."""
GROWN = 1.5
"""What is known is told anew when it is so many times as much."""
LOOKING = 1.0
"""Seconds after which a process looks again what another has worked out."""
UNKNOWN = -np.inf


class Uncertainty:
    """Values of all queries by kind, as far as they are known.

    engine: of the database in which they are kept. measure: works out some. ids: by kind, all
    queries. index: the hash of what ranks them. patience: seconds that the first who asks waits, so
    that small collections are ordered rightly at once.
    """

    def __init__(
        self,
        engine: Engine,
        measure: Measure,
        ids: Mapping[Kind, Sequence[str]],
        index: str,
        patience: float = 1.0,
    ) -> None:
        self._engine = engine
        self._measure = measure
        self._ids = {kind: list(names) for kind, names in ids.items()}
        self._index = index
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
        """Work the values out, or wait until another process has, until all are known."""
        give_way(10)
        unknown = self._known[kind]
        own = uuid.uuid4().hex
        measured = Measured(self._engine, kind, self._made_of(kind), unknown, own)
        while not self._complete[kind].is_set():
            try:
                values, done, ours = measured.take()
                if not done and ours:
                    values, done = self._go_on(kind, measured, values)
                if not np.array_equal(values, self._known[kind]):
                    self._known[kind] = values
                if done:
                    self._complete[kind].set()
                    return
            except SQLAlchemyError as error:  # whoever asks for anything else is told as well
                log.debug("how unsure the models are is not known: %s", error)
            if self._stopping.wait(LOOKING):
                return

    def _go_on(self, kind: Kind, measured: Measured, values: Values) -> tuple[Values, bool]:
        """What is known once all is, or this is stopped, or another process has taken over.

        On the way, what is known by then is told now and then.
        """
        names = self._ids[kind]
        values = values.copy()
        places = np.random.default_rng(0).permutation(len(names))
        places = places[values[places] == UNKNOWN]
        known = told = len(names) - len(places)
        said = time.monotonic()
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            values[some] = self._measure(kind, [names[place] for place in some])
            known += len(some)
            news = known >= GROWN * told
            if news:
                self._known[kind], told = values.copy(), known
            if news or time.monotonic() > said + HOLD.total_seconds() / 4:
                if not measured.keep(values if news else None):
                    return values, False
                said = time.monotonic()
            if self._stopping.wait(BREATH):
                measured.keep(values, over=True)
                return values, False
        return values, measured.keep(values, done=True)

    def _made_of(self, kind: Kind) -> str:
        """A hash of what the values depend on."""
        text = "\n".join([kind, self._index, *self._ids[kind]])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
