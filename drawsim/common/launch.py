"""How a door opens: Hydra reads the configuration; what users get wrong becomes a plain line."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from drawsim.common.building import config_folder
from drawsim.common.errors import UserError, nearest

log = logging.getLogger(__name__)

Task = Callable[[DictConfig], None]
FOLDER_OPTIONS = ("--config-dir", "-cd")
CANCELLED = 130
"""Exit code after Ctrl-C, as shells have it."""


def launch(door: str, task: Task) -> None:
    """Run a door's task with the configuration `conf/<door>.yaml` and the command line.

    In a multirun a job that fails does not keep the others from running. The exit code is 1 if a
    job failed, 130 after Ctrl-C.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then leaves its errors to us
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger().handlers[0].setLevel(logging.INFO)
    logging.getLogger("drawsim").setLevel(logging.DEBUG)  # what is below INFO goes to log.txt alone
    sys.argv[1:] = _options_first(sys.argv[1:])
    OmegaConf.register_new_resolver("folder_name", _folder_name, replace=True)
    OmegaConf.register_new_resolver("choices", _choices, replace=True)
    failures: list[str] = []

    def job(config: DictConfig) -> None:
        if not _guarded(task, config, door):
            failures.append(config.get("name", door))

    try:
        hydra.main(version_base="1.3", config_path=str(_door_folder(door)), config_name=door)(job)()
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        _complain(_explain(error, door))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(CANCELLED)
    if failures:
        sys.exit(1)


def _options_first(arguments: Sequence[str]) -> list[str]:
    """Hydra takes its options in front of settings or behind them, but not between."""
    front, rest = [], []
    left = iter(arguments)
    for argument in left:
        if argument in FOLDER_OPTIONS:
            front += [argument, *([value] if (value := next(left, None)) is not None else [])]
        elif argument in ("-m", "--multirun") or argument.startswith(f"{FOLDER_OPTIONS[0]}="):
            front.append(argument)
        else:
            rest.append(argument)
    return [*front, *rest]


def _users_folder() -> str | None:
    """The folder of configuration that the command line adds to ours."""
    for place, argument in enumerate(sys.argv[1:], 2):
        if argument in FOLDER_OPTIONS:
            return sys.argv[place] if place < len(sys.argv) else None
        if argument.startswith(f"{FOLDER_OPTIONS[0]}="):
            return argument.partition("=")[2]
    return None


def _door_folder(door: str) -> Path:
    """Where the door's configuration lies: with the groups that it chooses from, or by itself.

    By itself, `conf/<door>/<door>.yaml`, its settings may have names that elsewhere are groups.
    """
    own = config_folder() / door
    return own if (own / f"{door}.yaml").is_file() else config_folder()


def options(door: str, group: str) -> list[str]:
    """The options of a group that a door can choose from."""
    return sorted(path.stem for path in (_door_folder(door) / group).glob("*.yaml"))


def chosen_settings() -> set[str]:
    """The settings that the command line sets, without what is below them."""
    texts = (text.lstrip("+~").split("=")[0] for text in HydraConfig.get().overrides.task)
    return {key.split("@")[0].split(".")[0] for key in texts}


def is_multirun() -> bool:
    """Whether this job is one of several."""
    return bool(HydraConfig.get().mode == RunMode.MULTIRUN)


def output_folder() -> Path:
    """The run folder of this job."""
    return Path(HydraConfig.get().runtime.output_dir)


def _guarded(task: Task, config: DictConfig, door: str) -> bool:
    """Run a job; say what went wrong, if anything. True if nothing did."""
    folder = output_folder()
    try:
        _check_values(config, door)
        task(config)
    except UserError as error:
        _complain(str(error))
        return False
    except OmegaConfBaseException as error:
        _complain(_explain(error, door))
        return False
    except Exception:
        # A defect of ours: people need the whole story.
        traceback.print_exc()
        return False
    finally:
        _remove_empty(folder)
    return True


def _remove_empty(folder: Path) -> None:
    """Remove a run folder that a refused run left empty, and its parents likewise."""
    with contextlib.suppress(OSError):  # not empty, or gone already
        while folder != Path.cwd():
            folder.rmdir()
            folder = folder.parent


def _complain(text: str) -> None:
    print(f"drawsim: {text}", file=sys.stderr)


def _folder_name(path: str) -> str:
    return Path(path).resolve().name


