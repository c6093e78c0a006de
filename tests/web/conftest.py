"""A small annotation app: the small collection, an index of random vectors, a fresh database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from argon2.profiles import CHEAPEST
from fastapi.testclient import TestClient
from PIL import Image

from drawsim.collection.iiif.documents import Part
from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.folder import Index, build_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.queries import Hits, Queries
from drawsim.retrieval.motifs.files import Motif, Motifs
from drawsim.web.events.database import connect
from drawsim.web.events.store import EventStore
from drawsim.web.pictures import Pictures
from drawsim.web.queue.finder import Finder
from drawsim.web.queue.group_queue import GroupQueue
from drawsim.web.queue.groups import Groups
from drawsim.web.queue.labels import Labels
from drawsim.web.queue.queue import Queue
from drawsim.web.queue.uncertainty import Uncertainty
from drawsim.web.review.standing import Standings
from drawsim.web.security.access import LOCAL
from drawsim.web.security.accounts import Accounts, Sessions
from drawsim.web.services import Services, Settings
from drawsim.web.thumbnails import ThumbnailFolder
from tests.web.apps import new_app
from tests.web.databases import database_url as database_url
from tests.web.databases import engine as engine
from tests.web.databases import new_database as new_database
from tests.web.databases import sqlite as sqlite

D = 8
MOTIFS = Motifs(
    (
        Motif("1", ("d1", "d0", "d4", "d7"), "d1", 0.93, 0.5),
        Motif("2", ("d2", "d5", "d6"), "d2", 0.71),
    ),
    drawings=8,
    unstable=1,
    collection="small",
    model="random0",
    digest="0" * 64,
)
"""Two groups among the eight drawings of the small collection; d3 is in none."""
PASSWORD = "correct horse"
ADDRESS = "http://127.0.0.1:7777"


def make_index(folder: Path, collection: Collection, seed: int) -> Index:
    """An index of all images of a collection, by random unit vectors."""
    generator = torch.Generator().manual_seed(seed)
    model = EmbeddingModel(f"random{seed}", f"hash{seed}", "transform", D)
    galleries = {}
    for kind, table in (("drawing", collection.originals), ("artwork", collection.artworks)):
        vectors = torch.randn(len(table), D, generator=generator)
        unit = torch.nn.functional.normalize(vectors)
        galleries[kind] = Gallery(Embeddings(list(table.index), unit), model, table)
    return build_index(folder, galleries, collection.root)


class Glass:
    """Sees of a picture how bright its colours are."""

    least_side: int | None = None
    depth = 0

    def look_again(
        self, index: Index, query: Queries, picture: Path | np.ndarray | None, found: Hits
    ) -> Hits:
        raise AssertionError("nothing is looked at again")

    def embed(self, pixels: np.ndarray, kind: Kind) -> np.ndarray:
        vector = np.zeros(D, np.float32)
        vector[:3] = pixels.reshape(-1, 3).mean(axis=0) + 1
        return vector / np.linalg.norm(vector)

    def matched(self, drawing: Path, artwork: Path) -> tuple[Part, Part] | None:
        return None if drawing.stem == "d7" else ((0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5))

    def overlay(self, drawing: Path, artwork: Path) -> Image.Image | None:
        if drawing.stem == "d7":
            return None
        return Image.new("RGB", (20, 10), "red")


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, collection: Collection) -> Index:
    return make_index(tmp_path_factory.mktemp("index"), collection, 0)


@pytest.fixture(scope="session")
def second_index(tmp_path_factory: pytest.TempPathFactory, collection: Collection) -> Index:
    return make_index(tmp_path_factory.mktemp("index"), collection, 1)


def make_services(folder: Path, collection: Collection, index: Index) -> Services:
    """All parts of an app that keeps its things in a folder, without accounts."""
    engine = connect(f"sqlite:///{folder / 'annotations.sqlite'}")
    finder = Finder([index], Glass(), collection)
    copies = collection.parents[collection.copies.index]
    store = EventStore(engine)
    groups = Groups(MOTIFS)
    labels = Labels(store, groups)
    # On a busy machine, too, all is known before the first is asked for.
    uncertainty = Uncertainty(
        engine, finder.unsure, finder.ids, finder.made_with.index_sha256, patience=60
    )
    return Services(
        store,
        Queue(
            engine,
            finder.tables,
            uncertainty,
            audit=0,
            copies=dict(zip(copies.index, copies, strict=True)),
            said=labels.now,
        ),
        uncertainty,
        None,
        Sessions(engine),
        finder,
        Pictures(collection, ThumbnailFolder(folder / "thumbnails")),
        Standings(store, collection, k=5),
        collection,
        Settings("small", k=5),
        labels,
        GroupQueue(engine, groups, timedelta(minutes=15)),
    )


def make_accounts(folder: Path) -> Accounts:
    """Two accounts: ada annotates, rosa reviews."""
    accounts = Accounts(folder / "users.json", CHEAPEST)
    accounts.add("ada", PASSWORD)
    accounts.add("rosa", PASSWORD, "reviewer")
    return accounts


@pytest.fixture
def services(tmp_path: Path, collection: Collection, index: Index) -> Services:
    """Without accounts, with a model that looks at colours."""
    return make_services(tmp_path, collection, index)


@pytest.fixture
def guarded(services: Services, tmp_path: Path) -> Services:
    """With accounts."""
    return replace(services, accounts=make_accounts(tmp_path))


Browser = Callable[[Services], TestClient]


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Something like a browser, with its cookies, for an app with these services."""
    opened: list[TestClient] = []

    def made(services: Services) -> TestClient:
        client = TestClient(new_app(services), ADDRESS, raise_server_exceptions=True)
        opened.append(client)
        return client

    yield made
    for client in opened:
        client.close()


@pytest.fixture
def local(services: Services, browser: Browser) -> TestClient:
    """The only user of an app without accounts, with the token of a page in every request."""
    client = browser(services)
    session = services.sessions.start(LOCAL)
    client.cookies[services.sessions.cookie] = session.token
    client.headers["X-CSRF-Token"] = session.csrf
    return client


def log_in(client: TestClient, services: Services, name: str) -> TestClient:
    """Log an account in and keep its token for every further request."""
    answer = client.post(
        "/login", data={"name": name, "password": PASSWORD}, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    session = services.sessions.find(client.cookies[services.sessions.cookie])
    assert session is not None
    client.headers["X-CSRF-Token"] = session.csrf
    return client
