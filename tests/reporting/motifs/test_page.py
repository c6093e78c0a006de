from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from drawsim.reporting.kit.folder import Folder
from drawsim.reporting.motifs import pictures as motif_pictures
from drawsim.reporting.motifs.page import write_motifs_page
from drawsim.reporting.motifs.view import Match, MotifsView
from drawsim.retrieval.motifs.files import Motif, empty_who
from drawsim.retrieval.motifs.sources import Near, Sources
from tests.html_page import Page
from tests.reporting.motifs.conftest import HOSTILE


def written(view: MotifsView, root: Path) -> tuple[Page, dict[str, Any]]:
    folder = Folder(root, "motifs")
    html = write_motifs_page(view, folder, 1).read_text(encoding="utf-8")
    folder.finish()
    scripts = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert len(scripts) == bool(view.found.motifs)
    return Page(html), json.loads(scripts[0]) if scripts else {}


def test_first_screen_counts_and_says_what_is_surest(view: MotifsView, tmp_path: Path) -> None:
    page, _ = written(view, tmp_path)
    text = " ".join(page.text.split())
    for said in (
        "Drawings & more",
        "1 more group did not, and is not shown",
        "Of 2 motifs, 1 has a confirmed source among 12 artworks, 0 a likely one, "
        "and 1 none that is known.",
        "Greece (GRC): 3 of 4, expected 0.9",
        "Age 3-5: only 0 of 3, expected 2.2",
        "Greece (GRC): more blue, in 5 of 6 drawings, expected 2.0",
        "A column was left out.",
    ):
        assert said in text
    assert [own["href"] for own in page.of("a") if own["href"].startswith("#")] == [
        "#motif-1",
        "#motif-2",
    ]


def test_all_that_is_linked_lies_beside(view: MotifsView, tmp_path: Path) -> None:
    page, data = written(view, tmp_path)
    theirs = {"./tables/who.csv", "./tables/colours.csv", "./tables/members.csv"}
    for link in set(page.fetched) - theirs:
        assert (tmp_path / link).is_file(), link
    for number, group in enumerate(data["groups"], start=1):
        for place in range(group["pictures"]):
            there = (tmp_path / f"thumbnails/{number}/{place}.webp").is_file()
            assert there == (place not in group["missing"])
        for near in group["near"]:
            with Image.open(tmp_path / near["picture"]) as thumbnail:
                assert max(thumbnail.size) <= 144
        for file in filter(None, group["files"]):
            assert (tmp_path / file).is_file()
    assert data["groups"][1]["missing"] == [2]
    for number in (1, 2):
        assert (tmp_path / f"sheets/{number}.png").is_file()
    assert (tmp_path / "motifs.pdf").read_bytes().startswith(b"%PDF")


def test_whose_the_pictures_are_is_said(view: MotifsView, tmp_path: Path) -> None:
    page, data = written(view, tmp_path)
    assert data["groups"][0]["near"][0]["rights"] == "Museum of Boats"
    assert "Rights in these pictures" in page.text


def test_what_the_script_gets(view: MotifsView, tmp_path: Path) -> None:
    _, data = written(view, tmp_path)
    one, other = data["groups"]
    assert one["members"] == ["d0", "d1", "d2", "d3"]
    assert (one["name"], one["tags"], one["removed"]) == ("Boats", ["sea", HOSTILE], [3])
    assert (other["name"], other["tags"], other["removed"]) == ("", [], [])
    assert (one["source"], one["said"]) == (
        "known",
        "Source: Regatta & Co., Ada Byron. 3 of 4 drawings are confirmed pairs.",
    )
    assert (other["source"], other["said"]) == (
        "none",
        "No known source: 3 drawings, 3 countries, 2001 – 2010.",
    )
    assert one["countries"] == {"GRC": 3, "TUR": 1}
    assert one["years"] == [[1998, 2], [2001, 1], [2004, 1]]
    assert data["years"] == [[1998, 3], [1999, 1], [2001, 2], [2004, 1], [2010, 1]]
    assert [row["found"] for row in one["rows"]] == [True, False]
    assert one["rows"][0]["odds"] == [12.0, 2.5, None]
    assert (one["surprise"], other["surprise"]) == (4.0, 3.0)
    assert {"GRC", "TUR", "MUS", "CHE"} <= set(data["world"]["places"])


