"""`python -m drawsim.embed`, as a user runs it."""

from __future__ import annotations

import pickle
import shutil
import signal
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import drawsim.embed
import drawsim.train
from drawsim.common.launch import launch
from drawsim.retrieval.embeddings import Embeddings, load_embeddings
from tests.commands import Done, run

ROUNDED = 2 * 256 * 2.0**-24
"""What coordinates of a unit vector may differ by: 256 float32 operations after each other, more
than the small network has, each rounded once, for each of the two vectors."""
SMALL = ("image_size=32", "workers=0", "batch=4", "trainer=cpu")


Command = Callable[..., Done]


@pytest.fixture
def embed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Command:
    """`python -m drawsim.embed`, in this process, so that torch is not imported anew each time."""

    def command(*arguments: str) -> Done:
        caplog.clear()
        monkeypatch.setattr(sys, "argv", ["drawsim.embed", *arguments])
        code = 0
        try:
            launch(
                "embed", drawsim.embed.embed, texts=drawsim.embed.TEXTS, lists=("trust", "merge")
            )
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err + caplog.text)

    return command


KILLED = """
import os, runpy, signal
from drawsim.models.embedding import store
store.CHUNK = 4
flush = store.Store.flush
def killing(self):
    flush(self)
    if len(list(self.folder.glob("*.safetensors"))) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
store.Store.flush = killing
runpy.run_module("drawsim.embed", run_name="__main__", alter_sys=True)
"""


def test_killed_resumed_and_renamed(collection_root: Path, tmp_path: Path, embed: Command) -> None:
    store, out = tmp_path / "store", tmp_path / "a.safetensors"
    settings = (f"data.root={collection_root}", "kind=artworks", f"out={out}", f"store={store}")
    killed = run("-c", KILLED, *SMALL, *settings)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert not out.exists()
    [model] = store.iterdir()
    harmed, _ = sorted(model.glob("*.safetensors"))
    harmed.write_bytes(harmed.read_bytes()[:100])

    resumed = embed(*SMALL, *settings, "export=thesis")
    assert resumed.returncode == 0, resumed.stderr
    assert f"{harmed}: damaged" in resumed.stderr
    assert "8 of 12 images to embed" in resumed.stderr
    assert "4 were in the store" in resumed.stdout
    mapped = load_embeddings(out)
    first = Embeddings(mapped.ids, mapped.vectors.clone())  # the file is harmed below
    assert list(first.ids) == [f"a{i}" for i in range(12)]
    assert np.load(out.with_suffix(".npy"))["id"].tolist() == first.ids

    # The same images as a folder, under other names, with a half-written file in the way.
    folder = tmp_path / "other"
    shutil.copytree(collection_root / "artworks", folder / "Ä b")
    out.write_bytes(out.read_bytes()[:-5])
    moved = embed(*SMALL, f"images={folder}", f"out={out}", f"store={store}", "float16=true")
    assert moved.returncode == 0, moved.stderr
    assert "embedded" not in moved.stdout
    again = load_embeddings(out)
    assert sorted(again.ids) == sorted(f"Ä b/a{i}" for i in range(12))
    same = again.of([f"Ä b/{name}" for name in first.ids]).vectors
    assert torch.equal(same, first.vectors.half())


def test_two_processes_embed_what_one_does(
    collection_root: Path, tmp_path: Path, embed: Command
) -> None:
    images = (f"data.root={collection_root}", "kind=artworks")
    files = [tmp_path / "one.safetensors", tmp_path / "two.safetensors"]
    one = embed(*SMALL, *images, f"out={files[0]}", f"store={tmp_path / 'store1'}")
    assert one.returncode == 0, one.stderr
    two = run(
        "embed",
        *(*SMALL[:3], "trainer=ddp", "trainer.accelerator=cpu"),
        *(*images, f"out={files[1]}", f"store={tmp_path / 'store2'}"),
    )
    assert two.returncode == 0, two.stderr
    assert "12 images embedded" in two.stdout
    assert two.stdout.count("two.safetensors:") == 1
    first, both = map(load_embeddings, files)
    assert both.ids == first.ids
    # Batches of another size add up in another order.
    assert float((both.vectors - first.vectors).abs().max()) <= ROUNDED


