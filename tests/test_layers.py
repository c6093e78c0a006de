"""Imports point down: commands, workflows, then what they are made of, down to what is common.

Imports inside functions count as much as those at the top of a file.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import drawsim

PACKAGE = Path(drawsim.__file__).parent
LAYERS = (
    {"common"},
    {"collection"},
    {"runs"},
    {"pixels"},
    {"retrieval"},
    {"models"},
    {"preparing", "reporting", "web", "learning"},
    {"workflows"},
)
"""From the ground up; whatever is not named here is a command."""
COMMANDS = len(LAYERS)
MODULES = sorted(PACKAGE.rglob("*.py"))


def level(package: str) -> int:
    """The layer of a package or command, 0 being the ground."""
    return next((i for i, packages in enumerate(LAYERS) if package in packages), COMMANDS)


def imported_packages(source: str) -> set[str]:
    """First part, below `drawsim`, of everything that a file imports from the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "drawsim" and len(part) > 1} - {"__version__"}


def breaches(package: str, source: str) -> set[str]:
    """What a file of a package, or a command, imports although it is not below it."""
    own = level(package)
    return {other for other in imported_packages(source) - {package} if level(other) >= own}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_point_down(module: Path) -> None:
    package = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert not breaches(package, module.read_text(encoding="utf-8"))


def test_the_check_sees_what_it_forbids() -> None:
    assert breaches("collection", "from drawsim.pixels.decode import x") == {"pixels"}
    assert breaches("learning", "def f():\n    import drawsim.reporting.kit.charts") == {
        "reporting"
    }
    assert breaches("reporting", "from drawsim import learning") == {"learning"}
    assert breaches("common", "from drawsim.runs.folder import RunFolder") == {"runs"}
    assert breaches("models", "from drawsim.workflows.embed import embed") == {"workflows"}
    assert breaches("evaluate", "from drawsim.train import make_parts") == {"train"}
    assert breaches("workflows", "from drawsim.train import make_parts") == {"train"}
    assert breaches("web", "from drawsim.retrieval import task\nimport torch") == set()
    assert breaches("train", "from drawsim.workflows.train import train") == set()


def test_tables_do_without_torch() -> None:
    code = (
        "import sys, drawsim.collection.tables, drawsim.collection.splits, drawsim.collection.names"
        "; print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
    for module in MODULES:
        if "collection" in module.relative_to(PACKAGE).parts:
            assert "torch" not in {
                name.split(".")[0]
                for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
                if isinstance(node, ast.Import | ast.ImportFrom)
                for name in [getattr(node, "module", None) or "", *(a.name for a in node.names)]
            }
