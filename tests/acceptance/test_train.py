"""The main job as a user starts it: whole commands on a tiny demo, whatever happens to them."""

from __future__ import annotations

import json
import math
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from drawsim.retrieval.embeddings import load_embeddings
from tests.commands import Command
from tests.commands import run as run_command
from tests.wandb_files import epochs as logged_epochs
from tests.wandb_files import offline_runs

NAME = "lite-light-v0-seed0"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny demo is kept between these tests."""
    return tmp_path_factory.mktemp("cache")


def command(cache: Path, out: Path, *settings: str) -> Command:
    tiny = ("+experiment=tiny", "image_size=32", f"data.demo.cache={cache}", "study=tiny")
    own = [*tiny, f"out={out}", *settings]
    own += [] if "-m" in settings else [f"name={NAME}"]
    return Command("train", *own)


def train(cache: Path, out: Path, *settings: str) -> str:
    done = command(cache, out, *settings).done()
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def interrupt_after_an_epoch(process: Command, run: Path, how: int) -> None:
    """Send a signal once the first epoch is written down and the second has begun."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if (run / "checkpoints/last.ckpt").is_file():
            break
        time.sleep(0.05)
    time.sleep(0.3)
    assert process.poll() is None, "the run ended before it could be interrupted"
    process.send_signal(how)
    process.wait()


