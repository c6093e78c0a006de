"""Building from settings: what a user may name, and what a file of somebody's may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from drawsim.common.building import (
    DEEPEST,
    MOST_VALUES,
    build,
    build_stored,
    check_stored,
    config_folder,
    factories,
    locate,
    own_modules,
)
from drawsim.common.errors import UserError

SOURCE = Path("runs/demo/x/config.yaml")
TARGET = f"{__name__}.make"
TRIPLET = sorted(name for name in factories("loss") if "TripletCosineLoss" in name)[0]
LITE = next(name for name in factories("backbone") if name.endswith(".lite"))


def make(size: int, name: str = "none", fail: bool = False) -> tuple[int, str]:
    if fail:
        raise UserError("size: too large")
    return size, name


class TestOwnCommandLine:
    def test_builds_what_the_settings_name(self) -> None:
        settings = {"_target_": TARGET, "name": "a label", "size": 3}
        assert build(settings) == (3, "none"), "the name is a label only"
        assert build(settings, name="given") == (3, "given")
        assert build(OmegaConf.create(settings)) == (3, "none")

    def test_builds_what_is_inside_first(self) -> None:
        inner = {"_target_": TARGET, "size": 1}
        assert build({"_target_": "builtins.dict", "a": [inner], "b": {"c": inner}}) == {
            "a": [(1, "none")],
            "b": {"c": (1, "none")},
        }

    def test_partial_is_the_factory_with_these_arguments(self) -> None:
        factory = build({"_target_": TARGET, "_partial_": True, "name": "x"}, fail=False)
        assert factory(size=2) == (2, "none")

    def test_a_user_error_while_building_comes_through(self) -> None:
        with pytest.raises(UserError, match=r"^size: too large$"):
            build({"_target_": TARGET, "size": 3, "fail": True})

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"size": 3, "sise": 4}, r"^sise: .*make has no such parameter"),
            ({}, "make cannot be built: missing a required argument: 'size'"),
            ({"size": 3, "_args_": [1]}, "_args_: .* has no such parameter"),
            ({"size": 3, "_recursive_": False}, "_recursive_: .* has no such parameter"),
            ({"_target_": "no_such_module.X"}, "there is no such factory .*check the name"),
            ({"_target_": "X"}, "there is no such factory"),
            ({"_target_": "..X"}, "there is no such factory"),
            ({"_target_": f"{__name__}.no"}, "there is no such factory"),
        ],
    )
    def test_mistakes_are_said(self, settings: dict[str, Any], said: str) -> None:
        with pytest.raises(UserError, match=said):
            build({"_target_": TARGET, **settings})


def test_the_shipped_options_are_what_files_may_name() -> None:
    for file in sorted(config_folder().rglob("*.yaml")):
        for group, settings in ((file.parent.name, yaml.safe_load(file.read_text())),):
            found = list(named(settings))
            assert set(found) <= factories(group)
            for name in found:
                assert callable(locate(name))


def named(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    own = [value["_target_"]] if "_target_" in value else []
    return own + [name for inner in value.values() for name in named(inner)]


def test_other_optimisers_of_torch_are_there() -> None:
    for name in factories("optim"):
        assert callable(locate(name))


def test_stored_settings_are_built() -> None:
    loss = build_stored(
        {"name": "triplet", "_target_": TRIPLET, "margin": 0.5, "reduction": "mean"}, "loss", SOURCE
    )
    assert loss.margin == 0.5


@pytest.mark.parametrize(
    "old", ["drawsim.learning.losses.TripletCosineLoss", "drawsim.gone.TripletCosineLoss"]
)
def test_factories_of_older_runs_are_read_as_those_of_today(old: str) -> None:
    assert check_stored({"_target_": old, "margin": 1}, "loss", SOURCE) == {
        "_target_": TRIPLET,
        "margin": 1,
    }


@pytest.mark.parametrize(
    ("group", "old"),
    [
        ("backbone", "drawsim.learning.backbones.lite"),
        ("backbone", "drawsim.learning.backbones.from_timm"),
        ("backbone", "drawsim.learning.replica.replica"),
        ("adapt", "drawsim.retrieval.adaptation.Adaptation"),
        ("aug", "drawsim.pixels.transforms.Augmentation"),
        ("aug", "drawsim.pixels.thesis_transforms.augmentation"),
        ("callbacks", "drawsim.learning.callbacks.progress.Progress"),
        ("data", "drawsim.collection.demo.demo_root"),
        *(
            ("loss", f"drawsim.learning.losses.{name}")
            for name in ("ContrastiveLoss", "InfoNCELoss", "MultiSimilarityLoss", "ReplicaClusLoss")
        ),
        *(
            ("miner", f"drawsim.learning.mining.{name}Negatives")
            for name in ("Hardest", "Mixed", "No", "Random", "SemiHard", "Thesis")
        ),
        *(("optim", f"drawsim.learning.schedules.{name}") for name in ("Step", "Cosine")),
        ("optim", "drawsim.learning.schedules.Constant"),
        ("optim", "torch.optim.Adam"),
        ("pairs", "drawsim.pixels.pseudo_drawings.PseudoDrawing"),
        ("pairs", "drawsim.pixels.photographs.OtherPhotograph"),
    ],
)
def test_every_factory_that_a_run_could_name_so_far_is_still_read(group: str, old: str) -> None:
    found = check_stored({"_target_": old}, group, SOURCE)["_target_"]
    assert found in factories(group)
    assert found.rpartition(".")[2] == old.rpartition(".")[2]


class TestPayloads:
    """Each would leave a file behind if anything of it ran."""

    @pytest.fixture
    def marker(self, tmp_path: Path) -> Path:
        return tmp_path / "ran"

    def refused(self, settings: Any, marker: Path, group: str = "backbone", **more: Any) -> str:
        with pytest.raises(UserError) as error:
            build_stored(settings, group, SOURCE, **more)
        assert not marker.exists()
        said = str(error.value)
        assert said.startswith(f"{SOURCE}: ")
        assert "\n" not in said
        return said

    def test_a_command(self, marker: Path) -> None:
        said = self.refused({"_target_": "os.system", "command": f"touch {marker}"}, marker)
        assert "'os.system'" in said
        assert LITE in said
        assert "trust=os" in said

    @pytest.mark.parametrize(
        ("target", "arguments"),
        [
            ("sympy.sympify", {"a": "__import__('pathlib').Path({0!r}).touch()"}),
            ("builtins.exec", {"object": "open({0!r}, 'w')"}),
            ("torch.load", {"f": "{0}.pt", "weights_only": False}),
            ("subprocess.Popen", {"args": ["touch", "{0}"]}),
            ("pathlib.Path.touch", {"self": {"_target_": "pathlib.Path", "a": "{0}"}}),
            ("hydra.utils.get_method", {"path": "os.system"}),
            ("hydra.utils.instantiate", {"config": {"_target_": "os.system"}}),
            ("drawsim.common.building.build", {"settings": {"_target_": "os.system"}}),
            ("drawsim.common.building.locate", {"target": "os.system"}),
            ("drawsim.preparing.styles.prepare_styles", {}),
            ("drawsim.collection.demo.demo_root", {"cache": "{0}"}),
        ],
    )
    def test_other_callables(self, marker: Path, target: str, arguments: dict[str, Any]) -> None:
        filled = {
            key: value.format(str(marker)) if isinstance(value, str) else value
            for key, value in arguments.items()
        }
        self.refused({"_target_": target, **filled}, marker)

    @pytest.mark.parametrize("partial", [True, False])
    def test_nested_and_partial(self, marker: Path, partial: bool) -> None:
        inner = {"_target_": "os.system", "_partial_": partial, "command": f"touch {marker}"}
        self.refused({"_target_": LITE, "weights": inner}, marker)
        self.refused({"_target_": LITE, "weights": [[{"a": inner}]]}, marker)
        self.refused({"optimizer": inner, "schedule": {}}, marker, "optim")

    def test_positional_arguments(self, marker: Path) -> None:
        said = self.refused({"_target_": LITE, "_args_": [f"touch {marker}"]}, marker)
        assert "_args_ is not read from files" in said

    @pytest.mark.parametrize("key", ["_recursive_", "_convert_", "_mode_", "__class__"])
    def test_other_keys_of_hydra(self, marker: Path, key: str) -> None:
        assert key in self.refused({"_target_": LITE, key: False}, marker)

    def test_partial_that_is_no_truth_value(self, marker: Path) -> None:
        assert "_partial_" in self.refused({"_target_": LITE, "_partial_": {"a": 1}}, marker)

    @pytest.mark.parametrize(
        "text",
        [
            "${oc.env:HOME}",
            "${oc.decode:${oc.env:HOME}}",
            "${folder_name:/x}",
            "${hydra:runtime.cwd}",
            "x${y}",
        ],
    )
    def test_interpolations(self, marker: Path, text: str) -> None:
        assert "refers to something else" in self.refused({"_target_": LITE, "pool": text}, marker)
        assert "is no name" in self.refused({"_target_": LITE, text: 1}, marker)
        self.refused({"_target_": text}, marker)

    @pytest.mark.parametrize(
        "target", [["os.system"], {"_target_": "os.system"}, None, 1, b"os.system", "", "os", "."]
    )
    def test_targets_that_are_no_names(self, marker: Path, target: Any) -> None:
        self.refused({"_target_": target, "command": f"touch {marker}"}, marker)

    def test_a_factory_of_another_group(self, marker: Path) -> None:
        self.refused({"_target_": TRIPLET, "margin": 1}, marker)
        self.refused({"_target_": LITE}, marker, "loss")
        self.refused({"_target_": "torch.optim.SGD"}, marker)
        self.refused({"_target_": LITE}, marker, "no_such_group")
        self.refused({"_target_": LITE}, marker, "..")

    def test_a_factory_inside_the_arguments_of_another(self, marker: Path) -> None:
        assert "builds nothing" in self.refused({"_target_": LITE, "a": {"_target_": LITE}}, marker)

    def test_names_that_look_alike(self, marker: Path) -> None:
        self.refused({"_target_": LITE.replace("a", "а", 1)}, marker)  # Cyrillic
        self.refused({"_target_": f" {LITE}"}, marker)
        self.refused({"_target_": f"{LITE}.__globals__"}, marker)
        self.refused({"_target_": "evil.drawsim.learning.backbones.lite"}, marker)
        self.refused({"_target_": "drawsim_evil.lite"}, marker)

    def test_keys_that_are_no_names(self, marker: Path) -> None:
        for key in (1, None, ("a",), True):
            assert "is no name" in self.refused({"_target_": LITE, key: 1}, marker)

    def test_objects(self, marker: Path) -> None:
        assert "not a plain value" in self.refused({"_target_": LITE, "a": marker}, marker)

    def test_more_than_fits(self, marker: Path) -> None:
        assert "more than" in self.refused({"a": list(range(MOST_VALUES))}, marker)
        bomb: list[Any] = ["x"]
        for _ in range(12):
            bomb = [bomb] * 10
        self.refused({"a": bomb}, marker)
        deep: Any = 1
        for _ in range(5000):
            deep = {"a": deep}
        assert f"more than {DEEPEST} levels" in self.refused(deep, marker)


class TestTrust:
    def test_opens_the_users_own_module_alone(self) -> None:
        settings = {"_target_": TARGET, "size": 3}
        with pytest.raises(UserError, match="trust=tests"):
            build_stored(settings, "loss", SOURCE)
        assert build_stored(settings, "loss", SOURCE, trust=["tests"]) == (3, "none")
        assert build_stored(settings, "loss", SOURCE, trust=[__name__]) == (3, "none")
        with pytest.raises(UserError):
            build_stored({"_target_": "os.system", "command": "x"}, "loss", SOURCE, ["tests"])
        with pytest.raises(UserError):
            build_stored({"_target_": "testsuite.x"}, "loss", SOURCE, ["tests"])

    def test_runs_say_whom_others_have_to_trust(self) -> None:
        settings = {
            "seed": 0,
            "backbone": {"_target_": LITE},
            "loss": {"_target_": TARGET},
            "callbacks": {"mine": {"_target_": "mine.Callback"}},
            "optim": {"optimizer": {"_target_": "torch.optim.RMSprop"}},
        }
        assert own_modules(settings) == ["mine", "tests"]
