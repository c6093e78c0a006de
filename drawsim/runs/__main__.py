"""List runs, and remove those that failed: `python -m drawsim.runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.launch import launch, to_plain

if TYPE_CHECKING:
    from omegaconf import DictConfig


def runs(config: DictConfig) -> None:
    """Print what there is; with clean=true ask, and remove."""
    from drawsim.runs.listing import find_runs, print_runs
    from drawsim.runs.tidying import agreed, remove, useless

    given = to_plain(config)
    found = find_runs(Path(given["folder"]))
    print_runs(found)
    if given["clean"]:
        useless_ones = useless(found)
        if agreed(useless_ones, sure=given["sure"]):
            print("\n".join(remove(useless_ones)))


if __name__ == "__main__":
    launch("runs", runs, texts=("folder",))
