"""The tutorials, block by block, each in an empty folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run
from tests.docs.pages import DOCS, blocks

TUTORIALS = [page for page in sorted((DOCS / "tutorials").glob("*.md")) if page.stem != "index"]


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_holds(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks(page):
        if block.language == "python":
            exec(block.code, names)
            continue
        assert block.language == "sh"
        for line in block.code.splitlines():
            python, m, command, *arguments = shlex.split(line, comments=True)
            assert (python, m) == ("python", "-m")
            done = run(command.removeprefix("drawsim."), *arguments, folder=tmp_path)
            assert done.returncode == 0, line + "\n" + done.stdout + done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert {"pairs": "runs", "splits": "COMPARISON", "museum": "FOUND"}[page.stem] in made
