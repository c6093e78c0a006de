"""Simulated annotators, who work over HTTP and send again what got no answer; a server to kill.

The acceptance test and scripts/bench/annotate.py share them.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import httpx
import numpy as np
import torch
from argon2.profiles import CHEAPEST
from PIL import Image
from sqlalchemy import text

from drawsim.collection.grades import Grade
from drawsim.collection.tables import Collection
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.folder import build_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.web.events.database import connect
from drawsim.web.security.accounts import Accounts
from tests.commands import Command

COMPARED = ("action", "drawing_id", "artwork_id", "grade", "rank", "shown", "undoes")
"""What of a decision is looked for in the database."""
PASSWORD = "a password of annotators"
PICTURES = 60
"""Different pictures in a made-up collection; its images share them."""
PATIENCE = 120.0
"""Seconds within which a request must be answered, kills and restarts included."""
Json = dict[str, Any]


def make_world(folder: Path, drawings: int, artworks: int, dimensions: int = 64) -> None:
    """A collection of soft random pictures in `folder`, and an index of random vectors in it."""
    (folder / "pictures").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        coarse.resize((800, 600)).save(folder / "pictures" / f"{number}.jpg")
    for kind, count in (("drawing", drawings), ("artwork", artworks)):
        rows = [f"{kind}{i},pictures/{i % PICTURES}.jpg\n" for i in range(count)]
        (folder / f"{kind}s.csv").write_text("id,path\n" + "".join(rows), encoding="utf-8")
    (folder / "pairs.csv").write_text("drawing_id,artwork_id,pair\ndrawing0,artwork0,true\n")
    collection = Collection.open(folder)
    generator = torch.Generator().manual_seed(0)
    model = EmbeddingModel("random", "none", "none", dimensions)
    galleries = {}
    for kind, table in (("drawing", collection.drawings), ("artwork", collection.artworks)):
        vectors = torch.randn(len(table), dimensions, generator=generator)
        unit = torch.nn.functional.normalize(vectors)
        galleries[kind] = Gallery(Embeddings(list(table.index), unit), model, table)
    build_index(folder / "index", galleries, folder)


def make_accounts(file: Path, count: int) -> list[str]:
    """Accounts with quick hashes, all of one password; returns their names."""
    accounts = Accounts(file, CHEAPEST)
    names = [f"annotator{number:02}" for number in range(count)]
    for name in names:
        accounts.add(name, PASSWORD)
    return names


class Server:
    """`drawsim annotate` as a process of its own, at one address however often it is started.

    workers: processes that answer; of several, one at a time is killed, and started again by the
    server itself.
    """

    def __init__(self, settings: Sequence[str], workers: int = 1) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.settings = [*settings, f"workers={workers}"]
        self.workers = workers
        self.process: Command | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        own = {"HYDRA_FULL_ERROR": "1"}
        self.process = Command("annotate", f"port={self.port}", *self.settings, environment=own)
        end = time.monotonic() + PATIENCE
        while not self._answers():
            running = self.process.poll() is None and time.monotonic() < end
            assert running, f"no server:\n{self.process.written()}"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            httpx.get(f"{self.address}/login", timeout=5)
        except httpx.TransportError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL: it cannot finish anything."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def kill_one(self) -> None:
        """Kill one that answers, and see that another takes its place."""
        if self.workers == 1:
            self.kill()
            self.start()
            return
        assert self.process is not None
        end = time.monotonic() + PATIENCE
        while len(there := self._workers()) < self.workers:
            assert time.monotonic() < end, self.process.written()
            time.sleep(0.05)
        os.kill(there[0], signal.SIGKILL)  # the oldest one, which has begun to answer
        while there[0] in self._workers():
            time.sleep(0.01)

    def _workers(self) -> list[int]:
        """The processes that the server has started to answer, the oldest first (Linux)."""
        assert self.process is not None
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        found = []
        for child in map(int, children):
            with suppress(OSError):  # it has ended meanwhile
                told = Path(f"/proc/{child}/cmdline").read_bytes()
                began = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[19]
                if b"spawn_main" in told:
                    found.append((int(began), child))
        return [child for _, child in sorted(found)]

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)  # which kills it, after so long


class Browser:
    """A session on a server, which keeps sending a request until it is answered.

    taken: by path, the seconds until each answer, of those that came at the first try.
    """

    def __init__(self, address: str, name: str | None = None) -> None:
        self.client = httpx.Client(base_url=address, timeout=30)
        self.name = name
        self.sent_again = 0
        self.taken: dict[str, list[float]] = {}

    def open(self) -> None:
        """Log in, if there are accounts, and take the token of a page."""
        if self.name is not None:
            form = {"name": self.name, "password": PASSWORD}
            while (told := self._answer("POST", "/login", data=form)).status_code == 429:
                time.sleep(int(told.headers["Retry-After"]))  # many log in at this moment
            assert told.status_code == 303
        page = self._answer("GET", "/judge")
        found = re.search(r'<meta name="csrf" content="([^"]+)"', page.text)
        assert found, page.text
        self.client.headers["X-CSRF-Token"] = found[1]

    def post(self, path: str, body: Json) -> Json:
        """The answer to a request of the API."""
        answer = self._answer("POST", path, json=body)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        told: Json = answer.json()
        return told

    def get(self, path: str) -> None:
        """Load a page or a picture."""
        answer = self._answer("GET", path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        began = time.monotonic()
        end, sent_before = began + PATIENCE, self.sent_again
        while True:
            try:
                answer = self.client.request(method, path, **request)
                if answer.status_code < 500:
                    if self.sent_again == sent_before:
                        self.taken.setdefault(path, []).append(time.monotonic() - began)
                    return answer
                problem = f"{answer.status_code} {answer.text}"
            except httpx.TransportError as error:
                problem = repr(error)
            assert time.monotonic() < end, f"{method} {path} was never answered: {problem}"
            self.sent_again += 1
            time.sleep(0.2)


class Work:
    """How many decisions are acknowledged, of how many that are wanted."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.done = 0
        self.failed = threading.Event()
        self._counting = threading.Lock()

    def count(self) -> None:
        """One more."""
        with self._counting:
            self.done += 1

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.done >= self.wanted or self.failed.is_set()


