"""Which runs are listed, as what, and which of them are removed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from drawsim.common.errors import UserError
from drawsim.common.files import write_json, write_text
from drawsim.runs import tidying
from drawsim.runs.folder import ASIDE
from drawsim.runs.listing import Listed, find_runs, print_runs
from drawsim.runs.lock import locked


def make(folder: Path, seed: int, status: str, **record: Any) -> Path:
    write_text(folder / "config.yaml", f"seed: {seed}\nfreeze: true\n")
    write_json(folder / "metrics.json", {"status": status, "name": folder.name, **record})
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    final = {"val": {"mrr": 0.5}, "test": {"mrr": 0.25, "map": 0.2}}
    make(root / "one" / "a", 0, "finished", final=final, seconds={"fit": 60, "total": 75})
    make(root / "one" / "b", 1, "failed", message="the disk is full")
    make(root / "one" / "c", 0, "running")
    make(root / "one" / "d", 0, "interrupted", message="resume=true goes on")
    make(root / "one" / ASIDE / "a-20260101-000000", 0, "finished")
    make(root / "two" / "a", 3, "finished")
    write_text(root / "two" / "z" / "config.yaml", "seed: 1\n")
    write_text(root / "two" / "z" / "metrics.json", "{")
    (root / "two" / "empty").mkdir()
    return root


def states(found: list[Listed]) -> dict[str, str]:
    return {one.name: one.state for one in found}


def test_what_is_listed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(runs / "one" / "d"):
        found = find_runs(runs)
        assert states(found)["one/d"] == "running"
    found = find_runs(runs)
    assert states(found) == {
        "one/a": "finished",
        "one/b": "failed",
        "one/c": "killed",
        "one/d": "interrupted",
        "one/a-20260101-000000": "set aside",
        "two/a": "finished",
        "two/z": "damaged",
    }
    first = found[0]
    assert first.differs == {"seed": 0}, "freeze is the same in the whole study"
    assert (first.scores, first.seconds) == ({"val": 0.5, "test": 0.25}, 75)
    assert first.size == sum(f.stat().st_size for f in (runs / "one" / "a").iterdir())
    assert states(find_runs(runs / "two")) == {"two/a": "finished", "two/z": "damaged"}
    assert states(find_runs(runs / "one" / "a")) == {"one/a": "finished"}
    print_runs(found)
    shown = capsys.readouterr().out
    assert "! one/b: the disk is full" in shown
    assert "7 runs: 2 finished, 1 failed, 1 killed, 1 interrupted, 1 set aside, 1 dam" in shown


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run in it"):
        find_runs(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_runs(tmp_path / "nothing")


def test_what_failed_or_was_set_aside_is_removed_after_asking(
    runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    make(kept, 0, "failed")
    (runs / "one" / "link").symlink_to(kept)
    ones = tidying.useless(find_runs(runs))
    assert sorted(states(ones)) == ["one/a-20260101-000000", "one/b", "one/link"]
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UserError, match="sure=true"):
        tidying.agreed(ones, sure=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return "n"

    monkeypatch.setattr("builtins.input", answer)
    assert not tidying.agreed(ones, sure=False)
    assert "Remove 3 runs" in asked[0]
    assert "one/b (failed)" in asked[0]
    with locked(runs / "one" / "b"):
        lines = tidying.remove(ones)
    assert sum(line.startswith("removed") for line in lines) == 2
    assert (runs / "one" / "b").is_dir(), "somebody works on it"
    assert not (runs / "one" / ASIDE).exists()
    assert (kept / "config.yaml").is_file(), "a link is removed, and not what it leads to"
    assert not (runs / "one" / "link").is_symlink()
    assert (runs / "one" / "c").is_dir()
    assert not tidying.agreed([], sure=True)


def test_what_is_no_useless_run_any_more_stays(runs: Path, tmp_path: Path) -> None:
    elsewhere = make(tmp_path / "elsewhere" / "x", 0, "failed")
    (runs / "linked").symlink_to(elsewhere.parent)
    write_text(runs / "one" / ASIDE / "mine" / "config.yaml", "a: 1\n")
    ones = tidying.useless(find_runs(runs))
    assert sorted(states(ones)) == ["linked/x", "one/a-20260101-000000", "one/b"]
    make(runs / "one" / "b", 1, "finished")
    told = {line.split(": ")[0]: line for line in tidying.remove(ones)}
    assert "stays (finished by now)" in told[f"! {runs}/one/b"]
    assert f"lies behind a link; clean folder={elsewhere.parent}" in told[f"! {runs}/linked/x"]
    assert elsewhere.is_dir()
    assert (runs / "one" / ASIDE / "mine").is_dir(), "it has no record: it is no run"
    assert not (runs / "one" / ASIDE / "a-20260101-000000").exists()