def test_corrupt_images_are_listed_or_an_error(
    collection_root: Path, tmp_path: Path, embed: Command
) -> None:
    folder = tmp_path / "images"
    shutil.copytree(collection_root / "drawings", folder)
    (folder / "d0.png").write_bytes((folder / "d0.png").read_bytes()[:200])
    out = tmp_path / "e.safetensors"
    settings = (*SMALL, f"images={folder}", f"out={out}", f"store={tmp_path / 'store'}")
    done = embed(*settings)
    assert done.returncode == 0, done.stderr
    assert "1 left out, listed in" in done.stdout
    listed = pd.read_csv(tmp_path / "e.skipped.csv")
    assert listed["id"].tolist() == ["d0"]
    assert "cannot be decoded" in listed["reason"][0]
    assert len(load_embeddings(out).ids) == 7
    strict = embed(*settings, "data.on_missing=error")
    assert strict.returncode == 1
    assert "unusable images: 1 problem" in strict.stderr
    assert "Traceback" not in strict.stderr


def test_a_run_embeds_as_it_was_trained(
    collection_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embed: Command
) -> None:
    images = ("data=folder", f"data.root={collection_root}")
    train = (
        *(*images, "image_size=32", "trainer=cpu", "trainer.max_epochs=1", "logger=csv"),
        *(
            "layout=none",
            "freeze=false",
            "rerank=none",
            "adapt.neighbours=2",
            "batch.flip=true",
            "workers=0",
            "miner.negatives=2",
            "keep=last",
            "decide=none",
        ),
        *("study=s", "name=r", f"out={tmp_path / 'runs'}"),
    )
    monkeypatch.setattr(sys, "argv", ["drawsim.train", *train])
    launch("train", drawsim.train.train, run_name=drawsim.train.run_name)
    trained = tmp_path / "runs/s/r"
    without = ("workers=0", "trainer=cpu", f"run={trained}", f"store={tmp_path / 'store'}")
    settings = (f"data.root={collection_root}", *without)
    for kind, count in (("drawings", 7), ("artworks", 12)):
        out = tmp_path / f"{kind}.safetensors"
        done = embed(*settings, f"kind={kind}", f"out={out}")
        assert done.returncode == 0, done.stderr
        expected = load_embeddings(trained / f"embeddings/final.{kind}.safetensors")
        assert len(expected.ids) >= count
        found = load_embeddings(out).of(expected.ids)
        assert torch.allclose(found.vectors, expected.vectors, atol=1e-5)
    says = embed(*without, f"images={collection_root / 'drawings'}", f"out={out}")
    assert "kind must be given, for this model embeds" in says.stderr
    says = embed(*settings, "kind=drawings", f"out={out}", "image_size=64")
    assert "image_size: leave it" in says.stderr


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("images=nowhere", "nowhere: no such folder"),
        ("images={empty}", "no images among 0 files"),
        ("images={twins}", "the same text in two Unicode spellings"),
        ("images={endings}", "the id 'x' comes twice"),
        ("data.root=nowhere kind=artworks", "data.root=nowhere: no such folder; set it to"),
        ("data.root={empty}", "kind must be given with data.root"),
        ("data.root={empty} kind=artwork", "kind=artwork: did you mean artworks?"),
        ("images={empty} data.root=x", "data.root and images: leave all but one out"),
        ("flip=true", "give the images: data.root=DIR kind=artworks, or images=DIR"),
        ("images={empty} out=x.npy", "out=x.npy: the name must end in .safetensors"),
        ("images={empty} export=thesi", "export=thesi: did you mean thesis?"),
        ("images={empty} compile=ture", "compile=ture: did you mean true"),
        ("images={empty} crops=6", "crops=6: from 0 to 5"),
        ("images={empty} batch=0", "batch=0: at least 1"),
        ("images={twins} run={empty}", "Give run=runs/STUDY/NAME"),
        ("images={empty} run=a checkpoint=b", "run and checkpoint: leave one of them out"),
        ("images={empty} run=a backbone=lite", "backbone: leave it out, run brings its own"),
        ("image={empty}", "image: no such setting, did you mean images"),
        ("images={empty} shard=17/16", "shard=17/16: there is no part 17 of 16; the first of"),
        ("images={empty} engine=rya", "engine=rya: did you mean ray?"),
        ("images={empty} address=auto", "address: goes with engine=ray; leave it out"),
        ("images=http://h/scans", "http:// is not read, only https:// and s3://"),
        ("images=https://h/scans", "https:// has no folders; list its files in a collection"),
        ("merge=none.*.safetensors", "merge=none.*.safetensors: no file is called so"),
        ("merge=none.safetensors shard=1/2", "shard: goes with images that are embedded"),
        ("import_npy={hostile}", "refused, for it asks for"),
    ],
)
def test_mistakes_get_one_line(tmp_path: Path, embed: Command, given: str, text: str) -> None:
    folders = {name: tmp_path / name for name in ("empty", "twins", "endings", "hostile")}
    for folder in folders.values():
        folder.mkdir()
    for form in ("NFC", "NFD"):
        (folders["twins"] / f"{unicodedata.normalize(form, 'é')}.png").write_bytes(b"x")
    for ending in ("png", "jpg"):
        (folders["endings"] / f"x.{ending}").write_bytes(b"x")
    if "hostile" in given:
        folders["hostile"] = write_hostile(tmp_path / "hostile.npy", tmp_path / "done")
    if "twins} run" in given:
        (folders["twins"] / unicodedata.normalize("NFD", "é.png")).unlink()
    arguments = given.format(**folders).split()
    if "out=" not in given:
        arguments.append(f"out={tmp_path / 'e.safetensors'}")
    done = embed(*arguments)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert text in line
    assert not (tmp_path / "done").exists()
    assert not (tmp_path / "e.safetensors").exists()


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def write_hostile(path: Path, made: Path) -> Path:
    array = np.empty((1, 2), dtype=object)
    array[0] = ["id", Hostile(made)]
    np.save(path, array, allow_pickle=True)
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        pickle.load(file)  # it would do harm
    assert made.exists()
    made.unlink()
    return path