@pytest.mark.parametrize("probability", [True, False])
def test_without_a_pair_a_source_is_likely_or_not_known(
    view: MotifsView, tmp_path: Path, probability: bool
) -> None:
    assert view.sources is not None
    first = view.sources.by_motif["1"][1]
    near = first if probability else replace(first, chance=None)
    note = "" if probability else "Nobody knows."
    sources = Sources({"1": [near], "2": [Near("a2", 0.1, 0, 0)]}, {"1": 0, "2": 0}, 12, note)
    page, data = written(replace(view, sources=sources), tmp_path)
    one = data["groups"][0]
    if probability:
        assert one["source"] == "likely"
        assert one["said"] == "Likely source: Regatta & Co., Ada Byron, 80 % (50 to 90 %)."
    else:
        assert (one["source"], one["said"]) == (
            "unknown",
            "No source of it is confirmed.",
        )
        assert "Nobody knows." in page.text


def test_a_picture_shows_what_matches(view: MotifsView, tmp_path: Path) -> None:
    matches = {"1": Match("d2", Image.new("RGB", (1500, 500), "red"))}
    _, data = written(replace(view, matches=matches), tmp_path)
    one, other = data["groups"]
    assert (one["match"], one["matched"]) == ("matches/1.webp", "d2")
    assert (other["match"], other["matched"]) == (None, None)
    with Image.open(tmp_path / one["match"]) as picture:
        assert picture.size == (1100, 367)


def test_of_a_large_motif_the_first_are_pictured(
    view: MotifsView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motif_pictures, "PICTURED", 2)
    _, data = written(view, tmp_path)
    assert [group["pictures"] for group in data["groups"]] == [2, 2]
    assert len(list((tmp_path / "thumbnails/1").iterdir())) == 2
    assert len(data["groups"][0]["members"]) == 4, "all can be searched for"


def test_nothing_found_is_a_smaller_page(bare: MotifsView, tmp_path: Path) -> None:
    page, _ = written(bare, tmp_path)
    assert "No motif was found in 1 drawing." in page.text
    assert page.of("input")[0]["name"] == "theme", "nothing to search"
    assert len(page.of("input")) == 3
    assert not page.of("img")
    assert not (tmp_path / "figures").exists()
    assert not (tmp_path / "motifs.pdf").exists()


def test_one_country_and_no_years_need_no_map(view: MotifsView, tmp_path: Path) -> None:
    drawings = view.drawings.assign(country="GRC").drop(columns="year")
    alone = replace(view, drawings=drawings, who=empty_who(), sources=None, colours=empty_who())
    page, data = written(alone, tmp_path)
    assert data["world"] is None
    assert data["years"] == []
    assert data["groups"][0]["countries"] == {}
    assert data["groups"][0]["said"] == "No gallery was looked at."
    assert "Who draws it" not in page.text


def test_texts_of_others_stay_texts(view: MotifsView, tmp_path: Path) -> None:
    hostile = replace(
        view.found,
        model=HOSTILE,
        motifs=(Motif(HOSTILE, ("d0", "d1", "d2"), "d0", 0.8),),
    )
    assert view.sources is not None
    sources = Sources({HOSTILE: view.sources.by_motif["1"]}, {HOSTILE: 3}, 12)
    who = view.who.assign(motif=HOSTILE, value=HOSTILE)
    page, data = written(
        replace(view, name=HOSTILE, found=hostile, who=who, sources=sources), tmp_path
    )
    assert not [own for own in page.of("img") if "onerror" in own]
    assert data["groups"][0]["id"] == HOSTILE
    assert sorted(path.name for path in (tmp_path / "thumbnails").iterdir()) == ["1", "artworks"]


def test_a_second_page_leaves_nothing_of_the_first(view: MotifsView, tmp_path: Path) -> None:
    written(view, tmp_path)
    fewer = replace(view.found, motifs=view.found.motifs[:1])
    written(replace(view, found=fewer), tmp_path)
    assert not list(tmp_path.glob("thumbnails/2/*"))
    assert (tmp_path / "thumbnails/1/0.webp").is_file()
