"""Searches for settings beside the runs that are compared: trials, their history, what mattered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.errors import UserError
from drawsim.common.opening import open_regular
from drawsim.reporting.kit.figures import COLOURS, FONT, Drawn, Tips, drawn, mark, mark_points
from drawsim.runs.sweeps.installed import needs
from drawsim.runs.sweeps.search import FILE, MONITOR, RUN

if TYPE_CHECKING:
    import optuna
    from matplotlib.figure import Figure

STATES = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "interrupted"}
FEWEST = 4
"""Finished trials from which can be told what mattered."""
SIZE = (7.2, 2.4)  # inches
BAR = 0.28  # inches a setting takes


@dataclass(frozen=True)
class Tried:
    """A trial: its number, how it ended, the monitored value (of a pruned one the last), settings.

    run: the name of its run, if it came so far.
    """

    number: int
    state: str
    value: float | None
    settings: Mapping[str, Any]
    run: str


@dataclass(frozen=True)
class Search:
    """A study of Optuna's. importance: share of the value's variance by setting; may be empty."""

    place: str
    name: str
    monitor: str
    higher_is_better: bool
    trials: Sequence[Tried]
    importance: Mapping[str, float]

    @property
    def settings(self) -> list[str]:
        """What was searched, what mattered most first."""
        named = dict.fromkeys(name for trial in self.trials for name in trial.settings)
        return sorted(named, key=lambda name: -self.importance.get(name, 0.0))

    @property
    def ranked(self) -> list[Tried]:
        """The trials, the best first, then those without a value."""
        sign = -1 if self.higher_is_better else 1
        finished = {"finished": 0, "pruned": 1}
        return sorted(
            self.trials,
            key=lambda one: (finished.get(one.state, 2), sign * (one.value or 0.0), one.number),
        )

    @property
    def best(self) -> Tried | None:
        """The best trial that finished."""
        first = self.ranked[0] if self.trials else None
        return first if first is not None and first.state == "finished" else None

    @property
    def span(self) -> tuple[float, float] | None:
        """The lowest and the highest value of a trial, finished or pruned."""
        values = [one.value for one in self.trials if one.value is not None]
        return (min(values), max(values)) if values else None

    def count(self, state: str) -> int:
        """Trials that ended so."""
        return sum(trial.state == state for trial in self.trials)


def read_searches(folders: Iterable[Path]) -> tuple[list[Search], list[str]]:
    """The searches of folders of studies, and notes on those that cannot be read."""
    found: list[Search] = []
    notes: list[str] = []
    for file in dict.fromkeys(folder / FILE for folder in folders if (folder / FILE).exists()):
        own, note = _read(file)
        found += own
        notes += [note] if note else []
    return found, notes


def _read(file: Path) -> tuple[list[Search], str]:
    """The searches in a file, or why there are none."""
    try:
        needs("optuna", f"{file}: to show the search", "optuna")
        open_regular(file).close()
        return _studies(file), ""
    except UserError as error:
        return [], f"{error}."


def _studies(file: Path) -> list[Search]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        storage = optuna.storages.get_storage(f"sqlite:///{file.resolve()}")
        names = optuna.study.get_all_study_names(storage=storage)
        studies = [optuna.load_study(study_name=name, storage=storage) for name in names]
        return [_search(file.parent, study) for study in studies if study.trials]
    except Exception as error:  # of whatever a damaged database makes it meet
        raise UserError(f"{file}: the search in it cannot be read") from error


def _search(place: Path, study: optuna.Study) -> Search:
    trials = [
        Tried(
            trial.number,
            STATES.get(trial.state.name, "waiting"),
            trial.value,
            trial.params,
            str(trial.user_attrs.get(RUN, "")),
        )
        for trial in study.get_trials(deepcopy=False)
    ]
    return Search(
        place=str(place),
        name=study.study_name,
        monitor=str(study.user_attrs.get(MONITOR, "value")),
        higher_is_better=study.direction.name == "MAXIMIZE",
        trials=trials,
        importance=_importance(study),
    )


def _importance(study: optuna.Study) -> dict[str, float]:
    """By fANOVA (Hutter, Hoos and Leyton-Brown, 2014); empty where too few trials tell."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(done) < FEWEST or len({trial.value for trial in done}) < 2:
        return {}
    try:
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except (RuntimeError, ValueError):  # no setting that all of them have
        return {}
    return {name: float(share) for name, share in found.items()}


def search_figures(search: Search, number: int) -> list[Drawn]:
    """Its history and, where that can be told, what mattered; number: of the search on the page."""
    found = [_history(search, number)]
    return [*found, _shares(search, number)] if search.importance else found


def _history(search: Search, number: int) -> Drawn:
    """A dot for each trial, and the best value so far."""

    def plot(figure: Figure) -> Tips:
        from matplotlib.ticker import MaxNLocator

        tips: Tips = {}
        axes = figure.subplots()
        for state, colour in (("finished", "c1"), ("pruned", "soft")):
            own = [one for one in search.trials if one.state == state and one.value is not None]
            x, y = [one.number for one in own], [one.value or 0.0 for one in own]
            face = COLOURS[colour] if state == "finished" else "none"
            axes.scatter(x, y, s=16, facecolors=face, edgecolors=COLOURS[colour], label=state)
            if own:
                mark_points(axes, x, y, tips, [_told(one, search.monitor) for one in own])
        for one in search.trials:
            if one.state == "failed":
                axes.axvline(one.number, ymax=0.04, color=COLOURS["c4"], linewidth=1.6)
        choose, best = (max if search.higher_is_better else min), list[float]()
        steps = [one for one in search.trials if one.state == "finished"]
        for one in steps:
            best.append(choose([*best[-1:], one.value or 0.0]))
        axes.step([one.number for one in steps], best, where="post", color=COLOURS["c1"])
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        axes.set_xlabel("trial", fontsize=FONT)
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        return tips

    return drawn(f"search{number}_history", f"{search.monitor} by trial", SIZE, plot)


def _told(one: Tried, monitor: str) -> str:
    values = ", ".join(f"{name} {_short(value)}" for name, value in one.settings.items())
    return f"trial {one.number}, {one.state}, {monitor} {one.value:.4f}: {values}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _shares(search: Search, number: int) -> Drawn:
    """A bar for each setting."""
    names = list(search.importance)

    def plot(figure: Figure) -> Tips:
        tips: Tips = {}
        axes = figure.subplots()
        bars = axes.barh(names, list(search.importance.values()), 0.6, color=COLOURS["c1"])
        for bar, (name, share) in zip(bars, search.importance.items(), strict=True):
            mark(bar, tips, f"{name}: {share:.0%}")
            axes.text(share, bar.get_y() + 0.3, f" {share:.0%}", va="center", color=COLOURS["soft"])
        axes.invert_yaxis()
        axes.set_xlim(0, 1.08)
        axes.xaxis.set_visible(False)
        axes.tick_params(axis="y", labelcolor=COLOURS["ink"])
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        return tips

    size = (SIZE[0], 0.3 + BAR * len(names))
    return drawn(f"search{number}_importance", "What the value hinges on", size, plot)
