"""What a file is stands in its first bytes: each format is recognised, and nothing else is."""

from __future__ import annotations

import io
import re
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drawsim.pixels import formats
from drawsim.pixels.formats import FORMATS, HEAD, Format, other_kind, recognise


def written(pillow: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, pillow, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.name)
def test_what_pillow_writes_is_recognised(format_: Format) -> None:
    if format_.module:
        module = import_module(format_.module)
        getattr(module, "register_heif_opener", lambda: None)()
    assert recognise(written(format_.pillow)[:HEAD]) is format_


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"MM\0*", formats.TIFF),
        (b"MM\0+\0\x08\0\0", formats.TIFF),
        (b"II+\0\x08\0\0\0", formats.TIFF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", formats.AVIF),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", formats.HEIC),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
        (b"\xff\x0a\x00", formats.JPEG_XL),
        (b"\xff\x4f\xff\x51\0", formats.JPEG2000),
        (b"P5\n4 4\n255\n", formats.NETPBM),
        (b"Painters of the north", None),
        (b"P", None),
        (b"BMW and other cars, a list", None),
        (b"", None),
    ],
)
def test_beginnings(head: bytes, expected: Format | None) -> None:
    assert recognise(head) is expected


@pytest.mark.parametrize("pillow", ["EPS", "PDF", "ICNS", "ICO", "TGA", "PCX", "SGI"])
def test_what_is_not_read(pillow: str) -> None:
    """Pillow opens all of these but PDF, whatever their ending."""
    assert recognise(written(pillow)[:HEAD]) is None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\xef\xbb\xbf\n <svg xmlns=", "SVG, XML or HTML"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw file"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", "a film"),
        (b"PK\3\4\n", "a zip archive"),
        (b"id,path", None),
    ],
)
def test_other_kinds_have_names(head: bytes, expected: str | None) -> None:
    assert recognise(head) is None
    assert other_kind(head) == expected


@given(st.binary(max_size=HEAD))
def test_nothing_is_too_odd_to_look_at(head: bytes) -> None:
    assert recognise(head) is None or other_kind(head) is None


def test_endings_belong_to_one_format() -> None:
    endings = [ending for format_ in FORMATS for ending in format_.endings]
    assert len(endings) == len(set(endings)) == len(formats.ENDINGS)


def test_a_library_that_is_absent_is_named_by_its_extra() -> None:
    absent = Format("HEIC", (".heic",), "HEIF", module="no_such_module", extra="heic")
    assert not absent.installed
    assert absent.lacks == "pip install 'drawsim[heic]' reads it"


def test_the_extras_are_those_of_the_project() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    for format_ in FORMATS:
        assert not format_.extra or re.search(rf"^{format_.extra} = \[", project, re.MULTILINE)


def test_the_shared_cases(shared_cases: Path) -> None:
    found = {
        file.name: recognise(file.read_bytes()[:HEAD])
        for file in (shared_cases / "images").iterdir()
    }
    by_ending = {file: next(f for f in FORMATS if Path(file).suffix in f.endings) for file in found}
    assert found == by_ending
    assert all(f.installed for f in found.values() if f)
