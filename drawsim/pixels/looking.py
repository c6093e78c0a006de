"""A look at many image files: each is decoded once for all who ask.

These are `prepare step=check` and `step=splits`, the duplicates of `explore`, and the start of a
training run. What was seen is kept in the user's cache folder, see `look_store`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from drawsim.common.progress import progress_bar
from drawsim.pixels.look import Look, look_at
from drawsim.pixels.look_store import LookStore, state_of
from drawsim.pixels.parallel import in_processes

_BATCH = 16  # images that travel to a process at once


def look_at_images(
    paths: Sequence[Path], *, max_pixels: int, workers: int, what: str, anew: bool = False
) -> list[Look]:
    """A look at each file, in order; processes share the work, a bar says `what` is done.

    anew: decode every file, also those that are as they were when they were last looked at.
    """
    with LookStore.of_user() as store, progress_bar(what, len(paths), "images") as advance:
        states = [state_of(path) for path in paths]  # before reading: a change then is seen
        looks = {} if anew else store.get(states)
        for row in [row for row, look in looks.items() if look.width * look.height > max_pixels]:
            del looks[row]
        advance(len(looks))
        missing = [row for row in range(len(paths)) if row not in looks]
        work = partial(look_at, max_pixels=max_pixels)
        used = workers if len(missing) > 2 * _BATCH else 1  # a process takes a moment to begin
        new = in_processes(work, (paths[row] for row in missing), used, batch=_BATCH)
        for rows in _groups(missing, store.BATCH):
            some = {}
            for row, look in zip(rows, islice(new, len(rows)), strict=True):
                some[row] = look
                advance()
            store.put(states, some)
            looks |= some
    return [looks[row] for row in range(len(paths))]


def _groups(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
