"""Names in addresses and on disks: reversible, and nobody else's."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.iiif.names import file_name, named, url_name

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(TEXTS)
def test_a_name_in_an_address_leads_back(text: str) -> None:
    name = url_name(text)
    assert named(name) == text
    assert unquote(name) == name  # whatever decodes it on its way changes nothing
    assert urlsplit(f"http://h/a/{name}/b").path.split("/") == ["", "a", name, "b"]
    assert name not in (".", "..")


@given(TEXTS, TEXTS)
def test_files_have_names_of_their_own(one: str, other: str) -> None:
    if one != other:
        assert file_name(one).casefold() != file_name(other).casefold()
    assert file_name(one, other) != file_name(other, one) or one == other


@given(TEXTS)
def test_a_file_can_have_its_name_anywhere(text: str) -> None:
    name = file_name(text)
    assert name.isascii()
    assert 0 < len(name) <= 64
    assert not set(name) & set('/\\:*?"<>|~% ')
    assert name.strip(".") == name


def test_letters_of_names() -> None:
    assert named("..") is None
    assert named("%2F") is None
    assert named("~2f") is None  # one spelling alone
    assert file_name("A") != file_name("a")
