"""Starting a command: what the command line may say, and the one line that answers a mistake."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from drawsim import __main__, __version__
from drawsim.common.errors import UserError
from drawsim.common.launch import (
    CANCELLED,
    NOBODY_READS,
    Job,
    JobFailedError,
    Task,
    launch,
    output_folder,
)
from drawsim.train import TEXTS, run_name
from tests.common.options import OPTIONS


@pytest.fixture(autouse=True)
def _clean_hydra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    yield
    GlobalHydra.instance().clear()


Start = Callable[..., tuple[int, str]]


@pytest.fixture
def start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Start:
    """Starts the command `train` on a task of the test's; returns exit code and standard error."""
    monkeypatch.chdir(tmp_path)

    def run_it(arguments: Sequence[str], task: Task = lambda config: None) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["train", *arguments])
        code: Any = 0
        try:
            launch("train", task, texts=TEXTS, run_name=run_name)
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr().err

    return run_it


def program(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`python …` in a folder of its own, with the package where this one is."""
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ("backbone.pol=max", "backbone.pol: no such setting, did you mean backbone.pool"),
        ("backbone=litee", "backbone=litee: no such option, did you mean lite"),
        ("seed=abc", "seed=abc: must be a whole number"),
    ],
)
def test_a_mistake_as_the_user_sees_it(tmp_path: Path, argument: str, answer: str) -> None:
    run = program("-m", "drawsim.train", argument, folder=tmp_path)
    assert run.returncode == 1
    [line] = run.stderr.splitlines()
    assert line.startswith(f"drawsim: {answer}")
    assert run.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_help_shows_examples_and_every_choice_and_needs_no_torch(tmp_path: Path) -> None:
    run = program("-X", "importtime", "-m", "drawsim.train", "--help", folder=tmp_path)
    assert run.returncode == 0
    assert "python -m drawsim.train resume=true" in run.stdout
    for group, option in OPTIONS:
        assert re.search(rf"^{group}: .*\b{option}\b", run.stdout, re.MULTILINE)
    assert "max_epochs: 6" in run.stdout
    imported = {line.split("|")[-1].strip() for line in run.stderr.splitlines()}
    assert "hydra" in imported
    assert not imported & {"torch", "pandas", "wandb", "timm"}
    assert list(tmp_path.iterdir()) == []


def test_help_that_nobody_reads_on_ends_quietly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [sys.executable, "-m", "drawsim.search", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (NOBODY_READS, b"")


def test_drawsim_starts_a_command(tmp_path: Path) -> None:
    run = program("-m", "drawsim", "train", "--cfg", "job", "seed=7", folder=tmp_path)
    assert run.returncode == 0
    assert "seed: 7\n" in run.stdout
    run = program("-m", "drawsim", "train", "sede=7", folder=tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith("drawsim: sede: no such setting, did you mean seed")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_drawsim_lists_its_commands(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["drawsim", *arguments])
    __main__.main()
    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown and text in shown for name, text in __main__.COMMANDS.items())
    package = Path(__main__.__file__).parent
    for name in __main__.COMMANDS:
        files = (package / f"{name}.py", package / name / "__main__.py")
        assert any(file.is_file() for file in files)


def test_the_command_tells_its_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["drawsim", "--version"])
    __main__.main()
    assert capsys.readouterr().out == f"{__version__}\n"


def test_no_such_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["drawsim", "evaluat", "seed=1"])
    with pytest.raises(SystemExit) as end:
        __main__.main()
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert shown.err == "drawsim: evaluat: no such command, did you mean evaluate or annotate?\n"
    assert shown.out == ""


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (
            f"name={300 * 'n'}",
            f"runs/demo/{300 * 'n'}: has a name that is too long; name it shorter",
        ),
        ("sede=1", "sede: no such setting, did you mean seed "),
        ("bakcbone=lite", "bakcbone: no such setting, did you mean backbone "),
        ("bakcbone.pool=max", "bakcbone: no such setting, did you mean backbone "),
        ("optim.optimiser.lr=1", "optim.optimiser: no such setting, did you mean optim.optimizer"),
        ("trainer.max_epoch=3", "trainer.max_epoch: no such setting, did you mean trainer.max_ep"),
        ("~bakcbone", "bakcbone: no such setting, did you mean backbone "),
        ("+sede=1", "sede: no such setting, did you mean seed "),
        ("+bakcbone=lite", "bakcbone: no such setting, did you mean backbone "),
        ("split=v99", "split=v99: no such option, did you mean v9 "),
        ("+experiment=tinny", "experiment=tinny: no such option, did you mean tiny?"),
        ("data=folder", "data.root must be given: data.root=…"),
        ("backbone=timm", "backbone.model must be given: backbone.model=…"),
        ("resume=maybe", "resume=maybe: must be true or false"),
        ("seed=1.5", "seed=1.5: must be a whole number"),
        ("seed=true", "seed=true: must be a whole number"),
        ("aug.jitter=yes", "aug.jitter=yes: must be a number"),
        ("optim=sgd optim.optimizer.momentum=x", "optim.optimizer.momentum=x: must be a number"),
        (
            "batch=3",
            "batch=3: set one of batch.size, batch.grouped, batch.in_batch_negatives, ",
        ),
        ("seed=a image_size=b", "seed=a: must be a whole number; image_size=b: must be"),
        ("seed==1=", "seed==1=: must be a whole number"),
        ("backbone=[lite", "backbone='[lite': a list names each network once"),
        ("hydra.foo=1", "hydra.foo: no such setting, did you mean "),
        ("hydra.launcher.x=1", "hydra.launcher.x: choose one that has settings, hydra/launcher=jo"),
        (
            "hydra/launcher=joblib hydra.launcher.n_job=2",
            "hydra.launcher.n_job: no such setting, did you mean hydra.launcher.n_jobs ",
        ),
        (
            "hydra/sweeper=optuna hydra.sweeper.n_trails=2",
            "hydra.sweeper.n_trails: no such setting, did you mean hydra.sweeper.n_trials ",
        ),
        ("+hparams_serach=tiny", "hparams_serach: no such setting, did you mean hparams_search"),
        ("name=${sede}", "${sede}: no such setting; where the text itself is meant"),
        ("~logger", "~logger: cannot be left out; logger=csv does the least"),
        ("~callbacks", "~callbacks: cannot be left out; ~callbacks.progress for no progress bar"),
        ("~batch.size", "~batch.size: cannot be left out"),
        ("experiment=best", "experiment=best: is added to the other choices, so with a plus: +exp"),
        ("experiment=bestt", "experiment=bestt: is added to the other choices"),
        ("batch.share=false", "batch.share is now batch.in_batch_negatives"),
        ("+batch.share=false", "batch.share is now batch.in_batch_negatives"),
        ("+batch.sise=3", "batch.sise: no such setting, did you mean batch.size"),
        ("+data.rooot=x", "data.rooot: no such setting, "),
        ("+logger.online=true", "logger.online: no such setting, "),
        ("+step=drawings", "step: no such setting, "),
        ("step=drawings", "step: no such setting, "),
    ],
)
def test_mistakes_are_answered_in_one_line_and_leave_nothing(
    start: Start, tmp_path: Path, arguments: str, answer: str
) -> None:
    calls: list[DictConfig] = []
    code, shown = start(arguments.split(" "), calls.append)
    assert code == 1
    [line] = shown.splitlines()
    assert line.startswith(f"drawsim: {answer}")
    assert calls == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        "seed=3 image_size=96",
        "aug.rotate=2.5 optim.optimizer.lr=1 loss.margin=1",
        "workers=2 backbone.weights=w.pth trainer.gradient_clip_val=0.5",
        "aug=style aug.style_p=0.5",
        "image_size=${batch.embed}",
        "+trainer.limit_train_batches=2 +optim.optimizer.amsgrad=true",
        "~callbacks.progress",
    ],
)
def test_what_is_right_is_let_through(start: Start, arguments: str) -> None:
    calls: list[DictConfig] = []
    assert start(arguments.split(" "), calls.append) == (0, "")
    assert len(calls) == 1


def test_the_task_gets_its_configuration_and_its_folder(start: Start, tmp_path: Path) -> None:
    seen: list[Any] = []

    def task(config: DictConfig) -> None:
        seen.extend((config.seed, output_folder(), Path.cwd()))
        (output_folder() / "metrics.json").write_text("{}")

    assert start(["seed=4", "aug=none", "split=v2"], task) == (0, "")
    name = "lite-none-v2-seed4"
    assert seen == [4, tmp_path / "runs" / "demo" / name, tmp_path]
    assert sorted(tmp_path.rglob("*.*")) == [tmp_path / "runs" / "demo" / name / "metrics.json"]


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        ("", "demo/lite-light-v0-seed0"),
        ("backbone=timm backbone.model=a/b", "demo/a_b-light-v0-seed0"),
        ("+experiment=best", "best-demo/lite-none-v0-seed0-best"),
        ("+experiment=best loss=triplet", "best-demo/lite-none-v0-seed0-best-triplet"),
        ("data=folder data.root=/x/mine", "mine/lite-light-v0-seed0"),
        ("+experiment=tiny data=folder data.root=/x/mine", "tiny-mine/lite-light-v0-seed0-tiny"),
        ("loss=infonce optim.optimizer.lr=1e-3", "demo/lite-light-v0-seed0-infonce-lr0.001"),
        ("trainer=ddp logger=csv workers=2", "demo/lite-light-v0-seed0-ddp"),
        (
            "rerank=[k_reciprocal,spatial] rerank.spatial.depth=9",
            "demo/lite-light-v0-seed0-k_reciprocal+spatial-spatial.depth9",
        ),
        ("rerank=[]", "demo/lite-light-v0-seed0"),
        ("seed=3 aug=none split=v2", "demo/lite-none-v2-seed3"),
        ("data.demo.pairs=40", "demo/lite-light-v0-seed0-pairs40"),
        ("data.demo.cache=/x hydra.job.chdir=true", "demo/lite-light-v0-seed0"),
        ("image_size=96 aug.size=64", "demo/lite-light-v0-seed0-aug.size64-image_size96"),
        ("name=mine study=ours loss=infonce", "ours/mine"),
        ("+trainer.limit_train_batches=2", "demo/lite-light-v0-seed0-limit_train_batches2"),
        ("~callbacks.progress", "demo/lite-light-v0-seed0"),
        ("aug.styles=[oil]", "demo/lite-light-v0-seed0-styles-ac86fa1a"),
    ],
)
def test_folders_say_what_was_chosen(
    start: Start, tmp_path: Path, arguments: str, folder: str
) -> None:
    seen: list[Path] = []
    answer = start(arguments.split(), lambda config: seen.append(output_folder()))
    assert answer == (0, "")
    assert seen == [tmp_path / "runs" / folder]


def test_a_user_error_in_a_task(start: Start, tmp_path: Path) -> None:
    def task(config: DictConfig) -> None:
        raise UserError("a.csv: two problems\n  row 2\n  row 3")

    assert start([], task) == (1, "drawsim: a.csv: two problems\n  row 2\n  row 3\n")
    assert list(tmp_path.iterdir()) == []


def test_a_defect_shows_the_whole_story_and_keeps_what_was_written(start: Start) -> None:
    def task(config: DictConfig) -> None:
        (output_folder() / "half").write_text("x")
        raise ZeroDivisionError

    code, shown = start(["out=here"], task)
    assert code == 1
    assert "Traceback" in shown
    assert "ZeroDivisionError" in shown
    assert [path.name for path in Path("here").rglob("half")] == ["half"]


def test_a_change_of_folder_changes_nothing(start: Start, tmp_path: Path) -> None:
    seen: list[Path] = []
    code, _ = start(["hydra.job.chdir=true"], lambda config: seen.append(Path.cwd()))
    assert (code, seen) == (0, [tmp_path])


def test_a_job_is_alone_on_its_command_line(start: Start, tmp_path: Path) -> None:
    """Helper processes are started with it: they are not to go through the sweep."""
    own = tmp_path / "mine"
    own.mkdir()
    seen: list[list[str]] = []
    before = ["-m", "--config-dir", str(own), "seed=0,1", "aug=none"]
    code, _ = start(before, lambda config: seen.append(sys.argv[1:]))
    assert code == 0
    assert seen == [["--config-dir", str(own), f"seed={seed}", "aug=none"] for seed in (0, 1)]


def test_a_job_can_be_sent_to_another_process() -> None:
    job = pickle.loads(pickle.dumps(Job("train", print, {"run_name": run_name})))
    assert (job.command, job.task, job.resolvers) == ("train", print, {"run_name": run_name})
    failed = pickle.loads(pickle.dumps(JobFailedError("why")))
    assert (type(failed), str(failed)) == (JobFailedError, "why")


def test_ctrl_c(start: Start) -> None:
    def task(config: DictConfig) -> None:
        raise KeyboardInterrupt

    code, shown = start([], task)
    assert code == CANCELLED
    assert shown.splitlines()[-1] == "drawsim: stopped"
    assert "Traceback" not in shown


def test_a_multirun_over_splits(start: Start) -> None:
    names: list[str] = []
    code, _ = start(["-m", "split=glob(v1*)"], lambda config: names.append(config.split.name))
    assert code == 0
    assert sorted(names) == ["v1", "v10"]


def test_what_the_machine_refuses_is_a_line(start: Start) -> None:
    def task(config: DictConfig) -> None:
        raise OSError(28, "No space left on device", "runs/a.csv")

    code, shown = start(["out=here"], task)
    assert code == 1
    [line] = shown.splitlines()
    assert line.startswith("drawsim: runs/a.csv: cannot be written, the disk is full: free some")


def test_folders_are_called_as_they_were_typed(start: Start, tmp_path: Path) -> None:
    folders: list[Path] = []
    name = "Käthe's {runs}, (1) $x"
    assert (
        start([f"out={name}", "study=2024"], lambda config: folders.append(output_folder()))[0] == 0
    )
    assert folders[0].is_relative_to(tmp_path / name / "2024")


def test_names_are_unicode_in_every_locale(tmp_path: Path) -> None:
    (tmp_path / "Käthe").mkdir()
    root = str(Path(__file__).resolve().parents[2])
    spoken = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-m", "drawsim.compare", "runs=Käthe", "out=x"],
        cwd=tmp_path,
        env={**os.environ, **spoken},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    [line] = done.stderr.decode().splitlines()
    assert line.startswith("drawsim: Käthe: there is no run in this folder")
