"""No block of code escapes: each is run, or held to what it speaks of.

Run are the tutorials, the pages on Python and R, and the notebooks (test_tutorials.py), and what
the pages on adding something define (here). Commands of drawsim are held to the configuration
(tests/test_documented_commands.py). Whatever else a block may be is said here.
"""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT, Block, blocks, lines, pages
from tests.docs.test_tutorials import TUTORIALS
from tests.test_documented_commands import of_drawsim

PAGES = [ROOT / "README.md", *pages()]
RUN = {*TUTORIALS, DOCS / "python.md", DOCS / "r.md"}
"""Pages of which Python, and R, is run elsewhere."""
DEFINED = {"loss": "Logistic", "miner": "NotTheVeryFirst"}
"""What the Python of a page in howto/ defines."""
FOREIGN = ("cat", "cp", "docker", "mkdir", "pre-commit", "ray", "sbatch", "sqlite3", "wandb")
"""Programs of others, which a test would need a machine of its own for."""


def held(line: str) -> bool:
    """Whether a line of the shell is one that a test knows of."""
    if of_drawsim(line):
        return True
    program, *words = shlex.split(line, comments=True)
    if program == "make":
        made = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        return words[0] in made
    if program == "pip":
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        return all(re.search(rf"^{extra} = \[", project, re.M) for extra in extras(words[-1]))
    return program in FOREIGN or words[:2] in (["-m", "http.server"], ["-m", "venv"])


def extras(requirement: str) -> list[str]:
    """The extras that a requirement names."""
    return re.findall(r"[\w-]+", requirement.partition("[")[2])


def known(page: Path, block: Block) -> bool:
    """Whether a block is run or held."""
    if block.language == "sh":
        return all(map(held, lines(block.code)))
    if block.language in ("python", "r"):
        return page in RUN or page.stem in DEFINED
    if block.language == "yaml":
        return yaml.safe_load(block.code) is not None
    if block.language == "tex":  # what it takes in is a file that the page speaks of
        taken = re.findall(r"\\input\{COMPARISON/(\w+)\}", block.code)
        said = page.read_text(encoding="utf-8")
        return bool(taken) and all(f"`{name}.tex`" in said for name in taken)
    return block.language == "" and "drawsim." not in block.code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_block_escapes(page: Path) -> None:
    for block in blocks(page):
        assert known(page, block), block.code
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert "```" not in text, "a fence that nothing closes, or of another shape"
    assert not re.search(r"^ {4,}(python -m |drawsim |make )", text, re.M), "use ```sh"


def test_what_escapes_is_seen() -> None:
    page = ROOT / "README.md"
    for language, code in (
        ("sh", "nonsense --now\n"),
        ("sh", "make nothing\n"),
        ("sh", "pip install 'drawsim[nothing]'\n"),
        ("python", "import drawsim\n"),
        ("", "python -m drawsim.train\n"),
        ("ini", "a = b\n"),
    ):
        assert not known(page, Block(language, code)), code


@pytest.mark.parametrize("name", DEFINED)
def test_what_a_page_defines(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = blocks(DOCS / "howto" / f"{name}.md")
    [code] = [block.code for block in found if block.language == "python"]
    [settings] = [block.code for block in found if block.language == "yaml"]
    (tmp_path / "my_module.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    given = yaml.safe_load(settings)
    assert given.pop("_target_") == f"my_module.{DEFINED[name]}"
    assert given.pop("name") == "mine"
    made = getattr(importlib.import_module("my_module"), DEFINED[name])(**given)
    assert all(getattr(made, key) == value for key, value in given.items())
