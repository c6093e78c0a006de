"""Schemes of file names: the archive's own, and the mistakes people make in theirs."""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.names import AGE_GROUPS, countries
from drawsim.common.errors import UserError
from drawsim.preparing.schemes import Scheme, load_scheme

SCHEMES = Path(__file__).resolve().parents[2] / "conf/scheme"
PUBLISHED = "thesis/metadata/drawings_14_25_metadata.csv"


def settings(name: str) -> dict[str, Any]:
    """A shipped scheme's settings."""
    read: dict[str, Any] = yaml.safe_load((SCHEMES / f"{name}.yaml").read_text(encoding="utf-8"))
    return read


def rows(table: str) -> list[dict[str, str]]:
    """A shipped table of corrections."""
    with (SCHEMES / "imaj" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def imaj() -> Scheme:
    """The archive's scheme."""
    return load_scheme(settings("imaj"), [SCHEMES])


COUNTRY_CODES = {row["code"]: row["iso3"] for row in rows("country_codes")}
PARTS = {
    "year": st.integers(1000, 9999).map(str),
    "age_group": st.sampled_from(AGE_GROUPS[:-1]),
    "number": st.from_regex(r"\A[0-9]{4}[AB]?\Z"),
    "country": st.sampled_from(sorted(countries())),
    "side": st.sampled_from("RV"),
    "quality": st.sampled_from("AC"),
}


@given(parts=st.fixed_dictionaries(PARTS), folder=st.sampled_from(["", "TRAIN_01/1995/"]))
def test_a_regular_name_gives_its_parts(imaj: Scheme, parts: dict[str, str], folder: str) -> None:
    name = imaj.parse(folder + "_".join(parts[part] for part in PARTS))
    assert name is not None
    country = COUNTRY_CODES.get(parts["country"], parts["country"])
    assert name.fields == {**parts, "country": country, "film": ""}


@pytest.mark.parametrize(
    ("stem", "number", "country", "side"),
    [
        ("2015_14-17_3372_ITA_R_C", "3372", "ITA", "R"),
        ("1998_14-17_0177_BKF_R_C_crop1", "0177", "BFA", "R"),
        ("1999_18-25_0000B__R_C", "0000B", "", "R"),
        ("1995_14-17__FRA_R_C", "", "FRA", "R"),
        ("1997_14-17_9998__a_R_C", "9998", "", "R"),
        ("2000_14-17_0632_FRA_aa_V_C", "0632", "FRA", "V"),
        ("2003_14-17_9990_KAZ_01_C", "9990", "KAZ", ""),
        ("1995_14-17_0164_FRA_0001_R_C", "0164", "FRA", "R"),
        ("1995_14-17_1161_FRA_R_0001_A_C", "1161", "FRA", "R"),
        ("2003_14-17_0270_FRA_R1_C", "0270", "FRA", "R"),
        ("1994_14-17_0001_FRA_R_C.jpg", "0001", "FRA", "R"),
        ("2003_14-17_1219_KAZb_a_R_C", "1219", "KAZ", "R"),
        ("1995_14-17_0601bis_SRI_R_C", "0601bis", "LKA", "R"),
        ("2003_14-17_0164_9NA_R_C", "0164", "FRA", "R"),
        ("2003_14-17_081_9NA_R_C", "081", "FRA", "R"),
        ("2002_14-17_0230a_a_R_C", "0230a", "BLR", "R"),  # from fields.csv
        ("2000_14-17_0553_TRQ_RV_C", "0553", "TUR", "R-V"),  # from file_names.csv, as all below
        ("1995_14-17_64_0073", "0073", "", "V"),
        ("1998_18-25_3_0035 ", "0035", "", "R"),
        ("2000_14-17_176_0089 (2)", "0089(2)", "", "R"),
        ("2001_14-17_740100", "0100", "", "R"),
        ("1995_18-25_R_GRE__C", "", "GRC", "R"),
    ],
)
def test_names_that_deviate(imaj: Scheme, stem: str, number: str, country: str, side: str) -> None:
    name = imaj.parse(f"TRAIN_01/{stem}")
    assert name is not None
    assert [name.fields[f] for f in ("number", "country", "side")] == [number, country, side]


@pytest.mark.parametrize(
    "stem",
    [
        "",
        "1995_14-17_64_9999",  # no side, and no correction that gives one
        "x2015_14-17_3372_ITA_R_C",
        "2015_14-17_3372_ITA_R_C\n",
        "2015_14-17_3372_ITA_X_C",
        "2015_14-17_3372_ita_R_C",
        "15_14-17_3372_ITA_R_C",
        "sample_10_13_01",
    ],
)
def test_what_does_not_follow_the_scheme_is_not_guessed_at(imaj: Scheme, stem: str) -> None:
    assert imaj.parse(stem) is None


def test_ages_and_missing_fields_are_corrected(imaj: Scheme) -> None:
    ages = {
        "2000_17-24_0001_FRA_R_C": "17-24",  # no correction: kept as found
        "2000_17-25_0001_FRA_R_C": "18-25",
        "2000_M-S_124_0068": "MS",
        "2000__0001_FRA_R_C": "unknown",
        "1998__0330_ROU_R_C": "14-17",  # from fields.csv
    }
    for stem, age in ages.items():
        name = imaj.parse(stem)
        assert name is not None
        assert name.fields["age_group"] == age


def test_both_sides_of_a_sheet_have_it_in_common(imaj: Scheme) -> None:
    def sheet(stem: str) -> str:
        name = imaj.parse(stem)
        assert name is not None
        return name.sheet

    recto = sheet("2000_18-25_0054_UKR_b_R_A")
    assert recto == sheet("2000_18-25_0054_UKR_b_V_C")
    assert recto != sheet("2000_18-25_0054_UKR_a_V_C")
    assert recto != sheet("2000_18-25_0054_RUS_b_V_C")


def test_the_shipped_corrections_lead_to_names_that_parse(imaj: Scheme) -> None:
    for row in rows("file_names"):
        assert imaj.parse(row["found"]) is not None, row
    for row in rows("fields"):
        name = imaj.parse(row["file_name"])
        assert name is not None, row
        assert all(name.fields[f] == v for f, v in row.items() if f != "file_name" and v)
    assert {row["iso3"] for row in rows("country_codes")} <= countries() | {""}


@pytest.mark.real_data
def test_the_published_table(shared_data: Path, imaj: Scheme) -> None:
    """Of its 20,635 rows at least 99.9 % say what their names say; the rest is understood."""
    with (shared_data / PUBLISHED).open(encoding="utf-8", newline="") as file:
        published = list(csv.DictReader(file))
    assert len(published) == 20_635
    copies = ("_oil", "_water", "_texture", "_pencil_gray", "_gray")
    wrong, said, parsed = [], Counter[str](), Counter[str]()
    for row in published:
        original = row["path"].removesuffix(".jpg")
        for suffix in copies:
            original = original.removesuffix(suffix)
        name = imaj.parse(original)
        assert name is not None
        # What only the making of the table put there: the ending, and words for no country.
        number = row["id"].replace(".jpg", "").replace(" ", "")
        country = row["country"].replace("Not Added", "")
        expected = (row["year"], row["age_group"], number, country)
        said.update(expected[1::2])
        parsed.update([name.fields["age_group"], name.fields["country"]])
        if expected != tuple(name.fields[f] for f in ("year", "age_group", "number", "country")):
            wrong.append(row["uid"])
    assert said == parsed  # every age group and country, the largest ten included
    films = [uid for uid in wrong if uid.startswith("1998_18-25_5_00")]
    assert len(films) == 10  # style copies, for which the table has the film's number
    assert set(wrong) - set(films) == {
        "2000_18-25_142_0002_a",  # the film's number again
        "1995_18-25_R_GRE__C",  # has no number; the table has its side there
    }


def table(folder: Path, name: str, text: str) -> str:
    """A table of corrections; returns its name."""
    (folder / name).write_text(text, encoding="utf-8")
    return name


def test_a_scheme_of_ones_own(tmp_path: Path) -> None:
    found = table(tmp_path, "names.csv", "found,corrected\nb/oops.png,kiew-1990\n")
    mine = load_scheme(
        {"name": "mine", "pattern": r"(?P<town>\w+)-(?P<year>\d+)", "file_names": found},
        [tmp_path],
    )
    assert mine.columns == ["town", "year"]
    name = mine.parse("a/b/oops")
    assert name is not None
    assert name.fields == {"town": "kiew", "year": "1990"}
    assert mine.parse("a/oops") is None  # the table says which folder


def test_a_table_may_lie_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = table(tmp_path, "ages.csv", "found,corrected\nold,18-25\n")
    monkeypatch.chdir(tmp_path)
    mine = load_scheme({"pattern": "(?P<age_group>.*)", "age_groups": found}, [tmp_path / "none"])
    name = mine.parse("old")
    assert name is not None
    assert name.fields == {"age_group": "18-25"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patern": "x"}, "scheme.patern: no such setting, did you mean pattern"),
        ({"pattern": None}, "pattern must be given"),
        ({"pattern": "a\n(?P<b>"}, "not a regular expression: .* in line 2"),
        ({"pattern": "(?P<path>.*)"}, "a field 'path', which drawings.csv has already"),
        ({"verso": "V"}, "verso needs the field 'side', .*it has number"),
        ({"series": "film"}, "series needs the field 'film'"),
        ({"same_name": "no"}, "same_name=no: must be report or qualify"),
        ({"fields": "none.csv"}, "fields=none.csv: no such table in"),
        ({"fields": "wrong.csv"}, "wrong.csv, row 1: column 'numbr' is no field.*number"),
        ({"age_groups": "wrong.csv"}, "wrong.csv, row 1: no column found, corrected"),
        ({"file_names": "twice.csv"}, "twice.csv, row 3: 'a' is there twice"),
        ({"file_names": "semicolons.csv"}, "semicolons.csv, row 1: cells may be sep"),
    ],
)
def test_mistakes_are_one_clear_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    table(tmp_path, "wrong.csv", "file_name,numbr\na,1\n")
    table(tmp_path, "twice.csv", "found,corrected\na,1\na,2\n")
    table(tmp_path, "semicolons.csv", "found;corrected,x\na;1;2,y,z\n")
    with pytest.raises(UserError, match=message):
        load_scheme({"name": "mine", "pattern": r"(?P<number>\d+)", **change}, [tmp_path])


def test_the_script_compares_a_table_with_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Path(__file__).resolve().parents[2] / "scripts" / "check_ids.py"
    spec = importlib.util.spec_from_file_location("check_ids", script)
    assert spec is not None
    assert spec.loader is not None
    check_ids = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check_ids)
    lines = [
        "year,age_group,id,country,uid",
        "1995,14-17,0259,LKA,1995_14-17_0259_SRI_R_C",
        "1995,14-17,0072.jpg,Not Added,1995_14-17_64_0072",
        "1996,14-17,0001,FRA,1995_14-17_0001_FRA_R_C",
    ]
    metadata = tmp_path / table(tmp_path, "metadata.csv", "\n".join(lines) + "\n")
    monkeypatch.setattr(sys, "argv", ["check_ids.py", str(metadata)])
    with pytest.raises(SystemExit) as ended:
        check_ids.main()
    printed = capsys.readouterr().out
    assert ended.value.code == 1
    assert "3 rows, 2 alike" in printed
    assert "1995_14-17_0001_FRA_R_C: year '1996' in the table, '1995' by name" in printed
