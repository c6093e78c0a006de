"""Judgements as W3C Web Annotations, against what the Recommendation asks for."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

import drawsim
from drawsim.collection.canvases import places_of
from drawsim.collection.tables import Collection
from drawsim.web.review.web_annotations import (
    annotation_collection,
    annotation_id,
    image_iri,
)
from tests.web.judges import Judges

MOTIVATIONS = {"assessing", "linking", "moderating", "commenting"}
IRI = re.compile(r"(urn|https?):[!-~]+")


def items(judges: Judges) -> list[dict[str, Any]]:
    whole = annotation_collection(judges.store, {}, {})
    listed: list[dict[str, Any]] = whole["first"]["items"]
    return listed


def source(resource: dict[str, Any]) -> str:
    assert resource["type"] == "SpecificResource"
    name: str = resource["source"]["dcterms:identifier"]
    kind = resource["source"]["id"].split(":")[2]
    assert resource["source"]["id"] == image_iri(kind, name)
    return f"{kind} {name}"


def test_a_pair_with_everything(judges: Judges) -> None:
    key = judges.grade("ada", "d é/1", "a0", "same work", note="the <b>boat</b>")
    box = (0.1, 0.25, 0.3333333, 0.5)
    judges.do("ada", "box", "d é/1", artwork_id="a0", artwork_box=box)
    [found] = items(judges)
    assert found["id"] == annotation_id(key)
    assert found["type"] == "Annotation"
    assert found["motivation"] == ["linking", "assessing"]
    assert (found["creator"]["type"], found["creator"]["nickname"]) == ("Person", "ada")
    assert found["generator"]["name"] == f"drawsim {drawsim.__version__}"
    saved = judges.store.judgements()["at"].item()
    assert datetime.fromisoformat(found["created"].replace("Z", "+00:00")) == saved.floor("s")
    artwork, grade, note = found["body"]
    assert source(artwork) == "artwork a0"
    assert artwork["purpose"] == "linking"
    assert artwork["selector"] == {
        "type": "FragmentSelector",
        "conformsTo": "http://www.w3.org/TR/media-frags/",
        "value": "xywh=percent:10,25,33.3333,50",
    }
    assert (grade["type"], grade["purpose"], grade["value"]) == (
        *("TextualBody", "assessing"),
        "same work",
    )
    assert (note["purpose"], note["value"]) == ("commenting", "the <b>boat</b>")
    assert note["format"] == "text/plain"
    assert source(found["target"]) == "drawing d é/1"
    assert "selector" not in found["target"]


def test_the_collection_is_one_page_of_what_holds(judges: Judges) -> None:
    judges.grade("ada", "d0", "a0", "same work")
    judges.grade("ada", "d0", "a0", "different")
    judges.grade("ben", "d0", "a0", "same motif")
    judges.grade("ben", "d1", "a0", "unsure")
    judges.undo("ben")
    judges.grade("ben", "d2", "a0", "unsure")
    judges.do("ben", "clear", "d2", artwork_id="a0")
    judges.do("rosa", "adjudicate", "d0", artwork_id="a0", grade="style only", note="see sky")
    judges.do("ada", "done", "d0")
    whole = json.loads(json.dumps(annotation_collection(judges.store, {}, {})))
    assert whole["@context"] == "http://www.w3.org/ns/anno.jsonld"
    assert whole["type"] == "AnnotationCollection"
    page = whole["first"]
    assert (page["type"], page["startIndex"]) == ("AnnotationPage", 0)
    assert whole["total"] == len(page["items"]) == 3
    said = {
        (one["creator"]["nickname"], one["body"][1]["value"], str(one["motivation"]))
        for one in page["items"]
    }
    assert said == {
        ("ada", "different", "['assessing']"),
        ("ben", "same motif", "['linking', 'assessing']"),
        ("rosa", "style only", "moderating"),
    }
    for one in page["items"]:
        motivation = one["motivation"]
        assert set([motivation] if isinstance(motivation, str) else motivation) <= MOTIVATIONS
    ids = [whole["id"], page["id"], *(one["id"] for one in page["items"])]
    assert len(set(ids)) == len(ids)
    assert all(UUID(name.removeprefix("urn:uuid:")).version == 5 for name in ids)


def test_the_same_events_give_the_same_text_and_ids_stay(judges: Judges) -> None:
    judges.grade("ada", "d0", "a0", "same work")
    [before] = items(judges)
    first, again = (annotation_collection(judges.store, {}, {}) for _ in range(2))
    assert json.dumps(first) == json.dumps(again)
    judges.grade("ada", "d1", "a1", "same work")
    assert before in items(judges)


def test_boxes_of_both_sides(judges: Judges) -> None:
    judges.grade("ada", "d0", "a0", "unsure")
    boxes = {"drawing_box": (0.0, 0.0, 1.0, 1.0), "artwork_box": (0.5, 0.5, 0.5, 0.00123)}
    judges.do("ada", "box", "d0", artwork_id="a0", **boxes)
    [found] = items(judges)
    assert found["target"]["selector"]["value"] == "xywh=percent:0,0,100,100"
    assert found["body"][0]["selector"]["value"] == "xywh=percent:50,50,50,0.123"


def test_pictures_that_came_by_iiif_are_named_by_their_canvas(
    judges: Judges, tmp_path: Path
) -> None:
    """Worked out by hand: the picture lies at 100,200 on its canvas and is 1000 by 500 there."""
    (tmp_path / "drawings.csv").write_text("id,path\nd0,d0.png\n")
    (tmp_path / "artworks.csv").write_text(
        "id,path,canvas,canvas_box,manifest\n"
        'a0,a.png,https://m.org/c/1,"100,200,1000,500",https://m.org/m\n'
        "a1,b.png,https://m.org/c/2,,\n"
        "a2,c.png,javascript:alert(1),,\n"
    )
    (tmp_path / "pairs.csv").write_text("drawing_id,artwork_id,pair\n")
    places = places_of(Collection.open(tmp_path))
    assert set(places) == {("artwork", "a0"), ("artwork", "a1")}
    for artwork in "a0", "a1", "a2":
        judges.grade("ada", "d0", artwork, "same work")
        judges.do("ada", "box", "d0", artwork_id=artwork, artwork_box=(0.25, 0.5, 0.1, 0.0001))
    listed = annotation_collection(judges.store, {}, places)["first"]["items"]
    found = {one["body"][0]["source"]["dcterms:identifier"]: one["body"][0] for one in listed}
    assert found["a0"]["source"] == {
        "id": "https://m.org/c/1",
        "type": "Canvas",
        "partOf": [{"id": "https://m.org/m", "type": "Manifest"}],
        "dcterms:identifier": "a0",
    }
    assert found["a0"]["selector"]["value"] == "xywh=350,450,100,1"
    assert found["a1"]["source"]["id"] == "https://m.org/c/2"
    assert found["a1"]["selector"]["value"] == "xywh=percent:25,50,10,0.01"
    assert found["a2"]["source"]["id"] == image_iri("artwork", "a2")


def test_nothing_judged(judges: Judges) -> None:
    whole = annotation_collection(judges.store, {}, {})
    assert (whole["total"], whole["first"]["items"]) == (0, [])


@given(name=st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_every_id_makes_an_iri_of_its_own(name: str) -> None:
    iri = image_iri("drawing", name)
    assert IRI.fullmatch(iri)
    assert unquote(iri.removeprefix("urn:drawsim:drawing:")) == name
