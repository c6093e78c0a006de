"""How a museum's collection comes in: memory, kills, the limit of requests, a host that is busy.

    python scripts/bench/museum.py memory --canvases 1000 10000
    python scripts/bench/museum.py kills --canvases 10000 --kills 5
    python scripts/bench/museum.py rate --rate 2 --canvases 200
    python scripts/bench/museum.py busy --canvases 20

A museum on this machine serves collections within a collection, page by page, of manifests with ten
canvases each. It writes down every request, and what is told here is what it saw. `prepare
step=iiif` runs in a process of its own, as people run it; its images are on four hosts, so that
10,000 are there in minutes. Memory is the largest resident size (ru_maxrss) of that process.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HOSTS = 4
LEAVES = 10
"""Canvases of a manifest."""
SHELF = 50
"""Manifests of a collection; every other collection lists them by pages of ten."""
FASTEST = 100
"""Requests a second of a host that `fetch.rate` allows at most."""


class Handler(BaseHTTPRequestHandler):
    """Answers by the path alone; `server.busy`: every so manieth request is refused for a while."""

    server: Any
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def log_message(self, *_: object) -> None:
        """Written is what `do_GET` writes."""

    def do_GET(self) -> None:
        server = self.server
        server.requests += 1
        busy = server.busy and server.requests % server.busy == 0
        print(f"{time.monotonic():.4f} {429 if busy else 200} {self.path}", file=server.log)
        if busy:
            self._send(429, b"later", {"Retry-After": "2"})
        elif found := re.fullmatch(r"/images/(\d+)/full/.*", self.path):
            self._send(200, server.pictures[int(found[1]) % len(server.pictures)], {})
        else:
            document = json.dumps(self._document()).encode()
            self._send(200, document, {"Content-Type": "application/json"})

    def _document(self) -> dict[str, Any]:
        server, url = self.server, f"http://127.0.0.1:{self.server.ports[0]}"
        parts = self.path.strip("/").split("/")
        manifests = -(-server.canvases // LEAVES)
        if parts[0] == "top":
            shelves = range(-(-manifests // SHELF))
            return collection(f"{url}/top", [f"{url}/shelf/{n}" for n in shelves], "Collection")
        if parts[0] == "shelf":
            shelf = int(parts[1])
            own = range(shelf * SHELF, min((shelf + 1) * SHELF, manifests))
            listed = [f"{url}/book/{n}/manifest" for n in own]
            if shelf % 2:
                return collection(f"{url}/shelf/{shelf}", listed, "Manifest")
            page = int(parts[2]) if len(parts) > 2 else 0
            body = collection(f"{url}{self.path}", listed[page * 10 : page * 10 + 10], "Manifest")
            if (page + 1) * 10 < len(listed):
                body["next"] = f"{url}/shelf/{shelf}/{page + 1}"
            return body
        if parts[0] == "book":
            return self._manifest(url, int(parts[1]))
        number, port = int(parts[1]), self.server.server_port
        return service(f"http://127.0.0.1:{port}/images/{number}") | {"width": 96, "height": 64}

    def _manifest(self, url: str, book: int) -> dict[str, Any]:
        address = f"{url}/book/{book}"
        own = range(book * LEAVES, min((book + 1) * LEAVES, self.server.canvases))
        statement = {"label": {"en": ["Attribution"]}, "value": {"en": ["Museum Example"]}}
        return {
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "id": f"{address}/manifest",
            "type": "Manifest",
            "label": {"en": [f"Book {book}"]},
            "metadata": [
                {"label": {"en": ["Creator"]}, "value": {"none": [f"Ada {book % 97}"]}},
                {"label": {"en": ["Date"]}, "value": {"none": [f"ca. {1800 + book % 200}"]}},
            ],
            "rights": "http://creativecommons.org/licenses/by/4.0/",
            "requiredStatement": statement,
            "homepage": [{"id": f"{address}/page", "type": "Text"}],
            "items": [self._canvas(f"{address}/canvas/{number}", number) for number in own],
        }

    def _canvas(self, name: str, number: int) -> dict[str, Any]:
        host = f"http://127.0.0.1:{self.server.ports[number % len(self.server.ports)]}"
        image = f"{host}/images/{number}"
        body: dict[str, Any] = {"id": f"{image}/full/max/0/default.jpg", "type": "Image"}
        body |= {"service": [service(image)]} if self.server.services else {}
        note = {"type": "Annotation", "motivation": "painting", "body": body, "target": name}
        page = {"type": "AnnotationPage", "items": [note]}
        return {"id": name, "type": "Canvas", "width": 96, "height": 64, "items": [page]}

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Museum(ThreadingHTTPServer):
    """Of which clients may be killed."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: they left."""


def collection(name: str, members: list[str], kind: str) -> dict[str, Any]:
    """A collection of Presentation 3."""
    items = [{"id": each, "type": kind, "label": {"en": ["x"]}} for each in members]
    return {"id": name, "type": "Collection", "label": {"en": ["x"]}, "items": items}


def service(name: str) -> dict[str, Any]:
    """An image service."""
    return {"id": name, "type": "ImageService3", "profile": "level1"}


def serve(ports: Any, log: Path, canvases: int, hosts: int, busy: int, services: bool) -> None:
    """Be the museum; its ports are sent through a pipe."""
    pictures = [picture(seed) for seed in range(64)]
    servers = [Museum(("127.0.0.1", 0), Handler) for _ in range(hosts)]
    numbers = [server.server_port for server in servers]
    with log.open("a", buffering=1) as file:
        for server in servers:
            own = {"log": file, "canvases": canvases, "ports": numbers, "services": services}
            vars(server).update(own, busy=busy, requests=0, pictures=pictures)
        ports.send(numbers)
        for server in servers[1:]:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        servers[0].serve_forever()


