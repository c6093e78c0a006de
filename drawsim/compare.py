"""Compare runs or published scores: `python -m drawsim.compare runs='[runs/a, runs/b]' out=DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.arguments import listed
from drawsim.common.launch import launch
from drawsim.common.there import check_folders

if TYPE_CHECKING:
    from omegaconf import DictConfig


def compare(config: DictConfig) -> None:
    """Write tables, tests, figures and a page, and print what they come to."""
    check_folders({"runs": config.runs}, "runs")
    from drawsim.reporting.comparison.console import print_findings
    from drawsim.workflows.compare import compare

    found, page = compare(
        Path(config.out),
        runs=[Path(folder) for folder in listed(config.runs)],
        scores=listed(config.scores),
        wandb=config.wandb,
        reference=config.reference,
        archive=Path(config.archive) if config.archive else None,
    )
    print_findings(found, page)
    if config.archive:
        print(f"→ {config.archive}")


if __name__ == "__main__":
    launch(
        "compare", compare, texts=("wandb", "reference", "out", "archive"), lists=("runs", "scores")
    )
