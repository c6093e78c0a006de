"""An index.json that somebody else wrote: whatever it says, what is wrong is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.folder import build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery

D = 4
MODEL = EmbeddingModel("lite", "w", "t", D)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    galleries = {
        kind: Gallery(Embeddings(["a", "b"], torch.eye(2, D)), MODEL)
        for kind in ("drawing", "artwork")
    }
    build_index(tmp_path / "INDEX", galleries, tmp_path)
    return tmp_path / "INDEX"


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        open_index(folder)
    assert "build it again with drawsim index" in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("change", value) for value in ("1e999", "NaN", "-1", "null", "true", "9" * 400)),
        *(("collection", value) for value in ('"a\\u0000b"', '"\\ud800"', "5", "[]", '""')),
        ("collection", json.dumps("a" * 5000)),
        *(("model.dimensions", value) for value in ("null", "[4]", "1e300", "0", "5", "4.0")),
        *(("kinds.artwork.change", value) for value in ("null", '"../1"', "1e999")),
        *(("kinds", value) for value in ("5", '{"../artwork": {"ann": null}}', '{"artwork": 5}')),
        ("kinds.artwork.ann", "5"),
        ("kinds.artwork.bytes", "5"),
    ],
)
def test_what_it_says_is_checked(folder: Path, place: str, value: str) -> None:
    file = folder / "index.json"
    data = json.loads(file.read_text())
    *above, last = place.split(".")
    inner: dict[str, Any] = data
    for name in above:
        inner = inner[name]
    inner[last] = "HERE"
    file.write_text(json.dumps(data).replace('"HERE"', value))
    refused(folder)


@pytest.mark.parametrize("width", [0, D + 1])
def test_vectors_are_as_wide_as_the_model_says(folder: Path, width: int) -> None:
    index = open_index(folder)
    vectors = index.part("artwork").file("safetensors")
    Embeddings(["a", "b"][: 2 if width else 0], torch.eye(2 if width else 0, width)).save(
        vectors, {}
    )
    file = folder / "index.json"
    data = json.loads(file.read_text())
    sizes = data["kinds"]["artwork"]["bytes"]
    for name in sizes:
        sizes[name] = (folder / name).stat().st_size
    file.write_text(json.dumps(data))
    assert f"have {width} dimensions, not the {D}" in refused(folder)
