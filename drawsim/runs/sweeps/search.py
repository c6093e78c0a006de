"""A search for settings by Optuna: its study in a file, and what a run tells of itself to it."""

from __future__ import annotations

import json
import math
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from drawsim.common.errors import UserError, nearest
from drawsim.common.typed import check_whole
from drawsim.runs.identity import differences, told
from drawsim.runs.sweeps.installed import needs

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

SAMPLERS = ("tpe", "random", "gp", "cmaes")
PRUNERS = ("median", "none")
FILE = "optuna.db"
"""The study of a search, beside its runs."""
SETTINGS, SPACE, MONITOR, RUN, PRUNED = "settings", "space", "monitor", "run", "pruned"
OWNER = "owner"
"""What a study and its trials say of themselves, beside what Optuna keeps."""
Direction = Literal["minimize", "maximize"]
LARGEST_SEED = 2**32 - 1
"""Of NumPy's generators, by which samplers draw."""
SAID = 300
"""Letters of what a database says that are shown."""
DIGITS = 4
"""Significant digits of a number that is tried: its run's name says all of them."""


@dataclass(frozen=True)
class StudySettings:
    """Where a study is kept, and who proposes and prunes; see `conf/hydra/sweeper/optuna.yaml`.

    Raises UserError for a sampler, a pruner or a seed that is none.
    """

    storage: str
    study_name: str
    sampler: str = "tpe"
    pruner: str = "median"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
            if (given := str(getattr(self, name))) not in known:
                raise UserError(f"hydra.sweeper.{name}={given}: {nearest(given, known)}")
        check_whole("hydra.sweeper.seed", self.seed, 0, LARGEST_SEED)

    def open(self, direction: Direction | None = None) -> optuna.Study:
        """The study; it is made if a direction is given (minimize, maximize) and there is none.

        Raises UserError for a storage that cannot be opened.
        """
        needs("optuna", "hydra/sweeper=optuna", "optuna")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        own: dict[str, Any] = {
            "study_name": self.study_name,
            "sampler": self._sampler(),
            "pruner": self._pruner(),
        }
        try:
            storage = optuna.storages.get_storage(self.storage)
            if direction is None:
                return optuna.load_study(storage=storage, **own)
            return optuna.create_study(
                storage=storage, direction=direction, load_if_exists=True, **own
            )
        except Exception as error:  # of whichever database it is
            said = " ".join(str(error).partition("(Background on")[0].split())
            said = said if len(said) <= SAID else f"{said[:SAID]}…"
            raise UserError(
                f"hydra.sweeper.storage={without_password(self.storage)}: no study can be opened "
                f"there ({said}); is the address right, its server running, and the library for "
                "it installed? A file needs neither: sqlite:///FILE.db, in a folder that is there"
            ) from error

    def _sampler(self) -> optuna.samplers.BaseSampler:
        import optuna

        if self.sampler == "tpe":
            return optuna.samplers.TPESampler(seed=self.seed, constant_liar=True)
        if self.sampler == "random":
            return optuna.samplers.RandomSampler(seed=self.seed)
        if self.sampler == "gp":
            return optuna.samplers.GPSampler(seed=self.seed)
        return optuna.samplers.CmaEsSampler(seed=self.seed)

    def _pruner(self) -> optuna.pruners.BasePruner:
        import optuna

        if self.pruner == "median":
            return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        return optuna.pruners.NopPruner()


