"""The checks of a change are those that people run, and what the project says of itself agrees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import drawsim
from drawsim.retrieval.index import postgres

ROOT = Path(__file__).resolve().parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(read(".github/workflows/test.yml"))
    return found


def test_the_workflow_runs_the_targets_that_there_are() -> None:
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    steps = [
        step["run"] for job in workflow()["jobs"].values() for step in job["steps"] if "run" in step
    ]
    run = {step.removeprefix("make ") for step in steps if step.startswith("make ")}
    assert run == {"lint", "test", "test-lowest", "docs", "wheel"}
    assert run <= targets
    explained = set(re.findall(r"^# make ([\w-]+)", read("Makefile"), re.MULTILINE))
    assert run <= explained
    scripts = {step.removeprefix("sudo ") for step in steps} - {f"make {name}" for name in run}
    assert all((ROOT / script).is_file() for script in scripts)


def oldest_python() -> str:
    found = re.search(r'^requires-python = ">=([\d.]+)"$', read("pyproject.toml"), re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_oldest_python_is_tried() -> None:
    jobs = workflow()["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"][0] == oldest_python()
    assert jobs["lowest"]["steps"][1]["with"]["python-version"] == oldest_python()


def test_pages_name_the_oldest_versions_that_are_held_to() -> None:
    assert f"Python ≥ {oldest_python()}" in read("README.md")
    assert f"Python {oldest_python()} or newer" in read("docs/start/install.md")
    extension = ".".join(str(part) for part in postgres.OLDEST)
    page = " ".join(read("docs/beyond_one_machine.md").split())
    assert f"`drawsim[pgvector]`, pgvector {extension} |" in page
    assert f"The extension must be {extension} or newer" in page


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == drawsim.__version__
    assert citation["license"] in read("pyproject.toml")
    [thesis] = citation["references"]
    assert "Annapureddy" in read("README.md")
    assert thesis["authors"][0]["family-names"] == "Annapureddy"


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_templates_of_issues_ask(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in asked}) == len(asked) > 0
    assert all(part["attributes"]["label"] for part in asked)
