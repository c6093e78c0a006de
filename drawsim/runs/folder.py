"""The run folder `runs/<study>/<name>/`: what a run leaves behind, and how it is taken up again."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from drawsim.collection.kinds import KINDS
from drawsim.common.building import own_modules
from drawsim.common.errors import StoppedError, UserError
from drawsim.common.files import (
    atomic,
    disk_is_full,
    read_json,
    read_table,
    write_json,
    write_text,
)
from drawsim.common.machine import environment
from drawsim.common.refusals import why_full
from drawsim.common.yaml_files import yaml_text
from drawsim.runs.identity import differences, only_more_epochs, told
from drawsim.runs.settings import CONFIG, read_values

log = logging.getLogger(__name__)

Protocol = Literal["drawsim", "thesis"]
Status = Literal["running", "interrupted", "failed", "finished"]
STAGES = ("baseline", "final")
RECORD: Mapping[str, type] = {
    **dict.fromkeys(("status", "name", "study", "protocol", "monitor", "keep", "message"), str),
    **dict.fromkeys(("collection", "wandb_id", "kept_because"), str),
    **dict.fromkeys((*STAGES, "counts", "seconds", "inputs", "wandb_epochs", "init"), dict),
    **dict.fromkeys(("best_epoch", "timed_starts"), int),
    "decisions": list,
    "commands": list,
}
"""Of what kind values of `metrics.json` are, where they are there."""
DECISION: Mapping[str, type] = {
    **dict.fromkeys(("stage", "judged_on", "why"), str),
    **dict.fromkeys(("kept", "before_training"), bool),
}
FIGURES = ("without", "with", "difference", "low", "high", "queries")
"""Of what kind values of its decisions are; figures are numbers or null."""
_KIND_NAMES: Mapping[type, str] = {str: "text", dict: "table", int: "whole number", list: "list"}
ENVIRONMENT = "environment.txt"
ASIDE = "_previous"
"""Where runs are that a later one of the same name set aside, within their study."""
Start = Literal["new", "anew", "resume", "finished"]
"""How a start finds its folder: empty; with a run to set aside; to go on with; done already."""
BOUGHT_BACK = ("config.yaml", "metrics.json")
"""Files of a run to resume that are as they were again if the start fails."""


class RunFolder:
    """Writes the files of the run contract; atomically, so that a kill leaves whole files.

    record: what `metrics.json` holds. In processes other than the first (`writes` false) nothing is
    written.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path = path
        self.writes = writes
        self.record: dict[str, Any] = {}
        self.has_begun = False
        self.aside: Path | None = None
        """Where the run is that was set aside for this one."""

    def find(self, settings: Mapping[str, Any], *, resume: bool, again: bool) -> Start:
        """How a run with these settings is to start here; nothing is changed.

        Raises UserError if another run has the folder: one with settings that differ in what can
        change a result, or of another collection that is called alike. A run that is resumed may
        have more epochs than it had; a link in its folder that leads elsewhere is not followed.
        """
        if resume and again:
            raise UserError("resume and again: one goes on with a run, the other begins it anew")
        if not (self.path / CONFIG).is_file():
            return "new"
        if again:
            return "anew"
        different = differences(read_values(self.path), settings)
        if different and not (resume and only_more_epochs(different)):
            raise UserError(
                f"{self.path}: a run with other settings is there ({told(different)}). Give this "
                "run another name=…, or set the old one aside with again=true"
            )
        record = read_record(self.path)
        there, here = record.get("collection"), collection_path(settings)
        if there and here and there != here and Path(there).is_dir():
            raise UserError(
                f"{self.path}: a run with another collection is there ({there}, not {here}). Give "
                "this run another name=… or study=…"
            )
        if not different and record.get("status") == "finished":
            return "finished"
        if resume and (link := _link_out(self.path)):
            raise UserError(f"{link}: a link that leads out of the run; such a run is not resumed")
        return "resume" if resume else "anew"

    @contextmanager
    def recording(self, settings: Mapping[str, Any], start: Start) -> Iterator[None]:
        """Take the folder for a run, keep its log in `log.txt`, and write down how it ends.

        An earlier run of the name is moved to `_previous/`, unless it is resumed. Until `begun` is
        called the start can fail: then what it wrote goes, and what was there comes back. After
        that the status becomes finished, or interrupted (Ctrl-C, SIGTERM), or failed with a
        message; a killed run stays "running".
        """
        with self._can_fail(start):
            self.take(settings, start)
            with self._logging():
                try:
                    yield
                except (KeyboardInterrupt, SystemExit) as error:
                    how = "the same command with resume=true goes on after the last whole epoch"
                    self.update(status="interrupted", message=how)
                    if self.has_begun:
                        log.warning("%s: interrupted; %s", self.path, how)
                    elif self.writes:
                        log.warning(
                            "%s: stopped before it had begun; none of it is kept", self.path
                        )
                    raise KeyboardInterrupt from error
                except StoppedError as error:
                    self.update(status="interrupted", message=f"{error}; resume=true goes on")
                    raise
                except Exception as error:
                    log.debug("failed", exc_info=True)
                    with suppress(OSError):
                        self.update(status="failed", message=str(error) or type(error).__name__)
                    if disk_is_full(error):
                        raise UserError(self._disk_is_full(error)) from error
                    raise
                self.update(status="finished")
                log.debug("finished")

    def begun(self) -> None:
        """From here on the run stands for itself, however it ends."""
        self.has_begun = True
        if self.aside is not None:
            log.info("an earlier run of this name is now in %s", self.aside)

    @contextmanager
    def _can_fail(self, start: Start) -> Iterator[None]:
        """Undo a start that fails before the run has begun."""
        if not self.writes:
            yield
            return
        self.aside = self.set_aside() if start == "anew" else None
        there = {path.name for path in self.path.glob("*")}
        kept = {name: (self.path / name).read_bytes() for name in BOUGHT_BACK if name in there}
        try:
            yield
        except BaseException:
            if not self.has_begun:
                self._undo(there, kept)
                if self.aside is not None:
                    self._bring_back(self.aside)
            raise

    def _undo(self, there: Collection[str], kept: Mapping[str, bytes]) -> None:
        for path in self.path.glob("*"):
            if path.name not in there:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, content in kept.items():
            with atomic(self.path / name) as temporary:
                temporary.write_bytes(content)

    def _bring_back(self, aside: Path) -> None:
        with suppress(OSError):  # files of others may be in it
            self.path.rmdir()
        if not self.path.exists():
            aside.rename(self.path)
            with suppress(OSError):
                aside.parent.rmdir()

    def take(self, settings: Mapping[str, Any], start: Start) -> None:
        """Write down that the run is under way; one that is resumed keeps its record."""
        self.record = read_record(self.path) if start == "resume" else {}
        self.write(CONFIG, yaml_text(settings))
        self.update(
            status="running",
            message=None,
            protocol="drawsim",
            study=str(settings["study"]),
            name=str(settings["name"]),
            monitor=settings["monitor"],
            own_modules=own_modules(settings) or None,
            collection=collection_path(settings),
        )

    def _disk_is_full(self, error: Exception) -> str:
        if not self.has_begun:
            return f"{self.path}: {why_full(error)}, and start again"
        return (
            f"{self.path}: {why_full(error)}. The last good checkpoint is whole: then start the "
            "same command with resume=true."
        )

    @contextmanager
    def _logging(self) -> Iterator[None]:
        if not self.writes:
            yield
            return
        handler = logging.FileHandler(self.path / "log.txt", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            handler.close()

    def describe(self, seed: int, split: pd.DataFrame, skipped: pd.DataFrame) -> None:
        """Write down what the run stands on: environment, split, counts, images left out."""
        facts = {**environment(), "seed": str(seed)}
        self.write(ENVIRONMENT, "".join(f"{key}: {value}\n" for key, value in facts.items()))
        self.write_table("split.csv", split)
        if len(skipped):
            self.write_table("skipped.csv", skipped)
        originals = split[split["drawing_id"] == split["parent"]]
        counts = {
            str(name): {"queries": int(rows["drawing_id"].nunique()), "pairs": len(rows)}
            for name, rows in originals.groupby("set")
        }
        left_out = {f"{kind}s": int((skipped["kind"] == kind).sum()) for kind in KINDS}
        self.update(counts=counts, skipped=left_out)

    def update(self, **values: Any) -> None:
        """Change entries of the record (None removes one) and write `metrics.json`."""
        self.record |= values
        self.record = {key: value for key, value in self.record.items() if value is not None}
        if self.writes:
            write_json(self.path / "metrics.json", self.record)

    def write(self, name: str, text: str) -> None:
        """Write a text file of the folder."""
        if self.writes:
            write_text(self.path / name, text)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a CSV file of the folder."""
        if self.writes:
            with atomic(self.path / name) as temporary:
                table.to_csv(temporary, index=False)

    def write_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """Set the row of an epoch in `metrics.csv`; rows of later epochs (before a kill) go."""
        path = self.path / "metrics.csv"
        rows = pd.DataFrame({"epoch": []})
        if path.is_file():
            rows = read_table(path, ("epoch",))  # digits stay as they are
        if not rows["epoch"].astype(str).str.fullmatch(r"\d{1,9}").all():
            raise UserError(f"{path}: damaged (an epoch is no number)")
        rows = rows[rows["epoch"].astype(int) < epoch]
        table = pd.concat([rows, pd.DataFrame([{"epoch": epoch, **row}])], ignore_index=True)
        self.write_table("metrics.csv", table.astype({"epoch": int}))

    def add_seconds(self, **seconds: float) -> None:
        """Add to the time spent; a resumed run counts on."""
        spent = dict(self.record.get("seconds", {}))
        for name, value in seconds.items():
            spent[name] = round(spent.get(name, 0.0) + value, 3)
        self.update(seconds=spent)

    def add_start(self, seconds: float) -> None:
        """Add to the time of the whole run that of a start, which has come to an end.

        One that is killed outright leaves none, so that it is counted how many have.
        """
        earlier = int("total" in self.record.get("seconds", {}))  # of a version that counted none
        self.add_seconds(total=seconds)
        self.update(timed_starts=self.record.get("timed_starts", earlier) + 1)

    def set_aside(self) -> Path | None:
        """Move an earlier run of this name to `_previous/`, if there is one; where it is now."""
        if not (self.path / CONFIG).exists():
            return None
        began = datetime.fromtimestamp((self.path / CONFIG).stat().st_mtime)
        stem = f"{self.path.name}-{began:%Y%m%d-%H%M%S}"
        target = self.path.parent / ASIDE / stem
        for number in range(2, 1000):
            if not target.exists():
                break
            target = target.with_name(f"{stem}-{number}")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.rename(target)
        return target


def read_record(path: Path) -> dict[str, Any]:
    """The `metrics.json` of a run folder; empty if there is none.

    Raises UserError if it is damaged.
    """
    file = path / "metrics.json"
    if not file.is_file():
        return {}
    record = read_json(file)
    for name, kind in RECORD.items():
        if not isinstance(record.get(name), kind | None):
            raise UserError(f"{file}: damaged ({name} is no {_KIND_NAMES[kind]})")
    if not all(is_decision(one) for one in record.get("decisions") or ()):
        raise UserError(f"{file}: damaged (decisions is no list of stages and figures)")
    if not all(is_arguments(own) for own in record.get("commands", [])):
        raise UserError(f"{file}: damaged (commands is no list of lists of texts)")
    if not all(isinstance(spent, int | float) for spent in record.get("seconds", {}).values()):
        raise UserError(f"{file}: damaged (seconds is no table of numbers)")
    for stage in STAGES:
        for scores in record.get(stage, {}).values():
            numbers = scores.values() if isinstance(scores, dict) else [""]
            if not all(isinstance(number, int | float | None) for number in numbers):
                raise UserError(f"{file}: damaged ({stage} is no table of numbers)")
    return record


def in_starts(record: Mapping[str, Any]) -> str:
    """What stands behind the time that a run took, where it was started several times.

    >>> in_starts({"timed_starts": 2, "commands": [[], []]})
    ', over 2 starts'
    >>> in_starts({"timed_starts": 1, "commands": [[], []]})
    ', over 1 of 2 starts'
    """
    timed = record.get("timed_starts", 1)  # earlier versions counted none that was interrupted
    starts = max(timed, len(record.get("commands", [])))
    if starts == 1:
        return ""
    return f", over {timed} starts" if timed == starts else f", over {timed} of {starts} starts"


def can_go_on(path: Path) -> bool:
    """Whether a folder has a run that has begun and is not finished, as one that was killed."""
    with suppress(UserError):
        return read_record(path).get("status") in ("running", "interrupted", "failed")
    return False


def is_decision(value: object) -> bool:
    """Whether a value is a decision about a stage, as a record holds it.

    >>> is_decision({"stage": "adapt"})
    False
    """
    if not isinstance(value, dict):
        return False
    figures = [value.get(name) for name in FIGURES]
    return all(isinstance(value.get(name), kind) for name, kind in DECISION.items()) and all(
        isinstance(figure, int | float | None) and not isinstance(figure, bool)
        for figure in figures
    )


def is_arguments(value: object) -> bool:
    """Whether a value is the arguments of a command line, as a record holds them."""
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def collection_path(settings: Mapping[str, Any]) -> str | None:
    """The whole path of the collection that settings name; None for a demo, which is made."""
    data = settings.get("data")
    root = data.get("root") if isinstance(data, Mapping) else None
    return None if root is None else str(Path(str(root)).resolve())


def _link_out(folder: Path) -> Path | None:
    """A link in a run's folder that leads out of it, if there is one.

    W&B's own, in its folder, may lead to where the run once was; it makes them anew.
    """
    own, wandb = folder.resolve(), folder / "wandb"
    links = (path for path in folder.rglob("*") if path.is_symlink() and wandb not in path.parents)
    return next((link for link in links if not link.resolve().is_relative_to(own)), None)


def run_to_extend(study: Path, settings: Mapping[str, Any]) -> str | None:
    """The run of a study that has these settings, or all but that it has fewer epochs; its name.

    Of several the one with most epochs.
    """
    found: dict[str, int] = {}
    for file in study.glob(f"*/{CONFIG}"):
        with suppress(UserError):
            old = read_values(file.parent)
            different = differences(old, settings)
            if not different or only_more_epochs(different):
                found[file.parent.name] = old["trainer"]["max_epochs"]
    return max(sorted(found), key=lambda name: found[name], default=None)
