"""See what is in a collection: `python -m drawsim.explore data=folder data.root=DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.launch import build, launch

if TYPE_CHECKING:
    from omegaconf import DictConfig


def explore(config: DictConfig) -> None:
    """Write the page, figures, tables and sheets of a collection, and say where they are."""
    from omegaconf import OmegaConf

    from drawsim.machine import cores
    from drawsim.reporting.explore_pairs import Paper
    from drawsim.reporting.explore_report import explore_collection
    from drawsim.reporting.explore_samples import Sampling

    settings: Any = OmegaConf.to_container(config.explore, resolve=True)
    found = explore_collection(
        build(config.data.demo) if "demo" in config.data else Path(config.data.root),
        Path(config.out),
        name=config.data.name,
        sampling=Sampling(**settings["sample"]),
        paper=Paper(**settings["pairs"]),
        sizes=settings["sizes"],
        workers=cores() if config.workers is None else config.workers,
    )
    print(f"{found.name}: {found.headline}")
    for note in found.notes:
        print(f"! {note}")
    print(f"→ {Path(config.out, 'index.html')}")


if __name__ == "__main__":
    launch("explore", explore)
