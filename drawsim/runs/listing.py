"""Which runs there are, how far they came, and in what those of a study differ."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.runs.folder import ASIDE
from drawsim.runs.identity import counts, whole, word
from drawsim.runs.lock import is_held
from drawsim.runs.run import Run
from drawsim.runs.settings import CONFIG

METRIC = "mrr"
SETS = ("val", "test")
TOLD = 3
"""Settings of a run that are told."""
STYLES = {"finished": "green", "running": "blue", "failed": "red", "damaged": "red"}


@dataclass(frozen=True)
class Listed:
    """A run as it is listed.

    state: finished, running (a process holds it), killed (it says that it runs, and none does),
    interrupted, failed, set aside, or damaged. differs: what its settings are where those of its
    study are not all alike. scores: MRR of the final model on val and test, where it has them.
    seconds: spent on it. size: bytes. message: why it ended, if it did not finish.
    """

    path: Path
    state: str
    differs: Mapping[str, Any]
    scores: Mapping[str, float]
    seconds: float
    size: int
    message: str

    @property
    def name(self) -> str:
        """Study and name."""
        parents = [part for part in self.path.parent.parts if part != ASIDE]
        return "/".join([*parents[-1:], self.path.name])


def find_runs(folder: Path) -> list[Listed]:
    """The runs of a folder of studies, of a study, or of one run; studies by name.

    Raises UserError if there is none.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give folder=runs, or the folder of a study")
    places = [folder] if (folder / CONFIG).is_file() else []
    for pattern in ("*", f"{ASIDE}/*", "*/*", f"*/{ASIDE}/*"):
        places += sorted(place for place in folder.glob(pattern) if (place / CONFIG).is_file())
    places = [place for place in dict.fromkeys(places) if not _hidden(place, folder)]
    if not places:
        raise UserError(f"{folder}: no run in it; python -m drawsim.train makes one")
    studies: dict[Path, list[Path]] = {}
    for place in places:
        studies.setdefault(study_of(place), []).append(place)
    return [one for study in sorted(studies) for one in _of_study(studies[study])]


def study_of(place: Path) -> Path:
    """The folder of the study that a run is of, also of one that was set aside."""
    return place.parent.parent if place.parent.name == ASIDE else place.parent


def _hidden(place: Path, folder: Path) -> bool:
    inside = place.relative_to(folder).parts
    return any(part.startswith((".", "_")) and part != ASIDE for part in inside)


def _of_study(places: Sequence[Path]) -> list[Listed]:
    opened: dict[Path, Run | str] = {place: _opened(place) for place in places}
    settings = {place: whole(run.settings) for place, run in opened.items() if isinstance(run, Run)}
    first = next(iter(settings.values()), {})
    keys = sorted({key for one in settings.values() for key in one} | set(first))
    varied = [
        key
        for key in keys
        if counts(key) and any(one.get(key) != first.get(key) for one in settings.values())
    ]
    return [_listed(place, run, varied, settings) for place, run in opened.items()]


def _opened(place: Path) -> Run | str:
    """The run, or what is wrong with its folder."""
    try:
        run = Run.open(place)
        whole(run.settings)
        if not run.record:
            return f"{place}: holds no record of a run, metrics.json"
    except UserError as error:
        return str(error)
    return run


def _listed(
    place: Path, run: Run | str, varied: Sequence[str], settings: Mapping[Path, Mapping[str, Any]]
) -> Listed:
    size = sum(file.lstat().st_size for file in _files(place))
    if isinstance(run, str):
        return Listed(place, "damaged", {}, {}, 0.0, size, run)
    own = {key: settings[place].get(key) for key in varied}
    final = run.record.get("final", {})
    scores = {name: final[name][METRIC] for name in SETS if METRIC in final.get(name, {})}
    seconds = run.record.get("seconds", {}).get("total", 0.0)
    message = "" if run.status == "finished" else str(run.record.get("message", ""))
    return Listed(
        place, _state(place, run, held=is_held(place)), own, scores, float(seconds), size, message
    )


def state_of(place: Path) -> str:
    """How far the run of a folder came by now, to one who holds its lock."""
    run = _opened(place)
    return "damaged" if isinstance(run, str) else _state(place, run, held=False)


def _state(place: Path, run: Run, *, held: bool) -> str:
    if place.parent.name == ASIDE:
        return "set aside"
    if held:
        return "running"
    return "killed" if run.status == "running" else run.status


def _files(place: Path) -> list[Path]:
    return [Path(folder, name) for folder, _, names in os.walk(place) for name in names]


def print_runs(runs: Sequence[Listed]) -> None:
    """Print a table of runs, a line each, and why those that did not finish ended."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for column in ("run", "state", "settings that differ"):
        table.add_column(column, overflow="fold")
    for column in (*(f"MRR {name}" for name in SETS), "time", "size"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in runs:
        style = STYLES.get(one.state, "yellow")
        scores = [f"{one.scores[name]:.3f}" if name in one.scores else "" for name in SETS]
        told = [escape(one.name), f"[{style}]{one.state}[/]", escape(_told(one.differs))]
        table.add_row(*told, *scores, _time(one.seconds), _size(one.size))
    console = Console(highlight=False)
    console.width = max(console.width, 110)
    console.print(table)
    for one in runs:
        if one.message:
            console.print(escape(f"! {one.name}: {one.message}"), soft_wrap=True)
    states = [one.state for one in runs]
    said = ", ".join(f"{states.count(state):,} {state}" for state in dict.fromkeys(states))
    whole_size = _size(sum(one.size for one in runs))
    console.print(f"{counted(len(runs), 'run')}: {said}; {whole_size}", soft_wrap=True)


def _told(differs: Mapping[str, Any]) -> str:
    """The first of the settings that differ.

    >>> _told({"seed": 1, "freeze": False, "optim.lr": 1e-4, "aug.name": "style"})
    'seed=1 freeze=false optim.lr=0.0001 and 1 more'
    """
    first = [f"{key}={word(value)}" for key, value in list(differs.items())[:TOLD]]
    more = len(differs) - len(first)
    return " ".join(first) + (f" and {more} more" if more else "")


def _time(seconds: float) -> str:
    """Of a clock.

    >>> _time(0), _time(75), _time(7300)
    ('', '1:15', '2:01:40')
    """
    hours, rest = divmod(round(seconds), 3600)
    clock = f"{rest // 60:02d}:{rest % 60:02d}"
    return "" if not seconds else f"{hours}:{clock}" if hours else clock.removeprefix("0")


def _size(count: int) -> str:
    """Bytes in the unit that suits them.

    >>> _size(900), _size(2_300_000), _size(5_100_000_000)
    ('1 kB', '2 MB', '5.1 GB')
    """
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


def size_words(runs: Sequence[Listed]) -> str:
    """What runs take together."""
    return _size(sum(one.size for one in runs))
