"""The examples of the documentation hold: those of every module, as `>>>` prompts in its text.

They run in a folder that holds `COLLECTION`, the small collection of these tests.
"""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import drawsim

PACKAGE = Path(drawsim.__file__).parent
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def documented_modules() -> list[str]:
    """Names of the modules whose text has an example."""
    paths = sorted(PACKAGE.rglob("*.py"))
    found = [path for path in paths if ">>> " in path.read_text(encoding="utf-8")]
    return [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in found]


@pytest.mark.parametrize("name", documented_modules())
def test_examples_hold(
    name: str, collection_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "COLLECTION").symlink_to(collection_root)
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name.removesuffix(".__init__"))
    failed, attempted = doctest.testmod(module, optionflags=OPTIONS)
    assert attempted > 0, "an example that no docstring holds is never run"
    assert failed == 0, "see the output"
