"""The annotation app on a socket, for tests that need a real connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

from drawsim.web.server import server
from drawsim.web.services import Services
from tests.web.apps import new_app

PATIENCE = 30.0
"""Seconds that a start or a stop may take on a busy machine."""


class LiveServer:
    """An app at one address, however often it is stopped and started again."""

    def __init__(self, services: Services, proxies: Sequence[str] = ()) -> None:
        self.services = services
        self.proxies = proxies
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    @property
    def address(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answer requests from now on, in a thread."""
        # create_server lets a port be taken again at once.
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._server = server(new_app(self.services), 1, self.proxies)
        run = {"sockets": [self._listening]}
        self._thread = threading.Thread(target=self._server.run, kwargs=run, daemon=True)
        self._thread.start()
        end = time.monotonic() + PATIENCE
        while not self._server.started:
            assert self._thread.is_alive()
            assert time.monotonic() < end
            time.sleep(0.005)

    def stop(self) -> None:
        """Close all connections; who asks now is refused."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._listening.close()

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._thread.is_alive():
            self.stop()
