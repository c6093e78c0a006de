"""The annotation app: how long a page takes, and whether a killed server loses anything.

    python scripts/bench/annotate.py [--collection DIR --index DIR] [--rounds 100]
    python scripts/bench/annotate.py --kill 5 [--annotators 20] [--decisions 10000] [--workers 1]
                                     [--database postgresql://USER@HOST/NAME]

First: the page to judge on, the next query with its candidates, and their thumbnails, made before
(target: all in 300 ms). Without a collection, one of as many random pictures as the archive's
gallery is made.
With --kill: simulated annotators decide over HTTP and send again what got no answer, while the
server, or of several workers one at a time, is killed (SIGKILL) on the way; then every acknowledged
decision is looked for in the database, which is SQLite in a folder of its own unless another is
named (an empty one).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.acceptance.annotators import (
    Browser,
    Server,
    kill_test,
    make_accounts,
    make_world,
)

ARTWORKS = 8375
DRAWINGS = 1000
TARGET = 0.3
"""Seconds a page may take."""


def main() -> None:
    """Measure or kill, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collection", type=Path)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--kill", type=int, help="times; runs the kill test instead")
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--decisions", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1, help="of the kill test")
    parser.add_argument("--database", help="of the kill test; default: SQLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.kill is not None:
            database = arguments.database or f"sqlite:///{folder / 'annotations.sqlite'}"
            kill(folder, database, arguments)
            return
        collection, index = arguments.collection, arguments.index
        if collection is None or index is None:
            collection, index = folder / "world", folder / "world" / "index"
            make_world(collection, max(DRAWINGS, arguments.rounds), ARTWORKS, dimensions=1280)
        pages(folder, collection, index, arguments.rounds)


def pages(folder: Path, collection: Path, index: Path, rounds: int) -> None:
    """Time what the browser asks for, one after another, for the queries of as many rounds."""
    settings = [f"collection={collection}", f"index={index}", f"store={folder / 'store'}"]
    taken: dict[str, list[float]] = {}

    def timed(what: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        found = work()
        taken.setdefault(what, []).append(time.perf_counter() - began)
        return found

    with Server(settings) as server:
        browser = Browser(server.address)
        browser.open()
        for number in range(rounds + 1):
            if number == 1:
                taken.clear()  # the first round reads the index
            timed("GET /judge", lambda: browser.get("/judge"))
            task = timed("POST /api/next", lambda: browser.post("/api/next", {}))["task"]
            assert task is not None, "no queries are left: fewer --rounds"
            paths = [
                f"/picture?{urlencode({'kind': each['kind'], 'id': each['id']})}"
                for each in task["candidates"]
            ]
            each_of(browser, paths)  # makes the thumbnails that nobody has seen before
            timed(f"GET /picture, {len(paths)} thumbnails", partial(each_of, browser, paths))
            leave = {"action": "skip", "kind": "drawing", "drawing_id": task["id"]}
            browser.post("/api/events", {"events": [leave | {"key": f"skip-{number:06}"}]})
    print(f"{'':32} {'median':>10} {'p95':>10}   over {rounds} queries")
    whole = [sum(parts) for parts in zip(*taken.values(), strict=True)]
    for what, seconds in [*taken.items(), ("the whole page", whole)]:
        print(f"{what:32} {milliseconds(seconds, 50)} {milliseconds(seconds, 95)}", flush=True)
    print(f"target: {TARGET * 1e3:.0f} ms")


def each_of(browser: Browser, paths: list[str]) -> None:
    """Load one after another."""
    for path in paths:
        browser.get(path)


def milliseconds(seconds: list[float], percent: int) -> str:
    """A percentile of times, for a column."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"{cuts[percent - 1] * 1e3:7.1f} ms"


def kill(folder: Path, database: str, asked: argparse.Namespace) -> None:
    """Run the kill test on a database, and print what it found."""
    annotators, decisions = asked.annotators, asked.decisions
    world, users = folder / "world", folder / "users.json"
    make_world(world, drawings=decisions, artworks=200)
    names = make_accounts(users, annotators)
    settings = [
        *(f"collection={world}", f"index={world / 'index'}", f"store={folder / 'store'}"),
        *(f"users={users}", f"database={database}"),
    ]
    with Server(settings, asked.workers) as server:
        found = kill_test(server, database, names, decisions, asked.kill)
    rows = {
        "database": database.partition(":")[0],
        "workers": asked.workers,
        "annotators": annotators,
        "decisions acknowledged": found.decisions,
        "processes killed": found.kills,
        "seconds, restarts included": round(found.seconds, 1),
        "decisions per second": round(found.decisions / found.seconds, 1),
        "requests sent again": found.sent_again,
        "saved, though the answer was lost": found.known,
        "acknowledged and lost": len(found.lost),
        "doubled": len(found.doubled),
        "saved, never acknowledged": len(found.strange),
        "queries that two answered": len(found.shared),
    }
    for what, value in rows.items():
        print(f"{what:36} {value}")
    for path in ("/api/next", "/api/events", "/api/undo"):
        seconds = found.taken[path]
        told = f"{milliseconds(seconds, 50)} {milliseconds(seconds, 95)}"
        print(f"{path + ', median and p95':36} {told}   of {len(seconds)}")
    if found.lost or found.doubled or found.strange or found.shared:
        raise SystemExit("failed")


if __name__ == "__main__":
    main()
