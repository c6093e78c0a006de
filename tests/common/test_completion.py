"""Words that a shell offers, and the function that asks for them, in a real bash."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("drawsim ru", "runs"),
        ("drawsim runs clean=t", "true"),  # bash has split the word at =
        ("drawsim runs folder=here/a", "here/a.txt"),  # no word fits: files do
    ],
)
def test_in_bash(line: str, replies: str, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.txt").touch()
    root = Path(__main__.__file__).parents[1]
    program = f"""
drawsim() {{ PYTHONPATH='{root}' '{sys.executable}' -m drawsim "$@"; }}
{SCRIPTS["bash"]}
COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
_drawsim_completion
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run([bash, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"{replies}\n", done.stderr
