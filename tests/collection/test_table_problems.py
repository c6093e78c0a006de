"""What is wrong with tables: every problem at once, with its row and its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawsim.collection.problems import Problem, Problems, raise_problems
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.common.opening import CannotOpenError
from tests.collection.written import ARTWORKS, DRAWINGS, PAIRS, complaint, write


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: no such folder.*data\.root"):
        Collection.open(tmp_path / "nowhere")


def test_every_missing_file_is_named_with_its_columns(tmp_path: Path) -> None:
    assert complaint(write(tmp_path, None, None, None)) == [
        "drawings.csv: missing – it must have the columns id, path",
        "artworks.csv: missing – it must have the columns id, path",
        "pairs.csv: missing – it must have the columns drawing_id, artwork_id, pair",
    ]


def test_a_spreadsheet_in_the_place_of_a_table_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path, pairs=None)
    (folder / "Pairs.XLSX").write_bytes(b"PK")
    (folder / "notes.ods").write_bytes(b"PK")
    said = "is a spreadsheet, which is not read; save it as CSV UTF-8 from there"
    assert complaint(folder) == [f"pairs.csv: missing – Pairs.XLSX beside it {said}"]
    with caplog.at_level("INFO"):
        Collection.open(folder, tables=("drawings", "artworks"))
    assert [record.message for record in caplog.records] == [f"{folder / 'Pairs.XLSX'}: {said}"]


def test_a_missing_file_does_not_make_every_pair_wrong(tmp_path: Path) -> None:
    assert complaint(write(tmp_path, artworks=None)) == [
        "artworks.csv: missing – it must have the columns id, path"
    ]


def test_a_missing_column(tmp_path: Path) -> None:
    [line] = complaint(write(tmp_path, artworks="id,file\na0,a0.png\na1,a1.png\n"))
    assert line == "artworks.csv, row 1: no column path – found id, file"


def test_an_encoding_that_cannot_be_told_is_named_with_its_row(tmp_path: Path) -> None:
    rows = "".join(f"x{i},x{i}.png\n" for i in range(50_000))  # past any block of a reader
    text = f"id,path\n{rows}Kšnig,d.png\n"  # or König, on a Macintosh
    [line] = complaint(write(tmp_path, artworks=text.encode("cp1252"), pairs=PAIRS[:27]))
    assert line.startswith("artworks.csv, row 50002: not UTF-8: reads 'Kšnig' (Windows-1252) or ")
    assert line.endswith("'König' (Mac Roman) – save it as CSV UTF-8")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "artworks.csv: not a CSV table"),
        ("id,path\n", "artworks.csv: no rows"),
        ('id,path\na0,"a0.png\na1,a1.png\n', "artworks.csv: not a CSV table"),
        ("id,path\na0,a0.png\na1,a1.png,x\n", "artworks.csv: not a CSV table"),
        ("id,path\na0,a0.png,x\na1,a1.png,x\n", "artworks.csv, row 2: more cells than the header"),
    ],
    ids=["nothing", "header", "open quote", "long row", "long rows"],
)
def test_what_is_no_table(tmp_path: Path, text: str, what: str) -> None:
    [line] = complaint(write(tmp_path, artworks=text))
    assert line.startswith(what)


def test_a_folder_in_place_of_a_table(tmp_path: Path) -> None:
    (write(tmp_path, artworks=None) / "artworks.csv").mkdir()
    [line] = complaint(tmp_path)
    assert line.startswith("artworks.csv: is a folder")


def test_a_table_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _: int) -> bytes:
        raise CannotOpenError(path, "may not be read (permission denied)")

    monkeypatch.setattr("drawsim.collection.csv_files.read_regular", refuse)
    lines = complaint(write(tmp_path))
    assert lines[0].startswith("drawings.csv: may not be read (permission denied) – check")
    assert len(lines) == 3


def test_empty_cells_count_from_the_header_and_past_blank_rows(tmp_path: Path) -> None:
    text = "id,path,title\na0,a0.png,x\n\n,,\n,a1.png,x\na2,  ,x\na3\na1,a1.png,x\n"
    assert complaint(write(tmp_path, artworks=text)) == [
        "artworks.csv, row 5: empty id – fill it in",
        "artworks.csv, row 6: empty path – fill it in",
        "artworks.csv, row 7: empty path – fill it in",
    ]


def test_duplicate_ids(tmp_path: Path) -> None:
    text = ARTWORKS + "a0,other.png\na0,third.png\nA0,a0.png\n"
    assert complaint(write(tmp_path, artworks=text)) == [
        "artworks.csv, row 4: duplicate id 'a0' (first in row 2) – keep one of the two",
        "artworks.csv, row 5: duplicate id 'a0' (first in row 2) – keep one of the two",
    ]


def test_pairs_with_unknown_ids(tmp_path: Path) -> None:
    assert complaint(write(tmp_path, pairs=PAIRS + "a0,d0,true\n")) == [
        "pairs.csv, row 4: drawing_id 'a0' is not in drawings.csv – add it there or correct the id",
        "pairs.csv, row 4: artwork_id 'd0' is not in artworks.csv – add it there or correct the id",
    ]


def test_pair_words_that_are_neither(tmp_path: Path) -> None:
    assert complaint(write(tmp_path, pairs=PAIRS + "d0,a1,maybe\nd1,a0,\n")) == [
        "pairs.csv, row 4: pair is 'maybe' – write true or false",
        "pairs.csv, row 5: pair is '' – write true or false",
    ]


def test_a_pair_both_true_and_false(tmp_path: Path) -> None:
    assert complaint(write(tmp_path, pairs=PAIRS + "d0,a0,false\n")) == [
        "pairs.csv, row 2: 'd0' with 'a0' is both true and false – keep one decision",
        "pairs.csv, row 4: 'd0' with 'a0' is both true and false – keep one decision",
    ]


def test_problems_of_all_tables_come_together(tmp_path: Path) -> None:
    lines = complaint(
        write(
            tmp_path,
            drawings=DRAWINGS + "d0,again.png\n",
            artworks=ARTWORKS + ",a.png\n",
            pairs=PAIRS + "d9,a0,true\n",
        )
    )
    assert [line.split(":")[0] for line in lines] == [
        "drawings.csv, row 4",
        "artworks.csv, row 4",
        "pairs.csv, row 4",
    ]


def test_many_problems_are_counted_and_the_first_shown() -> None:
    problems = [Problem("a.csv", row, "wrong", "mend it") for row in range(2, 2 + 25)]
    with pytest.raises(UserError, match="heading: 25 problems") as error:
        raise_problems("heading", problems)
    lines = str(error.value).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[1].strip() == "a.csv, row 2: wrong – mend it"
    assert lines[-1].strip() == "… and 5 more"


def test_no_problem_no_error() -> None:
    raise_problems("heading", [])
    with pytest.raises(UserError, match="heading: 1 problem\n"):
        raise_problems("heading", [Problem("a.csv", None, "wrong", "mend it")])


def test_a_note_on_a_table_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Though it is read again, by another address, and something more is found then."""
    caplog.set_level("INFO", logger="drawsim")
    once, again = Problems(), Problems()
    once.note(tmp_path / "a.csv", "read with semicolons")
    raise_problems("", once)
    (tmp_path / "b").mkdir()
    for what in ("read with semicolons", "3 years"):
        again.note(tmp_path / "b" / ".." / "a.csv", what)
    raise_problems("", again)
    said = [message.partition("a.csv: ")[2] for message in caplog.messages]
    assert said == ["read with semicolons", "3 years"]
