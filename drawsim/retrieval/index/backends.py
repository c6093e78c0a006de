"""The ways of approximate search by name: the options of `conf/ann`, each with its file here."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from drawsim.common.building import TARGET, locate
from drawsim.common.configuration import option, options
from drawsim.common.errors import UserError, nearest
from drawsim.retrieval.index.base import Settings, check_numbers

GROUP = "ann"


@functools.cache
def backends() -> dict[str, type[Settings]]:
    """The settings of each backend by its name."""
    return {name: locate(option(GROUP, name)[TARGET]) for name in options(GROUP)}


def name_of(settings: Settings) -> str:
    """What users call a backend with such settings."""
    return next(name for name, made in backends().items() if type(settings) is made)


def ann_settings(kind: str, parameters: Mapping[str, Any]) -> Settings:
    """Settings by name, such as `hnsw`, and whatever differs from the defaults.

    Raises UserError, with the nearest names, for a kind or a parameter that there is not, and for
    values that are not whole numbers from 1 on.
    """
    known = backends()
    if kind not in known:
        raise UserError(f"ann={kind}: {nearest(kind, known)}")
    names = [field.name for field in fields(known[kind])]
    for name in parameters:
        if name not in names:
            raise UserError(f"ann.{name}: {kind} has no such parameter, {nearest(name, names)}")
    check_numbers(known[kind], parameters.items())
    return known[kind](**parameters)
