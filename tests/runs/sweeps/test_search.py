"""A search for settings: what it proposes, what it is told, and that it goes on where it was."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from drawsim.common.errors import UserError
from drawsim.common.launch import output_folder, search_of_job
from tests.common.test_launch import Start
from tests.common.test_launch import _clean_hydra as _clean_hydra
from tests.common.test_launch import start as start

optuna = pytest.importorskip("optuna", reason="optuna is not installed")

LINE = ["+experiment=tiny", "+hparams_search=tiny", "study=s"]
Seen = list[tuple[int, float]]


def storage(root: Path) -> str:
    return f"sqlite:///{root}/runs/s/optuna.db"


def trials(root: Path) -> list[Any]:
    study = optuna.load_study(study_name="search", storage=storage(root))
    return list(study.get_trials())


def score(lr: float, epoch: int) -> float:
    return -abs(math.log10(lr) + 4) + epoch / 10


def test_a_search_from_start_to_end(start: Start, tmp_path: Path) -> None:
    """One trial fails, one comes to NaN, one is interrupted and taken up by the next start."""
    seen: Seen = []

    def task(config: DictConfig) -> float | None:
        from drawsim.runs.sweeps.search import Trial

        search = search_of_job()
        assert search is not None
        number, rate = search[0], config.optim.optimizer.lr
        trial = Trial.of(*search, run=output_folder().name)
        seen.append((number, rate))
        if number == 1:
            raise UserError("not this one")
        if number == 2:
            return math.nan
        if number == 4 and len(seen) == 5:
            raise KeyboardInterrupt
        for epoch in (1, 2, 3):
            if number == 8:
                rate = 1.0  # hopeless
            if trial.report(score(rate, epoch), epoch):
                trial.stop(epoch)
                return None
        return score(rate, 3)

    code, shown = start([*LINE, "hydra.sweeper.n_trials=9"], task)
    assert code == 130
    assert [number for number, _ in seen] == [0, 1, 2, 3, 4]
    code, shown = start([*LINE, "hydra.sweeper.n_trials=9"], task)
    assert code == 0, "what failed in the first start was told there"
    assert [number for number, _ in seen] == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]
    assert seen[4] == seen[5], "with the settings that it had"
    found = trials(tmp_path)
    states = [trial.state.name for trial in found]
    assert states[:3] == ["COMPLETE", "FAIL", "FAIL"]
    assert {*states[3:8]} <= {"COMPLETE", "PRUNED"}  # pruned: below the median of those before
    assert states[8] == "PRUNED"
    for trial in found:
        rate = trial.params["optim.optimizer.lr"]
        assert 1e-5 <= rate <= 1e-3
        assert trial.user_attrs["run"].endswith(f"lr{float(f'{rate:.4g}')!r}")
        assert not trial.user_attrs["run"].count("hparams")
        if trial.state.name == "COMPLETE":
            assert trial.value == pytest.approx(score(rate, 3), abs=1e-3)
    best = max((t for t in found if t.value is not None), key=lambda t: t.value)
    assert f"best: trial {best.number}, val/mrr {best.value:.4f}: optim.optimizer.lr=" in shown
    assert "trial 8: pruned after epoch 1: " in shown
    beside = sorted(path.name for path in (tmp_path / "runs/s").iterdir())
    assert "optuna.db" in beside
    assert "multirun.yaml" not in beside


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        (["seed=3"], "a search with other settings is there (seed 0 → 3); give this one another"),
        (
            ["loss.margin=interval(0.1,0.2)"],
            "a search with other settings is there (another space of loss.margin); give",
        ),
        (["optim.optimizer.lrr=interval(0.1,0.2)"], "optim.optimizer.lrr: no such setting, did"),
        (
            ["hydra.sweeper.storage=sqlite:///nowhere/x.db"],
            "sqlite:///FILE.db, in a folder that is there",
        ),
    ],
)
def test_what_a_search_refuses(start: Start, changed: list[str], answer: str) -> None:
    begun = [*LINE, "hydra.sweeper.n_trials=1"]
    assert start(begun, lambda config: 0.5)[0] == 0
    code, shown = start([*begun, *changed], lambda config: pytest.fail("it ran"))
    assert code == 1
    assert answer in shown
    assert len(shown.strip().splitlines()) == 1, shown


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("hydra.sweeper.sampler=tpee", "hydra.sweeper.sampler=tpee: did you mean tpe?"),
        ("hydra.sweeper.pruner=x", "hydra.sweeper.pruner=x: "),
        ("hydra.sweeper.n_jobs=-1", "hydra.sweeper.n_jobs=-1: must be 1 or more"),
        ("hydra.sweeper.n_jobs=0", "hydra.sweeper.n_jobs=0: must be 1 or more"),
        ("hydra.sweeper.n_jobs=1.5", "hydra.sweeper.n_jobs=1.5: must be a whole number"),
        ("hydra.sweeper.n_trials=abc", "hydra.sweeper.n_trials=abc: must be a whole number"),
        ("hydra.sweeper.n_trials=null", "hydra.sweeper.n_trials=null: must be a whole number"),
        ("hydra.sweeper.seed=-1", "hydra.sweeper.seed=-1: must be from 0 to 4294967295"),
        ("loss.margin=interval(1,0.1)", "loss.margin=interval(1,0.1): an interval goes from a"),
        ("loss.margin=interval(0,inf)", "loss.margin=interval(0,inf): an interval goes from a"),
        ("loss.margin=tag(log,interval(0,1))", "loss.margin=tag(log,interval(0,1)): with log, an"),
    ],
)
def test_settings_that_no_search_has(start: Start, tmp_path: Path, given: str, answer: str) -> None:
    code, shown = start([*LINE, given], lambda config: pytest.fail("it ran"))
    assert code == 1
    assert shown.startswith(f"drawsim: {answer}")
    assert len(shown.strip().splitlines()) == 1, shown
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_two_sweeps_on_one_study(start: Start, tmp_path: Path) -> None:
    """A trial that another sweep runs is left alone; what was ended meanwhile is a line."""
    shared = f"hydra.sweeper.storage=sqlite:///{tmp_path}/shared.db"
    line = ["+experiment=tiny", "+hparams_search=tiny", shared, "hydra.sweeper.n_trials=2"]
    seen: list[tuple[str, int]] = []

    def task(config: DictConfig) -> float:
        from drawsim.runs.sweeps.search import Trial

        search = search_of_job()
        assert search is not None
        trial = Trial.of(*search, run="r")
        seen.append((config.study, search[0]))
        if config.study == "a" and len(seen) == 1:
            raise KeyboardInterrupt
        if config.study == "b" and search[0] == 1:
            known = optuna.load_study(study_name="search", storage=trial.settings.storage)
            known.tell(1, 0.25)
            with pytest.raises(
                UserError, match=r"trial 1 of the search search was ended by another process"
            ):
                trial.report(0.5, 1)
        return 0.5

    assert start([*line, "study=a"], task)[0] == 130
    code, shown = start([*line, "study=b"], task)
    assert code == 0, shown
    assert "trial 1: was ended by another process (complete): " in shown
    assert seen == [("a", 0), ("b", 1), ("b", 2)]
    assert start([*line[:-1], "hydra.sweeper.n_trials=3", "study=a"], task)[0] == 0
    assert seen[3:] == [("a", 0)]


def test_a_file_that_is_no_study(start: Start, tmp_path: Path) -> None:
    (tmp_path / "runs/s").mkdir(parents=True)
    (tmp_path / "runs/s/optuna.db").write_bytes(b"no database" * 100)
    code, shown = start(LINE, lambda config: 0.5)
    assert (code, len(shown.strip().splitlines())) == (1, 1)
    assert "no study can be opened there" in shown


def test_nothing_is_searched(start: Start) -> None:
    code, shown = start(["-m", "hydra/sweeper=optuna"], lambda config: 0.5)
    assert code == 1
    assert shown.startswith("drawsim: hydra/sweeper=optuna: nothing is searched; choose +hparams_")
