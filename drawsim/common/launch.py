"""How a command starts: Hydra reads the configuration; what users get wrong becomes a line."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import (
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from drawsim.common import machine
from drawsim.common.arguments import as_texts, unfolded
from drawsim.common.configuration import (
    SPACES,
    WITH_A_PLUS,
    check_values,
    chosen,
    commands_folder,
    composed,
    explain,
    register_resolvers,
    show_groups,
    side_by_side,
)
from drawsim.common.ending import ended_by_sigterm
from drawsim.common.errors import UserError
from drawsim.common.pages import with_page
from drawsim.common.refusals import refusal
from drawsim.common.silence import no_silence
from drawsim.common.streams import WithoutHydra, speak_unicode

Task = Callable[[DictConfig], Any]
Resolver = Callable[[DictConfig], str]
FOLDER_OPTIONS = ("--config-dir", "-cd")
SWEEP_OPTIONS = ("-m", "--multirun")
TRIAL = "hydra.sweeper.trial="
"""What the command line of a trial of a search has."""
CANCELLED = 130
"""Exit code after Ctrl-C, as shells have it, and after SIGTERM."""
NOBODY_READS = 141
"""Exit code where what is printed goes to a program that has ended, as of `… --help | head -1`."""


class JobFailedError(Exception):
    """A job that did not do what it was to do, and has said why.

    Hydra's launchers bring it back from whatever process the job ran in, once all jobs of a batch
    have run. story: of a defect of ours, where it came from.
    """

    story = ""


def launch(
    command: str,
    task: Task,
    *,
    texts: Collection[str] = (),
    lists: Collection[str] = (),
    short: Mapping[str, str] | None = None,
    **resolvers: Resolver,
) -> None:
    """Run a command's task with its configuration, `conf/commands/<command>.yaml`, and arguments.

    texts, lists: settings that are taken as they are typed, see `as_texts`. short: shorter names
    of settings, see `unfolded`.
    resolvers: functions of the whole configuration, Hydra's part included, that it may refer to as
    `${name:}`. In a multirun a job that fails does not keep the others from running. The exit code
    is 1 if a job failed, in this process or another, and 130 after Ctrl-C.
    """
    speak_unicode()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then leaves its errors to us
    arguments = _with_sweep(unfolded(_options_first(sys.argv[1:]), short or {}))
    sweep = any(option in arguments for option in SWEEP_OPTIONS)
    try:
        sys.argv[1:] = side_by_side(command, as_texts(arguments, texts, lists, sweep=sweep))
    except UserError as error:
        _complain(str(error))
        sys.exit(1)
    job = Job(command, task, resolvers)
    if command == "annotate":  # silent while nobody asks it, and it asks for passwords
        _launch(command, job)
        _leave()
    else:
        with no_silence():
            _launch(command, job)


def _launch(command: str, job: Job) -> None:
    job.set_up()
    show_groups(command)

    def run(config: DictConfig) -> Any:
        return job(config)

    try:
        main = hydra.main(
            version_base="1.3", config_path=str(commands_folder()), config_name=command
        )
        with ended_by_sigterm(), contextlib.redirect_stderr(WithoutHydra(sys.stderr)):
            try:
                main(run)()
            finally:  # Hydra leaves by itself after --help
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at its end
        sys.exit(NOBODY_READS)
    except JobFailedError:
        sys.exit(1)
    except UserError as error:  # of what is to run the jobs
        _complain(with_page(error))
        sys.exit(1)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        _complain(explain(error, command, sys.argv[1:], _users_folder(sys.argv[1:])))
        sys.exit(1)
    except OSError as error:  # the job has its own; this is of its folder, which Hydra makes
        if error.filename is None:
            raise
        _complain(refusal(error) or f"{error.filename}: {error.strerror}; name another out=…")
        _remove_empty(Path(error.filename).absolute().parent)
        sys.exit(1)
    except KeyboardInterrupt:
        _complain("stopped")
        sys.exit(CANCELLED)
    finally:
        Sweep.tidy()


def _leave() -> None:
    """End now, though a thread may still wait for a picture on a disk that is far away."""
    if any(not thread.daemon for thread in threading.enumerate()[1:]):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


class Sweep(Callback):  # type: ignore[misc]
    """Leaves nothing of Hydra's own beside the runs of a sweep (`hydra.callbacks` of `train`)."""

    folder: ClassVar[Path | None] = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Learn where Hydra is going to write."""
        Sweep.folder = Path(config.hydra.sweep.dir)

    @classmethod
    def tidy(cls) -> None:
        """Remove the sweep's own file, and its folder where that is empty then."""
        if cls.folder is not None:
            with contextlib.suppress(OSError):
                (cls.folder / "multirun.yaml").unlink(missing_ok=True)
            _remove_empty(cls.folder.absolute())
            cls.folder = None


