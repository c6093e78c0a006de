"""YAML that anybody may have written: read as names and plain values, bounded, without aliases.

With aliases, a small file can unfold to any number of values.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from drawsim.common.errors import UserError
from drawsim.common.opening import CannotOpenError, read_regular

MOST_BYTES = 256 * 1024
"""A run of drawsim's own takes some 5 kB."""


def read_yaml(file: Path, what: str) -> dict[str, Any]:
    """The names and values of a YAML file, none if it is empty; nothing is built from it.

    what: the file is to be, for people. Raises UserError if it cannot be opened, is larger than
    MOST_BYTES, or is no YAML of keys and values.
    """
    try:
        found = yaml.load(read_regular(file, MOST_BYTES).decode(), _Plain)
    except CannotOpenError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError, ArithmeticError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{file}: not {what}: {said}") from error
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise UserError(f"{file}: not {what}: it must be key: value")
    return dict(found)


def yaml_text(values: Mapping[str, Any]) -> str:
    """Values as YAML for people: in their order, every value in full, however often it comes."""
    return str(yaml.dump(dict(values), Dumper=_Full, sort_keys=False, allow_unicode=True))


class _Plain(yaml.SafeLoader):
    """YAML without aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node that is written where it stands."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias (*name); write the value itself")
        return super().compose_node(parent, index)


class _Full(yaml.SafeDumper):
    """YAML without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always: a value that comes twice is written twice."""
        return True
