"""A run to look into from Python: its settings, metrics, curves and ranks."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from drawsim.common.errors import UserError
from drawsim.common.files import read_table
from drawsim.runs.folder import STAGES, Status, read_record
from drawsim.runs.settings import CONFIG, read_values


@dataclass(frozen=True)
class Run:
    """A run folder, `runs/<study>/<name>`, read and never changed.

    path: the folder. record: what `metrics.json` holds.

    >>> import tempfile
    >>> from drawsim.common.files import write_json, write_text
    >>> folder = Path(tempfile.mkdtemp()) / "demo" / "lite-seed0"
    >>> write_text(folder / "config.yaml", "seed: 0")
    >>> write_json(folder / "metrics.json", {"status": "finished", "final": {"val": {"mrr": 0.5}}})
    >>> run = Run.open(folder)
    >>> run
    Run('lite-seed0', finished)
    >>> run.settings["seed"]
    0
    >>> float(run.metrics.loc[("final", "val"), "mrr"])
    0.5
    """

    path: Path
    record: dict[str, Any]

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """The run of a folder. Raises UserError if it is none."""
        folder = Path(path)
        if not (folder / CONFIG).is_file():
            raise UserError(f"{folder}: no run folder, it has no {CONFIG}. Give runs/STUDY/NAME")
        return cls(folder, read_record(folder))

    @property
    def name(self) -> str:
        """What the run is called, within its study."""
        return str(self.record.get("name") or self.path.name)

    @property
    def status(self) -> Status:
        """How far it came: running (also of a killed one), interrupted, failed or finished."""
        status: Status = self.record.get("status", "running")
        return status

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All settings, resolved, as `config.yaml` has them: names and plain values."""
        return read_values(self.path)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """A row for each (model, set): before training (baseline) and after (final).

        Columns are metrics, floats; empty where the run has not come that far.
        """
        rows = {
            (stage, name): values
            for stage in STAGES
            for name, values in self.record.get(stage, {}).items()
        }
        index = pd.MultiIndex.from_tuples(list(rows), names=["model", "set"]) if rows else None
        return pd.DataFrame(list(rows.values()), index=index, dtype=float)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row for each epoch, 0 being the untrained model; columns as in `metrics.csv`.

        Raises UserError if what the file holds are not numbers.
        """
        file = self.path / "metrics.csv"
        if not file.is_file():
            return pd.DataFrame()
        table = read_table(file, ("epoch",), dtype=None, keep_default_na=True)
        words = [name for name in table if not is_numeric_dtype(table[name])]
        if words and len(table):
            raise UserError(f"{file}: damaged ({words[0]} holds what is no number)")
        return table.set_index("epoch")

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """A row for each query of each model and set, as `ranks.csv` has it; ids are texts."""
        file = self.path / "ranks.csv"
        texts = dict.fromkeys(("drawing_id", "relevant_ids", "top_ids"), str)
        if not file.is_file():
            return pd.DataFrame()
        return read_table(file, ("drawing_id",), dtype=texts, keep_default_na=True)

    @property
    def monitored(self) -> float | None:
        """The monitored value of the selected weights; None if the run has not come so far."""
        monitor, epoch = self.record.get("monitor"), self.record.get("best_epoch")
        if epoch not in self.curves.index or monitor not in self.curves.columns:
            return None
        values: dict[Any, float] = self.curves[str(monitor)].to_dict()
        return float(values[epoch])

    def __repr__(self) -> str:
        return f"Run({self.name!r}, {self.status})"

    def _repr_html_(self) -> str:
        table = "" if self.metrics.empty else self.metrics.T.to_html(float_format="{:.3f}".format)
        return f"<p><b>{html.escape(self.name)}</b>, {self.status}</p>{table}"
