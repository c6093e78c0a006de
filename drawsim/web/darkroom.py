"""Where pictures are made: apart from the threads that answer requests, in lanes of their own.

A scan of hundreds of megapixels takes its time, and a disk that is a network may take for ever.
Whoever asks for such a picture waits; whoever asks for another, or for a page, does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from fastapi import HTTPException

Lane = Literal["small", "large", "search"]
"""Small and large files to be shown, and what the model looks at."""
AT_ONCE: dict[Lane, int] = {"small": 2, "large": 1, "search": 1}
"""Pictures that are made at a time; each may take as much memory as decoding it does."""
LARGE = 8_000_000
"""Bytes from which on a file is large."""
PATIENCE = 60.0
"""Seconds after which nobody waits for a picture any more, and its place is free again."""
THREADS = 16
"""More than places, for those in which something may hang for ever."""
Made = TypeVar("Made")


def lane_of(size: int) -> Lane:
    """Where a file of so many bytes is decoded."""
    return "large" if size >= LARGE else "small"


class Darkroom:
    """Makes pictures; to be used from the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "picture")
        self._places = {lane: asyncio.Semaphore(count) for lane, count in AT_ONCE.items()}

    async def make(self, lane: Lane, work: Callable[[], Made]) -> Made:
        """What the work returns or raises. Raises HTTPException 503 if it takes too long."""
        async with self._places[lane]:
            future = asyncio.get_running_loop().run_in_executor(self._threads, work)
            future.add_done_callback(_heard)
            try:
                return await asyncio.wait_for(asyncio.shield(future), PATIENCE)
            except asyncio.TimeoutError:
                raise HTTPException(503, "the picture takes too long; try again later") from None


def _heard(future: asyncio.Future[Made]) -> None:
    """Take note of an error that nobody waits for any more."""
    if not future.cancelled():
        future.exception()
