"""A run looked into from Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.common.files import write_json
from drawsim.runs.run import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "demo" / "<lite>"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 0\nname: <lite>\n")
    scores = {"val": {"mrr": 0.25, "map": 0.2}, "test": {"mrr": 0.5, "map": 0.4}}
    record = {"status": "finished", "name": "<lite>", "monitor": "val/mrr", "best_epoch": 1}
    write_json(folder / "metrics.json", {**record, "baseline": scores, "final": scores})
    (folder / "metrics.csv").write_text("epoch,val/mrr\n0,0.125\n1,0.25\n2,0.1\n")
    (folder / "ranks.csv").write_text("model,set,drawing_id\nfinal,val,007\n")
    return folder


def test_a_run_is_read(folder: Path) -> None:
    run = Run.open(folder)
    assert (run.name, run.status, run.settings["seed"]) == ("<lite>", "finished", 0)
    assert run.metrics.loc[("final", "test"), "mrr"] == 0.5
    assert run.metrics.index.names == ["model", "set"]
    assert run.curves["val/mrr"].tolist() == [0.125, 0.25, 0.1]
    assert run.ranks["drawing_id"].tolist() == ["007"]
    assert run.monitored == 0.25
    assert repr(run) == "Run('<lite>', finished)"


def test_a_notebook_shows_a_table(folder: Path) -> None:
    shown = Run.open(str(folder))._repr_html_()
    assert "&lt;lite&gt;" in shown
    assert "<lite>" not in shown
    rows = re.findall(r"<th>(\w+)</th>\s*<td>(.*?)</td>", shown)
    assert rows == [("mrr", "0.250"), ("map", "0.200")]  # every metric; the first set at first


def test_a_run_that_has_only_begun(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 0")
    run = Run.open(tmp_path)
    assert (run.status, run.name, run.monitored) == ("running", tmp_path.name, None)
    assert run.metrics.empty
    assert run.curves.empty
    assert run.ranks.empty
    assert tmp_path.name in run._repr_html_()


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("metrics.json", b""),
        ("metrics.json", b"null"),
        ("metrics.json", b'"x"'),
        ("metrics.json", b"\xff\xfe\x00"),
        ("metrics.json", b"[" * 200_000),
        ("metrics.json", b'{"monitor": []}'),
        ("metrics.json", b'{"final": {"val": 1}}'),
        ("metrics.json", b'{"final": {"val": {"mrr": {}}}}'),
        ("metrics.json", b'{"final": {"val": {"mrr": NaN}}}'),
        ("metrics.json", b'{"final": {"val": {"mrr": ' + b"9" * 400 + b"}}}"),
        ("metrics.csv", b"epoch,val/mrr\n0,0.5\n1,word\n"),
        ("metrics.csv", b"epoch,val/mrr\nx,0.5\n"),
        ("metrics.csv", b"epoch,val/mrr\n1," + b"9" * 400 + b"\n"),
        ("metrics.csv", b""),
        ("metrics.csv", b"null"),
        ("metrics.csv", b"\xff\xfe\x00"),
        ("metrics.csv", b'epoch,"x\n'),
        ("ranks.csv", b""),
        ("ranks.csv", b"\xff\xfe\x00"),
    ],
)
def test_damaged_files_are_named(folder: Path, file: str, content: bytes) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(UserError, match=file):
        _look_at(folder)


def _look_at(folder: Path) -> None:
    run = Run.open(folder)
    run._repr_html_()
    assert len(run.curves) + len(run.ranks) >= 0
    assert run.monitored is None or run.monitored >= 0
