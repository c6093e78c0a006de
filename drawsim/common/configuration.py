"""The configuration of a command: what can be chosen and set, and what is wrong with what was."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from drawsim.common.arguments import quoted
from drawsim.common.building import LABEL, TARGET, config_folder
from drawsim.common.errors import UserError, nearest
from drawsim.common.explaining import explained
from drawsim.common.renamed import RENAMED
from drawsim.common.typed import mistyped, shown

COMMANDS = "commands"
"""The folder of `conf/` with a file for each command; the others are groups of options."""
SEVERAL = "several"
"""The option of `backbone` that holds several of the others."""
WITH_A_PLUS = "experiment"
"""The group that adds to the others; a command has it if it has the groups to add to."""
SPACES = "hparams_search"
"""The group whose options say which settings are searched; it is added likewise."""
AUTO = "auto"
"""The default of settings that are decided by what there is; some may also be true or false."""
OPEN = ("callbacks", "trainer")
"""What users may add to, beside the arguments of factories: Lightning's own, checked by it."""
OR_NULL = frozenset(
    ("explore.pairs.artworks", "explore.sample.by", "explore.sizes", "layout.parts")
)
"""Settings that may be null though their default is not, beside arguments of factories."""


@dataclass(frozen=True)
class Composed:
    """A command's configuration with some options chosen and no other setting changed.

    settings: not resolved. options: of each group, the chosen one.
    """

    settings: Mapping[str, Any]
    options: Mapping[str, str]


class Groups(SearchPathPlugin):  # type: ignore[misc]
    """Shows Hydra the groups of options, beside the file of a command that chooses from them.

    Other commands do not see them, so that their settings may be called as a group is.
    """

    shown = True

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folder of the groups."""
        if self.shown:
            search_path.append("drawsim", f"file://{config_folder()}")


def commands_folder() -> Path:
    """Where each command has its file."""
    return config_folder() / COMMANDS


def show_groups(command: str) -> None:
    """Let Hydra see the groups from now on, if the command chooses from any.

    Plugins of Hydra's that are called like options of ours make room for these.
    """
    Plugins.instance().register(Groups)
    Groups.shown = bool(groups(command))
    theirs = ConfigStore.instance().repo["hydra"]
    for kind in ("launcher", "sweeper"):
        for name in options(f"hydra/{kind}"):
            theirs[kind].pop(f"{name}.yaml", None)


def register_resolvers(**others: Callable[..., str]) -> None:
    """Tell OmegaConf what `conf/` refers to: `${folder_name:…}`, and what help texts show."""
    own: dict[str, Callable[..., str]] = {
        "folder_name": lambda path: Path(str(path)).resolve().name,
        "choices": lambda command: "\n".join(
            f"{group}: {', '.join(options(group))}" for group in groups(command)
        ),
        "settings": _settings,
    }
    for name, resolver in (own | others).items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)


def _settings(command: str, *, _root_: DictConfig) -> str:
    """All settings of a command line, explained.

    Hydra fills the help in as a template, in which a dollar is written twice.
    """
    plain: Any = OmegaConf.to_container(_root_)
    taken = plain.pop("hydra")["runtime"]["choices"]
    chosen = {group: taken[group] for group in groups(command) if taken.get(group)}
    return explained(command, plain, chosen).replace("$", "$$")


def compose(command: str, overrides: Sequence[str] = (), *, with_hydra: bool = False) -> DictConfig:
    """The configuration of a command line. Raises Hydra's errors for what is wrong in it."""
    register_resolvers()
    shown, active = Groups.shown, GlobalHydra.instance().hydra
    show_groups(command)
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(commands_folder()), version_base="1.3"):
            own = side_by_side(command, overrides)
            found = hydra.compose(command, own, return_hydra_config=with_hydra)
    finally:
        GlobalHydra.instance().hydra, Groups.shown = active, shown
    assert isinstance(found, DictConfig)
    return found


