"""The site is whole: pages have their places, links lead somewhere, settings are all there."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT, anchors, links, pages

MADE = {"reference/commands.md", "reference/options.md"}
"""Pages that are made when the site is built."""


@pytest.fixture(scope="module")
def settings_doc() -> Any:
    """The file that makes them."""
    path = ROOT / "scripts" / "settings_doc.py"
    spec = importlib.util.spec_from_file_location("settings_doc", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def leaves(settings: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The dotted names of all settings that hold no others."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def navigation(items: Any) -> Iterator[str]:
    """Every page that mkdocs.yml lists."""
    for item in items:
        for value in item.values() if isinstance(item, dict) else [item]:
            yield from [value] if isinstance(value, str) else navigation(value)


def test_every_page_has_its_place() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = list(navigation(yaml.safe_load(text)["nav"]))
    there = {page.relative_to(DOCS).as_posix() for page in pages()} | MADE
    assert len(listed) == len(set(listed))
    assert set(listed) == there


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *pages()], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_links_lead_somewhere(page: Path, settings_doc: Any) -> None:
    made = {
        "reference/commands.md": settings_doc.commands_page,
        "reference/options.md": settings_doc.options_page,
    }
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        own = target.relative_to(DOCS).as_posix() if target.is_relative_to(DOCS) else ""
        assert own in made or target.exists(), link
        assert page.parent == ROOT or own, f"{link} leads out of the site"
        if anchor:
            text = made[own]() if own in made else target.read_text(encoding="utf-8")
            assert anchor in anchors(text), link


def test_pages_load_nothing_from_elsewhere() -> None:
    """The theme would fetch fonts, and a script for the search of pages opened from a disk."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    own = [*settings["extra_css"], *settings["extra"]["polyfills"]]
    assert settings["theme"]["font"] is False
    assert any("iframe-worker" in name for name in own), "the name that the theme looks for"
    for name in own:
        assert "http" not in (DOCS / name).read_text(encoding="utf-8")


def test_every_setting_is_on_a_page(settings_doc: Any) -> None:
    """Against what a YAML parser reads, of every file."""
    for path in settings_doc.files(settings_doc.CONF):
        text = path.read_text(encoding="utf-8")
        settings = yaml.safe_load(text) or {}
        named = {setting.name for setting in settings_doc.read(text).settings}
        own = {name: value for name, value in settings.items() if name not in ("defaults", "hydra")}
        missing = {name for name in leaves(own) if name not in named}
        assert not missing, f"{path}: {missing}"


def test_settings_of_a_file(settings_doc: Any) -> None:
    page = settings_doc.read(
        "# What it is,\n# in two lines.\ndefaults:\n  - _self_\n\n# how\n# much\nk: 20 # of all\n"
        "deep:\n  # | or <b>\n  x: 'a # b'\nlist:\n  - 1\n"
    )
    assert page.purpose == "What it is, in two lines."
    assert [tuple(each) for each in page.settings] == [
        ("k", "20", "how much of all"),
        ("deep", "", ""),
        ("deep.x", "'a # b'", "| or <b>"),
        ("list", "- 1", ""),
    ]
    assert "\\| or \\<b\\>" in settings_doc._cell(page.settings[2].meaning)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("index", "drawsim.retrieval.index.folder"),
        ("calibration", "drawsim.retrieval.analysis.calibration"),
        ("motifs", "drawsim.retrieval.motifs.files"),
    ],
)
def test_formats_have_their_versions(name: str, module: str) -> None:
    text = (DOCS / "reference" / "formats.md").read_text(encoding="utf-8")
    version = importlib.import_module(module).FORMAT
    assert re.search(rf"^\| {name} \|.*`format: {version}`", text, re.M)
