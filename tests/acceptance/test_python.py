"""docs/python.md, word for word, on a small collection, its run and its index."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import drawsim
from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]
RUN = "runs/COLLECTION/lite-light-v0-seed0"
TRAIN = (
    *(
        "data=folder",
        "data.root=COLLECTION",
        "image_size=64",
        "trainer.max_epochs=1",
        "freeze=false",
    ),
    *("logger=csv", "trainer=cpu", "workers=0", "name=lite-light-v0-seed0"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, collection_root: Path) -> Path:
    """Where somebody works: a collection, a scan, a trained run and an index of it."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(collection_root, folder / "COLLECTION")
    shutil.copy(collection_root / "drawings" / "d1.png", folder / "scan.png")
    for command in (("train", *TRAIN), ("index", f"run={RUN}", "out=INDEX")):
        done = run(*command, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_nouns_do_what_the_page_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    hits, scores = names["hits"], names["scores"]
    assert list(hits.groupby("query").size()) == [5] * 8
    final = names["run"].metrics.loc["final"]
    for own in ("train", "val", "test"):  # the same model, evaluated twice
        assert scores.loc[own, "mrr"] == pytest.approx(final.loc[own, "mrr"])
    table = names["found"].table()
    # The scan is the drawing d1 itself, so it finds what d1 finds.
    same = hits[hits["query"] == "d1"]["id"].to_list()
    assert table["id"].to_list()[:5] == same
    assert "<img" in names["found"]._repr_html_()
    assert list(names["curves"].index) == [0, 1]
    assert isinstance(names["collection"].originals, pd.DataFrame)


def test_nouns_are_imported_when_they_are_asked_for() -> None:
    code = (
        "import sys, drawsim; "
        "heavy = {'torch', 'pandas', 'hydra', 'numpy'} & set(sys.modules); "
        "print(sorted(heavy), drawsim.Run.__name__, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "Run", "False"]
    assert set(drawsim.__all__) <= set(dir(drawsim))
    with pytest.raises(AttributeError, match="no attribute 'Modell'"):
        drawsim.Modell  # noqa: B018
