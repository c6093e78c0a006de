"""From a collection, or a museum's table, to an index in one go."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.models.sources import Untrained
from drawsim.retrieval.index.folder import open_index
from drawsim.workflows.asking import ask
from drawsim.workflows.gallery import index_collection
from drawsim.workflows.index import ModelChoice, Sources
from drawsim.workflows.search import SearchSettings, search

SMALL = ModelChoice(backbone=Untrained("lite", image_size=64))


def test_a_collection_is_embedded_and_indexed(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "owned"
    shutil.copytree(collection_root, root)
    table = (root / "artworks.csv").read_text().splitlines()
    inc = "http://rightsstatements.org/vocab/InC/1.0/"
    rows = [
        f"{table[0]},rights",
        *(f"{row},{inc if n % 2 else 'CC0'}" for n, row in enumerate(table[1:])),
    ]
    (root / "artworks.csv").write_text("\n".join(rows) + "\n")
    lines = index_collection(tmp_path / "index", Sources(collection=root), SMALL)
    assert any("8 drawings" in line for line in lines)
    assert any("12 artworks" in line for line in lines)
    index = open_index(tmp_path / "index")
    settings = SearchSettings(k=12, where="rights=in copyright")
    found = search([index], ask(index, ids=["d0"]), settings)
    [sheet] = found.sheets
    assert len(sheet.hits) == 6
    assert set(sheet.hits["rights"]) == {inc}, "rights travel with what is found"
    assert (tmp_path / "index.artworks.safetensors").is_file()


def test_what_is_missing_is_one_line(collection_root: Path, tmp_path: Path) -> None:
    for sources, model in (
        (Sources(), SMALL),
        (Sources(collection=collection_root), ModelChoice()),
    ):
        with pytest.raises(UserError, match="collection=DIR backbone=lite"):
            index_collection(tmp_path / "index", sources, model)
    assert not (tmp_path / "index").exists()
