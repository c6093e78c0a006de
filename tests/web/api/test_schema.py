"""The API against its own OpenAPI: what schemathesis makes up from it, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.routing import Route

from drawsim.collection.tables import Collection
from drawsim.retrieval.index.folder import Index
from drawsim.web.api import ROUTERS
from drawsim.web.app import create_app
from drawsim.web.queue.groups import key_of
from drawsim.web.security.access import LOCAL
from tests.web.conftest import MOTIFS, make_services

EXAMPLES = 20
"""Requests of each sort for each operation."""
IDS = {"drawing": "d0", "artwork": "a3", "group": key_of(MOTIFS.motifs[0].members)}
"""What ids are replaced by, so that requests get past the first look at them."""
OPERATIONS = [
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, Route)
    for method in sorted(route.methods or ())
]
PART = "{region}/{size}/{rotation}/{quality}.{format_}"
HARD = {
    *("/api/find/image", "/api/events", "/iiif/pairs/{page}/manifest.json"),
    *(f"/iiif/images/{{kind}}/{{name}}/{PART}", f"/iiif/rows/{{drawing}}/{{artwork}}/{PART}"),
}
"""Where made-up requests succeed by luck only: bytes are no picture, parts do not go together."""
HOST = {"Host": "127.0.0.1"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, collection: Collection, index: Index) -> Any:
    """The schema that the app tells, and the app itself, on which all examples are tried."""
    services = make_services(tmp_path_factory.mktemp("schema"), collection, index)
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    app = create_app(services)
    session = services.sessions.start(LOCAL)
    cookie = {"Cookie": f"{services.sessions.cookie}={session.token}", **HOST}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config, headers=cookie)
    return schema, {"X-CSRF-Token": session.csrf, **cookie}


def test_every_operation_is_tried(api: Any) -> None:
    schema, _ = api
    told = {(each.ok().method.upper(), each.ok().path) for each in schema.get_all_operations()}
    assert told == set(OPERATIONS)


def name_known(given: Any, kind: str = "drawing") -> None:
    """Replace the ids in what is sent by some that there are."""
    if isinstance(given, list):
        for each in given:
            name_known(each)
    elif isinstance(given, dict):
        kind = given.get("kind", kind)
        other = "artwork" if kind == "drawing" else "drawing"
        names = {"id": kind, "drawing_id": "drawing", "artwork_id": "artwork"}
        for key, value in given.items():
            if key in names and value:
                given[key] = IDS[names[key]]
            elif key == "shown_ids":
                given[key] = [IDS[other]] * len(value)
            elif key in IDS:
                given[key] = IDS[key]
            else:
                name_known(value)


def attempts(operation: Any, mode: GenerationMode) -> Any:
    """What is tried of a sort of requests: always the same ones."""
    strategy = given(operation.as_strategy(generation_mode=mode))
    bounds = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: bounds(strategy(test))()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_fits_the_schema_is_answered_by_it(api: Any, method: str, path: str) -> None:
    """No server error, a status that is told, and a body of the told shape; some succeed."""
    schema, headers = api
    statuses = []

    def attempt(case: Case[Any]) -> None:
        name_known(case.query)
        name_known(case.body)
        if path.startswith("/iiif/"):
            name_known(case.path_parameters)
            if "kind" in case.path_parameters:
                case.path_parameters["name"] = IDS[case.path_parameters["kind"]]
        # The schema does not say which images there are, nor what goes together in an event.
        answer = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        statuses.append(answer.status_code)

    attempts(schema[path][method], GenerationMode.POSITIVE)(attempt)
    assert {200, 303} & set(statuses) or path in HARD


ALONE = ("/export/", "/iiif/collection.json")
"""What takes no parameters: nothing can fail to fit."""


@pytest.mark.parametrize(
    ("method", "path"), [each for each in OPERATIONS if not each[1].startswith(ALONE)]
)
def test_what_does_not_fit_the_schema_is_refused(api: Any, method: str, path: str) -> None:
    schema, headers = api

    def attempt(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers)

    attempts(schema[path][method], GenerationMode.NEGATIVE)(attempt)
