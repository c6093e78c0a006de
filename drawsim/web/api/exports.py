"""What was judged, as files."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from drawsim.web.api import routing
from drawsim.web.api.groups import groups_of
from drawsim.web.api.routing import download, refusals
from drawsim.web.review.export import groups_csv, pairs_csv, tagged_csv, unmatched_csv
from drawsim.web.review.web_annotations import annotations_text
from drawsim.web.services import services_of

exporting = routing.exporting()


@exporting.get("/pairs.csv", response_class=Response, responses=download("text/csv"))
def pairs_table(request: Request) -> Response:
    """The collection's pairs.csv with what was judged."""
    services = services_of(request)
    confirmed = services.settings.confirmed
    return _file(pairs_csv(services.store, services.collection, confirmed), "pairs.csv")


@exporting.get("/unmatched.csv", response_class=Response, responses=download("text/csv"))
def drawings_without_a_match(request: Request) -> Response:
    """Drawings in which nobody saw an artwork."""
    services = services_of(request)
    confirmed = services.settings.confirmed
    return _file(unmatched_csv(services.store, services.collection, confirmed), "unmatched.csv")


@exporting.get(
    "/annotations.jsonld", response_class=Response, responses=download("application/ld+json")
)
def web_annotations(request: Request) -> Response:
    """All grades, tags and names as W3C Web Annotations."""
    services = services_of(request)
    known = services.groups.groups if services.groups else None
    text = annotations_text(services.store, services.collection, known)
    return _file(text, "annotations.jsonld")


@exporting.get("/tagged_drawings.csv", response_class=Response, responses=download("text/csv"))
def tagged_drawings(request: Request) -> Response:
    """Drawings with a tag or a name: their rows of drawings.csv, with `tags` and `name`."""
    services = services_of(request)
    known = services.groups.groups if services.groups else None
    text = tagged_csv(services.store, services.collection, known)
    return _file(text, "tagged_drawings.csv")


@exporting.get(
    "/groups.csv", response_class=Response, responses=download("text/csv") | refusals(404)
)
def named_groups(request: Request) -> Response:
    """The drawings of groups that have a name or a tag, or lost a drawing."""
    services = services_of(request)
    return _file(groups_csv(services.store, groups_of(services)), "groups.csv")


def _file(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    media_type = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/ld+json"
    return Response(text, headers=headers, media_type=media_type)
