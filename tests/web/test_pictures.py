"""Pictures by id: their sizes, what is kept, what is refused."""

from __future__ import annotations

import io
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.web import pictures as pictures_module
from drawsim.web.pictures import NoPicture, Pictures, cut
from drawsim.web.thumbnails import ThumbnailFolder


@pytest.fixture
def root(tmp_path: Path, collection_root: Path) -> Path:
    """The small collection to be changed, with a large picture and one that is damaged."""
    root = tmp_path / "collection"
    shutil.copytree(collection_root, root)
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(noise).resize((2000, 1500)).save(root / "drawings" / "d0.png", "JPEG")
    (root / "drawings" / "d1.png").write_bytes(b"no picture")
    (root / "drawings" / "d2.png").unlink()
    return root


@pytest.fixture
def pictures(root: Path, tmp_path: Path) -> Pictures:
    return Pictures(Collection.open(root), ThumbnailFolder(tmp_path / "kept"))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def files(pictures: Pictures) -> list[Path]:
    assert isinstance(pictures.thumbnails, ThumbnailFolder)
    return sorted(file for file in pictures.thumbnails.folder.rglob("*") if file.is_file())


class Nothing:
    """Keeps no picture."""

    def read(self, name: str) -> bytes | None:
        return None

    def write(self, name: str, data: bytes) -> None:
        pass


def test_small_and_large_pictures_fit_their_bounds(pictures: Pictures) -> None:
    small, large = pictures.small("drawing", "d0"), pictures.large("drawing", "d0")
    assert (opened(small.data).format, opened(small.data).size) == ("WEBP", (320, 240))
    assert (opened(large.data).format, opened(large.data).size) == ("JPEG", (1600, 1200))
    assert (small.media_type, large.media_type) == ("image/webp", "image/jpeg")
    assert opened(pictures.small("artwork", "a0").data).size == (50, 40)  # nothing is made larger
    assert small.etag != large.etag


def test_small_pictures_show_the_original(pictures: Pictures, root: Path) -> None:
    small = np.asarray(opened(pictures.small("artwork", "a3").data).convert("RGB"), np.int16)
    original = np.asarray(Image.open(root / "artworks" / "a3.png").convert("RGB"), np.int16)
    assert np.abs(small - original).mean() < 8


def test_small_pictures_are_made_once(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pictures.small("drawing", "d0")
    assert len(files(pictures)) == 1
    monkeypatch.setattr(pictures_module, "read_image", None)  # not to be called again
    assert pictures.small("drawing", "d0") == first


def test_a_changed_file_gets_a_new_picture(pictures: Pictures, root: Path) -> None:
    before = pictures.small("artwork", "a0")
    Image.new("RGB", (30, 30), "blue").save(root / "artworks" / "a0.png")
    os.utime(root / "artworks" / "a0.png", (1, 1))
    after = pictures.small("artwork", "a0")
    assert after.etag != before.etag
    assert opened(after.data).size == (30, 30)


def test_many_threads_make_one_picture(pictures: Pictures) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: pictures.small("drawing", "d0"), range(24)))
    assert len(set(made)) == 1
    assert len(files(pictures)) == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("d1", "the picture of drawing 'd1' cannot be read"),
        ("d2", "the picture of drawing 'd2' is not there"),
        ("a0", "no drawing 'a0' in the collection"),
        ("../artworks/a0", "no drawing"),
        ("drawings/d0.png", "no drawing"),
    ],
)
def test_what_cannot_be_shown_is_said_without_its_path(
    pictures: Pictures, root: Path, name: str, says: str
) -> None:
    for make in (pictures.small, pictures.large):
        with pytest.raises(NoPicture) as caught:
            make("drawing", name)
        assert says in str(caught.value)
        assert str(root) not in str(caught.value)
    assert not files(pictures)


def test_overlays_are_made_once_for_an_index(pictures: Pictures, root: Path) -> None:
    made: list[tuple[Path, Path]] = []

    def make(drawing: Path, artwork: Path) -> Image.Image:
        made.append((drawing, artwork))
        return Image.new("RGB", (70, 30), "green")

    first = pictures.overlay("d0", "a0", "hash", make)
    assert first is not None
    assert opened(first.data).size == (70, 30)
    assert pictures.overlay("d0", "a0", "hash", make) == first
    assert made == [(root / "drawings" / "d0.png", root / "artworks" / "a0.png")]
    other_index = pictures.overlay("d0", "a0", "other", make)
    assert other_index is not None
    assert other_index.etag != first.etag
    assert len(made) == 2


def test_that_there_is_no_common_layout_is_kept_too(pictures: Pictures) -> None:
    calls = []

    def none(drawing: Path, artwork: Path) -> None:
        calls.append(drawing)

    assert pictures.overlay("d0", "a0", "hash", none) is None
    assert pictures.overlay("d0", "a0", "hash", none) is None
    assert len(calls) == 1


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (12, 9), (200, 30, 60)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_uploads_of_common_kinds_are_read(collection: Collection, kind: str) -> None:
    pixels = Pictures(collection, Nothing()).upload(encoded(kind))
    assert pixels.shape == (9, 12, 3)
    assert np.abs(pixels.reshape(-1, 3).mean(axis=0) - (200, 30, 60)).max() < 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",  # would start another program
        encoded("PNG")[:40],
        encoded("JPEG")[:100],
        b"RIFF\0\0\0\0WEBPjunk",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    ],
)
def test_uploads_that_are_no_pictures_are_refused(collection: Collection, data: bytes) -> None:
    with pytest.raises(UserError, match=r"is no picture|cannot be read"):
        Pictures(collection, Nothing()).upload(data)


def test_uploads_of_too_many_pixels_are_refused(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures_module, "UPLOAD_PIXELS", 107)
    with pytest.raises(UserError, match="million pixels") as refused:
        Pictures(collection, Nothing()).upload(encoded("PNG"))
    assert "max_pixels" not in str(refused.value), "whoever is in a browser sets nothing"


def test_uploads_are_refused_for_what_is_so(collection: Collection) -> None:
    with pytest.raises(
        UserError, match=r"cannot be read: it cannot be decoded \(truncated"
    ) as told:
        Pictures(collection, Nothing()).upload(encoded("PNG")[:-40])
    assert "upload" not in str(told.value)


shares = st.floats(0, 1)


@given(shares, shares, shares, shares)
def test_a_region_is_what_the_box_names(x: float, y: float, right: float, bottom: float) -> None:
    pixels = np.arange(12 * 20 * 3, dtype=np.uint8).reshape(12, 20, 3)
    x, right = sorted((x, right))
    y, bottom = sorted((y, bottom))
    region = cut(pixels, (x, y, right - x, bottom - y))
    assert region.shape[0] >= 1
    assert region.shape[1] >= 1
    assert abs(region.shape[1] - (right - x) * 20) <= 1.5
    assert abs(region.shape[0] - (bottom - y) * 12) <= 1.5
    whole = cut(pixels, (0, 0, 1, 1))
    assert (whole == pixels).all()


def test_a_region_begins_where_the_box_does() -> None:
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[5:, 10:] = 255
    assert (cut(pixels, (0.5, 0.5, 0.5, 0.5)) == 255).all()
    assert (cut(pixels, (0, 0, 0.5, 1)) == 0).all()
