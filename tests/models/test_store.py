"""The store of embeddings, and the files written from it block by block."""

from __future__ import annotations

import hashlib
import os
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.files import user_cache
from drawsim.models.embedding.store import CHUNK, Store, default_store, file_sha256
from drawsim.retrieval.embeddings import ids_path, load_embeddings
from drawsim.retrieval.exports import export_thesis, write_embeddings

KEY = {"weights_sha256": "w", "transform": "t"}


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def rows(count: int, dimensions: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(count, dimensions, generator=generator), dim=1)


def filled(root: Path, count: int) -> Store:
    store = Store(root, KEY, 5)
    store.add([digest(i) for i in range(count)], rows(count))
    store.flush()
    return store


def everything(store: Store, numbers: list[int], block: int = 2048) -> Tensor:
    return torch.cat(list(store.blocks([digest(i) for i in numbers], block)))


@pytest.mark.parametrize("block", [1, 3, 2048])
def test_what_is_put_in_comes_out_in_any_order(tmp_path: Path, block: int) -> None:
    filled(tmp_path, 7)
    store = Store(tmp_path, KEY, 5)
    numbers = [6, 0, 0, 3, 5]
    assert torch.equal(everything(store, numbers, block), rows(7)[numbers])
    assert digest(6) in store
    assert digest(7) not in store


def test_chunks_are_written_as_they_fill(tmp_path: Path) -> None:
    store = Store(tmp_path, KEY, 5)
    for start in range(0, 2 * CHUNK + 10, 10):
        store.add([digest(start + i) for i in range(10)], rows(10))
    # Whoever is killed now has lost what waits, and that is less than a chunk.
    seen = Store(tmp_path, KEY, 5)
    assert 2 * CHUNK <= len(seen) < len(store)
    assert len(list(seen.folder.glob("*.safetensors"))) == 2


def test_nothing_is_kept_twice(tmp_path: Path) -> None:
    store = filled(tmp_path, 4)
    before = sorted(store.folder.iterdir())
    store.add([digest(1), digest(3)], rows(2))
    store.flush()
    assert sorted(store.folder.iterdir()) == before


def test_models_do_not_meet(tmp_path: Path) -> None:
    filled(tmp_path, 4)
    other = Store(tmp_path, KEY | {"transform": "u"}, 5)
    assert len(other) == 0
    assert digest(0) not in other


def test_two_processes_add_to_one_store(tmp_path: Path) -> None:
    one, other = Store(tmp_path, KEY, 5), Store(tmp_path, KEY, 5)
    one.add([digest(0)], rows(2)[:1])
    other.add([digest(1)], rows(2)[1:])
    one.flush()
    other.flush()
    one.refresh()
    assert torch.equal(everything(one, [1, 0]), rows(2).flip(0))


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_chunk_is_named_and_its_vectors_are_missing(tmp_path: Path, harm: str) -> None:
    store = filled(tmp_path, 3)
    store.add([digest(9)], rows(1))
    store.flush()
    [whole, *_] = [store._places[digest(0)][0]]
    content = bytearray(whole.read_bytes())
    if harm == "cut":
        whole.write_bytes(content[:-7])
    elif harm == "flipped":
        content[-1] ^= 1
        whole.write_bytes(content)
    elif harm == "empty":
        whole.write_bytes(b"")
    else:
        whole.unlink()
        whole = whole.with_name(f"{hashlib.sha256(b'nothing').hexdigest()}.safetensors")
        whole.write_bytes(b"nothing")
    again = Store(tmp_path, KEY, 5)
    assert again.damaged == [whole]
    assert not whole.exists()
    assert [digest(i) in again for i in (0, 1, 2, 9)] == [False, False, False, True]


def test_what_a_kill_leaves_is_no_chunk(tmp_path: Path) -> None:
    store = filled(tmp_path, 3)
    [chunk] = store.folder.glob("*.safetensors")
    (store.folder / f".{chunk.name}.123.part").write_bytes(chunk.read_bytes()[:50])
    again = Store(tmp_path, KEY, 5)
    assert (len(again), again.damaged) == (3, [])


