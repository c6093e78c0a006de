"""The map as its reader gets it: data that parses, tiles where they should be, nothing fetched."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.reporting.embedding_map import page as map_page
from drawsim.reporting.embedding_map.fields import COLOURS, OTHER, make_field
from drawsim.reporting.embedding_map.page import Layer, write_map
from drawsim.reporting.kit import atlas
from drawsim.reporting.kit.atlas import make_atlas
from drawsim.reporting.kit.pages import as_script
from tests.html_page import Page

HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>"
NO_PAIRS = pd.DataFrame(columns=["drawing_id", "artwork_id"])


def layer(kind: str, table: pd.DataFrame, files: dict[str, Path], seed: int = 0) -> Layer:
    plane = np.random.default_rng(seed).normal(size=(len(table), 2)).astype(np.float32)
    return Layer(kind, table, files, plane)


def written(path: Path) -> tuple[Page, dict[str, Any]]:
    html = path.read_text(encoding="utf-8")
    scripts = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert len(scripts) == 1
    return Page(html), json.loads(scripts[0])


@pytest.fixture
def layers(collection: Collection) -> list[Layer]:
    drawings = collection.drawings.assign(year=[str(1990 + i) for i in range(8)])
    artworks = collection.artworks.assign(artist="Albrecht_Du╠êrer")
    return [
        layer("artwork", artworks, collection.paths("artwork")),
        layer("drawing", drawings, collection.paths("drawing", drawings.index), 1),
    ]


def test_everything_is_on_the_map(
    layers: list[Layer], collection: Collection, tmp_path: Path
) -> None:
    write_map(
        layers, collection.true_pairs, tmp_path / "map.html", name="<b>", made_by="PCA", workers=1
    )
    page, data = written(tmp_path / "map.html")
    assert data["ids"] == [*collection.artworks.index, *collection.drawings.index]
    assert data["kinds"] == [0] * 12 + [1] * 8
    pairs = {(data["ids"][d], data["ids"][a]) for d, a in data["pairs"]}
    true = collection.true_pairs
    assert pairs == set(zip(true["drawing_id"], true["artwork_id"], strict=True))
    fields = {field["name"]: field for field in data["fields"]}
    assert fields["artist"]["values"] == ["Albrecht Dürer"]
    assert fields["artist"]["codes"] == [0] * 12 + [None] * 8
    assert "path" not in fields
    assert all((tmp_path / file).is_file() for file in data["files"])
    assert page.fetched == []
    assert "12 artworks, 8 drawings" in page.text
    assert page.of("b") == []
    labelled = {own["for"] for own in page.of("label") if "for" in own}
    assert "find" in labelled
    assert [own["aria-label"] for own in page.of("canvas")] == ["Map of <b>"]
    assert all(own.get("aria-label") for own in page.of("button"))


def test_positions_keep_their_shape(layers: list[Layer], tmp_path: Path) -> None:
    write_map(layers, NO_PAIRS, tmp_path / "map.html", name="a", made_by="PCA", workers=1)
    _, data = written(tmp_path / "map.html")
    plane = np.concatenate([own.plane for own in layers])
    shown = np.stack([data["x"], data["y"]], axis=1) * (1, -1)
    shown = shown - shown.mean(axis=0)
    plane = plane - plane.mean(axis=0)
    assert min(data["x"]) == min(data["y"]) == 0
    assert max(max(data["x"]), max(data["y"])) == map_page.STEPS
    scale = np.abs(shown).max() / np.abs(plane).max()
    np.testing.assert_allclose(shown, plane * scale, atol=2)


def test_nothing_but_hostile_ids(tmp_path: Path) -> None:
    table = pd.DataFrame({HOSTILE: [HOSTILE, ""]}, index=[HOSTILE, "javascript:alert(1)"])
    files = {HOSTILE: tmp_path / "javascript:alert(2).png"}
    out = tmp_path / "map.html"
    write_map(
        [layer("drawing", table, files)], NO_PAIRS, out, name=HOSTILE, made_by=HOSTILE, workers=1
    )
    page, data = written(out)
    assert data["ids"] == list(table.index)
    assert data["fields"][1]["values"] == [HOSTILE]
    assert data["width"] == data["height"] == [0, 0]  # no picture: dots
    assert data["files"] == ["javascript%3Aalert%282%29.png", ""]
    assert page.of("img") == []
    assert page.fetched == []


def test_an_empty_map_is_a_page(tmp_path: Path) -> None:
    empty = layer("artwork", pd.DataFrame(index=pd.Index([], name="id")), {})
    write_map([empty], NO_PAIRS, tmp_path / "map.html", name="a", made_by="PCA", workers=1)
    assert written(tmp_path / "map.html")[1]["ids"] == []


def test_positions_belong_to_images() -> None:
    with pytest.raises(ValueError, match="positions"):
        Layer("drawing", pd.DataFrame(index=["a"]), {}, np.zeros((2, 2)))


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner)))
def test_data_in_a_script_stays_data(value: Any) -> None:
    text = as_script({"value": value})
    assert "<" not in text
    assert json.loads(text) == {"value": value}


def test_tiles_show_their_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "SHEET", 256)  # sheets of 2 × 2 tiles of 128 pixels
    colours = [(200, 30, 30), (30, 160, 30), (30, 30, 200), (200, 200, 30), (30, 160, 160)]
    files = []
    for number, colour in enumerate(colours):
        files.append(tmp_path / f"{number}.png")
        Image.new("RGB", (300, 150) if number % 2 else (60, 90), colour).save(files[-1])
    files.insert(2, tmp_path / "missing.png")
    made = make_atlas(files, 1)
    assert (made.side, made.columns, len(made.sheets)) == (128, 2, 2)
    wide, tall, none = [128, 64], [60, 90], [0, 0]
    assert made.sizes.tolist() == [tall, wide, none, tall, wide, tall]
    sheets = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))
        for uri in made.sheets
    ]
    colours.insert(2, (0, 0, 0))
    for number, colour in enumerate(colours):
        place = number % 4
        cell = sheets[number // 4][place // 2 * 128 :, place % 2 * 128 :][:128, :128]
        np.testing.assert_allclose(cell.reshape(-1, 3).mean(axis=0), colour, atol=6)


def test_many_values_are_six_and_others() -> None:
    cells = [f"v{n}" for n in range(10) for _ in range(20 - n)] + [""]
    field = make_field("age_of_paper", cells)
    assert field.name == "age of paper"
    assert [None if c is None else field.values[c] for c in field.codes] == [
        c or None for c in cells
    ]
    assert field.colouring is not None
    assert field.colouring.groups == [*(f"v{n}" for n in range(COLOURS)), OTHER]
    assert field.colouring.of_value == [*range(COLOURS), *[COLOURS] * 4]


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=80))
def test_numbers_become_classes_in_order(numbers: list[int]) -> None:
    colouring = make_field("n", [str(number) for number in numbers]).colouring
    if len(set(numbers)) == 1:
        assert colouring is None
        return
    assert colouring is not None
    assert colouring.scale == "sequence"
    assert len(colouring.groups) <= COLOURS
    of_number = dict(zip(dict.fromkeys(numbers), colouring.of_value, strict=True))
    classes = [of_number[number] for number in sorted(set(numbers))]
    assert classes == sorted(classes, key=lambda c: -1 if c is None else c)
    assert set(classes) == set(range(len(colouring.groups)))


def test_columns_that_tell_nothing_apart() -> None:
    assert make_field("title", [f"Study {n}" for n in range(20)]).colouring is None
    assert make_field("place", ["Paris"] * 5).colouring is None
    assert make_field("note", ["", " "]).values == []
    assert make_field("place", ["Paris", ""]).colouring is not None
    ages = make_field("age_group", ["18-25", "unknown", "3-5", "10-13"]).colouring
    assert ages is not None
    assert ages.groups == ["3-5", "10-13", "18-25"]
    assert ages.of_value == [2, None, 0, 1]
