"""Runs that were moved, killed or trained without W&B: it is given what it lacks, and their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from drawsim.common.errors import UserError
from drawsim.runs.folder import RunFolder, read_record
from drawsim.runs.lock import locked
from drawsim.workflows.wandb_copies import renew, sync
from tests.commands import Command
from tests.wandb_files import epochs, files_of, offline_runs, records
from tests.wandb_server import Run, serving

CONFIG = {
    **{"study": "demo", "name": "lite", "monitor": "val/mrr", "data": {"name": "demo"}},
    "logger": {"name": "csv", "csv": True, "wandb": False, "project": "drawsim", "mode": "auto"},
}
SCORES = {"val": {"mrr": 0.5}, "test": {"mrr": 0.25}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of two epochs that was trained without W&B."""
    folder = RunFolder(tmp_path / "demo" / "lite")
    folder.take(CONFIG, "new")
    for epoch, mrr in enumerate([0.2, 0.6, 0.4]):
        folder.write_epoch(epoch, {"val/mrr": mrr})
    row = {"set": "val", "drawing_id": "d1", "relevant_ids": '["a1"]', "top_ids": '["a1", "a2"]'}
    rows = [{**row, "model": one, "relevant_ranks": "[1.0]"} for one in ("baseline", "final")]
    folder.write_table("ranks.csv", pd.DataFrame(rows))
    folder.write("split.csv", "drawing_id\nd1\n")
    (folder.path / "checkpoints").mkdir()
    (folder.path / "checkpoints" / "best.ckpt").write_bytes(b"weights")
    folder.update(baseline=SCORES, final=SCORES, best_epoch=1, counts={}, status="finished")
    folder.update(inputs={"drawings.csv": "12ab"})
    return folder.path


@pytest.fixture
def real_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """W&B itself, offline; it leaves nothing running."""
    import wandb

    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    yield
    wandb.teardown()


def artifacts(run: Path) -> dict[str, list[Path]]:
    """Type of artifact -> its files, of the one offline run of a folder."""
    [folder] = offline_runs(run)
    return {one["type"]: files_of(one) for one in records(folder, "artifact")}


@pytest.mark.usefixtures("real_wandb")
def test_a_run_that_was_moved_has_its_own_files(run: Path) -> None:
    sent = sync(run, {"mode": "offline", "artifacts": True})
    assert sent.offline
    assert sent.epochs == 2
    [weights] = artifacts(run)["model"]
    assert weights.samefile(run / "checkpoints/best.ckpt")
    moved = run.rename(run.parent / "elsewhere")
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints/best.ckpt").write_bytes(b"of another run")
    assert not any(file.exists() for files in artifacts(moved).values() for file in files)
    renew(moved)
    [folder] = offline_runs(moved)
    assert epochs(folder) == [0, 1, 2]
    # Its own settings say that weights stay: they were sent because somebody said so then.
    assert artifacts(moved).keys() == {"dataset", "run_table"}
    assert artifacts(moved)["run_table"][0].is_relative_to(moved)
    assert artifacts(moved)["run_table"][0].exists()


def test_nothing_is_renewed_where_nothing_waits(run: Path) -> None:
    before = read_record(run)
    renew(run)
    waiting = run / "wandb" / "offline-run-1-x"
    waiting.mkdir(parents=True)
    RunFolder(run).take(CONFIG, "resume")  # unfinished
    renew(run)
    assert [waiting] == offline_runs(run)
    assert "wandb_id" not in {**before, **read_record(run)}


def test_what_cannot_be_synced(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        sync(tmp_path, {})
    with pytest.raises(UserError, match="W&B is disabled; take mode=online or mode=offline"):
        sync(run, {"mode": "disabled"})
    with locked(run), pytest.raises(UserError, match="running since"):
        sync(run, {"mode": "offline"})


def test_online_nothing_is_sent_twice(run: Path, tmp_path: Path) -> None:
    """A server on this machine, which has two epochs already, keeps what the command sends it."""
    identity = "abcd1234"
    folder = RunFolder(run)
    folder.record = read_record(run)
    folder.update(wandb_id=identity)
    there = {epoch: {"_step": epoch, "epoch": epoch} for epoch in (0, 1)}
    with serving() as server:
        server.runs[identity] = Run(there, {"epoch": 1})
        variables = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "x" * 40}
        variables |= {"WANDB_CONFIG_DIR": str(tmp_path)}
        done = Command("sync", f"runs={run}", "artifacts=true", environment=variables).done()
    assert done.returncode == 0, done
    assert f"sent as far as epoch 2; {server.url}/me/drawsim/runs/{identity}" in done.stdout
    got = server.runs[identity]
    assert got.epochs == [0, 1, 2]
    assert got.summary["epoch"] == 2
    assert got.summary["val/mrr"] == {"max": 0.6}
    assert got.summary["final/test/mrr"] == 0.25
    assert got.exit_code == 0
    assert sorted(server.artifacts) == [
        ("dataset", "collection-demo"),
        ("model", f"model-{identity}"),
        ("run_table", f"run-{identity}-queries"),
        ("split", f"split-{identity}"),
    ]
    assert server.sizes["/artifact/best.ckpt"] == len(b"weights")
    assert len(server.used) == 1, "the collection is its input"