def picture(seed: int) -> bytes:
    """A small JPEG."""
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((96, 64)).save(file, "JPEG", quality=85)
    return file.getvalue()


@contextmanager
def museum(
    folder: Path, canvases: int, hosts: int = HOSTS, busy: int = 0, *, services: bool = True
) -> Iterator[str]:
    """A museum that is open meanwhile; the address of its collection."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=serve, args=(theirs, folder / "seen.txt", canvases, hosts, busy, services)
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()[0]}/top"
    finally:
        process.kill()
        process.join()


def started(source: str, out: Path, rate: float) -> subprocess.Popen[bytes]:
    """The command, as people type it."""
    command = [sys.executable, "-m", "drawsim.prepare", "step=iiif", f"source={source}"]
    settings = [f"out={out}", "fetch.allow_private=true", f"fetch.rate={rate:g}", "step.size=96"]
    root = Path(__file__).resolve().parents[2]
    with (out.parent / "said.txt").open("ab") as said:
        where = {**os.environ, "PYTHONPATH": str(root)}
        return subprocess.Popen(
            [*command, *settings], stdout=said, stderr=said, env=where, cwd=out.parent
        )


def finished(process: subprocess.Popen[bytes]) -> float:
    """Wait for the command; MiB that it took at most."""
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("prepare failed")
    return used.ru_maxrss / 1024


def seen(folder: Path) -> list[tuple[float, int, str]]:
    """What the museum was asked: when, its answer, for what."""
    rows = [line.split(" ", 2) for line in (folder / "seen.txt").read_text().splitlines()]
    return [(float(at), int(answer), path) for at, answer, path in rows]


def images(requests: list[tuple[float, int, str]]) -> Counter[str]:
    """How often each image was asked for."""
    return Counter(path for _, answer, path in requests if "/full/" in path and answer == 200)


def rows_of(out: Path) -> int:
    """How many artworks there are."""
    return (out / "artworks.csv").read_text().count("\n") - 1


def memory(canvases: int, folder: Path) -> str:
    """One run from nothing."""
    began = time.monotonic()
    with museum(folder, canvases) as source:
        peak = finished(started(source, folder / "out", FASTEST))
    spent, asked = time.monotonic() - began, images(seen(folder))
    return (
        f"{canvases:,} canvases: {peak:,.0f} MiB at most, {spent:,.0f} s, "
        f"{rows_of(folder / 'out'):,} rows, {len(asked):,} images asked for, "
        f"{sum(n > 1 for n in asked.values())} of them twice"
    )


def kills(canvases: int, times: int, folder: Path) -> str:
    """Killed (SIGKILL) whenever another part of the images was asked for, then run to its end."""
    lines = []
    with museum(folder, canvases) as source:
        for number in range(1, times + 1):
            process = started(source, folder / "out", FASTEST)
            while len(images(seen(folder)) if (folder / "seen.txt").exists() else ()) < (
                number * canvases // (times + 1)
            ):
                time.sleep(0.5)
            process.send_signal(signal.SIGKILL)
            process.wait()
            there = len(list((folder / "out" / "artworks").glob("*.jpg")))
            lines.append(f"killed with {there:,} images there")
        peak = finished(started(source, folder / "out", FASTEST))
    asked = images(seen(folder))
    again = sum(n > 1 for n in asked.values())
    files = len(list((folder / "out" / "artworks").iterdir()))
    lines.append(
        f"then: {rows_of(folder / 'out'):,} rows, {files:,} files, {len(asked):,} images asked "
        f"for, {again} of them more than once (under way at a kill), {peak:,.0f} MiB at most"
    )
    return "\n".join(lines)


def rate(canvases: int, limit: float, folder: Path) -> str:
    """One host, one queue: requests a second as the host sees them."""
    with museum(folder, canvases, hosts=1, services=False) as source:
        finished(started(source, folder / "out", limit))
    times = [at for at, _, _ in seen(folder)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    found = (len(times) - 1) / (times[-1] - times[0])
    return (
        f"fetch.rate={limit:g}: {len(times)} requests in {times[-1] - times[0]:.1f} s, "
        f"{found:.3f} a second ({100 * (found / limit - 1):+.1f} %); gaps {min(gaps):.3f} to "
        f"{max(gaps):.3f} s, median {statistics.median(gaps):.3f}"
    )


def busy(canvases: int, folder: Path) -> str:
    """Every seventh request is answered by 429 and Retry-After: 2; the log of fetching."""
    with museum(folder, canvases, hosts=1, busy=7, services=False) as source:
        finished(started(source, folder / "out", FASTEST))
    log = (folder / "out" / ".prepared" / "iiif" / "fetched.csv").read_text().splitlines()
    return "\n".join([*log, f"{rows_of(folder / 'out'):,} rows"])


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["memory", "kills", "rate", "busy"])
    parser.add_argument("--canvases", type=int, nargs="+", default=[1000])
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--rate", type=float, default=2.0)
    given = parser.parse_args()
    for canvases in given.canvases:
        folder = Path(tempfile.mkdtemp(prefix="drawsim-museum-"))
        try:
            if given.what == "memory":
                print(memory(canvases, folder), flush=True)
            elif given.what == "kills":
                print(kills(canvases, given.kills, folder), flush=True)
            elif given.what == "rate":
                print(rate(canvases, given.rate, folder), flush=True)
            else:
                print(busy(canvases, folder), flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