@functools.cache
def groups(command: str) -> tuple[str, ...]:
    """The groups of options that a command chooses from: those of its list of defaults."""
    text = (config_folder() / COMMANDS / f"{command}.yaml").read_text(encoding="utf-8")
    entries = [entry for entry in yaml.safe_load(text)["defaults"] if isinstance(entry, dict)]
    named = [key for entry in entries for key in entry if not key.startswith("override ")]
    extends = "loss" in named  # whole recipes are for training
    return tuple(sorted([*named, *((WITH_A_PLUS, SPACES) if extends else ())]))


def options(group: str) -> list[str]:
    """The shipped options of a group."""
    return sorted(path.stem for path in (config_folder() / group).glob("*.yaml"))


def option(group: str, name: str, **settings: Any) -> dict[str, Any]:
    """What an option of a group says, as plain values.

    settings: what it may refer to in the whole configuration. Raises UserError for an unknown name,
    and for an option that leaves something for the user to say.
    """
    if name not in options(group):
        raise UserError(f"{group}={name}: {nearest(name, options(group))}")
    own: Any = OmegaConf.load(config_folder() / group / f"{name}.yaml")
    if missing := [key for key in own.keys() if OmegaConf.is_missing(own, key)]:  # noqa: SIM118
        raise UserError(f"{group}={name}: leaves {group}.{missing[0]} open; give run=DIR")
    whole: Any = OmegaConf.create({**settings, group: own})
    plain: Any = OmegaConf.to_container(whole[group], resolve=True)
    return dict(plain)


def backbone_option(choice: str | Sequence[str], image_size: int) -> dict[str, Any]:
    """What an option of `backbone` says, or several of them side by side: see `option`."""
    if isinstance(choice, str):
        return option("backbone", choice, image_size=image_size)
    members = {str(name): option("backbone", str(name), image_size=image_size) for name in choice}
    if len(members) == 1:
        return next(iter(members.values()))
    return {**option("backbone", SEVERAL), "name": "+".join(members), "networks": members}


