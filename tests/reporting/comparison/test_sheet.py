"""The printed sheet of a comparison: what stands below its pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
from PIL import Image

from drawsim.reporting.comparison.results import read_runs
from drawsim.reporting.comparison.sheet import Pictures, choose, sheet_figure
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.figures import svg_file
from tests.reporting.comparison.compared import make_run

SVG = "{http://www.w3.org/2000/svg}"


def test_rights_stand_below_the_printed_pictures(tmp_path: Path) -> None:
    sets = {"test": {"d0": [2.0]}, "val": {"e": [1.0]}, "train": {"f": [1.0]}}
    make_run(tmp_path / "s", before=sets, after={**sets, "test": {"d0": [1.0]}})
    showing = choose(read_runs([tmp_path / "s"]), "baseline")
    assert showing is not None
    file = tmp_path / "a.png"
    Image.new("RGB", (9, 9)).save(file)
    table = pd.DataFrame(
        {"title": ["Two $towers$", "Sea", "Moor"], "rights": ["CC BY 4.0", "CC BY 4.0", "CC0"]},
        index=["d0-0", "w2", "elsewhere"],
    ).assign(required_statement=["The Museum", "The Museum", ""])
    pictures = Pictures({}, dict.fromkeys(table.index, file), Captions({"artwork": table}))
    texts = [
        element.text
        for with_rights in (pictures, Pictures())
        for element in ET.fromstring(
            svg_file(sheet_figure(showing.parts[0], showing, with_rights, 1))
        ).iter(f"{SVG}text")
    ]
    said = [text for text in texts if text and "CC" in text]
    assert said == ["CC BY 4.0, The Museum: Sea; Two $towers$"]  # those that are pictured, once