@dataclass(frozen=True)
class Range:
    """The values that a setting may take in a search: choices, or numbers from low to high.

    log: as many small ones as large ones. step: numbers between which there is none. whole: they
    are whole numbers.
    """

    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False

    def distribution(self) -> BaseDistribution:
        """As Optuna has it."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole:
            return IntDistribution(
                int(self.low), int(self.high), log=self.log, step=int(self.step or 1)
            )
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def first(self) -> Any:
        """One of the values."""
        return self.choices[0] if self.choices else int(self.low) if self.whole else self.low

    def shown(self, value: Any) -> str:
        """A value as the command line has it.

        >>> Range(low=0, high=1).shown(0.123456789), Range(low=0, high=1).shown(1.0)
        ('0.1235', '1.0')
        """
        return repr(float(f"{value:.{DIGITS}g}")) if isinstance(value, float) else str(value)


class Search:
    """A study of a space of settings; it goes on where an earlier start of it stopped.

    direction: minimize or maximize. base: the settings that all trials share. monitor: what the
    value of a trial is. folder: of this sweep's runs; other sweeps, on any machine, may work on
    the same study, and each has its own trials.

    Raises UserError if the study that is there is of other settings.
    """

    def __init__(
        self,
        settings: StudySettings,
        direction: Direction,
        space: Mapping[str, Range],
        base: Mapping[str, Any],
        monitor: str,
        folder: Path,
    ) -> None:
        self.space = space
        self.owner = f"{socket.gethostname()}:{folder.resolve()}"
        self.study = settings.open(direction)
        self._check(base, settings)
        self.study.set_user_attr(SETTINGS, json.dumps(base, default=str))
        self.study.set_user_attr(SPACE, self._described())
        self.study.set_user_attr(MONITOR, monitor)

    def _described(self) -> dict[str, Any]:
        return {name: json.loads(json.dumps(asdict(one))) for name, one in self.space.items()}

    def _check(self, base: Mapping[str, Any], settings: StudySettings) -> None:
        """Raise UserError if the study has begun with other settings, or in another space."""
        known = self.study.user_attrs
        if SETTINGS not in known:
            return
        now = json.loads(json.dumps(base, default=str))
        different = differences(json.loads(known[SETTINGS]), now)
        space = self._described()
        changed = [k for k in {**known[SPACE], **space} if known[SPACE].get(k) != space.get(k)]
        if different or changed:
            what = told(different) if different else f"another space of {', '.join(changed)}"
            raise UserError(
                f"{without_password(settings.storage)}: a search with other settings is there "
                f"({what}); give this one another study=… or hydra.sweeper.study_name=…"
            )

    @property
    def ended(self) -> int:
        """Trials that have ended, however."""
        return sum(trial.state.is_finished() for trial in self.study.get_trials(deepcopy=False))

    def ask(self) -> Any:
        """A new trial, which is this sweep's."""
        trial = self.study.ask()
        trial.set_user_attr(OWNER, self.owner)
        return trial

    def interrupted(self) -> list[Any]:
        """Trials of this sweep's earlier starts that have not ended: they are taken up first.

        The sweep's folder is locked, so that none of them still runs; of others' nobody knows.
        """
        import optuna

        running = self.study.get_trials(states=[optuna.trial.TrialState.RUNNING])
        return [
            optuna.trial.Trial(self.study, trial._trial_id)
            for trial in running
            if trial.user_attrs.get(OWNER) == self.owner
        ]

    def values(self, trial: Any) -> dict[str, str]:
        """What a trial tries, as the command line has it."""
        return {
            name: one.shown(trial._suggest(name, one.distribution()))
            for name, one in self.space.items()
        }

    def tell(self, trial: Any, value: Any) -> str:
        """How a trial has ended, and what to say of it: finished, pruned, or failed.

        value: None or NaN of a trial that came to nothing. One that somebody else has told of
        stays as it is.
        """
        from optuna.trial import TrialState

        known = next(
            one for one in self.study.get_trials(deepcopy=False) if one.number == trial.number
        )
        if known.state.is_finished():
            return f"was ended by another process ({known.state.name.lower()})"
        if PRUNED in known.user_attrs:
            self.study.tell(trial.number, state=TrialState.PRUNED)
            return f"pruned after epoch {known.user_attrs[PRUNED]}"
        if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
            self.study.tell(trial.number, state=TrialState.FAIL)
            return "failed" if value is None else f"failed ({value})"
        self.study.tell(trial.number, float(value))
        return f"{value:.4f}"

    def best(self) -> tuple[int, float, dict[str, Any]] | None:
        """Number, value and settings of the best trial; None where none has finished."""
        try:
            trial = self.study.best_trial
        except ValueError:
            return None
        return trial.number, float(trial.value or 0.0), dict(trial.params)


@dataclass(frozen=True)
class Trial:
    """A trial of a search, seen from its run in whatever process. number: in its study."""

    settings: StudySettings
    number: int

    @cached_property
    def _trial(self) -> Any:
        import optuna

        study = self.settings.open()
        known: Sequence[Any] = study.get_trials(deepcopy=False)
        return optuna.trial.Trial(study, known[self.number]._trial_id)

    @classmethod
    def of(cls, number: int, settings: Mapping[str, Any], *, run: str) -> Trial:
        """From the settings of the sweeper. run: the name of the run, which the study is told."""
        names = {field.name for field in fields(StudySettings)}
        own = {key: value for key, value in settings.items() if key in names}
        trial = cls(StudySettings(**own), number)
        with trial._open():
            trial._trial.set_user_attr(RUN, run)
        return trial

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Raise UserError if the trial has ended, so that nothing more can be told of it."""
        import optuna

        try:
            yield
        except optuna.exceptions.UpdateFinishedTrialError as error:
            raise UserError(
                f"trial {self.number} of the search {self.settings.study_name} was ended by "
                "another process; start the search again to go on with other trials"
            ) from error

    def report(self, value: float, epoch: int) -> bool:
        """Tell the monitored value after an epoch, from 1; whether the run had better stop."""
        if math.isnan(value):
            return False
        with self._open(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a run that is resumed tells an epoch twice
            self._trial.report(value, epoch)
        return bool(self._trial.should_prune())

    def stop(self, epoch: int) -> None:
        """The run has stopped after an epoch for that reason."""
        with self._open():
            self._trial.set_user_attr(PRUNED, epoch)


def without_password(address: str) -> str:
    """The address of a database as it may be shown.

    >>> without_password("postgresql://ada:secret@host/studies"), without_password("sqlite:///a.db")
    ('postgresql://ada:***@host/studies', 'sqlite:///a.db')
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return make_url(address).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return f"{address.partition(':')[0]}:…"
