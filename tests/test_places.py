"""Where a command writes unless the user says: into folders of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drawsim.collection.demo.make import demo_folder
from drawsim.common.errors import UserError
from drawsim.common.yaml_files import yaml_text
from drawsim.runs.results import results_folder
from drawsim.workflows.explore import ExploreSettings


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(folder: Path, settings: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml_text(settings or {}))
    return folder


def test_results_of_an_own_run_go_into_it(tmp_path: Path) -> None:
    run = made(Path("runs/demo/lite"))
    own = tmp_path / "runs/demo/lite/evaluation"
    assert results_folder(run) == own
    assert results_folder(run.absolute()) == own


def test_results_of_another_run_do_not(tmp_path: Path) -> None:
    run = made(tmp_path / "download" / "demo" / "lite")
    assert results_folder(run) == Path("evaluations/demo/lite")
    Path("runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(run)
    assert results_folder(Path("runs/linked")) == Path("evaluations/demo/lite")


@pytest.mark.parametrize(
    ("run", "link"),
    [
        ("runs/demo/lite", "runs/demo/lite/evaluation"),
        ("download/demo/lite", "evaluations"),
        ("download/demo/lite", "evaluations/demo/lite"),
    ],
)
def test_no_link_is_followed(run: str, link: str, tmp_path: Path) -> None:
    made(Path(run))
    Path(link).parent.mkdir(parents=True, exist_ok=True)
    Path(link).symlink_to(tmp_path)
    with pytest.raises(UserError, match="a link leads elsewhere from there; give out=DIR"):
        results_folder(Path(run))


def looking(view: str, run: Path | None = None, **data: Any) -> ExploreSettings:
    return ExploreSettings.of(
        {
            "out": None,
            "view": view,
            "run": run and str(run),
            "drawings": None,
            "artworks": None,
            "workers": 1,
            "data": {"name": "demo", "demo": {}, "root": None, **data},
            "explore": {
                "sample": {"rows": 1, "cols": 1, "groups": 1, "seed": 0},
                "sizes": 0,
                "map": {"seed": 0},
                "duplicates": {"distance": 1, "similarity": 1.0},
            },
        }
    )


def test_what_is_seen_of_a_collection_has_a_folder_of_its_own(tmp_path: Path) -> None:
    assert looking("report").folder == Path("explore/demo")
    assert looking("duplicates").folder == Path("explore/demo/duplicates")
    own = tmp_path / "children"
    own.mkdir()
    data = {"name": "children", "root": str(own)}
    run = made(Path("runs/children/lite"), {"data": data})
    assert looking("map", run).folder == Path("explore/children/map")
    assert looking("map", run, name="x", root="x", demo=None).folder == Path("explore/x/map")


@pytest.mark.parametrize("name", ["../../x", "", "a/b", ".."])
def test_a_run_does_not_say_where_to_write(name: str, tmp_path: Path) -> None:
    own = tmp_path / "children"
    own.mkdir()
    run = made(Path("download/x"), {"data": {"name": name, "root": str(own)}})
    assert looking("map", run).folder == Path("explore/children/map")


def test_a_demo_that_was_never_made_is_that_of_the_settings(tmp_path: Path) -> None:
    demo = {"cache": str(tmp_path / "none"), "artworks": 3}
    assert not demo_folder(**demo).exists()  # type: ignore[arg-type]
    run = made(Path("runs/d/lite"), {"data": {"name": "d", "demo": demo}})
    assert looking("map", run).folder == Path("explore/demo/map")
