"""The annotation app under what strangers and large collections do to it: how long users wait.

    python scripts/bench/flood.py [--drawings 90000 --artworks 50000 --dimensions 256]
                                  [--answers 20000] [--seconds 10] [--database URL] [--only WORDS]

Somebody who is logged in loads the page to judge on and asks for the next drawing, over and over,
while: nothing else happens; 60 clients try passwords; 300 connections send heads and 300 send
bodies a byte at a time; 10 clients send 20 MB without a login; somebody begins to judge what is
most uncertain; four people look at the progress page. --only: what has these words alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.security.accounts import Accounts
from tests.acceptance import annotators
from tests.acceptance.annotators import PASSWORD, Browser, Server, make_world

CLIENTS, SLOW, LARGE, LOOKING = 60, 300, 10, 4
PAUSE = 0.05
"""Seconds between two requests of the user."""
BETWEEN = 0.25
"""Seconds between two tries of a client."""
SIGNING_IN = threading.Lock()
"""People who work sign in one after the other: of many at once, the app refuses some."""
Work = Callable[[Server, Event], None]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, number in (
        *(("drawings", 90_000), ("artworks", 50_000), ("dimensions", 256)),
        *(("answers", 20_000), ("seconds", 10)),
    ):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--database")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    annotators.PATIENCE = 900  # so many images take a while to open
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world, users, store = folder / "world", folder / "users.json", folder / "store"
        make_world(world, asked.drawings, asked.artworks, asked.dimensions)
        accounts = Accounts(users)  # at full cost
        for person in ("ada", "rosa"):
            accounts.add(person, PASSWORD)
        database = asked.database or f"sqlite:///{store / 'annotations.sqlite'}"
        answer(database, asked.answers)
        settings = [f"collection={world}", f"index={world / 'index'}", f"store={store}"]
        settings += [f"users={users}", f"database={database}"]
        with Server(settings) as server:
            measure(server, asked.seconds, asked.only)


def answer(database: str, answers: int) -> None:
    """Four people have judged some drawings, each with twenty candidates seen and two grades."""
    store, made_with = EventStore(connect(database)), MadeWith("random", "0" * 64)
    for who in range(4):
        drafts = []
        for number in range(answers // 4):
            drawing = f"drawing{number * 2 + who % 2}"
            seen = tuple(f"artwork{(number + each) % 50}" for each in range(20))
            for each, grade in enumerate(("same work", "different")):
                key = f"grade-{who}-{number}-{each}"
                about = {"drawing_id": drawing, "artwork_id": seen[each], "grade": grade}
                drafts.append(Draft(key, "grade", "drawing", **about))  # type: ignore[arg-type]
            key = f"answer-{who}-{number}"
            drafts.append(Draft(key, "done", "drawing", drawing, shown_ids=seen, seconds=9.0))
        for start in range(0, len(drafts), 5000):
            store.save(f"person{who}", drafts[start : start + 5000], made_with)
    store.engine.dispose()


def measure(server: Server, seconds: int, only: str) -> None:
    """Let the user work under each burden."""
    burdens: dict[str, list[Work]] = {
        "nothing else": [],
        f"{CLIENTS} clients try passwords": [guess] * CLIENTS,
        f"{SLOW} heads a byte at a time": [slow_heads],
        f"{SLOW} bodies a byte at a time": [slow_bodies],
        f"{LARGE} send 20 MB without a login": [large_body] * LARGE,
        "most uncertain first": [most_uncertain],
        f"{LOOKING} look at the progress": [look] * LOOKING,
    }
    browser = Browser(server.address, "ada")
    browser.open()
    browser.post("/api/next", {})
    print(f"{'':36} {'GET /judge':^26}   {'POST /api/next':^26}")
    print(f"{'':36} {'median':>8} {'p95':>8} {'max':>8}   {'median':>8} {'p95':>8} {'max':>8}")
    for what, works in burdens.items():
        if only not in what:
            continue
        with under(server, works):
            pages, claims = worked(browser, seconds)
        print(f"{what:36} {told(pages)}   {told(claims)}", flush=True)
        time.sleep(2)


@contextmanager
def under(server: Server, works: list[Work]) -> Iterator[None]:
    """Others at work, in a process of their own, so that they do not slow the user's clock."""
    processes = multiprocessing.get_context("fork")
    over = processes.Event()
    others = processes.Process(target=at_work, args=(server, works, over), daemon=True)
    others.start()
    time.sleep(1)
    try:
        yield
    finally:
        over.set()
        others.join(60)