def test_the_thesis_file_is_imported(tmp_path: Path, embed: Command) -> None:
    array = np.empty((2, 2), dtype=object)
    array[0] = ["d1", np.array([0.6, 0.8], np.float32)]
    array[1] = ["ä", np.array([0.0, 3.0], np.float32)]
    np.save(tmp_path / "in.npy", array, allow_pickle=True)
    done = embed(f"import_npy={tmp_path / 'in.npy'}", f"out={tmp_path / 'e.safetensors'}")
    assert done.returncode == 0, done.stderr
    read = load_embeddings(tmp_path / "e.safetensors")
    assert list(read.ids) == ["d1", "ä"]
    assert torch.allclose(read.vectors, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))


def test_shards_and_what_they_make(collection_root: Path, tmp_path: Path, embed: Command) -> None:
    settings = (*SMALL, f"data.root={collection_root}", "kind=artworks", f"store={tmp_path / 's'}")
    assert embed(*settings, f"out={tmp_path / 'whole.safetensors'}").returncode == 0
    for number in (1, 2, 3):
        out = f"out={tmp_path / 'F.safetensors'}"
        done = embed(*settings, out, f"shard={number}/3", f"store={tmp_path / str(number)}")
        assert f"F.{number}-of-3.safetensors: 4 embeddings of 1280 dimensions" in done.stdout
    out = f"out={tmp_path / 'merged.safetensors'}"
    done = embed(f"merge={tmp_path}/F.*-of-3.safetensors", out, "export=thesis")
    assert done.returncode == 0, done.stderr
    assert "merged.safetensors: 12 embeddings of 1280 dimensions, of 3 shards" in done.stdout
    for ending in (".safetensors", ".ids.csv"):
        merged, whole = (tmp_path / f"{name}{ending}" for name in ("merged", "whole"))
        assert merged.read_bytes() == whole.read_bytes()
    (tmp_path / "merged.safetensors").unlink()
    two = f"[{tmp_path}/F.1-of-3.safetensors,{tmp_path}/F.3-of-3.safetensors]"
    done = embed(f"merge={two}", out)
    assert done.returncode == 1
    said = "drawsim: of 3 shards there lack 2/3: embed them, with shard=2/3"
    assert done.stderr.strip() == f'{said} – more: docs/beyond_one_machine.md, "Embedding"'
    assert not (tmp_path / "merged.safetensors").exists()
