"""The house: imports point down, in no circle; commands and files are short; Hydra has one place.

Imports inside functions count as much as those at the top of a file, except for circles.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
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
COMMAND_FILES = [path for path in PACKAGE.glob("*.py") if not path.name.startswith("_")]
COMMAND_FILES += PACKAGE.glob("*/__main__.py")
ROOT = PACKAGE.parent
FOLDERS = ("drawsim", "hydra_plugins", "scripts", "tests")
FILES = [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.py"))]
LINES, COMMAND_LINES = 400, 100
TYPES_ONLY = "TYPE_CHECKING"

HYDRA = {"common/arguments.py", "common/configuration.py", "common/launch.py"}
"""Who imports Hydra and omegaconf: what reads a command's configuration, and what starts it."""


def level(package: str) -> int:
    """The layer of a package or command, 0 being the ground."""
    return next((i for i, packages in enumerate(LAYERS) if package in packages), COMMANDS)


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Dotted names of all that these nodes import, `from a import b` being a.b."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def executed(node: ast.AST, functions: bool = False) -> Iterator[ast.AST]:
    """The nodes that run when a file is imported; with `functions`, also those that run later."""
    if isinstance(node, ast.If) and TYPES_ONLY in ast.unparse(node.test):
        children: Iterable[ast.AST] = node.orelse
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not functions:
        return
    else:
        children = ast.iter_child_nodes(node)
    yield node
    for child in children:
        yield from executed(child, functions)


def imported_packages(source: str) -> set[str]:
    """First part, below `drawsim`, of everything that a file imports from the package."""
    parts = [name.split(".") for name in imported(ast.walk(ast.parse(source)))]
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


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle of imports, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_circle_of_imports() -> None:
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in MODULES
    }
    graph = {}
    for name, path in names.items():
        found = imported(executed(ast.parse(path.read_text(encoding="utf-8"))))
        known = {n if n in names else n.rpartition(".")[0] for n in found}
        graph[name] = known & set(names)
    assert graph["drawsim.train"], "the imports of this file are seen"
    assert circle(graph) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINES
    }
    assert long == {}


def test_commands_fit_on_a_page() -> None:
    long = {
        path.name: lines
        for path in COMMAND_FILES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > COMMAND_LINES
    }
    assert long == {}


def test_commands_do_not_import_each_other() -> None:
    commands = {path.stem for path in COMMAND_FILES}
    assert {"train", "search"} <= commands
    for path in COMMAND_FILES:
        others = commands & imported_packages(path.read_text(encoding="utf-8")) - {path.stem}
        assert not others, f"{path.name} imports {others}"


def test_hydra_is_met_where_commands_start() -> None:
    """Everything else takes plain values; for types alone, anybody may name Hydra."""
    met = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if any(
            name.split(".")[0] in ("hydra", "hydra_plugins", "omegaconf")
            for name in imported(executed(ast.parse(path.read_text(encoding="utf-8")), True))
        )
    }
    assert met == HYDRA


def test_the_page_on_the_architecture_names_what_there_is() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = [name for name in re.findall(r"`([\w./]+\.(?:py|yaml|md))`", text) if "/" in name]
    examples = ("NAME", "SUBJECT", "/x.py")
    real = [name for name in named if not any(each in name for each in examples)]
    assert len(real) > 20
    assert [name for name in real if not any((r / name).is_file() for r in (ROOT, PACKAGE))] == []


def test_the_package_alone_is_light() -> None:
    code = "import sys, drawsim; print(*{n.split('.')[0] for n in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "hydra", "omegaconf", "pandas", "numpy", "cv2", "timm", "matplotlib", "rich"}
    assert "drawsim" in run.stdout.split()
    assert heavy & set(run.stdout.split()) == set()


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
