"""Judge candidates in a browser: `python -m drawsim.annotate collection=DIR index=INDEX`."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import as_texts, listed
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from omegaconf import DictConfig
    from PIL import Image
    from sqlalchemy import Engine

    from drawsim.models.model import Model
    from drawsim.retrieval.index.folder import Index
    from drawsim.web.events.drafts import Grade, Kind
    from drawsim.web.security.accounts import Accounts
    from drawsim.web.services import Services

TEXTS = (
    *("collection", "index", "store", "users", "database", "host", "role", "out", "confirmed"),
    "source",
)
PASSWORD = "DRAWSIM_PASSWORD"
PATIENCE = 5  # seconds that open requests get when the app is stopped


def annotate(words: Sequence[str], config: DictConfig) -> None:
    """Do what the words in front of the settings say; without any, serve the app."""
    match words:
        case []:
            _serve(config)
        case ["user", "add", name]:
            _add_user(config, name)
        case ["user", "remove", name]:
            _accounts(config).remove(name)
            print(f"{name} is removed; what {name} decided stays")
        case ["user", "list"]:
            _list_users(config)
        case ["export"]:
            _export(config)
        case ["import"]:
            _import(config)
        case _:
            known = ("user add NAME", "user remove NAME", "user list", "export", "import")
            said = " ".join(words)
            raise UserError(f"{said}: {nearest(said, known, n=1)}")


def _serve(config: DictConfig) -> None:
    """Open everything, print the address, and answer until Ctrl-C."""
    _check(config)
    from drawsim.common.machine import prepare
    from drawsim.web.security.access import check_bound, is_local

    prepare()
    accounts = _accounts(config)
    asked = bool(accounts.names)
    if config.users is not None and not asked:
        raise UserError(f"users={config.users}: no accounts in it; drawsim annotate user add NAME")
    check_bound(config.host, asked)
    with _bound(config.host, config.port) as listening:
        import uvicorn

        from drawsim.web.app import create_app

        services, notes = _services(config, accounts if asked else None)
        settings = uvicorn.Config(
            create_app(services),
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,  # the throttle of logins counts by address
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=PATIENCE,
        )
        if not is_local(config.host):
            notes.append("without https in front of it, passwords can be read on their way")
        for note in notes:
            print(f"note: {note}")
        who = f"{len(accounts.names)} accounts" if asked else "no accounts, this machine alone"
        print(f"→ {_address(listening)} ({who}; Ctrl-C ends)", flush=True)
        with suppress(KeyboardInterrupt):  # told again once all requests are answered
            uvicorn.Server(settings).run(sockets=[listening])
    print("stopped; all that was saved is kept")


def _services(config: DictConfig, accounts: Accounts | None) -> tuple[Services, list[str]]:
    """All parts of the app, and what is to be said about them."""
    from datetime import timedelta

    from drawsim.collection.tables import Collection
    from drawsim.retrieval.index.folder import open_index
    from drawsim.web.events.store import EventStore
    from drawsim.web.pictures import Pictures
    from drawsim.web.queue.finder import Finder
    from drawsim.web.queue.queue import Queue
    from drawsim.web.security.accounts import Sessions
    from drawsim.web.services import Services, Settings

    collection = Collection.open(_root(config))
    indexes = [open_index(Path(folder)) for folder in listed(config.index)]
    lens, notes = _lens(indexes[0])
    for index in indexes:
        notes += index.check_collection(collection)
    finder = Finder(indexes, lens, collection)
    engine = _engine(config)
    queue = Queue(
        engine,
        finder.tables,
        finder.uncertainty,
        config.overlap,
        timedelta(minutes=config.lease_minutes),
        config.audit,
    )
    settings = Settings(
        collection.root.resolve().name, config.k, config.overlap, config.host, _confirmed(config)
    )
    services = Services(
        EventStore(engine),
        queue,
        accounts,
        Sessions(engine),
        finder,
        Pictures(collection, _store(config) / "thumbnails"),
        collection,
        settings,
    )
    return services, notes


def _lens(index: Index) -> tuple[ModelLens | None, list[str]]:
    """The model of an index, if it can be made; else what there will not be."""
    from drawsim.models.loading import SOURCE, load_source, model_of_source

    try:
        model = model_of_source(load_source(index.folder), index.folder / SOURCE)
        index.check_model(model.made_by(index.model.dimensions))
    except UserError as error:
        return None, [f"no search by picture and no overlays: {error}"]
    return ModelLens(model), []


class ModelLens:
    """A model that looks at pictures, one at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._looking = threading.Lock()

    def embed(self, pixels: np.ndarray, kind: Kind) -> np.ndarray:
        """The (d,) unit vector of a picture, (height, width, 3) uint8 RGB."""
        with self._looking:
            return self._model.vectors([pixels], kind)[0].numpy()

    def overlay(self, drawing: Path, artwork: Path) -> Image.Image | None:
        """Both side by side with the patches that agree on one layout; None: none do.

        Raises ImageReadError if one of the two cannot be read.
        """
        from PIL import Image

        from drawsim.models.spatial_rerank import placements
        from drawsim.pixels.decode import read_image
        from drawsim.reporting.search.overlay import HEIGHT, overlay

        left, right = (Image.fromarray(read_image(path, HEIGHT)) for path in (drawing, artwork))
        with self._looking:
            placement = placements(self._model, drawing, [artwork])[0]
        if placement is None:
            return None
        return overlay(left, right, placement)


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


