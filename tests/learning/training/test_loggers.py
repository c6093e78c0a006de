"""Where scalars go: a plain table that survives kills, and W&B without login or network."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning.loggers import WandbLogger

from drawsim.common.errors import UserError
from drawsim.learning.training.loggers.make import make_loggers
from drawsim.learning.training.loggers.steps import StepLog
from drawsim.learning.training.loggers.weights_and_biases import _logged_in, _wandb_mode
from drawsim.runs.folder import RunFolder, read_record

Lines = list[tuple[str, str, str]]


def lines(path: Path) -> Lines:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["step", "name", "value"]
    return [(step, name, value) for step, name, value in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "steps.csv"


def test_scalars_in_long_form(path: Path) -> None:
    log = StepLog(path)
    log.log_hyperparams({"a": 1})
    log.log_metrics({"train/loss": 0.1 + 0.2, "lr": 1e-6}, step=0)
    log.log_metrics({"train/loss": float("nan")}, step=1)
    assert lines(path) == [
        ("0", "train/loss", "0.30000000000000004"),
        ("0", "lr", "1e-06"),
        ("1", "train/loss", "nan"),
    ]


def test_a_resumed_run_goes_on_where_it_is_taken_up(path: Path) -> None:
    first = StepLog(path)
    for step in range(12):
        first.log_metrics({"loss": step / 7, "x,y": 1.0}, step=step)
    before = lines(path)
    resumed = StepLog(path)
    assert lines(path) == before, "nothing is dropped until something takes its place"
    for step in range(8, 12):
        resumed.log_metrics({"loss": step / 7, "x,y": 1.0}, step=step)
    assert lines(path) == before, "as if the run had not been broken, to the last digit"


@pytest.mark.parametrize("left", ["", "st", "step,name,value\n", "step,name,value\n3,l"])
def test_whatever_a_kill_has_left_of_the_first_lines(path: Path, left: str) -> None:
    path.write_text(left)
    StepLog(path).log_metrics({"loss": 0.5}, step=3)
    assert lines(path) == [("3", "loss", "0.5")]


@pytest.mark.parametrize("torn", ["1", "12", "12,", "12,lo", "12,loss", "12,loss,", "12,loss,0.2"])
def test_a_torn_last_line_goes(path: Path, torn: str) -> None:
    path.write_text(f"step,name,value\n0,loss,0.5\n1,loss,nan\n{torn}")
    StepLog(path).log_metrics({"loss": 0.25}, step=12)
    assert lines(path) == [("0", "loss", "0.5"), ("1", "loss", "nan"), ("12", "loss", "0.25")]


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
    return {**plain, "csv": False, "wandb": False, **values}


def test_other_processes_log_nothing(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", writes=False)
    assert make_loggers(settings(csv=True, wandb=True), run, CONFIG) == []
    assert list(tmp_path.iterdir()) == []


def test_the_plain_table_alone(tmp_path: Path) -> None:
    [logger] = make_loggers(settings(csv=True), RunFolder(tmp_path), CONFIG)
    assert isinstance(logger, StepLog)
    assert logger.path == tmp_path / "steps.csv"
    assert (logger.name, logger.version) == ("steps", 0)
    assert make_loggers(settings(), RunFolder(tmp_path), CONFIG) == []


@pytest.fixture
def quiet_wandb(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """W&B that leaves nothing in the environment or running."""
    import wandb

    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(nobody))
    yield
    wandb.finish()


@pytest.mark.usefixtures("quiet_wandb")
def test_wandb_offline_stays_in_the_run_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    run = RunFolder(tmp_path / "run")
    run.take(CONFIG, "new")
    plain, wandb_logger = make_loggers(settings(csv=True, wandb=True), run, CONFIG)
    assert isinstance(plain, StepLog)
    assert isinstance(wandb_logger, WandbLogger)
    experiment = wandb_logger.experiment
    assert experiment.settings.mode == "offline"
    assert (experiment.group, experiment.name) == ("demo", "lite")
    assert experiment.project == "drawsim"
    assert experiment.tags == ("demo", "lite")
    assert dict(experiment.config) == CONFIG
    identity = read_record(run.path)["wandb_id"]
    assert experiment.id == identity
    for step, mrr in enumerate([0.2, 0.6, 0.4]):
        wandb_logger.log_metrics({"val/mrr": mrr, "val/loss": 1 - mrr}, step=step)
    experiment.finish()
    assert list((run.path / "wandb").glob(f"offline-run-*-{identity}/*.wandb"))
    assert f"wandb sync {run.path}" in caplog.text
    outside = {path.name for path in tmp_path.iterdir()} - {"run", "home"}
    assert outside == set()

    # Taken up again it is the same W&B run.
    resumed = RunFolder(run.path)
    resumed.take({**CONFIG, "resume": True}, "resume")
    [again] = make_loggers(settings(wandb=True), resumed, CONFIG)
    assert isinstance(again, WandbLogger)
    assert again.experiment.id == identity


def test_a_server_out_of_reach_means_offline_not_failure(
    nobody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import wandb

    modes: list[str] = []

    class Experiment:
        dir = "wandb/offline-run-1/files"
        summaries: dict[str, str] = {}  # noqa: RUF012

        def define_metric(self, name: str, summary: str) -> None:
            self.summaries[name] = summary

    def init(**arguments: Any) -> Experiment:
        modes.append(arguments["mode"])
        json.dumps({key: value for key, value in arguments.items() if key != "settings"})
        if arguments["mode"] == "online":
            raise wandb.errors.CommError("no route to host")
        return Experiment()

    monkeypatch.setenv("WANDB_DATA_DIR", "")
    monkeypatch.setenv("WANDB_CACHE_DIR", "")
    monkeypatch.setattr(wandb, "init", init)
    make_loggers(settings(wandb=True, mode="online"), RunFolder(tmp_path), CONFIG)
    assert modes == ["online", "offline"]
    assert "no route to host" in caplog.text
    summaries = Experiment.summaries
    assert summaries["val/mrr"] == summaries["val/recall@20"] == "max"
    assert (
        summaries["val/hit_rate@5"] == summaries["val/ndcg@10"] == summaries["val/map@5"] == "max"
    )
    assert summaries["val/loss"] == summaries["val/median_rank"] == "min"
    assert summaries["val/normalised_rank"] == "min"
