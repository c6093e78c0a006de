"""Motifs of a small collection, from embedding files to tables."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from torch.nn.functional import normalize

from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.explore import explore as explore_command
from drawsim.retrieval.embeddings import Embeddings, load_embeddings
from drawsim.retrieval.motifs.files import MOTIFS, read_motifs, read_who

COUNT, BOATS = 120, 20


@pytest.fixture(scope="module")
def boats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 drawings of plain paper, 20 of them alike, blue and mostly Greek."""
    root = tmp_path_factory.mktemp("boats")
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((COUNT, 48))
    rows[:BOATS] = rng.standard_normal(48) + 0.3 * rng.standard_normal((BOATS, 48))
    (root / "drawings").mkdir()
    lines = ["id,path,year,age_group,country,technique"]
    for n in range(COUNT):
        dark = cv2.resize(rng.random((4, 5)), (50, 40), interpolation=cv2.INTER_NEAREST) < 0.5
        sheet = np.full((40, 50, 3), 240, np.uint8)
        sheet[dark] = (168, 92, 38) if n < BOATS else 30  # blue, in the order of OpenCV
        cv2.imwrite(str(root / "drawings" / f"{n}.png"), sheet)
        country = "GRC" if n < 15 or n in (50, 70) else ("FRA", "DEU", "ITA")[n % 3]
        lines.append(f"d{n},drawings/{n}.png,{1998 + n % 3},6-9,{country},{'ink' * (n % 2)}")
    (root / "drawings.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    vectors = normalize(torch.from_numpy(rows).float(), dim=1)
    Embeddings([f"d{n}" for n in range(COUNT)], vectors).save(root / "d.safetensors", {})
    return root


def motifs(root: Path, out: Path, **settings: Any) -> None:
    given = ["data=folder", f"data.root={root}", f"out={out}", "workers=1", "view=motifs"]
    config = compose("explore", [*given, f"drawings={root / 'd.safetensors'}"])
    merged = OmegaConf.merge(config, {"explore": {"motifs": {"resamples": 10} | settings}})
    assert isinstance(merged, DictConfig)
    explore_command(merged)


def test_boats_are_greek_and_blue(
    boats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    motifs(boats, tmp_path)
    said = capsys.readouterr().out
    assert "1 motif in 20 of 120 drawings" in said
    assert "motif 1, Greece (GRC): 15 of 20, expected" in said
    assert "motif 1, Southern Europe: 1" in said, "a region of France, Germany, Italy and Greece"
    assert "age_group says only '6-9' of all drawings: nothing to compare by it" in said
    assert (tmp_path / "motifs.html").is_file()
    found = read_motifs(tmp_path)
    assert sorted(found.motifs[0].members) == sorted(f"d{n}" for n in range(BOATS))
    found.check_embeddings(load_embeddings(boats / "d.safetensors"), "here")
    who = read_who(tmp_path)
    first = who[who["q"] <= 0.05].set_index(["column", "value"])
    assert first.loc[("country", "GRC"), "count"] == 15
    assert first.loc[("medium", "colour"), "count"] == BOATS
    colours = pd.read_csv(tmp_path / "tables" / "colours.csv")
    greek = colours[(colours["value"] == "GRC") & (colours["colour"] == "blue")]
    assert float(greek["q"].iloc[0]) <= 0.05
    assert json.loads((tmp_path / MOTIFS).read_text("utf-8"))["settings"]["resamples"] == 10


def test_a_column_of_ones_own_and_no_colours(boats: Path, tmp_path: Path) -> None:
    motifs(boats, tmp_path, columns=["technique"], colours=False, strata=[])
    assert set(read_who(tmp_path)["column"]) <= {"technique"}
    assert len(pd.read_csv(tmp_path / "tables" / "colours.csv")) == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"columns": ["contry"]}, r"columns=contry: no such column.*did you mean country"),
        ({"columns": ["medium"], "colours": False}, "columns=medium: no such column"),
        ({"verify": True}, "verify=true: needs run=DIR"),
        ({"smallest": 2}, "smallest=2: must be 3 or more"),
        ({"level": 2}, "level=2"),
    ],
)
def test_bad_settings_are_a_line(
    boats: Path, tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        motifs(boats, tmp_path, **settings)


def test_no_metadata_is_a_smaller_result(
    boats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare"

    shutil.copytree(boats / "drawings", bare / "drawings")
    for name in ("d.safetensors", "d.ids.csv"):
        (bare / name).write_bytes((boats / name).read_bytes())
    table = pd.read_csv(boats / "drawings.csv")[["id", "path"]]
    table.to_csv(bare / "drawings.csv", index=False)
    motifs(bare, tmp_path / "out", colours=False)
    assert "who draws a motif is not known" in capsys.readouterr().out
    assert read_motifs(tmp_path / "out").motifs[0].size == BOATS
    assert len(read_who(tmp_path / "out")) == 0


def test_names_of_the_app_come_back(
    boats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = tmp_path / "groups.csv"
    rows = [f"k,1,Ships,sea,d{n},true" for n in range(BOATS)] + ["other,2,Trees,,d40,true"]
    named.write_text("\n".join(["group,motif,name,tags,drawing_id,belongs", *rows]), "utf-8")
    motifs(boats, tmp_path / "out", colours=False, strata=[], names=str(named))
    page = (tmp_path / "out" / "motifs.html").read_text("utf-8")
    assert '"name": "Ships"' in page.replace('":"', '": "')
    assert "1 group has a name or tags, and no motif has the same drawings any more" in page
