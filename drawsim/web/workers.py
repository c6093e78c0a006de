"""Several processes that do the same work side by side; those that end are started again.

The first of them must all begin well; later, one that ends is replaced while the others go on. A
process that is told to end by its lifeline, which breaks when the first process ends in whatever
way, finishes what it has begun.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from drawsim.common.errors import UserError
from drawsim.common.refusals import refusal

PATIENCE = 10.0
"""Seconds that processes get to end by themselves."""
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
"""Seconds until a process is started again that has ended as it began; each time twice as many."""


class Lifeline:
    """What a process has of the one that started it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ready(self, notes: Sequence[str] = ()) -> None:
        """It works from now on. notes: what is to be said about it."""
        self._pipe.send(("ready", list(notes)))

    def failed(self, reason: str) -> None:
        """It cannot work."""
        self._pipe.send(("failed", reason))

    def at_end(self, stop: Callable[[], None]) -> None:
        """Call `stop`, in a thread, when the process is to end."""
        threading.Thread(target=self._listen, args=[stop], daemon=True).start()

    def _listen(self, stop: Callable[[], None]) -> None:
        with suppress(EOFError, OSError):
            self._pipe.recv()
        stop()


Work = Callable[[Lifeline], None]
"""Says that it is ready, and returns when it is to end. Raises UserError if it cannot begin."""


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    ready: bool = False
    reason: str | None = None
    """Why it could not begin, if it said so."""


@dataclass
class Workers:
    """As many processes as wanted. To be run by the main thread.

    work: can be pickled. say: what happens to them, for people.
    """

    work: Work
    count: int
    say: Callable[[str], None]
    _running: list[_Worker] = field(default_factory=list)
    _due: list[float] = field(default_factory=list)
    """When processes are to be started, by the monotonic clock."""
    _delay: float = FIRST_DELAY

    def run(self, begun: Callable[[list[str]], None]) -> None:
        """Work until KeyboardInterrupt, which is raised again once all processes have ended.

        begun: told, once all work, what the first said about itself. Raises UserError if one of the
        first processes cannot begin.
        """
        try:
            for _ in range(self.count):
                self._start()
            notes = self._all_ready()
            begun(notes)
            while True:
                self._look()
        finally:
            self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # threads and torch outlive no fork
        pipe, other = context.Pipe()
        process = context.Process(target=_begin, args=(self.work, other), daemon=True)
        with _without_interrupts():
            process.start()
        other.close()
        self._running.append(_Worker(process, pipe))

    def _all_ready(self) -> list[str]:
        """What the first one said about itself, once all have said that they work."""
        said: list[list[str]] = []
        while len(said) < self.count:
            for worker, notes in self._heard(None):
                if worker not in self._running:
                    raise UserError(
                        worker.reason
                        or f"a worker {_ending(worker.process)} as it began; if memory is short, "
                        "give fewer workers"
                    )
                said.append(notes)
        return said[0]

    def _look(self) -> None:
        """Wait for what happens to the processes, and start those again that ended."""
        now = time.monotonic()
        for due in [due for due in self._due if due <= now]:
            self._due.remove(due)
            self._start()
        for worker, _ in self._heard(min(self._due) - now if self._due else None):
            if worker in self._running:  # it has begun to work
                self._delay = FIRST_DELAY
            elif worker.ready:
                self.say(f"note: a worker {_ending(worker.process)}; another is started")
                self._due.append(time.monotonic())
            else:
                why = worker.reason or f"it {_ending(worker.process)} as it began"
                self.say(f"note: no worker in its place: {why}; again in {self._delay:.0f} s")
                self._due.append(time.monotonic() + self._delay)
                self._delay = min(2 * self._delay, LONGEST_DELAY)

    def _heard(self, seconds: float | None) -> Iterator[tuple[_Worker, list[str]]]:
        """Processes that have begun to work within so many seconds, and what they say; and those
        that have ended, which are running no more."""
        sentinels = {worker.process.sentinel: worker for worker in self._running}
        pipes = {worker.pipe: worker for worker in self._running if not worker.ready}
        happened = wait([*sentinels, *pipes], seconds)
        for worker in [pipes[pipe] for pipe in pipes if pipe in happened]:
            with suppress(EOFError, OSError):  # it has ended, as its sentinel says
                what, said = worker.pipe.recv()
                if what == "ready":
                    worker.ready = True
                    yield worker, said
                else:
                    worker.reason = said
        for worker in [sentinels[number] for number in sentinels if number in happened]:
            worker.process.join()
            worker.pipe.close()
            self._running.remove(worker)
            yield worker, []

    def _end(self) -> None:
        """Let all finish what they have begun; kill those that do not end by then."""
        for worker in self._running:
            if not worker.ready:  # it has begun nothing
                worker.process.terminate()
            worker.pipe.close()
        end = time.monotonic() + PATIENCE
        try:
            for worker in self._running:
                worker.process.join(max(0.0, end - time.monotonic()))
        finally:  # not waited for, after a second Ctrl-C
            for worker in self._running:
                worker.process.kill()
                worker.process.join()


def _begin(work: Work, pipe: Connection) -> None:
    """What a process does."""
    line = Lifeline(pipe)
    try:
        work(line)
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else refusal(error)
        if reason is None:
            raise
        line.failed(reason)
        raise SystemExit(1) from None


def _ending(process: BaseProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"({process.pid}) was ended by {signal.Signals(-code).name}"
    return f"({process.pid}) ended with code {code}"


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a process that is started here leave Ctrl-C to this one."""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
