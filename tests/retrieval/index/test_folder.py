"""The index on disk: changes equal a fresh build, and nothing is ever half used."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index import folder as index_module
from drawsim.retrieval.index import parts
from drawsim.retrieval.index.folder import Changes, Index, build_index, open_index
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery, gallery_from_file

D = 4
LITE = EmbeddingModel("lite", "0123456789abcdef", "squash to 280x280", D, "none", "areas averaged")
HOSTILE = ["Albrecht_Du╠êrer_1", 'a, "b"\nc', "007", "NA", " x "]


def direction(angle: int) -> list[float]:
    """A unit vector that is another for each of 7 angles."""
    return [float(np.cos(angle)), float(np.sin(angle)), 0.0, 0.0]


def gallery(angles: dict[str, int], titles: dict[str, str] | None = None) -> Gallery:
    ids = list(angles)
    vectors = torch.tensor([direction(angles[name]) for name in ids])
    table = pd.DataFrame({"title": titles or {name: f"<{name}>" for name in ids}})
    return Gallery(Embeddings(ids, vectors), LITE, table)


def content(index: Index, kind: str = "artwork") -> tuple[list[str], torch.Tensor, dict[Any, Any]]:
    part = index.parts[kind]
    assert list(part.table.index) == list(part.embeddings.ids)
    return list(part.embeddings.ids), part.embeddings.vectors, part.table.to_dict("list")


def assert_same(first: Index, second: Index) -> None:
    (ids, vectors, table), (ids2, vectors2, table2) = content(first), content(second)
    assert ids == ids2
    assert torch.equal(vectors, vectors2)
    assert table == table2


def test_what_is_built_is_opened(tmp_path: Path) -> None:
    vectors = torch.nn.functional.normalize(torch.randn(5, D)).half()
    table = pd.DataFrame({"artist": ["é", "", None], "year": [1, 2, 3]}, index=HOSTILE[:3])
    drawings = gallery({"d0": 1})
    artworks = Gallery(Embeddings(HOSTILE, vectors), LITE, table)
    build_index(tmp_path, {"drawing": drawings, "artwork": artworks}, Path("here"))
    index = open_index(tmp_path)
    ids, back, cells = content(index)
    assert ids == HOSTILE
    assert torch.equal(back, vectors)
    assert cells == {"artist": ["é", "", "", "", ""], "year": ["1", "2", "3", "", ""]}
    assert content(index, "drawing")[0] == ["d0"]
    assert (index.model, index.collection) == (LITE, Path("here"))
    assert index.part("artwork").matrix.dtype == torch.float32
    with pytest.raises(UserError, match=r"'d9' in the index, did you mean d0\?"):
        index.part("drawing").rows(["d9"])
    # Vectors of the index are an embedding file like any other.
    again = gallery_from_file(index.part("drawing").file("safetensors"))
    assert again.model == LITE


NAMES = st.sampled_from("abcdefg")
STEP = st.one_of(
    st.dictionaries(NAMES, st.integers(0, 6), min_size=1, max_size=4),
    st.sets(NAMES, min_size=1, max_size=3),
)


@settings(max_examples=30)
@given(st.lists(STEP, max_size=6))
def test_changes_equal_a_fresh_build(steps: list[dict[str, int] | set[str]]) -> None:
    held = {"a": 0, "b": 1, "c": 2}
    with tempfile.TemporaryDirectory() as folder:
        index = build_index(Path(folder) / "index", {"artwork": gallery(held)})
        for step in steps:
            before = dict(held)
            if isinstance(step, dict):
                held |= step
                index, changes = index.add("artwork", gallery(step))
                same = sum(before.get(name) == angle for name, angle in step.items())
                new = len(step.keys() - before.keys())
                assert changes == Changes(new, len(step) - new - same, same)
            else:
                gone = step & held.keys()
                if len(gone) < len(step) or len(gone) == len(held):
                    with pytest.raises(UserError, match=r"in the index|would be left"):
                        index.remove("artwork", step)
                    continue
                held = {name: angle for name, angle in held.items() if name not in gone}
                index = index.remove("artwork", gone)
        fresh = build_index(Path(folder) / "fresh", {"artwork": gallery(held)})
        assert_same(index, fresh)
        assert len(list(index.folder.iterdir())) == len(list(fresh.folder.iterdir()))


def test_new_metadata_replace_old_and_others_stay(tmp_path: Path) -> None:
    index = build_index(tmp_path, {"artwork": gallery({"a": 0, "b": 1})})
    told = Gallery(
        gallery({"b": 1, "c": 2}).embeddings, LITE, pd.DataFrame({"artist": {"b": "X", "c": "Y"}})
    )
    index, changes = index.add("artwork", told)
    assert changes == Changes(added=1, replaced=1, unchanged=0)
    assert content(index)[2] == {"title": ["<a>", "<b>", ""], "artist": ["", "X", "Y"]}
    unchanged, changes = index.add("artwork", gallery({"a": 0}))
    assert changes == Changes(0, 0, 1)
    assert unchanged is index


def test_a_kind_can_be_added_and_leaves_the_other_alone(tmp_path: Path) -> None:
    index = build_index(tmp_path, {"artwork": gallery({"a": 0})})
    with pytest.raises(UserError, match="holds artworks, no drawings"):
        index.part("drawing")
    file = index.part("artwork").file("safetensors")
    index, _ = index.add("drawing", gallery({"d": 3}))
    assert content(index, "drawing")[0] == ["d"]
    assert index.part("artwork").file("safetensors") == file
    with pytest.raises(UserError, match="did you mean artwork"):
        index.add("artworks", gallery({"d": 3}))


def test_the_precision_of_the_index_stays(tmp_path: Path) -> None:
    half = gallery({"a": 1})
    half = Gallery(Embeddings(half.embeddings.ids, half.embeddings.vectors.half()), LITE)
    index = build_index(tmp_path, {"artwork": half})
    index, changes = index.add("artwork", Gallery(gallery({"a": 1, "b": 2}).embeddings, LITE))
    assert changes == Changes(1, 0, 1)
    assert content(index)[1].dtype == torch.float16


def change_all(index: Index) -> None:
    index.add("artwork", gallery({"a": 5, "z": 6}))


def stopped_at(monkeypatch: pytest.MonkeyPatch, write: int) -> None:
    """The given write to disk, counted from 0, does not happen, and nothing after it."""
    left = iter(range(write))

    def stop(original: Callable[..., Any]) -> Callable[..., Any]:
        def stopping(*args: Any) -> Any:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return original(*args)

        return stopping

    monkeypatch.setattr(Embeddings, "save", stop(Embeddings.save))
    for module, name in ((parts, "write_csv"), (index_module, "write_json")):
        monkeypatch.setattr(module, name, stop(getattr(module, name)))


@pytest.mark.parametrize("write", [0, 1, 2])
def test_a_change_that_is_stopped_leaves_the_old_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    old = build_index(tmp_path / "index", {"artwork": gallery({"a": 0, "b": 1})})
    with monkeypatch.context() as patch:
        stopped_at(patch, write)
        with pytest.raises(KeyboardInterrupt):
            change_all(old)
    assert_same(open_index(tmp_path / "index"), old)
    change_all(open_index(tmp_path / "index"))
    fresh = build_index(tmp_path / "fresh", {"artwork": gallery({"a": 5, "b": 1, "z": 6})})
    assert_same(open_index(tmp_path / "index"), fresh)
    assert len(list((tmp_path / "index").iterdir())) == 4


@pytest.mark.parametrize("write", [1, 2])
def test_a_half_written_index_is_refused_and_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    with monkeypatch.context() as patch:
        stopped_at(patch, write)
        with pytest.raises(KeyboardInterrupt):
            build_index(tmp_path, {"artwork": gallery({"a": 0})})
    (tmp_path / ".artworks.1.csv.123.part").touch()  # what a killed process leaves
    with pytest.raises(UserError, match=r"half-written index .* build it again"):
        open_index(tmp_path)
    build_index(tmp_path, {"artwork": gallery({"b": 0})})
    assert content(open_index(tmp_path))[0] == ["b"]
    assert len(list(tmp_path.iterdir())) == 4


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no index there"):
        open_index(tmp_path)
    index = build_index(tmp_path, {"artwork": gallery({"a": 0, "b": 1})})
    for file in index.part("artwork").files:
        whole = file.read_bytes()
        file.write_bytes(whole[:-1])
        with pytest.raises(UserError, match=rf"{file.name}: damaged"):
            open_index(tmp_path)
        file.unlink()
        with pytest.raises(UserError, match=rf"{file.name}: missing"):
            open_index(tmp_path)
        file.write_bytes(whole)
    table = index.part("artwork").file("csv")
    table.write_text(table.read_text().replace("a,<a>", "c,<a>"))
    with pytest.raises(UserError, match="not those it was built with"):
        open_index(tmp_path)
    manifest = tmp_path / "index.json"
    text = manifest.read_text()
    for broken in (text[:-20], "[]", "{}", text.replace('"format": 1', '"format": 99')):
        manifest.write_text(broken)
        with pytest.raises(UserError, match="build it again"):
            open_index(tmp_path)


def test_an_open_index_can_be_read_while_it_is_changed(tmp_path: Path) -> None:
    old = build_index(tmp_path, {"artwork": gallery({"a": 0, "b": 1})})
    change_all(old)
    assert torch.equal(content(old)[1], gallery({"a": 0, "b": 1}).embeddings.vectors)


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"name": "copy"}, False),
        ({"weights_sha256": "fedcba9876543210"}, True),
        ({"transform": "squash to 224x224"}, True),
        ({"dimensions": 8}, True),
        ({"adaptation": "1f2e"}, True),
        ({"reading": "full resolution"}, True),
        ({"adaptation": "unknown", "reading": "unknown"}, False),
    ],
)
def test_another_model_is_refused(tmp_path: Path, changed: dict[str, Any], refused: bool) -> None:
    index = build_index(tmp_path, {"artwork": gallery({"a": 0})})
    other = EmbeddingModel(**{**vars(LITE), **changed})
    if not refused:
        index.check_model(other)
        return
    with pytest.raises(UserError) as error:
        index.check_model(other)
    assert str(LITE) in str(error.value)
    assert str(other) in str(error.value)
    vectors = torch.eye(1, other.dimensions)
    foreign = Gallery(Embeddings(["x"], vectors), other)
    with pytest.raises(UserError, match="not of"):
        index.add("artwork", foreign)
    with pytest.raises(UserError, match="different models"):
        build_index(tmp_path, {"artwork": gallery({"a": 0}), "drawing": foreign})


def test_another_collection_is_refused(tmp_path: Path) -> None:
    index = build_index(tmp_path, {"artwork": gallery({"a": 0, "b": 1})}, Path("old"))
    none = pd.DataFrame()

    def of(*ids: str) -> Collection:
        return Collection(Path("new"), none, pd.DataFrame(index=list(ids)), none)

    assert index.check_collection(of("b", "a")) == ()
    assert index.check_collection(of("b", "c", "a", "d")) == (
        "2 artworks are not in the index, such as 'c'",
    )
    with pytest.raises(UserError, match=r"\(old\): 1 of its 2 artworks is not in new, .* 'a'"):
        index.check_collection(of("b", "c", "d"))


def test_two_spellings_of_an_id_are_one(tmp_path: Path) -> None:
    index = build_index(tmp_path, {"artwork": gallery({"D\u00fcrer": 0})})
    with pytest.raises(UserError, match="the same text"):
        index.add("artwork", gallery({"Du\u0308rer": 0}))


def test_an_index_of_an_earlier_version_can_be_read(tmp_path: Path) -> None:
    built = build_index(tmp_path, {"artwork": gallery({"a": 0})})
    file = tmp_path / "index.json"
    data = json.loads(file.read_text())
    del data["model"]["adaptation"], data["model"]["reading"]
    file.write_text(json.dumps(data))
    index = open_index(tmp_path)
    index.check_model(LITE)
    assert_same(index, built)
    grown, _ = index.add("artwork", gallery({"b": 1}))
    assert list(grown.part("artwork").embeddings.ids) == ["a", "b"]


def test_the_manifest_says_what_is_in_it(tmp_path: Path) -> None:
    build_index(tmp_path, {"artwork": gallery({"a": 0, "b": 1})}, Path("collection"))
    data = json.loads((tmp_path / "index.json").read_text())
    assert data["model"] == vars(LITE)
    assert data["collection"] == "collection"
    assert data["kinds"]["artwork"]["count"] == 2
    assert data["kinds"]["artwork"]["ann"] is None


def test_changes_at_once_all_count(tmp_path: Path) -> None:
    first = build_index(tmp_path / "x", {"artwork": gallery({"a0": 0})})
    with ThreadPoolExecutor(4) as several:  # a lock holds against threads as against processes
        made = [
            several.submit(first.add, "artwork", gallery({f"b{number}": number}))
            for number in range(4)
        ]
    assert all(each.result()[1] == Changes(1, 0, 0) for each in made)
    ids = open_index(tmp_path / "x").parts["artwork"].embeddings.ids
    assert sorted(ids) == ["a0", "b0", "b1", "b2", "b3"]
    left = first.remove("artwork", ["b2"])  # which it does not know of
    assert sorted(left.parts["artwork"].embeddings.ids) == ["a0", "b0", "b1", "b3"]
    with pytest.raises(UserError, match="b2"):
        first.remove("artwork", ["b2"])
    assert not list((tmp_path / "x").glob(".*"))
