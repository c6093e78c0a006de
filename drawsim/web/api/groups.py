"""Groups of drawings: what is said of all of their drawings at once."""

from __future__ import annotations

import hashlib

from fastapi import Request

from drawsim.common.errors import UserError
from drawsim.web.api import routing
from drawsim.web.api.requests import GroupGradeRequest
from drawsim.web.api.responses import GroupGradeResponse, GroupTagsResponse
from drawsim.web.api.routing import refusals
from drawsim.web.events.drafts import Draft
from drawsim.web.queue.groups import Groups, NoSuchGroup
from drawsim.web.queue.labels import Said
from drawsim.web.security.access import Checked
from drawsim.web.services import Services, services_of

changing = routing.changing()


def groups_of(services: Services) -> Groups:
    """The groups of the app. Raises NoSuchGroup where it was opened without any."""
    if services.groups is None:
        raise NoSuchGroup("there are no groups here; start the app with motifs=FOLDER")
    return services.groups.groups


def group_of(services: Services, said: Said, drawing: str) -> GroupTagsResponse | None:
    """The group that a drawing is in and was not removed from."""
    group = services.groups and services.groups.groups.of_drawing.get(drawing)
    if not group or drawing in said.removed.get(group.key, ()):
        return None
    return GroupTagsResponse(
        key=group.key,
        number=group.number,
        name=said.group_names.get(group.key, ""),
        tags=list(said.group_tags.get(group.key, ())),
    )


@changing.post("/api/groups/grade", responses=refusals(404))
def grade_group(request: Request, session: Checked, given: GroupGradeRequest) -> GroupGradeResponse:
    """Grade all drawings of a group, but for removed ones, with an artwork: an event for each, all
    of which one undo takes back."""
    services = services_of(request)
    group = groups_of(services).get(given.group)
    if given.artwork_id not in services.collection.artworks.index:
        raise UserError(f"no artwork {given.artwork_id!r} in the collection")
    removed = services.labels.now().removed.get(group.key, frozenset())
    drafts = [
        Draft(
            _key(given.key, drawing),
            "clear" if given.grade is None else "grade",
            "drawing",
            drawing,
            given.artwork_id,
            grade=given.grade,
            group_id=group.key,
            batch=given.key,
        )
        for drawing in group.members
        if drawing not in removed
    ]
    if not drafts:
        raise UserError("no drawing is left in this group; put one back first")
    saved = services.store.save(session.user, drafts, services.finder.made_with)
    return GroupGradeResponse(saved=len(saved))


def _key(press: str, drawing: str) -> str:
    """The key of the event of one drawing: sent again, the same."""
    return hashlib.sha256(f"{press}\0{drawing}".encode()).hexdigest()
