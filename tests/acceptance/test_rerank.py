"""Re-ranking from training to search: kept with the model, measured, and the same everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from drawsim.collection.tables import Collection
from drawsim.models.model import Model
from drawsim.retrieval.index.folder import Index
from tests.acceptance.test_one_model import SIZE, command


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, collection_root: Path) -> Path:
    """A small run whose lists are looked at again, picture by picture."""
    out = tmp_path_factory.mktemp("rerank")
    code = command(
        "train",
        *("data=folder", f"data.root={collection_root}", f"image_size={SIZE}", "workers=0"),
        *(
            "rerank=[k_reciprocal,spatial]",
            "rerank.spatial.depth=8",
            "adapt=centre",
            "miner.negatives=2",
            "aug=none",
            "layout=none",
            "freeze=false",
        ),
        *("trainer=cpu", "trainer.max_epochs=1", "keep=last", "logger=csv", "decide=none"),
        *("study=s", "name=r", f"out={out}"),
    )
    assert code == 0
    return out / "s" / "r"


def test_each_stage_is_measured_and_all_agree(
    run: Path, collection_root: Path, tmp_path: Path
) -> None:
    record: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    assert list(record["stages"]) == ["untrained", "adapted", "learnt", "k_reciprocal", "spatial"]
    assert record["stages"]["spatial"]["test"] == record["final"]["test"]
    out = tmp_path / "evaluated"
    assert command("evaluate", f"run={run}", f"out={out}") == 0
    evaluated = json.loads((out / "metrics.json").read_text())
    for stage, sets in record["stages"].items():
        assert evaluated[stage]["test"]["mrr"] == pytest.approx(sets["test"]["mrr"]), stage
    assert command("evaluate", f"run={run}", f"out={out}", "rerank=none") == 0
    assert "spatial" not in json.loads((out / "metrics.json").read_text())

    folder = tmp_path / "INDEX"
    assert command("index", f"run={run}", f"out={folder}") == 0
    table = pd.read_csv(run / "ranks.csv")
    final = table[table["model"] == "final"].set_index("drawing_id")
    collection = Collection.open(collection_root)
    model = Model.load(folder)
    assert model.rerank is not None
    assert "re-ranked by k_reciprocal, spatial" in repr(model)
    for name, file in collection.paths("drawing", final.index).items():
        listed = json.loads(str(final.loc[name, "top_ids"]))
        found = model.search(Index.open(folder), [file], k=12)
        assert found.table()["id"].tolist() == listed
    assert "<img" in found._repr_html_()
    scores = model.evaluate(collection, "v0")
    assert scores.loc["test", "mrr"] == pytest.approx(record["final"]["test"]["mrr"])


def test_a_search_by_id_has_the_same_order_and_its_reasons(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "INDEX"
    assert command("index", f"run={run}", f"out={folder}", "rerank=k_reciprocal") == 0
    capsys.readouterr()
    assert command("search", f"index={folder}", "id=d0", "k=5", f"out={tmp_path / 'a'}") == 0
    assert "re-ranked: k_reciprocal" in capsys.readouterr().out
    [query] = json.loads((tmp_path / "a" / "hits.json").read_text())["queries"]
    assert "cosine" in query["hits"][0]
    out = tmp_path / "b"
    assert command("search", f"index={folder}", "id=d0", "rerank=none", f"out={out}") == 0
    plain = json.loads((out / "hits.json").read_text())["queries"][0]["hits"]
    assert "cosine" not in plain[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("id=d0", "rerank=spatail"), "rerank=spatail: did you mean spatial?"),
        (("id=d0", "rerank={name: spatial, deph: 3}"), "rerank.deph: spatial has no such setting"),
        (("id=d0", "rerank=[spatial, {name: spatial, depth: 3}]"), "spatial comes twice"),
        (("id=[d0, d1]", "combine=mean", "rerank=spatial"), "lists of one picture by one model"),
        (("id=d0", "spatial=true"), "spatial is now rerank=spatial"),
    ],
)
def test_mistakes_get_one_line(
    arguments: tuple[str, ...],
    says: str,
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "INDEX"
    assert command("index", f"run={run}", f"out={folder}") == 0
    capsys.readouterr()
    assert command("search", f"index={folder}", *arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert says in line
