"""See what is in a collection: `python -m drawsim.explore data=folder data.root=DIR`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawsim.common.launch import launch, to_plain
from drawsim.common.there import check_folders

if TYPE_CHECKING:
    from omegaconf import DictConfig

FILES = ("out", "run", "drawings", "artworks", "explore.motifs.names")
TEXTS = (*FILES, "data.root", "data.demo.cache")


def explore(config: DictConfig) -> None:
    """Write what is asked for: the report of a collection, its map, or its duplicates."""
    values = to_plain(config)
    check_folders(values, "run", "data.root")
    from drawsim.workflows.explore import ExploreSettings, explore

    for line in explore(ExploreSettings.of(values)):
        print(line)


if __name__ == "__main__":
    launch("explore", explore, texts=TEXTS)
