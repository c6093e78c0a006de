"""Tables as programs write them: what each means is known from how the program works.

Where a case names a program, it is as that program writes by its documentation: Excel separates by
the list separator of the system's region and writes "CSV" in its ANSI code page, "CSV (Macintosh)"
in Mac Roman with CR, "Unicode Text" as UTF-16 with tabs; TRUE is written in the user's language.
It keeps 15 digits of a number, shows 11 in General format, and makes dates of what looks like one.
LibreOffice writes cells "as shown". R's write.csv quotes all texts, write.csv2 takes semicolons.
pandas writes whole numbers of a column with gaps as 7.0, and row numbers in a column without name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from drawsim.collection.problems import Problems
from drawsim.collection.tables import TABLES, Collection, read_tables
from tests.collection.written import write

ARTWORKS = "id,path\na1,a1.png\na2,a2.png\n"
TRUE_FALSE = [("d1", "a1", True), ("d2", "a2", False)]


def drawings(*ids: str) -> str:
    """A table of drawings of these ids."""
    return "id,path\n" + "".join(f'"{name}",{n}.png\n' for n, name in enumerate(ids))


def pairs(first: str = "d1", second: str = "d2", yes: str = "true", no: str = "false") -> str:
    """A table of two pairs."""
    return f"drawing_id,artwork_id,pair\n{first},a1,{yes}\n{second},a2,{no}\n"


def semicolons(text: str) -> str:
    return text.replace(",", ";").replace("\n", "\r\n")


@dataclass(frozen=True)
class Read:
    """Tables, the pairs that are meant, and what is said of the table of pairs."""

    drawings: str | bytes
    pairs: str | bytes
    said: str = ""
    meant: tuple[tuple[str, str, bool], ...] = tuple(TRUE_FALSE)


TWO = drawings("d1", "d2")
READ = {
    "Excel, German, CSV": Read(
        drawings("Jörg", "d2"),
        semicolons(pairs("Jörg", yes="WAHR", no="FALSCH")).encode("cp1252"),
        "Windows-1252; separated by semicolons; pair: 'WAHR', 'FALSCH' read as true or false",
        (("Jörg", "a1", True), ("d2", "a2", False)),
    ),
    "Excel for Mac, French, CSV (Macintosh)": Read(
        drawings("Hélène", "d2"),
        semicolons(pairs("Hélène", yes="VRAI", no="FAUX"))
        .replace("\r\n", "\r")
        .encode("mac_roman"),
        "Mac Roman; separated by semicolons",
        (("Hélène", "a1", True), ("d2", "a2", False)),
    ),
    "Excel, Unicode Text": Read(TWO, pairs().replace(",", "\t").encode("utf-16"), "UTF-16"),
    "iconv, UTF-16 without a mark": Read(TWO, pairs().encode("utf-16-be"), "UTF-16"),
    "UTF-32": Read(TWO, pairs().encode("utf-32"), "UTF-32"),
    "Excel, Russian, CSV UTF-8": Read(
        TWO,
        semicolons(pairs(yes="ИСТИНА", no="ЛОЖЬ")).encode("utf-8-sig"),
        "separated by semicolons; pair: 'ИСТИНА', 'ЛОЖЬ'",
    ),
    "Excel, Turkish": Read(TWO, semicolons(pairs(yes="DOĞRU", no="YANLIŞ")), "semicolons"),
    "a mark and a line sep=": Read(
        TWO, ("sep=;\r\n" + semicolons(pairs())).encode("utf-8-sig"), "a line sep=; before"
    ),
    "a separator of one's own": Read(TWO, "sep=^\n" + pairs().replace(",", "^"), "sep=^"),
    "Google Sheets": Read(TWO, pairs(yes="TRUE", no="FALSE").replace("\n", "\r\n")),
    "R, write.csv": Read(
        TWO,
        '"","drawing_id","artwork_id","pair"\n"1","d1","a1",TRUE\n"2","d2","a2",FALSE\n',
    ),
    "R, write.csv2": Read(TWO, '"drawing_id";"artwork_id";"pair"\n"d1";"a1";TRUE\n"d2";"a2";F\n'),
    "a database, bars": Read(TWO, pairs(yes="t", no="f").replace(",", "|"), "separated by bars"),
    "pandas, floats": Read(
        TWO,
        ",drawing_id,artwork_id,pair\n0,d1,a1,1.0\n1,d2,a2,0.0\n",
        "pair: '1.0', '0.0'",
    ),
    "empty columns and rows of a spreadsheet": Read(
        TWO, "drawing_id;artwork_id;pair;;\nd1;a1;x;;\n;;;;\nd2;a2;no;;\n;;;;\n", "semicolons"
    ),
    "commas in a header of semicolons": Read(
        TWO, 'drawing_id;artwork_id;pair;size, cm\nd1;a1;yes;"1,5"\nd2;a2;no;\n', "semicolons"
    ),
    "zeros kept by a formula": Read(
        drawings("007", "7"),
        'drawing_id,artwork_id,pair\n"=""007""",a1,true\n7,a2,false\n',
        '1 cell is a formula of a text (="…"), read as the text',
        (("007", "a1", True), ("7", "a2", False)),
    ),
    "zeros kept by an apostrophe": Read(
        drawings("007", "-12"),
        pairs("'007", "'-12"),
        "drawing_id: 1 with an apostrophe (\"'007\" is '007')",
        (("007", "a1", True), ("-12", "a2", False)),
    ),
    "paths of Windows": Read(
        TWO, pairs("C:\\scans\\d1.TIF", "scans\\d2.jpg"), "drawing_id: 2 with a folder"
    ),
    "paths of the table in place of ids": Read(
        drawings("x", "y"),
        pairs("0.png", "./1.png"),
        "drawing_id: 2 as paths ('0.png' is 'x')",
        (("x", "a1", True), ("y", "a2", False)),
    ),
    "full width letters": Read(
        TWO, pairs().replace("drawing_id", "ＤＲＡＷＩＮＧ　ＩＤ"), "is drawing_id"
    ),
    "ids that differ in capitals alone": Read(
        drawings("d1", "D1"),
        pairs("D1.jpg", "d1"),
        "1 with an ending ('D1.jpg' is 'D1')",
        (("D1", "a1", True), ("d1", "a2", False)),
    ),
    "empty lines above": Read(TWO, "\n\n" + pairs()),
}


