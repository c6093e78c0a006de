"""The page of an evaluation: what it says of a run, and in which order."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from drawsim.collection.tables import Collection
from drawsim.reporting.evaluation.page import write_evaluation
from drawsim.retrieval.analysis.evaluation import evaluate
from drawsim.retrieval.analysis.inputs import Embedded, Inputs
from drawsim.retrieval.embeddings import Embeddings


@pytest.fixture
def inputs(collection: Collection) -> Inputs:
    """Three stages of a model by random vectors, and a split of three pairs."""
    generator = torch.Generator().manual_seed(0)

    def vectors(ids: list[str]) -> Embeddings:
        rows = torch.randn(len(ids), 4, generator=generator)
        return Embeddings(ids, torch.nn.functional.normalize(rows))

    drawings, artworks = (list(table.index) for table in (collection.drawings, collection.artworks))
    models = tuple(
        Embedded(name, vectors(drawings), vectors(artworks))
        for name in ("untrained", "layout", "adapted")
    )
    split = pd.DataFrame(
        {
            "drawing_id": ["d3", "d4", "d5"],
            "artwork_id": ["a3", "a4", "a5"],
            "set": ["train", "val", "test"],
            "cluster": [0, 1, 2],
            "parent": ["d3", "d4", "d5"],
        }
    )
    return Inputs(models, collection, split, pd.DataFrame(columns=["drawing_id", "artwork_id"]))


def page_of(inputs: Inputs, out: Path) -> str:
    result = evaluate(inputs, direction="drawing_to_artwork", columns=None, csls_neighbours=None)
    return write_evaluation(result, inputs, out).read_text(encoding="utf-8")


def test_it_says_that_nothing_was_learnt(inputs: Inputs, tmp_path: Path) -> None:
    record = {"best_epoch": 0, "epochs": 3, "monitor": "val/mrr"}
    said = "No epoch beat the untrained model on val/mrr"
    assert said in page_of(replace(inputs, record=record), tmp_path)
    assert said not in page_of(replace(inputs, record=record | {"best_epoch": 2}), tmp_path)
    assert said not in page_of(inputs, tmp_path)


def test_its_head_says_of_what_and_when(inputs: Inputs, tmp_path: Path) -> None:
    page = page_of(replace(inputs, source="study/<run>", split_name="v3"), tmp_path)
    head = re.sub("<wbr>|&#8203;|\u200b", "", page[page.index("<h1>") : page.index("</header>")])
    assert "Evaluation of study/&lt;run&gt;" in head
    assert f"Collection {inputs.collection.root}, split v3, 20" in head
    assert " UTC</p>" in head


def test_memorisation_follows_the_stages_set_by_set(inputs: Inputs, tmp_path: Path) -> None:
    page = page_of(inputs, tmp_path)
    table = page[page.index('id="memorisation"') : page.index('id="hubs"')]
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="text">(.*?)</td>', table)
    assert rows == [
        ("Training", "untrained"),
        ("", "layout"),
        ("", "adapted"),
        ("Validation and test", "untrained"),
        ("", "layout"),
        ("", "adapted"),
    ]
