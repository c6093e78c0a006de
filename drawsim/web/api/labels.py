"""Tags that there are, for whoever types one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query as Asked
from fastapi import Request

from drawsim.web.api import routing
from drawsim.web.api.fields import Label
from drawsim.web.services import services_of

asking = routing.asking()


@asking.get("/api/tags")
def tags(request: Request, text: Annotated[Label, Asked()] = "") -> list[str]:
    """The first tags for what is being typed, those that begin so in front."""
    return services_of(request).labels.now().suggested(text)
