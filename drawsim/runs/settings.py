"""What a run's `config.yaml` says, read as names and plain values, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from drawsim.collection.demo.make import demo_folder
from drawsim.common.building import TARGET, check_stored
from drawsim.common.errors import UserError

CONFIG = "config.yaml"
MOST_BYTES = 256 * 1024
"""A run of drawsim's own takes some 5 kB."""


def read_settings(run: Path, trust: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a run folder: plain values, and factories by the names they have today.

    trust: modules of the user's own that the run may name factories of. Nothing is resolved,
    imported or called. Raises UserError as `read_values` does, and if the file names a factory that
    drawsim does not build from files.
    """
    file = run / CONFIG
    found = read_values(run)
    if TARGET in found:
        raise UserError(f"{file}: a run as a whole is not built; take {TARGET} out")
    return {str(key): check_stored(value, str(key), file, trust) for key, value in found.items()}


def read_values(run: Path) -> dict[str, Any]:
    """What a run folder says of its settings, to be shown or compared: nothing is built from it.

    Raises UserError if the file is not there, too large, or no YAML of keys and values.
    """
    file = run / CONFIG
    if not file.is_file():
        raise UserError(f"{run}: no run folder, it has no {CONFIG}. Give a folder runs/STUDY/NAME")
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UserError(f"{file}: larger than {MOST_BYTES // 1024} KiB, so not of a run; not read")
    try:
        found = yaml.load(content.decode(), _Plain)
    except (yaml.YAMLError, ValueError, RecursionError, ArithmeticError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{file}: not the settings of a run: {said}") from error
    if not isinstance(found, Mapping):
        raise UserError(f"{file}: not the settings of a run, which are key: value")
    return dict(found)


def write_settings(settings: Mapping[str, Any]) -> str:
    """The text of `config.yaml`: every value in full, however often it comes."""
    return str(yaml.dump(dict(settings), Dumper=_Full, sort_keys=False, allow_unicode=True))


def data_root(settings: Mapping[str, Any]) -> Path | None:
    """The folder of the collection that a run's settings name, if it is there.

    The demo is looked up, never made: a file of somebody's must not make drawsim write.
    """
    data = settings.get("data")
    if not isinstance(data, Mapping):
        return None
    demo = data.get("demo")
    if isinstance(demo, Mapping):
        given = {key: value for key, value in demo.items() if not key.startswith("_")}
        counts = [value for key, value in given.items() if key != "cache"]
        if not all(isinstance(count, int) for count in counts):
            return None
        try:
            root = demo_folder(**given)
        except TypeError:
            return None
    elif data.get("root"):
        root = Path(str(data["root"]))
    else:
        return None
    return root if root.is_dir() else None


class _Plain(yaml.SafeLoader):
    """YAML without aliases: with them, a small file can unfold to any number of values."""

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
