"""Facts about the machine, and the settings that every command makes."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

import drawsim
from drawsim.common import machine


def test_environment_names_versions_hardware_and_commit() -> None:
    facts = machine.environment()
    assert facts["torch"] == version("torch")
    assert f"{machine.cores()} cores" in facts["processor"]
    assert (facts["gpu"] == "none") == (torch.cuda.device_count() == 0)
    assert float(facts["memory"].removesuffix(" GiB")) > 0
    assert all(facts.values())


def test_a_package_that_is_absent_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("no-such-package",))
    assert machine.environment()["no-such-package"] == "not installed"


def test_commit_of_a_changed_checkout_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    code = tmp_path / "machine.py"
    monkeypatch.setattr(machine, "__file__", str(code))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert machine.environment()["git commit"] == "not a git checkout"
    git("init")
    code.write_text("1")
    git("add", ".")
    git("commit", "-m", "one")
    assert machine.environment()["git commit"] == git("rev-parse", "HEAD")
    code.write_text("2")
    assert machine.environment()["git commit"] == git("rev-parse", "HEAD") + " (modified)"


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine.environment()["git commit"] == "not a git checkout"


def test_preparing_keeps_what_the_user_has_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "")
    monkeypatch.delenv("NO_ALBUMENTATIONS_UPDATE")
    machine.prepare()
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "0"
    assert os.environ["NO_ALBUMENTATIONS_UPDATE"] == "1"


def test_a_notebook_has_the_settings_of_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("drawsim.common.machine.prepare", lambda: calls.append("prepared"))
    assert drawsim.__version__
    assert calls == [], "not when it is imported"
    assert drawsim.Model.__name__ == "Model"
    assert calls == ["prepared"]


@pytest.mark.parametrize("rank", ["0", "1"])
def test_processes_beside_the_first_end_with_it(rank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setenv("LOCAL_RANK", rank)
    monkeypatch.setattr(machine, "end_with_parent", lambda: calls.append(rank))
    machine.prepare()
    assert calls == (["1"] if rank == "1" else [])
