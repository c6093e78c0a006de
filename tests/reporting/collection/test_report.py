"""The report on a collection: right, whole by itself, the same every time, and hard to upset."""

from __future__ import annotations

import csv
import re
import warnings
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from drawsim.common.errors import UserError
from drawsim.reporting.collection.pairs import DRAWINGS, Paper
from drawsim.reporting.collection.report import Findings, explore_collection
from drawsim.reporting.collection.samples import Sampling, draw_samples
from drawsim.reporting.collection.sizes import describe_sizes, measure
from drawsim.reporting.kit.folder import contents as list_of
from tests.commands import run
from tests.html_page import Page

HOSTILE = "<script>alert(1)</script>\"'&amp;<img src=x onerror=alert(2)>"
STRANGE = "$a$ 葛飾_🎨\nß"
ELEVEN = 13  # drawings of one artwork: more than a page takes
SAMPLING = Sampling(by="age_group", rows=2, cols=3, groups=12, seed=0)

Row = dict[str, str]


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of 40 drawings with 10 style copies, strange names and broken pictures."""
    root = tmp_path_factory.mktemp("collection")
    rng = np.random.default_rng(3)
    drawings: list[Row] = []
    for number in range(40):
        name = {0: HOSTILE, 1: STRANGE}.get(number, f"d{number}")
        path = f"d{number}.png"
        size = (30 + number % 7, 20)
        Image.new("RGB", size, tuple(rng.integers(0, 256, 3).tolist())).save(root / path)
        year = ("1995", "1996", "2020", "", "Divers")[number % 5]
        age = ("3-5", "10-13", "MS", "")[number % 4]
        country = ("FRA", "MUS", "YOU", HOSTILE, "fra")[number % 5]
        row = {"id": name, "path": path, "year": year, "age_group": age, "country": country}
        drawings.append(row)
        if number >= 30:
            drawings.append(row | {"id": f"{name}_oil"})
    (root / "d5.png").write_bytes(b"not a picture")
    (root / "d6.png").unlink()
    artworks = [
        {"id": f"a{n}", "path": f"d{n}.png", "artist": (HOSTILE, "x")[n % 2]} for n in range(9)
    ]
    artworks.append({"id": HOSTILE, "path": "d0.png", "artist": STRANGE})
    pairs = [{"drawing_id": f"d{n}", "artwork_id": "a8", "pair": "true"} for n in range(2, 15)]
    pairs.append({"drawing_id": HOSTILE, "artwork_id": HOSTILE, "pair": "true"})
    pairs.append({"drawing_id": STRANGE, "artwork_id": "a1", "pair": "false"})
    pairs.append({"drawing_id": "d30_oil", "artwork_id": "a2", "pair": "true"})
    write(root / "drawings.csv", drawings)
    write(root / "artworks.csv", artworks)
    write(root / "pairs.csv", pairs)
    return root


def explore(root: Path, out: Path, artworks: int | None = None) -> Findings:
    return explore_collection(
        root,
        out,
        name=f"of {HOSTILE}",
        sampling=SAMPLING,
        paper=Paper(artworks),
        sizes=None,
        workers=2,
    )


@pytest.fixture(scope="module")
def report(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings]:
    out = tmp_path_factory.mktemp("report") / "out"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return out, explore(root, out)


def rows_of(path: Path) -> list[Row]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_tables_count_every_drawing_but_copies(root: Path, report: tuple[Path, Findings]) -> None:
    out, found = report
    with (root / "drawings.csv").open(newline="", encoding="utf-8") as file:
        own = [row for row in csv.DictReader(file) if not row["id"].endswith("_oil")]
    assert len(own) == 40
    for stem, column in (("year", "year"), ("age_group", "age_group")):
        table = rows_of(out / "tables" / f"drawings_per_{stem}.csv")
        counted = {row[column]: int(row["drawings"]) for row in table}
        assert counted == Counter(row[column] or "unknown" for row in own)
    table = rows_of(out / "tables" / "drawings_per_year_and_age_group.csv")
    assert table[-1]["year"] == "total"
    assert table[-1]["total"] == "40"
    assert int(table[0]["3-5"]) == sum(
        row["year"] == "1995" and row["age_group"] == "3-5" for row in own
    )
    countries = {row["code"]: row for row in rows_of(out / "tables" / "drawings_per_country.csv")}
    assert countries["FRA"]["drawings"] == "16"
    assert countries["YOU"]["on_map"] == countries[HOSTILE]["on_map"] == "false"
    assert found.headline == "40 drawings, 10 artworks, 14 confirmed pairs, 1 ambiguous"


def test_the_page_says_what_was_found(report: tuple[Path, Findings]) -> None:
    out, found = report
    page = Page((out / "index.html").read_text(encoding="utf-8"))
    words = " ".join(page.text.split())
    assert (
        "Not on the map, which goes by ISO 3166-1 alpha-3: 16 drawings under 2 other codes: "
        in words
    )
    assert "14 confirmed pairs of 2 artworks" in words
    assert "10 style copies are left out." in words
    assert "2 of 40 drawings cannot be opened" in words
    assert words.index("3-5 6") < words.index("10-13 6") < words.index("MS 6")
    for note in found.notes:
        assert note in words
    unreadable = rows_of(out / "tables" / "unreadable_images.csv")
    assert [(row["kind"], row["id"]) for row in unreadable] == [
        *(("drawing", f"d{n}") for n in (5, 6)),
        *(("artwork", f"a{n}") for n in (5, 6)),
    ]
    assert unreadable[1]["problem"] == "is not there"


def test_the_page_stands_by_itself_and_its_links_lead_somewhere(
    report: tuple[Path, Findings],
) -> None:
    out, _ = report
    html = (out / "index.html").read_text(encoding="utf-8")
    page = Page(html)
    links = [
        value
        for _, attributes in page.elements
        for key, value in attributes.items()
        if key in ("href", "src", "xlink:href")
    ]
    assert links
    for link in links:
        assert link.startswith(("./", "#", "data:image/webp;base64,"))
        if link.startswith("./"):
            assert (out / unquote(link)).exists()
    symbols = {a["id"] for tag, a in page.elements if tag == "symbol"}
    assert {a["href"][1:] for tag, a in page.elements if tag == "use"} <= symbols
    assert "url(" not in html.replace("url(#", "")
    assert "@import" not in html
    assert "http" not in re.sub('http-equiv="[^"]*"', "", html)


def test_hostile_names_stay_words(report: tuple[Path, Findings]) -> None:
    out, _ = report
    page = Page((out / "index.html").read_text(encoding="utf-8"))
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert not any(tag == "img" for tag, _ in page.elements)
    assert not any(key.startswith("on") for _, a in page.elements for key in a)
    assert HOSTILE in page.text
    names = {path.name for path in out.rglob("*")}
    assert all(re.fullmatch("[A-Za-z0-9_.-]+", name) for name in names)


def test_pairs_are_printed_confirmed_and_ambiguous_apart(report: tuple[Path, Findings]) -> None:
    out, found = report
    # Thirteen drawings take two pages, the hostile pair one.
    assert found.pages == {"confirmed": 3, "ambiguous": 1}
    assert ELEVEN > DRAWINGS
    for kind, pages in found.pages.items():
        data = (out / f"pairs_{kind}.pdf").read_bytes()
        assert data.count(b"/Type /Page\n") == pages
        pictures = sorted((out / f"pairs_{kind}").iterdir())
        assert [picture.name for picture in pictures] == [f"{n + 1:03}.png" for n in range(pages)]
        with Image.open(pictures[0]) as picture:
            assert picture.width / picture.height == pytest.approx(297 / 210, abs=0.01)


def test_samples_are_seeded_and_without_copies(root: Path, report: tuple[Path, Findings]) -> None:
    out, found = report
    assert [sample.label for sample in found.samples] == ["3-5", "10-13", "MS", "unknown"]
    ids = [id_ for sample in found.samples for id_ in sample.ids]
    assert len(ids) == len(set(ids)) == 4 * 6
    assert not any(id_.endswith("_oil") for id_ in ids)
    drawings = found.collection.drawings
    again = draw_samples(drawings.iloc[::-1], SAMPLING)
    assert again == found.samples
    other = draw_samples(drawings, Sampling("age_group", 2, 3, 12, seed=1))
    assert [sample.ids for sample in other] != [sample.ids for sample in again]
    # A group's sample does not depend on the other groups.
    assert draw_samples(drawings[drawings["age_group"] == "MS"], SAMPLING) == [found.samples[2]]
    names = sorted(path.name for path in (out / "samples").iterdir())
    assert names == ["01_3-5.png", "02_10-13.png", "03_MS.png", "04_unknown.png"]


def test_samples_by_country_or_of_all(report: tuple[Path, Findings]) -> None:
    drawings = report[1].collection.drawings
    two = draw_samples(drawings, Sampling("country", 1, 50, 2, seed=0))
    assert {sample.label: sample.total for sample in two} == {"France (FRA)": 16, HOSTILE: 8}
    (one,) = draw_samples(drawings, Sampling(None, 9, 9, 12, seed=0))
    assert sorted(one.ids) == sorted(drawings.index)
    assert draw_samples(drawings[["path"]], SAMPLING)[0].total == 40


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"by": "contry"}, "explore.sample.by=contry: did you mean country?"),
        ({"rows": 0}, "explore.sample.rows=0: must be at least 1"),
        ({"groups": -1}, "explore.sample.groups=-1"),
    ],
)
def test_senseless_settings_are_refused(settings: dict[str, int | str], said: str) -> None:
    good: dict[str, int | str] = {"by": "year", "rows": 1, "cols": 1, "groups": 1, "seed": 0}
    with pytest.raises(UserError, match=re.escape(said)):
        Sampling(**(good | settings))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="must be 0 or more, or null"):
        Paper(-1)


def test_a_second_run_writes_the_same_and_clears_what_is_no_more(
    collection_root: Path, tmp_path: Path
) -> None:
    def contents() -> dict[str, bytes]:
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        return {str(f.relative_to(tmp_path)): f.read_bytes() for f in files}

    explore(collection_root, tmp_path)
    (tmp_path / "pairs_confirmed" / "mine.png").write_bytes(b"mine")
    first = contents()
    explore(collection_root, tmp_path)
    changed = {name for name, data in contents().items() if data != first.get(name)}
    assert changed <= {"index.html"}  # which says when it was written
    explore(collection_root, tmp_path, artworks=2)
    pages = {path.name for path in (tmp_path / "pairs_confirmed").iterdir()}
    assert pages == {"001.png", "002.png", "mine.png"}
    own = list_of("collection")
    listed = (tmp_path / own).read_text().splitlines()
    assert {*listed, own, "pairs_confirmed/mine.png"} == set(contents())


def test_a_table_without_pictures_is_counted(tmp_path: Path) -> None:
    rows = [{"id": f"d{n}", "path": f"{n}.jpg", "year": "1995"} for n in range(5)]
    write(tmp_path / "drawings.csv", rows)
    found = explore(tmp_path, tmp_path / "out")
    notes = " ".join(found.notes)
    assert "no column age_group or country" in notes
    assert "no artworks.csv and no pairs.csv" in notes
    assert "no sample is shown" in notes
    assert set(found.figures) == {"drawings_per_year"}
    words = Page((tmp_path / "out" / "index.html").read_text(encoding="utf-8")).text
    assert "Countries" not in words
    assert "Random drawings" not in words


def test_a_folder_that_cannot_be_written_is_told(root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="out: is there, and is no folder"):
        explore(root, tmp_path / "out")


def test_sizes_are_upright_and_described(tmp_path: Path) -> None:
    sizes = [(300, 200), (200, 300), (100, 100), (640, 480)]
    paths = {}
    for number, size in enumerate(sizes):
        paths[str(number)] = tmp_path / f"{number}.jpg"
        exif = Image.Exif()
        exif[0x0112] = 6 if number == 3 else 1  # the last lies on its side
        Image.new("RGB", size).save(paths[str(number)], exif=exif)
    measured = measure(paths, "drawing", at_most=None, workers=2)
    assert measured["width"].to_list() == [300, 200, 100, 480]
    assert measured["height"].to_list() == [200, 300, 100, 640]
    (row,) = describe_sizes(measured).to_dict("records")
    assert (row["smallest"], row["largest"]) == ("100 × 100", "480 × 640")
    assert (row["portrait"], row["square"], row["landscape"]) == (0.5, 0.25, 0.25)
    some = measure(paths, "drawing", at_most=2, workers=2)
    assert len(some) == 2
    pd.testing.assert_frame_equal(some, measure(paths, "drawing", at_most=2, workers=1))


def test_the_command(root: Path, tmp_path: Path) -> None:
    settings = ["explore.sample.by=null", "explore.pairs.artworks=1", "explore.sizes=3"]
    done = run("explore", "data=folder", f"data.root={root}", *settings, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert "40 drawings, 10 artworks, 14 confirmed pairs, 1 ambiguous" in done.stdout
    assert "! Sizes are those of 3 random drawings of 40" in done.stdout
    assert "! Pages of confirmed pairs: 1 artwork of 2" in done.stdout
    out = tmp_path / "explore" / root.name
    assert f"→ {out.relative_to(tmp_path)}/index.html" in done.stdout
    assert (out / "pairs_confirmed.pdf").is_file()
