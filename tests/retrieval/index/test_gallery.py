"""What may go into an index, and what may not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from drawsim.collection.ids import check_ids
from drawsim.common.errors import UserError
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery, gallery_from_file

LITE = EmbeddingModel("lite", "0123456789abcdef", "squash to 280x280", 4)


def test_ids_must_differ_whatever_their_spelling() -> None:
    check_ids(["D\u00fcrer", "Durer", "d\u00fcrer", ""])
    with pytest.raises(UserError, match=r"'D\\xfcrer' and 'Du\\u0308rer' are the same"):
        check_ids(["D\u00fcrer", "a", "Du\u0308rer"])
    with pytest.raises(UserError, match="'a' comes twice"):
        check_ids(["a", "b", "a"])


@pytest.mark.parametrize("length", [0.5, float("nan"), 0.0, float("inf")])
def test_vectors_must_have_length_one(length: float) -> None:
    vectors = torch.eye(2, 4) * torch.tensor([[1.0], [length]])
    with pytest.raises(UserError, match="the embedding of 'b' is not of length 1"):
        Gallery(Embeddings(["a", "b"], vectors), LITE)


def test_vectors_must_be_a_matrix_of_the_models_size() -> None:
    for vectors, says in (
        (torch.eye(1, 7), "7 dimensions are not by lite"),
        (torch.empty(0, 4), "no embeddings"),
        (torch.ones(1), "must be a matrix of float32 or float16"),
        (torch.eye(1, 4, dtype=torch.float64), "must be a matrix of float32 or float16"),
    ):
        with pytest.raises(UserError, match=says):
            Gallery(Embeddings([f"a{i}" for i in range(len(vectors))], vectors), LITE)


def test_half_precision_counts_as_length_one() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(50, 1280)).half()
    Gallery(Embeddings([str(i) for i in range(50)], vectors), EmbeddingModel("a", "b", "c", 1280))


def test_a_file_says_what_made_it(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    Embeddings(["a"], torch.eye(1, 4)).save(path, {**LITE.metadata(), "torch": "2.4"})
    assert gallery_from_file(path).model == LITE
    Embeddings(["a"], torch.eye(1, 4)).save(path, {"imported_from": "old.npy"})
    assert gallery_from_file(path).model == EmbeddingModel("unknown", "unknown", "unknown", 4)


def test_vectors_of_another_adaptation_or_reading_are_of_another_space() -> None:
    said = {"model": "lite", "weights_sha256": "w", "transform": "t", "reading": "areas averaged"}
    plain = EmbeddingModel.from_metadata(said, 4)
    one, other = (
        EmbeddingModel.from_metadata({**said, "adaptation": "hubs", "adaptation_sha256": digest}, 4)
        for digest in ("1f", "2e")
    )
    exact = EmbeddingModel.from_metadata({**said, "reading": "full resolution"}, 4)
    spaces = [model.space for model in (plain, one, other, exact)]
    assert [spaces.index(space) for space in spaces] == [0, 1, 2, 3]
    assert len({*spaces, *(replace(model).space for model in (plain, one, other, exact))}) == 4
    assert len({str(model) for model in (plain, one, other, exact)}) == 4
    for model in (plain, one, other, exact):
        assert EmbeddingModel.from_metadata(model.metadata(), 4) == model


def test_what_older_files_do_not_say_does_not_part_them() -> None:
    old = {"model": "lite", "weights_sha256": "w", "transform": "t"}
    adapted = EmbeddingModel.from_metadata({**old, "adaptation": "hubs held back"}, 4)
    plain = EmbeddingModel.from_metadata(old, 4)
    now = EmbeddingModel.from_metadata(
        {**old, "adaptation": "hubs held back", "adaptation_sha256": "1f", "reading": "areas"}, 4
    )
    assert (adapted.adaptation, plain.adaptation, plain.reading) == ("unknown", "none", "unknown")
    assert adapted.space == now.space
    assert now.space == adapted.space
    assert plain.space != now.space
    assert replace(plain, weights_sha256="v").space != plain.space
    assert EmbeddingModel("a", "w", "t", 4).space == now.space
    assert len({adapted.space, now.space}) == 1