@pytest.mark.parametrize("case", READ.values(), ids=READ)
def test_what_is_read(tmp_path: Path, case: Read) -> None:
    problems = Problems()
    write(tmp_path, case.drawings, ARTWORKS, case.pairs)
    _, _, found = read_tables(tmp_path, TABLES, problems)
    assert not problems, problems
    rows = zip(found["drawing_id"], found["artwork_id"], found["pair"], strict=True)
    assert tuple(rows) == case.meant
    assert case.said in problems.notes.get(tmp_path / "pairs.csv", "")
    assert bool(case.said) == bool(problems.notes) or "semicolons" in str(problems.notes)


ORIGINAL = " is not in drawings.csv: a spreadsheet "
REFUSED = {
    "zeros": (drawings("007"), pairs("7"), f"'7'{ORIGINAL}took its zeros, it was '007'"),
    "zeros, which is not known": (
        drawings("007", "07"),
        pairs("7"),
        f"'7'{ORIGINAL}took its zeros, it was '007' or '07'",
    ),
    "pandas, floats": (drawings("007"), pairs("7.0"), "took its zeros, it was '007'"),
    "more than 15 digits": (
        drawings("2015140000011234"),
        pairs("2015140000011230"),
        "made a number of it, it was '2015140000011234'",
    ),
    "exponent": (drawings("20151400001"), pairs("2.01514E+10"), "it was '20151400001'"),
    "exponent, German": (
        drawings("201514000001"),
        semicolons(pairs("2_01514E+11")).replace("_", ","),
        "it was '201514000001'",
    ),
    "exponent of an id with an E": (drawings("12E5"), pairs("1.20E+06"), "it was '12E5'"),
    "a range that became a day": (
        drawings("3-5"),
        pairs("5-Mar"),
        "made a date of it, it was '3-5'",
    ),
    "a range, German": (drawings("3-5"), pairs("05. Mrz"), "made a date of it, it was '3-5'"),
    "a number with a slash": (drawings("10/13"), pairs("13-Oct"), "it was '10/13'"),
    "a whole date": (drawings("10-13"), pairs("2024-10-13 00:00:00"), "it was '10-13'"),
    "a name that begins as a month": (drawings("SEPT2"), pairs("2-Sep"), "it was 'SEPT2'"),
    "a month and a year": (drawings("5-1912"), pairs("May-1912"), "it was '5-1912'"),
    "a column too narrow": (drawings("d1"), pairs("#####"), "wrote this in place of the id"),
    "a formula that is none": (drawings("d1"), pairs("#NAME?"), "wrote this in place of the id"),
    "a formula, German": (drawings("d1"), pairs("#WERT!"), "wrote this in place of the id"),
    "one of two": (drawings("ab", "AB"), pairs("Ab"), "it may be 'ab' or 'AB' – write the one"),
    "one of two folders": (
        drawings("Manet/port", "Monet/port"),
        pairs("port.jpg"),
        "it may be 'Manet/port' or 'Monet/port'",
    ),
    "another folder": (drawings("Manet/port"), pairs("Monet/port"), "did you mean Manet/port?"),
    "another ending": (drawings("d1.tif"), pairs("d1.jpg"), "did you mean d1.tif?"),
    "a near id": (drawings("house_12"), pairs("hause_12"), "did you mean house_12?"),
    "UTF-8 with a byte of Windows": (
        drawings("d1"),
        pairs("Müller").encode() + "Dürer,a1,true\n".encode("cp1252"),
        "not UTF-8, and of no other known encoding",
    ),
    "Cyrillic of Windows": (
        drawings("d1"),
        pairs("Петров").encode("cp1251"),
        "not UTF-8, and of no other known encoding",
    ),
    "two separators": (
        drawings("d1"),
        "drawing_id,x;artwork_id\nd1,x,y;a1;z\n",
        "cells may be separated by commas or semicolons",
    ),
    "a column that is near": (
        drawings("d1"),
        pairs().replace("drawing_id", "drawing_ids"),
        "no column drawing_id – did you mean drawing_ids?",
    ),
    "no word for true": (drawings("d1", "d2"), pairs(yes="maybe"), "pair is 'maybe'"),
}


