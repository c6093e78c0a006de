"""The formats of images that drawsim reads, told by how a file begins and never by its ending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

HEAD = 256
"""Bytes of a file that `recognise` wants to see; fewer if the file has no more."""


@dataclass(frozen=True)
class Format:
    """A format that drawsim reads.

    name: as people know it. endings: what its files are usually called, in small letters; the
    first is the usual one. pillow: the one reader of Pillow that may open it. module, extra: the
    Python module that reads it where Pillow alone does not, and drawsim's extra that brings it.
    feature: of Pillow, that a build may lack.
    """

    name: str
    endings: tuple[str, ...]
    pillow: str
    module: str | None = None
    extra: str | None = None
    feature: Literal["avif", "jpg_2000", "webp"] | None = None

    @property
    def installed(self) -> bool:
        """Whether this Python can read it."""
        return self.lacks is None

    @property
    def lacks(self) -> str | None:
        """What is to be done before it can be read, as the end of a sentence; None: nothing."""
        if self.module and find_spec(self.module) is None:
            return f"pip install 'drawsim[{self.extra}]' reads it"
        if self.feature:
            from PIL import features

            if not features.check(self.feature):
                return "this Pillow was built without it: install one of PyPI's wheels of Pillow"
        return None


JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".jif"), "JPEG")
PNG = Format("PNG", (".png", ".apng"), "PNG")
TIFF = Format("TIFF", (".tif", ".tiff", ".btf", ".tf8"), "TIFF")
WEBP = Format("WebP", (".webp",), "WEBP", feature="webp")
GIF = Format("GIF", (".gif",), "GIF")
BMP = Format("BMP", (".bmp",), "BMP")
NETPBM = Format("Netpbm", (".ppm", ".pgm", ".pbm", ".pnm"), "PPM")
JPEG2000 = Format(
    "JPEG 2000", (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"), "JPEG2000", feature="jpg_2000"
)
AVIF = Format("AVIF", (".avif",), "AVIF", feature="avif")
HEIC = Format("HEIC", (".heic", ".heif", ".hif"), "HEIF", module="pillow_heif", extra="heic")
JPEG_XL = Format("JPEG XL", (".jxl",), "JXL", module="pillow_jxl", extra="jxl")

FORMATS = (JPEG, PNG, TIFF, WEBP, GIF, BMP, NETPBM, JPEG2000, AVIF, HEIC, JPEG_XL)
"""All of them. Pillow knows many more; none of these is ever opened."""
NAMES = ", ".join(format_.name for format_ in FORMATS)
ENDINGS = frozenset(ending for format_ in FORMATS for ending in format_.endings)
"""What images are usually called; only for taking endings off names, and for lists that name files
which are not there."""

_BOX = b"\0\0\0\x0c%b\r\n\x87\n"  # how containers of JPEG 2000 and JPEG XL begin
_BEGINNINGS: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    *((start, TIFF) for start in (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0")),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (_BOX % b"jP  ", JPEG2000),
    (b"\xff\x4f\xff\x51", JPEG2000),
    (_BOX % b"JXL ", JPEG_XL),
    (b"\xff\x0a", JPEG_XL),
)
_HEIC_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_BMP_HEADERS = frozenset((12, 16, 40, 52, 56, 64, 108, 124))


def recognise(head: bytes) -> Format | None:
    """The format of a file by its first bytes, `HEAD` of them or all; None: none that is read.

    >>> recognise(b"\\xff\\xd8\\xff\\xe0").name, recognise(b"%PDF-1.7")
    ('JPEG', None)
    """
    for beginning, format_ in _BEGINNINGS:
        if head.startswith(beginning):
            return format_
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return BMP
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b" \t\r\n#" and len(head) > 2:
        return NETPBM
    brands = _brands(head)
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIC if brands & _HEIC_BRANDS else None


def _brands(head: bytes) -> set[bytes]:
    """The brands that an ISO base media file names (ISO/IEC 14496-12, 4.3)."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


_Test = Callable[[bytes], bool]


def _begins(*beginnings: bytes) -> _Test:
    return lambda head: head.startswith(beginnings)


_OTHERS: tuple[tuple[str, _Test], ...] = (
    ("a PDF document", _begins(b"%PDF")),
    ("PostScript", _begins(b"%!", b"\xc5\xd0\xd3\xc6")),
    ("a Photoshop document", _begins(b"8BPS")),
    ("a FITS file", _begins(b"SIMPLE  =")),
    ("a Macintosh icon", _begins(b"icns")),
    ("a Windows icon", _begins(b"\0\0\1\0")),
    ("an OpenEXR image", _begins(b"v/1\1")),
    ("a Radiance image", _begins(b"#?RADIANCE", b"#?RGBE")),
    ("a DjVu document", _begins(b"AT&TFORM")),
    ("a camera's raw file", _begins(b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS")),
    ("a camera's raw file", lambda head: b"crx " in _brands(head)),
    ("a film", lambda head: head[4:8] == b"ftyp" or head.startswith(b"\x1aE\xdf\xa3")),
    ("a zip archive", _begins(b"PK\3\4", b"PK\5\6")),
    ("an archive", _begins(b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")),
    ("an Office document", _begins(b"\xd0\xcf\x11\xe0")),
    ("SVG, XML or HTML", lambda head: head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"),
)


def other_kind(head: bytes) -> str | None:
    """What a file that `recognise` does not know may be, for a message; None: nobody knows.

    >>> other_kind(b"%PDF-1.7")
    'a PDF document'
    """
    return next((what for what, test in _OTHERS if test(head)), None)
