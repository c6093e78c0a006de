"""A run's folder that is not what it seems: another collection's, or made by somebody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drawsim.common.errors import UserError
from drawsim.runs.folder import RunFolder, read_record

SETTINGS: dict[str, Any] = {"study": "coll", "name": "lite", "monitor": "val/mrr", "seed": 0}


def settings(root: Path) -> dict[str, Any]:
    return {**SETTINGS, "data": {"name": "coll", "root": str(root)}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "coll" / "lite"


def finished(folder: Path, own: dict[str, Any]) -> None:
    run = RunFolder(folder)
    with run.recording(own, run.find(own, resume=False, again=False)):
        run.begun()


def test_collections_of_one_name_do_not_share_a_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called `coll` in two folders, each user says data.root=coll."""
    places = [tmp_path / name for name in ("a", "b")]
    for place in places:
        (place / "coll").mkdir(parents=True)
    own = settings(Path("coll"))
    monkeypatch.chdir(places[0])
    finished(folder, own)
    assert read_record(folder)["collection"] == str((places[0] / "coll").resolve())
    assert RunFolder(folder).find(own, resume=False, again=False) == "finished"
    monkeypatch.chdir(places[1])
    for resume in (False, True):
        with pytest.raises(UserError, match="a run with another collection is there"):
            RunFolder(folder).find(own, resume=resume, again=False)
    assert RunFolder(folder).find(own, resume=False, again=True) == "anew"
    monkeypatch.chdir(tmp_path)
    (places[0] / "coll").rename(tmp_path / "coll")  # both were moved, so nothing contradicts
    assert RunFolder(folder).find(own, resume=False, again=False) == "finished"


@pytest.mark.parametrize("name", ["log.txt", "checkpoints", "embeddings/x"])
def test_a_folder_that_leads_elsewhere_is_not_resumed(
    folder: Path, tmp_path: Path, name: str
) -> None:
    finished(folder, SETTINGS)
    run = RunFolder(folder)
    run.record = read_record(folder)
    run.update(status="interrupted")
    assert run.find(SETTINGS, resume=True, again=False) == "resume"
    place = folder / name
    place.unlink(missing_ok=True)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=f"{name}: a link that leads out of the run"):
        run.find(SETTINGS, resume=True, again=False)


def test_links_within_a_run_and_those_of_wandb_are_its_own(folder: Path, tmp_path: Path) -> None:
    finished(folder, SETTINGS)
    run = RunFolder(folder)
    run.record = read_record(folder)
    run.update(status="interrupted")
    (folder / "latest").symlink_to(folder / "log.txt")
    (folder / "wandb").mkdir()
    (folder / "wandb" / "latest-run").symlink_to(tmp_path / "where the run once was")
    assert run.find(SETTINGS, resume=True, again=False) == "resume"


@pytest.mark.parametrize("text", ["epoch,a\nx,1\n", "epoch,a\n1e400,1\n", "epoch,a\n-1,1\n"])
def test_a_forged_table_of_epochs_is_a_line(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text(text)
    with pytest.raises(UserError, match=r"metrics\.csv: damaged"):
        RunFolder(folder).write_epoch(1, {"a": 1.0})


def test_a_forged_record_is_a_line(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text('{"seconds": {"fit": "x"}}')
    with pytest.raises(UserError, match=r"metrics\.json: damaged \(seconds"):
        read_record(folder)


DECISION = {"stage": "a", "kept": True, "before_training": True, "judged_on": "", "why": ""}


@pytest.mark.parametrize(
    "changes", [{"kept": "no"}, {"low": "x"}, {"queries": True}, {"before_training": None}]
)
def test_forged_decisions_are_a_line(folder: Path, changes: dict[str, object]) -> None:
    folder.mkdir(parents=True)
    for each in ({**DECISION, **changes}, {"stage": "a"}, "a", None):
        (folder / "metrics.json").write_text(json.dumps({"decisions": [DECISION, each]}))
        with pytest.raises(UserError, match=r"metrics\.json: damaged \(decisions"):
            read_record(folder)
    (folder / "metrics.json").write_text(json.dumps({"decisions": [DECISION]}))
    assert read_record(folder)["decisions"] == [DECISION]
