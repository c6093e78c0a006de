"""A browser for all tests of this folder, an app on a socket, and who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from drawsim.collection.tables import Collection
from drawsim.retrieval.index.folder import Index
from drawsim.web.services import Services
from tests.web.browser.states import STATES, Shown, furnish
from tests.web.browser.visitor import PATIENCE, SIZE, Visitor, started
from tests.web.conftest import make_accounts, make_services
from tests.web.live import LiveServer

expect.set_options(timeout=PATIENCE)

Visit = Callable[..., Visitor]


# Not for the session: as long as it is open, no test can run a loop of its own in this thread.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or Playwright's; tests are skipped where neither can be started."""
    with started() as browser:
        yield browser


@pytest.fixture
def live(services: Services) -> Iterator[LiveServer]:
    """The app without accounts."""
    with LiveServer(services) as server:
        yield server


@pytest.fixture
def guarded_live(guarded: Services) -> Iterator[LiveServer]:
    """The app with the accounts ada and rosa."""
    with LiveServer(guarded) as server:
        yield server


def let_in(visitor: Visitor, server: LiveServer, name: str) -> None:
    """Log somebody in without the login page."""
    accounts = server.services.accounts
    assert accounts is not None
    user = accounts.find(name)
    assert user is not None
    token = server.services.sessions.start(user).token
    visitor.context.add_cookies(
        [{"name": server.services.sessions.cookie, "value": token, "url": server.address}]
    )


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Opens a browser profile on a server; `visit(server)`, or `visit(server, "ada")` logged in.

    The test fails if any script or the policy of the server complained, whatever it is about.
    """
    visitors: list[Visitor] = []

    def opened(server: LiveServer, name: str | None = None, **options: Any) -> Visitor:
        visitors.append(Visitor(chromium, server.address, **options))
        if name is not None:
            let_in(visitors[-1], server, name)
        return visitors[-1]

    yield opened
    problems = [problem for visitor in visitors for problem in visitor.close()]
    assert problems == []


@pytest.fixture
def desk(live: LiveServer, visit: Visit) -> Visitor:
    """Somebody who judges drawings by id, on the app without accounts; d0 is there."""
    visitor = visit(live)
    visitor.open("/judge?order=id")
    return visitor


@pytest.fixture(scope="package")
def furnished(
    tmp_path_factory: pytest.TempPathFactory, collection: Collection, index: Index
) -> Iterator[LiveServer]:
    """The app with accounts, on which three people have judged. Tests only look at it."""
    folder = tmp_path_factory.mktemp("furnished")
    services = replace(make_services(folder, collection, index), accounts=make_accounts(folder))
    furnish(services)
    with LiveServer(services) as server:
        yield server


@pytest.fixture(scope="package")
def onlookers(chromium: Browser, furnished: LiveServer) -> Iterator[dict[str | None, Visitor]]:
    """Who looks at the furnished app: a reviewer, and somebody who is not logged in."""
    both = {user: Visitor(chromium, furnished.address) for user in ("rosa", None)}
    let_in(both["rosa"], furnished, "rosa")
    yield both
    for visitor in both.values():
        visitor.close()


@pytest.fixture(scope="package", params=STATES)
def shown(request: pytest.FixtureRequest, onlookers: dict[str | None, Visitor]) -> Shown:
    """Every page in every state, loaded once for all that is asked of it."""
    state = STATES[request.param]
    visitor = onlookers[state.user]
    visitor.page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
    visitor.page.emulate_media(color_scheme="light")
    visitor.problems.clear()
    visitor.refusals.clear()
    state.enter(visitor)
    return Shown(request.param, visitor)
