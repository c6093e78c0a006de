"""The annotation app, from its settings to an address that answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drawsim.common.ending import ended_by_sigterm
from drawsim.common.errors import UserError
from drawsim.common.machine import cores, prepare
from drawsim.common.words import counted
from drawsim.web.app import create_app
from drawsim.web.security.accounts import Accounts
from drawsim.web.security.guard import check_bound, is_local
from drawsim.web.server import server
from drawsim.web.workers import Lifeline, Workers
from drawsim.workflows.annotate.parts import open_services
from drawsim.workflows.annotate.settings import Serving
from drawsim.workflows.annotate.workplace import Workplace


def serve(
    place: Workplace,
    indexes: Sequence[Path],
    how: Serving | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Open everything, tell the address, and answer until Ctrl-C or SIGTERM.

    indexes: folders; candidates of several are fused by rank. Raises UserError if anything cannot
    be opened, or if others could reach an app that asks nobody who they are.
    """
    how = how or Serving()
    accounts = place.accounts()
    if not indexes:
        raise UserError("index must be given: index=DIR, or index='[DIR, DIR]'")
    asked = bool(accounts.names)
    if place.users is not None and not asked:
        raise UserError(f"users={place.users}: no accounts in it; drawsim annotate user add NAME")
    check_bound(how.host, asked)
    with _bound(how.host, how.port) as listening:

        def begun(notes: Sequence[str]) -> None:
            for note in [*notes, *_unsafe(how)]:
                say(f"note: {note}")
            who = "no accounts, this machine alone"
            if asked:
                who = counted(len(accounts.names), "account")
            many = f"{how.workers} workers, " if how.workers > 1 else ""
            say(f"→ {_address(listening)} ({many}{who}; Ctrl-C ends)")

        work = _Answering(place, tuple(indexes), how, accounts if asked else None, listening)
        with suppress(KeyboardInterrupt), ended_by_sigterm():
            if how.workers == 1:
                work.answer(begun, lambda stop: None)
            else:
                place.connect().dispose()  # what must be upgraded is, before all want it
                Workers(work, how.workers, say).run(begun)
    say("stopped; all that was saved is kept")


@dataclass(frozen=True)
class _Answering:
    """What a process does that answers requests: the only one, or one of several."""

    place: Workplace
    indexes: tuple[Path, ...]
    how: Serving
    accounts: Accounts | None
    listening: socket.socket

    def __call__(self, line: Lifeline) -> None:
        """As one of several, each with its share of the cores."""
        prepare()
        import torch

        torch.set_num_threads(min(torch.get_num_threads(), max(1, cores() // self.how.workers)))
        self.answer(line.ready, line.at_end)

    def answer(
        self,
        begun: Callable[[Sequence[str]], None],
        at_end: Callable[[Callable[[], None]], None],
    ) -> None:
        """Open everything and answer until it is told to end.

        begun: told what is to be said about it. at_end: takes what is to be called at the end.
        """
        services, notes = open_services(self.place, self.indexes, self.how, self.accounts)
        serving = server(create_app(services), proxies=self.how.proxies)

        def stop() -> None:
            serving.should_exit = True

        begun(notes)
        at_end(stop)
        try:
            serving.run(sockets=[self.listening])
        finally:
            services.uncertainty.stop()


def _unsafe(how: Serving) -> list[str]:
    """What whoever serves others should know."""
    if is_local(how.host) or how.proxies:
        return []
    return ["without https in front of it, passwords can be read on their way"]


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UserError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends what it has at once; else each answer takes 40 ms more.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would share the port with another program
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise UserError(
            f"host={host} port={port}: cannot be used ({error.strerror or error}); stop what "
            "listens there, or give another, such as port=0 for any that is free"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    """Where a browser finds the app; of an app on all addresses, by the machine's name."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
