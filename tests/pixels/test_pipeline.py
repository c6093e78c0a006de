"""Transforms of one's own: named in settings, the same for the same seed, refused if no good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drawsim.common import building
from drawsim.common.building import build, check_stored, locate, own_modules
from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.common.launch import to_plain
from drawsim.pixels.pipeline import Pipeline
from drawsim.pixels.transforms import resize

PAGE = np.random.default_rng(0).integers(0, 256, (50, 80, 3), np.uint8)
MINE = """
name: mine
_target_: drawsim.pixels.pipeline.Pipeline
size: ${image_size}
transforms:
  - _target_: albumentations.OneOf
    p: 1
    transforms:
      - {_target_: albumentations.HorizontalFlip, p: 1}
      - {_target_: albumentations.VerticalFlip, p: 1}
drawings:
  - {_target_: albumentations.InvertImg, p: 1}
"""


def named(*names: str, **values: Any) -> list[dict[str, Any]]:
    return [{"_target_": f"albumentations.{name}", **values} for name in names]


def pipeline(*transforms: dict[str, Any], **settings: Any) -> Pipeline:
    made: Pipeline = build(
        {
            "_target_": "drawsim.pixels.pipeline.Pipeline",
            "size": 32,
            "transforms": transforms,
            **settings,
        }
    )
    return made


def test_on_the_command_line() -> None:
    transforms = "[{_target_: albumentations.HorizontalFlip, p: 1}]"
    config = compose("train", ["aug=pipeline", f"aug.transforms={transforms}", "image_size=32"])
    flipped = build(to_plain(config)["aug"])(PAGE, "drawing", 0)
    assert np.array_equal(flipped, resize(PAGE, 32)[:, ::-1])


def test_in_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "aug").mkdir()
    (tmp_path / "aug" / "mine.yaml").write_text(MINE)
    config = compose("train", ["aug=mine", f"hydra.searchpath=[file://{tmp_path}]"])
    own = build({**to_plain(config)["aug"], "size": 32})
    plain = resize(PAGE, 32)
    views = [own(PAGE, "artwork", seed) for seed in range(12)]
    flips = [plain[:, ::-1], plain[::-1]]
    assert {tuple(np.array_equal(view, flip) for flip in flips) for view in views} == {
        (True, False),
        (False, True),
    }
    for seed, view in enumerate(views):
        assert np.array_equal(own(PAGE, "drawing", seed), 255 - view)


def test_a_seed_decides_alone() -> None:
    own = pipeline(*named("Rotate", "RandomGamma", "GaussNoise", p=0.7), oversize=1.5)
    again = pipeline(*named("Rotate", "RandomGamma", "GaussNoise", p=0.7), oversize=1.5)
    views = [own(PAGE, "artwork", seed) for seed in range(6)]
    for seed in reversed(range(6)):
        assert np.array_equal(again(PAGE, "artwork", seed), views[seed])
    assert len({view.tobytes() for view in views}) > 3
    assert all(view.shape == (32, 32, 3) and view.dtype == np.uint8 for view in views)


def test_none_at_all_is_the_picture() -> None:
    assert np.array_equal(pipeline()(PAGE, "drawing", 3), resize(PAGE, 32))


@pytest.mark.parametrize(
    ("transforms", "said"),
    [
        (named("Normalize"), "float32, not an image of uint8"),
        (named("ToTensorV2"), "make"),
        (named("RandomCrop", height=200, width=200), "fail on 32 x 32 pixels"),
        (["flip"], "'flip' is no transform of albumentations"),
        (named("HorizontalFlp"), "no such factory"),
        (named("HorizontalFlip", often=1), "often: albumentations.HorizontalFlip has no such"),
    ],
)
def test_what_is_no_good_is_a_line(transforms: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        pipeline(*transforms)


def test_a_run_that_used_them_is_opened_like_any_other() -> None:
    settings = {"_target_": "drawsim.pixels.pipeline.Pipeline", "size": 8}
    within = named("OneOf", transforms=named("Blur", "ToGray"))
    assert check_stored({**settings, "transforms": within}, "aug", Path("config.yaml"))
    assert own_modules({"aug": {**settings, "transforms": within}}) == []
    for foreign in ("albumentations.FDA", "albumentations.load", "os.system"):
        stored = {**settings, "transforms": [{"_target_": foreign}]}
        with pytest.raises(UserError, match="Nothing of it was run"):
            check_stored(stored, "aug", Path("config.yaml"))
        assert own_modules({"aug": stored}) == [foreign.partition(".")[0]]
        with pytest.raises(UserError, match="Nothing of it was run"):
            check_stored({"_target_": foreign}, "aug", Path("config.yaml"))
    with pytest.raises(UserError, match="Nothing of it was run"):  # of other groups they are not
        check_stored({"loss": named("Blur")}, "loss", Path("config.yaml"))


def test_those_that_may_be_named_are_there() -> None:
    for name in building.TRANSFORMS:
        assert isinstance(locate(name), type)
