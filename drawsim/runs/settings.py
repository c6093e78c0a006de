"""What a run's `config.yaml` says, read as names and plain values, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drawsim.collection.demo.make import demo_folder
from drawsim.common.building import TARGET, check_stored
from drawsim.common.errors import UserError
from drawsim.common.renamed import renamed
from drawsim.common.yaml_files import read_yaml

CONFIG = "config.yaml"


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
    """What a run folder says of its settings, under the names of today; nothing is built from it.

    Raises UserError if the file is not there, too large, or no YAML of keys and values.
    """
    file = run / CONFIG
    if not file.is_file():
        raise UserError(f"{run}: no run folder, it has no {CONFIG}. Give a folder runs/STUDY/NAME")
    found = read_yaml(file, "the settings of a run")
    if not found:
        raise UserError(f"{file}: not the settings of a run: it is empty")
    return renamed(found)


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
