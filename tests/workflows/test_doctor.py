"""What `drawsim doctor` says of packages, weights and folders that are there, old or missing."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from packaging.requirements import Requirement

from drawsim.models.backbones.hub import kept_weights
from drawsim.workflows import doctor

NEEDS = ["numpy>=2.0", "faiss-cpu>=1.8; extra == 'ann'", "drawsim[ann]; extra == 'all'"]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Versions that are said to be installed, of a drawsim that asks for few packages."""
    held: dict[str, str] = {}

    def version(name: str) -> str:
        if name not in held:
            raise PackageNotFoundError(name)
        return held[name]

    class Told:
        def get_all(self, _: str) -> list[str]:
            return ["ann", "all"]

    monkeypatch.setattr(doctor, "requires", lambda _: NEEDS)
    monkeypatch.setattr(doctor, "metadata", lambda _: Told())
    monkeypatch.setattr(doctor, "version", version)
    return held


def said(found: Any) -> dict[str, tuple[str, str]]:
    return {one.name: (one.state, one.said) for one in found}


def test_packages_that_are_old_are_wrong_and_extras_are_offered(installed: dict[str, str]) -> None:
    installed["numpy"] = "1.26.4"
    state, text = said(doctor._packages())["numpy"]
    assert state == "wrong"
    assert text == "1.26.4 is not >=2.0; pip install 'numpy>=2.0'"
    installed["numpy"] = "2.1rc1"
    assert said(doctor._packages()) == {"needed": ("ok", "all 1 are there")}
    state, text = said(doctor._extras())["ann"]
    assert (state, text.partition(": ")[2]) == ("missing", "pip install 'drawsim[ann]' (faiss-cpu)")
    installed["faiss-cpu"] = "1.9"
    assert said(doctor._extras())["ann"][0] == "ok"
    every = [Requirement(text) for text in NEEDS]
    assert [one.name for one in doctor._of_extra(every, "all")] == ["faiss-cpu"]


def test_each_extra_is_explained() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    optional = text.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    named = set(re.findall(r"^(\w+) = \[", optional, re.MULTILINE))
    assert named - set(doctor.EXTRAS) <= {"all", "dev", "docs"}
    assert set(doctor.EXTRAS) <= named


def test_weights_in_the_cache_of_the_hub_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    model = "resnext101_32x8d.tv_in1k"
    assert kept_weights(model) is None
    assert doctor._weights_of("imagenet", {"model": model})[0] == "missing"
    folder = tmp_path / f"models--timm--{model}" / "snapshots" / "0"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    assert kept_weights(model) == folder / "model.safetensors"
    assert doctor._weights_of("imagenet", {"model": model})[0] == "ok"


def test_a_folder_that_cannot_be_written_into_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    state, text = said(doctor._folders())["caches"]
    assert (state, text) == ("wrong", f"{file} cannot be written into")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "ROOM", 1 << 60)
    state, text = said(doctor._folders())["caches"]
    assert state == "wrong"
    assert text.startswith(f"{tmp_path / 'drawsim'}, ")