def _root(config: DictConfig) -> Path:
    """The folder of the collection. Raises UserError if there is none."""
    root = Path(config.collection)
    if not root.is_dir():
        raise UserError(f"collection={root}: no such folder")
    return root


def _store(config: DictConfig) -> Path:
    return Path(config.collection, "annotations") if config.store is None else Path(config.store)


def _accounts(config: DictConfig) -> Accounts:
    from drawsim.web.security.accounts import Accounts

    if config.users is not None:
        return Accounts(Path(config.users))
    if config.store is None:
        _root(config)
    return Accounts(_store(config) / "users.json")


def _engine(config: DictConfig) -> Engine:
    from sqlalchemy.engine import URL

    from drawsim.web.events.tables import connect

    if config.database is not None:
        return connect(config.database)
    return connect(URL.create("sqlite", database=str(_sqlite(config))).render_as_string())


def _sqlite(config: DictConfig) -> Path:
    return _store(config) / "annotations.sqlite"


def _add_user(config: DictConfig, name: str) -> None:
    from getpass import getpass

    accounts = _accounts(config)
    password = os.environ.get(PASSWORD)
    if password is None:
        password = getpass(f"password of {name}: ")
        if getpass("again: ") != password:
            raise UserError("the two passwords differ; nothing was changed")
    accounts.add(name, password, config.role)
    print(f"{name} may log in as {config.role}")


def _list_users(config: DictConfig) -> None:
    accounts = _accounts(config)
    for name in accounts.names:
        user = accounts.find(name)
        print(f"{name}  {user.role}" if user else name)
    if not accounts.names:
        print("no accounts")


def _confirmed(config: DictConfig) -> tuple[Grade, ...]:
    from drawsim.web.events.drafts import GRADES

    grades = {str(grade): grade for grade in GRADES}
    for given in listed(config.confirmed):
        if given not in grades:
            raise UserError(f"confirmed: no grade is {given!r}, {nearest(given, grades)}")
    return tuple(grades[given] for given in listed(config.confirmed))


def _export(config: DictConfig) -> None:
    """Write what was decided, and say what that changes."""
    from drawsim.collection.tables import Collection
    from drawsim.web.events.store import EventStore
    from drawsim.web.review.export import export_all

    collection = Collection.open(_root(config))
    if config.database is None and not _sqlite(config).is_file():
        raise UserError(f"{_sqlite(config)}: no such file; nothing was annotated there yet")
    out = None if config.out is None else Path(config.out)
    print(export_all(EventStore(_engine(config)), collection, out, _confirmed(config)))


def _import(config: DictConfig) -> None:
    """Save the annotations of the thesis's app as grades."""
    from drawsim.collection.tables import Collection
    from drawsim.web.events.store import EventStore
    from drawsim.web.review.thesis_annotations import import_thesis

    if config.source is None:
        raise UserError("source must be given: source=FILE.csv, a table of annotations")
    collection = Collection.open(_root(config))
    print(import_thesis(EventStore(_engine(config)), collection, Path(config.source)))


def _check(config: DictConfig) -> None:
    """Raise UserError for settings that cannot be."""
    bounds: dict[str, tuple[float, float]] = {
        "port": (0, 65535),
        "k": (1, 200),
        "overlap": (1, 1000),
        "audit": (0, 1),
        "lease_minutes": (1, 10_000),
    }
    for key, (least, most) in bounds.items():
        if not least <= config[key] <= most:
            raise UserError(f"{key}={config[key]}: must be from {least} to {most}")
    _confirmed(config)
    _root(config)
    if not listed(config.index):
        raise UserError("index must be given: index=DIR, or index='[DIR, DIR]'")


def _words(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words in front of the settings, and the rest of a command line."""
    count = 0
    while count < len(arguments) and not ("=" in arguments[count] or arguments[count][:1] in "-+~"):
        count += 1
    return list(arguments[:count]), list(arguments[count:])


def _launch(arguments: Sequence[str]) -> Any:
    words, settings = _words(arguments)
    sys.argv[1:] = as_texts(settings, TEXTS)
    launch("annotate", partial(annotate, words))


if __name__ == "__main__":
    _launch(sys.argv[1:])
