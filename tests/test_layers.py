"""Imports point down: doors, then learning, reporting and web, then retrieval, pixels, collection.

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
    {"errors", "files", "machine", "progress", "runs"},
    {"collection"},
    {"pixels"},
    {"retrieval"},
    {"learning", "reporting", "web"},
)
"""From the ground up; whatever is not named here is a door."""
DOORS = len(LAYERS)
MODULES = sorted(PACKAGE.rglob("*.py"))


def level(room: str) -> int:
    """The layer of a room of the package, 0 being the ground."""
    return next((i for i, rooms in enumerate(LAYERS) if room in rooms), DOORS)


def imported_rooms(source: str) -> set[str]:
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


def breaches(room: str, source: str) -> set[str]:
    """What a file of a room imports although it is not below it."""
    own = level(room)
    return {
        other
        for other in imported_rooms(source) - {room}
        # Doors may use each other's tools (launch), and the ground may stand on itself.
        if level(other) > own or (level(other) == own and own not in (0, DOORS))
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_point_down(module: Path) -> None:
    room = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert not breaches(room, module.read_text(encoding="utf-8"))


def test_the_check_sees_what_it_forbids() -> None:
    assert breaches("collection", "from drawsim.pixels.decode import x") == {"pixels"}
    assert breaches("learning", "def f():\n    import drawsim.reporting.charts") == {"reporting"}
    assert breaches("reporting", "from drawsim import learning") == {"learning"}
    assert breaches("errors", "from drawsim.launch import build") == {"launch"}
    assert breaches("web", "from drawsim.retrieval import task\nimport torch") == set()
    assert breaches("train", "from drawsim.launch import launch") == set()


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