@dataclass
class Job:
    """One job of a command, wherever a launcher runs it: it can be sent to other processes."""

    command: str
    task: Task
    resolvers: Mapping[str, Resolver] = field(default_factory=dict)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.set_up()  # another process: its configuration is resolved next
        if multiprocessing.get_start_method(allow_none=True) == "loky":  # joblib's
            multiprocessing.set_start_method(None, force=True)  # torch's readers cannot start so

    def set_up(self) -> None:
        """What a process needs before configuration can be resolved and lines be said."""
        _set_up_logging()
        register_resolvers(**{name: _of_root(one) for name, one in self.resolvers.items()})

    def __call__(self, config: DictConfig) -> Any:
        """What the task returns. Raises JobFailedError where it fails, and says why."""
        machine.prepare()  # before the task imports what needs numpy or torch
        settings = HydraConfig.get()
        folder, arguments = output_folder(), list(settings.overrides.task)
        os.chdir(settings.runtime.cwd)  # hydra.job.chdir=true would change what paths mean
        users = users_folder(settings)
        try:
            plain: Any = OmegaConf.to_container(config)
            check_values(self.command, plain, arguments, users)
            search = [text for text in settings.overrides.hydra if "sweeper" in text.split("=")[0]]
            with _as_single_job([*arguments, *search], users):
                return self.task(config)
        except UserError as error:
            _complain(with_page(error))
            raise JobFailedError(str(error)) from None
        except OmegaConfBaseException as error:
            said = explain(error, self.command, arguments, users)
            _complain(said)
            raise JobFailedError(said) from None
        except Exception as error:
            if line := refusal(error):
                _complain(line)
                raise JobFailedError(line) from None
            traceback.print_exc()  # a defect of ours: people need the whole story
            failed = JobFailedError(f"{type(error).__name__}: {error}")
            failed.story = traceback.format_exc()
            raise failed from None
        finally:
            _remove_empty(folder)


def chosen_settings() -> set[str]:
    """The settings that the command line sets, without what is below them."""
    texts = (text.lstrip("+~").split("=")[0] for text in HydraConfig.get().overrides.task)
    return {key.split("@")[0].split(".")[0] for key in texts}


def arguments_of_job() -> list[str]:
    """The arguments of this job alone, as they can be given to its command again."""
    settings = HydraConfig.get()
    users = users_folder(settings)
    return [*([FOLDER_OPTIONS[0], users] if users else []), *settings.overrides.task]


def is_one_of_several() -> bool:
    """Whether this job is one of a sweep."""
    return not OmegaConf.is_missing(HydraConfig.get().job, "num")


def also_said(argument: str) -> bool:
    """Let a switch of this job be on, as if its command line said so: helper processes hear it."""
    sys.argv.append(argument)
    return True


def search_of_job() -> tuple[int, dict[str, Any]] | None:
    """The number of this job's trial, and the settings of the search that it is of, if it is."""
    sweeper = HydraConfig.get().sweeper
    if sweeper.get("trial") is None:
        return None
    own = {str(key): sweeper[key] for key in sweeper if key != "params"}
    return int(own.pop("trial")), own


def output_folder() -> Path:
    """The run folder of this job."""
    return Path(HydraConfig.get().runtime.output_dir)


@dataclass(frozen=True)
class Made:
    """What a command line made of a command's configuration.

    options: of each group in which another than the default one was chosen, experiments first.
    settings, defaults: with and without the changes of single settings, neither resolved.
    """

    options: Mapping[str, str]
    settings: Mapping[str, Any]
    defaults: Mapping[str, Any]


