"""The tutorials, block by block, each in an empty folder, and the notebooks, cell by cell."""

from __future__ import annotations

import ast
import contextlib
import http.server
import json
import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drawsim.collection.csv_files import read_csv
from drawsim.collection.demo import demo_root
from drawsim.collection.problems import Problems
from tests.commands import run
from tests.docs.pages import DOCS, HELD, ROOT, blocks, lines

TUTORIALS = [page for page in sorted((DOCS / "tutorials").glob("*.md")) if page.stem != "index"]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
MADE = {
    "cluster": "whole.safetensors",
    "iiif": "FOUND/search.html",
    "museum": "FOUND/search.html",
    "notebook": "EXAMPLE",
    "pairs": "runs",
    "photographs": "FOUND/search.html",
}
"""What there is at the end of each tutorial."""


@pytest.fixture(scope="module")
def example() -> Path:
    """What the tutorials paint first, painted once: a finished one is left alone.

    It lies where `data=demo_example` looks for it.
    """
    return demo_root(artworks=60, paired_artworks=24, pairs=26, unpaired_drawings=6)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on this machine, as of `python -m http.server`."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def followed(page: Path, folder: Path, address: str = "127.0.0.1:8000") -> None:
    """Run every block of a page in a folder. address: what stands for port 8000 here."""
    names: dict[str, Any] = {}
    for block in blocks(page):
        code = block.code.replace("127.0.0.1:8000", address)
        if block.language == "python":
            exec(code, names)
            continue
        assert block.language == "sh"
        for line in [] if code.startswith(HELD) else lines(code):
            python, m, command, *arguments = shlex.split(line, comments=True)
            assert (python, m) == ("python", "-m")
            if command == "http.server":  # which is open all the time
                continue
            done = run(command.removeprefix("drawsim."), *arguments, folder=folder)
            assert done.returncode == 0, line + "\n" + done.stdout + done.stderr


@pytest.fixture(scope="module")
def splits(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tutorial on splits leaves: a notebook goes on with its runs."""
    folder = tmp_path_factory.mktemp("splits")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        followed(DOCS / "tutorials" / "splits.md", folder)
    return folder


def test_the_tutorial_on_splits_holds(splits: Path) -> None:
    assert (splits / "COMPARISON" / "index.html").exists()


@pytest.mark.parametrize("stem", MADE)
def test_a_tutorial_holds(
    stem: str, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(example, "EXAMPLE")
    with served(tmp_path / "MUSEUM") as address:
        followed(DOCS / "tutorials" / f"{stem}.md", tmp_path, address)
    assert (tmp_path / MADE[stem]).exists()


def test_every_tutorial_is_tried() -> None:
    assert {page.stem for page in TUTORIALS} == {*MADE, "splits"}


@pytest.fixture(scope="module")
def trained(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with COLLECTION, a run, INDEX, a scan, and FOUND, by the smallest commands."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(example, folder / "COLLECTION")
    shutil.copy(next((folder / "COLLECTION/drawings").rglob("*.jpg")), folder / "scan.png")
    small = ("layout=none", "rerank=none", "adapt=centre", "trainer.max_epochs=0", "logger=csv")
    made = ("study=COLLECTION", "name=lite-light-v0-seed0", "image_size=64")
    data = ("data=folder", "data.root=COLLECTION")
    done = run("train", *data, *small, *made, folder=folder)
    assert done.returncode == 0, done.stderr
    (folder / "RUN").symlink_to(folder / "runs/COLLECTION/lite-light-v0-seed0")
    path = "runs/COLLECTION/lite-light-v0-seed0"
    assert run("index", f"run={path}", "out=INDEX", folder=folder).returncode == 0
    drawing = read_csv(folder / "INDEX/drawings.1.ids.csv", ("id",), Problems())["id"].iloc[0]
    asked = ("index=INDEX", f"id={drawing}", "k=3", "out=FOUND")
    assert run("search", *asked, folder=folder).returncode == 0
    return folder


def test_python_of_the_page_on_python(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/python.md, of a run and an index."""
    monkeypatch.chdir(trained)
    names: dict[str, Any] = {}
    for block in blocks(DOCS / "python.md"):
        exec(block.code, names)
    assert len(names["hits"]) == 5 * len(names["collection"].originals)
    assert "test" in names["scores"].index


def of_language(page: Path, language: str) -> str:
    """The only block of a language on a page."""
    [code] = [block.code for block in blocks(page) if block.language == language]
    return code


def test_files_are_read_without_drawsim(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    names: dict[str, Any] = {}
    exec(of_language(DOCS / "r.md", "python"), names)
    record = json.loads(Path("RUN/metrics.json").read_text(encoding="utf-8"))
    assert names["mrr"] == pytest.approx(record["final"]["test"]["mrr"])
    hits = read_csv(Path("FOUND/hits.csv"), ("query", "id", "score"), Problems())
    best = hits.iloc[0]
    assert names["nearest"][best["query"]] == best["id"]
    assert names["scores"].loc[best["query"], best["id"]] == pytest.approx(float(best["score"]))


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="no R")
def test_files_are_read_in_r(trained: Path, tmp_path: Path) -> None:
    told = "cat(nearest[1], max(scores[1, ]), nrow(hits), sep = '\\t')"
    code = f"{of_language(DOCS / 'r.md', 'r')}\n{told}\n"
    (tmp_path / "page.R").write_text(code, encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", str(tmp_path / "page.R")],
        cwd=trained,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, score, count = done.stdout.splitlines()[-1].split("\t")
    best = read_csv(trained / "FOUND/hits.csv", ("id", "score"), Problems()).iloc[0]
    assert (name, count) == (best["id"], "3")
    assert float(score) == pytest.approx(float(best["score"]), abs=1e-6)


def code_of(notebook: Path) -> list[str]:
    """The code of a notebook, cell by cell."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def shown(code: str, names: dict[str, Any]) -> Any:
    """What a cell shows: the value of its last line, where that is an expression."""
    *before, last = ast.parse(code).body
    exec(compile(ast.Module(before, []), "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return exec(compile(ast.Module([last], []), "cell", "exec"), names)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_holds(
    notebook: Path, example: Path, splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of runs that are there already: making them is the tutorial's matter."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(example, "EXAMPLE")
    shutil.copytree(splits / "runs", "runs")
    names: dict[str, Any] = {}
    values = [shown(code, names) for code in code_of(notebook)]
    assert sum(hasattr(value, "_repr_html_") for value in values) >= 2
    pictures = {"first_search": "_repr_png_", "compare_runs": "savefig"}
    assert sum(hasattr(value, pictures[notebook.stem]) for value in values) == 1


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_carries_no_output(notebook: Path) -> None:
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs"), f"{notebook.name}: clear its outputs before it is kept"
        assert cell.get("execution_count") is None, f"{notebook.name}: clear its outputs"
