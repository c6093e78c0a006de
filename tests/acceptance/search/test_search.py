"""Searches by id, picture and region, from the command line to the page."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize

from drawsim.common.arguments import as_texts
from drawsim.common.errors import UserError
from drawsim.models.model import Model
from drawsim.retrieval.analysis.calibration import (
    LIST,
    Calibration,
    fit_calibration,
    load_calibration,
)
from drawsim.retrieval.index.folder import open_index
from drawsim.search import search as search_command
from tests.acceptance.search.asking import (
    NAMES,
    SIZE,
    brute_force,
    configured,
    found_ids,
    look_up,
    vector,
    vectors_of,
)
from tests.commands import run
from tests.html_page import Page


def test_the_commands_from_files_to_a_page(root: Path, tmp_path: Path) -> None:
    made = run(
        "index",
        f"out={tmp_path}/INDEX",
        f"collection={root}",
        f"artworks={root}/artworks.safetensors",
        f"drawings={root}/drawings.safetensors",
    )
    assert made.returncode == 0, made.stderr
    assert "14 artworks: a search compares with each" in made.stdout
    assert "9 drawings: a search compares with each" in made.stdout
    assert "model: lite, 64 px" in made.stdout
    done = run(
        "search", f"index={tmp_path}/INDEX", "id=1995_00", "k=14", f"out={tmp_path}/o-\N{SNOWMAN}"
    )
    assert done.returncode == 0, done.stderr
    assert "✓" in done.stdout
    out = tmp_path / "o-\N{SNOWMAN}"
    table = pd.read_csv(out / "hits.csv", dtype=str)
    assert list(table["id"]) == brute_force(root, "artwork", vector(root, "drawing", 0), 14)
    assert list(table.loc[table["known"] == "true", "id"]) == ["Du╠êrer, 3"]
    text = (out / "search.html").read_text(encoding="utf-8")
    assert 'title="lite (1280 dimensions' in text
    page = Page(text)
    assert f"lite, {SIZE} px" in page.text
    assert "(x - [" not in page.text
    assert page.fetched == []
    assert page.count("li", cls="known") == 1
    assert "uncalibrated: the index is of no run" in page.text


@pytest.mark.parametrize(
    ("asked", "number", "searched"),
    [
        ("drawing", 2, "artwork"),
        ("artwork", 4, "drawing"),
        ("drawing", 5, "drawing"),
        ("artwork", 1, "artwork"),
    ],
)
def test_by_id_between_and_within_the_kinds(
    root: Path, tmp_path: Path, asked: str, number: int, searched: str
) -> None:
    name = NAMES[asked].format(number)
    given = {} if asked != searched else {"in": f"{searched}s"}
    record = look_up(root, tmp_path, id=name, **given)
    expected = brute_force(root, searched, vector(root, asked, number), 6)
    assert found_ids(record) == [found for found in expected if found != name][:5]


def test_an_image_of_the_gallery_finds_itself(root: Path, tmp_path: Path) -> None:
    record = look_up(root, tmp_path, image=root / "artworks" / "6.png")
    first = record["queries"][0]["hits"][0]
    assert first["id"] == "Du╠êrer, 6"
    assert first["score"] == pytest.approx(1, abs=1e-5)
    assert first["country"] == "FRA"


def test_a_region_is_what_was_cut_out(root: Path, tmp_path: Path, model: Model) -> None:
    file = root / "drawings" / "3.png"
    record = look_up(root, tmp_path, image=file, box="20,10,70,60")
    with Image.open(file) as picture:
        part = np.asarray(picture.convert("RGB"))[10:70, 20:90]
    query = model.vectors([part], "drawing")[0]
    assert found_ids(record) == brute_force(root, "artwork", query)
    whole = look_up(root, tmp_path, image=file, box=[0, 0, 120, 90])
    assert found_ids(whole) == brute_force(root, "artwork", vector(root, "drawing", 3))


def test_two_images_as_one_and_unlike_a_third(root: Path, tmp_path: Path) -> None:
    files = [str(root / "drawings" / f"{i}.png") for i in (1, 2)]
    mean = (vector(root, "drawing", 1) + vector(root, "drawing", 2)) / 2
    record = look_up(root, tmp_path, image=files, combine="mean")
    assert found_ids(record) == brute_force(root, "artwork", normalize(mean, dim=0))
    record = look_up(root, tmp_path, image=files, combine="mean", unlike=["Du╠êrer, 0"])
    query = normalize(mean - 0.5 * vector(root, "artwork", 0), dim=0)
    expected = brute_force(root, "artwork", query, 6)
    assert found_ids(record) == [name for name in expected if name != "Du╠êrer, 0"][:5]


def test_a_folder_is_a_query_for_each_image(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    for i in (4, 7):
        (folder / f"{i}.png").write_bytes((root / "artworks" / f"{i}.png").read_bytes())
    (folder / "bad.jpg").write_bytes(b"no image")
    (folder / "notes.txt").write_text("x")
    record = look_up(root, tmp_path, image=folder, k=1)
    assert [each["query"] for each in record["queries"]] == ["4.png", "7.png"]
    assert [found_ids(record, i) for i in (0, 1)] == [["Du╠êrer, 4"], ["Du╠êrer, 7"]]
    notes = record["queries"][0]["notes"]
    first, second = (note for note in notes if note.startswith("left out"))
    assert first == "left out of 4 files: 1 not an image (.txt)"
    assert "bad.jpg" in second


def test_a_filter_and_more_than_there_is(root: Path, tmp_path: Path) -> None:
    record = look_up(root, tmp_path, id="1995_00", where="country=ITA,year>=1995", k=50)
    passing = {f"Du╠êrer, {i}" for i in range(14) if i % 2 and i >= 5}
    assert set(found_ids(record)) == passing
    assert record["queries"][0]["notes"] == [
        f"k=50: {len(passing)} artworks is all there is to rank"
    ]


def test_a_drawing_in_another_spelling_is_the_same(root: Path, tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "Du╠êrer, 2")
    assert name != "Du╠êrer, 2"
    record = look_up(root, tmp_path, id=name)
    assert found_ids(record) == brute_force(root, "drawing", vector(root, "artwork", 2))


def test_two_indexes_that_agree_give_the_list_of_one(root: Path, tmp_path: Path) -> None:
    both = [str(root / "INDEX")] * 2
    record = look_up(root, tmp_path, index=both, id="1995_04", weights=[2, 1])
    assert found_ids(record) == brute_force(root, "artwork", vector(root, "drawing", 4))
    assert record["queries"][0]["hits"][0]["score"] == pytest.approx(3 / 61)


def test_layout_brings_a_cut_out_back(root: Path, tmp_path: Path) -> None:
    record = look_up(root, tmp_path, image=root / "artworks" / "6.png", rerank="spatial")
    scores = [hit["score"] for hit in record["queries"][0]["hits"]]
    assert found_ids(record)[0] == "Du╠êrer, 6"
    assert scores == sorted(scores, reverse=True)
    first = record["queries"][0]["hits"][0]
    assert first["score"] == pytest.approx(first["cosine"] + first["spatial"])
    assert first["spatial"] > 0
    page = Page((tmp_path / "search.html").read_text(encoding="utf-8"))
    assert "Where they match" in page.text


def test_a_probability_where_it_was_fitted(root: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    answers = np.arange(60) % 2 == 0
    scores = -np.sort(-rng.uniform(0, 0.5, (60, LIST)), axis=1)
    scores[answers, 0] += 0.3
    own = open_index(root / "INDEX").model.metadata()
    for made_with, file in (
        (own, "own.json"),
        ({"weights_sha256": "other"}, "other.json"),
        ({**own, "adaptation_sha256": "other"}, "adapted.json"),
    ):
        fitted = fit_calibration(torch.from_numpy(scores), answers, np.arange(60), 14, made_with)
        assert isinstance(fitted, Calibration)
        fitted.save(tmp_path / file)
    record = look_up(root, tmp_path, id="1995_03", calibration=tmp_path / "own.json")
    every = vectors_of(root, "artwork").vectors @ vector(root, "drawing", 3)
    top = every.sort(descending=True).values[None]
    [chance] = load_calibration(tmp_path / "own.json").chances(top)
    assert record["queries"][0]["probability"] == pytest.approx(chance.probability, rel=1e-4)
    assert record["queries"][0]["probability_95"] == pytest.approx([chance.low, chance.high], 1e-3)
    page = Page((tmp_path / "search.html").read_text(encoding="utf-8"))
    assert f"{chance.probability * 100:.0f} %" in page.text
    for file in ("other.json", "adapted.json"):
        with pytest.raises(UserError, match="fitted with another model"):
            look_up(root, tmp_path, id="1995_03", calibration=tmp_path / file)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"id": "1995_0"}, "no image '1995_0' in the index, did you mean 1995_0"),
        ({"id": "1995_00", "from_": "artwork"}, "no artwork '1995_00' in the index"),
        ({"id": "1995_00", "where": "contry=FRA"}, "no column 'contry' in the index, did you mean"),
        ({"id": "1995_00", "where": "country=FRANCE"}, "no country is 'FRANCE'"),
        ({"id": "1995_00", "k": 0}, "k=0: must be at least 1"),
        ({"id": "1995_00", "in_": "artwrks"}, "in=artwrks: did you mean artworks"),
        (
            {"id": "1995_00", "unlike": "nothing.png"},
            "neither an id of the index nor an image file",
        ),
        ({"id": ["1995_00", "Du╠êrer, 0"]}, "say what is searched with in="),
        ({"id": "1995_00", "weights": [1]}, "weights: goes with several indexes"),
        ({"id": "1995_00", "box": "0,0,9,9"}, "box: a region of one image file"),
        (
            {"image": "{root}/drawings/0.png", "box": "100,0,21,9"},
            "reaches outside {root}/drawings",
        ),
        ({"image": "{root}/drawings/0.png", "box": "0,-1,9,9"}, "x and y from 0 on"),
        ({"image": "{root}/drawings/0.png", "box": "0,0,9"}, "must be x,y,width,height"),
        ({"image": "{root}/pairs.csv"}, "pairs.csv: is not an image of a known kind"),
        ({"image": "{root}/nothing.png"}, "nothing.png: is not there"),
        ({"image": "{root}/empty"}, "empty: no images among 0 files"),
        ({"image": "{root}/drawings/0.png", "backbone": "lte"}, "backbone=lte: did you mean lite?"),
        ({"image": "{root}/drawings/0.png", "backbone": "lite", "image_size": 96}, "index of lite"),
        ({"image": "{root}/drawings/0.png", "run": "{root}"}, "no checkpoints/best.ckpt in it"),
        ({"id": "1995_00", "index": "{root}"}, "no index there; build it again with drawsim index"),
        (
            {"id": "1995_00", "calibration": "{root}/none.json"},
            "none.json: is not there; fit it again",
        ),
        ({}, "id, image or text must be given"),
    ],
)
def test_bad_input_of_a_search(root: Path, settings: dict[str, Any], says: str) -> None:
    (root / "empty").mkdir(exist_ok=True)
    filled = {
        key: value.format(root=root) if isinstance(value, str) else value
        for key, value in settings.items()
    }
    with pytest.raises(UserError) as caught:
        search_command(configured("search", **{"index": root / "INDEX", **filled}))
    assert says.format(root=root) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["1995_14", "Du╠êrer, 3", "a'b", "C:\\scans\\", "year>=2010,country=A|B", "x\\'y", "1e3"],
)
def test_values_arrive_as_they_were_written(value: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create()
    assert parser.parse_override(as_texts([f"id={value}"], ["id"])[0]).value() == value
    if "," not in value and not value.startswith("'"):
        two = parser.parse_override(as_texts([f"id=[{value}, b c]"], lists=["id"])[0])
        assert two.value() == [value, "b c"]
