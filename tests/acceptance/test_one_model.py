"""Six users of a model, one picture: the same embedding and the same ranks, whoever asks."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import Tensor

import drawsim.embed
import drawsim.evaluate
import drawsim.index
import drawsim.search
import drawsim.train
from drawsim.collection.tables import Collection
from drawsim.common.launch import launch
from drawsim.pixels.frames import crop
from drawsim.retrieval.analysis.evaluation import evaluate
from drawsim.retrieval.embeddings import load_embeddings
from drawsim.retrieval.index.folder import open_index
from drawsim.web.pictures import Pictures
from drawsim.web.queue.finder import Finder
from drawsim.web.thumbnails import ThumbnailFolder
from drawsim.workflows.annotate.lens import open_lens
from drawsim.workflows.evaluate import of_checkpoint

SIZE = 64
ASKED = "d0"
ROUNDING = 2.0**-24
"""Of one float32 operation, relative."""
DEEP = 256
"""More operations than follow each other in the small network and its adaptation; each adds one
rounding, and batches of another size add up in another order."""
BOUND = 2 * DEEP * ROUNDING
"""What two users' coordinates of a unit vector may differ by: 3.1e-5."""


def command(name: str, *arguments: str) -> int:
    """A command in this process; its exit code."""
    module = getattr(drawsim, name)
    before, sys.argv = sys.argv, [f"drawsim.{name}", *arguments]
    try:
        named = {"run_name": module.run_name} if name == "train" else {}
        named |= {kind.lower(): getattr(module, kind, ()) for kind in ("TEXTS", "LISTS")}
        launch(name, getattr(module, name), **named)
    except SystemExit as stopped:
        return int(stopped.code or 0)
    finally:
        sys.argv = before
    return 0


VARIANTS = {
    "areas": ("aug=light", "frames=crop"),
    "thesis": ("aug=none", "reading=thesis", "decide=none"),
}
"""In the first, stages that lose are left out."""


@pytest.fixture(scope="module")
def framed_root(tmp_path_factory: pytest.TempPathFactory, collection_root: Path) -> Path:
    """The small collection, of which two pictures lie on the dark bed of a scanner."""
    root = tmp_path_factory.mktemp("framed") / "collection"
    shutil.copytree(collection_root, root)
    for name in (f"drawings/{ASKED}.png", "artworks/a3.png"):
        picture = np.asarray(cv2.imread(str(root / name))) // 2 + 100
        scan = cv2.copyMakeBorder(picture, 3, 4, 5, 4, cv2.BORDER_CONSTANT, value=(9, 9, 9))
        assert min(crop(scan).shape[:2]) < 40 < min(scan.shape[:2])
        assert cv2.imwrite(str(root / name), scan)
    return root


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def run(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    framed_root: Path,
) -> Path:
    """A small run with a layout, an adaptation, mirrored images and re-ranking by pictures."""
    out = tmp_path_factory.mktemp(f"one-{request.param}")
    code = command(
        "train",
        *("data=folder", f"data.root={framed_root}", f"image_size={SIZE}", "workers=0"),
        *("layout=grids", "adapt=hubs", "adapt.neighbours=2", "batch.flip=true"),
        *("rerank=spatial", "rerank.spatial.depth=9"),
        *("trainer=cpu", "trainer.max_epochs=1", "miner.negatives=2", "keep=last", "logger=csv"),
        *VARIANTS[request.param],
        *("study=s", "name=r", f"out={out}"),
    )
    assert code == 0
    return out / "s" / "r"


