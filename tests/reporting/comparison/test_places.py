"""What an archive for others tells of settings and commands: what is known to be harmless."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from drawsim.common.configuration import compose
from drawsim.reporting.comparison.places import Places

SECRETS = {
    "data.root": "SECRET",
    "init": "SECRET",
    "init.model": "runs/study",
    "data": {"name": "folder", "root": "home/SECRET"},
    "init.trust": "data",
    "backbone.weights": "weights",
    "backbone.networks": {"timm": {"model": "hf-hub:SECRET/net", "weights": "images"}},
    "logger.entity": "SECRET",
    "wandb.entity": "SECRET",
    "database": "host:5432/db?password=SECRET",
    "database.user": "user",
    "monitor": "SECRET",
    "split": "host:5432/db?password=SECRET",
    "split.name": "../SECRET",
    "hydra.launcher.account": "common",
    "hydra.run.dir": "runs",
    "aug.styles": ["none", "SECRET", "~/x"],
    "loss._target_": "SECRET/losses.py:Loss",
    "study": "@SECRET:study",
    "miner.note": "line\nSECRET",
}
TOLD = {
    "split": "v0",
    "split.name": "Faltung 3",
    "study": "two words",
    "adapt": "[centre,hubs]",
    "trainer.max_epochs": 0,
    "trainer.precision": "bf16-mixed",
    "loss.margin": "range(0.1,0.3)",
    "loss._target_": "drawsim.learning.losses.triplet.TripletCosineLoss",
    "monitor": "val/recall@20",
    "miner.remine": "on_improvement",
    "aug.styles": ["water", "oil"],
    "backbone.model": "vit_small_patch16_dinov3.lvd1689m",
    "optim.optimizer.lr": 1e-4,
    "init.strength": 0.5,
    "pairs.share": None,
}


@pytest.mark.parametrize("key", SECRETS)
def test_a_setting_tells_no_place_no_account_and_no_password(key: str) -> None:
    told = repr(Places().setting(key, SECRETS[key]))
    assert "SECRET" not in told
    assert "ELSEWHERE/1" in told
    if isinstance(value := SECRETS[key], str):
        for sign in ("", "+", "++"):
            assert Places().argument(f"{sign}{key}={value}") == f"{sign}{key}=ELSEWHERE/1"
            assert Places().argument(f"{sign}{key}='{value}'") == f"{sign}{key}=ELSEWHERE/1"


@pytest.mark.parametrize("key", TOLD)
def test_what_can_change_a_result_is_told(key: str) -> None:
    assert Places().setting(key, TOLD[key]) == TOLD[key]
    if isinstance(value := TOLD[key], str):
        assert Places().argument(f"{key}={value}") == f"{key}={value}"
        assert Places().argument(f"+{key}='{value}'") == f"+{key}='{value}'"


def test_all_that_drawsim_ships_is_told() -> None:
    for option in ("+experiment=thesis", "+experiment=best", "aug=style", "backbone=dinov3"):
        shipped = OmegaConf.to_container(compose("train", [option]), resolve=True)
        assert isinstance(shipped, dict)
        for key, own in shipped.items():
            assert Places().setting(str(key), own) == own, key


@pytest.mark.parametrize(
    "typed",
    [
        "SECRET", "--config-dir", "-cSECRET", "--config-dir=SECRET", "-I/home/SECRET", "/SECRET",
        "x>/home/SECRET", "study=a\nSECRET:", "seed=~SECRET", "seed=$SECRET/x", "logger.project=x",
        "init={model: root}", "+logger.api_key=1", "seed=%2Fhome%2FSECRET", "study=x|/home/SECRET",
        "seed=«/home/SECRET»", "data.root='data/a;b/home/SECRET'",
    ],
)  # fmt: skip
def test_an_argument_tells_no_more(typed: str) -> None:
    told = Places().argument(typed)
    assert told.endswith("ELSEWHERE/1")
    assert told.removesuffix("ELSEWHERE/1") in ("", f"{typed.partition('=')[0]}=")


def test_what_stands_for_a_place_stays_when_it_is_packed_again() -> None:
    places = Places()
    assert places.argument("data.root=ELSEWHERE/7") == "data.root=ELSEWHERE/7"
    assert places.setting("init.model", "ELSEWHERE/2") == "ELSEWHERE/2"
    assert places.argument("init=ada") == "init=ELSEWHERE/1"
