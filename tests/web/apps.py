"""Apps for tests, of which each has services of its own."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import BaseRoute

from drawsim.web.app import create_app
from drawsim.web.services import Services

_routes: list[BaseRoute] = []


def new_app(services: Services) -> FastAPI:
    """What `create_app` makes, with the routes of the first one, which know nothing of services.

    At an app's first request FastAPI works out what each route takes, longer than most tests last.
    """
    app = create_app(services)
    if not _routes:
        _routes.extend(app.router.routes)
    assert [type(route) for route in app.router.routes] == [type(route) for route in _routes]
    app.router.routes[:] = _routes
    return app