@pytest.fixture(scope="module")
def index_of_run(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index") / "INDEX"
    assert command("index", f"run={run}", f"out={folder}") == 0
    return folder


def stages_of(run: Path) -> list[str]:
    """The stages of the run's model after its embedding, by the run's own word."""
    record = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    decided = {one["stage"]: one["kept"] for one in record.get("decisions", [])}
    kept = [stage for stage in ("layout", "adapted", "spatial") if decided.get(stage, True)]
    if kept:
        named = [stage for stage in record["stages"] if stage != "learnt"]
        assert named == ["untrained", *kept]
    return [stage for stage in kept if stage != "layout"]


def ranks(query: Tensor, gallery: Tensor) -> list[float]:
    """The rank of each artwork, equals within the bound sharing the mean of theirs."""
    scores = (gallery.double() @ query.double()).numpy()
    apart = scores[None] - scores[:, None]
    equal = (np.abs(apart) <= 2 * BOUND).sum(axis=1)
    return list(1 + (apart > 2 * BOUND).sum(axis=1) + (equal - 1) / 2)


def test_the_same_picture_has_the_same_place(run: Path, framed_root: Path, tmp_path: Path) -> None:
    collection = Collection.open(framed_root)
    picture = collection.paths("drawing")[ASKED]
    found: dict[str, tuple[Tensor, Tensor]] = {}

    def of(folder: Path, drawings: str, artworks: str) -> tuple[Tensor, Tensor]:
        gallery = load_embeddings(folder / artworks).of(sorted(collection.artworks.index))
        return load_embeddings(folder / drawings).of([ASKED]).vectors[0], gallery.vectors

    names = ("final.drawings.safetensors", "final.artworks.safetensors")
    found["train"] = of(run / "embeddings", *names)

    inputs = of_checkpoint(run / "checkpoints" / "best.ckpt", None)
    last = inputs.models[-1]
    everything = sorted(collection.artworks.index)
    found["evaluate"] = last.drawings.of([ASKED]).vectors[0], last.artworks.of(everything).vectors
    begins = "embedding" if "adapted" in stages_of(run) else "best"
    assert [model.name for model in inputs.models] == [begins, *stages_of(run)]

    for kind in ("drawings", "artworks"):
        arguments = (f"data.root={framed_root}", f"kind={kind}", f"run={run}", "workers=0")
        store = f"store={tmp_path / 'store'}"
        file = f"out={tmp_path / f'{kind}.safetensors'}"
        assert command("embed", *arguments, store, file, "trainer=cpu") == 0
    found["embed"] = of(tmp_path, "drawings.safetensors", "artworks.safetensors")

    folder = tmp_path / "INDEX"
    assert command("index", f"run={run}", f"out={folder}") == 0
    index = open_index(folder)
    gallery = index.part("artwork").embeddings.of(everything).vectors
    found["index"] = index.part("drawing").embeddings.of([ASKED]).vectors[0], gallery

    out = tmp_path / "found"
    assert command("search", f"index={folder}", f"image={picture}", "k=12", f"out={out}") == 0
    hits = json.loads((out / "hits.json").read_text(encoding="utf-8"))["queries"][0]["hits"]

    lens, notes = open_lens(index)
    assert lens is not None, notes
    pixels = Pictures(collection, ThumbnailFolder(tmp_path / "small")).upload(
        picture.read_bytes(), lens.least_side
    )
    found["annotate"] = torch.from_numpy(lens.embed(pixels, "drawing")), gallery

    query, known = found["train"]
    expected = ranks(query, known)
    largest = 0.0
    for user, (vector, rows) in found.items():
        largest = max(
            largest, float((vector - query).abs().max()), float((rows - known).abs().max())
        )
        assert ranks(vector, rows) == expected, user
    scores = {hit["id"]: float(hit.get("cosine", hit["score"])) for hit in hits}
    by_search = torch.tensor([scores[name] for name in everything])
    away = float((by_search - known @ query).abs().max())
    print(f"\nlargest difference of an embedding {largest:.2e}, of a score in search {away:.2e}")
    assert largest <= BOUND
    assert away <= 2 * BOUND
    order = sorted(range(len(everything)), key=lambda row: -float(by_search[row]))
    assert all(expected[a] <= expected[b] for a, b in pairwise(order))


def test_the_same_picture_has_the_same_list(
    run: Path, index_of_run: Path, framed_root: Path, tmp_path: Path
) -> None:
    """In the last stage of ranking, for train, evaluate, search by id and by file, and the app."""
    picture = Collection.open(framed_root).paths("drawing")[ASKED]
    found: dict[str, list[str]] = {}

    def listed(table: pd.DataFrame, model: str) -> list[str]:
        [ids] = table.loc[(table["model"] == model) & (table["drawing_id"] == ASKED), "top_ids"]
        return list(json.loads(ids))

    found["train"] = listed(pd.read_csv(run / "ranks.csv"), "final")
    inputs = of_checkpoint(run / "checkpoints" / "best.ckpt", None)
    evaluated = evaluate(inputs, direction="drawing_to_artwork", columns=None, csls_neighbours=None)
    found["evaluate"] = listed(evaluated.ranks, inputs.models[-1].name)
    assert list(evaluated.metrics) == [model.name for model in inputs.models]

    for asked in (f"image={picture}", f"id={ASKED}"):
        out = tmp_path / asked.split("=")[0]
        assert command("search", f"index={index_of_run}", asked, "k=12", f"out={out}") == 0
        hits = json.loads((out / "hits.json").read_text(encoding="utf-8"))["queries"][0]["hits"]
        found[f"search by {out.name}"] = [hit["id"] for hit in hits]

    index = open_index(index_of_run)
    lens, notes = open_lens(index)
    assert lens is not None, notes
    assert (lens.depth > 0) == ("spatial" in stages_of(run))
    collection = Collection.open(framed_root)
    finder = Finder([index], lens, collection)
    found["annotate"] = [each.id for each in finder.candidates("drawing", ASKED, 0, 12)]
    pictures = Pictures(collection, ThumbnailFolder(tmp_path / "thumbnails"))
    pixels = pictures.upload(picture.read_bytes(), lens.least_side)
    found["annotate by file"] = [each.id for each in finder.by_pixels(pixels, "drawing", 12)]
    for user, ids in found.items():
        assert ids == found["train"], user


PAYLOADS: dict[str, Callable[[Path], Any]] = {
    "sympy": lambda marker: {
        "_target_": "sympy.sympify",
        "a": f"__import__('pathlib').Path({str(marker)!r}).touch()",
    },
    "system": lambda marker: {"_target_": "os.system", "command": f"touch {marker}"},
    "nested": lambda marker: {
        "_target_": "drawsim.models.backbones.lite.lite",
        "name": "lite",
        "pool": {"_target_": "os.system", "_args_": [f"touch {marker}"]},
        "freeze_norm": True,
    },
    "method": lambda marker: {"_target_": "hydra.utils.get_method", "path": "os.system"},
    "partial": lambda marker: {
        "_target_": "os.system",
        "_partial_": True,
        "command": f"touch {marker}",
    },
}


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("group", ["backbone", "adapt", "rerank"])
def test_nothing_runs_because_a_run_says_so(
    payload: str,
    group: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    collection_root: Path,
) -> None:
    marker = tmp_path / "marker"
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    checkpoint = run / "checkpoints" / "best.ckpt"
    torch.save({"state_dict": {"backbone.network.x": torch.zeros(1)}}, checkpoint)
    settings: dict[str, Any] = {
        "image_size": SIZE,
        "data": {"root": str(collection_root), "max_pixels": 10**6},
        "backbone": {
            "name": "lite",
            "_target_": "drawsim.models.backbones.lite.lite",
            "pool": "avg",
            "freeze_norm": True,
            "weights": None,
        },
        "layout": {"parts": None},
        "batch": {"flip": False},
        "aug": {},
        group: PAYLOADS[payload](marker),
    }
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    images, out = collection_root / "drawings", tmp_path / "e.safetensors"
    for name, *arguments in (
        ("embed", f"run={run}", f"images={images}", f"out={out}"),
        ("evaluate", f"checkpoint={checkpoint}", f"out={tmp_path / 'e'}"),
    ):
        assert command(name, *arguments) == 1
        said = capsys.readouterr().err
        assert len(said.strip().splitlines()) == 1, said
        assert "Nothing of it was run" in said or "not read from files" in said, said
        assert not marker.exists()


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("key", ["backbone", "rerank", "other"])
def test_nothing_runs_because_an_index_says_so(
    payload: str,
    key: str,
    index_of_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    collection_root: Path,
) -> None:
    marker = tmp_path / "marker"
    source = {
        "image_size": SIZE,
        "reading": "areas",
        "backbone": {
            "name": "lite",
            "_target_": "drawsim.models.backbones.lite.lite",
            "pool": "avg",
            "freeze_norm": True,
            "weights": None,
        },
        key: PAYLOADS[payload](marker),
    }
    file = index_of_run / "model.json"
    kept = file.read_text()
    file.write_text(json.dumps(source))
    try:
        picture = collection_root / "drawings" / "d0.png"
        assert command("search", f"index={index_of_run}", f"image={picture}") == 1
        said = capsys.readouterr().err
        assert len(said.strip().splitlines()) == 1, said
        lens, [note] = open_lens(open_index(index_of_run))
        assert lens is None
        for text in (said, note):
            assert any(
                words in text
                for words in ("Nothing of it was run", "not read from files", "which is not read")
            ), text
        assert not marker.exists()
    finally:
        file.write_text(kept)
