"""One worker of `make_demo`: paints its share and reports a JSON line [number, title] for each."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

import cv2

from drawsim.collection.demo.make import FAILED, render_share
from drawsim.collection.demo.plan import Size


def main() -> None:
    """Read the job, a JSON list [folder, size, first, stride], from the command line; do it."""
    folder, size, first, stride = json.loads(sys.argv[1])
    # The workers share the cores already.
    cv2.setNumThreads(1)
    # A broken pipe means that nobody listens any more: the collection is no longer wanted.
    with contextlib.suppress(BrokenPipeError):
        _work(Path(folder), Size(**size), first, stride)


def _work(folder: Path, size: Size, first: int, stride: int) -> None:
    try:
        for report in render_share(folder, size, first, stride):
            _tell(report)
    except BrokenPipeError:
        raise
    except OSError as error:
        _tell((FAILED, str(error)))


def _tell(report: tuple[int, str]) -> None:
    # One unbuffered write for the whole line: the workers share the pipe, and short writes do not
    # mix.
    os.write(1, (json.dumps(report) + "\n").encode())


if __name__ == "__main__":
    main()
