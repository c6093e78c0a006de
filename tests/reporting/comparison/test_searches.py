"""A search for settings on the page of a comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drawsim.reporting.comparison.searches import Search, read_searches, search_figures
from drawsim.workflows.compare import compare
from tests.reporting.comparison.compared import make_study

optuna = pytest.importorskip("optuna", reason="optuna is not installed")


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons for what they compare: figures take far longer to draw."""
    monkeypatch.setattr("drawsim.reporting.comparison.page._draw", lambda *_: ([], {}, {}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of runs with a search in which the rate decides, and the margin does not."""
    root = make_study(tmp_path_factory.mktemp("searched") / "study", {"none": 2, "style": 1})
    study = optuna.create_study(
        storage=f"sqlite:///{root}/optuna.db",
        study_name="search",
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    study.set_user_attr("monitor", "val/mrr")
    for number in range(12):
        trial = study.ask()
        rate = trial.suggest_float("lr", 1e-5, 1e-3, log=True)
        trial.suggest_float("margin", 0.1, 0.5)
        trial.set_user_attr("run", f"<run{number}>")
        trial.report(rate * 100, 1)
        if number == 3:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        elif number == 5:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        elif number < 11:
            study.tell(trial, rate * 100)
    return root


@pytest.fixture(scope="module")
def search(folder: Path) -> Search:
    found, notes = read_searches([folder])
    assert notes == []
    return found[0]


def test_what_is_read(search: Search) -> None:
    assert (search.monitor, search.higher_is_better) == ("val/mrr", True)
    states = {state: search.count(state) for state in ("finished", "pruned", "failed")}
    assert states == {"finished": 9, "pruned": 1, "failed": 1}
    assert search.count("interrupted") == 1
    finished = [trial for trial in search.trials if trial.state == "finished"]
    best = max(finished, key=lambda trial: trial.settings["lr"])
    assert search.best == best
    assert search.ranked[0] == best
    assert [one.state for one in search.ranked[-3:]] == ["pruned", "failed", "interrupted"]


def test_what_mattered(search: Search) -> None:
    assert search.settings == ["lr", "margin"]
    assert search.importance["lr"] > 0.8
    assert sum(search.importance.values()) == pytest.approx(1.0)
    history, shares = search_figures(search, 1)
    assert history.svg.count("trial ") >= 10
    assert "lr: " in shares.svg


def test_on_the_page(folder: Path, search: Search, tmp_path: Path) -> None:
    _, page = compare(tmp_path / "out", runs=[folder])
    text = page.read_text(encoding="utf-8")
    assert "<h2>Search for settings</h2>" in text
    assert "12 trials of lr, margin: 9 finished, 1 pruned, 1 failed, 1 interrupted." in text
    assert search.best is not None
    assert f"Best: trial {search.best.number}, val/mrr {search.best.value:.4f}." in text
    low, high = search.span or (0, 0)
    assert f"Values lie between {low:.4f} and {high:.4f}" in text
    assert "&lt;run0&gt;" in text
    assert "<run0>" not in text
    names = {path.name for path in (tmp_path / "out/figures").iterdir()}
    assert {"search1_history.png", "search1_importance.svg"} <= names


def test_a_damaged_file_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "optuna.db").write_bytes(b"no database" * 99)
    found, notes = read_searches([tmp_path, tmp_path / "none"])
    assert (found, len(notes)) == ([], 1)
    assert notes[0] == f"{tmp_path}/optuna.db: the search in it cannot be read."


def test_too_few_trials_tell_nothing(tmp_path: Path) -> None:
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/optuna.db", study_name="s")
    trial = study.ask()
    trial.suggest_float("lr", 0, 1)
    study.tell(trial, 0.5)
    found, _ = read_searches([tmp_path])
    assert json.dumps(dict(found[0].importance)) == "{}"
    assert not found[0].higher_is_better
    assert len(search_figures(found[0], 1)) == 1


def make_search(root: Path, runs: list[str], values: list[float]) -> None:
    """A search whose trials are these runs."""
    study = optuna.create_study(
        storage=f"sqlite:///{root}/optuna.db", study_name="search", direction="maximize"
    )
    study.set_user_attr("monitor", "val/mrr")
    for name, value in zip(runs, values, strict=True):
        trial = study.ask()
        trial.suggest_float("lr", 0, 1)
        trial.set_user_attr("run", name)
        study.tell(trial, value)


@pytest.mark.usefixtures("no_figures")
def test_a_search_is_compared_by_its_best(tmp_path: Path) -> None:
    root = make_study(tmp_path / "rates", {"a": 3, "b": 1, "c": 2}, ["v0"])
    names = [f"lite-{aug}-v0-seed0" for aug in "abc"]
    make_search(root, names, [0.1, 0.3, 0.2])
    other = make_study(tmp_path / "other", {"none": 2}, ["v0"])
    found, _ = compare(tmp_path / "out", runs=[root, other])
    assert found.results.models == ["baseline", "rates (best of 3 trials)", "lite-none"]
    assert [run.name for run in found.results.runs] == [names[1], "lite-none-v0-seed0"]
    assert [note for note in found.notes if "its best of 3 trials by val/mrr" in note]
    # trials that are named are compared
    found, _ = compare(tmp_path / "named", runs=[root / name for name in names])
    assert found.results.models == ["baseline", "lite-a", "lite-b", "lite-c"]
    found, _ = compare(tmp_path / "both", runs=[root, root / names[0]])
    assert found.results.models == ["baseline", "lite-a", "rates (best of 3 trials)"]


@pytest.mark.usefixtures("no_figures")
def test_a_search_without_the_run_of_its_best_is_compared_as_it_is(tmp_path: Path) -> None:
    root = make_study(tmp_path / "rates", {"a": 3, "b": 1}, ["v0"])
    make_search(root, ["lite-a-v0-seed0", "elsewhere"], [0.1, 0.3])
    found, _ = compare(tmp_path / "out", runs=[root])
    assert found.results.models == ["baseline", "lite-a", "lite-b"]
