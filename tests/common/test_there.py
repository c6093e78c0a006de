"""Starting: no command imports what is slow before it knows that it can begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drawsim.__main__ import COMMANDS
from drawsim.common.errors import UserError
from drawsim.common.there import CURES, check_folders

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "numpy", "pandas", "cv2", "scipy", "timm", "wandb", "matplotlib", "sqlalchemy"}
NOWHERE = {
    "explore": ["data=folder", "data.root=nowhere"],
    "train": ["data=folder", "data.root=nowhere"],
    "evaluate": ["run=nowhere"],
    "index": ["collection=nowhere", "out=x"],
    "search": ["index=nowhere", "image=x.png"],
    "embed": ["images=nowhere", "out=x.safetensors"],
    "annotate": ["collection=nowhere", "index=nowhere"],
    "export": ["collection=nowhere", "out=x", "base=https://example.org"],
    "compare": ["runs=nowhere", "out=x"],
    "sync": ["runs=nowhere"],
}
"""Of each command that opens folders, a command line with one that is not there."""
EACH = """
import contextlib, io, json, os, runpy, sys
answers = []
for command, *arguments in json.loads(sys.argv[1]):
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.dup2(writing, 1), os.dup2(writing, 2)
        sys.argv = [command, *arguments]
        try:
            runpy.run_module("drawsim." + command, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            sys.stdout.flush()
            print("\\nEND", json.dumps([end.code, sorted({n.split(".")[0] for n in sys.modules})]))
            sys.stdout.flush()
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as said:
        answers.append(said.read())
    os.waitpid(child, 0)
print(json.dumps(answers))
"""
"""Each command line in a fork of one process that has Hydra and nothing slow: it takes a tenth."""


def answers(lines: list[list[str]], folder: Path) -> list[tuple[str, int, set[str]]]:
    """Of each command line what it said, its exit code, and the packages that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", "import drawsim.common.launch" + EACH, json.dumps(lines)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for answer in json.loads(done.stdout):
        said, end, told = answer.rpartition("\nEND ")
        assert end, answer
        code, packages = json.loads(told)
        found.append((said, code or 0, set(packages)))
    return found


def test_help_needs_nothing_slow(tmp_path: Path) -> None:
    told = answers([[command, "--help"] for command in COMMANDS], tmp_path)
    for command, (said, code, packages) in zip(COMMANDS, told, strict=True):
        assert code == 0, said
        assert f"python -m drawsim.{command}" in said
        assert "omegaconf" in packages
        assert not packages & HEAVY, command
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_is_told_before_anything_slow_begins(tmp_path: Path) -> None:
    lines = [[command, *arguments] for command, arguments in NOWHERE.items()]
    for line, (said, code, packages) in zip(lines, answers(lines, tmp_path), strict=True):
        assert code == 1, said
        [answer] = said.splitlines()
        assert "=nowhere: no such folder; " in answer
        assert not packages & HEAVY, line


def test_folders_that_are_there_and_those_that_are_not(tmp_path: Path) -> None:
    here = str(tmp_path)
    check_folders({"run": here, "index": [here, here], "data": {"root": here}}, *CURES)
    (tmp_path / "study.zip").touch()
    check_folders({"runs": str(tmp_path / "study.zip")}, "runs")
    check_folders({"run": None, "data": {"demo": {}}, "images": "s3://bucket/a"}, *CURES)
    with pytest.raises(UserError, match=r"^index=no: .+; drawsim index … out=no builds"):
        check_folders({"index": [here, "no"]}, "index")
    with pytest.raises(UserError, match=r"^data\.root=no: no such folder; set it to"):
        check_folders({"data": {"root": "no"}}, "run", "data.root")
