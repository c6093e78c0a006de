"""Indexes whose vectors are kept in PostgreSQL or Milvus, against brute force."""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index import folder as folder_module
from drawsim.retrieval.index import postgres, queries
from drawsim.retrieval.index.backends import ann_settings
from drawsim.retrieval.index.base import Items, Place
from drawsim.retrieval.index.databases import VARIABLE, Named, storable
from drawsim.retrieval.index.folder import Index, build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.milvus import LITE, Milvus
from drawsim.retrieval.index.queries import of_ids, of_vectors, search

D = 16
MODEL = EmbeddingModel("lite", "hash", "transform", D)
OTHER = EmbeddingModel("lite", "another", "transform", D)
PAYLOAD = "'; DROP TABLE drawsim_indexes; --"
NAMES = ('a"{}', "a'{}", "Dürer, {}", "e\u0301{}", "{}" + PAYLOAD, "\\{} %s {{}}", "] or 1 == {}")


def unit_rows(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, D, generator=generator))


def gallery(vectors: Tensor, first: int = 0, model: EmbeddingModel = MODEL, **more: str) -> Gallery:
    ids = [NAMES[i % len(NAMES)].format(i) for i in range(first, first + len(vectors))]
    table = pd.DataFrame(
        {
            "half": [str(i % 2) for i in range(len(ids))],
            "year": [str(1900 + i) for i in range(len(ids))],
            PAYLOAD: [("", PAYLOAD, 'x" or true')[i % 3] for i in range(len(ids))],
            **more,
        },
        index=ids,
    )
    return Gallery(Embeddings(ids, vectors), model, table)


