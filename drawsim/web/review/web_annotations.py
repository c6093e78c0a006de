"""Judgements as W3C Web Annotations (JSON-LD), for tools that show or collect annotations.

Sources: the Web Annotation Data Model (W3C Recommendation, 23 February 2017) and Media Fragments
URI 1.0 (W3C Recommendation, 25 September 2012), section 4.2.2, for boxes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

import pandas as pd

import drawsim
from drawsim.collection.canvases import Place, places_of
from drawsim.collection.grades import LINKING
from drawsim.collection.kinds import Kind
from drawsim.collection.rights import Rights, rights_in
from drawsim.collection.tables import Collection
from drawsim.web.events.drafts import Action, Box
from drawsim.web.events.store import EventStore
from drawsim.web.queue.groups import Groups
from drawsim.web.queue.labels import said_now

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
NAMESPACE = uuid5(NAMESPACE_URL, "urn:drawsim:event")
ALL = 2**31 - 1
NONE = "none of these"
"""In place of a grade: nothing of what was shown belongs to the picture."""

Json = dict[str, Any]


def annotations_text(
    store: EventStore, collection: Collection, groups: Groups | None = None
) -> str:
    """The annotations of a collection, see `annotation_collection`, as the text of a file."""
    places, rights = places_of(collection), rights_in(collection)
    whole = annotation_collection(store, collection.parents, places, rights, groups)
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def annotation_collection(
    store: EventStore,
    parents: Mapping[str, str] | pd.Series[str],
    places: Mapping[tuple[Kind, str], Place],
    rights: Mapping[tuple[Kind, str], Rights] | None = None,
    groups: Groups | None = None,
) -> Json:
    """An AnnotationCollection with one AnnotationPage of all grades, "none", tags and names.

    parents: of style copies, what they were made of. places: of pictures that came by IIIF: their
    source is the canvas, and a box is in its pixels, so that any viewer of IIIF can show them.
    rights: in the pictures; they stand beside each.

    An Annotation for each annotator and pair, and for each adjudication: its target is the drawing,
    its first body the artwork, each with a box as a fragment selector where one was drawn; further
    bodies are the grade and the note. Its motivation is `assessing`, and `linking` too for grades
    by which the two belong together; that of an adjudication is `moderating`. An answer "none of
    these" is an `assessing` of the drawing or artwork it was given for, without another picture.
    A tag is a `tagging` of the drawing, a name an `identifying`; those of a group are of all of its
    drawings but the removed ones, and are left out where the group is not among `groups`.
    What was said of a style copy is told of its original. The same events give the same text, and
    an annotation keeps its id as long as its event counts.
    """
    items = [
        _annotation(
            key,
            {**row, "drawing_id": parents.get(row["drawing_id"], row["drawing_id"])},
            places,
            rights or {},
        )
        for key, row in sorted([*_graded(store), *_nones(store)], key=lambda found: found[0])
    ]
    items += _labelled(store, places, rights or {}, groups)
    return {
        "@context": CONTEXT,
        "id": _uuid("collection"),
        "type": "AnnotationCollection",
        "label": "drawsim: drawings and the artworks they echo",
        "generator": _generator(),
        "total": len(items),
        "first": {
            "id": _uuid("page 0"),
            "type": "AnnotationPage",
            "startIndex": 0,
            "items": items,
        },
    }


def annotation_id(key: str) -> str:
    """The id of the annotation that an event makes: a UUID from the event's key (RFC 4122, v5)."""
    return _uuid(f"event {key}")


def image_iri(kind: Kind, id: str) -> str:  # noqa: A002
    """The name of a drawing or an artwork of the collection: its id, percent-encoded, in a URN."""
    return f"urn:drawsim:{kind}:{quote(id, safe='')}"


def _graded(store: EventStore) -> list[tuple[str, Json]]:
    """Event keys with the judgements and adjudications that hold."""
    states: dict[Action, pd.DataFrame] = {
        "grade": store.judgements(),
        "adjudicate": store.adjudications(),
    }
    found = []
    for action, table in states.items():
        keys: dict[tuple[Any, ...], str] = {}
        for event in store.history(action=action, limit=ALL):
            if not event.undone:  # the newest comes first
                pair = (event.annotator, event.draft.drawing_id, event.draft.artwork_id)
                keys.setdefault(pair, event.draft.key)
        rows: Any = table.to_dict("records")  # pandas does not say that columns have names of text
        for row in rows:
            key = keys[row["annotator"], row["drawing_id"], row["artwork_id"]]
            found.append((key, {**row, "adjudicated": action == "adjudicate"}))
    return found


def _nones(store: EventStore) -> list[tuple[str, Json]]:
    """Event keys with the answers "none of these" that hold."""
    keys: dict[tuple[Any, ...], str] = {}
    for event in store.history(action="none", limit=ALL):
        if not event.undone:  # the newest comes first
            own = event.draft.drawing_id, event.draft.artwork_id
            keys.setdefault((event.annotator, event.draft.kind, *own), event.draft.key)
    answers = store.answers()
    rows: Any = answers[answers["answer"] == "none"].to_dict("records")
    found = []
    for row in rows:
        of_drawing = row["kind"] == "drawing"
        drawing, artwork = (row["id"], None) if of_drawing else (None, row["id"])
        said = {"drawing_id": drawing, "artwork_id": artwork, "grade": NONE, "adjudicated": False}
        found.append((keys[row["annotator"], row["kind"], drawing, artwork], {**row, **said}))
    return found