def side_by_side(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments with `backbone=[lite,dinov2]` in Hydra's words: `several`, and each in it.

    Raises UserError for what is no list of names, and for several such lists in a sweep.

    >>> side_by_side("train", ["seed=1", "backbone=[lite,dinov2]"])[1:3]
    ["backbone='several'", "backbone.name='lite+dinov2'"]
    """
    if "backbone" not in groups(command):
        return list(arguments)
    found: list[str] = []
    for text in arguments:
        key, _, value = text.partition("=")
        if key != "backbone" or "[" not in value:
            found.append(text)
            continue
        names = [name.strip(" '\"") for name in value.strip()[1:-1].split(",")]
        if not re.fullmatch(r"\[[^][]*\]", value.strip()) or len(set(names)) < len(names):
            raise UserError(
                f"{text}: a list names each network once, backbone=[lite,dinov2]; run the command "
                "once for each list"
            )
        if strange := [name for name in names if not re.fullmatch(r"[\w-]+", name)]:
            raise UserError(
                f"{text}: {strange[0]!r} is no name of a network; separate names by one comma, "
                "backbone=[lite,dinov2]"
            )
        if len(names) == 1:
            found.append(f"backbone={names[0]}")
            continue
        found += [f"backbone={quoted(SEVERAL)}", f"backbone.name={quoted('+'.join(names))}"]
        found += [f"+backbone@backbone.networks.{name}={quoted(name)}" for name in names]
    return found


def chosen(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments that choose an option of a group."""
    return [text for text in arguments if _key(text).split("@")[0] in groups(command)]


def composed(command: str, choices: Sequence[str], users_folder: str | None) -> Composed:
    """The command's configuration with these options chosen and every value as they have it.

    users_folder: a folder of configuration that the command line adds. Raises Hydra's errors.
    """
    return _composed(command, tuple(choices), users_folder)


@functools.lru_cache(maxsize=64)
def _composed(command: str, choices: tuple[str, ...], users_folder: str | None) -> Composed:
    searched = []
    if users_folder:
        searched = [f"hydra.searchpath=[{quoted(f'file://{Path(users_folder).resolve()}')}]"]
    config = compose(command, [*choices, *searched], with_hydra=True)
    settings: Any = OmegaConf.to_container(config)
    taken = settings.pop("hydra")["runtime"]["choices"]
    options = {k: v for k, v in taken.items() if "/" not in k}
    for group in groups(command):  # of a list of options Hydra does not say which they are
        if group not in options and isinstance(settings.get(group), Mapping):
            options[group] = "+".join(settings[group]) or "none"
    return Composed(settings, options)


def check_values(
    command: str, settings: Mapping[str, Any], arguments: Sequence[str], users_folder: str | None
) -> None:
    """Raise UserError for what Hydra lets pass: +sede=1, ~logger, and seed=abc.

    settings: not resolved, as the arguments made them.
    """
    choices = [text for text in chosen(command, arguments) if not text.startswith("~")]
    decided = {
        key: AUTO for key, value in composed(command, (), None).settings.items() if value == AUTO
    }  # whatever a recipe has for them
    defaults = {**composed(command, choices, users_folder).settings, **decided}
    if wrong := list(_wrong(defaults, settings, "", groups=groups(command))):
        raise UserError("; ".join(wrong))


def explain(
    error: Exception, command: str, arguments: Sequence[str], users_folder: str | None
) -> str:
    """One line for a mistake on the command line, with the nearest valid names."""
    text = str(error)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        if group and group not in groups(command) and "/" not in group:
            return f"{group}: no such choice, {nearest(group, groups(command))}"
        known = [str(name) for name in error.options or []]
        return f"{group}={option}: no such option, {nearest(option, known)}"
    unknown = re.search(r"Could not (?:override|append to|delete from config\.) '([^']+)'", text)
    if unknown:
        key = unknown.group(1).split("@")[0]
        if key in (WITH_A_PLUS, SPACES) and key in groups(command):
            given = next((a.partition("=")[2] for a in arguments if _key(a) == key), "…")
            return f"{key}={given}: is added to the other choices, so with a plus: +{key}={given}"
        return _unknown_key(key, command, arguments, users_folder)
    group_of = re.search(r"(?:config group|group) '([^']+)'", text)
    if group_of and "Could not find" in text:
        names = _names(command, "", arguments, users_folder)
        return f"{group_of.group(1)}: no such choice, {nearest(group_of.group(1), names)}"
    missing = re.search(r"Missing mandatory value: (\S+)", text)
    if missing:
        return f"{missing.group(1)} must be given: {missing.group(1)}=…"
    unset = re.search(r"Interpolation key '([^']*)' not found", text)
    if unset:
        key = unset.group(1)
        return f"${{{key}}}: no such setting; where the text itself is meant, write \\${{{key}}}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:2]) + f" (python -m drawsim.{command} --help shows what there is)"


def _key(argument: str) -> str:
    return re.split("=", argument.lstrip("+~"), maxsplit=1)[0]


def _unknown_key(key: str, command: str, arguments: Sequence[str], users_folder: str | None) -> str:
    """What to say of a setting that does not exist: the first part that is wrong, and its likes."""
    if key in RENAMED:
        return f"{key} is now {RENAMED[key]}"
    *parents, name = key.split(".")

    def below(parts: Sequence[str]) -> list[str]:
        return _names(command, ".".join(parts), arguments, users_folder)

    while parents and not below(parents):
        name = parents.pop()
    names = [".".join([*parents, other]) for other in below(parents)]
    wrong = ".".join([*parents, name])
    if wrong in ("hydra.launcher", "hydra.sweeper"):
        kind = wrong.replace(".", "/")
        offered = " or ".join(f"{kind}={name}" for name in options(kind))
        return f"{key}: choose one that has settings, {offered}"
    if wrong in names:
        return f"{key}: {wrong} is set as a whole, '{wrong}={{{key[len(wrong) + 1 :]}: …}}'"
    return f"{wrong}: no such setting, {nearest(wrong, names)}"


def _names(
    command: str, parent: str, arguments: Sequence[str], users_folder: str | None
) -> list[str]:
    """Settings of the command's default configuration below `parent`; at the top, also groups."""
    if parent.split(".")[0] == "hydra":
        return _names_of_hydra(command, parent, arguments)
    try:
        found: Any = composed(command, chosen(command, arguments), users_folder).settings
    except (HydraException, OmegaConfBaseException):  # a choice is wrong, too, or is a sweep
        found = composed(command, (), None).settings
    for part in parent.split(".") if parent else ():
        found = found.get(part) if isinstance(found, Mapping) else None
    keys = [str(key) for key in found] if isinstance(found, Mapping) else []
    return keys if parent else [*keys, *groups(command)]


def _names_of_hydra(command: str, parent: str, arguments: Sequence[str]) -> list[str]:
    """Hydra's own settings below `parent`, of the launcher and sweeper that are chosen."""
    taken = [text for text in arguments if text.lstrip("+").startswith("hydra/")]
    try:
        config = compose(command, taken, with_hydra=True)
    except (HydraException, OmegaConfBaseException):
        config = compose(command, with_hydra=True)
    found: Any = OmegaConf.to_container(config)
    for part in parent.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return [str(key) for key in found if key != TARGET] if isinstance(found, Mapping) else []


def _wrong(
    default: Any, value: Any, key: str, *, built: bool = False, groups: Sequence[str] = ()
) -> Iterator[str]:
    """What is wrong with a value, or in it, beside the default one.

    built: among the arguments of a factory, which knows itself what may be null. groups: that may
    be meant beside the settings.
    """
    if not isinstance(default, Mapping):
        if not (value is None and (built or default is None or key in OR_NULL)):
            yield from _mistyped(default, value, key)
        return
    if not isinstance(value, Mapping):
        own = ", ".join(f"{key}.{name}" for name in default)
        yield f"{key}={shown(value)}: set one of {own}"
        return
    dotted = f"{key}." if key else ""
    free = TARGET in value or TARGET in default
    for name, inner in value.items():
        if name in default:
            yield from _wrong(default[name], inner, f"{dotted}{name}", built=free and name != LABEL)
        elif f"{dotted}{name}" in RENAMED:
            yield f"{dotted}{name} is now {RENAMED[f'{dotted}{name}']}"
        elif not free and key not in OPEN:
            known = [*(f"{dotted}{other}" for other in default), *groups]
            yield f"{dotted}{name}: no such setting, {nearest(f'{dotted}{name}', known)}"
    for name in default:
        if name not in value and not free and key != "callbacks":
            yield f"~{dotted}{name}: cannot be left out{_instead(dotted + name)}"


def _instead(group: str) -> str:
    """What to choose rather than nothing."""
    offered = {"logger": "logger=csv", "callbacks": "~callbacks.progress for no progress bar"}
    return f"; {offered[group]} does the least" if group in offered else ""


def _mistyped(default: Any, value: Any, key: str) -> Iterator[str]:
    """What is wrong with a value by the default one, where that tells it."""
    if value is None:
        yield f"{key}=null: give a value"
    if None in (default, value) or default == MISSING or _refers(default) or _refers(value):
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, str) and is_number:
        return  # a name, such as 2024, is taken as it is written
    if default == AUTO and isinstance(value, bool):
        return  # what it is where nothing else is said; whoever takes the setting knows its types
    if is_number and not math.isfinite(value):
        yield f"{key}={value}: must be a finite number"
    if said := mistyped(value, type(default)):
        yield f"{key}={shown(value)}: {said}"


def _refers(value: Any) -> bool:
    """Whether a value is that of another setting."""
    return isinstance(value, str) and "${" in value
