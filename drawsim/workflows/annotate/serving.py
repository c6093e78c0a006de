"""The annotation app, from its settings to an address that answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from drawsim.collection.grades import CONFIRMED, Grade
from drawsim.common.errors import UserError
from drawsim.common.machine import prepare
from drawsim.common.words import counted
from drawsim.models.calibrated import own_calibration
from drawsim.retrieval.analysis.calibration import Calibration, load_calibration
from drawsim.retrieval.index.databases import VARIABLE
from drawsim.retrieval.index.folder import Index, open_index
from drawsim.retrieval.index.results import check_calibration
from drawsim.web.app import create_app
from drawsim.web.events.store import EventStore
from drawsim.web.pictures import Pictures
from drawsim.web.queue.finder import Finder
from drawsim.web.queue.queue import Queue
from drawsim.web.queue.uncertainty import Uncertainty
from drawsim.web.review.standing import Standings
from drawsim.web.security.accounts import Accounts, Sessions
from drawsim.web.security.guard import check_bound, is_local
from drawsim.web.server import server
from drawsim.web.services import Services, Settings
from drawsim.workflows.annotate.lens import open_lens
from drawsim.workflows.annotate.workplace import Workplace


@dataclass(frozen=True)
class Serving:
    """How the app is served. Raises UserError for what is out of bounds.

    host, port: who can reach it; port 0: any that is free. k: candidates shown at first. overlap:
    annotators who see each drawing. audit: share of the drawings drawn at random, 0..1.
    lease_minutes: how long an opened drawing is kept from others. confirmed: grades that make a
    pair true. trust: modules of the user's own that an index's model may name. calibration: a
    fitted one; None: that which the index keeps of its run, if it does. ann: search approximately.
    index_database: where the index was built, if in a database; None: as the environment says, else
    where decisions are kept.
    """

    host: str = "127.0.0.1"
    port: int = 7777
    k: int = 20
    overlap: int = 1
    audit: float = 0.05
    lease_minutes: float = 15
    confirmed: tuple[Grade, ...] = CONFIRMED
    trust: tuple[str, ...] = ()
    calibration: Path | None = None
    ann: bool = False
    index_database: str | None = None

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "port": (0, 65535),
            "k": (1, 200),
            "overlap": (1, 1000),
            "audit": (0, 1),
            "lease_minutes": (1, 10_000),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise UserError(f"{name}={value}: must be from {least} to {most}")


def serve(
    place: Workplace,
    indexes: Sequence[Path],
    how: Serving | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Open everything, tell the address, and answer until Ctrl-C.

    indexes: folders; candidates of several are fused by rank. Raises UserError if anything cannot
    be opened, or if others could reach an app that asks nobody who they are.
    """
    how = how or Serving()
    accounts = place.accounts()
    if not indexes:
        raise UserError("index must be given: index=DIR, or index='[DIR, DIR]'")
    prepare()
    asked = bool(accounts.names)
    if place.users is not None and not asked:
        raise UserError(f"users={place.users}: no accounts in it; drawsim annotate user add NAME")
    check_bound(how.host, asked)
    with _bound(how.host, how.port) as listening:
        services, notes = _services(place, indexes, how, accounts if asked else None)
        if not is_local(how.host):
            notes.append("without https in front of it, passwords can be read on their way")
        for note in notes:
            say(f"note: {note}")
        many = counted(len(accounts.names), "account")
        who = many if asked else "no accounts, this machine alone"
        say(f"→ {_address(listening)} ({who}; Ctrl-C ends)")
        try:
            with suppress(KeyboardInterrupt):  # told again once all requests are answered
                server(create_app(services)).run(sockets=[listening])
        finally:
            services.uncertainty.stop()
    say("stopped; all that was saved is kept")


def _services(
    place: Workplace,
    indexes: Sequence[Path],
    how: Serving,
    accounts: Accounts | None,
) -> tuple[Services, list[str]]:
    """All parts of the app, and what is to be said about them."""
    collection = place.read()
    database = how.index_database or os.environ.get(VARIABLE) or place.database
    opened = [open_index(folder, database) for folder in indexes]
    lens, notes = open_lens(opened[0], how.trust)
    for index in opened:
        notes += index.check_collection(collection)
    calibration, told = _calibration(opened, how.calibration)
    notes += told
    finder = Finder(opened, lens, collection, calibration, how.ann)
    engine = place.connect()
    store = EventStore(engine)
    lease = timedelta(minutes=how.lease_minutes)
    copies = collection.parents[collection.copies.index]
    uncertainty = Uncertainty(
        finder.unsure, finder.ids, finder.made_with.index_sha256, place.folder
    )
    queue = Queue(
        engine,
        finder.tables,
        uncertainty,
        how.overlap,
        lease,
        how.audit,
        copies=dict(zip(copies.index, copies, strict=True)),
    )
    title = collection.root.resolve().name
    services = Services(
        store,
        queue,
        uncertainty,
        accounts,
        Sessions(engine),
        finder,
        Pictures(collection, place.folder / "thumbnails"),
        Standings(store, collection, how.confirmed, how.k),
        collection,
        Settings(title, how.k, how.overlap, how.host, how.confirmed),
    )
    return services, notes


def _calibration(
    indexes: Sequence[Index], given: Path | None
) -> tuple[Calibration | None, list[str]]:
    """How likely first candidates are true, where that is known, and what is to be said of it.

    Raises UserError if one is given that is not of the index.
    """
    if given is not None:
        return load_calibration(given), []
    if len(indexes) > 1:
        return None, []
    own = own_calibration(indexes[0].folder)
    if own.file is None:
        return None, [own.note]
    try:
        calibration = load_calibration(own.file)
        check_calibration(calibration, indexes[0])
    except UserError as error:
        return None, [f"uncalibrated: {error}"]
    return calibration, []


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
