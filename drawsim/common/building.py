"""Objects built from plain settings, through a table of what may be built.

Settings name a factory in `_target_`. On a user's own command line that may be any importable name.
What a file says that somebody else may have written (a run, an index, a checkpoint) is data: only
the factories that the options of drawsim's own `conf/` name are built, each in its own group, and
nothing in such a file is ever resolved, imported or called to find out.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from drawsim.common.errors import UserError

TARGET, PARTIAL, LABEL = "_target_", "_partial_", "name"
MOST_VALUES = 20_000
"""Values in the settings of a file, at most: more is an attempt to fill memory."""
_TARGET_LINE = re.compile(rf"^\s*{TARGET}:\s*(\S+)\s*$", re.MULTILINE)


def config_folder() -> Path:
    """The folder `conf`: inside an installed package, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


@functools.cache
def factories(group: str) -> frozenset[str]:
    """The factories that the shipped options of a group name, such as those of `loss`."""
    return frozenset(
        found
        for file in config_folder().rglob(f"{group}/*.yaml")
        for found in _TARGET_LINE.findall(file.read_text(encoding="utf-8"))
    )


def build(settings: Mapping[str, Any], **values: Any) -> Any:
    """The object that settings of the user's own command line name; `name` is only a label.

    values: further arguments, which win over the settings. With `_partial_: true` it is the factory
    with these arguments. Nested settings with a `_target_` are built first. Raises UserError for a
    factory that cannot be imported, and for parameters that it does not take.
    """
    own = {key: value for key, value in settings.items() if key != LABEL}
    return _built(own, values)


def build_stored(
    settings: Mapping[str, Any], group: str, source: Path, trust: Sequence[str] = (), **values: Any
) -> Any:
    """The object that settings in a file name, if its factory is one of the group's.

    source: the file, for the message. trust: modules of the user's own that he says may be used.
    Raises UserError, with nothing imported or called, as `check_stored` does; then as `build` does.
    """
    check_stored(settings, group, source, trust)
    return build(settings, **values)


def check_stored(settings: Any, group: str, source: Path, trust: Sequence[str] = ()) -> None:
    """Raise UserError if settings in a file are more than names of allowed factories and values.

    Refused are factories that are not in the group's table (nested ones as well), keys with which
    Hydra would do more than build (`_args_`, `_recursive_`, ...), interpolations, and objects.
    """
    allowed = factories(group)
    waiting: list[tuple[str, Any]] = [(group, settings)]
    seen = 0
    while waiting:
        place, value = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise UserError(f"{source}: {group} has more than {MOST_VALUES} values; not read")
        if isinstance(value, Mapping):
            _check_keys(value, place, source, allowed, trust)
            waiting += [(f"{place}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(f"{place}[{number}]", inner) for number, inner in enumerate(value)]
        elif isinstance(value, str):
            if "${" in value:
                raise UserError(
                    f"{source}: {place}={value} refers to something else; files are read as plain "
                    "values, write the value itself"
                )
        elif not (value is None or isinstance(value, bool | int | float)):
            raise UserError(f"{source}: {place} is a {type(value).__name__}, not a plain value")


def _check_keys(
    value: Mapping[Any, Any],
    place: str,
    source: Path,
    allowed: Collection[str],
    trust: Sequence[str],
) -> None:
    for key, inner in value.items():
        if not isinstance(key, str) or "${" in key:
            raise UserError(f"{source}: {place} has the key {key!r}, which is no name")
        if key == PARTIAL and not isinstance(inner, bool):
            raise UserError(f"{source}: {place}.{PARTIAL} must be true or false")
        if key.startswith("_") and key not in (TARGET, PARTIAL):
            raise UserError(f"{source}: {place}.{key} is not read from files; take it out")
    if TARGET not in value:
        return
    target = value[TARGET]
    if isinstance(target, str) and (target in allowed or _trusted(target, trust)):
        return
    module = str(target).split(".", 1)[0]
    own = f", or say that you trust it: trust={module}" if module.isidentifier() else ""
    raise UserError(
        f"{source}: {place} asks for {target!r}, which drawsim does not build from a file "
        f"(it builds {', '.join(sorted(allowed)) or 'nothing'} there). Nothing of it was run. Do "
        f"not use files from people you do not know{own}"
    )


def _trusted(target: str, trust: Sequence[str]) -> bool:
    return any(target.startswith(f"{module}.") for module in trust)


def _built(settings: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(settings, list | tuple):
        return [_built(each, {}) for each in settings]
    if not isinstance(settings, Mapping):
        return settings
    inner = {k: _built(v, {}) for k, v in settings.items() if k not in (TARGET, PARTIAL)}
    if TARGET not in settings:
        return {**inner, **values}
    target = str(settings[TARGET])
    factory = locate(target)
    arguments = {**inner, **values}
    _check_arguments(factory, target, arguments)
    if settings.get(PARTIAL, False):
        return functools.partial(factory, **arguments)
    return factory(**arguments)


def locate(target: str) -> Any:
    """The object of a dotted name. Raises UserError where there is none."""
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            f"{TARGET}={target}: there is no such factory ({error}); check the name, and that its "
            "module can be imported from here"
        ) from error


def _check_arguments(factory: Any, target: str, arguments: Mapping[str, Any]) -> None:
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # of C; it checks for itself
        return
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return
    for name in arguments:
        if name not in parameters:
            raise UserError(f"{name}: {target} has no such parameter, take it out")
