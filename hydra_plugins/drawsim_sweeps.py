"""Launchers and a sweeper of Hydra's, of whose plugins this is the one place.

`hydra/launcher=joblib|submitit_local|submitit_slurm|ray` run the jobs of a sweep in other
processes, and `hydra/sweeper=optuna` looks for the best settings. What they do stands in
`drawsim/runs/sweeps`; here Hydra's objects become plain ones. Hydra imports this file whenever a
command starts: whatever takes time is imported later.
"""

from __future__ import annotations

import math
import sys
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from drawsim.common.errors import UserError

if TYPE_CHECKING:
    from drawsim.runs.sweeps.engine import Engine, Job
    from drawsim.runs.sweeps.search import Direction, Range, Search
    from drawsim.runs.sweeps.sweep import Ended


class _Launcher(Launcher):  # type: ignore[misc]
    """Runs jobs by an engine of drawsim's. settings: those of `conf/hydra/launcher`."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.task_function: TaskFunction | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Hydra's: what every job needs."""
        self.config = config
        self.hydra_context = hydra_context
        self.task_function = task_function

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run a job for each list of overrides; how they ended, in their order."""
        from drawsim.runs.sweeps.sweep import run_all

        assert self.config is not None
        setup_globals()
        composed = [
            self._composed(list(overrides), initial_job_idx + number)
            for number, overrides in enumerate(job_overrides)
        ]
        jobs = [self._job(config) for config in composed]
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        monitor = str(self.config.get("monitor", ""))
        ended = run_all(jobs, self.engine(), retries=int(self.settings["retries"]), monitor=monitor)
        for one in ended:
            sys.stderr.write(one.story)
        return [_returned(c, one) for c, one in zip(composed, ended, strict=True)]

    @abstractmethod
    def engine(self) -> Engine:
        """What runs the jobs. Raises UserError where it is not installed, or there is none."""

    def _composed(self, overrides: list[str], number: int) -> DictConfig:
        """The configuration of a job, Hydra's part included."""
        assert self.hydra_context is not None
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        return config

    def _job(self, config: DictConfig) -> Job:
        import cloudpickle

        from drawsim.runs.sweeps.engine import Job

        before = HydraConfig.instance().cfg
        try:
            HydraConfig.instance().set_config(config)
            folder = Path(str(config.hydra.sweep.dir), str(config.hydra.sweep.subdir))
        finally:
            HydraConfig.instance().cfg = before
        assert self.hydra_context is not None
        assert self.task_function is not None
        work = Work(self.hydra_context, self.task_function, config, Singleton.get_state())
        epochs = OmegaConf.select(config, "trainer.max_epochs")
        number = int(config.hydra.job.num)
        return Job(number, folder, cloudpickle.dumps(work), epochs)


class Work:
    """A job of Hydra's, for any process. state: of Hydra's singletons."""

    def __init__(
        self,
        hydra_context: HydraContext,
        task_function: TaskFunction,
        config: DictConfig,
        state: dict[Any, Any],
    ) -> None:
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config
        self.state = state

    def __call__(self) -> Ended:
        """Do it, in silence: whoever started it says what becomes of it."""
        from drawsim.common.streams import silence
        from drawsim.runs.sweeps.sweep import Ended

        began = time.perf_counter()
        setup_globals()
        Singleton.set_state(self.state)
        with silence():
            done = run_job(
                hydra_context=self.hydra_context,
                task_function=self.task_function,
                config=self.config,
                job_dir_key="hydra.sweep.dir",
                job_subdir_key="hydra.sweep.subdir",
            )
        seconds = time.perf_counter() - began
        value = done._return_value
        if done.status == JobStatus.COMPLETED:
            return Ended(value, seconds=seconds)
        error = str(value) or type(value).__name__
        return Ended(error=error, story=getattr(value, "story", ""), seconds=seconds)


def _returned(config: DictConfig, ended: Ended) -> JobReturn:
    """As a sweeper of Hydra's wants it."""
    from drawsim.common.launch import JobFailedError

    found = JobReturn(overrides=list(config.hydra.overrides.task), task_name=config.hydra.job.name)
    if ended.error:
        found.status, found.return_value = JobStatus.FAILED, JobFailedError(ended.error)
    else:
        found.status, found.return_value = JobStatus.COMPLETED, ended.value
    return found