class Annotator(threading.Thread):
    """Judges one query after another: some grades, each saved at once, now and then an undo.

    acknowledged: key -> what was saved under it, as far as the server said that it was. known: how
    many of these it had saved before the answer that arrived.
    """

    def __init__(self, browser: Browser, work: Work, seed: int) -> None:
        super().__init__(daemon=True)
        self.browser = browser
        self.work = work
        self.chance = random.Random(seed)
        self.acknowledged: dict[str, Json] = {}
        self.known = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Work until there is enough, or anyone fails."""
        try:
            self.browser.open()
            while not self.work.over:
                task = self.browser.post("/api/next", {"order": "random"})["task"]
                assert task is not None, "no queries are left: make more drawings"
                self._judge(task)
        except BaseException as error:
            self.error = error
            self.work.failed.set()

    def _judge(self, task: Json) -> None:
        grades: tuple[Grade, ...] = get_args(Grade)
        seen = task["candidates"]
        for candidate in self.chance.sample(seen, self.chance.randint(0, 6)):
            pair = {"drawing_id": task["id"], "artwork_id": candidate["id"]}
            shown = {"rank": candidate["rank"], "score": candidate["score"], "shown": len(seen)}
            grade = self.chance.choice(grades)
            last = self._save({"action": "grade", **pair, "grade": grade, **shown})
            if self.chance.random() < 0.1:
                self._undo(last)
        answer = self.chance.choice(["done", "none", "skip"])
        shown_ids = [] if answer == "skip" else [candidate["id"] for candidate in seen]
        self._save({"action": answer, "drawing_id": task["id"], "shown_ids": shown_ids})

    def _save(self, event: Json) -> str:
        key = self._key()
        told = self.browser.post(
            "/api/events", {"events": [event | {"key": key, "kind": "drawing"}]}
        )
        assert told["saved"] + told["known"] == [key]
        self.known += len(told["known"])
        self._acknowledge(key, event)
        return key

    def _undo(self, last: str) -> None:
        key = self._key()
        undone = self.browser.post("/api/undo", {"key": key})["undone"]
        assert undone is not None
        assert undone["key"] == last, "an undo took back something else"
        self._acknowledge(key, {"action": "undo", "undoes": last})

    def _key(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def _acknowledge(self, key: str, event: Json) -> None:
        self.acknowledged[key] = event
        self.work.count()


@dataclass(frozen=True)
class Outcome:
    """What is in the database after all, against what was acknowledged.

    lost: acknowledged keys that are not there, or there with other content. doubled: keys that are
    there more than once. strange: keys that are there and were never acknowledged. shared: queries
    that more annotators answered than are to see each. sent_again: requests without an answer.
    known: decisions that were saved although their first answer never arrived. taken: by path, the
    seconds until each answer.
    """

    decisions: int
    kills: int
    sent_again: int
    known: int
    seconds: float
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    taken: dict[str, list[float]] = field(default_factory=dict)


def kill_test(
    server: Server, database: str, names: Sequence[str], decisions: int, kills: int
) -> Outcome:
    """Let annotators decide, kill the running server so many times on the way, and look for all.

    Of several workers, one at a time is killed. Raises what any annotator stumbled over.
    """
    began = time.monotonic()
    work = Work(decisions)
    annotators = [
        Annotator(Browser(server.address, name), work, seed) for seed, name in enumerate(names)
    ]
    for annotator in annotators:
        annotator.start()
    killed = 0
    while any(annotator.is_alive() for annotator in annotators):
        if killed < kills and work.done > (killed + 1) * decisions / (kills + 1):
            server.kill_one()
            killed += 1
        time.sleep(0.005)
    for annotator in annotators:
        if annotator.error is not None:
            raise annotator.error
    seconds = time.monotonic() - began
    return compare(database, annotators, killed, seconds)


def compare(database: str, annotators: Sequence[Annotator], kills: int, seconds: float) -> Outcome:
    """What annotators were told is saved, against what is in the database."""
    engine = connect(database)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM events")).mappings().all()
    engine.dispose()
    there = {row["key"]: row for row in rows}
    counts = Counter(row["key"] for row in rows)
    lost, expected = [], set()
    for annotator in annotators:
        for key, event in annotator.acknowledged.items():
            expected.add(key)
            saved = dict(there.get(key, {}))
            same = all(saved.get(name) == event[name] for name in COMPARED if name in event)
            same = same and saved.get("annotator") == annotator.browser.name
            if not same:
                lost.append(key)
    answered = {
        (row["query_id"], row["annotator"]) for row in rows if row["action"] in ("done", "none")
    }
    answers = Counter(query for query, _ in answered)
    taken: dict[str, list[float]] = {}
    for annotator in annotators:
        for path, each in annotator.browser.taken.items():
            taken.setdefault(path, []).extend(each)
    return Outcome(
        decisions=len(expected),
        kills=kills,
        sent_again=sum(annotator.browser.sent_again for annotator in annotators),
        known=sum(annotator.known for annotator in annotators),
        seconds=seconds,
        lost=lost,
        doubled=[key for key, count in counts.items() if count > 1],
        strange=[key for key in there if key not in expected],
        shared=[query for query, count in answers.items() if count > 1],
        taken=taken,
    )
