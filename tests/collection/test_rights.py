"""Rights: what licences are called, whether they let one publish, and what rows say of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.rights import (
    NOTHING,
    SHORT,
    USES,
    Rights,
    licence,
    licence_key,
    rights_in,
    rights_of,
    web_address,
)
from drawsim.collection.tables import Collection

CC = "creativecommons.org/licenses"
ZERO = "creativecommons.org/publicdomain/zero/1.0"
RS = "rightsstatements.org"


@pytest.mark.parametrize(
    ("text", "label", "use"),
    [
        (f"http://{CC}/by/4.0/", "CC BY 4.0", "free"),
        (f"https://{CC}/by-sa/3.0/de/deed.en", "CC BY-SA 3.0 DE", "free"),
        (f"https://{CC}/by-nc-nd/4.0/legalcode.fr", "CC BY-NC-ND 4.0", "conditions"),
        (f"https://www.{CC}/by-nd/2.0", "CC BY-ND 2.0", "conditions"),
        (f"https://{ZERO}/deed.de", "CC0", "free"),
        ("http://creativecommons.org/publicdomain/mark/1.0/", "Public domain", "free"),
        (f"http://{RS}/vocab/InC/1.0/", "In copyright", "no"),
        (f"https://{RS}/page/InC-EDU/1.0/?language=de",
         "In copyright (educational use permitted)", "conditions"),
        (f"https://{RS}/page/NKC/1.0", "No known copyright", "free"),
        (f"https://{RS}/page/NoC-NC/1.0/", "No copyright (non-commercial use only)", "conditions"),
        (f"http://{RS}/vocab/UND/1.0/", "Copyright undetermined", "unknown"),
        ("CC-BY-SA-4.0", "CC BY-SA 4.0", "free"),
        ("cc by", "CC BY", "free"),
        ("CC0 1.0", "CC0", "free"),
        ("Public Domain", "Public domain", "free"),
        ("In Copyright - Educational Use Permitted",
         "In copyright (educational use permitted)", "conditions"),
        ("© Estate of Ada Example", "© Estate of Ada Example", "no"),
        ("Ask the museum", "Ask the museum", "unknown"),
        (f"http://{CC}/by/4.0/; http://{RS}/vocab/InC/1.0/", "CC BY 4.0 and In copyright", "no"),
        (f"http://{CC}.evil.org/by/4.0/", f"http://{CC}.evil.org/by/4.0/", "unknown"),
        ("https://creativecommons.org/share-your-work",
         "https://creativecommons.org/share-your-work", "unknown"),
        ("", "", "unknown"),
    ],
)  # fmt: skip
def test_licences_in_words(text: str, label: str, use: str) -> None:
    assert licence(text) == (label, use)


@given(
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", "www."]),
    st.sampled_from(["by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"]),
    st.sampled_from(["2.0", "3.0", "4.0"]),
    st.sampled_from(["", "/", "/deed.de", "/legalcode"]),
)
def test_a_licence_is_the_same_however_it_is_spelled(
    scheme: str, www: str, kind: str, version: str, end: str
) -> None:
    spelled = f"{scheme}://{www}{CC}/{kind}/{version}{end}"
    assert licence_key(spelled) == licence_key(f"cc-{kind}-{version}")
    free = "nc" not in kind and "nd" not in kind
    assert licence(spelled)[1] == ("free" if free else "conditions")


@given(st.text(max_size=200))
def test_any_text_has_a_short_label_and_a_use(text: str) -> None:
    label, use = licence(text)
    assert len(label) <= SHORT or text.count(";")
    assert use in USES
    address = web_address(text)
    assert address == "" or address.startswith(("http://", "https://"))


def test_what_is_no_address_of_the_web_is_no_link() -> None:
    for text in ("javascript:alert(1)", 'https://a.org/"onclick=', "see https://a.org", "data:,x"):
        assert web_address(text) == ""
    assert web_address("Museum; https://a.org/1") == "https://a.org/1"


def test_a_row_says_what_its_museum_says() -> None:
    row = {
        "rights": f"http://{CC}/by/4.0/",
        "required_statement": "Museum Example",
        "homepage": "https://m.org/1",
        "public_domain": "False",
    }
    found = rights_of(row)
    statement, homepage = "Museum Example", "https://m.org/1"
    assert found == Rights("CC BY 4.0", f"http://{CC}/by/4.0/", statement, homepage, "free")
    assert found.line == "CC BY 4.0, Museum Example"
    assert rights_of({"public_domain": "True"}) == Rights("Public domain", use="free")
    assert rights_of({"public_domain": "False"}).use == "no"
    assert rights_of({"title": "x", "rights": float("nan")}) == NOTHING


def test_a_collection_knows_the_rights_of_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "drawings.csv").write_text("id,path\nd0,d0.png\n")
    (tmp_path / "artworks.csv").write_text(
        f"id,path,rights\na0,a.png,http://{RS}/vocab/InC/1.0/\na1,b.png,\n"
    )
    (tmp_path / "pairs.csv").write_text("drawing_id,artwork_id,pair\n")
    found = rights_in(Collection.open(tmp_path))
    assert {key: rights.label for key, rights in found.items()} == {
        ("artwork", "a0"): "In copyright"
    }