def test_vectors_of_another_length_are_a_defect(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 digests"):
        Store(tmp_path, KEY, 5).add([digest(0)], rows(1, 4))


def test_the_digest_of_a_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000  # more than is read at once
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).digest()


def test_where_the_store_is() -> None:
    assert default_store() == user_cache() / "embeddings"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_file_from_blocks_is_read_like_any_other(tmp_path: Path, dtype: torch.dtype) -> None:
    path, vectors = tmp_path / "new/e.safetensors", rows(9)
    ids = [f"Dürer/{i}, “x”" for i in range(9)]
    write_embeddings(path, ids, [vectors[:4], vectors[4:8], vectors[8:]], 5, dtype, {"model": "é"})
    read = load_embeddings(path)
    assert list(read.ids) == ids
    assert torch.equal(read.vectors, vectors.to(dtype))
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"model": "é"}


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def blocks() -> Iterator[Tensor]:
        for _ in range(200):
            yield torch.ones(100, 200)

    tracemalloc.start()
    write_embeddings(tmp_path / "e.safetensors", ["i"] * 20_000, blocks(), 200, torch.float32, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "e.safetensors").stat().st_size > 16e6
    assert peak < 8e6


def test_a_write_that_breaks_off_leaves_the_old_pair(tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    write_embeddings(path, ["a", "b"], [rows(2)], 5, torch.float32, {})

    def broken() -> Iterator[Tensor]:
        yield rows(2)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_embeddings(path, ["c", "d", "e"], broken(), 5, torch.float32, {})
    with pytest.raises(ValueError, match="of 60 bytes"):
        write_embeddings(path, ["c", "d", "e"], [rows(2)], 5, torch.float32, {})
    assert list(load_embeddings(path).ids) == ["a", "b"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.ids.csv", "e.safetensors"]


def test_ids_without_vectors_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "e.safetensors"
    write_embeddings(path, ["a", "b"], [rows(2)], 5, torch.float32, {})
    # Killed after the ids, before the vectors: as many ids as before, but others.
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _replace_no_vectors)
        with pytest.raises(KeyboardInterrupt):
            write_embeddings(path, ["c", "d"], [rows(2)], 5, torch.float32, {})
    assert ids_path(path).read_text() == "id\nc\nd\n"
    with pytest.raises(UserError, match="is missing"):
        load_embeddings(path)


_replace = Path.replace


def _replace_no_vectors(self: Path, target: Path) -> Path:
    if Path(target).suffix == ".safetensors":
        raise KeyboardInterrupt
    return _replace(self, target)


def test_the_thesis_layout_needs_no_pickle(tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    write_embeddings(path, ["ä", "a longer id"], [rows(2)], 5, torch.float16, {})
    table = np.load(export_thesis(path), allow_pickle=False)
    assert table["id"].tolist() == ["ä", "a longer id"]
    assert np.array_equal(table["vector"], rows(2).half().float().numpy())
    array = np.array(table.tolist(), dtype=object)  # the line that the module gives
    assert array.shape == (2, 2)
    assert array[:, 0].tolist() == ["ä", "a longer id"]
    assert np.array_equal(np.vstack(list(array[:, 1])), table["vector"])


def test_what_was_removed_is_not_there(tmp_path: Path) -> None:
    store = filled(tmp_path, 5)
    shutil.rmtree(store.folder)
    with pytest.raises(KeyError):
        store.of([digest(1)])
    assert digest(1) not in store
    (other := filled(tmp_path, 5)).of([digest(1)])
    shutil.rmtree(other.folder)
    other.refresh()
    assert digest(1) not in other
    other.add([digest(1)], rows(5)[1:2])
    other.flush()
    assert torch.equal(other.of([digest(1)]), rows(5)[1:2])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize("whole", [True, False])
def test_nothing_waits_for_a_pipe(tmp_path: Path, whole: bool) -> None:
    folder = filled(tmp_path, 5).folder
    os.mkfifo(folder / "pipe.safetensors")
    (folder / "folder.safetensors").mkdir()
    store = Store(tmp_path, KEY, 5, whole=whole)
    assert {path.stem for path in store.damaged} == {"pipe", "folder"}
