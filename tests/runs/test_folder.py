"""The run folder: what it holds at each end a run can come to, and how it is taken up again."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from drawsim.common.errors import UserError
from drawsim.runs import folder as runs
from drawsim.runs.folder import RunFolder, Start, in_starts, read_record, run_to_extend

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


def run_to_its_end(
    folder: Path, settings: dict[str, Any] = CONFIG, again: bool = False, **results: Any
) -> None:
    run = RunFolder(folder)
    start = run.find(settings, resume=settings["resume"], again=again)
    with run.recording(settings, start):
        run.begun()
        run.update(**results)


@contextmanager
def begun(run: RunFolder) -> Iterator[None]:
    with run.recording(CONFIG, "new"):
        run.begun()
        yield


def content(folder: Path) -> dict[str, bytes]:
    """All that is below a folder, with the times of its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        f"{path.relative_to(folder)} {path.stat().st_mtime_ns}": path.read_bytes() for path in files
    }


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
    with run.recording(CONFIG, "new"):
        assert read_record(folder)["status"] == "running"


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_run_says_how_to_go_on(folder: Path, signal: BaseException) -> None:
    run = RunFolder(folder)
    with pytest.raises(KeyboardInterrupt), begun(run):
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
    with pytest.raises(type(error)), begun(run):
        raise error
    record = read_record(folder)
    assert (record["status"], record["message"]) == ("failed", message)


def test_a_message_goes_when_the_run_goes_on(folder: Path) -> None:
    run = RunFolder(folder)
    with pytest.raises(ValueError, match="x"), begun(run):
        raise ValueError("x")
    run_to_its_end(folder, changed(resume=True))
    assert "message" not in read_record(folder)
    assert read_record(folder)["status"] == "finished"


def test_the_log_keeps_what_was_said_in_the_run_and_nothing_else(folder: Path) -> None:
    log = logging.getLogger("drawsim.somewhere")
    log.setLevel(logging.INFO)
    with RunFolder(folder).recording(CONFIG, "new"):
        log.info("within é")
    log.info("after")
    with RunFolder(folder).recording(CONFIG, "resume"):
        log.info("again")
    text = (folder / "log.txt").read_text(encoding="utf-8")
    said = [line.partition("drawsim.somewhere: ")[2] for line in text.splitlines()]
    assert [words for words in said if words] == ["within é", "again"]
    assert "INFO" in text


def test_an_earlier_run_is_set_aside_whole(folder: Path) -> None:
    for value in (1, 2, 3):
        run_to_its_end(folder, again=True, best_epoch=value)
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
    run.take(CONFIG, "new")
    run.update(wandb_id="abc", gallery_size=9)
    run.add_seconds(fit=1.25)
    again = RunFolder(folder)
    again.take(changed(resume=True), again.find(CONFIG, resume=True, again=False))
    again.add_seconds(fit=0.5, embed=2)
    again.add_start(4.0)
    record = read_record(folder)
    assert (record["wandb_id"], record["gallery_size"]) == ("abc", 9)
    assert record["seconds"] == {"fit": 1.75, "embed": 2, "total": 4}
    again.add_start(1.5)
    again.update(commands=[[], [], []])  # one was killed outright
    assert read_record(folder)["seconds"]["total"] == 5.5
    assert in_starts(read_record(folder)) == ", over 2 of 3 starts"
    assert not (folder.parent / "_previous").exists()


def test_resuming_what_never_began_begins(folder: Path) -> None:
    run_to_its_end(folder, changed(resume=True))
    assert read_record(folder)["status"] == "finished"


OTHER = changed(seed=1, backbone={"name": "lite", "weights": "w.pth", "pool": "avg"})


@pytest.mark.parametrize("resume", [True, False])
def test_other_settings_under_the_same_name_are_refused_and_named(
    folder: Path, resume: bool
) -> None:
    run_to_its_end(folder, best_epoch=3)
    before = content(folder)
    other = {**OTHER, "optim": {"lr": 1e-5, "momentum": 0.9}}
    said = r"backbone\.weights null → w\.pth, optim\.momentum null → 0\.9, seed 0 → 1\)"
    with pytest.raises(UserError, match=said) as error:
        RunFolder(folder).find(other, resume=resume, again=False)
    assert str(error.value).startswith(f"{folder}: ")
    assert "name=" in str(error.value)
    assert "again=true" in str(error.value)
    assert "\n" not in str(error.value)
    assert content(folder) == before
    assert RunFolder(folder).find(other, resume=False, again=True) == "anew"


