"""A hub of weights on this machine: the requests that the hub's own client makes, and no more."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class StandIn:
    """files: by "OWNER/NAME/FILE". errors: status and error code of an owner/name. cut: whose
    files come without their end. asked: method and path of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    endpoint: str = ""


@contextmanager
def serving(hub: StandIn) -> Iterator[StandIn]:
    """Serve a hub on a free port of the loopback interface; `endpoint` is what HF_ENDPOINT says."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            hub.asked.append((self.command, self.path))
            name, _, rest = self.path.lstrip("/").partition("/resolve/")
            file = f"{name}/{rest.partition('/')[2]}"
            if self.path.startswith("/api/"):  # no repository has folders
                self._refuse(404, "EntryNotFound")
            elif name in hub.errors:
                self._refuse(*hub.errors[name])
            elif not any(one.startswith(f"{name}/") for one in hub.files):
                self._refuse(404, "RepoNotFound")
            elif file not in hub.files:
                self._refuse(404, "EntryNotFound")
            else:
                self._send(hub.files[file], cut=name in hub.cut)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, content: bytes, *, cut: bool) -> None:
            sent = content[: len(content) // 2] if cut else content
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Nobody reads what would be printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
