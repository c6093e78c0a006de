"""Whether a value that a user gave is of the type that is needed, and how to say it if not."""

from __future__ import annotations

import math
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from drawsim.common.errors import UserError, nearest

_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    None: "null",
}
_LISTS = (list, tuple, set, Sequence, Iterable)
_MAPPINGS = (dict, Mapping)


def mistyped(value: Any, hint: Any) -> str | None:
    """What a value would have to be for an annotation; None if it is, or if that cannot be told.

    Types of our own, arrays and functions are taken to be right unless they are None.

    >>> mistyped(3, int), mistyped(3, float), mistyped(None, float | None), mistyped("x", Any)
    (None, None, None, None)
    >>> mistyped(None, int)
    'must be a whole number'
    >>> mistyped("three", float | None)
    'must be a number or null'
    >>> mistyped("maen", Literal["mean", "sum"])
    'did you mean mean?'
    """
    if _fits(value, hint):
        return None
    words = [one for one in _alternatives(hint) if get_origin(one) is Literal]
    if words and isinstance(value, str):
        return nearest(value, [str(word) for one in words for word in get_args(one)])
    return f"must be {' or '.join(_said(one) for one in _alternatives(hint))}"


def check_bounds(setting: str, value: float, least: float, most: float = math.inf) -> None:
    """Raise UserError unless a number is finite and from `least` to `most`."""
    if not (math.isfinite(value) and least <= value <= most):
        said = f"from {least:.10g} to {most:.10g}" if math.isfinite(most) else f"{least:g} or more"
        raise UserError(f"{setting}={value}: must be {said}")


def check_whole(setting: str, value: Any, least: int, most: float = math.inf) -> None:
    """Raise UserError unless a value is a whole number from `least` to `most`."""
    if (wrong := mistyped(value, int)) is not None:
        raise UserError(f"{setting}={shown(value)}: {wrong}")
    check_bounds(setting, value, least, most)


def shown(value: Any) -> str:
    """A value as a command line has it.

    >>> shown(None), shown(True), shown([1])
    ('null', 'true', '[1]')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _fits(value: Any, hint: Any) -> bool:
    if (alternatives := _alternatives(hint)) != [hint]:
        return any(_fits(value, one) for one in alternatives)
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if hint is None or hint is types.NoneType:
        return value is None
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if hint in (int, float):
        numbers = (int,) if hint is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint is Path:
        return isinstance(value, str | Path)
    if origin in _LISTS:
        return _is_list_of(value, inner)
    if origin in _MAPPINGS:
        return isinstance(value, Mapping)
    return hint is Any or value is not None


def _is_list_of(value: Any, inner: Sequence[Any]) -> bool:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return False
    if not inner:
        return True
    items = list(value)
    if len(inner) == 1 or inner[1] is Ellipsis:
        return all(_fits(item, inner[0]) for item in items)
    return len(items) == len(inner) and all(map(_fits, items, inner))


def _alternatives(hint: Any) -> list[Any]:
    return list(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else [hint]


def _said(hint: Any) -> str:
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if hint is types.NoneType:
        return "null"
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is Literal:
        return "one of " + ", ".join(str(word) for word in inner)
    if origin in _LISTS:
        of = f" of {len(inner)}" if origin is tuple and inner and inner[-1] is not Ellipsis else ""
        return f"a list{of}"
    return "names and values" if origin in _MAPPINGS else f"a {getattr(origin, '__name__', origin)}"
