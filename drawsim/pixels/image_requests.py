"""What a viewer asks for of an image: its region, size, rotation, quality and format.

Source: IIIF Image API 3.0 (5 June 2020), sections 4.1 to 4.5 and 4.7; what is taken is level 2 of
"Compliance", with mirrored and bitonal images.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from drawsim.common.errors import UserError, brief
from drawsim.pixels.rendering import QUALITY, rendered

LARGEST = 4096
"""Pixels of a side that are sent at most (`maxWidth`, `maxHeight`)."""
FORMATS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
KNOWN_FORMATS = ("tif", "gif", "jp2", "pdf")
"""Those of the specification that are not made."""
QUALITIES = ("default", "color", "gray", "bitonal")
EXTRA_FEATURES = ("mirroring",)
"""What is done beyond level 2."""
_INTEGER = r"(\d{1,9})"
_NUMBER = r"(\d{1,9}(?:\.\d{1,9})?)"
_PIXELS = re.compile(",".join([_INTEGER] * 4), re.ASCII)
_PERCENT = re.compile("pct:" + ",".join([_NUMBER] * 4), re.ASCII)
_SIZE = re.compile(rf"(!?){_INTEGER}?,{_INTEGER}?", re.ASCII)
_SIZE_PERCENT = re.compile(rf"pct:{_NUMBER}", re.ASCII)
_TURN = re.compile(rf"(!?){_NUMBER}", re.ASCII)


class BadRequestError(UserError):
    """What is asked for cannot be. unsupported: others may do it, this is not made here."""

    def __init__(self, text: str, *, unsupported: bool = False) -> None:
        super().__init__(text)
        self.unsupported = unsupported


@dataclass(frozen=True)
class ImageRequest:
    """A part of an image, in its pixels, and what is to be made of it.

    region: x, y, width, height, within the image. size: width and height before it is turned.
    turn: degrees clockwise, 0, 90, 180 or 270; mirrored: before that.
    """

    region: tuple[int, int, int, int]
    size: tuple[int, int]
    turn: int = 0
    mirrored: bool = False
    quality: str = "default"
    format: str = "jpg"

    @property
    def media_type(self) -> str:
        """Of what is made."""
        return FORMATS[self.format]

    @property
    def canonical(self) -> str:
        """The same for all that would make the same."""
        region, size = (",".join(map(str, each)) for each in (self.region, self.size))
        turn = f"{'!' if self.mirrored else ''}{self.turn}"
        return f"{region}/{size}/{turn}/{self.quality}.{self.format}"


Asked = tuple[str, str, str, str, str]
"""Region, size, rotation, quality and format, as an address has them."""


def parse_request(asked: Asked, width: int, height: int) -> ImageRequest:
    """What the parts of an address ask for, of an image of width x height pixels.

    Raises BadRequestError for what the specification does not know, for regions outside of the
    image, sizes that are none or larger than the region, and what is not made.
    """
    region, size, rotation, quality, format_ = asked
    box = _region(region, width, height)
    turn, mirrored = _turn(rotation)
    if quality not in QUALITIES:
        raise BadRequestError(f"quality {brief(quality)}: one of {', '.join(QUALITIES)}")
    if format_ not in FORMATS:
        known = f"format {brief(format_)}: one of {', '.join(FORMATS)}"
        raise BadRequestError(known, unsupported=format_ in KNOWN_FORMATS)
    return ImageRequest(box, _size(size, box[2], box[3]), turn, mirrored, quality, format_)


def made(request: ImageRequest, pixels: np.ndarray, whole: tuple[int, int]) -> bytes:
    """The bytes of what is asked for.

    pixels: (height, width, 3) uint8 RGB, which may be fewer than the image has; whole: its width
    and height.
    """
    image = rendered(pixels, whole, request.region, request.size)
    if request.mirrored:
        image = ImageOps.mirror(image)
    if request.turn:
        turns = {
            90: Image.Transpose.ROTATE_270,
            180: Image.Transpose.ROTATE_180,
            270: Image.Transpose.ROTATE_90,
        }
        image = image.transpose(turns[request.turn])
    if request.quality == "gray":
        image = image.convert("L")
    elif request.quality == "bitonal":
        image = image.convert("1", dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    if request.format == "png":
        image.save(buffer, "PNG", compress_level=3)
    else:
        kind = "JPEG" if request.format == "jpg" else "WEBP"
        (image.convert("L") if image.mode == "1" else image).save(buffer, kind, quality=QUALITY)
    return buffer.getvalue()


def _region(text: str, width: int, height: int) -> tuple[int, int, int, int]:
    if text == "full":
        return 0, 0, width, height
    if text == "square":
        side = min(width, height)
        return (width - side) // 2, (height - side) // 2, side, side
    if found := _PIXELS.fullmatch(text):
        x, y, wide, high = map(int, found.groups())
        right, bottom = x + wide, y + high
    elif found := _PERCENT.fullmatch(text):
        shares = [float(each) / 100 for each in found.groups()]
        x, y = round(shares[0] * width), round(shares[1] * height)
        right = round((shares[0] + shares[2]) * width)
        bottom = round((shares[1] + shares[3]) * height)
        if shares[2] and shares[3]:  # a region that is so small is a pixel
            right, bottom = max(right, x + 1), max(bottom, y + 1)
    else:
        raise BadRequestError(f"region {brief(text)}: full, square, x,y,w,h or pct:x,y,w,h")
    right, bottom = min(right, width), min(bottom, height)
    if right <= x or bottom <= y:
        raise BadRequestError(f"region {brief(text)}: nothing of the image is in it")
    return x, y, right - x, bottom - y


def _size(text: str, width: int, height: int) -> tuple[int, int]:
    """The size of a region of width x height."""
    if text.startswith("^") and text != "^max":
        raise BadRequestError(f"size {brief(text)}: nothing is made larger", unsupported=True)
    most = min(1.0, LARGEST / max(width, height))
    if text in ("max", "^max"):
        return _scaled(width, most), _scaled(height, most)
    if found := _SIZE_PERCENT.fullmatch(text):
        share = float(found[1]) / 100
        wide, high = round(share * width), round(share * height)
    elif (found := _SIZE.fullmatch(text)) and (found[2] or found[3]):
        within, given_wide, given_high = found[1], found[2], found[3]
        if within:
            if not (given_wide and given_high):
                raise BadRequestError(f"size {brief(text)}: !w,h")
            scale = min(int(given_wide) / width, int(given_high) / height, most)
            if not int(given_wide) or not int(given_high):
                raise BadRequestError(f"size {brief(text)}: no pixel would be left")
            wide, high = _scaled(width, scale), _scaled(height, scale)
        elif given_wide and given_high:
            wide, high = int(given_wide), int(given_high)
        elif given_wide:
            wide = int(given_wide)
            high = round(height * wide / width) or min(wide, 1)
        else:
            high = int(given_high)
            wide = round(width * high / height) or min(high, 1)
    else:
        raise BadRequestError(f"size {brief(text)}: max, w,h w, ,h pct:n or !w,h")
    if wide < 1 or high < 1:
        raise BadRequestError(f"size {brief(text)}: no pixel would be left")
    if wide > width or high > height:
        raise BadRequestError(f"size {brief(text)}: larger than the region, {width} x {height}")
    if max(wide, high) > LARGEST:
        raise BadRequestError(f"size {brief(text)}: at most {LARGEST} pixels wide and high")
    return wide, high


def _turn(text: str) -> tuple[int, bool]:
    found = _TURN.fullmatch(text)
    if not found or not 0 <= float(found[2]) <= 360:
        raise BadRequestError(f"rotation {brief(text)}: 0, 90, 180 or 270, after ! if mirrored")
    degrees = float(found[2]) % 360
    if degrees % 90:
        raise BadRequestError(f"rotation {brief(text)}: quarter turns alone", unsupported=True)
    return int(degrees), bool(found[1])


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))
