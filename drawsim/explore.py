"""See what is in a collection: `python -m drawsim.explore data=folder data.root=DIR`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawsim.common.launch import launch, to_plain

if TYPE_CHECKING:
    from omegaconf import DictConfig

FILES = ("out", "run", "drawings", "artworks", "explore.motifs.names")
TEXTS = (*FILES, "data.root", "data.demo.cache")


def explore(config: DictConfig) -> None:
    """Write what is asked for: the report of a collection, its map, or its duplicates."""
    from drawsim.workflows.explore import ExploreSettings, explore

    for line in explore(ExploreSettings.of(to_plain(config))):
        print(line)


if __name__ == "__main__":
    launch("explore", explore, texts=TEXTS)
