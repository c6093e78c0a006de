"""Results of a search in the terminal."""

from __future__ import annotations

import base64
import io
import re

import pandas as pd
import pytest
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.reporting.search.console import (
    CHUNK,
    GAP,
    SIDE,
    as_escape,
    picture_protocol,
    print_sheets,
    strip,
)
from drawsim.reporting.search.page import SearchSheet
from drawsim.retrieval.analysis.calibration import Chance


@pytest.fixture
def sheet(collection: Collection) -> SearchSheet:
    paths = collection.paths("artwork", ["a3", "a1"])
    hits = pd.DataFrame(
        {
            "rank": [1, 2],
            "score": [0.91234, -0.1],
            "id": ["a3", "[bold]a1"],
            "path": [str(path) for path in paths.values()],
            "title": ["", ""],
            "artist": ["Paul_Klee", ""],
            "known": [False, True],
        }
    )
    return SearchSheet(
        "d0 [x]", [], hits, chance=Chance(0.826, 0.41, 0.97), notes=["k=9: 2 artworks"]
    )


def test_the_table_says_what_is_known(
    sheet: SearchSheet, capsys: pytest.CaptureFixture[str]
) -> None:
    print_sheets([sheet])
    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines() if line.strip()]
    assert ["1", "0.912", "a3", "Paul", "Klee"] in lines
    assert ["2", "-0.100", "[bold]a1", "✓"] in lines
    assert "d0 [x]" in text
    assert "83 %" in text
    assert "k=9: 2 artworks" in text
    assert "title" not in text  # nothing is known of it
    assert "\x1b_G" not in text  # no terminal
    assert "\x1b]" not in text


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"KITTY_WINDOW_ID": "1", "TERM": "xterm-256color"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "xterm-256color"}, None),
        ({"KITTY_WINDOW_ID": "1", "TMUX": "/tmp/tmux"}, None),
        ({"TERM": "screen", "TERM_PROGRAM": "iTerm.app"}, None),
        ({}, None),
    ],
)
def test_which_terminals_show_pictures(environment: dict[str, str], protocol: str | None) -> None:
    assert picture_protocol(environment) == protocol


def test_pictures_arrive_whole(collection: Collection) -> None:
    files = list(collection.paths("artwork", ["a0", "a1", "a2"]).values())
    picture = strip([*files, files[0].with_name("nothing.png")])
    assert picture.size == (4 * SIDE + 3 * GAP, SIDE)
    sent = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", as_escape(picture, "kitty"))
    assert all(len(data) <= CHUNK for _, data in sent)
    assert sent[0][0].startswith("a=T,f=100")
    assert [keys[-1] for keys, _ in sent] == ["1"] * (len(sent) - 1) + ["0"]
    inline = re.fullmatch(r"\x1b\]1337;File=[^:]*:([^\x07]*)\x07", as_escape(picture, "iterm"))
    assert inline is not None
    for data in ("".join(part for _, part in sent), inline[1]):
        shown = Image.open(io.BytesIO(base64.b64decode(data)))
        assert shown.tobytes() == picture.tobytes()


def test_the_crossed_tile_stays_as_it_is(collection: Collection) -> None:
    missing = collection.root / "nothing.png"
    assert strip([missing]).tobytes() == strip([missing]).tobytes()
