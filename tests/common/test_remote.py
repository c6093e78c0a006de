"""Addresses of files, and where their copies lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.common.remote import (
    copies,
    copy_of,
    folder_of,
    is_below,
    is_remote,
    located,
    named,
    url_of,
    why_none,
)

PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\?#\x7f", exclude_categories=["Cc", "Cs"]),
    min_size=1,
    max_size=20,
)


@given(st.sampled_from(["https://Museum.example:8443", "s3://bucket"]), st.lists(PARTS, min_size=1))
def test_a_copy_says_which_file_it_is_of(host: str, parts: list[str]) -> None:
    url = "/".join([host, *parts])
    if why_none(url) is not None:
        return
    path = copy_of(url)
    assert copies() in path.parents
    assert ".." not in path.parts
    assert url_of(path) == named(path) == url.replace("Museum", "museum")
    assert located(named(path)) == path


@pytest.mark.parametrize(
    "url",
    [
        *("http://h/a.png", "ftp://h/a.png", "file:///etc/passwd", "https:///a.png", "https://h"),
        *("https://h/", "https://u@h/a.png", "https://u:p@h/a.png", "https://h/a.png#x"),
        *(
            "https://h/../a.png",
            "https://h/a/%2e%2e/b.png",
            "https://h/a%2fb.png",
            "https://h/a\\b",
        ),
        *("s3://b/a.png?x", "https://h:port/a.png", "https://[h/a.png", "https://h/\n.png"),
        *("https://h..h/a.png", "https://" + "a" * 64 + "/a.png", "https://h:99999/a.png"),
        *("https://h/" + "a" * 181, "https://h/" + "a/" * 1000 + "b"),
    ],
)
def test_what_is_no_address(url: str, tmp_path: Path) -> None:
    assert is_remote(url)
    assert why_none(url)
    with pytest.raises(UserError) as told:
        located(url, tmp_path)
    assert "\n" not in str(told.value)


def test_two_addresses_have_two_copies() -> None:
    urls = ["https://h/a.png", "https://h/A.png", "https://h/a.png?x=1", "https://h/a.png/b.png"]
    paths = [copy_of(url) for url in urls]
    assert len({str(path).lower() for path in paths}) == 4
    assert not any(path in other.parents for path in paths for other in paths)


@pytest.mark.parametrize("name", ["x.png", "0123456789abcdef-x.png", "-"])
def test_what_lies_among_copies_and_is_none(name: str) -> None:
    assert url_of(copies() / "https" / "h" / name) is None


def test_what_is_below_a_folder() -> None:
    root = folder_of("https://Museum.example/images")
    assert root == folder_of("https://museum.example/images/") == "https://museum.example/images/"
    assert is_below("https://MUSEUM.example/images/a/b.png", root)
    for other in (
        "https://museum.example/imagesX/a.png",
        "https://museum.example.evil/images/a.png",
    ):
        assert not is_below(other, root)
    assert not is_below("s3://museum.example/images/a.png", root)
    assert not is_below("https://museum.example:444/images/a.png", root)
