"""The same work on many images, shared by processes.

Threads would not do: Pillow decodes some formats, WebP among them, one at a time in a process.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import cv2

from drawsim.common.errors import UserError
from drawsim.common.machine import keep_freed_memory

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # batches handed out for each process: enough that none waits, few enough to drop


def in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, batch: int = 1
) -> Iterator[Result]:
    """Yield `work(item)` for every item, in order, done by `workers` processes.

    `work` is a function of a module, or a partial of one; items and results are pickled. `batch`
    items travel at once: more for quick work. One worker works in this process. Where the
    iterator is left early, by Ctrl-C or an error, nothing more is begun; what was begun is
    finished. Raises UserError if the system kills a process.
    """
    if workers == 1:
        yield from map(work, items)
        return
    source = iter(items)
    batches = iter(lambda: list(itertools.islice(source, batch)), [])
    waiting: deque[Future[list[Result]]] = deque()
    pool = ProcessPoolExecutor(workers, initializer=_begin)
    try:
        for some in batches:
            waiting.append(pool.submit(_do, work, some))
            if len(waiting) >= _AHEAD * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process was killed, most likely for lack of memory: set workers lower"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _do(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [work(item) for item in items]


def _begin() -> None:
    """Ctrl-C is for the parent to answer; OpenCV's own threads would fight the other processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not what a fork has of its parent
    cv2.setNumThreads(0)
    keep_freed_memory()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot end its processes, and they would wait for work for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
