"""Motifs whose pairs are looked at: pictures that match in one layout, and one that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import normalize

from drawsim import Collection
from drawsim.models.model import Model
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.gallery import Gallery, gallery_from_file
from drawsim.workflows.motifs import MotifResults, MotifSettings, motifs_of, summary

COUNT, FAMILY = 60, 8


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Collection, Gallery]:
    """60 drawings, the first 8 of them one scene with other shades; the picture of d0 is gone."""
    root = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((COUNT, 48))
    rows[:FAMILY] = rng.standard_normal(48) + 0.4 * rng.standard_normal((FAMILY, 48))
    scene = cv2.resize(rng.random((6, 8)), (96, 72))
    (root / "drawings").mkdir()
    for n in range(1, COUNT):
        sheet = scene if n < FAMILY else cv2.resize(rng.random((6, 8)), (96, 72))
        shade = 120 + 100 * rng.random()
        cv2.imwrite(str(root / "drawings" / f"d{n}.png"), (shade * sheet).astype(np.uint8))
    names = [f"d{n}" for n in range(COUNT)]
    table = pd.DataFrame({"id": names, "path": [f"drawings/{name}.png" for name in names]})
    table.to_csv(root / "drawings.csv", index=False)
    (root / "artworks.csv").write_text("id,path\na,drawings/d1.png\n", encoding="utf-8")
    (root / "pairs.csv").write_text("drawing_id,artwork_id,pair\n", encoding="utf-8")
    vectors = normalize(torch.from_numpy(rows).float(), dim=1)
    Embeddings(names, vectors).save(root / "d.safetensors", {})
    collection = Collection.open(root)
    return collection, gallery_from_file(root / "d.safetensors", collection.drawings)


def found(drawn: tuple[Collection, Gallery], verify: bool) -> MotifResults:
    given = {"neighbours": 10, "chance": 1.0, "smallest": 3, "resamples": 10, "stability": 0.5}
    asked: dict[str, Any] = {
        "columns": None,
        "strata": [],
        "level": 0.05,
        "colours": False,
        "gallery": False,
    }
    settings = MotifSettings.of({**given, **asked, "seed": 0, "verify": verify})
    collection, gallery = drawn
    return motifs_of(gallery, collection, settings, max_pixels=10**6, workers=1, run=Path("a run"))


def test_only_pairs_whose_pictures_match_make_a_motif(
    drawn: tuple[Collection, Gallery], monkeypatch: pytest.MonkeyPatch
) -> None:
    (plain,) = found(drawn, verify=False).motifs.motifs
    assert set(plain.members) == {f"d{n}" for n in range(FAMILY)}
    assert plain.confirmed is None

    network = Model.load("lite", image_size=64)
    monkeypatch.setattr(Model, "load", lambda source: network)
    looked = found(drawn, verify=True)
    (motif,) = looked.motifs.motifs
    assert set(motif.members) == {f"d{n}" for n in range(1, FAMILY)}, "d0 cannot be looked at"
    assert motif.confirmed == 1
    assert "of the near pairs of each motif 100% or more match in a layout" in summary(looked)
