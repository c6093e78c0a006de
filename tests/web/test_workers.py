"""Several processes side by side: they begin together, are replaced, and end in peace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drawsim.common.ending import ended_by_sigterm
from drawsim.common.errors import UserError
from drawsim.web.workers import Lifeline, Workers

PATIENCE = 60.0
"""Seconds that anything may take on a busy machine."""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL and SIGTERM")


@dataclass(frozen=True)
class Busy:
    """Writes down that it began, and that it ended in peace, as files named by its process."""

    folder: Path

    def __call__(self, line: Lifeline) -> None:
        over = threading.Event()
        line.at_end(over.set)
        (self.folder / f"began-{os.getpid()}").touch()
        line.ready(["a note"])
        assert over.wait(PATIENCE)
        (self.folder / f"ended-{os.getpid()}").touch()


@dataclass(frozen=True)
class Unable:
    """Cannot begin, but for the first of all, which waits."""

    folder: Path
    code: int | None = None

    def __call__(self, line: Lifeline) -> None:
        try:
            (self.folder / "first").mkdir()
        except FileExistsError:
            if self.code is None:
                raise UserError("no index there") from None
            os._exit(self.code)
        over = threading.Event()
        line.at_end(over.set)
        line.ready()
        over.wait(PATIENCE)


def processes(folder: Path, what: str, count: int) -> set[int]:
    """Those of which something is written down, once there are so many."""
    end = time.monotonic() + PATIENCE
    while len(found := {int(file.name.split("-")[1]) for file in folder.glob(f"{what}-*")}) < count:
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


@pytest.fixture
def unanswered() -> Iterator[None]:
    """SIGTERM as processes have it at first: Ray, tried in this one, leaves its own answer."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("unanswered")
def test_one_that_is_killed_is_replaced_and_all_end_in_peace(tmp_path: Path) -> None:
    said: list[str] = []
    killed: list[int] = []

    def begun(notes: list[str]) -> None:
        assert notes == ["a note"]
        threading.Thread(target=kill_one_and_end).start()

    def kill_one_and_end() -> None:
        try:
            killed.append(min(processes(tmp_path, "began", 2)))
            os.kill(killed[0], signal.SIGKILL)
            processes(tmp_path, "began", 3)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    assert threading.current_thread() is threading.main_thread()  # which gets the signal
    with pytest.raises(KeyboardInterrupt), ended_by_sigterm():
        Workers(Busy(tmp_path), 2, said.append).run(begun)
    began = processes(tmp_path, "began", 3)
    assert processes(tmp_path, "ended", 2) == began - set(killed)
    assert said == [f"note: a worker ({killed[0]}) was ended by SIGKILL; another is started"]


@pytest.mark.parametrize(
    ("code", "says"), [(None, "^no index there$"), (3, r"a worker \(\d+\) ended with code 3 as it")]
)
def test_what_cannot_begin_is_told_and_the_others_end(
    tmp_path: Path, code: int | None, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        Workers(Unable(tmp_path, code), 2, print).run(lambda notes: None)


def test_when_the_first_process_is_killed_the_others_end(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from drawsim.web.workers import Workers; "
        f"from tests.web.test_workers import Busy; Workers(Busy(Path({str(tmp_path)!r})), 2, print)"
        ".run(lambda notes: None)"
    )
    root = Path(__file__).resolve().parents[2]
    first = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    try:
        began = processes(tmp_path, "began", 2)
    finally:
        first.kill()
        first.wait()
    assert processes(tmp_path, "ended", 2) == began
