"""Prepare a collection by steps: `python -m drawsim.prepare step=drawings source=DIR out=DIR`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawsim.common.configuration import options
from drawsim.common.errors import UserError
from drawsim.common.launch import launch, to_plain

if TYPE_CHECKING:
    from omegaconf import DictConfig

TEXTS = ("source", "out", "index", "step.images", "step.embeddings", "step.split")


def prepare(config: DictConfig) -> None:
    """Run one step and print what it read, made and skipped."""
    if "step" not in config:
        raise UserError(f"step must be given: step={' or '.join(options('step'))}")
    from drawsim.reporting.collection.console import print_summary
    from drawsim.workflows.prepare import prepare

    settings = to_plain(config)
    step = settings["step"]
    done = prepare(step, settings["source"], settings["out"], settings["workers"])
    print_summary(step["name"], done)
    if settings["index"] is not None:
        from pathlib import Path

        from drawsim.workflows.gallery import gallery

        collection = settings["out"] or settings["source"]
        print("\n".join(gallery(Path(collection), Path(settings["index"]))))


if __name__ == "__main__":
    launch("prepare", prepare, texts=TEXTS)
