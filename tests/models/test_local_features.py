"""Local features: kept by content in float16, the same before and after, and never taken if bad."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.models.local_features import KeptPictures
from drawsim.models.model import Model
from drawsim.retrieval.reranking import local
from drawsim.retrieval.reranking.local import LocalFeatures


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load("lite", image_size=64)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = []
    for number in range(5):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), cv2.resize(coarse, (120, 90)))
    return paths


def test_a_second_look_computes_nothing_and_sees_the_same(
    model: Model, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    first = KeptPictures(model, [files[0]], files, store)
    places, seen = first.gallery([0, 1, 2, 3, 4])
    assert places == [0, 1, 2, 3, 4]
    batch = torch.stack([model.look(file)[0] for file in files])
    plain = local.local_features(model.backbone, batch)
    assert (seen.height, seen.width) == (plain.height, plain.width) == (4, 4)
    assert float((seen.vectors - plain.vectors).abs().max()) <= 2**-11  # of float16, below 1

    calls = []
    compute = local.local_features

    def counting(*arguments: object) -> LocalFeatures:
        calls.append(arguments)
        return compute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("drawsim.models.local_features.local_features", counting)
    second = KeptPictures(model, [files[0]], files, store)
    again, same = second.gallery([4, 1])
    assert again == [0, 1]
    assert torch.equal(same.vectors, seen.vectors[[4, 1]])
    assert len(calls) == 1  # of a blank image, for the shape
    turned = second.query(0)
    assert torch.equal(turned.vectors[0], seen.vectors[0])

    # A copy under another name is known; a damaged file in the store is not taken.
    copy = tmp_path / "copy.png"
    copy.write_bytes(files[2].read_bytes())
    before = len(calls)
    _, known = KeptPictures(model, [], [copy], store).gallery([0])
    assert torch.equal(known.vectors[0], seen.vectors[2])
    assert len(calls) == before + 1
    for kept in store.rglob("*.safetensors"):
        kept.write_bytes(kept.read_bytes()[:40])
    _, mended = KeptPictures(model, [], files, store).gallery([2])
    assert torch.allclose(mended.vectors[0], seen.vectors[2], atol=2**-10)


def test_what_cannot_be_read_is_left_out(model: Model, files: list[Path], tmp_path: Path) -> None:
    files[1].write_text("no image")
    pictures = KeptPictures(model, [None], [*files, None, tmp_path / "gone.png"], tmp_path / "s")
    places, found = pictures.gallery([0, 1, 5, 6, 2])
    assert places == [0, 4]
    assert len(found.vectors) == 2
    with pytest.raises(UserError, match="needs the pictures"):
        pictures.gallery([5])
    with pytest.raises(UserError, match="picture of a query is not known"):
        pictures.query(0)
