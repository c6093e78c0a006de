"""Compare runs or published scores: `python -m drawsim.compare runs='[runs/a, runs/b]' out=DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.launch import launch

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.reporting.comparison.results import Results


def compare(config: DictConfig) -> None:
    """Write tables, tests, figures and a page, and print what they come to."""
    from drawsim.common.machine import cores
    from drawsim.reporting.comparison import page as compare_page
    from drawsim.reporting.comparison.console import print_findings

    found = compare_page.compare(read(config), config.reference)
    page = compare_page.write_comparison(found, Path(config.out), workers=cores())
    print_findings(found, page)


def read(config: DictConfig) -> Results:
    """What is to be compared, from the one source that is given."""
    from drawsim.common.errors import UserError
    from drawsim.reporting.comparison.results import combine, read_runs
    from drawsim.reporting.comparison.score_files import read_scores
    from drawsim.reporting.comparison.wandb_group import read_group

    given = {name: value for name in ("runs", "scores", "wandb") if (value := config[name])}
    if len(given) != 1:
        raise UserError(
            "give one of runs='[DIR, …]', scores='[CSV, …]' and wandb=ENTITY/PROJECT/GROUP"
        )
    if config.runs:
        return read_runs([Path(folder) for folder in _listed(config.runs)])
    if config.scores:
        return read_scores(_listed(config.scores))
    return combine(*read_group(config.wandb))


def _listed(value: object) -> list[str]:
    """One thing or several, as the command line has it."""
    from omegaconf import ListConfig

    return [str(one) for one in value] if isinstance(value, ListConfig) else [str(value)]


if __name__ == "__main__":
    launch("compare", compare)
