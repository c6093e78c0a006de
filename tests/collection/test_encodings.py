"""What a table's bytes are taken for."""

from __future__ import annotations

import pytest

from drawsim.collection.encodings import NotText, decode


@pytest.mark.parametrize("head", [b"PK\x03\x04\x14\0", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"])
def test_a_spreadsheets_own_file_is_called_so(head: bytes) -> None:
    found = decode(head + bytes(100))
    assert isinstance(found, NotText)
    assert (found.what, found.cure) == (
        "is a spreadsheet as its program keeps it",
        "save it as CSV UTF-8",
    )
