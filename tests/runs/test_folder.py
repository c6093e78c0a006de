"""The run folder: what it holds at each end a run can come to, and how it is taken up again."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from drawsim.common.errors import UserError
from drawsim.runs import folder as runs
from drawsim.runs.folder import RunFolder, read_record

CONFIG: dict[str, Any] = {
    "study": "demo",
    "name": "lite-seed0",
    "monitor": "val/mrr",
    "seed": 0,
    "backbone": {"name": "lite", "weights": None, "pool": "avg"},
    "optim": {"lr": 1e-5},
    "tags": ["a", "é"],
    "resume": False,
    "dry_run": False,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "lite-seed0"


def changed(**values: Any) -> dict[str, Any]:
    return {**CONFIG, **values}


def run_to_its_end(folder: Path, config: dict[str, Any] = CONFIG, **results: Any) -> None:
    run = RunFolder(folder)
    with run.recording(config, resume=config["resume"]):
        run.update(**results)


def test_a_finished_run(folder: Path) -> None:
    run_to_its_end(folder, best_epoch=3)
    assert read_record(folder) == {
        "status": "finished",
        "protocol": "drawsim",
        "study": "demo",
        "name": "lite-seed0",
        "monitor": "val/mrr",
        "best_epoch": 3,
    }
    assert yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")) == CONFIG
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.yaml",
        "log.txt",
        "metrics.json",
    ]
    assert list(folder.parent.iterdir()) == [folder], "nothing beside the run's own folder"


def test_while_it_runs_it_says_so(folder: Path) -> None:
    """A killed run gets no chance to say anything: what stands here is what stays."""
    run = RunFolder(folder)
    with run.recording(CONFIG, resume=False):
        assert read_record(folder)["status"] == "running"


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_run_says_how_to_go_on(folder: Path, signal: BaseException) -> None:
    run = RunFolder(folder)
    with pytest.raises(KeyboardInterrupt), run.recording(CONFIG, resume=False):
        raise signal
    record = read_record(folder)
    assert record["status"] == "interrupted"
    assert "resume=true" in record["message"]
    assert "resume=true" in (folder / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "message"), [(UserError("no disk"), "no disk"), (OSError(), "OSError")]
)
def test_a_failed_run_says_why(folder: Path, error: Exception, message: str) -> None:
    run = RunFolder(folder)
    with pytest.raises(type(error)), run.recording(CONFIG, resume=False):
        raise error
    record = read_record(folder)
    assert (record["status"], record["message"]) == ("failed", message)


def test_a_message_goes_when_the_run_goes_on(folder: Path) -> None:
    run = RunFolder(folder)
    with pytest.raises(ValueError, match="x"), run.recording(CONFIG, resume=False):
        raise ValueError("x")
    run_to_its_end(folder, changed(resume=True))
    assert "message" not in read_record(folder)
    assert read_record(folder)["status"] == "finished"


def test_the_log_keeps_what_was_said_in_the_run_and_nothing_else(folder: Path) -> None:
    log = logging.getLogger("drawsim.somewhere")
    log.setLevel(logging.INFO)
    with RunFolder(folder).recording(CONFIG, resume=False):
        log.info("within é")
    log.info("after")
    with RunFolder(folder).recording(CONFIG, resume=True):
        log.info("again")
    text = (folder / "log.txt").read_text(encoding="utf-8")
    said = [line.partition("drawsim.somewhere: ")[2] for line in text.splitlines()]
    assert [words for words in said if words] == ["within é", "again"]
    assert "INFO" in text


def test_an_earlier_run_is_set_aside_whole(folder: Path) -> None:
    for value in (1, 2, 3):
        run_to_its_end(folder, best_epoch=value)
        (folder / "checkpoints").mkdir(exist_ok=True)
        (folder / "checkpoints" / "best.ckpt").write_text(str(value))
    assert read_record(folder)["best_epoch"] == 3
    previous = sorted((folder.parent / "_previous").iterdir())
    assert all(path.name.startswith("lite-seed0-") for path in previous)
    kept = {
        read_record(path)["best_epoch"]: (path / "checkpoints" / "best.ckpt").read_text()
        for path in previous
    }
    assert kept == {1: "1", 2: "2"}


def test_setting_aside_frees_the_folder(folder: Path) -> None:
    run = RunFolder(folder)
    run.set_aside()  # there is nothing yet
    assert not folder.parent.exists()
    run_to_its_end(folder, best_epoch=3)
    run.set_aside()
    run.set_aside()
    assert not folder.exists()
    [kept] = (folder.parent / "_previous").iterdir()
    assert read_record(kept)["best_epoch"] == 3


def test_files_of_others_in_the_folder_are_no_run(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    run_to_its_end(folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder.parent / "_previous").exists()


def test_resuming_keeps_the_record_and_sets_nothing_aside(folder: Path) -> None:
    run = RunFolder(folder)
    run.begin(CONFIG, resume=False)
    run.update(wandb_id="abc", gallery_size=9)
    run.add_seconds(fit=1.25)
    again = RunFolder(folder)
    again.begin(changed(resume=True, dry_run=False), resume=True)
    again.add_seconds(fit=0.5, embed=2)
    record = read_record(folder)
    assert (record["wandb_id"], record["gallery_size"]) == ("abc", 9)
    assert record["seconds"] == {"fit": 1.75, "embed": 2}
    assert not (folder.parent / "_previous").exists()


def test_resuming_what_never_began_begins(folder: Path) -> None:
    run_to_its_end(folder, changed(resume=True))
    assert read_record(folder)["status"] == "finished"


def test_resuming_with_other_settings_is_refused_and_names_them(folder: Path) -> None:
    run_to_its_end(folder, best_epoch=3)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = changed(
        resume=True,
        seed=1,
        backbone={"name": "lite", "weights": "w.pth", "pool": "avg"},
        optim={"lr": 1e-5, "momentum": 0.9},
    )
    with pytest.raises(UserError, match=r"\(backbone\.weights, optim\.momentum, seed\)") as error:
        RunFolder(folder).begin(other, resume=True)
    assert str(folder) in str(error.value)
    assert "name=" in str(error.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_finished_with_the_same_settings_only(folder: Path) -> None:
    run = RunFolder(folder)
    assert not run.finished_with(CONFIG)
    run.begin(CONFIG, resume=False)
    assert not run.finished_with(CONFIG), "it is still running"
    run.update(status="finished")
    assert run.finished_with(CONFIG)
    assert run.finished_with(changed(resume=True))
    assert not run.finished_with(changed(seed=1))
    assert not run.finished_with(changed(optim={"lr": 1e-4}))


def test_epochs_come_in_order_and_later_ones_go(folder: Path) -> None:
    run = RunFolder(folder)
    values = {
        epoch: {"val/mrr": 1 / (epoch + 3), "val/loss": 0.1 + epoch / 7} for epoch in range(9)
    }
    for epoch, row in values.items():
        run.write_epoch(epoch, row)
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # To the last digit, however often the table was rewritten since.
    assert {int(r["epoch"]): float(r["val/mrr"]) for r in rows} == {
        epoch: row["val/mrr"] for epoch, row in values.items()
    }
    run.write_epoch(4, {"val/mrr": 0.5, "lr": 0.25})
    table = pd.read_csv(folder / "metrics.csv")
    assert table["epoch"].tolist() == [0, 1, 2, 3, 4]
    assert table["val/mrr"].iloc[-1] == 0.5
    assert table["lr"].notna().tolist() == [False] * 4 + [True]


def test_other_processes_write_nothing(folder: Path) -> None:
    run = RunFolder(folder, writes=False)
    with run.recording(CONFIG, resume=False):
        run.update(best_epoch=1)
        run.write("a.txt", "a")
        run.write_table("a.csv", pd.DataFrame({"a": [1]}))
        run.write_epoch(0, {"a": 1.0})
        run.describe(0, SPLIT, SKIPPED)
    assert not folder.exists()
    assert run.record["best_epoch"] == 1


def test_other_processes_set_nothing_aside(folder: Path) -> None:
    run_to_its_end(folder)
    RunFolder(folder, writes=False).begin(CONFIG, resume=False)
    assert read_record(folder)["status"] == "finished"


SPLIT = pd.DataFrame(
    [
        ("d0", "a0", "train", 1, "d0"),
        ("d0_oil", "a0", "train", 1, "d0"),
        ("d1", "a1", "val", 0, "d1"),
        ("d1", "a2", "val", 0, "d1"),
        ("d2", "a3", "test", 4, "d2"),
    ],
    columns=["drawing_id", "artwork_id", "set", "cluster", "parent"],
)
SKIPPED = pd.DataFrame(
    [("drawing", "d9", "d9.png", "cut")], columns=["kind", "id", "path", "reason"]
)


def test_a_run_describes_what_it_stands_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "environment", lambda: {"git commit": "abc", "python": "3.x"})
    run = RunFolder(folder)
    run.describe(7, SPLIT, SKIPPED)
    assert (folder / "environment.txt").read_text() == "git commit: abc\npython: 3.x\nseed: 7\n"
    record = read_record(folder)
    assert record["counts"] == {
        "train": {"queries": 1, "pairs": 1},
        "val": {"queries": 1, "pairs": 2},
        "test": {"queries": 1, "pairs": 1},
    }
    assert record["skipped"] == {"drawings": 1, "artworks": 0}
    pd.testing.assert_frame_equal(pd.read_csv(folder / "split.csv"), SPLIT)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "skipped.csv"), SKIPPED)


def test_nothing_skipped_no_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "environment", dict)
    RunFolder(folder).describe(0, SPLIT, SKIPPED.head(0))
    assert not (folder / "skipped.csv").exists()
    assert read_record(folder)["skipped"] == {"drawings": 0, "artworks": 0}


def test_the_record_is_replaced_as_a_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing fails halfway, the record before it can still be read."""
    run = RunFolder(folder)
    run.update(best_epoch=1)

    def full_disk(self: Path, text: str, **settings: Any) -> int:
        self.write_bytes(text[:5].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space"):
        run.update(best_epoch=2)
    assert json.loads((folder / "metrics.json").read_text()) == {"best_epoch": 1}
    assert [path.name for path in folder.iterdir()] == ["metrics.json"]


def test_no_run_no_record(folder: Path) -> None:
    assert read_record(folder) == {}
