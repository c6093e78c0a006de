"""Train, evaluate and report: `python -m drawsim.train backbone=lite aug=style split=v3`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawsim.common.launch import launch

if TYPE_CHECKING:
    from omegaconf import DictConfig


def train(config: DictConfig) -> None:
    """One run, from a collection and a split to weights, metrics and pictures in its folder."""
    from drawsim.workflows.train import train

    train(config)


if __name__ == "__main__":
    launch("train", train)
