"""Bring copies of runs in W&B up to date: `python -m drawsim.sync runs=runs/demo`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from drawsim.common.arguments import listed
from drawsim.common.launch import launch, to_plain
from drawsim.common.there import check_folders

if TYPE_CHECKING:
    from omegaconf import DictConfig


def sync(config: DictConfig) -> None:
    """Send what W&B lacks of each run, or write it down for later; and say which."""
    given = to_plain(config)
    check_folders(given, "runs")
    from drawsim.reporting.comparison.results import run_folders
    from drawsim.workflows.wandb_copies import sync

    for folder in [run for text in listed(given.pop("runs")) for run in run_folders(Path(text))]:
        sent = sync(folder, given)
        if sent.offline:
            print(
                f"{folder}: written as far as epoch {sent.epochs}; wandb sync {quote(sent.place)}"
            )
        else:
            print(f"{folder}: sent as far as epoch {sent.epochs}; {sent.place}")


if __name__ == "__main__":
    launch("sync", sync, texts=("project", "entity"), lists=("runs",))
