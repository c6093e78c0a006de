"""`python -m drawsim.evaluate`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from drawsim.common.building import config_folder
from drawsim.common.errors import UserError
from drawsim.evaluate import evaluate as evaluate_command
from drawsim.retrieval.analysis.calibration import load_calibration
from tests.commands import run
from tests.html_page import Page
from tests.retrieval.analysis.test_known_answers import PAIRED, WITHOUT, world


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Embeddings of the demo's kind, as .npz, with a split."""
    folder = tmp_path_factory.mktemp("evaluate")
    generator = torch.Generator().manual_seed(0)
    for name, rows in (("d", 9), ("a", 25)):
        vectors = torch.randn(rows, 4, generator=generator).numpy()
        np.savez(
            folder / f"{name}.npz",
            ids=np.array([f"{name}<{i}>" for i in range(rows)]),
            vectors=vectors,
        )
    split = {
        "drawing_id": [f"d<{i}>" for i in range(9)],
        "artwork_id": [f"a<{i}>" for i in range(9)],
        "set": ["train", "val", "test"] * 3,
    }
    pd.DataFrame(split).to_csv(folder / "split.csv", index=False)
    return {
        "queries": f"{folder}/d.npz",
        "gallery": f"{folder}/a.npz",
        "split": f"{folder}/split.csv",
        "out": f"{folder}/out",
    }


def test_from_files_to_a_page(files: dict[str, str]) -> None:
    done = run("evaluate", *(f"{key}={value}" for key, value in files.items()), "csls=3")
    assert done.returncode == 0, done.stderr
    assert "val+test" in done.stdout
    out = Path(files["out"])
    record = json.loads((out / "metrics.json").read_text())
    assert record["gallery_size"] == 25
    assert record["counts"]["val+test"] == {"queries": 6, "pairs": 6}
    page = Page((out / "evaluation.html").read_text(encoding="utf-8"))
    assert page.fetched == []
    assert str(record["embeddings"]["test"]["mrr"]) in [own["value"] for own in page.of("data")]
    ranks = pd.read_csv(out / "ranks.csv")
    tested = ranks[(ranks["set"] == "test") & (ranks["model"] == "embeddings")]
    first = tested["relevant_ranks"].map(lambda text: json.loads(text)[0])
    assert (1 / first).mean() == pytest.approx(record["embeddings"]["test"]["mrr"])
    assert {"breakdowns.csv", "memorisation.csv", "hubs.csv"} <= {f.name for f in out.iterdir()}


def configured(folder: Path, **changes: str) -> DictConfig:
    """The settings of an evaluation with a calibration, of what `world` wrote."""
    config = OmegaConf.load(config_folder() / "commands/evaluate.yaml")
    assert isinstance(config, DictConfig)
    given = {
        "queries": f"{folder}/d.safetensors",
        "gallery": f"{folder}/a.safetensors",
        "split": f"{folder}/split.csv",
        "collection": str(folder),
        "out": f"{folder}/out",
        "calibrate": True,
    }
    for key, value in {**given, **changes}.items():
        assert key in config
        config[key] = value
    return config


def test_a_calibration_is_written_or_it_is_said_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    evaluate_command(configured(world(tmp_path)))
    note = f"calibrated on {PAIRED} drawings of validation and {WITHOUT} drawings without any"
    assert note in capsys.readouterr().out
    calibration = load_calibration(out / "calibration.json")
    assert calibration.made_with["weights_sha256"] == "w"
    page = Page((out / "evaluation.html").read_text(encoding="utf-8"))
    assert page.fetched == []
    assert note in " ".join(page.text.split())
    assert f"{calibration.true_tops + calibration.other_tops} drawings" in page.text
    assert (out / "reliability.png").read_bytes()[:4] == b"\x89PNG"

    evaluate_command(configured(world(tmp_path, found=3)))
    assert "of 3 the first result is true, of 67 it is not" in capsys.readouterr().out
    assert (out / "chance.png").is_file()
    assert not (out / "reliability.png").exists()

    split = pd.read_csv(tmp_path / "split.csv")
    split[split["set"] != "val"].to_csv(tmp_path / "split.csv", index=False)
    evaluate_command(configured(tmp_path))
    why = "uncalibrated: the split has no drawings of validation"
    assert why in capsys.readouterr().out
    page = Page((out / "evaluation.html").read_text(encoding="utf-8"))
    assert why in " ".join(page.text.split())
    assert not (out / "calibration.json").exists()
    assert not (out / "chance.png").exists()
    with pytest.raises(UserError, match="calibrate: goes with protocol=drawsim"):
        evaluate_command(configured(tmp_path, direction="artwork_to_drawing"))


def test_the_thesis_protocol_from_files(files: dict[str, str], tmp_path: Path) -> None:
    given = {**files, "out": str(tmp_path), "protocol": "thesis"}
    done = run("evaluate", *(f"{key}={value}" for key, value in given.items()))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "metrics.json").read_text())
    assert record["protocol"] == "thesis"
    assert set(record["embeddings"]) == {"train", "val", "test", "val+test"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"queries": "nowhere.npz"}, "nowhere.npz: no such file"),
        ({"protocol": "thesiss"}, "protocol=thesiss: did you mean thesis?"),
        ({"run": "runs/x"}, "leave it out where run is given"),
        ({"split": "null"}, "split must be given, or run=DIR, or checkpoint=FILE"),
        ({"out": "null"}, "out must be given"),
        ({"collection": "nowhere"}, "collection=nowhere: no such folder"),
        ({"queris": "x"}, "queris: no such setting, did you mean queries"),
    ],
)
def test_mistakes_get_one_line(files: dict[str, str], change: dict[str, str], says: str) -> None:
    done = run("evaluate", *(f"{key}={value}" for key, value in {**files, **change}.items()))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert says in line


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    done = run("evaluate", f"run={tmp_path}")
    assert done.returncode == 1
    assert "no run folder" in done.stderr
