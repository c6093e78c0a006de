"""What a run is called, and which settings make it another one."""

from __future__ import annotations

from typing import Any

import pytest

from drawsim.runs.identity import (
    LONGEST,
    NEUTRAL,
    counts,
    differences,
    make_name,
    only_more_epochs,
    told,
)

DEFAULTS: dict[str, Any] = {
    "seed": 0,
    "name": None,
    "keep": "best",
    "batch": {"size": 8, "flip": False, "grouped": True},
    "aug": {"name": "light", "size": "${image_size}", "styles": [], "gray": 0.1},
    "optim": {"optimizer": {"_target_": "torch.optim.AdamW", "lr": 3e-4}},
    "backbone": {"name": "lite", "weights": None},
    "image_size": 224,
    "workers": None,
    "logger": {"wandb": True},
}


def named(*options: str, **changes: Any) -> str:
    settings = {**DEFAULTS}
    for key, value in changes.items():
        group, _, name = key.partition("__")
        settings[group] = {**settings[group], name: value} if name else value
    return make_name(["lite", "light", "v0", "seed0"], options, settings, DEFAULTS)


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({}, ""),
        ({"optim": {"optimizer": {"_target_": "torch.optim.AdamW", "lr": 1e-3}}}, "-lr0.001"),
        ({"image_size": 96}, "-image_size96"),
        ({"batch__size": 4}, "-batch.size4"),
        ({"batch__flip": True}, "-flip"),
        ({"batch__grouped": False}, "-no-grouped"),
        ({"keep": "last"}, "-keep-last"),
        ({"aug__gray": 1.0, "keep": "last"}, "-gray1.0-keep-last"),
        ({"aug__gray": None}, "-no-gray"),
        ({"workers": 3, "logger": {"wandb": False}, "name": None, "seed": 0}, ""),
    ],
)
def test_names_say_what_differs(changes: dict[str, Any], end: str) -> None:
    assert named(**changes) == f"lite-light-v0-seed0{end}"


def test_options_come_first() -> None:
    assert named("best", "infonce", batch__flip=True) == "lite-light-v0-seed0-best-infonce-flip"


def test_what_does_not_fit_a_name_is_told_by_a_digest() -> None:
    values = [["oil"], ["oil", "gray"], [["oil"], "gray"]]
    names = {named(aug__styles=value) for value in values}
    assert len(names) == 3
    assert all(len(name) < 50 for name in names)
    paths = {named(backbone__weights=value) for value in ("/a/b.pth", "/a/c.pth", "a b", "é" * 99)}
    assert len(paths) == 4
    assert all("/" not in name and " " not in name for name in paths)


def test_long_names_are_cut_and_still_differ() -> None:
    long = [f"option{number}" for number in range(30)]
    one, other = named(*long), named(*long, "more")
    assert one.startswith("lite-light-v0-seed0-")
    assert len(one) <= LONGEST
    assert one != other


def test_no_part_leads_out_of_the_study() -> None:
    for text in ("../x", "/etc", "..", "a/b", ""):
        name = make_name([text, "seed0"], [], {}, {})
        assert "/" not in name
        assert not name.startswith(".")


def test_every_neutral_setting_has_its_reason() -> None:
    assert all(reason for reason in NEUTRAL.values())
    assert not counts("logger.wandb")
    assert counts("loggers")
    assert counts("trainer.max_epochs")
    assert not counts("trainer.log_every_n_steps")


def test_differences_are_of_what_counts() -> None:
    new = {**DEFAULTS, "seed": 1, "workers": 4, "image_size": 224.0, "keep": None}
    found = differences(DEFAULTS, new)
    assert found == {"keep": ("best", None), "seed": (0, 1)}
    assert told(found) == "keep best → null, seed 0 → 1"
    assert told(found, most=1) == "keep best → null and 1 more"
    assert differences({"a": True}, {"a": 1}) == {"a": (True, 1)}
    assert differences({"a": {}}, {}) == {}


def test_only_more_epochs() -> None:
    def grown(before: Any, after: Any, **more: Any) -> bool:
        old = {"trainer": {"max_epochs": before}}
        return only_more_epochs(differences(old, {"trainer": {"max_epochs": after}, **more}))

    assert grown(1, 2)
    assert not grown(2, 1)
    assert not grown(2, 2)
    assert not grown(1, 2, seed=3)
    assert not grown(None, 2)


def test_what_follows_the_epochs_may_grow_with_them() -> None:
    def grown(*epochs: int) -> bool:
        (before, mixed), (after, remixed) = epochs[:2], epochs[2:]
        old = {"trainer": {"max_epochs": before}, "miner": {"epochs": mixed}}
        new = {"trainer": {"max_epochs": after}, "miner": {"epochs": remixed}}
        return only_more_epochs(differences(old, new))

    assert grown(1, 1, 2, 2)
    assert grown(1, 5, 2, 5)
    assert not grown(1, 1, 2, 3)
    assert not grown(2, 1, 2, 2)


def test_a_run_of_before_is_the_one_that_says_what_it_did() -> None:
    """Settings that came later count as the value under which the old code behaved."""
    old = {"image_size": 224, "backbone": {"name": "lite"}, "optim": {"name": "adamw"}}
    new = {
        "decide": "none",
        "embed": {"unpaired": False},
        "freeze": False,
        "freeze_below": 50,
        "frames": "none",
        "precision": "auto",
        "layout": {"name": "none", "parts": None},
        "adapt": {"name": "none"},
        "rerank": {},
        "image_size": 224,
        "optim": {"name": "adamw", "layer_decay": 1.0, "average": None},
    }
    for size in (224, None):
        assert not differences(old, {**new, "backbone": {"name": "lite", "image_size": size}})
    smaller = {**new, "backbone": {"name": "lite", "image_size": 128}}
    assert differences(old, smaller) == {"backbone.image_size": (224, 128)}
    assert differences(old, {**new, "decide": "validation"})["decide"] == ("none", "validation")
    whiten = {"name": "whiten", "keep": 256}
    later = {**whiten, "decorrelate": 0.0, "rank": 16, "shrink": 0.0, "learn": "none"}
    assert not differences({"adapt": whiten}, {"adapt": later})


def test_a_run_of_before_read_pictures_as_its_augmentation_says() -> None:
    old = {"aug": {"exact": True}}
    assert not differences(old, {**old, "reading": "thesis"})
    assert differences(old, {**old, "reading": "areas"}) == {"reading": ("thesis", "areas")}
