"""Train, evaluate and report: `python -m drawsim.train backbone=lite aug=style split=v3`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.launch import (
    also_said,
    arguments_of_job,
    choices_made,
    is_one_of_several,
    launch,
    output_folder,
    search_of_job,
    to_plain,
)
from drawsim.common.there import check_folders

if TYPE_CHECKING:
    from omegaconf import DictConfig

TEXTS = ("study", "name", "out", "image_cache", "data.root", "data.demo.cache", "init.model")
LISTS = ("init.trust",)
SHORT = {"init": "init.model"}
FRONT = ("backbone", "aug", "split")
"""Groups whose option is in every name."""
ELSEWHERE = ("data", "logger", "hparams_search")
"""Groups that a name leaves out: the study says it, or it does not change the result."""


def train(config: DictConfig) -> float | None:
    """One run, from a collection and a split to weights, metrics and pictures in its folder."""
    settings = to_plain(config)
    check_folders(settings, "data.root")
    from drawsim.runs.folder import can_go_on
    from drawsim.runs.sweeps.search import Trial
    from drawsim.workflows.settings import TrainSettings
    from drawsim.workflows.train import train

    folder, search = output_folder(), search_of_job()
    settings["name"] = settings["name"] or folder.name
    if is_one_of_several() and not settings["again"] and can_go_on(folder):
        settings["resume"] = also_said("resume=true")
    trial = Trial.of(*search, run=folder.name) if search else None
    return train(TrainSettings.of(settings), folder, trial, arguments_of_job())


def run_name(config: DictConfig) -> str:
    """The name of a run: the user's, or one made of what was chosen and changed.

    config: the whole configuration, Hydra's part included.
    """
    from drawsim.runs.identity import make_name

    if config.name is not None:
        return str(config.name)
    if config.resume:
        from drawsim.runs.folder import run_to_extend

        if found := run_to_extend(Path(config.out, config.study), to_plain(config)):
            return found
    made = choices_made(config, "train")
    base = [*(str(config[group].name) for group in FRONT), f"seed{config.seed}"]
    left_out = (*FRONT, *ELSEWHERE)
    options = [made.options[one] for one in made.options if one.split("@")[0] not in left_out]
    return make_name(base, options, made.settings, made.defaults)


if __name__ == "__main__":
    launch("train", train, texts=TEXTS, lists=LISTS, short=SHORT, run_name=run_name)
