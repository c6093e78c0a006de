"""Evaluation of embedding files and runs: the same numbers by other ways, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.learning.training.decisions import Decision
from drawsim.retrieval.analysis.evaluation import breakdown, evaluate, thesis_metrics
from drawsim.retrieval.analysis.inputs import Inputs, from_files, from_run, read_embeddings
from drawsim.retrieval.analysis.intervals import bootstrap, percentile_interval
from drawsim.retrieval.embeddings import Embeddings

PARITY = Path(__file__).resolve().parents[4] / "shared" / "reference" / "parity"
DRAWINGS = [f"d{i}" for i in range(12)]
ARTWORKS = [f"a{i}" for i in range(30)]
LEFT_OUT = Decision("adapted", False, "validation", 3, before=True).record()
SETS = ["train"] * 6 + ["val"] * 3 + ["test"] * 3


def unit(n: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(n, 8, generator=generator))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve drawings, each of the artwork of its own number; d1 and a13 belong together, too."""
    Embeddings(DRAWINGS, unit(12, 0)).save(tmp_path / "d.safetensors", {})
    Embeddings(ARTWORKS, unit(30, 1)).save(tmp_path / "a.safetensors", {})
    pairs = pd.DataFrame({"drawing_id": DRAWINGS, "artwork_id": ARTWORKS[:12], "set": SETS})
    extra = pd.DataFrame([{"drawing_id": "d1", "artwork_id": "a13", "set": "train"}])
    split = pd.concat([pairs, extra], ignore_index=True)
    split.to_csv(tmp_path / "split.csv", index=False)
    split.drop(columns="set").assign(pair="true").to_csv(tmp_path / "pairs.csv", index=False)
    ages = {"id": DRAWINGS, "path": DRAWINGS, "age_group": ["6-9", "3-5"] * 6}
    pd.DataFrame(ages).to_csv(tmp_path / "drawings.csv", index=False)
    works = {"id": ARTWORKS, "path": ARTWORKS, "artist": ["Ada", "Ben", "Cleo"] * 10}
    pd.DataFrame(works).to_csv(tmp_path / "artworks.csv", index=False)
    return tmp_path


def read(folder: Path, root: Path | None = None) -> Inputs:
    d, a = folder / "d.safetensors", folder / "a.safetensors"
    return from_files(d, a, folder / "pairs.csv", folder / "split.csv", root)


def reciprocal_ranks(queries: torch.Tensor, gallery: torch.Tensor) -> list[float]:
    """1 / rank of item i for query i, by full sort."""
    order = (queries @ gallery.T).argsort(dim=1, descending=True).tolist()
    return [1 / (row.index(i) + 1) for i, row in enumerate(order)]


def test_metrics_equal_a_full_sort(folder: Path) -> None:
    result = evaluate(
        read(folder), direction="drawing_to_artwork", columns=None, csls_neighbours=None
    )
    expected = reciprocal_ranks(unit(12, 0), unit(30, 1))
    scores = result.metrics["embeddings"]
    assert scores["val"]["mrr"] == pytest.approx(np.mean(expected[6:9]))
    assert scores["test"]["mrr"] == pytest.approx(np.mean(expected[9:]))
    assert scores["val+test"]["mrr"] == pytest.approx(np.mean(expected[6:]))
    assert result.counts["train"] == {"queries": 6, "pairs": 7}
    assert set(result.ranks["drawing_id"]) == set(DRAWINGS)
    at = result.memorisation.set_index("set").loc["test"]
    assert at["gallery"] == pytest.approx(7 / 30)


def test_the_other_direction_asks_artworks(folder: Path) -> None:
    result = evaluate(
        read(folder), direction="artwork_to_drawing", columns=None, csls_neighbours=None
    )
    expected = reciprocal_ranks(unit(30, 1)[:12], unit(12, 0))
    assert result.gallery_size == 12
    assert result.metrics["embeddings"]["test"]["mrr"] == pytest.approx(np.mean(expected[9:]))
    assert result.counts["train"]["queries"] == 7


def test_breakdowns_count_each_query_once_per_column(folder: Path) -> None:
    inputs = read(folder, folder)
    result = evaluate(inputs, direction="drawing_to_artwork", columns=None, csls_neighbours=3)
    table = result.breakdowns
    assert set(table["column"]) == {"age_group", "artist"}
    assert set(table["model"]) == {"embeddings", "embeddings+csls"}
    counts = table[(table["set"] == "val+test") & (table["metric"] == "mrr")]
    assert (counts.groupby(["model", "column"])["queries"].sum() == 6).all()
    expected = reciprocal_ranks(unit(12, 0), unit(30, 1))
    [young] = counts[(counts["value"] == "3-5") & (counts["model"] == "embeddings")].to_dict(
        "records"
    )
    assert young["mean"] == pytest.approx(np.mean([expected[i] for i in (7, 9, 11)]))
    assert young["low"] <= young["mean"] <= young["high"]


def test_a_value_with_one_query_has_no_interval() -> None:
    about = pd.DataFrame({"country": ["FRA", "ITA", "ITA"]})
    values = torch.tensor([0.5, 1.0, 0.25], dtype=torch.float64)
    per_query = {"mrr": values, "recall@10": values, "recall@20": values}
    rows = {(r["value"], r["metric"]): r for r in breakdown(about, ["country"], per_query)}
    assert np.isnan(rows["FRA", "mrr"]["low"])
    sample = bootstrap(np.array([1.0, 0.25]), np.mean)
    assert (rows["ITA", "mrr"]["low"], rows["ITA", "mrr"]["high"]) == percentile_interval(sample)