@pytest.fixture(params=["pgvector", "milvus"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The backend; in milvus, of an index's own folder."""
    monkeypatch.setattr(queries, "FEW", 1)
    monkeypatch.delenv(VARIABLE, raising=False)
    if request.param == "milvus":
        for package in ("pymilvus", "milvus_lite"):
            if importlib.util.find_spec(package) is None:
                pytest.skip("no Milvus: pip install 'drawsim[milvus]'")
    return str(request.param)


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Its address; None: the index's folder."""
    if kind == "pgvector":
        yield request.getfixturevalue("new_vector_database")()
        return
    yield None
    manager = importlib.import_module("milvus_lite.server_manager").server_manager_instance
    manager.release_all()


def build(folder: Path, held: Gallery, kind: str, database: str | None) -> Index:
    return build_index(folder, {"artwork": held}, ann=ann_settings(kind, {}), database=database)


FILTERS: tuple[Any, ...] = (
    None,
    "half=1",
    {PAYLOAD: PAYLOAD},
    {PAYLOAD: f"!={PAYLOAD}"},
    {"half": "0", "year": [">=1910", "<2100"]},
    {"year": "!=1905"},
)


def check(index: Index, filters: tuple[Any, ...] = FILTERS) -> None:
    """What is found approximately, with and without filters, is what a whole sort finds."""
    part = index.part("artwork")
    asked = of_vectors([f"q{i}" for i in range(8)], unit_rows(8, 9), index.model)
    for where in filters:
        exact, found = (search(index, "artwork", asked, 7, where, ann) for ann in (False, True))
        one, two = ([sorted(row) for row in hits.ids] for hits in (found, exact))  # but for ties
        assert one == two, where
        np.testing.assert_allclose(found.scores, exact.scores, atol=1e-6)
    assert part.load_ann().count == len(part.embeddings.ids)


def test_search_follows_every_change(tmp_path: Path, kind: str, database: str | None) -> None:
    vectors = unit_rows(300, 0)
    vectors[7] = vectors[4]  # a tie
    index = build(tmp_path, gallery(vectors), kind, database)
    known = index.part("artwork").measured
    assert known is not None
    assert known.recall[10] > 0.99
    assert known.recall[100] > 0.99
    assert known.bytes > D
    assert (known.sample, known.build > 0, known.query > 0) == (300, True, True)
    check(index)
    two = search(index, "artwork", of_vectors(["q"], vectors[4:5], MODEL), 2, ann=True)
    assert two.ids[0].tolist() == [index.part("artwork").embeddings.ids[row] for row in (4, 7)]
    own = of_ids(index, "artwork", index.part("artwork").embeddings.ids[:3])
    assert not set(own.names) & set(search(index, "artwork", own, 3, ann=True).ids.diagonal())

    index, changes = index.add("artwork", gallery(unit_rows(60, 1), first=270, told="new"))
    assert (changes.added, changes.replaced) == (30, 30)
    check(index, (*FILTERS, "told=new", {"told": ""}))
    index, changes = index.add("artwork", gallery(unit_rows(60, 1), first=270, told="newer"))
    assert (changes.added, changes.replaced) == (0, 60)
    check(index, ("told=newer",))
    index = index.remove("artwork", index.part("artwork").embeddings.ids[5:50])
    check(open_index(tmp_path, database))
    files = sorted(file.name for file in tmp_path.glob(f"*.{kind}"))
    assert files == [f"artworks.4.{kind}"]


def test_what_an_interrupted_change_leaves_is_found_by_nobody(
    tmp_path: Path, kind: str, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = build(tmp_path, gallery(unit_rows(50, 0)), kind, database)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    changes: tuple[Callable[[], object], ...] = (
        lambda: index.add("artwork", gallery(unit_rows(30, 1), first=40)),
        lambda: index.remove("artwork", index.part("artwork").embeddings.ids[:20]),
        lambda: build(tmp_path, gallery(unit_rows(20, 2)), kind, database),
    )
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "write_json", killed)
        for change in changes:
            with pytest.raises(KeyboardInterrupt):
                change()
    index = open_index(tmp_path, database)
    assert len(index.part("artwork").embeddings.ids) == 50
    asked = of_vectors(["q"], unit_rows(1, 3), MODEL)
    exact, found = (search(index, "artwork", asked, 5, ann=ann) for ann in (False, True))
    assert found.ids.tolist() == exact.ids.tolist()
    index, _ = index.add("artwork", gallery(unit_rows(30, 4), first=40))
    check(index)
    index = build(tmp_path, gallery(unit_rows(20, 2)), kind, database)
    check(index)
    assert len(list(tmp_path.glob(f"*.{kind}"))) == 1
    assert kept(index, kind) == 1
    with monkeypatch.context() as patch:
        owner = type(index.part("artwork").load_ann())
        patch.setattr(owner, "create", killed)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path / "new", gallery(unit_rows(5, 2)), kind, database)
    with pytest.raises(UserError, match="half-written index"):
        open_index(tmp_path / "new", database)


def kept(index: Index, kind: str) -> int:
    """How many sets of vectors the database holds."""
    backend: Any = index.part("artwork").load_ann()
    if kind == "milvus":
        return len(backend.server.client.list_collections())
    tables = "SELECT count(*) FROM pg_tables WHERE tablename ~ '^drawsim_[0-9a-f]{16}$'"
    return int(backend.server.connection.execute(tables).fetchone()[0])


def test_another_model_and_a_copy_are_kept_apart(
    tmp_path: Path, kind: str, database: str | None
) -> None:
    index = build(tmp_path / "A", gallery(unit_rows(20, 0)), kind, database)
    shutil.copytree(tmp_path / "A", tmp_path / "B")
    copy = open_index(tmp_path / "B", database)
    if kind == "pgvector":
        with pytest.raises(UserError, match="is a copy of"):
            copy.add("artwork", gallery(unit_rows(1, 0), first=99))
        build(tmp_path / "B", gallery(unit_rows(20, 1), model=OTHER), kind, database)
        assert kept(index, kind) == 2
        check(index, (None,))
    shutil.copytree(tmp_path / "A", tmp_path / "C")
    manifest = tmp_path / "C" / "index.json"
    data = json.loads(manifest.read_text())
    data["model"]["weights_sha256"] = OTHER.weights_sha256
    manifest.write_text(json.dumps(data))
    asked = of_vectors(["q"], unit_rows(1, 3), OTHER)
    with pytest.raises(UserError, match=r"index of lite .* but what is kept in .* is of "):
        search(open_index(tmp_path / "C", database), "artwork", asked, 1, ann=True)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (None, f"give database=ADDRESS, or set {VARIABLE}"),
        ("postgresql://ada:secret@127.0.0.1:1/x", "ada@127.0.0.1:1/x cannot be opened: .*refused"),
        ("http://127.0.0.1:1", "no address of a PostgreSQL"),
        ("nobody", 'role "nobody" does not exist.*PGPASSWORD or ~/.pgpass'),
    ],
)
def test_servers_that_cannot_be(
    tmp_path: Path,
    address: str | None,
    says: str,
    new_vector_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    given = new_vector_database().replace("drawsim@", "nobody@") if address == "nobody" else address
    with pytest.raises(UserError, match=says) as error:
        build(tmp_path, gallery(unit_rows(5, 0)), "pgvector", given)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_pgvector_or_with_one_too_old(
    tmp_path: Path, new_vector_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = new_vector_database().replace("+psycopg", "")
    psycopg = importlib.import_module("psycopg")
    with psycopg.connect(base, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'guest'").fetchone():
            connection.execute("CREATE ROLE guest LOGIN")
    held = gallery(unit_rows(5, 0))
    guest = base.replace("drawsim@", "guest@")
    with pytest.raises(UserError, match=r"has no pgvector: permission denied.*CREATE EXTENSION"):
        build(tmp_path, held, "pgvector", guest)
    build(tmp_path / "I", held, "pgvector", f"{base}&password=hush")
    with pytest.raises(UserError, match="cannot be written to: permission denied"):
        build(tmp_path / "G", held, "pgvector", guest)
    assert not any(b"hush" in file.read_bytes() for file in (tmp_path / "I").iterdir())
    with pytest.raises(UserError, match=r"built in 'postgresql://drawsim@.*give database="):
        open_index(tmp_path / "I").part("artwork").load_ann()
    with pytest.raises(UserError, match="does not hold its artworks"):
        open_index(tmp_path / "I", new_vector_database()).part("artwork").load_ann()
    monkeypatch.setattr(postgres, "OLDEST", (99, 0))
    with pytest.raises(UserError, match=r"has pgvector 0\.\d+\.\d+, which is too old: 99.0 or"):
        open_index(tmp_path / "I", base).part("artwork").load_ann()
    wide = EmbeddingModel("lite", "hash", "transform", 4001)
    row = Gallery(Embeddings(["a"], torch.eye(1, 4001)), wide)
    with pytest.raises(UserError, match="4,000 dimensions at most, not of 4,001"):
        build(tmp_path / "W", row, "pgvector", base)


def test_a_server_that_was_started_again_is_met_anew(
    tmp_path: Path, new_vector_database: Callable[[], str]
) -> None:
    index = build(tmp_path, gallery(unit_rows(30, 0)), "pgvector", new_vector_database())
    backend: Any = index.part("artwork").load_ann()
    before = backend.top_k(unit_rows(2, 1), 5)[1]
    pid = backend.server.connection.info.backend_pid
    with postgres.Server(str(index.database)).transaction() as run:
        run.execute("SELECT pg_terminate_backend(%s)", [pid])
    assert backend.top_k(unit_rows(2, 1), 5)[1].tolist() == before.tolist()


def test_a_milvus_file_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymilvus", reason="no Milvus: pip install 'drawsim[milvus]'")
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / LITE).mkdir()
    with (tmp_path / LITE / "LOCK").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another program may have it open") as error:
            build(tmp_path, gallery(unit_rows(5, 0)), "milvus", None)
    assert "\n" not in str(error.value)
    for address, says in (("ftp://x", "no address of a Milvus"), ("http://127.0.0.1:1", "opened")):
        with pytest.raises(UserError, match=says):
            build(tmp_path, gallery(unit_rows(5, 0)), "milvus", address)


def test_what_no_database_keeps() -> None:
    assert storable("a\0\ud800é") == "a\ufffd\ufffdé"


def test_a_milvus_file_that_is_gone_is_not_made_by_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pymilvus", reason="no Milvus: pip install 'drawsim[milvus]'")
    monkeypatch.delenv(VARIABLE, raising=False)
    place = Place(tmp_path, "artwork", 0, MODEL)
    named = Named.new(LITE, place)
    named.write(place.file("milvus"))
    items = Items(["a"], torch.eye(1, D), pd.DataFrame(index=["a"]), place)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match=r"milvus\.db: is not there; build the index again"):
        Milvus().load(items)
    Milvus.drop(place.file("milvus"), None)
    assert sorted(tmp_path.iterdir()) == before