class JoblibLauncher(_Launcher):
    """`hydra/launcher=joblib`: processes of this machine, by joblib."""

    def engine(self) -> Engine:
        """n_jobs processes; None: as many as there are cores for their threads."""
        from drawsim.common.machine import cores
        from drawsim.runs.sweeps.on_joblib import OnJoblib

        threads = int(self.settings["threads"])
        return OnJoblib(self.settings["n_jobs"] or max(1, cores() // threads), threads)


class _SubmititLauncher(_Launcher):
    """By submitit; its parameters are settings by the same names."""

    cluster = ""
    extra = ""

    def engine(self) -> Engine:
        """Submitit's files lie beside the runs until all has ended well."""
        from drawsim.common.machine import cores
        from drawsim.runs.sweeps.installed import needs
        from drawsim.runs.sweeps.on_submitit import OnSubmitit

        needs("submitit", f"hydra/launcher=submitit_{self.cluster}", "slurm")
        assert self.config is not None
        own: Any = OmegaConf.to_container(OmegaConf.create(self.settings), resolve=True)
        given = own.get("array_parallelism") or own.pop("at_once", None)
        folder = Path(str(self.config.hydra.sweep.dir), ".submitit")
        most = given or max(1, cores() // own["cpus_per_task"])
        del own["retries"]
        return OnSubmitit(self.cluster, folder, most, own)


class SubmititLocalLauncher(_SubmititLauncher):
    """`hydra/launcher=submitit_local`: processes of this machine, by submitit."""

    cluster = "local"


class SubmititSlurmLauncher(_SubmititLauncher):
    """`hydra/launcher=submitit_slurm`: jobs of Slurm, by submitit."""

    cluster = "slurm"


class RayLauncher(_Launcher):
    """`hydra/launcher=ray`: tasks of Ray, here or on a cluster."""

    def engine(self) -> Engine:
        """A Ray that runs, or one that is started."""
        from drawsim.runs.sweeps.installed import needs

        needs("ray", "hydra/launcher=ray", "ray")
        from drawsim.runs.sweeps.on_ray import OnRay

        own = self.settings
        return OnRay(
            own["address"],
            cores=own["num_cpus"],
            gpus=own["num_gpus"],
            memory=None if own["memory_gb"] is None else own["memory_gb"] * 1e9,
        )


class OptunaSweeper(Sweeper):  # type: ignore[misc]
    """`hydra/sweeper=optuna`: trials proposed by Optuna, each a run that a launcher does.

    settings: those of `conf/hydra/sweeper/optuna.yaml`.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.launcher: Launcher | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Hydra's: what the launcher needs."""
        self.config = config
        self.hydra_context = hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Run trials until there are n_trials. Raises JobFailedError at the end if one failed."""
        from drawsim.common.launch import JobFailedError
        from drawsim.common.typed import check_whole
        from drawsim.runs.lock import locked
        from drawsim.runs.sweeps.search import Search, StudySettings

        assert self.config is not None
        own = self.settings
        for name in ("n_trials", "n_jobs"):
            check_whole(f"hydra.sweeper.{name}", own[name], 1)
        fixed, space = self._split(arguments)
        base = self._base(fixed, space)
        study = StudySettings(
            str(own["storage"]),
            str(own["study_name"]),
            str(own["sampler"]),
            str(own["pruner"]),
            own["seed"],
        )
        monitor = str(base["monitor"])
        folder = Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "search"):
            search = Search(study, self._direction(monitor), space, base, monitor, folder)
            failed = self._trials(search, fixed)
        if best := search.best():
            number, value, params = best
            shown = " ".join(f"{k}={search.space[k].shown(v)}" for k, v in params.items())
            _say(f"best: trial {number}, {monitor} {value:.4f}: {shown}")
            _say(f"drawsim compare runs={folder} out=… shows the search")
        if failed:
            raise JobFailedError(f"{failed} trials failed")

    def _trials(self, search: Search, fixed: list[str]) -> int:
        """Run what is left of a study, some at a time; how many failed."""
        assert self.launcher is not None
        waiting, failed = search.interrupted(), 0
        while (left := self.settings["n_trials"] - search.ended) > 0:
            count = min(left, self.settings["n_jobs"])
            taken, waiting = waiting[:count], waiting[count:]
            trials = [*taken, *(search.ask() for _ in range(count - len(taken)))]
            tried = [search.values(trial) for trial in trials]
            jobs = [
                [
                    *fixed,
                    *(f"{name}={value}" for name, value in values.items()),
                    f"hydra.sweeper.trial={trial.number}",
                ]
                for trial, values in zip(trials, tried, strict=True)
            ]
            for trial, values, done in zip(
                trials, tried, self.launcher.launch(jobs, search.ended), strict=True
            ):
                value = done._return_value if done.status == JobStatus.COMPLETED else None
                said = search.tell(trial, value)
                failed += said.startswith("failed")
                shown = " ".join(f"{name}={value}" for name, value in values.items())
                _say(f"trial {trial.number}: {said}: {shown}")
        return failed

    def _split(self, arguments: list[str]) -> tuple[list[str], dict[str, Range]]:
        """The arguments that all trials share, and the values that are searched.

        The command line goes before the file of the search.
        """
        assert self.hydra_context is not None
        given = [f"{key}={value}" for key, value in (self.settings["params"] or {}).items()]
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        fixed: dict[str, str] = {}
        space: dict[str, Range] = {}
        for override in parser.parse_overrides([*given, *arguments]):
            key = override.get_key_element()
            fixed.pop(key, None)
            space.pop(key, None)
            if override.is_sweep_override():
                space[key] = _range(override)
            else:
                fixed[key] = str(override.input_line)
        if not space:
            raise UserError(
                "hydra/sweeper=optuna: nothing is searched; choose +hparams_search=…, or give a "
                "setting several values, optim.optimizer.lr='interval(1e-5,1e-3)'"
            )
        return list(fixed.values()), space

    def _base(self, fixed: list[str], space: Mapping[str, Range]) -> dict[str, Any]:
        """The settings that all trials share. Raises Hydra's error for a name that is none."""
        from drawsim.common.configuration import SPACES

        assert self.hydra_context is not None
        assert self.config is not None
        loader = self.hydra_context.config_loader
        first = [f"{name}={one.shown(one.first())}" for name, one in space.items()]
        loader.load_sweep_config(self.config, [*fixed, *first])
        without = [text for text in fixed if not text.startswith(f"+{SPACES}=")]
        if not any(text.startswith("hydra/sweeper=") for text in self.config.hydra.overrides.hydra):
            without.append("hydra/sweeper=optuna")
        made = loader.load_sweep_config(self.config, without)
        plain, whole = (OmegaConf.to_container(config) for config in (made, self.config))
        assert isinstance(plain, dict)
        assert isinstance(whole, dict)
        if more := [k for k in whole if k != "hydra" and plain.get(k) != whole[k]]:
            raise UserError(
                f"hparams_search: sets {', '.join(map(str, more))}; a space of settings has "
                "hydra.sweeper alone, give the rest on the command line"
            )
        return {str(key): value for key, value in plain.items() if key != "hydra"}

    def _direction(self, monitor: str) -> Direction:
        from drawsim.retrieval.metrics import registry

        return "minimize" if registry.find(monitor).higher_is_better is False else "maximize"


def _range(override: Override) -> Range:
    """The values of a sweep in Hydra's words. Raises UserError for an interval that is none."""
    from drawsim.runs.sweeps.search import Range

    value = override.value()
    if isinstance(value, IntervalSweep):
        whole = isinstance(value.start, int) and isinstance(value.end, int)
        low, high, log = float(value.start or 0), float(value.end or 0), "log" in value.tags
        if not -math.inf < low <= high < math.inf:
            raise UserError(
                f"{override.input_line}: an interval goes from a number to a larger one"
            )
        if log and low < (1 if whole else math.ulp(0.0)):
            raise UserError(f"{override.input_line}: with log, an interval begins above 0")
        return Range(low=low, high=high, log=log, whole=whole)
    return Range(choices=tuple(str(one) for one in override.sweep_string_iterator()))


def _say(text: str) -> None:
    print(text, file=sys.stderr)
