"""What `train` makes of its settings: recipes, unlabelled drawings, simulated queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from drawsim.collection.tables import Collection
from drawsim.common.building import build
from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.common.launch import to_plain
from drawsim.common.yaml_files import yaml_text
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.initial import Initial
from drawsim.runs.folder import RunFolder
from drawsim.workflows.data import queries_folder, unlabelled_drawings
from drawsim.workflows.parts import make_parts
from drawsim.workflows.settings import TrainSettings
from drawsim.workflows.train import _begin_with
from tests.learning.tiny import tiny_model

PAIRED, FREE = 6, 9


@pytest.fixture(autouse=True)
def _clean_hydra() -> Iterator[None]:
    yield
    GlobalHydra.instance().clear()


def composed(*overrides: str) -> Any:
    """The settings of a command line, resolved."""
    config = compose("train", list(overrides))
    OmegaConf.resolve(config)
    return config


def settled(*overrides: str) -> TrainSettings:
    """The settings of a command line as the workflow takes them."""
    return TrainSettings.of({**to_plain(compose("train", list(overrides))), "name": "run"})


def test_the_thesis_recipe_has_the_numbers_of_the_thesis() -> None:
    config = composed("+experiment=thesis")
    numbers = {
        "optim.optimizer._target_": "torch.optim.Adam",
        "optim.optimizer.lr": 1e-6,
        "optim.optimizer.weight_decay": 1e-4,
        "optim.layer_decay": 1,
        "optim.schedule._target_": "drawsim.learning.training.schedules.Step",
        "optim.schedule.every": 10,
        "optim.schedule.gamma": 0.1,
        "loss._target_": "drawsim.learning.losses.triplet.TripletCosineLoss",
        "loss.margin": 0.7,
        "loss.reduction": "sum",
        "batch.size": 4,
        "batch.grouped": False,
        "batch.in_batch_negatives": False,
        "batch.cross_batch_memory": False,
        "batch.flip": False,
        "miner._target_": "drawsim.learning.miners.thesis.ThesisNegatives",
        "miner.nearest": 11,
        "miner.remine": "on_improvement",
        "miner.near_duplicate_similarity": None,
        "aug.exact": True,
        "aug.size": 280,
        "aug.gray": 0.4,
        "image_size": 280,
        "trainer.max_epochs": 10,
        "trainer.reload_dataloaders_every_n_epochs": 1,
        "backbone.name": "imagenet",
        "backbone.freeze_norm": False,
        "keep": "on_improvement",
        "val_loss": "augmented",
        "protocol": "thesis",
        "freeze": False,
        "layout.parts": None,
        "adapt.name": "none",
        "pairs.queries": "annotated",
        "pairs.views": 0,
        "study": "thesis-demo",
    }
    assert {key: OmegaConf.select(config, key) for key in numbers} == numbers
    schedule = build(config.optim.schedule)
    assert [schedule(epoch, 1, 30) for epoch in (0, 9, 10, 20)] == pytest.approx([1, 1, 0.1, 0.01])


RECIPES = ("best", "thesis", "replica_mini", "replica_clus")


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_the_command_line_says_wins_over_a_recipe(recipe: str) -> None:
    arguments = ["loss.margin=0.3", "batch.size=5", "trainer.max_epochs=1", "study=mine"]
    if recipe == "best":
        arguments[0] = "loss.temperature=0.3"
    config = composed(f"+experiment={recipe}", "aug=style", "backbone=lite", *arguments)
    for argument in arguments:
        key, value = argument.split("=")
        assert str(OmegaConf.select(config, key)) == value
    assert config.backbone.name == "lite"
    assert config.aug.name == "style"
    assert config.aug.styles == ["oil", "water", "texture", "gray", "pencil_gray"]
    # the rest is the recipe's
    assert config.aug.get("exact", False) == (recipe == "thesis")
    assert config.aug.gray == (1.0 if recipe == "replica_clus" else 0.4)


@pytest.mark.parametrize("recipe", ["replica_mini", "replica_clus"])
def test_substitutes_for_replica_are_found_where_they_are_looked_for(recipe: str) -> None:
    made = composed(f"+experiment={recipe}", "backbone=lite")
    assert made.loss.name == recipe
    assert made.pairs.name == "photographs"
    wanted = str(composed(f"backbone={recipe}").backbone)
    assert f"{made.out}/{made.study}/{made.name}/" in wanted


def tables(unlabelled: int = FREE) -> tuple[Collection, pd.DataFrame]:
    """Six pairs (one of them ambiguous), a style copy, and drawings without any; and a split."""
    pairs = [(f"d{i}", f"a{i}", True, f"d{i}") for i in range(PAIRED)]
    pairs += [("d0_oil", "a0", True, "d0"), ("e0", "a1", False, "e0")]
    table = pd.DataFrame(pairs, columns=["drawing_id", "artwork_id", "pair", "parent"])
    free = [f"f{i}" for i in range(unlabelled)]
    names = ["f_first", *table["drawing_id"], *free][0 if unlabelled else 1 :]
    drawings = pd.DataFrame({"path": names}, index=pd.Index(names, dtype=str))
    artworks = pd.DataFrame({"path": "x"}, index=pd.Index([f"a{i}" for i in range(20)]))
    split = table[table["pair"]].assign(cluster=0)
    split["set"] = ["train"] * 4 + ["val", "test", "train"]
    columns = ["drawing_id", "artwork_id", "set", "cluster", "parent"]
    return Collection(Path(), drawings, artworks, table), split[columns]


def test_unlabelled_drawings_have_no_pair_and_are_drawn_from_the_seed() -> None:
    collection, split = tables()
    free = {"f_first", *(f"f{i}" for i in range(FREE))}

    def drawn(count: int, seed: int = 0) -> list[str]:
        config = settled("adapt=centre", f"adapt.unlabelled={count}", f"seed={seed}")
        return unlabelled_drawings(config, collection, split)

    assert set(drawn(1000)) == free
    assert drawn(0) == []
    some = drawn(4)
    assert len(some) == len(set(some)) == 4
    assert set(some) < free
    assert some == drawn(4)
    assert len({tuple(drawn(4, seed)) for seed in range(8)}) > 4
    assert set(some) < set(drawn(5))
    assert unlabelled_drawings(settled("adapt=none"), collection, split) == []
    # screened down to those it reads, a collection gives the same ones again
    kept = collection.drawings.index
    read = kept[kept.isin([*split["drawing_id"], *some])]
    config = settled("adapt=centre", "adapt.unlabelled=4")
    less = collection.without(kept.difference(read).to_list(), [])
    assert unlabelled_drawings(config, less, split) == some


def test_a_model_is_put_together_as_its_recipe_says() -> None:
    collection, split = tables()
    settings = ["+experiment=best", "image_size=64", "adapt.unlabelled=3", "workers=0"]
    data, miner, module = make_parts(settled(*settings), collection, split)
    assert data.task.unlabelled == 3
    assert set(data.task.drawings[-3:]) <= set(collection.drawings.index) - set(split["drawing_id"])
    assert miner.negatives == 0
    assert isinstance(module.backbone, Backbone)
    assert module.backbone.frozen
    assert module.backbone.parts == [(-2, 4), (-1, 2)]
    assert module.adaptation is not None
    assert module.adaptation.means.shape == (2, module.backbone.dimensions)
    trains = [name for name, p in module.named_parameters() if p.requires_grad]
    assert trains == []
    assert module.learns_nothing
    assert module.cross_batch_memory is None


@pytest.mark.parametrize("setting", ["batch.in_batch_negatives=false", "batch.grouped=false"])
def test_no_negatives_of_its_own_needs_those_of_the_batch(setting: str) -> None:
    collection, split = tables(0)
    with pytest.raises(UserError) as caught:
        make_parts(settled("miner=none", setting), collection, split)
    text = str(caught.value)
    assert text.startswith(
        "miner=none mines no negatives: it needs batch.in_batch_negatives=true and batch.gr"
    )
    assert "\n" not in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["protocol=thesys"], r"protocol=thesys: did you mean thesis"),
        (["pairs.queries=simulate"], r"pairs\.queries=simulate: did you mean simulated"),
        (["pairs.views=3"], r"pairs\.views needs pairs\.view"),
        (["pairs.passes=0"], r"there is nothing to train on"),
        (["batch.size=-1"], r"^batch\.size=-1: must be 1 or more$"),
        (["batch.size=0", "seed=-3"], r"^seed=-3: must be 0 or more; batch\.size=0: must be 1 or"),
        (["image_size=0"], r"^image_size=0: must be 1 or more"),
        (["seed=4294967296"], r"^seed=4294967296: must be at most 4294967295"),
        (["workers=-2"], r"^workers=-2: must be 0 or more"),
        (["trainer.max_epochs=-1"], r"^trainer\.max_epochs=-1: must be 0 or more"),
        (["optim.optimizer.lr=-0.1"], r"^optim\.optimizer\.lr=-0.1: must be 0 or more"),
        (["optim.optimizer.lr=nan"], r"^optim\.optimizer\.lr=nan: must be 0 or more"),
        (["optim.layer_decay=1.5"], r"^optim\.layer_decay=1.5: must be above 0 and at most 1"),
        (["optim.average=1.0"], r"^optim\.average=1.0: must be above 0 and below 1, or null"),
        (["data.max_pixels=0"], r"^data\.max_pixels=0: must be 1 or more"),
    ],
)
def test_choices_that_do_not_exist_or_fit(settings: list[str], message: str) -> None:
    settled()
    with pytest.raises(UserError, match=message):
        settled(*settings)


@pytest.mark.parametrize("dry", ["true", "false"])
def test_simulated_queries_go_into_the_run_folder_and_of_a_dry_run_nowhere(
    tmp_path: Path, dry: str
) -> None:
    run = RunFolder(tmp_path / "s/n")
    with queries_folder(settled("pairs=photographs", f"dry_run={dry}"), run) as folder:
        assert (folder == run.path / "queries") == (dry == "false")
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_resumed_begins_with_the_same_weights(tmp_path: Path) -> None:
    initial = Initial("runs/a/b", tiny_model())
    run = RunFolder(tmp_path)
    _begin_with(initial, run)
    assert run.record["init"] == initial.record()
    _begin_with(initial, run)
    with pytest.raises(UserError, match="init=runs/a/b: has other weights than when this run"):
        _begin_with(Initial("runs/a/b", tiny_model()), run)


def test_a_run_of_before_there_was_init_is_the_same_run(tmp_path: Path) -> None:
    settings = to_plain(compose("train", ["data=demo_small", f"out={tmp_path}"]))
    old = {key: value for key, value in settings.items() if key != "init"}
    (tmp_path / "config.yaml").write_text(yaml_text(old), encoding="utf-8")
    assert RunFolder(tmp_path).find(settings, resume=True, again=False) == "resume"
