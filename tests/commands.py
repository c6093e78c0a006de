"""Commands of drawsim in processes of their own, each a fork of one that has imported everything.

Importing torch takes longer than most commands that tests start. So the first use starts a server,
one for each process of the tests, that imports what the commands import, and forks for every
command asked for; the fork then goes the way of `python -m drawsim.<command>`, to its exit code.
What a start itself must hold (speed of --help, variables that Python or OpenMP read when they
start) is tested with `sys.executable` instead.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.surroundings import MARK

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300.0
"""Seconds that a command may take on a busy machine."""
LONGEST = 1 << 20
"""Bytes of a request."""
IMPORTED = (
    *("timm", "albumentations", "torchmetrics", "hydra._internal.core_plugins", "fpdf"),
    *("drawsim.learning.training.experiment", "drawsim.workflows.annotate.serving"),
    *(f"drawsim.workflows.{name}" for name in ("train", "embed", "evaluate", "index", "search")),
    *(f"drawsim.workflows.{name}" for name in ("compare", "explore", "prepare", "check")),
)
WANDB = ("wandb", "wandb.sdk.launch")
"""What a run with W&B imports when it begins: seconds of docstrings that pydantic looks up."""


class Done(NamedTuple):
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """A command that runs; the part of subprocess.Popen that tests use.

    arguments: the command's name, then its settings; or "-c", then code as for `python -c`, then
    its arguments. environment: variables besides those of the tests. Standard output and error go
    to files that are never full, so nobody waits for a reader.
    """

    def __init__(
        self, *arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None
    ) -> None:
        self._server = _server()
        self._output, self._errors = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115
        variables = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        variables |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **(environment or {})}
        request = {"arguments": arguments, "folder": str(folder), "variables": variables}
        self.pid = self._server.start(request, [self._output.fileno(), self._errors.fileno()])

    @property
    def returncode(self) -> int | None:
        """The exit code, or None while it runs; -N after signal N."""
        return self._server.ended.get(self.pid)

    def poll(self) -> int | None:
        """The exit code, if it has ended by now."""
        self._server.listen(0)
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        """The exit code, once it has ended.

        Raises subprocess.TimeoutExpired, the command being killed, after so many seconds.
        """
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                self.send_signal(signal.SIGKILL)
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            self._server.listen(0.5)
        return code

    def send_signal(self, how: int) -> None:
        """As os.kill, and nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, how)

    def written(self) -> tuple[str, str]:
        """What is on standard output and on standard error by now."""
        output, errors = (
            os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")
            for file in (self._output, self._errors)
        )
        return output, errors

    def done(self, timeout: float = PATIENCE) -> Done:
        """How it ended and what it wrote, once it has ended."""
        return Done(self.wait(timeout), *self.written())


def run(*arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> Done:
    """A command from beginning to end."""
    return Command(*arguments, folder=folder, environment=environment).done()


class _Server:
    """The process that forks, seen from the tests."""

    def __init__(self) -> None:
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
        variables = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.commands", str(other.fileno())],
                cwd=ROOT,
                env={**variables, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )
        self.started: list[int] = []
        self.ended: dict[int, int] = {}

    def start(self, request: Mapping[str, object], files: list[int]) -> int:
        """The process of a command."""
        socket.send_fds(self.socket, [json.dumps(request).encode()], files)
        self.started.clear()
        while not self.started:
            self.listen(None)
        return self.started[0]

    def listen(self, seconds: float | None) -> None:
        """Take what the server says within so many seconds: who started, who ended how."""
        while select.select([self.socket], [], [], seconds)[0]:
            if not (message := self.socket.recv(LONGEST)):
                raise RuntimeError("what starts commands has ended; its error is above")
            said = json.loads(message)
            if "started" in said:
                self.started.append(said["started"])
                self.ended.pop(said["started"], None)  # of a process that had this number before
            else:
                self.ended[said["ended"]] = os.waitstatus_to_exitcode(said["status"])
            seconds = 0


@functools.cache
def _server() -> _Server:
    return _Server()


def _serve(number: int) -> list[str]:
    """Fork for every request; returns only in a fork, with the arguments of its command."""
    requests = socket.socket(fileno=number)
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                woken.recv(4096)
            _tell_of_ended(requests)
        if requests not in ready:
            continue
        message, files, _, _ = socket.recv_fds(requests, LONGEST, 2)
        if not message:
            os._exit(0)  # the tests have ended
        if child := os.fork():
            requests.send(json.dumps({"started": child}).encode())
            for file in files:
                os.close(file)
            continue
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for end in (requests, woken, wake):
            end.close()
        return _become(json.loads(message), files)


def _tell_of_ended(requests: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            requests.send(json.dumps({"ended": ended[0], "status": ended[1]}).encode())


def _become(request: dict[str, object], files: list[int]) -> list[str]:
    """Take the place, the variables and the files of a command."""
    for file, number in zip(files, (1, 2), strict=True):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["variables"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    tempfile.tempdir = None
    for folder, name in _wandb_folders():
        folder.__init__(name, dir=os.environ.get(MARK))  # type: ignore[misc]
    sys.path[0] = str(Path.cwd())
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    return arguments


def _wandb_folders() -> list[tuple[tempfile.TemporaryDirectory[str], str]]:
    """The folders that W&B makes when it is imported, and removes when its process ends."""
    from wandb.sdk.artifacts.artifact import Artifact
    from wandb.sdk.data_types._private import MEDIA_TMP

    return [(MEDIA_TMP, "wandb-media"), (Artifact._TMP_DIR, "wandb-artifacts")]


def _main() -> None:
    from drawsim.common import machine

    machine.prepare()
    gc.disable()  # nothing that is imported is garbage, and there is much of it to look through
    sys.modules["wandb"] = None  # type: ignore[assignment]  # timm would import it
    for name in IMPORTED:
        importlib.import_module(name)
    del sys.modules["wandb"]
    for name in WANDB:
        importlib.import_module(name)
    for folder, _ in _wandb_folders():
        folder.cleanup()
    assert threading.active_count() == 1, "a fork of several threads may wait for ever"
    gc.freeze()  # else every fork copies what it looks through for garbage
    gc.enable()
    command, *settings = _serve(int(sys.argv[1]))
    sys.argv = [command, *settings]
    if command == "-c":
        exec(sys.argv.pop(1), {"__name__": "__main__"})
        return
    runpy.run_module(f"drawsim.{command}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