@pytest.mark.parametrize(("listed", "told", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_what_it_was(
    tmp_path: Path, listed: str, told: str | bytes, said: str
) -> None:
    problems = Problems()
    read_tables(write(tmp_path, listed, ARTWORKS, told), TABLES, problems)
    lines = [line for line in map(str, problems) if line.startswith("pairs.csv")]
    assert any(said in line for line in lines), lines
    assert all("\n" not in line for line in lines)


def test_cells_that_a_spreadsheet_changed_are_said(tmp_path: Path) -> None:
    """Ages that became dates, ids that became numbers, cells that were too wide."""
    rows = "2.01514E+11,201514000001.png,13-Oct,#####\nd2,2.png,09-Jun,1912\nd3,3.png,14-17,\n"
    write(tmp_path, "id,path,age_group,year\n" + rows, ARTWORKS, None)
    problems = Problems()
    collection = Collection(tmp_path, *read_tables(tmp_path, TABLES[:2], problems))
    said = problems.notes[tmp_path / "drawings.csv"]
    assert "age_group: a spreadsheet made dates of 2 cells: '13-Oct' was '10-13'" in said
    assert "'09-Jun' was '6-9'" in said
    assert "e.g. '2.01514E+11' a spreadsheet made a number of it, it was '201514000001'" in said
    assert "year: 1 is a spreadsheet's, e.g. '#####'" in said
    assert collection.drawings["age_group"].tolist() == ["13-Oct", "09-Jun", "14-17"]
