"""`steps.csv`: the scalars of every step, in the run folder."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from drawsim.common.files import atomic

COLUMNS = ("step", "name", "value")


class StepLog(Logger):
    """`steps.csv`: one line for each scalar of each step, in long form: step, name, value.

    Lines that a killed run wrote beyond the step it is resumed from are removed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._clean = not path.exists()

    @property
    def name(self) -> str:
        """Lightning's name for the logger."""
        return "steps"

    @property
    def version(self) -> int:
        """Lightning's version of the logger: there is one."""
        return 0

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kw: Any) -> None:
        """Nothing: the configuration is in `config.yaml`."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append the scalars of a step."""
        if not self._clean:
            self._drop_from(step or 0)
        new = not self.path.exists()
        with self.path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(COLUMNS)
            writer.writerows((step, key, value) for key, value in metrics.items())

    def _drop_from(self, step: int) -> None:
        with self.path.open(encoding="utf-8", newline="") as file:
            whole = [row for row in csv.reader(file) if len(row) == len(COLUMNS)]
        kept = [row for row in whole if row[0].isdigit() and int(row[0]) < step]
        with atomic(self.path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows([COLUMNS, *kept])
        self._clean = True
