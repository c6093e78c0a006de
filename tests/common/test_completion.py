"""Words that a shell offers, and the function that asks for them, in real shells."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drawsim import __main__
from drawsim.common.completion import SCRIPTS, candidates, script
from drawsim.common.configuration import groups, options
from drawsim.common.errors import UserError

COMMANDS = list(__main__.COMMANDS)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("drawsim tr", ["train"]),
        ("drawsim nothing x", []),
        ("drawsim --shell-completion ", ["bash", "fish", "zsh"]),
        ("drawsim train freeze_b", ["freeze_below="]),
        ("drawsim runs clean=", ["clean=false", "clean=true"]),
        ("drawsim train study=", []),
        ("drawsim train loss=contrastive backbone=dinov", ["backbone=dinov2", "backbone=dinov3"]),
        ("drawsim train loss=contrastive loss.marg", ["loss.margin="]),
        ("drawsim train loss=nothing freeze_b", ["freeze_below="]),
    ],
)
def test_what_fits(line: str, offered: list[str]) -> None:
    assert candidates(line, COMMANDS) == offered


def test_everything_is_offered_of_each_command() -> None:
    assert set(COMMANDS) < set(candidates("drawsim ", COMMANDS))
    for command in COMMANDS:
        found = candidates(f"drawsim {command} ", COMMANDS)
        assert {f"{group}=" for group in groups(command)} <= set(found)
    assert candidates("drawsim train loss=", COMMANDS) == [f"loss={n}" for n in options("loss")]


def test_another_shell() -> None:
    with pytest.raises(UserError, match="did you mean zsh"):
        script("zhs")


LINES = [
    ("drawsim ru", "runs"),
    ("drawsim runs clean=t", "clean=true"),
    ("drawsim runs folder=here/a", "folder=here/a.txt"),  # no word fits: files do
]


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_in_bash(line: str, offered: str, tmp_path: Path) -> None:
    program = f"""
{SCRIPTS["bash"]}
COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
_drawsim_completion
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    # Bash has split the word at =, and completes what stands behind it.
    assert _in_shell("bash", program, tmp_path) == offered.rpartition("=")[2]


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_in_fish(line: str, offered: str, tmp_path: Path) -> None:
    program = f"{SCRIPTS['fish']}\ncomplete -C '{line}'"
    assert _in_shell("fish", program, tmp_path) == offered


def test_zsh_reads_what_it_is_given(tmp_path: Path) -> None:
    program = f"{SCRIPTS['zsh']}\nprint -r -- $_comps[drawsim]"
    assert _in_shell("zsh", program, tmp_path) == "_drawsim_completion"


def _in_shell(shell: str, program: str, folder: Path) -> str:
    """What a shell prints in which drawsim is a command, and `here/a.txt` a file."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell}")
    (folder / "here").mkdir()
    (folder / "here" / "a.txt").touch()
    command = folder / "bin" / "drawsim"
    command.parent.mkdir()
    root = Path(__main__.__file__).parents[1]
    called = f"PYTHONPATH={shlex.quote(str(root))} {shlex.quote(sys.executable)} -m drawsim"
    command.write_text(f'#!/bin/sh\n{called} "$@"\n')
    command.chmod(0o755)
    paths = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    plain = {"bash": ["--norc"], "fish": ["--no-config"], "zsh": ["-f"]}[shell]
    done = subprocess.run(
        [found, *plain, "-c", program],
        cwd=folder,
        env={**os.environ, "PATH": paths, "HOME": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