def choices_made(config: DictConfig, command: str) -> Made:
    """What the command line chose and changed. config: all of it, Hydra's part included."""
    folder = users_folder(config.hydra)
    choices = chosen(command, list(config.hydra.overrides.task))
    now = composed(command, choices, folder)
    recipes = [choice for choice in choices if choice.startswith(f"+{WITH_A_PLUS}")]
    before = composed(command, recipes, folder)
    other = {g: o for g, o in now.options.items() if o and o != before.options.get(g)}
    recipe = {g: o for g, o in now.options.items() if g == WITH_A_PLUS}
    settings: Any = OmegaConf.to_container(config)
    settings.pop("hydra")
    return Made(recipe | other, settings, now.settings)


def to_plain(config: DictConfig, *, needed: bool = True) -> dict[str, Any]:
    """The configuration, less Hydra's part, as plain values; every reference resolved.

    needed: raise omegaconf's error for a value that the user still has to give; else it is None.
    """
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    if not needed:
        return dict(_given(own))
    plain: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    return dict(plain)


def _given(node: Any) -> Any:
    """As plain values, None in the place of what was not given, and of what refers to it."""
    if isinstance(node, ListConfig):
        return OmegaConf.to_container(node, resolve=True)
    if not isinstance(node, DictConfig):
        return node
    found: dict[str, Any] = {}
    for key in node:
        try:
            found[str(key)] = _given(node[key])
        except (MissingMandatoryValue, InterpolationToMissingValueError):  # noqa: PERF203
            found[str(key)] = None
    return found


def users_folder(settings: DictConfig) -> str | None:
    """The folder of configuration that the command line added, by Hydra's part of it."""
    sources = settings.runtime.config_sources
    return next((str(one.path) for one in sources if one.provider == "command-line"), None)


def _set_up_logging() -> None:
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger().handlers[0].setLevel(logging.INFO)
    logging.getLogger("drawsim").setLevel(logging.DEBUG)  # what is below INFO goes to log.txt alone


def _of_root(resolver: Resolver) -> Callable[..., str]:
    """A resolver without arguments, of the configuration that it is used in."""

    def resolve(*, _root_: DictConfig) -> str:
        return resolver(_root_)

    return resolve


def _options_first(arguments: Sequence[str]) -> list[str]:
    """Hydra takes its options in front of settings or behind them, but not between."""
    front, rest = [], []
    left = iter(arguments)
    for argument in left:
        if argument in FOLDER_OPTIONS:
            front += [argument, *([value] if (value := next(left, None)) is not None else [])]
        elif argument in SWEEP_OPTIONS or argument.startswith(f"{FOLDER_OPTIONS[0]}="):
            front.append(argument)
        else:
            rest.append(argument)
    return [*front, *rest]


def _with_sweep(arguments: list[str]) -> list[str]:
    """A search is a sweep, said or not; a trial of it is none."""
    searches = any(text.startswith(f"+{SPACES}=") for text in arguments)
    said = any(text in SWEEP_OPTIONS or text.startswith(TRIAL) for text in arguments)
    return [SWEEP_OPTIONS[0], *arguments] if searches and not said else arguments


def _users_folder(arguments: Sequence[str]) -> str | None:
    """The folder of configuration that the command line adds to ours, by its arguments."""
    for place, argument in enumerate(arguments, 1):
        if argument in FOLDER_OPTIONS:
            return arguments[place] if place < len(arguments) else None
        if argument.startswith(f"{FOLDER_OPTIONS[0]}="):
            return argument.partition("=")[2]
    return None


@contextlib.contextmanager
def _as_single_job(arguments: Sequence[str], users: str | None) -> Iterator[None]:
    """The command line of this job alone, for as long as it runs.

    Helper processes are started with it (by Lightning): with that of a sweep they would each go
    through all its jobs.
    """
    given = sys.argv
    folder = [FOLDER_OPTIONS[0], users] if users else []
    sys.argv = [*given[:1], *folder, *arguments]
    try:
        yield
    finally:
        sys.argv = given


def _remove_empty(folder: Path) -> None:
    """Remove a run folder that a refused run left empty, and its parents likewise."""
    with contextlib.suppress(OSError):  # not empty, or gone already
        while folder != Path.cwd():
            folder.rmdir()
            folder = folder.parent


def _complain(text: str) -> None:
    print(f"drawsim: {text}", file=sys.stderr)
