"""What the pages and the API of the annotation app work with, made by the command."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from drawsim.collection.grades import CONFIRMED, Grade
from drawsim.collection.tables import Collection
from drawsim.web.events.store import EventStore
from drawsim.web.pictures import Pictures
from drawsim.web.queue.finder import Finder
from drawsim.web.queue.group_queue import GroupQueue
from drawsim.web.queue.labels import Labels
from drawsim.web.queue.queue import Queue
from drawsim.web.queue.uncertainty import Uncertainty
from drawsim.web.review.standing import Standings
from drawsim.web.security.accounts import Accounts, Sessions


@dataclass(frozen=True)
class Settings:
    """What the command was asked for.

    title: of the collection, for people. k: candidates shown first. overlap: how many annotators
    see each query. host: the address the app is bound to. confirmed: grades that make a pair true.
    """

    title: str
    k: int = 20
    overlap: int = 1
    host: str = "127.0.0.1"
    confirmed: tuple[Grade, ...] = CONFIRMED


@dataclass(frozen=True)
class Services:
    """All parts of the app.

    accounts None: there is one user, local, who need not log in. groups None: no motifs were given.
    """

    store: EventStore
    queue: Queue
    uncertainty: Uncertainty
    accounts: Accounts | None
    sessions: Sessions
    finder: Finder
    pictures: Pictures
    standings: Standings
    collection: Collection
    settings: Settings
    labels: Labels
    groups: GroupQueue | None = None


def services_of(request: Request) -> Services:
    """The services of the app that answers a request."""
    services: Services = request.app.state.services
    return services
