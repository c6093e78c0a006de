"""What goes wrong is told in a line, and OpenAPI knows of it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from drawsim.web.app import create_app
from drawsim.web.services import Services
from tests.web.api.requests import error
from tests.web.conftest import ADDRESS


def test_a_database_that_does_not_answer_is_no_defect(
    local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("down"))

    monkeypatch.setattr("drawsim.web.queue.queue.Queue.claim", down)
    error(local.post("/api/next", json={}), 503)


def test_a_defect_tells_no_inner_things(
    services: Services, local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("drawsim.web.queue.queue.Queue.claim", broken)
    client = TestClient(create_app(services), ADDRESS, raise_server_exceptions=False)
    client.cookies.update(local.cookies)
    client.headers.update(local.headers)
    assert "secret" not in error(client.post("/api/next", json={}), 500)


def test_errors_of_pages_are_pages(local: TestClient) -> None:
    for path, status in (("/nowhere", 404), ("/judge?id=nobody", 404), ("/judge?kind=x", 422)):
        answer = local.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
    script = "<script>alert(1)</script>"
    page = local.get("/judge", params={"id": script})
    assert script not in page.text
    assert "&lt;script&gt;" in page.text


def test_openapi_tells_every_route_and_error(local: TestClient) -> None:
    schema = local.get("/openapi.json").json()
    told = {
        (path, method): set(operation["responses"])
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    assert {path for path, _ in told if not path.startswith("/iiif/")} == {
        *("/api/next", "/api/task", "/api/renew", "/api/release", "/api/candidates"),
        *("/api/events", "/api/undo", "/api/find/text", "/api/find/image", "/api/find/box"),
        *("/api/find/steer", "/api/groups/grade", "/api/tags"),
        *("/picture", "/overlay"),
        *("/export/pairs.csv", "/export/unmatched.csv", "/export/annotations.jsonld"),
        *("/export/tagged_drawings.csv", "/export/groups.csv"),
    }
    for (path, method), codes in told.items():
        assert {"401", "503"} <= codes
        assert codes & {"200", "303"}, path
        if method == "post":
            assert {"400", "403", "413", "422"} <= codes, path
    operations = [o for each in schema["paths"].values() for o in each.values()]
    assert all(operation["security"] for operation in operations)
    for operation in operations:
        for code, response in operation["responses"].items():
            if int(code) >= 400:
                told_as = response["content"]["application/json"]["schema"]
                assert told_as == {"$ref": "#/components/schemas/ErrorResponse"}
