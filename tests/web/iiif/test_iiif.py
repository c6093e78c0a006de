"""The app by IIIF: documents whose addresses lead somewhere, images at level 2, who may ask."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from drawsim.web.events.drafts import Draft
from drawsim.web.events.store import EventStore
from drawsim.web.iiif.documents import Exhibit
from drawsim.web.queue.finder import Finder
from drawsim.web.services import Services
from tests.web.conftest import Browser, log_in

IMAGE = "/iiif/images/artwork/a2"


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(each)


def get(client: TestClient, address: str) -> Any:
    path = urlsplit(address)
    answer = client.get(f"{path.path}?{path.query}" if path.query else path.path)
    assert answer.status_code == 200, (address, answer.text)
    return answer


def document(client: TestClient, address: str) -> dict[str, Any]:
    answer = get(client, address)
    assert answer.headers["content-type"].startswith("application/ld+json")
    found: dict[str, Any] = answer.json()
    return found


def judge(services: Services, **more: Any) -> None:
    draft = Draft("key-00001", "grade", "drawing", "d0", "a0", grade="same work", note="two towers")
    box = Draft("key-00002", "box", "drawing", "d0", "a0", drawing_box=(0.5, 0.5, 0.2, 0.5))
    store: EventStore = services.store
    store.save("ada", [draft, box], services.finder.made_with)


def test_all_that_documents_name_is_there(local: TestClient, services: Services) -> None:
    judge(services)
    whole = document(local, "/iiif/collection.json")
    (listed,) = whole["items"]
    manifest = document(local, listed["id"])
    assert manifest["id"] == listed["id"]
    assert len(manifest["items"]) == 8
    for node in nodes(manifest["items"][0]):
        if node.get("type") == "Image":
            image = Image.open(io.BytesIO(get(local, node["id"]).content))
            assert image.size == (node["width"], node["height"])
            for service in node.get("service", []):
                info = document(local, f"{service['id']}/info.json")
                assert (info["id"], info["profile"]) == (service["id"], "level2")
    (page,) = manifest["items"][0]["annotations"]
    marked = document(local, page["id"])
    assert marked["id"] == page["id"]
    texts = [each["body"]["value"] for each in marked["items"]]
    assert texts == ["same work: two towers", *["both have one layout, the model finds"] * 2]
    # The first of two pictures of 50 x 40 pixels.
    canvas = manifest["items"][0]["id"]
    assert marked["items"][0]["target"] == f"{canvas}#xywh=25,20,10,20"
    assert marked["items"][0]["creator"]["name"] == "ada"


def test_nothing_is_listed_as_long_as_no_pair_is_confirmed(
    local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Exhibit, "_pairs", lambda _: [])
    assert document(local, "/iiif/collection.json")["items"] == []
    assert local.get("/iiif/pairs/1/manifest.json").status_code == 404


def test_candidates_are_a_manifest(local: TestClient, services: Services) -> None:
    manifest = document(local, "/iiif/found/artwork/a1/manifest.json?k=3")
    wanted = [each.id for each in services.finder.candidates("artwork", "a1", 0, 3)]
    assert [each["id"].rsplit("/", 2)[1] for each in manifest["items"]] == wanted
    assert local.get("/iiif/found/artwork/none/manifest.json").status_code == 404
    assert local.get("/iiif/found/artwork/a1/manifest.json?k=100000").status_code == 422
    assert local.get("/iiif/pairs/2/manifest.json").status_code == 404


def test_annotations_are_found_by_their_words(local: TestClient, services: Services) -> None:
    judge(services)
    manifest = document(local, "/iiif/pairs/1/manifest.json")
    (service,) = manifest["service"]
    assert service["type"] == "SearchService2"

    def found(**asked: str) -> list[Any]:
        answer = local.get(urlsplit(service["id"]).path, params=asked)
        assert answer.json()["@context"][0] == "http://iiif.io/api/search/2/context.json"
        items: list[Any] = answer.json()["items"]
        return items

    (one,) = found(q="TOWERS two")
    assert one["target"].startswith(manifest["items"][0]["id"])
    assert found(q="towers", motivation="commenting tagging", user="ada") == [one]
    assert found(q="bridge") == found(q="two", motivation="painting") == found(user="rosa") == []
    assert found(q="<b>'; --") == []


def test_an_image_is_sent_once_and_kept_where_it_is_regular(
    local: TestClient, services: Services
) -> None:
    address = f"{IMAGE}/full/max/0/default.jpg"
    first = get(local, address)
    assert Image.open(io.BytesIO(first.content)).size == (50, 40)
    known = {"If-None-Match": first.headers["etag"]}
    again = local.get(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    same = local.get(f"{IMAGE}/0,0,50,40/50,/0/default.jpg", headers=known)
    assert same.status_code == 304
    assert services.pictures.thumbnails.read(first.headers["etag"].strip('"')) is not None
    part = get(local, f"{IMAGE}/1,2,30,20/pct:50/!90/gray.png")
    image = Image.open(io.BytesIO(part.content))
    assert (image.size, image.mode, image.format) == ((10, 15), "L", "PNG")
    assert services.pictures.thumbnails.read(part.headers["etag"].strip('"')) is None


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ("0,0,0,0/max/0/default.jpg", 400),
        ("60,0,5,5/max/0/default.jpg", 400),
        ("full/1000000000,/0/default.jpg", 400),
        ("full/999999999,999999999/0/default.jpg", 400),
        ("pct:0,0,1e9,1/max/0/default.jpg", 400),
        ("full/max/400/default.jpg", 400),
        ("full/max/45/default.jpg", 501),
        ("full/^100,/0/default.jpg", 501),
        ("full/max/0/default.tif", 501),
        ("full/max/0/default.exe", 400),
        ("..%2F..%2Fetc/max/0/default.jpg", 404),
        ("%2e%2e/max/0/default.jpg", 400),
        ("full/max/0/<script>.jpg", 400),
    ],
)
def test_what_cannot_be_asked_for_is_a_line(part: str, status: int, local: TestClient) -> None:
    answer = local.get(f"{IMAGE}/{part}")
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("name", ["none", "..", "~2E~2E", "~C3", "%00", "~00", "a2~2F..", "%20a2"])
def test_names_that_lead_nowhere(name: str, local: TestClient) -> None:
    for rest in ("info.json", "full/max/0/default.jpg"):
        assert local.get(f"/iiif/images/artwork/{name}/{rest}").status_code in (404, 422)


def test_the_address_of_an_image_leads_to_its_description(local: TestClient) -> None:
    answer = local.get(IMAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{IMAGE}/info.json")


@pytest.mark.parametrize(
    "path",
    [
        *("collection.json", "pairs/1/manifest.json", "found/drawing/d0/manifest.json", "search"),
        *("regions/d0/a0", "images/artwork/a2", "images/artwork/a2/info.json"),
        *("images/artwork/a2/full/max/0/default.jpg", "rows/d0/a0/info.json"),
    ],
)
def test_nobody_sees_anything_who_is_not_logged_in(
    path: str, guarded: Services, browser: Browser
) -> None:
    client = browser(guarded)
    answer = client.get(f"/iiif/{path}", follow_redirects=False)
    assert (answer.status_code, set(answer.json())) == (401, {"error"})


def test_annotators_see_it(guarded: Services, browser: Browser) -> None:
    client = log_in(browser(guarded), guarded, "ada")
    assert json.loads(get(client, "/iiif/collection.json").content)["type"] == "Collection"


def test_without_a_model_there_are_regions_of_people_alone(
    services: Services, local: TestClient
) -> None:
    judge(services)
    finder = Finder(services.finder.indexes, None, services.collection)
    local.app.state.services = Services(**{**vars(services), "finder": finder})  # type: ignore[attr-defined]
    found = document(local, "/iiif/regions/d0/a0")
    assert [each["body"]["value"] for each in found["items"]] == ["same work: two towers"]
