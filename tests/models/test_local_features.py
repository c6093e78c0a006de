"""Local features: kept by content in float16, the same before and after, and never taken if bad."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.models.embedding.digests import Digests
from drawsim.models.embedding.store import Store, file_sha256
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


def looked_at(pictures: KeptPictures, rows: list[int]) -> tuple[list[int], LocalFeatures]:
    pictures.prepare(rows)
    return pictures.gallery(rows)


def test_a_second_look_computes_nothing_and_sees_the_same(
    model: Model, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    first = KeptPictures(model, [files[0]], files, store)
    places, seen = looked_at(first, [0, 1, 2, 3, 4])
    assert places == [0, 1, 2, 3, 4]
    batch = torch.stack([model.look(file)[0] for file in files])
    plain = local.local_features(model.backbone, batch)
    assert (seen.height, seen.width) == (plain.height, plain.width) == (4, 4)
    assert float((seen.vectors - plain.vectors).abs().max()) <= 2**-11  # of float16, below 1

    calls = []
    compute = local.local_features

    def counting(*arguments: Any) -> LocalFeatures:
        calls.append(arguments[1])
        return compute(*arguments)

    monkeypatch.setattr("drawsim.models.local_features.local_features", counting)
    second = KeptPictures(model, [files[0]], files, store)
    again, same = looked_at(second, [4, 1])
    assert again == [0, 1]
    assert torch.equal(same.vectors, seen.vectors[[4, 1]])
    assert not calls
    turned = second.queries([0])
    assert torch.allclose(turned.vectors[0], seen.vectors[0], atol=2**-10)
    assert torch.equal(second.queries([0, 0]).vectors, turned.vectors.repeat(2, 1, 1))
    assert len(calls) == 1

    # A copy under another name is known.
    copy = tmp_path / "copy.png"
    copy.write_bytes(files[2].read_bytes())
    _, known = looked_at(KeptPictures(model, [], [copy], store), [0])
    assert torch.equal(known.vectors[0], seen.vectors[2])
    assert len(calls) == 1


def test_what_is_damaged_is_computed_anew(model: Model, files: list[Path], tmp_path: Path) -> None:
    first = KeptPictures(model, [], files, tmp_path / "s")
    _, seen = looked_at(first, [0, 1])
    for chunk in first.folder.glob("*.safetensors"):
        chunk.write_bytes(chunk.read_bytes()[:40])
    (tmp_path / "s" / "digests.sqlite").write_bytes(b"no database, but something else")
    other = Model.load("lite", image_size=64)
    places, mended = looked_at(KeptPictures(other, [], files, tmp_path / "s"), [0, 1])
    assert places == [0, 1]
    assert torch.allclose(mended.vectors, seen.vectors, atol=2**-10)


def test_what_many_take_is_said_before(
    model: Model,
    files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("drawsim.models.local_features.SAID", 5)
    monkeypatch.setattr("drawsim.models.local_features.BATCH", 2)
    pictures = KeptPictures(model, [], files, tmp_path / "s")
    with caplog.at_level("INFO", "drawsim"):
        pictures.prepare([0, 1, 2, 3, 4, -1])
        pictures.prepare([0, 1])
    [said] = caplog.messages
    assert said == f"local features of 5 pictures: 0 MB in {pictures.folder}"
    _, found = looked_at(KeptPictures(model, [], files, tmp_path / "s"), [3, 1])
    assert torch.equal(pictures.gallery([3, 1])[1].vectors, found.vectors)


def test_other_weights_are_other_pictures(files: list[Path], tmp_path: Path) -> None:
    """The same network before and after a step of training."""
    model = Model.load("lite", image_size=64)
    before = KeptPictures(model, [], files, tmp_path / "s")
    with torch.no_grad():
        next(model.backbone.parameters()).mul_(1.5)
    after = KeptPictures(model, [], files, tmp_path / "s")
    assert before.folder != after.folder
    assert before.folder.parent == after.folder.parent


def test_a_changed_file_is_read_again(files: list[Path], tmp_path: Path) -> None:
    digests = Digests(tmp_path / "store")
    first = digests.of(files, 2)
    assert first == [file_sha256(file) for file in files]
    files[1].write_bytes(files[2].read_bytes())
    files[3].unlink()
    assert digests.of(files, 2) == [first[0], first[2], first[2], None, first[4]]


@pytest.mark.parametrize("kept", ["text", b"x", 10**9, None])
def test_digests_that_are_none_are_made_again(kept: object, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"a")
    digests = Digests(tmp_path)
    assert digests.of([file], 1) == [file_sha256(file)]
    with sqlite3.connect(digests.file) as known:
        known.execute("update digests set digest = ?", (kept,))
    assert digests.of([file], 1) == digests.of([file], 1) == [file_sha256(file)]


def test_digests_need_no_place(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where the folder should be")
    assert Digests(tmp_path / "file").of(files[:1], 1) == [file_sha256(files[0])]


def test_what_cannot_be_read_is_left_out(model: Model, files: list[Path], tmp_path: Path) -> None:
    files[1].write_text("no image")
    pictures = KeptPictures(model, [None], [*files, None, tmp_path / "gone.png"], tmp_path / "s")
    places, found = looked_at(pictures, [0, 1, 5, 6, 2])
    assert places == [0, 4]
    assert len(found.vectors) == 2
    with pytest.raises(UserError, match="needs the pictures"):
        pictures.gallery([5])
    with pytest.raises(UserError, match="picture of a query is not known"):
        pictures.queries([0])


def test_a_store_that_cannot_be_written_stops_nothing(
    model: Model, files: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    _, expected = looked_at(KeptPictures(model, [files[0]], files, tmp_path / "store"), [0, 3])
    for _ in range(2):  # the second is told no more
        pictures = KeptPictures(model, [files[0]], files, tmp_path / "file" / "store")
        places, seen = looked_at(pictures, [0, 3])
        assert places == [0, 1]
        assert torch.equal(seen.vectors, expected.vectors)
    assert caplog.text.count("local features are not kept") == 1


def test_a_store_that_is_full_in_the_middle_stops_nothing(
    model: Model,
    files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pictures = KeptPictures(model, [files[0]], files, tmp_path / "store")
    looked_at(pictures, [0])
    flush = Store.flush

    def full(store: Store) -> None:
        if store.folder.is_relative_to(tmp_path):
            raise OSError(errno.ENOSPC, "No space left on device", str(store.folder))
        flush(store)

    monkeypatch.setattr(Store, "flush", full)
    places, _ = looked_at(pictures, [1, 2])
    assert places == [0, 1]
    assert pictures.gallery([0, 1])[0] == [0, 1]
    assert "No space left" in caplog.text
