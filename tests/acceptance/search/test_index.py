"""Indexes as they are built and changed, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drawsim.common.errors import UserError
from drawsim.index import index as index_command
from drawsim.retrieval.embeddings import Embeddings
from drawsim.search import search as search_command
from tests.acceptance.search.asking import (
    SIZE,
    brute_force,
    configured,
    found_ids,
    look_up,
    vector,
    vectors_of,
)


def test_adding_and_removing(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = vectors_of(root, "artwork")
    made_by = {"model": "lite", "weights_sha256": "w", "transform": "t"}
    every.of(every.ids[:10]).save(tmp_path / "some.safetensors", made_by)
    every.save(tmp_path / "all.safetensors", made_by)
    out = tmp_path / "INDEX"
    index_command(configured("index", out=out, artworks=tmp_path / "some.safetensors"))
    index_command(configured("index", out=out, artworks=tmp_path / "all.safetensors", add=True))
    assert "4 artworks added, 0 replaced, 10 as before" in " ".join(capsys.readouterr().out.split())
    nearest = brute_force(root, "artwork", vector(root, "artwork", 0), 3)
    index_command(configured("index", out=out, remove=[nearest[1]]))
    assert "13 artworks" in capsys.readouterr().out
    record = look_up(root, tmp_path, index=out, id=nearest[0], in_="artworks", k=1)
    assert found_ids(record) == [nearest[2]]


def test_an_index_of_another_model_is_refused(root: Path, tmp_path: Path) -> None:
    made_by = {"model": "lite", "weights_sha256": "other", "transform": "t"}
    vectors_of(root, "artwork").save(tmp_path / "a.safetensors", made_by)
    with pytest.raises(UserError, match=r"index of lite .* not of lite"):
        index_command(
            configured("index", out=root / "INDEX", artworks=tmp_path / "a.safetensors", add=True)
        )
    with pytest.raises(UserError, match="embedded by different models"):
        index_command(
            configured(
                "index",
                out=tmp_path / "I",
                drawings=root / "drawings.safetensors",
                artworks=tmp_path / "a.safetensors",
            )
        )
    assert not (tmp_path / "I" / "index.json").exists()
    index_command(configured("index", out=tmp_path / "I", artworks=tmp_path / "a.safetensors"))
    image = {"index": tmp_path / "I", "image": root / "drawings" / "0.png"}
    with pytest.raises(UserError, match="does not say how its model is made; give run=DIR"):
        search_command(configured("search", **image))
    with pytest.raises(UserError, match=r"index of lite .* not of lite"):
        search_command(configured("search", **image, backbone="lite", image_size=SIZE))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "run, drawings or artworks must be given"),
        ({"run": "{root}"}, "no final embeddings in it"),
        ({"run": "{root}", "artworks": "x"}, "artworks: leave it out where run is given"),
        (
            {"artworks": "{root}/artworks.safetensors", "ann": "hnws"},
            "ann=hnws: did you mean hnsw?",
        ),
        ({"artworks": "{root}/nothing.safetensors"}, "nothing.safetensors"),
        ({"artworks": "{root}/drawings.safetensors", "collection": "{root}"}, "another collection"),
        ({"remove": "1995_99", "out": "{root}/INDEX"}, "remove: no image '1995_99', did you mean"),
        ({"remove": "1995_00", "add": True}, "remove: leave add out"),
    ],
)
def test_bad_input_of_an_index(
    root: Path, tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    filled = {
        key: value.format(root=root) if isinstance(value, str) else value
        for key, value in settings.items()
    }
    with pytest.raises(UserError) as caught:
        index_command(configured("index", **{"out": tmp_path / "I", **filled}))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ids_that_look_the_same_and_a_half_written_index(root: Path, tmp_path: Path) -> None:
    two = Embeddings(["\u00e9", "e\u0301"], vectors_of(root, "artwork").vectors[:2])
    two.save(tmp_path / "a.safetensors", {})
    with pytest.raises(UserError, match="the same text in two Unicode spellings"):
        index_command(configured("index", out=tmp_path / "I", artworks=tmp_path / "a.safetensors"))
    index_command(configured("index", out=tmp_path / "I", artworks=root / "artworks.safetensors"))
    (tmp_path / "I" / "index.json").unlink()
    with pytest.raises(UserError, match="half-written index"):
        search_command(configured("search", index=tmp_path / "I", id="x"))


def test_an_index_in_a_database_is_searched_by_the_commands(
    root: Path,
    tmp_path: Path,
    new_vector_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("drawsim.retrieval.index.queries.FEW", 1)
    monkeypatch.delenv("DRAWSIM_DATABASE", raising=False)
    database, out = new_vector_database(), tmp_path / "INDEX"
    files = {f"{kind}s": root / f"{kind}s.safetensors" for kind in ("drawing", "artwork")}
    where = {"collection": root, "backbone": "lite", "image_size": SIZE}
    build = configured("index", out=out, ann="pgvector", **files, **where)
    with pytest.raises(UserError, match="give database=ADDRESS, or set DRAWSIM_DATABASE"):
        index_command(build)
    monkeypatch.setenv("DRAWSIM_DATABASE", database)
    index_command(build)
    said = capsys.readouterr().out
    assert "14 artworks: pgvector, recall@10 1.0000, recall@100 1.0000 of exact search" in said
    assert "bytes a vector, built in" in said
    image = {"image": root / "drawings" / "0.png", "rerank": "k_reciprocal", "where": "country=FRA"}
    exact = look_up(root, tmp_path / "E", index=out, **image)
    found = look_up(root, tmp_path / "F", index=out, ann=True, **image)
    assert found_ids(found) == found_ids(exact)
    monkeypatch.delenv("DRAWSIM_DATABASE")
    assert found_ids(look_up(root, tmp_path / "G", index=out, **image)) == found_ids(exact)
    with pytest.raises(UserError, match="nothing says which; the index was built in"):
        look_up(root, tmp_path / "H", index=out, ann=True, **image)
    index_command(configured("index", out=out, remove="1995_00", database=database))
    assert "8 drawings: pgvector" in capsys.readouterr().out
