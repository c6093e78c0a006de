"""A calibration from an evaluation: which drawings it is fitted on, and that it finds the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.retrieval.analysis.inputs import Inputs, from_files
from drawsim.retrieval.analysis.known_answers import Calibrated, calibrate
from drawsim.retrieval.embeddings import Embeddings

ARTWORKS = 60
PAIRED = 40
"""Drawings of validation, by number; five more each are of train and test."""
WITHOUT = 30
MADE_BY = {"model": "lite", "weights_sha256": "w", "transform": "t", "reading": "areas averaged"}


def world(folder: Path, found: int = PAIRED, with_copies: bool = False) -> Path:
    """A collection whose drawing d<i> lies at its artwork a<i>, but the last of validation do not.

    found: how many of validation do. w<i> lie nowhere near an artwork.
    """
    generator = torch.Generator().manual_seed(0)

    def some(rows: int) -> torch.Tensor:
        return normalize(torch.randn(rows, 32, generator=generator))

    artworks = some(ARTWORKS)
    near = normalize(artworks[: PAIRED + 10] + 0.5 * some(PAIRED + 10))
    near[found:PAIRED] = some(PAIRED - found)
    ids = [*(f"d{i}" for i in range(PAIRED + 10)), *(f"w{i}" for i in range(WITHOUT))]
    vectors = torch.cat([near, some(WITHOUT)])
    pairs = pd.DataFrame({"drawing_id": ids[: PAIRED + 10]})
    pairs["artwork_id"] = [f"a{i}" for i in range(PAIRED + 10)]
    pairs["set"] = ["val"] * PAIRED + ["train"] * 5 + ["test"] * 5
    pairs["parent"] = pairs["drawing_id"]
    if with_copies:
        copy = {"drawing_id": "copy", "artwork_id": f"a{PAIRED}", "set": "train"}
        pairs = pd.concat([pairs, pd.DataFrame([{**copy, "parent": f"d{PAIRED}"}])])
        ids, vectors = [*ids, "copy"], torch.cat([vectors, vectors[:1]])
    Embeddings(ids, vectors).save(folder / "d.safetensors", MADE_BY)
    Embeddings([f"a{i}" for i in range(ARTWORKS)], artworks).save(folder / "a.safetensors", MADE_BY)
    pairs.to_csv(folder / "split.csv", index=False)
    return folder


def read(folder: Path) -> Inputs:
    files = (folder / "d.safetensors", folder / "a.safetensors", None, folder / "split.csv")
    return from_files(*files, folder)


def fitted(folder: Path) -> Calibrated:
    return calibrate(read(folder))


def test_what_is_near_is_likely_and_what_is_not_is_not(tmp_path: Path) -> None:
    result = fitted(world(tmp_path))
    assert result.calibration is not None
    assert (result.calibration.true_tops, result.calibration.other_tops) == (PAIRED, WITHOUT)
    assert result.note == (
        "calibrated on 40 drawings of validation and 30 drawings without any confirmed pair: "
        "of 40 the first result is true, of 30 it is not"
    )
    assert result.calibration.made_with["weights_sha256"] == "w"
    assert result.calibration.made_with["adaptation_sha256"] == "none"
    inputs = read(tmp_path)
    model = inputs.models[0]
    lists = (model.drawings.vectors @ model.artworks.vectors.T).sort(dim=1, descending=True).values
    assert result.calibration.gallery == ARTWORKS
    chance = np.array([each.probability for each in result.calibration.chances(lists)])
    assert chance[PAIRED : PAIRED + 10].min() > 0.8  # of train and test, never looked at
    assert chance[-WITHOUT:].max() < 0.5


def test_a_known_probability_is_found_again(tmp_path: Path) -> None:
    """A drawing is a true match with a chance that grows with its nearness, as in a logistic law.

    Artworks are axes, so that scores are chosen freely: s at the top, the rest equal and below.
    """
    count, axes = 1200, 1300
    rng = np.random.default_rng(0)
    nearness = rng.uniform(0.3, 0.9, count)
    law = expit(20 * (nearness - 0.6))
    true = rng.random(count) < law
    top = np.arange(count)
    own = np.where(true, top, (top + 1) % count)  # the artwork that is said to be the drawing's
    vectors = torch.zeros(count, axes)
    vectors[torch.arange(count), torch.from_numpy(top)] = torch.from_numpy(nearness).float()
    vectors[:, -1] = (1 - vectors.square().sum(dim=1)).sqrt()
    ids, works = [f"d{i}" for i in range(count)], [f"a{i}" for i in range(axes - 1)]
    Embeddings(ids, vectors).save(tmp_path / "d.safetensors", {})
    Embeddings(works, torch.eye(axes)[:-1]).save(tmp_path / "a.safetensors", {})
    table = pd.DataFrame({"drawing_id": ids, "artwork_id": [works[i] for i in own], "set": "val"})
    table.to_csv(tmp_path / "split.csv", index=False)
    result = fitted(tmp_path)
    assert result.calibration is not None
    assert result.calibration.true_tops == true.sum()
    lists = torch.zeros(3, 11)
    lists[:, 0] = torch.tensor([0.45, 0.6, 0.75])
    expected = expit(20 * (lists[:, 0].numpy() - 0.6))
    found = [each.probability for each in result.calibration.chances(lists)]
    np.testing.assert_allclose(found, expected, atol=0.08)
    assert result.calibration.reliability is not None
    assert result.calibration.reliability.calibration_error < 0.06


def test_the_table_of_annotators_says_who_has_none(tmp_path: Path) -> None:
    world(tmp_path)
    listed = [*(f"w{i}" for i in range(25)), "d3", "not embedded"]
    pd.DataFrame({"drawing_id": listed, "annotator": "x"}).to_csv(
        tmp_path / "unmatched.csv", index=False
    )
    result = fitted(tmp_path)
    assert "and 25 drawings without an artwork by unmatched.csv: of 40 the" in result.note
    (tmp_path / "unmatched.csv").write_text("drawing\nw1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"unmatched\.csv, row 1: no column drawing_id"):
        fitted(tmp_path)


def test_a_pair_that_any_table_confirms_counts(tmp_path: Path) -> None:
    world(tmp_path, with_copies=True)
    rows = ["drawing_id,artwork_id,pair", "w0,a1,true", "w1,a1,false", "w2,a7,true"]
    (tmp_path / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    result = fitted(tmp_path)
    assert f"and {WITHOUT - 2} drawings without any confirmed pair" in result.note
    with (tmp_path / "split.csv").open("a", encoding="utf-8") as file:
        file.write("w3,no such artwork,train,w3\n")
    assert f"and {WITHOUT - 3} drawings without any" in fitted(tmp_path).note


def test_few_pairs_are_enough_and_too_little_is_said(tmp_path: Path) -> None:
    few = fitted(world(tmp_path, found=3))
    assert few.calibration is not None
    assert few.note.endswith(": of 3 the first result is true, of 67 it is not")
    assert few.calibration.reliability is None
    [near, far] = few.calibration.chances(torch.tensor([[0.9, 0.3], [0.5, 0.49]]))
    assert near.probability > 0.5 > far.probability
    assert near.high - near.low > 0.1
    table = pd.read_csv(tmp_path / "split.csv")
    table[table["drawing_id"] == "d0"].to_csv(tmp_path / "split.csv", index=False)
    ids = ["d0", "w0", "w1"]
    Embeddings(ids, torch.eye(3, 32)).save(tmp_path / "d.safetensors", MADE_BY)
    little = fitted(tmp_path)
    assert little.calibration is None
    assert little.note.startswith("uncalibrated: the answer is known for 3 drawings, 5 are needed")


def test_drawings_of_one_artwork_are_one_group(tmp_path: Path) -> None:
    world(tmp_path)
    table = pd.read_csv(tmp_path / "split.csv")
    table.loc[table["set"] == "val", "artwork_id"] = "a0"
    vectors = torch.zeros(PAIRED + 10 + WITHOUT, 32)
    vectors[:, 0] = 1
    artworks = torch.zeros(ARTWORKS, 32)
    artworks[0, 0] = 1
    artworks[1:, 1] = 1
    ids = [*(f"d{i}" for i in range(PAIRED + 10)), *(f"w{i}" for i in range(WITHOUT))]
    Embeddings(ids, vectors).save(tmp_path / "d.safetensors", {})
    Embeddings([f"a{i}" for i in range(ARTWORKS)], artworks).save(tmp_path / "a.safetensors", {})
    table.to_csv(tmp_path / "split.csv", index=False)
    result = fitted(tmp_path)
    assert result.calibration is not None
    assert result.calibration.reliability is None


def test_a_gallery_of_few_and_a_split_without_validation(tmp_path: Path) -> None:
    world(tmp_path)
    table = pd.read_csv(tmp_path / "split.csv")
    table[table["set"] != "val"].to_csv(tmp_path / "split.csv", index=False)
    assert fitted(tmp_path).note == "uncalibrated: the split has no drawings of validation"
    table[table["drawing_id"] == "d0"].to_csv(tmp_path / "split.csv", index=False)
    Embeddings(["a0"], torch.eye(1, 32)).save(tmp_path / "a.safetensors", {})
    assert "from 2 artworks on, not of 1" in fitted(tmp_path).note