def _labelled(
    store: EventStore,
    places: Mapping[tuple[Kind, str], Place],
    rights: Mapping[tuple[Kind, str], Rights],
    groups: Groups | None,
) -> list[Json]:
    """The annotations of tags and names, in the order of their events' keys."""
    removed = said_now(store, groups).removed
    known = {} if groups is None else groups.by_key
    made = {}
    for purpose, table in (("tagging", store.tags()), ("identifying", store.names())):
        rows: Any = table.to_dict("records")
        for row in rows:
            key = row["group_id"]
            members = [row["drawing_id"]]
            if key is not None:
                members = list(known[key].members) if key in known else []
            out = removed.get(key, frozenset())
            targets = [
                _image("drawing", {"drawing_id": name}, places, rights)
                for name in members
                if name not in out
            ]
            if targets:
                made[row["key"]] = {
                    **_head(row["key"], row),
                    "motivation": purpose,
                    "body": [_text(purpose, row["label"])],
                    "target": targets[0] if key is None else targets,
                }
    return [made[key] for key in sorted(made)]


def _head(key: str, row: Json) -> Json:
    """What every annotation begins with: its id, who made it, when, and by which program."""
    return {
        "id": annotation_id(key),
        "type": "Annotation",
        "creator": {
            "id": f"urn:drawsim:annotator:{quote(row['annotator'], safe='')}",
            "type": "Person",
            "nickname": row["annotator"],
        },
        "created": _time(row["at"]),
        "generator": _generator(),
    }


def _annotation(
    key: str,
    row: Json,
    places: Mapping[tuple[Kind, str], Place],
    rights: Mapping[tuple[Kind, str], Rights],
) -> Json:
    motivation = ["linking", "assessing"] if row["grade"] in LINKING else ["assessing"]
    drawing = row["drawing_id"] and _image("drawing", row, places, rights)
    artwork = row["artwork_id"] and _image("artwork", row, places, rights)
    bodies = [{**artwork, "purpose": "linking"}] if drawing and artwork else []
    bodies.append(_text("assessing", row["grade"]))
    if row["note"]:
        bodies.append(_text("commenting", row["note"]))
    return {
        **_head(key, row),
        "motivation": "moderating" if row["adjudicated"] else motivation,
        "body": bodies,
        "target": drawing or artwork,
    }


def _image(
    kind: Kind,
    row: Json,
    places: Mapping[tuple[Kind, str], Place],
    rights: Mapping[tuple[Kind, str], Rights],
) -> Json:
    """A picture of the collection, or the part of it in a box."""
    name: str = row[f"{kind}_id"]
    box: Box | None = row.get(f"{kind}_box")
    place = places.get((kind, name))
    source: Json = {"id": image_iri(kind, name), "type": "Image"}
    if place is not None:
        source = {"id": place.canvas, "type": "Canvas"}
        if place.manifest:
            source["partOf"] = [{"id": place.manifest, "type": "Manifest"}]
    resource: Json = {
        "type": "SpecificResource",
        "source": {**source, "dcterms:identifier": name, **_rights(rights.get((kind, name)))},
    }
    if box is not None:
        pixels = place.part(box) if place else None
        parts = ",".join(map(str, pixels)) if pixels else ",".join(_percent(part) for part in box)
        resource["selector"] = {
            "type": "FragmentSelector",
            "conformsTo": MEDIA_FRAGMENTS,
            "value": f"xywh={parts}" if pixels else f"xywh=percent:{parts}",
        }
    return resource


def _rights(rights: Rights | None) -> Json:
    """Rights as the model has them (3.3.6, an address); what is none, by the terms of Dublin Core
    and of schema.org, whose prefixes are in the context of annotations."""
    if rights is None:
        return {}
    told = {
        "rights": rights.address,
        "dc:rights": "" if rights.address else rights.label,
        "schema:creditText": rights.statement,
        "foaf:page": rights.homepage,
    }
    return {name: text for name, text in told.items() if text}


def _text(purpose: str, value: str) -> Json:
    return {"type": "TextualBody", "purpose": purpose, "value": value, "format": "text/plain"}


def _generator() -> Json:
    version = drawsim.__version__
    return {
        "id": f"urn:drawsim:version:{quote(version, safe='')}",
        "type": "Software",
        "name": f"drawsim {version}",
    }


def _percent(part: float) -> str:
    """A fraction in percent, to a ten thousandth of one, as short as can be."""
    return f"{100 * part:.4f}".rstrip("0").rstrip(".")


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _uuid(name: str) -> str:
    made: UUID = uuid5(NAMESPACE, name)
    return made.urn
