"""The run folder `runs/<study>/<name>/`: what a run leaves behind, and how it is taken up again."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from drawsim.common.errors import UserError
from drawsim.common.files import atomic, disk_is_full, write_json, write_text
from drawsim.common.machine import environment

log = logging.getLogger(__name__)

Protocol = Literal["drawsim", "thesis"]
Status = Literal["running", "interrupted", "failed", "finished"]
KINDS = ("drawing", "artwork")
RESUMABLE = frozenset({"resume", "dry_run"})
"""Settings that may differ between a run and its continuation."""


class RunFolder:
    """Writes the files of the run contract; atomically, so that a kill leaves whole files.

    record: what `metrics.json` holds. In processes other than the first (`writes` false) nothing is
    written.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path = path
        self.writes = writes
        self.record: dict[str, Any] = {}

    def begin(self, config: Mapping[str, Any], *, resume: bool) -> None:
        """Take the folder for a run with this configuration.

        With `resume`, a run of the same configuration is continued; one that does not exist yet
        begins. Without, an earlier run of the same name is moved to `_previous/`, never lost.
        Raises UserError if the run to resume had another configuration.
        """
        if resume:
            self._check_same(config)
            self.record = read_record(self.path)
        elif self.writes:
            self.set_aside()
        self.write("config.yaml", yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
        self.update(
            status="running",
            message=None,
            protocol="drawsim",
            study=config["study"],
            name=config["name"],
            monitor=config["monitor"],
            keep=None if config.get("keep", "best") == "best" else config["keep"],
        )

    @contextmanager
    def recording(self, config: Mapping[str, Any], *, resume: bool) -> Iterator[None]:
        """Begin the run, keep its log in `log.txt`, and write down how it ends.

        The status becomes finished, or interrupted (Ctrl-C, SIGTERM), or failed with a message; a
        killed run stays "running".
        """
        self.begin(config, resume=resume)
        with self._logging():
            try:
                yield
            except (KeyboardInterrupt, SystemExit) as error:
                how = "the same command with resume=true goes on after the last whole epoch"
                self.update(status="interrupted", message=how)
                log.warning("%s: interrupted; %s", self.path, how)
                raise KeyboardInterrupt from error
            except Exception as error:
                log.debug("failed", exc_info=True)
                with suppress(OSError):
                    self.update(status="failed", message=str(error) or type(error).__name__)
                if disk_is_full(error):
                    raise UserError(
                        f"{self.path}: the disk is full. The last good checkpoint is whole: free "
                        "some space and start the same command with resume=true."
                    ) from error
                raise
            self.update(status="finished")
            log.debug("finished")

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
        self.write("environment.txt", "".join(f"{key}: {value}\n" for key, value in facts.items()))
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

    def finished_with(self, config: Mapping[str, Any]) -> bool:
        """Whether the folder holds a finished run of the same configuration."""
        return read_record(self.path).get("status") == "finished" and not self._differences(config)

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
            rows = pd.read_csv(path, dtype=str, keep_default_na=False)  # digits stay as they are
        rows = rows[rows["epoch"].astype(int) < epoch]
        table = pd.concat([rows, pd.DataFrame([{"epoch": epoch, **row}])], ignore_index=True)
        self.write_table("metrics.csv", table.astype({"epoch": int}))

    def add_seconds(self, **seconds: float) -> None:
        """Add to the time spent; a resumed run counts on."""
        spent = dict(self.record.get("seconds", {}))
        for name, value in seconds.items():
            spent[name] = round(spent.get(name, 0.0) + value, 3)
        self.update(seconds=spent)

    def _differences(self, config: Mapping[str, Any]) -> list[str]:
        path = self.path / "config.yaml"
        if not path.is_file():
            return []
        old, new = _flat(yaml.safe_load(path.read_text(encoding="utf-8"))), _flat(config)
        return sorted(
            key
            for key in old.keys() | new.keys()
            if key not in RESUMABLE and old.get(key) != new.get(key)
        )

    def _check_same(self, config: Mapping[str, Any]) -> None:
        differences = self._differences(config)
        if differences:
            raise UserError(
                f"{self.path}: this run was begun with other settings ({', '.join(differences)}). "
                "Resume with the same command, or give the new run another name=…"
            )

    def set_aside(self) -> None:
        """Move an earlier run of this name to `_previous/`, if there is one."""
        if not (self.path / "config.yaml").exists():
            return
        began = datetime.fromtimestamp((self.path / "config.yaml").stat().st_mtime)
        stem = f"{self.path.name}-{began:%Y%m%d-%H%M%S}"
        target = self.path.parent / "_previous" / stem
        for number in range(2, 1000):
            if not target.exists():
                break
            target = target.with_name(f"{stem}-{number}")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.rename(target)
        log.info("an earlier run of this name is now in %s", target)


def read_record(path: Path) -> dict[str, Any]:
    """The `metrics.json` of a run folder; empty if there is none."""
    file = path / "metrics.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