def _explain(error: Exception, door: str) -> str:
    """One line for a mistake on the command line, with the nearest valid names."""
    text = str(error)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        options = [str(name) for name in error.options or []]
        return f"{group}={option}: no such option, {nearest(option, options)}"
    unknown = re.search(r"Could not (?:override|append to|delete from config\.) '([^']+)'", text)
    if unknown and not unknown.group(1).startswith("hydra."):
        return _unknown_key(unknown.group(1).split("@")[0], door)
    group = re.search(r"(?:config group|group) '([^']+)'", text)
    if group and "Could not find" in text:
        return f"{group.group(1)}: no such choice, {nearest(group.group(1), _names(door, ''))}"
    missing = re.search(r"Missing mandatory value: (\S+)", text)
    if missing:
        return f"{missing.group(1)} must be given: {missing.group(1)}=…"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:2]) + f" (python -m drawsim.{door} --help shows what there is)"


def _unknown_key(key: str, door: str) -> str:
    """What to say of a setting that does not exist: the first part that is wrong, and its likes."""
    *parents, name = key.split(".")
    while parents and not _names(door, ".".join(parents)):
        name = parents.pop()
    names = [".".join([*parents, other]) for other in _names(door, ".".join(parents))]
    wrong = ".".join([*parents, name])
    if wrong in names:
        return f"{key}: {wrong} is set as a whole, '{wrong}={{{key[len(wrong) + 1 :]}: …}}'"
    return f"{wrong}: no such setting, {nearest(wrong, names)}"


def _names(door: str, parent: str) -> list[str]:
    """Keys of the door's default configuration below `parent`; at the top, also its groups."""
    try:
        config: Any = _defaults(door, _chosen(sys.argv[1:], door))
    except (HydraException, OmegaConfBaseException):  # a choice is wrong, too, or is a sweep
        config = _defaults(door)
    if parent:
        config = OmegaConf.select(config, parent)
    keys = [str(key) for key in config] if isinstance(config, DictConfig) else []
    return keys if parent else [*keys, *_groups(door)]


def _groups(door: str) -> list[str]:
    """The groups that a door can choose from."""
    folders = [f for f in _door_folder(door).iterdir() if f.is_dir() and f.name != "hydra"]
    return [f.name for f in folders if not (f / f"{f.name}.yaml").is_file()]


def _choices(door: str) -> str:
    """What `--help` says of the groups."""
    return "\n".join(f"{g}: {', '.join(options(door, g))}" for g in sorted(_groups(door)))


def _defaults(door: str, choices: Sequence[str] = ()) -> DictConfig:
    """The door's configuration with these options chosen and every value as they have it."""
    active = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(_door_folder(door)), version_base="1.3"):
            folder = _users_folder()
            searched = [f"hydra.searchpath=[file://{Path(folder).resolve()}]"] if folder else []
            return hydra.compose(door, [*choices, *searched])
    finally:
        GlobalHydra.instance().hydra = active


def _chosen(arguments: Sequence[str], door: str) -> list[str]:
    """The arguments that choose an option of a group."""
    groups = _groups(door)
    return [text for text in arguments if re.split("[=@]", text.lstrip("+~"))[0] in groups]


def _check_values(config: DictConfig, door: str) -> None:
    """Raise UserError for what Hydra lets pass: +sede=1, and values of another kind (seed=abc)."""
    choices = _chosen(HydraConfig.get().overrides.task, door)
    defaults: Any = OmegaConf.to_container(_defaults(door, choices))
    unknown = [str(key) for key in config if key not in defaults]
    wrong = [f"{key}: no such setting, {nearest(key, defaults)}" for key in unknown]
    wrong += _mistyped(defaults, OmegaConf.to_container(config), "")
    if wrong:
        raise UserError("; ".join(wrong))


def _mistyped(default: Any, value: Any, key: str) -> list[str]:
    if isinstance(default, dict) and isinstance(value, dict):
        dotted = f"{key}." if key else ""
        found = (_mistyped(default[k], v, f"{dotted}{k}") for k, v in value.items() if k in default)
        return [line for lines in found for line in lines]
    if isinstance(default, dict) and value is not None:
        own = ", ".join(f"{key}.{name}" for name in default)
        return [f"{key}={value}: set one of {own}"]
    kinds: dict[type, tuple[str, tuple[type, ...]]] = {
        bool: ("true or false", (bool,)),
        int: ("a whole number", (int,)),
        float: ("a number", (int, float)),
    }
    if type(default) not in kinds or value is None:
        return []
    wanted, types = kinds[type(default)]
    good = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    interpolation = isinstance(value, str) and "${" in value
    return [] if good or interpolation else [f"{key}={value}: must be {wanted}"]
