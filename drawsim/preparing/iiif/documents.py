"""What a IIIF document is: manifest or collection, of Presentation 2 or 3, and what is in it."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from drawsim.common.errors import UserError, brief

Json = dict[str, Any]
VERSION = re.compile(r"iiif\.io/api/presentation/(\d{1,3})/")
MOST_RANGES = 100_000
"""Chapters of a manifest that are read."""
Kind = Literal["collection", "manifest"]


class DocumentError(UserError):
    """Something else than a manifest or a collection; the text says what."""


@dataclass(frozen=True)
class Document:
    """A manifest or a collection. id: its own, or where it was found. version: 2 or 3."""

    id: str
    kind: Kind
    version: int
    body: Json


@dataclass(frozen=True)
class Member:
    """What a collection lists. document: it is embedded, whole; None: it must be fetched."""

    id: str
    document: Document | None


def read_document(data: bytes, where: str) -> Document:
    """A document from its bytes. Raises DocumentError."""
    start = data[:200].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:1] == b"<":
        raise DocumentError("is a web page (HTML or XML), not a IIIF manifest")
    try:
        body = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise DocumentError("is not JSON") from None
    if not isinstance(body, dict):
        raise DocumentError("is JSON, but no IIIF manifest or collection")
    return document_of(body, where)


def document_of(body: Json, where: str = "") -> Document:
    """A document from what is in it. Raises DocumentError."""
    name = id_of(body)
    if "://" not in name:  # it tells the document from no other
        name = where or name
    written = type_of(body).removesuffix("Page")  # a page of a collection is one
    context = json.dumps(body.get("@context", ""))
    if written in ("Manifest", "Collection"):
        is_two = str(body.get("@type", "")) != "" or "presentation/2" in context
        kind: Kind = "manifest" if written == "Manifest" else "collection"
        versions = {"1"} if "shared-canvas.org" in context else set(VERSION.findall(context))
        if versions and not versions & {"2", "3"}:
            raise DocumentError(f"is of Presentation {min(versions)}; versions 2 and 3 are read")
        return Document(name, kind, 2 if is_two else 3, body)
    if "protocol" in body or "api/image" in context or ("width" in body and "profile" in body):
        raise DocumentError(
            "describes one image (IIIF Image API); a manifest or a collection is needed"
        )
    if written:
        raise DocumentError(f"is a IIIF {brief(written, 30)}; a manifest or a collection is needed")
    raise DocumentError("is JSON, but no IIIF manifest or collection (it has no type)")


def id_of(body: object) -> str:
    """The id of a resource, or of what is only its id; "" if it has none, or one that is no text
    that can be printed: of such nothing could be asked for, and no table could hold it."""
    found = body.get("id", body.get("@id", "")) if isinstance(body, dict) else body
    return found if isinstance(found, str) and found.isprintable() else ""


def type_of(body: object) -> str:
    """The type of a resource, without the prefix of version 2; "" if it has none."""
    found = body.get("type", body.get("@type", "")) if isinstance(body, dict) else ""
    if isinstance(found, list):
        found = found[0] if found else ""
    return found.rpartition(":")[2] if isinstance(found, str) else ""


def things(value: object) -> list[Any]:
    """A list, also of what is alone or not there."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def members_of(collection: Document) -> Iterator[Member]:
    """The manifests and collections that a collection, or a page of one, lists, in order."""
    body = collection.body
    listed = [
        *things(body.get("items")),
        *things(body.get("members")),
        *things(body.get("collections")),
        *things(body.get("manifests")),
    ]
    for each in listed:
        kind, name = type_of(each), id_of(each)
        if kind not in ("", "Manifest", "Collection") or not name:
            continue
        whole = kind == "Manifest" and (each.get("sequences") or _has_canvases(each))
        try:
            yield Member(name, document_of(each) if whole else None)
        except DocumentError:  # what is at its address may be better
            yield Member(name, None)


def following_pages(collection: Document) -> list[str]:
    """Addresses of the pages of a collection that come after what it lists itself."""
    has_own = any(True for _ in members_of(collection))
    first = [] if has_own else [id_of(collection.body.get("first"))]
    return [page for page in (*first, id_of(collection.body.get("next"))) if page]


def canvases_of(manifest: Document) -> list[Json]:
    """The canvases of a manifest, each once, in order."""
    body = manifest.body
    if manifest.version == 2:
        found = [
            canvas
            for sequence in things(body.get("sequences"))
            if isinstance(sequence, dict)
            for canvas in things(sequence.get("canvases"))
        ]
    else:
        found = [each for each in things(body.get("items")) if type_of(each) == "Canvas"]
    canvases = {same_id(id_of(each)): each for each in reversed(found) if isinstance(each, dict)}
    return list(reversed(canvases.values()))


def ranges_of(manifest: Document) -> dict[str, Json]:
    """The innermost range, as chapters are, of each canvas that is in one."""
    found: dict[str, Json] = {}
    structures = things(manifest.body.get("structures"))[:MOST_RANGES]
    stack = deque(each for each in structures if isinstance(each, dict))
    seen = 0
    while stack and seen < MOST_RANGES:
        seen += 1
        one = stack.popleft()
        for item in (*things(one.get("items")), *things(one.get("canvases"))):
            if type_of(item) == "Range" and isinstance(item, dict):
                stack.append(item)
                continue
            target = item.get("source", item) if type_of(item) == "SpecificResource" else item
            if name := id_of(target).partition("#")[0]:
                found[same_id(name)] = one
    return found


def same_id(name: str) -> str:
    """Ids that differ by their scheme or a slash at the end are of the same thing.

    >>> same_id("http://a.org/1/") == same_id("https://a.org/1")
    True
    """
    return name.removeprefix("https:").removeprefix("http:").rstrip("/")


def _has_canvases(body: Json) -> bool:
    return any(type_of(each) == "Canvas" for each in things(body.get("items")))
