"""Groups and tags through the API: what is said of all drawings of a group, and who may say it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from drawsim.retrieval.index.folder import Index
from drawsim.web.queue.groups import Groups
from drawsim.web.services import Services
from drawsim.workflows import search as shell
from drawsim.workflows.asking import ask
from tests.web.api.requests import KEY, error, event, send
from tests.web.conftest import MOTIFS, Browser, log_in

BOATS, OTHERS = Groups(MOTIFS).every
NASTY = "\"'><script>alert(1)</script>{{7*7}}"


def of_group(number: int, action: str, drawing: str = "d1", **more: Any) -> dict[str, Any]:
    return event(number, action, drawing, group_id=BOATS.key, **more)


def test_all_drawings_are_graded_at_once_and_back(local: TestClient, services: Services) -> None:
    send(local, of_group(1, "remove", "d4"))
    body = {"key": KEY.format(2), "group": BOATS.key, "artwork_id": "a3", "grade": "same motif"}
    assert local.post("/api/groups/grade", json=body).json() == {"saved": 3}
    assert local.post("/api/groups/grade", json=body).json() == {"saved": 0}
    graded = services.store.judgements()
    assert sorted(graded["drawing_id"]) == ["d0", "d1", "d7"]
    assert set(graded["grade"]) == {"same motif"}
    undone = local.post("/api/undo", json={"key": KEY.format(3)}).json()["undone"]
    assert (undone["group_id"], undone["batch"]) == (BOATS.key, KEY.format(2))
    assert services.store.judgements().empty
    local.post("/api/groups/grade", json={**body, "key": KEY.format(4)})
    cleared = {**body, "key": KEY.format(5), "grade": None}
    assert local.post("/api/groups/grade", json=cleared).json() == {"saved": 3}
    assert services.store.judgements().empty


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"group": "0" * 16}, 404, "there is no group"),
        ({"artwork_id": "a99"}, 422, "no artwork 'a99'"),
        ({"grade": "like"}, 422, "grade"),
        ({"key": "short"}, 422, "key"),
    ],
)
def test_wrong_grades_of_groups(
    local: TestClient, change: dict[str, Any], status: int, says: str
) -> None:
    body = {"key": KEY.format(1), "group": BOATS.key, "artwork_id": "a3", "grade": "unsure"}
    assert says in error(local.post("/api/groups/grade", json=body | change), status)


def test_a_group_without_drawings_is_not_graded(local: TestClient) -> None:
    send(local, *(of_group(i, "remove", name) for i, name in enumerate(BOATS.members)))
    body = {"key": KEY.format(9), "group": BOATS.key, "artwork_id": "a3", "grade": "unsure"}
    assert "no drawing is left" in error(local.post("/api/groups/grade", json=body), 422)


def test_tags_are_kept_and_suggested_as_they_are(local: TestClient) -> None:
    send(
        local,
        event(1, "tag", "d3", label="  red \n sails "),
        event(2, "tag", "d3", label=NASTY),
        event(3, "name", "d3", label="Regatta"),
        of_group(4, "tag", label="boat"),
        of_group(5, "name", label="Boats"),
    )
    assert local.get("/api/tags", params={"text": "re"}).json() == ["red sails"]
    assert local.get("/api/tags", params={"text": '"'}).json() == [NASTY]
    task = local.get("/api/task", params={"kind": "drawing", "id": "d3"}).json()
    assert (task["name"], task["tags"], task["group"]) == ("Regatta", [NASTY, "red sails"], None)
    task = local.get("/api/task", params={"kind": "drawing", "id": "d4"}).json()
    assert task["tags"] == []
    told = {"key": BOATS.key, "number": "1", "name": "Boats", "tags": ["boat"]}
    assert task["group"] == told
    send(local, of_group(6, "remove", "d4"), event(7, "untag", "d3", label="red sails"))
    task = local.get("/api/task", params={"kind": "drawing", "id": "d4"}).json()
    assert task["group"] is None
    task = local.get("/api/task", params={"kind": "drawing", "id": "d3"}).json()
    assert task["tags"] == [NASTY]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (event(1, "tag", label=""), "must not be empty"),
        (event(1, "tag", label="a;b"), "stand between tags"),
        (event(1, "tag", label="t" * 101), "at most 100 characters, this one has 101"),
        (event(1, "tag", label="t" * 501), "label"),
        (event(1, "tag", label="a\u0007b"), "control characters"),
        (event(1, "tag", artwork_id="a0", label="boat"), "of a drawing or of a group"),
        (event(1, "done", label="boat"), "comes with tag"),
        (event(1, "remove"), "needs the group"),
        (of_group(1, "none"), "not done to a group"),
        (of_group(1, "tag", "d3", label="boat"), "no drawing 'd3' in the group"),
    ],
)
def test_wrong_labels_are_refused(
    local: TestClient, services: Services, wrong: dict[str, Any], says: str
) -> None:
    answer = local.post("/api/events", json={"events": [wrong]})
    assert says in error(answer, 422)
    assert services.store.history() == []


def test_groups_are_given_out_and_given_back(guarded: Services, browser: Browser) -> None:
    ada, rosa = (log_in(browser(guarded), guarded, name) for name in ("ada", "rosa"))

    def sent_to(client: TestClient) -> str:
        return client.get("/group", follow_redirects=False).headers["location"]

    assert sent_to(ada) == f"/group?id={BOATS.key}"
    assert sent_to(rosa) == f"/group?id={OTHERS.key}"
    send(ada, of_group(1, "done"))
    assert sent_to(ada) == "/groups?left=none"
    assert "only reviewers" in error(ada.get("/export/tagged_drawings.csv"), 403)
    send(ada, of_group(2, "tag", label="=boat"), event(3, "tag", "d3", label="ship"))
    table = rosa.get("/export/tagged_drawings.csv").text.splitlines()
    assert table[0].endswith("tags,name")
    assert {line.split(",")[0] for line in table[1:]} == {*BOATS.members, "d3"}
    assert "'=boat" in table[1]  # as all cells that a spreadsheet would run
    assert "d4" in rosa.get("/export/groups.csv").text


def test_without_motifs_there_are_no_groups(services: Services, browser: Browser) -> None:
    client = browser(replace(services, groups=None))
    assert "no groups here" in client.get("/group").text
    assert "No groups here" in client.get("/groups").text
    assert ">Groups</a>" not in client.get("/judge").text


@pytest.mark.parametrize("unlike", [[], ["a2"], ["a2", "a5"]])
def test_steering_ranks_as_search_does(local: TestClient, index: Index, unlike: list[str]) -> None:
    """The same ids, by the shell's own workflow."""
    like = ["a0", "a7"]
    body = {
        "kind": "artwork",
        "like": [{"kind": "artwork", "id": name} for name in like],
        "unlike": [{"kind": "artwork", "id": name} for name in unlike],
    }
    found = local.post("/api/find/steer", json=body).json()["candidates"]
    asking = ask(index, ids=like, kind="artwork", unlike=unlike, combine=True)
    wanted = shell.search([index], asking, shell.SearchSettings(searched="artwork", k=40))
    hits = wanted.sheets[0].hits
    assert [each["id"] for each in found] == hits["id"].tolist()
    assert [each["score"] for each in found] == pytest.approx(hits["score"].tolist())
    assert not {*like, *unlike} & {each["id"] for each in found}
    strange = {**body, "like": [{"kind": "artwork", "id": "a99"}]}
    assert "no artwork 'a99'" in error(local.post("/api/find/steer", json=strange), 404)
