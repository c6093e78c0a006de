"""The step `drawings`: folders and archives of scans become a table of drawings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.preparing.drawings import prepare_drawings
from tests.preparing.archive_files import Tree, picture, put, table, zipped

CONF = Path(__file__).resolve().parents[2] / "conf"
SCAN = "2015_14-17_3372_ITA_R_C"


def run(source: Path, out: Path, scheme: str = "imaj", **changes: Any) -> Summary:
    """The step as the command runs it."""
    settings = yaml.safe_load((CONF / "scheme" / f"{scheme}.yaml").read_text(encoding="utf-8"))
    settings |= {k: changes.pop(k) for k in list(changes) if k in settings}
    folders = [{"path": "hydra.conf", "schema": "pkg"}, {"path": str(CONF), "schema": "file"}]
    options = {"extract": False, "sizes": False, **changes}
    return prepare_drawings(source, out, 1, scheme=settings, config_folders=folders, **options)


def scans(*names: str) -> dict[str, bytes]:
    """A picture for each name."""
    return {f"{name}.jpg": picture() for name in names}


def unparsed(out: Path) -> list[str]:
    """The lines of unparsed.csv."""
    return (out / "unparsed.csv").read_text(encoding="utf-8").splitlines()[1:]


def test_a_folder_of_scans(tmp_path: Path) -> None:
    put(tmp_path / "in", scans(f"2015/{SCAN}", f"2015/{SCAN[:-3]}V_C", "2015/1998__0330_ROM_R_A"))
    summary = run(tmp_path / "in", tmp_path / "out")
    folder = "../in/2015/"
    assert table(tmp_path / "out" / "drawings.csv") == {
        "1998__0330_ROM_R_A": {
            "id": "1998__0330_ROM_R_A",
            "path": f"{folder}1998__0330_ROM_R_A.jpg",
            "year": "1998",
            "age_group": "unknown",
            "film": "",
            "number": "0330",
            "country": "ROU",
            "side": "R",
            "quality": "A",
            "verso": "",
            "parent": "",
        },
        SCAN: {
            "id": SCAN,
            "path": f"{folder}{SCAN}.jpg",
            "year": "2015",
            "age_group": "14-17",
            "film": "",
            "number": "3372",
            "country": "ITA",
            "side": "R",
            "quality": "C",
            "verso": f"{folder}{SCAN[:-3]}V_C.jpg",
            "parent": "",
        },
    }
    assert summary.read == {"files": 3, "images": 3}
    assert summary.made == {"drawings": 2, "of these with a verso": 1}
    assert summary.skipped == {"versos, linked to their rectos": 1}
    assert not (tmp_path / "out" / "unparsed.csv").exists()
    for path in table(tmp_path / "out" / "drawings.csv").values():
        assert (tmp_path / "out" / path["path"]).is_file()


def test_a_verso_of_the_same_quality_is_preferred(tmp_path: Path) -> None:
    sheet = "2015_14-17_3372_ITA"
    put(tmp_path, scans(*(f"{sheet}_{side}_{q}" for side in "RV" for q in "AC"), f"{sheet}_a_R_C"))
    run(tmp_path, tmp_path)
    rows = table(tmp_path / "drawings.csv")
    assert {name: row["verso"] for name, row in rows.items()} == {
        f"{sheet}_R_A": f"{sheet}_V_A.jpg",
        f"{sheet}_R_C": f"{sheet}_V_C.jpg",
        f"{sheet}_a_R_C": "",
    }


def test_in_a_series_the_verso_follows_its_recto(tmp_path: Path) -> None:
    """In film 105: 6 V (its recto is not there), 73 R 74 V, 75 R 76 V; in film 106: 48 R."""
    numbers = ("105_0006", "105_0073", "105_0074", "105_0075", "105_0076", "106_0048", "89_0043")
    put(tmp_path, scans(*(f"2000_18-25_{number}" for number in numbers)))
    summary = run(tmp_path, tmp_path)
    rows = table(tmp_path / "drawings.csv")
    assert {name[11:]: row["verso"][11:] for name, row in rows.items()} == {
        "105_0073": "105_0074.jpg",
        "105_0075": "105_0076.jpg",
        "106_0048": "",
        "89_0043": "",
    }
    assert summary.skipped["versos without a recto"] == 1
    assert "versos without a recto: 1, e.g. 2000_18-25_105_0006.jpg" in summary.notes


def test_style_copies_name_their_parents(tmp_path: Path) -> None:
    names = (SCAN, f"{SCAN}_pencil_gray", "1998_18-25_5_0010", "1998_18-25_5_0010_oil")
    put(tmp_path, scans(*names, "1998_14-17_0001_FRA_R_C_oil"))
    summary = run(tmp_path, tmp_path)
    rows = table(tmp_path / "drawings.csv")
    assert {name: row["parent"] for name, row in rows.items()} == {
        SCAN: "",
        f"{SCAN}_pencil_gray": SCAN,
        "1998_18-25_5_0010": "",
        "1998_18-25_5_0010_oil": "1998_18-25_5_0010",
    }
    assert rows["1998_18-25_5_0010_oil"]["number"] == "0010"
    assert summary.made["of these style copies"] == 2
    assert unparsed(tmp_path) == [
        "1998_14-17_0001_FRA_R_C_oil.jpg,"
        '"a style copy of 1998_14-17_0001_FRA_R_C, which is not there"'
    ]


def test_what_is_not_parsed_is_listed_with_its_reason(tmp_path: Path) -> None:
    put(tmp_path, scans(SCAN, "holiday"))
    summary = run(tmp_path, tmp_path)
    assert unparsed(tmp_path) == ["holiday.jpg,does not follow scheme imaj"]
    assert summary.skipped == {"names that cannot be parsed": 1}
    assert "holiday.jpg: does not follow scheme imaj" in summary.notes[0]
    (tmp_path / "holiday.jpg").unlink()
    run(tmp_path, tmp_path)
    assert not (tmp_path / "unparsed.csv").exists()


def test_of_two_files_of_one_id_neither_wins(tmp_path: Path) -> None:
    put(tmp_path, scans(f"a/{SCAN}", f"b/{SCAN}", "a/1998_14-17_0001_FRA_R_C"))
    summary = run(tmp_path, tmp_path)
    assert list(table(tmp_path / "drawings.csv")) == ["1998_14-17_0001_FRA_R_C"]
    assert unparsed(tmp_path) == [
        f"a/{SCAN}.jpg,has the same id as b/{SCAN}.jpg",
        f"b/{SCAN}.jpg,has the same id as a/{SCAN}.jpg",
    ]
    assert summary.skipped["images with the id of another"] == 2


def test_what_was_listed_stays_when_a_second_file_of_its_id_turns_up(tmp_path: Path) -> None:
    put(tmp_path, scans(f"b/{SCAN}"))
    run(tmp_path, tmp_path)
    put(tmp_path, scans(f"a/{SCAN}"))
    run(tmp_path, tmp_path)
    assert table(tmp_path / "drawings.csv")[SCAN]["path"] == f"b/{SCAN}.jpg"
    assert unparsed(tmp_path) == [f"a/{SCAN}.jpg,has the same id as b/{SCAN}.jpg"]


def test_unknown_countries_and_ages_are_counted_and_kept(tmp_path: Path) -> None:
    names = ("1995_14-17_0001_YOU_R_C", "1995_14-17_0002_YOU_R_C", "1995_9-99_0003_PPP_R_C")
    put(tmp_path, scans(*names))
    countries, ages = run(tmp_path, tmp_path).notes
    assert countries.endswith("kept as found: YOU (2, e.g. 1995_14-17_0001_YOU_R_C)")
    assert ages.endswith("kept as found: 9-99 (1, e.g. 1995_9-99_0003_PPP_R_C)")
    rows = table(tmp_path / "drawings.csv")
    assert [row["country"] for row in rows.values()] == ["YOU", "YOU", ""]


NESTED: Tree = {"TRAIN_01.zip": {f"1995/{SCAN}.jpg": picture(), f"1995/{SCAN[:-3]}V_C.jpg": b"v"}}


def test_archives_are_listed_and_unpacked_when_asked(tmp_path: Path) -> None:
    source, out = put(tmp_path, {"scans.zip": NESTED}) / "scans.zip", tmp_path / "out"
    note = run(source, out).notes[-1]
    assert note.startswith("images that wait in archives: 1 (0.0 GB); step.extract=true unpacks")
    listed = (out / "drawings.csv").read_bytes()
    assert sorted(path.name for path in out.iterdir()) == [".prepared", "drawings.csv"]

    summary = run(source, out, extract=True)
    assert summary.made["images unpacked"] == 1
    image = out / table(out / "drawings.csv")[SCAN]["path"]
    assert image == out / "drawings" / "TRAIN_01" / "1995" / f"{SCAN}.jpg"
    assert image.read_bytes() == picture()
    assert {p.name for p in out.rglob("*") if p.is_file()} == {
        "drawings.csv",
        image.name,
    }  # no verso
    assert (out / "drawings.csv").read_bytes() == listed

    assert run(source, out, extract=True).skipped["images unpacked before"] == 1
    image.write_bytes(b"half")
    assert run(source, out, extract=True).made["images unpacked"] == 1
    assert image.read_bytes() == picture()


def test_nothing_is_unpacked_outside(tmp_path: Path) -> None:
    tree = {f"../../{SCAN}.jpg": picture(), "a/1998_14-17_0001_FRA_R_C.jpg": picture()}
    put(tmp_path / "in", {"scans.zip": tree})
    run(tmp_path / "in" / "scans.zip", tmp_path / "x" / "out", extract=True)
    assert sorted(p.name for p in tmp_path.rglob("*.jpg")) == ["1998_14-17_0001_FRA_R_C.jpg"]
    assert unparsed(tmp_path / "x" / "out")[0].endswith("its path leads out of the archive")


def test_an_image_damaged_in_its_archive_is_reported(tmp_path: Path) -> None:
    data = zipped({f"{SCAN}.jpg": b"drawing one", "1998_14-17_0001_FRA_R_C.jpg": b"drawing two"})
    (tmp_path / "s.zip").write_bytes(data.replace(b"drawing one", b"drawing 0ne"))
    summary = run(tmp_path / "s.zip", tmp_path / "out", extract=True)
    assert summary.made["images unpacked"] == 1
    assert [p.name for p in (tmp_path / "out" / "drawings").iterdir()] == [
        "1998_14-17_0001_FRA_R_C.jpg"
    ]
    assert unparsed(tmp_path / "out")[0].startswith(f"drawings/{SCAN}.jpg,damaged in its archive")


@pytest.mark.parametrize("place", ["", "collection"])
def test_a_collection_in_the_folder_of_the_archives(tmp_path: Path, place: str) -> None:
    put(tmp_path, {"scans.zip": NESTED})
    out = tmp_path / place
    run(tmp_path, out, extract=True, sizes=True)
    first = (out / "drawings.csv").read_bytes()
    summary = run(tmp_path, out, extract=True, sizes=True)
    assert (out / "drawings.csv").read_bytes() == first
    assert summary.made["drawings, all as they were"] == 1


def test_sizes_are_those_of_upright_images(tmp_path: Path) -> None:
    upright, turned, broken = SCAN, "1998_14-17_0001_FRA_R_C", "1998_14-17_0002_FRA_R_C"
    tree: Tree = {
        f"{upright}.jpg": picture(30, 20),
        f"{turned}.jpg": picture(30, 20, orientation=6),
        "s.zip": {f"{broken}.jpg": b"no image"},
    }
    put(tmp_path, tree)
    run(tmp_path, tmp_path, sizes=True)
    rows = table(tmp_path / "drawings.csv")
    sizes = {name: (row["width"], row["height"], row["bytes"]) for name, row in rows.items()}
    assert sizes == {
        upright: ("30", "20", str(len(picture(30, 20)))),
        turned: ("20", "30", str(len(picture(30, 20, orientation=6)))),
        broken: ("", "", "8"),
    }


def test_a_second_run_changes_nothing_and_says_so(tmp_path: Path) -> None:
    put(tmp_path / "in", scans(SCAN, "holiday"))
    run(tmp_path / "in", tmp_path)
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.glob("*.csv")}
    summary = run(tmp_path / "in", tmp_path)
    assert summary.made == {"drawings, all as they were": 1}
    after = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.glob("*.csv")}
    assert before == after


def test_what_people_added_is_kept(tmp_path: Path) -> None:
    put(tmp_path, scans(SCAN, "1998_14-17_0001_FRA_R_C", "1999_14-17_0002_FRA_R_C"))
    run(tmp_path, tmp_path)
    path = tmp_path / "drawings.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    colours = ("colour", "red", "blue", "green")
    text = "\n".join(f"{line},{colour}" for line, colour in zip(lines, colours, strict=True))
    path.write_text(text.replace(",FRA,", ",GBR,") + "\n", encoding="utf-8")
    (tmp_path / "1999_14-17_0002_FRA_R_C.jpg").unlink()
    put(tmp_path, scans("1997_14-17_0003_FRA_R_C"))
    summary = run(tmp_path, tmp_path)
    rows = table(path)
    assert {name: (row["colour"], row["country"]) for name, row in rows.items()} == {
        "1997_14-17_0003_FRA_R_C": ("", "FRA"),
        "1998_14-17_0001_FRA_R_C": ("red", "GBR"),
        SCAN: ("green", "ITA"),
    }
    assert summary.skipped["rows of before that this step finds no more"] == 1
    assert summary.notes == [
        "ids that drawings.csv had before and this step finds no more (the source lacks them, or "
        "they are read by other settings), left out: 1, "
        "e.g. 1999_14-17_0002_FRA_R_C"
    ]


def test_style_copies_made_in_the_collection_are_kept(tmp_path: Path) -> None:
    put(tmp_path / "in", scans(SCAN))
    out = tmp_path / "out"
    run(tmp_path / "in", out)
    put(out, scans(f"styles/{SCAN}_oil"))
    path = out / "drawings.csv"
    columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    for name, parent in ((f"{SCAN}_oil", SCAN), ("gone_oil", "gone")):
        row = {"id": name, "path": f"styles/{name}.jpg", "parent": parent}
        with path.open("a", encoding="utf-8") as file:
            file.write(",".join(row.get(column, "") for column in columns) + "\n")
    summary = run(tmp_path / "in", out)
    assert list(table(path)) == [SCAN, f"{SCAN}_oil"]
    assert table(path)[f"{SCAN}_oil"]["parent"] == SCAN
    assert summary.made["of these style copies made in the collection, kept"] == 1


def test_the_plain_scheme_takes_every_image(tmp_path: Path) -> None:
    put(tmp_path, scans("summer/house", "winter/house", "winter/Baum_树"))
    summary = run(tmp_path, tmp_path, "plain")
    rows = table(tmp_path / "drawings.csv")
    assert {name: row["path"] for name, row in rows.items()} == {
        "summer/house": "summer/house.jpg",
        "Baum_树": "winter/Baum_树.jpg",
        "winter/house": "winter/house.jpg",
    }
    assert "files that share their names with others: 2" in summary.notes[0]


def test_plain_ids_outlive_a_new_file_of_the_same_name(tmp_path: Path) -> None:
    put(tmp_path, scans("winter/house"))
    run(tmp_path, tmp_path, "plain")
    put(tmp_path, scans("summer/house"))
    run(tmp_path, tmp_path, "plain")
    rows = table(tmp_path / "drawings.csv")
    assert {name: row["path"] for name, row in rows.items()} == {
        "summer/house": "summer/house.jpg",
        "house": "winter/house.jpg",
    }


def test_a_table_of_names(tmp_path: Path) -> None:
    text = f"uid,country,note\n{SCAN},XXX,a\n1995_14-17_64_0072,,\n"
    put(tmp_path, {"names.csv": text.encode(), "in" + f"/{SCAN}.jpg": picture()})
    summary = run(tmp_path / "names.csv", tmp_path)
    rows = table(tmp_path / "drawings.csv")
    assert {name: row["country"] for name, row in rows.items()} == {
        SCAN: "ITA",
        "1995_14-17_64_0072": "",
    }
    assert summary.notes[-1].startswith("images that names.csv names and that are not there: 1")
    assert [rows[SCAN][name] for name in ("path", "note")] == [f"in/{SCAN}.jpg", "a"]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (scans("holiday"), "no drawing among 1 image, e.g. .*holiday.jpg: does not follow"),
        (scans(f"{SCAN[:-3]}V_C"), "no drawing among 1 image, all are versos"),
        ({"a.zip": b"PK\3\4 not all of it"}, "a.zip: not a whole zip archive"),
        ({}, "no images among 0 files"),
    ],
)
def test_a_source_that_is_no_use_leaves_the_table_as_it_was(
    tmp_path: Path, tree: Tree, message: str
) -> None:
    put(tmp_path / "good", scans(SCAN))
    run(tmp_path / "good", tmp_path)
    before = (tmp_path / "drawings.csv").read_bytes()
    (tmp_path / "bad").mkdir()
    with pytest.raises(UserError, match=message):
        run(put(tmp_path / "bad", tree), tmp_path)
    assert (tmp_path / "drawings.csv").read_bytes() == before


def test_the_collection_must_be_a_folder(tmp_path: Path) -> None:
    source = put(tmp_path, {"scans.zip": NESTED}) / "scans.zip"
    with pytest.raises(UserError, match=r"scans.zip is a file: .* out=FOLDER"):
        run(source, source)


def test_a_broken_table_is_not_written_over(tmp_path: Path) -> None:
    put(tmp_path, {**scans(SCAN), "drawings.csv": b"id,id\na,b\n"})
    with pytest.raises(UserError, match=r"drawings.csv, row 1: columns A and B"):
        run(tmp_path, tmp_path)
    assert (tmp_path / "drawings.csv").read_bytes() == b"id,id\na,b\n"


def test_a_full_disk_is_one_line_and_leaves_no_half_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"scans.zip": NESTED})

    def full(path: Path) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("drawsim.preparing.listing.atomic", full)
    with pytest.raises(UserError, match="cannot be unpacked: the disk is full"):
        run(tmp_path / "scans.zip", tmp_path / "out", extract=True)
    assert not list(tmp_path.rglob("*.jpg"))
    assert not (tmp_path / "out" / "drawings.csv").exists()