def record(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "metrics.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def unbroken(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with W&B, offline since nobody is logged in."""
    out = tmp_path_factory.mktemp("unbroken")
    train(cache, out, "trainer.max_epochs=4", "logger=both")
    return out / "tiny" / NAME


def test_a_run_leaves_what_the_contract_promises(unbroken: Path) -> None:
    for name in (
        *("config.yaml", "metrics.csv", "ranks.csv", "steps.csv", "split.csv", "report.html"),
        *("environment.txt", "log.txt", "triplets/epoch_000.csv", "triplets/epoch_004.csv"),
    ):
        assert (unbroken / name).stat().st_size > 0, name
    results = record(unbroken)
    assert results["status"] == "finished"
    assert results["protocol"] == "drawsim"
    (arguments,) = results["commands"]
    assert {"+experiment=tiny", "trainer.max_epochs=4", "study='tiny'"} <= set(arguments)
    assert results["gallery_size"] == 40
    assert (results["keep"], results["best_epoch"]) == ("last", 4)  # of so few val drawings
    assert "fewer than 30" in results["kept_because"]
    assert {"fit", "embed", "rank", "total"} <= set(results["seconds"])
    for model in ("baseline", "final"):
        for name in ("train", "val", "test"):
            scores = results[model][name]
            assert {f"{m}@{k}" for m in ("recall", "precision") for k in (1, 5, 400)} <= set(scores)
            assert all(math.isfinite(value) for value in scores.values())
    assert yaml.safe_load((unbroken / "config.yaml").read_text())["miner"]["negatives"] == 2
    [offline] = offline_runs(unbroken)
    assert logged_epochs(offline) == [0, 1, 2, 3, 4]
    epochs = pd.read_csv(unbroken / "metrics.csv")
    assert epochs["epoch"].tolist() == [0, 1, 2, 3, 4]


def test_ranks_agree_with_the_embeddings_that_are_kept(unbroken: Path) -> None:
    ranks = pd.read_csv(unbroken / "ranks.csv", dtype=str)
    for model, rows in ranks.groupby("model"):
        drawings = load_embeddings(unbroken / f"embeddings/{model}.drawings.safetensors")
        artworks = load_embeddings(unbroken / f"embeddings/{model}.artworks.safetensors")
        for row in rows.to_dict("records"):
            query = drawings.of([row["drawing_id"]]).vectors[0].double()
            scores = artworks.vectors.double() @ query
            for name, rank in zip(
                json.loads(row["relevant_ids"]), json.loads(row["relevant_ranks"]), strict=True
            ):
                higher = int((scores > scores[artworks.rows[name]] + 1e-6).sum())
                near = int((scores > scores[artworks.rows[name]] - 1e-6).sum())
                assert higher + 1 <= rank <= near


def test_a_killed_run_goes_on_to_the_same_result(
    cache: Path, unbroken: Path, tmp_path: Path
) -> None:
    run = tmp_path / "tiny" / NAME
    settings = ("trainer.max_epochs=4", "logger=both")
    process = command(cache, tmp_path, *settings)
    interrupt_after_an_epoch(process, run, signal.SIGKILL)
    assert record(run)["status"] == "running"
    [killed] = offline_runs(run)
    train(cache, tmp_path, *settings, "resume=true")
    [offline] = offline_runs(run)
    assert offline.name.rpartition("-")[2] == killed.name.rpartition("-")[2], "the same W&B run"
    assert logged_epochs(offline) == [0, 1, 2, 3, 4], "one history, nothing twice, nothing lost"
    begun, resumed = record(run)["commands"]
    assert set(resumed) == {*begun, "resume=true"}
    for key in ("baseline", "final", "best_epoch", "epochs", "counts", "tie_rate", "status"):
        assert record(run)[key] == record(unbroken)[key], key
    whole, continued = (pd.read_csv(folder / "metrics.csv") for folder in (unbroken, run))
    pd.testing.assert_frame_equal(continued, whole, rtol=0, atol=0)


def test_a_checkpoint_is_evaluated_as_its_run_was(unbroken: Path, tmp_path: Path) -> None:
    checkpoint = unbroken / "checkpoints/best.ckpt"
    done = run_command("evaluate", f"checkpoint={checkpoint}", f"out={tmp_path}")
    assert done.returncode == 0, done
    found = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["best"]
    for name, scores in record(unbroken)["final"].items():
        assert found[name] == pytest.approx(scores), name
    done = run_command("evaluate", f"checkpoint={tmp_path}/metrics.json", f"out={tmp_path}")
    assert done.returncode == 1
    assert "no checkpoint of a run" in done.stderr


def test_ctrl_c_leaves_a_valid_folder_that_says_so(cache: Path, tmp_path: Path) -> None:
    run = tmp_path / "tiny" / NAME
    process = command(cache, tmp_path, "trainer.max_epochs=50", "logger=csv")
    interrupt_after_an_epoch(process, run, signal.SIGINT)
    assert process.returncode == 130
    assert record(run)["status"] == "interrupted"
    assert "resume=true" in record(run)["message"]
    assert "interrupted" in (run / "report.html").read_text(encoding="utf-8")


def test_a_sweep_skips_what_is_finished_and_does_what_is_not(cache: Path, tmp_path: Path) -> None:
    settings = ("-m", "split=v0,v1", "trainer.max_epochs=1", "logger=csv")
    train(cache, tmp_path, *settings)
    runs = [
        tmp_path / "tiny" / f"lite-light-{version}-seed0-tiny-image_size32-max_epochs1"
        for version in ("v0", "v1")
    ]
    written = [(run / "metrics.json").stat().st_mtime_ns for run in runs]
    (runs[1] / "metrics.json").unlink()
    text = train(cache, tmp_path, *settings)
    assert text.count("finished before, skipped") == 1
    assert (runs[0] / "metrics.json").stat().st_mtime_ns == written[0]
    assert record(runs[1])["status"] == "finished"
    assert len(list((tmp_path / "tiny" / "_previous").iterdir())) == 1, "nothing is overwritten"


def test_unusable_images_are_named_or_skipped_and_counted(
    collection_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    for path in collection_root.rglob("*"):
        if path.is_file():
            copy = root / path.relative_to(collection_root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (root / "artworks/a9.png").write_bytes((root / "artworks/a9.png").read_bytes()[:60])
    (root / "artworks/a10.png").unlink()
    settings = [
        *("data=folder", f"data.root={root}", f"out={tmp_path / 'runs'}", "logger=csv"),
        *(
            f"name={NAME}",
            "image_size=32",
            "layout=none",
            "freeze=false",
            "miner.negatives=1",
            "trainer.max_epochs=1",
            "workers=0",
        ),
    ]
    done = run_command("train", *settings)
    assert done.returncode == 1
    assert "a9.png" in done.stderr
    assert "a10.png" in done.stderr
    assert "data.on_missing=skip" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()

    done = run_command("train", *settings, "data.on_missing=skip")
    assert done.returncode == 0, done
    run = tmp_path / "runs/data" / NAME
    assert record(run)["skipped"] == {"drawings": 0, "artworks": 2}
    assert record(run)["gallery_size"] == 10
    assert pd.read_csv(run / "skipped.csv")["id"].tolist() == ["a9", "a10"]