def test_pairs_without_embeddings_are_left_out_and_kept_apart(folder: Path) -> None:
    split = pd.read_csv(folder / "split.csv")
    more = pd.DataFrame([{"drawing_id": "d0", "artwork_id": "lost", "set": "train"}])
    pd.concat([split, more]).to_csv(folder / "split.csv", index=False)
    pairs = pd.concat([split, more]).drop(columns="set").assign(pair="true")
    pairs.to_csv(folder / "pairs.csv", index=False)
    inputs = read(folder)
    assert inputs.absent[["drawing_id", "artwork_id"]].to_numpy().tolist() == [["d0", "lost"]]
    assert len(inputs.split) == 13


@pytest.mark.parametrize(
    ("kept", "record", "stages"),
    [
        (["baseline", "final"], {}, {"untrained": "baseline", "learnt": "final"}),
        (["baseline", "final"], {"best_epoch": 0}, {"untrained": "final"}),
        (["plain", "baseline"], {}, {"untrained": "plain", "layout": "baseline"}),
        (
            ["plain", "unadapted", "baseline", "final"],
            {"best_epoch": 2},
            {
                "untrained": "plain",
                "layout": "unadapted",
                "adapted": "baseline",
                "learnt": "final",
            },
        ),
        (
            ["plain", "unadapted", "baseline", "final"],
            {"best_epoch": 2, "decisions": [LEFT_OUT]},
            {"untrained": "plain", "layout": "baseline", "learnt": "final"},
        ),
        (
            ["unadapted", "published", "baseline", "final"],
            {"best_epoch": 0},
            {"untrained": "unadapted", "adapted": "published", "transferred": "final"},
        ),
    ],
)
def test_a_run_is_read_by_the_stages_that_train_names(
    folder: Path, kept: list[str], record: dict[str, Any], stages: dict[str, str]
) -> None:
    run = folder / "run"
    vectors = {name: (unit(12, 2 * i), unit(30, 2 * i + 1)) for i, name in enumerate(kept)}
    for name, (drawings, artworks) in vectors.items():
        Embeddings(DRAWINGS, drawings).save(run / f"embeddings/{name}.drawings.safetensors", {})
        Embeddings(ARTWORKS, artworks).save(run / f"embeddings/{name}.artworks.safetensors", {})
    split = pd.read_csv(folder / "split.csv")
    split.assign(parent=split["drawing_id"], cluster=0).to_csv(run / "split.csv", index=False)
    (run / "config.yaml").write_text(f"data:\n  root: {folder}\n")
    (run / "metrics.json").write_text(json.dumps(record))
    inputs = from_run(run, None)
    assert [model.name for model in inputs.models] == list(stages)
    for model, name in zip(inputs.models, stages.values(), strict=True):
        assert torch.equal(model.drawings.vectors, vectors[name][0]), model.name
    assert inputs.collection.artworks.at["a1", "artist"] == "Ben"
    one = evaluate(inputs, direction="drawing_to_artwork", columns=[], csls_neighbours=None)
    assert list(one.metrics) == list(stages)


@pytest.mark.skipif(not PARITY.is_dir(), reason="no real data: no parity fixtures")
def test_files_give_the_thesis_its_own_numbers(tmp_path: Path) -> None:
    arrays = np.load(PARITY / "embeddings.npz", allow_pickle=False)
    for file, kind in (("d", "drawing"), ("a", "artwork")):
        vectors = {"ids": arrays[f"{kind}_ids"], "vectors": arrays[f"{kind}s"]}
        np.savez(tmp_path / f"{file}.npz", **vectors)
    files = (tmp_path / "d.npz", tmp_path / "a.npz", None, PARITY / "split.csv")
    found = thesis_metrics(from_files(*files, None))["embeddings"]
    expected = json.loads((PARITY / "scores.json").read_text())
    for name, scores in expected.items():
        assert found[name] == pytest.approx(scores, abs=1e-9)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"ids": np.array(["a"]), "wrong": np.ones((1, 2))}, "ids and vectors"),
        ({"ids": np.array(["a", "a"]), "vectors": np.ones((2, 2))}, "ids come twice"),
        ({"ids": np.array(["a"]), "vectors": np.ones((2, 2))}, "2 vectors but 1 ids"),
        ({"ids": np.array(["a"]), "vectors": np.full((1, 2), np.nan)}, "nan"),
        ({"ids": np.array(["a"], dtype=object), "vectors": np.ones((1, 2))}, "text"),
        ({"ids": np.array(["a"]), "vectors": np.ones((1, 2), dtype=int)}, "floating"),
    ],
)
def test_embedding_files_that_cannot_be_used(
    tmp_path: Path, arrays: dict[str, np.ndarray], says: str
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=says):
        read_embeddings(tmp_path / "x.npz")


def test_ids_of_another_collection_are_refused(folder: Path) -> None:
    Embeddings([f"x{i}" for i in range(12)], unit(12, 0)).save(folder / "d.safetensors", {})
    with pytest.raises(UserError, match="no pair names"):
        read(folder)


def test_a_misspelt_column_is_answered_with_its_like(folder: Path) -> None:
    with pytest.raises(UserError, match="did you mean age_group"):
        evaluate(
            read(folder, folder),
            direction="drawing_to_artwork",
            columns=["age_gruop"],
            csls_neighbours=None,
        )


def test_zero_vectors_are_refused(folder: Path) -> None:
    np.savez(folder / "d.npz", ids=DRAWINGS, vectors=np.zeros((12, 8), np.float32))
    inputs = from_files(
        folder / "d.npz", folder / "a.safetensors", None, folder / "split.csv", None
    )
    with pytest.raises(UserError, match="12 vectors are zero"):
        evaluate(inputs, direction="drawing_to_artwork", columns=[], csls_neighbours=None)
