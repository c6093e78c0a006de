"""Work shared by processes: in order, with errors, and left early."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.pixels.parallel import in_processes


def work(folder: Path, number: int) -> int:
    """Leave a trace, refuse 13, be killed at 99; otherwise the square."""
    (folder / str(number)).touch()
    if number == 13:
        raise UserError("13 is refused")
    if number == 99:
        os._exit(9)
    return number * number


@pytest.mark.parametrize(("workers", "batch"), [(1, 1), (2, 1), (3, 4)])
def test_results_come_in_order(tmp_path: Path, workers: int, batch: int) -> None:
    numbers = [*range(12), *range(20, 30)]
    squares = in_processes(partial(work, tmp_path), iter(numbers), workers, batch)
    assert list(squares) == [number * number for number in numbers]
    assert list(in_processes(work, [], workers, batch)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_through_and_nothing_more_is_begun(tmp_path: Path, workers: int) -> None:
    results = in_processes(partial(work, tmp_path), range(13, 200), workers)
    with pytest.raises(UserError, match="13 is refused"):
        next(results)
    assert len(list(tmp_path.iterdir())) < 100


def test_leaving_early_stops_the_rest(tmp_path: Path) -> None:
    taken = []

    def numbers() -> Iterator[int]:
        for number in range(20, 90):
            taken.append(number)
            yield number

    results = in_processes(partial(work, tmp_path), numbers(), workers=2)
    assert next(results) == 400
    results.close()  # type: ignore[attr-defined]
    assert len(taken) < 30  # the iterable is read as results are
    assert len(list(tmp_path.iterdir())) <= len(taken)


def test_a_killed_process_is_a_plain_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lack of memory"):
        list(in_processes(partial(work, tmp_path), [1, 99, 2], workers=2))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_processes_end_with_a_parent_that_is_killed() -> None:
    code = (
        "import os; from drawsim.pixels.parallel import in_processes\n"
        "results = in_processes(str, range(10**9), 2)\n"
        "next(results); print('begun', flush=True)\n"
        "for _ in results: pass"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        parent.kill()
    assert len(children) == 2
    patience = time.monotonic() + 30
    while any(_is_running(child) for child in children):
        assert time.monotonic() < patience
        time.sleep(0.05)


def _is_running(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
