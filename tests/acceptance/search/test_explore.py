"""Views of embedding files: a map and duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.explore import explore as explore_command
from drawsim.retrieval.embeddings import Embeddings
from tests.acceptance.search.asking import NAMES, SIZE, vectors_of
from tests.html_page import Page


def explored(root: Path, out: Path, **settings: Any) -> None:
    """Run the command explore on the collection."""
    config = compose("explore", ["data=folder", f"data.root={root}", f"out={out}", "workers=1"])
    merged = OmegaConf.merge(config, settings)
    assert isinstance(merged, DictConfig)
    explore_command(merged)


def test_a_map_of_embedding_files(root: Path, tmp_path: Path) -> None:
    files = {f"{kind}s": str(root / f"{kind}s.safetensors") for kind in NAMES}
    explored(root, tmp_path, view="map", **files)
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.fetched == []
    assert "9 drawings, 14 artworks" in " ".join(page.text.split())
    assert f"pca of lite, {SIZE} px" in " ".join(page.text.split())
    assert "(x - [" not in page.text
    assert 'title="lite (1280 dimensions' in text


def test_duplicates_by_embeddings(root: Path, tmp_path: Path) -> None:
    every = vectors_of(root, "artwork")
    twins = torch.cat([every.vectors[:1], every.vectors[:1], every.vectors[2:]])
    Embeddings(every.ids, twins).save(tmp_path / "a.safetensors", {})
    settings: Any = {"explore": {"duplicates": {"similarity": 0.9999, "distance": 0}}}
    explored(
        root, tmp_path, view="duplicates", artworks=str(tmp_path / "a.safetensors"), **settings
    )
    table = pd.read_csv(tmp_path / "duplicates.csv")
    assert table[["first", "second"]].to_numpy().tolist() == [["Du╠êrer, 0", "Du╠êrer, 1"]]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"view": "mpa"}, "view=mpa: did you mean map"),
        ({"view": "map"}, "view=map: needs embeddings"),
        ({"artworks": "x"}, "artworks: is of view=map, duplicates and motifs"),
        ({"view": "motifs", "artworks": "x"}, "view=motifs: needs embeddings"),
        ({"view": "map", "run": "{root}", "artworks": "y"}, "leave it out where run is given"),
        ({"view": "map", "drawings": "{root}/artworks.safetensors"}, "another collection"),
    ],
)
def test_bad_input_of_a_view(
    root: Path, tmp_path: Path, settings: dict[str, str], says: str
) -> None:
    filled = {key: value.format(root=root) for key, value in settings.items()}
    with pytest.raises(UserError) as caught:
        explored(root, tmp_path, **filled)
    assert says in str(caught.value)
