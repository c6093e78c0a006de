"""A table is the same in whatever separators, encoding and line ends it is written."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.csv_files import read_csv
from drawsim.collection.encodings import Decoded, decode
from drawsim.collection.problems import Problems
from drawsim.collection.spreadsheets import unguard
from drawsim.collection.truth import FALSE_WORDS, TRUE_WORDS
from drawsim.collection.years import year_of

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from('",;|\t\n '),
    max_size=8,
).map(lambda text: unguard(text.removeprefix("=")))
rows = st.lists(st.tuples(st.integers(0, 10**6).map("n{}".format), texts), min_size=1, max_size=6)


@given(
    rows=rows,
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    ends=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    told=st.booleans(),
    names=st.sampled_from([("id", "note"), ("ID", "note"), (" Id ", "note")]),
)
def test_any_dialect(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    separator: str,
    encoding: str,
    ends: str,
    quoting: int,
    told: bool,
    names: tuple[str, str],
) -> None:
    text = io.StringIO(newline="")
    if told:
        text.write(f"sep={separator}{ends}")
    writer = csv.writer(text, delimiter=separator, lineterminator=ends, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([names, *rows])
    path = tmp_path_factory.mktemp("dialect") / "t.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    problems = Problems()
    table = read_csv(path, ("id", "note"), problems)
    assert not problems, problems
    assert list(zip(table["id"], table["note"], strict=True)) == rows
    plain = separator == "," and encoding.startswith("utf-8") and not told and names[0] == "id"
    assert plain == (not problems.notes)


names = ("Dürer", "Hélène", "Malmö", "São João", "Øystein", "l’art d’été", "Größe", "Núñez")


@given(
    st.lists(st.sampled_from(names), min_size=1),
    st.sampled_from(["cp1252", "mac_roman", "cp850"]),
)
def test_an_older_encoding_is_never_taken_for_another(words: list[str], encoding: str) -> None:
    """It may be refused; what is read is what was written."""
    text = "id,artist\n" + "".join(f"{n},{word}\n" for n, word in enumerate(words))
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        return
    found = decode(data)
    assert not isinstance(found, Decoded) or found.text == text


def test_tables_of_many_names_are_read_in_either_encoding() -> None:
    text = "id,artist\n" + "\n".join(names)
    for encoding in ("cp1252", "mac_roman"):
        assert decode(text.encode(encoding)) == Decoded(
            text, {"cp1252": "Windows-1252", "mac_roman": "Mac Roman"}[encoding]
        )


def test_words_for_true_and_false_are_told_apart() -> None:
    assert not TRUE_WORDS & FALSE_WORDS
    assert all(word == word.casefold() for word in TRUE_WORDS | FALSE_WORDS)


@pytest.mark.parametrize(
    ("cell", "year"),
    [
        ("1889", 1889),
        ("[ca. 1889?]", 1889),
        ("c.1889", 1889),
        ("1889/90", 1889),
        ("1912–1913", 1912),
        ("between 1880 and 1890", 1880),
        ("5 March 1912", 1912),
        ("05.03.1912", 1912),
        ("early 19th century", 1800),
        ("19. Jahrhundert", 1800),
        ("sec. XIX", 1800),
        ("20e eeuw", 1900),
        ("1st century", 1),
        ("3rd century B.C.", -300),
        ("ca. 450 BC", -450),
        ("10-13", None),
        ("n.d.", None),
        ("MCMXII", None),
    ],
)
def test_years(cell: str, year: int | None) -> None:
    """Centuries as ISO 8601 counts them, spans by their first year."""
    assert year_of(cell) == year


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_wide_header_is_read(tmp_path: Path, separator: str) -> None:
    names = ["id", *(f"{n}".rjust(100, "c") for n in range(1_500))]  # 150 kB, all one cell by "|"
    rows = [names, ["a", *("1" for _ in names[1:])]]
    (tmp_path / "t.csv").write_text("\n".join(map(separator.join, rows)))
    problems = Problems()
    table = read_csv(tmp_path / "t.csv", ("id",), problems)
    assert not problems
    assert table.shape == (1, 1_501)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('id,"' + "a" * 200_000 + "\n1,2\n", "the name of a column has more than 131,072"),
        ("id," + "a," * 1_000_000 + "b\n1\n", "the header has more than 2,000,000 characters"),
        ("id" + "," * 20_000 + "\n1\n", "it has 20,001 columns, more than 16,384"),
    ],
)
def test_a_header_has_bounds(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    problems = Problems()
    read_csv(tmp_path / "t.csv", ("id",), problems)
    assert what in problems[0].what


def test_a_large_cell_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,note\n1," + "a" * 2_100_000 + "\n")
    problems = Problems()
    table = read_csv(tmp_path / "t.csv", ("id",), problems)
    assert not problems
    assert len(str(table.at[2, "note"])) == 2_100_000
