"""The copy of a run in W&B: from the run's tables, none twice, without login or network too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from drawsim.common.errors import UserError
from drawsim.learning.training.loggers import weights_and_biases as module
from drawsim.learning.training.loggers.weights_and_biases import (
    WandbCopy,
    _logged_in,
    _wandb_mode,
    wandb_copy,
)
from drawsim.runs.folder import RunFolder, read_record
from tests.wandb_files import epochs, offline_runs, records


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody is logged in; returns the home folder."""
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(Path, "home", lambda: home)
    return home


def test_without_login_it_is_offline(nobody: Path) -> None:
    assert not _logged_in()
    assert _wandb_mode("auto") == "offline"
    assert _wandb_mode("online") == "online"
    assert _wandb_mode("offline") == "offline"


def test_a_key_in_the_environment(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    assert _wandb_mode("auto") == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert _wandb_mode("auto") == "disabled", "W&B's own variable decides"
    assert _wandb_mode("offline") == "offline", "but not against the setting"
    monkeypatch.setenv("WANDB_MODE", "dryrun")
    assert _wandb_mode("auto") == "offline", "W&B's earlier word for it"
    monkeypatch.setenv("WANDB_MODE", "disable")
    with pytest.raises(UserError, match="WANDB_MODE=disable: did you mean disabled"):
        _wandb_mode("auto")


@pytest.mark.parametrize(
    ("machine", "server", "expected"),
    [
        ("api.wandb.ai", None, True),
        ("github.com", None, False),
        ("wandb.example.org", "https://wandb.example.org", True),
        ("localhost:8080", "http://localhost:8080", True),
        ("api.wandb.ai", "https://wandb.example.org", False),
    ],
)
def test_a_key_in_netrc_counts_for_its_server(
    nobody: Path, monkeypatch: pytest.MonkeyPatch, machine: str, server: str | None, expected: bool
) -> None:
    if server:
        monkeypatch.setenv("WANDB_BASE_URL", server)
    netrc = nobody / ".netrc"
    netrc.write_text(f"machine {machine}\n  login user\n  password {'x' * 40}\n")
    netrc.chmod(0o600)
    assert _logged_in() == expected
    elsewhere = netrc.rename(nobody / "keys")
    assert not _logged_in()
    monkeypatch.setenv("NETRC", str(elsewhere))
    assert _logged_in() == expected


def test_a_broken_netrc_is_no_login(nobody: Path) -> None:
    (nobody / ".netrc").write_text("machine\n}")
    assert not _logged_in()


def test_a_misspelt_mode() -> None:
    with pytest.raises(UserError, match=r"logger\.mode=onlin: did you mean online"):
        _wandb_mode("onlin")


CONFIG = {"study": "demo", "name": "lite", "monitor": "val/mrr", "seed": 3, "resume": False}


def settings(**values: Any) -> dict[str, Any]:
    plain = {"project": "drawsim", "entity": None, "tags": ["demo", "lite", None], "mode": "auto"}
    return {**plain, "wandb": True, "pictures": False, "artifacts": False, **values}


class Experiment:
    """Stands in for a W&B run, and keeps what it is given."""

    def __init__(self, folder: Path, mode: str, summary: Mapping[str, Any]) -> None:
        (folder / "files").mkdir(parents=True)
        self.dir = str(folder / "files")
        self.settings = SimpleNamespace(mode=mode)
        self.summary = dict(summary)
        self.rows: list[dict[str, Any]] = []
        self.metrics: dict[str, dict[str, Any]] = {}
        self.exit_code: int | None = None

    @property
    def epochs(self) -> list[int]:
        return [row["epoch"] for row in self.rows]

    def log(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def define_metric(self, name: str, **told: Any) -> None:
        self.metrics[name] = told

    def finish(self, exit_code: int) -> None:
        self.exit_code = exit_code


class Wandb:
    """Stands in for the library. on_server: the summary that W&B has of the run."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.on_server: dict[str, Any] = {}
        self.reachable = True

    def init(self, **arguments: Any) -> Experiment:
        json.dumps({key: value for key, value in arguments.items() if key != "settings"})
        self.started.append(arguments)
        mode = arguments["mode"]
        if mode == "online" and not self.reachable:
            raise ConnectionError("no route to host")
        kind = "offline-run" if mode == "offline" else "run"
        name = f"{kind}-{len(self.started)}-{arguments['id']}"
        summary = self.on_server if mode == "online" else {}
        return Experiment(Path(arguments["dir"], "wandb", name), mode, summary)


@pytest.fixture
def wandb(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> Wandb:
    stand_in = Wandb()
    monkeypatch.setattr("wandb.init", stand_in.init)
    return stand_in


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with three epochs behind it, the untrained model's among them."""
    folder = RunFolder(tmp_path / "run")
    folder.take(CONFIG, "new")
    for epoch, mrr in enumerate([0.2, 0.6, 0.4]):
        folder.write_epoch(epoch, {"val/mrr": mrr, "val/loss": 1 - mrr})
    return folder


def resumed(run: RunFolder) -> RunFolder:
    """The run as another process takes it up."""
    again = RunFolder(run.path)
    again.take(CONFIG, "resume")
    return again


def copied(run: RunFolder, **values: Any) -> tuple[WandbCopy, Any]:
    copy = wandb_copy(settings(**values), run, CONFIG)
    assert copy is not None
    return copy, copy.experiment


def mark_sent(copy: WandbCopy) -> None:
    """As `wandb sync` does."""
    (copy.folder / "run-x.wandb.synced").touch()


def test_not_wanted_disabled_or_in_another_process(
    wandb: Wandb, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wandb_copy(settings(wandb=False), run, CONFIG) is None
    assert wandb_copy(settings(mode="disabled"), run, CONFIG) is None
    assert wandb_copy(settings(), RunFolder(run.path, writes=False), CONFIG) is None
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert wandb_copy(settings(), run, CONFIG) is None
    assert not wandb.started
    assert not (run.path / "wandb").exists()


def test_an_epoch_is_logged_when_the_next_begins(wandb: Wandb, run: RunFolder) -> None:
    copy, experiment = copied(run)
    copy.on_train_epoch_start(SimpleNamespace(current_epoch=1), None)  # type: ignore[arg-type]
    assert experiment.rows == [
        {"epoch": 0, "val/mrr": 0.2, "val/loss": 0.8},
        {"epoch": 1, "val/mrr": 0.6, "val/loss": 0.4},
    ]
    copy.update()
    copy.update()
    assert experiment.epochs == [0, 1, 2], "none twice"
    assert read_record(run.path)["wandb_epochs"] == {copy.folder.name: 2}


def test_what_is_missing_in_the_table_is_no_number(wandb: Wandb, run: RunFolder) -> None:
    run.write_epoch(3, {"val/mrr": float("nan"), "lr": 1e-3})
    copy, experiment = copied(run)
    copy.update()
    assert experiment.rows[3] == {"epoch": 3, "lr": 1e-3}


def test_training_goes_on_if_w_and_b_fails(
    wandb: Wandb, run: RunFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    copy, experiment = copied(run)

    def fails(row: object) -> None:
        raise ConnectionError("broken pipe")

    monkeypatch.setattr(experiment, "log", fails)
    copy.on_train_epoch_start(SimpleNamespace(current_epoch=2), None)  # type: ignore[arg-type]
    assert "W&B lacks the last epoch (broken pipe)" in caplog.text
    monkeypatch.undo()
    copy.update()
    assert experiment.epochs == [0, 1, 2]


def test_what_was_never_sent_is_given_again_and_then_goes(wandb: Wandb, run: RunFolder) -> None:
    first, _ = copied(run)
    first.update()
    second, experiment = copied(resumed(run))
    assert first.folder.is_dir(), "until the new one has it all"
    second.update()
    assert experiment.epochs == [0, 1, 2]
    assert not first.folder.exists()
    assert read_record(run.path)["wandb_epochs"] == {second.folder.name: 2}
    third, experiment = copied(resumed(run))
    third.update()
    assert experiment.epochs == [0, 1, 2]
    assert len({started["id"] for started in wandb.started}) == 1


def test_what_was_sent_is_not_given_again(wandb: Wandb, run: RunFolder) -> None:
    first, _ = copied(run)
    first.update()
    mark_sent(first)
    run.write_epoch(3, {"val/mrr": 0.5})
    second, experiment = copied(resumed(run))
    second.update()
    assert experiment.epochs == [3]
    assert first.folder.is_dir()
    assert [started["resume"] for started in wandb.started] == [None, "allow"]
    second.finish(done=True)
    assert experiment.summary["val/mrr"] == {"max": 0.6}, "of all epochs, not of this process's"
    assert experiment.summary["val/loss"] == {"min": 0.4}
    assert experiment.summary["epoch"] == 3


def test_online_w_and_b_says_what_it_has(wandb: Wandb, run: RunFolder) -> None:
    wandb.on_server = {"epoch": 1}
    copy, experiment = copied(run, mode="online")
    copy.update()
    assert experiment.epochs == [2]
    assert wandb.started[-1]["resume"] == "allow"
    wandb.on_server = {}
    copy, experiment = copied(resumed(run), mode="online")
    copy.update()
    assert experiment.epochs == [0, 1, 2], "it was removed there"
    wandb.reachable = False
    run.write_epoch(3, {"val/mrr": 0.5})
    copy, experiment = copied(resumed(run), mode="online")
    copy.update()
    assert experiment.epochs == [3], "the others were given to W&B online"


def test_a_server_out_of_reach_means_offline_not_failure(
    wandb: Wandb, run: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    wandb.reachable = False
    copy, _ = copied(run, mode="online")
    assert [started["mode"] for started in wandb.started] == ["online", "offline"]
    assert "no route to host" in caplog.text
    assert copy.is_offline


def test_the_first_start_says_what_leaves_the_machine(
    wandb: Wandb, run: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    copied(run)
    sent = "given settings, scores, ids, notes on the machine"
    assert f"{sent} once it is uploaded; pictures and weights and split stay here" in caplog.text
    assert "(logger.pictures, logger.artifacts)" in caplog.text
    caplog.clear()
    copied(resumed(run))
    assert "stay here" not in caplog.text, "once"
    anew = RunFolder(run.path)
    anew.take(CONFIG, "anew")
    copied(anew, pictures=True, artifacts=True)
    assert f"{sent}, pictures, weights and split once" in caplog.text


def test_epochs_are_the_axis_and_the_summary_has_the_best(wandb: Wandb, run: RunFolder) -> None:
    _, experiment = copied(run)
    metrics = experiment.metrics
    assert metrics["*"] == {"step_metric": "epoch"}
    ranked = ("mrr", "recall@20", "hit_rate@5", "ndcg@10", "map@5", "precision@1")
    for name in (f"{part}/{metric}" for part in ("train", "val") for metric in ranked):
        assert metrics[name] == {"step_metric": "epoch", "summary": "max"}, name
    for name in ("val/loss", "val/median_rank", "train/normalised_rank"):
        assert metrics[name] == {"step_metric": "epoch", "summary": "min"}, name


def test_the_agent_of_a_sweep_names_the_run(
    wandb: Wandb, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "swept")
    copied(run)
    assert wandb.started[-1]["id"] == "swept"


@pytest.mark.parametrize("before", [None, "/elsewhere"])
def test_the_environment_is_as_it_was(
    wandb: Wandb, run: RunFolder, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before is None:
        monkeypatch.delenv("WANDB_DATA_DIR", raising=False)
    else:
        monkeypatch.setenv("WANDB_DATA_DIR", before)
    copy, _ = copied(run)
    with copy.keeping():
        assert os.environ["WANDB_DATA_DIR"] == str(run.path / "wandb")
    assert os.environ.get("WANDB_DATA_DIR") == before


@pytest.fixture
def real_wandb(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """W&B itself; it leaves nothing running."""
    import wandb

    monkeypatch.setenv("WANDB_CONFIG_DIR", str(nobody))
    yield
    wandb.teardown()


@pytest.mark.usefixtures("real_wandb")
def test_w_and_b_writes_every_epoch_into_the_run_folder(run: RunFolder) -> None:
    """The real library; its settings are those that keep what a killed process has logged."""
    copy, experiment = copied(run)
    assert experiment.settings.x_transaction_log_flush_interval == module.FLUSH_SECONDS
    assert (experiment.group, experiment.name, experiment.project) == ("demo", "lite", "drawsim")
    assert experiment.tags == ("demo", "lite")
    assert dict(experiment.config) == CONFIG
    copy.update()
    copy.finish(done=True)
    outside = {path.name for path in run.path.parent.iterdir()} - {"run", "home"}
    assert outside == set()
    [folder] = offline_runs(run.path)
    assert folder == copy.folder
    assert epochs(folder) == [0, 1, 2]
    rows = pd.DataFrame([row["item"] for row in records(folder, "history")])
    table = pd.read_csv(run.path / "metrics.csv")
    pd.testing.assert_frame_equal(rows[table.columns], table, check_like=True)
    [done] = records(folder, "exit")
    assert done["exit_code"] == 0
