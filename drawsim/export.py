"""Documents for other tools: `python -m drawsim.export collection=DIR out=DIR base=URL`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawsim.common.launch import launch, to_plain
from drawsim.common.there import check_folders

if TYPE_CHECKING:
    from omegaconf import DictConfig

TEXTS = ("collection", "source", "queries", "out", "base")
LISTS = ("columns", "where")


def export(config: DictConfig) -> None:
    """Write manifests and images into a folder that a web server hands out."""
    values = to_plain(config)
    check_folders(values, "collection")
    from drawsim.workflows.export.iiif import ExportSettings, export_iiif

    for line in export_iiif(ExportSettings.of(values)):
        print(line)


if __name__ == "__main__":
    launch("export", export, texts=TEXTS, lists=LISTS)