def at_work(server: Server, works: list[Work], over: Event) -> None:
    """Each in a thread, until it is over."""
    threads = [threading.Thread(target=each, args=(server, over), daemon=True) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def worked(browser: Browser, seconds: int) -> tuple[list[float], list[float]]:
    """How long pages and claims took."""
    pages: list[float] = []
    claims: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        browser.get("/judge")
        between = time.perf_counter()
        browser.post("/api/next", {})
        claims.append(time.perf_counter() - between)
        pages.append(between - began)
        time.sleep(PAUSE)
    return pages, claims


def told(seconds: list[float]) -> str:
    """Median, 95th percentile and largest, in milliseconds."""
    ordered = sorted(seconds)
    found = (ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)], ordered[-1])
    return " ".join(f"{1e3 * each:8.0f}" for each in found)


def guess(server: Server, over: Event) -> None:
    """Try one name after another."""
    with httpx.Client(base_url=server.address, timeout=60) as client:
        for number in count():
            if over.is_set():
                return
            form = {"name": f"name{number}-{threading.get_ident()}", "password": "a wrong one"}
            with suppress(httpx.TransportError):
                client.post("/login", data=form)
            over.wait(BETWEEN)


def slow_heads(server: Server, over: Event) -> None:
    """Connections that send a header a byte at a time."""
    drip(server, over, "GET /judge HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")


def slow_bodies(server: Server, over: Event) -> None:
    """Connections that send a form a byte at a time."""
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n"
    drip(server, over, f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n{form}\r\nname=")


def drip(server: Server, over: Event, text: str) -> None:
    """Keep many connections open, with a byte each second; those that were closed, anew."""
    held: list[socket.socket | None] = [None] * SLOW
    while not over.is_set():
        held = [dripped(server, connection, text) for connection in held]
        over.wait(1)
    for connection in held:
        if connection is not None:
            connection.close()


def dripped(server: Server, held: socket.socket | None, text: str) -> socket.socket | None:
    """The connection after another byte; None: the server has closed it."""
    try:
        if held is None:
            held = socket.create_connection(("127.0.0.1", server.port))
            held.sendall(text.encode())
        held.sendall(b"a")
    except OSError:
        return None
    return held


def large_body(server: Server, over: Event) -> None:
    """Send a picture of 20 MB without being logged in."""
    files = {"file": ("x.png", b"\0" * 20_000_000, "image/png")}
    while not over.is_set():
        with suppress(httpx.TransportError):
            httpx.post(f"{server.address}/api/find/image", files=files, timeout=60)


def most_uncertain(server: Server, over: Event) -> None:
    """Begin to judge where the models are least sure."""
    browser = Browser(server.address, "rosa")
    browser.client.timeout = httpx.Timeout(600)
    browser.open()
    began = time.monotonic()
    browser.post("/api/next", {"order": "uncertain"})
    print(f"  (the first of the most uncertain came after {time.monotonic() - began:.1f} s)")


def look(server: Server, over: Event) -> None:
    """Load the progress page again and again, while something new is done."""
    browser = Browser(server.address, "rosa")
    browser.client.timeout = httpx.Timeout(600)
    with SIGNING_IN:
        browser.open()
    number = 0
    while not over.is_set():
        began = time.monotonic()
        browser.get("/progress")
        if number == 0:
            print(f"  (the progress came after {time.monotonic() - began:.1f} s)")
        number += 1
        note = {"action": "note", "kind": "drawing", "drawing_id": "drawing1", "note": str(number)}
        key = f"look-{threading.get_ident()}-{number}"
        browser.post("/api/events", {"events": [note | {"key": key}]})


if __name__ == "__main__":
    main()