def test_how_a_run_starts(folder: Path) -> None:
    run = RunFolder(folder)

    def start(resume: bool = False, again: bool = False, **values: Any) -> str:
        return run.find(changed(**values), resume=resume, again=again)

    assert (start(), start(resume=True), start(again=True)) == ("new",) * 3
    run.take(CONFIG, "new")
    assert (start(), start(resume=True), start(again=True)) == ("anew", "resume", "anew")
    run.update(status="finished")
    assert (start(), start(resume=True), start(again=True)) == ("finished", "finished", "anew")
    assert start(resume=True, workers=3, out="elsewhere", logger={"wandb": True}) == "finished"
    with pytest.raises(UserError, match="resume and again"):
        start(resume=True, again=True)


def test_a_run_goes_on_with_more_epochs_but_not_with_fewer(folder: Path) -> None:
    def epochs(number: int) -> dict[str, Any]:
        return changed(trainer={"max_epochs": number})

    run_to_its_end(folder, epochs(10))
    run = RunFolder(folder)
    assert run.find(epochs(20), resume=True, again=False) == "resume"
    with pytest.raises(UserError, match=r"trainer\.max_epochs 10 → 20"):
        run.find(epochs(20), resume=False, again=False)
    with pytest.raises(UserError, match=r"trainer\.max_epochs 10 → 5"):
        run.find(epochs(5), resume=True, again=False)
    with pytest.raises(UserError, match=r"seed 0 → 1"):
        run.find({**epochs(20), "seed": 1}, resume=True, again=False)
    assert run_to_extend(folder.parent, epochs(20)) == folder.name
    assert run_to_extend(folder.parent, epochs(10)) == folder.name
    assert run_to_extend(folder.parent, epochs(5)) is None
    assert run_to_extend(folder.parent / "none", epochs(5)) is None


def test_settings_of_before_are_those_of_today(folder: Path) -> None:
    run_to_its_end(folder)
    text = (folder / "config.yaml").read_text() + "batch:\n  share: true\n"
    (folder / "config.yaml").write_text(text)
    now = changed(batch={"in_batch_negatives": True})
    assert RunFolder(folder).find(now, resume=False, again=False) == "finished"


def half_a_start(folder: Path, start: Start, error: BaseException) -> None:
    with RunFolder(folder).recording(OTHER, start):
        (folder / "queries").mkdir()
        (folder / "queries" / "a.png").write_text("half")
        raise error


@pytest.mark.parametrize("error", [UserError("no memory"), KeyboardInterrupt(), ValueError("x")])
def test_a_start_that_fails_displaces_nothing(folder: Path, error: BaseException) -> None:
    run_to_its_end(folder, best_epoch=3)
    before = content(folder)
    with pytest.raises(type(error)):
        half_a_start(folder, "anew", error)
    assert content(folder) == before
    assert list(folder.parent.iterdir()) == [folder]


def test_a_first_start_that_fails_leaves_nothing_of_its_own(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError), RunFolder(folder).recording(CONFIG, "new"):
        raise UserError("no data")
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_resumption_that_fails_at_its_start_leaves_the_run_as_it_was(folder: Path) -> None:
    run_to_its_end(folder, best_epoch=3)
    kept = [(folder / name).read_bytes() for name in ("config.yaml", "metrics.json")]
    with pytest.raises(UserError):
        half_a_start(folder, "resume", UserError("no memory"))
    assert [(folder / name).read_bytes() for name in ("config.yaml", "metrics.json")] == kept
    assert not (folder / "queries").exists()


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
    with run.recording(CONFIG, "anew"):
        run.update(best_epoch=1)
        run.write("a.txt", "a")
        run.write_table("a.csv", pd.DataFrame({"a": [1]}))
        run.write_epoch(0, {"a": 1.0})
        run.describe(0, SPLIT, SKIPPED)
    assert not folder.exists()
    assert run.record["best_epoch"] == 1


def test_other_processes_set_nothing_aside(folder: Path) -> None:
    run_to_its_end(folder)
    with pytest.raises(KeyError), RunFolder(folder, writes=False).recording(CONFIG, "anew"):
        raise KeyError
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
