"""Errors name a page that is there, on the part of drawsim that they come from."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drawsim.collection.tables import Collection
from drawsim.common import pages
from drawsim.common.errors import UserError
from drawsim.common.pages import PAGES, page_of, told, with_page
from drawsim.pixels.decode import read_image
from drawsim.runs.run import Run
from tests.docs.pages import DOCS, ROOT


@pytest.mark.parametrize(("module", "page"), PAGES.items())
def test_every_page_is_there(module: str, page: str) -> None:
    assert importlib.util.find_spec(f"drawsim.{module}") is not None
    name, _, section = page.partition("#")
    text = (DOCS / name).read_text(encoding="utf-8")
    assert not section or re.search(rf"^#+ {re.escape(section)}$", text, re.M)


def _said(act: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        act()
    return with_page(error.value)


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_an_error_names_its_page(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    (tmp_path / "drawings.csv").write_text("id\n1\n", encoding="utf-8")
    said = _said(lambda: read_image(tmp_path / "a.jpg"))
    assert said.endswith(" – more: docs/images.md")
    assert "docs/runs.md" in _said(lambda: Run.open(tmp_path))
    assert "docs/tables.md" in _said(lambda: Collection.open(tmp_path))


def test_an_error_of_several_lines_has_it_below() -> None:
    names: dict[str, Any] = {"__name__": "drawsim.preparing.schemes", "UserError": UserError}
    exec("def refuse(text): raise UserError(text)", names)
    refuse = names["refuse"]
    assert _said(lambda: refuse("a\nb")) == "a\nb\nmore: docs/howto/scheme.md"
    assert _said(lambda: refuse("a")) == "a – more: docs/howto/scheme.md"


def test_an_error_of_no_part_has_none() -> None:
    error = UserError("a")
    assert page_of(error) is None
    assert with_page(error) == "a"


def test_a_page_is_told_as_it_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told("museums.md#Out") == 'docs/museums.md, "Out"'
    monkeypatch.chdir(tmp_path)
    elsewhere = told("images.md")
    assert elsewhere is not None
    assert Path(elsewhere).samefile(DOCS / "images.md")


def test_an_installed_package_has_the_pages_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the wheel lays them out; where they were left out, nothing is named."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [inside] = re.findall(r'^"docs" = "([\w/]+)"', project, re.M)
    package = tmp_path / "drawsim"
    monkeypatch.setattr(pages, "__file__", str(package / "common" / "pages.py"))
    assert told("images.md") is None
    (tmp_path / inside).mkdir(parents=True)
    (tmp_path / inside / "images.md").write_text("# Images", encoding="utf-8")
    assert told("images.md") == str(package.resolve() / "docs" / "images.md")
