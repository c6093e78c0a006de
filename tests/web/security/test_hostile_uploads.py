"""Pictures that attack whoever opens them."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image


def chunk(sort: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(sort + data))
    return struct.pack(">I", len(data)) + sort + data + check


def png(width: int, height: int, data: bytes, *more: bytes) -> bytes:
    """A PNG, gray with 1 bit, of any size that its header may say."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(data, 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def saved(sort: str, size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, sort)
    return buffer.getvalue()


def postscript(marker: bytes) -> bytes:
    """An EPS in DOS's frame, whose length is chosen so that it reads like another sort's mark."""
    text = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    frame = struct.pack("<II", 0xC6D3D0C5, 32) + marker
    return frame + b"\0" * (32 - len(frame)) + text


MALICIOUS = {
    "bomb": png(30_000, 30_000, b"\0" * (30_000 // 8 + 1) * 30_000),
    "bomb of one line": png(1_000_000, 1_000, b"\0"),
    "no pixels": png(0, 0, b""),
    "negative": png(2**31 - 1, 2**31 - 1, b""),
    "bomb of text": png(8, 8, b"\0" * 16, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 10**8))),
    "postscript": postscript(b"WEBP"),
    "svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "gif that is a script": b"GIF89a/*" + b" " * 20 + b"*/=1;alert(1)",
    "gif bomb": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b"\x2c" + b"\0" * 9,
    "jpeg cut short": saved("JPEG", (400, 300))[:200],
    "bmp of nothing": b"BM" + b"\xff" * 60,
    "tiff of loops": b"II*\0\x08\0\0\0\xff\xff" + b"\x08\0\0\0" * 200,
    "webp of nothing": b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 40,
    "zip": b"PK\x03\x04" + b"\0" * 60,
    "pdf": b"%PDF-1.4\n",
}


NO_PICTURES = {"bmp of nothing", "postscript", "svg", "html", "zip", "pdf"}
"""What no decoder may look at: PostScript, say, is a program, which Ghostscript would run."""


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("name", MALICIOUS)
def test_malicious_pictures_are_refused(local: TestClient, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    files = {"file": ("innocent.png", MALICIOUS[name], "image/png")}
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert answer.status_code == 422, answer.text[:300]
    assert list(answer.json()) == ["error"]
    assert ("the file is no picture" in answer.text) == (name in NO_PICTURES)
    assert "/tmp" not in answer.text
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000  # kB; the pixels of the bombs would take at least 900 MB


@pytest.mark.parametrize("sort", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_what_is_refused_for_looking_like_it_is_taken_if_it_is_one(
    local: TestClient, sort: str
) -> None:
    files = {"file": ("x", saved(sort))}
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert answer.status_code == 200


def test_uploads_leave_nothing_behind(
    local: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    for content in (saved("PNG", (900, 900)), MALICIOUS["html"], b"\0" * 3_000_000):
        for name in ("../../../planted.html", "C:\\planted.html", "\0", "x" * 5000):
            files = {"file": (name, content, "text/html")}
            local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert list(place.iterdir()) == []
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
