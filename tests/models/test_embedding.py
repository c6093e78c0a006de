"""Embedding into a store: what comes out, and what is never done twice."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.collection.kinds import KINDS
from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.embedding.compiling import Compiling
from drawsim.models.embedding.engine import Outcome, assemble, embed_images
from drawsim.models.embedding.files import refuse_skipped
from drawsim.models.embedding.image_batches import Views, fingerprints
from drawsim.models.embedding.store import Store
from drawsim.models.model import Model
from drawsim.models.trainer import settle_hardware
from drawsim.pixels.dataset import ImageDataset
from drawsim.pixels.decode import read_image
from drawsim.pixels.reading import METHODS, Method, Reading
from drawsim.pixels.transforms import resize
from drawsim.retrieval.embeddings import load_embeddings
from drawsim.retrieval.index.gallery import gallery_from_file
from tests.learning.tiny import CPU, MAX_PIXELS, SIZE, TinyNet, tiny_backbone, tiny_matcher
from tests.learning.tiny import write_images as write_tiny_images


class Counting(Backbone):
    """The tiny network, that counts images and may stop after some."""

    def __init__(self, stop_after: int | None = None) -> None:
        torch.manual_seed(0)
        super().__init__("tiny", TinyNet(), [127.0] * 3, [64.0] * 3, True)
        self.images = 0
        self.stop_after = stop_after

    def forward(self, images: Tensor) -> Tensor:
        if self.stop_after is not None and self.images >= self.stop_after:
            raise KeyboardInterrupt
        self.images += len(images)
        return super().forward(images)


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    drawings, artworks = write_tiny_images(tmp_path / "images")
    return {path.stem: path for path in [*drawings, *artworks]}


def run(
    model: Model, images: dict[str, Path], root: Path, batch_size: int = 5, **changes: Any
) -> tuple[Outcome, Store]:
    store = Store(root / "store", model.key(), model.dimensions)
    settings: dict[str, Any] = {
        "batch_size": batch_size,
        "workers": 0,
        "compile_mode": "false",
        **changes,
    }
    trainer = settle_hardware(CPU | {"enable_checkpointing": False})
    return embed_images(model, images, store, trainer, **settings), store


def vectors_of(outcome: Outcome, store: Store) -> Tensor:
    return torch.cat(list(store.blocks(list(outcome.digests.values()))))


def made(backbone: Backbone, method: Method = "areas", crops: int = 0, **more: Any) -> Model:
    return Model(backbone, Reading(SIZE, method, MAX_PIXELS, crops), **more)


def batch_of(images: dict[str, Path], method: Method = "areas") -> Tensor:
    data = ImageDataset(list(images.values()), Reading(SIZE, method, MAX_PIXELS))
    return torch.stack([data[i][0] for i in range(len(data))])


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("workers", [0, 2])
def test_embeddings_are_those_of_the_module(
    images: dict[str, Path], tmp_path: Path, flip: bool, method: Method, workers: int
) -> None:
    module = tiny_matcher(flip=flip).eval()
    model = made(module.backbone, method, flip=flip)
    outcome, store = run(model, images, tmp_path, workers=workers)
    with torch.no_grad():
        rows = torch.arange(len(images))
        expected = module.validation_step((batch_of(images, method), rows), 0)["vectors"]
    assert list(outcome.digests) == list(images)
    assert torch.allclose(vectors_of(outcome, store), expected, atol=1e-6, rtol=0)


def test_crops_are_what_is_stated(images: dict[str, Path], tmp_path: Path) -> None:
    model = made(tiny_backbone().eval(), crops=3, flip=True)
    outcome, store = run(model, images, tmp_path)
    large = SIZE * 5 // 4
    found = vectors_of(outcome, store)
    for row, path in enumerate(images.values()):
        image = read_image(path)
        big = resize(image, large)
        rest = large - SIZE
        middle = rest // 2
        views = [
            resize(image, SIZE),
            big[middle : middle + SIZE, middle : middle + SIZE],
            big[:SIZE, :SIZE],
            big[:SIZE, rest:],
        ]
        stack = torch.from_numpy(np.stack([*views, *(v[:, ::-1] for v in views)])).permute(
            0, 3, 1, 2
        )
        with torch.no_grad():
            mean = normalize(model.backbone(stack).mean(dim=0), dim=0)
        assert torch.allclose(found[row], mean, atol=1e-6)


def test_no_image_is_computed_twice(images: dict[str, Path], tmp_path: Path) -> None:
    first = Counting()
    outcome, _ = run(made(first), images, tmp_path)
    assert (first.images, outcome.computed) == (30, 28)  # the last batch is filled
    again = Counting()
    outcome, store = run(made(again), images, tmp_path)
    assert (again.images, outcome.computed) == (0, 0)
    assert len(vectors_of(outcome, store)) == 28


def test_a_moved_or_copied_file_is_known(images: dict[str, Path], tmp_path: Path) -> None:
    run(made(Counting()), images, tmp_path)
    moved = {f"new {name}": tmp_path / f"moved-{path.name}" for name, path in images.items()}
    for old, new in zip(images.values(), moved.values(), strict=True):
        old.rename(new)
    twin = tmp_path / "twin.png"
    shutil.copy(moved["new 3"], twin)
    network = Counting()
    outcome, store = run(made(network), {**moved, "twin": twin}, tmp_path)
    assert network.images == 0
    vectors = vectors_of(outcome, store)
    assert torch.equal(vectors[-1], vectors[list(moved).index("new 3")])


def test_copies_in_one_run_are_computed_once(images: dict[str, Path], tmp_path: Path) -> None:
    network = Counting()
    paths = {f"{copy}/{name}": path for copy in "ab" for name, path in images.items()}
    outcome, _ = run(made(network), paths, tmp_path)
    assert (network.images, len(outcome.digests)) == (30, 56)


def test_what_was_done_before_a_stop_is_kept(images: dict[str, Path], tmp_path: Path) -> None:
    stopped = Counting(stop_after=10)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        run(made(stopped), images, tmp_path)
    network = Counting()
    outcome, store = run(made(network), images, tmp_path)
    assert (stopped.images, network.images) == (10, 20)
    expected, whole = run(made(Counting()), images, tmp_path / "unbroken")
    assert torch.equal(vectors_of(outcome, store), vectors_of(expected, whole))


def test_other_models_share_nothing(images: dict[str, Path], tmp_path: Path) -> None:
    base = Counting()
    run(made(base), images, tmp_path)
    named = tiny_backbone("another name")
    named.load_state_dict(base.state_dict())
    assert run(made(named), images, tmp_path)[0].computed == 0
    other: Any = Counting()
    other.network[3] = torch.nn.AdaptiveMaxPool2d(3)  # the same weights, another pooling
    changed = [
        made(other),
        Model(base, Reading(SIZE + 8)),
        made(base, "thesis"),
        made(base, flip=True),
        made(base, crops=1),
    ]
    keys = [made(base).key(), made(base).key("bf16-mixed"), *(model.key() for model in changed)]
    assert all(a != b for i, a in enumerate(keys) for b in keys[:i])
    adapted = made(base, adaptation=adaptation())
    assert adapted.key() == keys[0]


def test_unusable_images_are_left_out_with_reasons(images: dict[str, Path], tmp_path: Path) -> None:
    content = images["4"].read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    bad = {
        "gone": tmp_path / "gone.png",
        "cut": tmp_path / "cut.png",
        "text": tmp_path / "text.jpg",
        "copy of text": tmp_path / "text.jpg",
        "pipe": tmp_path / "pipe.jpg",
    }
    os.mkfifo(bad["pipe"])
    outcome, store = run(made(Counting()), {**bad, **images}, tmp_path, 3)
    assert list(outcome.skipped) == list(bad)
    assert outcome.skipped["gone"] == "is not there"
    assert outcome.skipped["pipe"] == "is a pipe, not a file"
    assert "cannot be decoded" in outcome.skipped["cut"]
    assert outcome.skipped["text"] == outcome.skipped["copy of text"]
    assert "not an image" in outcome.skipped["text"]
    assert list(outcome.digests) == list(images)
    assert len(vectors_of(outcome, store)) == len(images)


def test_nothing_but_unusable_images(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    outcome, _ = run(made(Counting()), {"t": tmp_path / "text.jpg"}, tmp_path)
    assert (outcome.digests, outcome.computed, list(outcome.skipped)) == ({}, 0, ["t"])


def test_an_image_without_numbers_is_not_kept(images: dict[str, Path], tmp_path: Path) -> None:
    network = Counting()
    assert cv2.imwrite(str(images["5"]), np.full((30, 40, 3), 255, np.uint8))
    # White is infinitely far from the mean level of 255 when the scale is 0.
    network.mean.fill_(255.0)
    network.std.fill_(0.0)
    paths = {"5": images["5"]}
    outcome, store = run(made(network), paths, tmp_path)
    assert "nan or infinity" in outcome.skipped["5"]
    assert len(store) == 0


def test_a_file_that_changes_meanwhile_is_not_taken_for_the_old(
    images: dict[str, Path],
) -> None:
    prints, _ = fingerprints(images, 1)
    images["0"].write_bytes(images["1"].read_bytes() + b"more")
    views = Views(Reading(SIZE), {prints["0"].digest: (images["0"], prints["0"])})
    digest, why = views[0]
    assert digest == prints["0"].digest
    assert "was changed" in str(why)


def adaptation() -> Adaptation:
    made = Adaptation(6, axes="own", keep=None, power=0.5, neighbours=3, learn="none")
    generator = torch.Generator().manual_seed(1)
    made.fit(*(normalize(torch.randn(20, 6, generator=generator), dim=1) for _ in range(2)))
    return made


def test_both_kinds_are_adapted_as_the_module_does(images: dict[str, Path], tmp_path: Path) -> None:
    module = tiny_matcher(adaptation=adaptation()).eval()
    model = made(module.backbone, adaptation=module.adaptation)
    outcome, store = run(model, images, tmp_path)
    raw = vectors_of(outcome, store)
    for kind, vectors in zip(KINDS, module.adapt(raw, raw), strict=True):
        path = tmp_path / f"{kind}s.safetensors"
        assert assemble(path, model, store, outcome.digests, kind, torch.float32) == 8
        assert torch.allclose(load_embeddings(path).vectors, vectors, atol=1e-6)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        described = {
            **module.model.describe(),
            "dimensions": "8",
            "kind": f"{kind}s",
        }
        assert described.items() <= metadata.items()
        assert "torch" in metadata["versions"]
        assert gallery_from_file(path).model.dimensions == 8


def test_an_adaptation_that_was_never_fitted(tmp_path: Path) -> None:
    raw = Adaptation(6, axes="own", keep=None, power=0.5, neighbours=None, learn="none")
    model = made(Counting(), adaptation=raw)
    with pytest.raises(UserError, match="never fitted"):
        model.adapt(torch.ones(1, 6), "drawing")


def compiled_as(monkeypatch: pytest.MonkeyPatch, network: Any) -> None:
    monkeypatch.setattr(torch, "compile", lambda plain, dynamic: network)


def plain(images: Tensor) -> Tensor:
    return images + 1


def test_a_compiled_network_gets_full_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def fast(images: Tensor) -> Tensor:
        sizes.append(len(images))
        return images + 1

    compiled_as(monkeypatch, fast)
    call = Compiling(plain, "true", batches=3)
    for rows in (4, 4, 3):
        images = torch.rand(rows, 5)
        assert torch.equal(call(images), images + 1)
    assert sizes == [4, 4, 4]


@pytest.mark.parametrize("fault", ["raises", "differs", "nan"])
def test_where_compiling_fails_the_plain_network_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    def faulty(images: Tensor) -> Tensor:
        if fault == "raises":
            raise RuntimeError("no compiler\nand much more")
        return images * (-1 if fault == "differs" else float("nan"))

    compiled_as(monkeypatch, faulty)
    call = Compiling(plain, "true", batches=2)
    images = torch.rand(4, 5)
    with caplog.at_level(logging.WARNING):
        assert all(torch.equal(call(images), images + 1) for _ in range(2))
    [note] = caplog.messages
    assert "used as it is" in note
    assert "\n" not in note


@pytest.mark.parametrize(("batches", "expected"), [(10, 0), (10**9, 1)])
def test_compiling_must_repay_itself(
    monkeypatch: pytest.MonkeyPatch, batches: int, expected: int
) -> None:
    made = []

    def compiler(network: Any, dynamic: bool) -> Any:
        made.append(network)
        return network

    monkeypatch.setattr(torch, "compile", compiler)
    call = Compiling(plain, "auto", batches)
    for _ in range(6):
        call(torch.rand(64, 512))
    assert len(made) == expected


def test_from_python_the_store_may_be_named_by_text(tmp_path: Path) -> None:
    paths, _ = write_tiny_images(tmp_path / "images")
    model = Model(tiny_backbone(), Reading(SIZE, "areas", MAX_PIXELS))
    embedded = model.embed(paths, store=str(tmp_path / "store"))
    assert len(embedded.ids) == len(paths)
    assert any((tmp_path / "store").iterdir())


def test_what_is_left_out_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "a.png"
    outcome = Outcome({}, {"a": "is empty (0 bytes)", "b": "is a pipe"}, 0, 0.0)
    with caplog.at_level("WARNING"):
        refuse_skipped(outcome, {"a": file, "b": file}, "skip")
    assert caplog.messages == [
        f"2 images cannot be used and are left out, e.g. {file}: is empty (0 bytes)"
    ]
    with pytest.raises(UserError, match="2 problems"):
        refuse_skipped(outcome, {"a": file, "b": file}, "error")
