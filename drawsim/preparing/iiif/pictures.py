"""The image files of canvases: each asked for at the size that is needed, once."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from drawsim.collection.csv_files import read_csv
from drawsim.collection.ids import without_image_ending
from drawsim.collection.problems import Problems
from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.common.opening import is_there
from drawsim.common.words import counted
from drawsim.pixels.decode import ImageReadError, read_image
from drawsim.pixels.formats import HEAD, JPEG, other_kind, recognise
from drawsim.preparing.fetching.fetcher import Fetcher, FetchError
from drawsim.preparing.iiif.canvases import Painted
from drawsim.preparing.iiif.images import Asked, Box, ImageInfo, image_url, read_info
from drawsim.preparing.rewriting import RECORDS

INFO = 4 << 20
"""Bytes of an info.json; those of real images have a few thousand."""
IMAGES = "image/jpeg, image/png, image/tiff;q=0.5, image/*;q=0.3"
SMALL = 64
"""Pixels at which a file is decoded, to see that it is whole."""


@dataclass(frozen=True)
class Wanted:
    """A picture to fetch.

    key: what it is known by at another run. name: of its file, without ending, below the folder of
    the kind.
    """

    key: str
    name: str
    picture: Painted


@dataclass(frozen=True)
class Pictures:
    """What fetching came to. paths: of files by name. failed: name -> address and reason."""

    paths: dict[str, str]
    failed: dict[str, tuple[str, str]]
    fetched: int
    there: int

    def check_some(self, source: object) -> None:
        """Raise UserError if not one could be had. source: who names them."""
        if not self.paths:
            url, reason = next(iter(self.failed.values()))
            images = counted(len(self.failed), "image")
            raise UserError(f"{source}: none of {images} can be had, e.g. {url}: {reason}")

    @property
    def rows_of_failed(self) -> list[tuple[str, str, str]]:
        """Name, address and reason of what could not be had."""
        return [(name, *why) for name, why in sorted(self.failed.items())]

    def enter(self, summary: Summary) -> None:
        """Enter in the account of a step how many were fetched, now and before."""
        summary.made["images fetched"] = self.fetched
        if self.there:
            summary.skipped["images fetched before"] = self.there


def check_size(size: int) -> None:
    """Raise UserError for pixels of a side that nobody means."""
    if not 16 <= size <= 20_000:
        raise UserError(f"step.size={size}: must be 16 to 20000 pixels")


class Made:
    """Which files of a collection were fetched, and for what; may be used by several threads.

    root: the collection's folder. paths: by key, of files that are there.
    """

    def __init__(self, root: Path) -> None:
        self._file = root / RECORDS / "images.csv"
        self._lock = threading.Lock()
        self.paths: dict[str, str] = {}
        if self._file.is_file():
            table = read_csv(self._file, ("key", "path"), Problems())
            for key, path in zip(table["key"], table["path"], strict=True):
                if is_there(root / path):
                    self.paths[key] = path

    def add(self, key: str, path: str) -> None:
        """Note a file that is about to be there."""
        with self._lock:
            is_new = not self._file.exists()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("key", "path")] * is_new + [(key, path)])

    def others(self, folder: Path) -> set[str]:
        """Names, less endings, of files in a folder that were not fetched: they are somebody's."""
        own = {path.rpartition("/")[2] for path in self.paths.values()}
        names = [entry.name for entry in os.scandir(folder)] if folder.is_dir() else []
        return {without_image_ending(name) for name in names if name not in own}


def fetch_pictures(
    wanted: Sequence[Wanted],
    root: Path,
    folder: str,
    size: int,
    most: int,
    fetcher: Fetcher,
    workers: int,
    advance: Callable[[], None],
) -> Pictures:
    """Fetch pictures into `root/folder`; those that were fetched before stay as they are.

    size: pixels of the longer side that are asked for. most: bytes of a file. workers: hosts that
    are asked at a time; of each host there is one queue. What was fetched before a Ctrl-C is kept.
    """
    made = Made(root)
    paths = {each.name: made.paths[each.key] for each in wanted if each.key in made.paths}
    for _ in paths:
        advance()
    failed: dict[str, tuple[str, str]] = {}
    hosts: dict[str, list[Wanted]] = defaultdict(list)
    for each in wanted:
        if each.name not in paths:
            hosts[_host(each.picture)].append(each)
    before = len(paths)

    def of_host(some: Iterable[Wanted]) -> None:
        for each in some:
            try:
                paths[each.name] = _fetch(each, root / folder, size, most, fetcher, made)
            except FetchError as error:
                failed[each.name] = error.url, error.reason
            advance()

    with ThreadPoolExecutor(max(1, min(workers, len(hosts)))) as pool:
        jobs: list[Future[None]] = [pool.submit(of_host, some) for some in hosts.values()]
        try:
            wait(jobs)
        except BaseException:
            fetcher.stop()
            for job in jobs:
                job.cancel()
            raise
        for job in jobs:
            job.result()
    return Pictures(paths, failed, len(paths) - before, before)


def _fetch(wanted: Wanted, folder: Path, size: int, most: int, fetcher: Fetcher, made: Made) -> str:
    """Fetch a picture and return its path below the collection. Raises FetchError."""
    picture = wanted.picture
    info = _info(picture, fetcher)
    if info is not None:
        asked = image_url(info, size, picture.region, picture.rotation)
    elif picture.url:
        asked = Asked(picture.url, picture.region is not None, picture.rotation)
    else:
        raise FetchError(_service_id(picture), "has no image and no info.json")
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{hashlib.sha256(wanted.name.encode()).hexdigest()[:16]}.part"
    try:
        with temporary.open("w+b") as file:
            reply = fetcher.download(asked.url, file, most, IMAGES)
        ending = _ending(temporary, asked.url, reply.kind)
        if asked.cut or asked.turn:
            _finish(temporary, asked, picture.region, info)
            ending = JPEG.endings[0]
        path = f"{folder.name}/{wanted.name}{ending}"
        made.add(wanted.key, path)  # first: a file without it would be somebody else's
        temporary.replace(folder.parent / path)
        return path
    finally:
        temporary.unlink(missing_ok=True)


def _info(picture: Painted, fetcher: Fetcher) -> ImageInfo | None:
    """What the service says of its image; None where there is no service, or it says nothing.

    Raises FetchError if that cannot be had, and there is no image beside it.
    """
    if picture.service is None:
        return None
    url = f"{picture.service.id}/info.json"
    try:
        _, data = fetcher.get(url, INFO, "application/ld+json, application/json;q=0.9")
        body = json.loads(data)
        info = read_info(body, picture.service) if isinstance(body, dict) else None
    except FetchError:
        if not picture.url:
            raise
        return None
    except (ValueError, RecursionError):
        info = None
    if info is None and not picture.url:
        raise FetchError(url, "is no description of an image (info.json)")
    return info


def _ending(path: Path, url: str, kind: str) -> str:
    """What the file should be called by what it is. Raises FetchError if it is no whole image."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    form = recognise(head)
    if form is None:
        what = other_kind(head) or (f"{kind} was sent" if kind else "something else was sent")
        raise FetchError(url, f"is no image that is read ({what})")
    try:
        read_image(path, min_size=SMALL)
    except ImageReadError as error:
        raise FetchError(url, str(error).removeprefix(f"{path}: ")) from None
    return form.endings[0]


def _finish(path: Path, asked: Asked, region: Box | None, info: ImageInfo | None) -> None:
    """Cut a region, in pixels of the whole image, out of a file that may be smaller; turn it."""
    from PIL import Image

    pixels = read_image(path)
    if asked.cut and region is not None:
        scale = pixels.shape[1] / info.width if info else 1.0
        x, y, width, height = (round(scale * each) for each in region)
        pixels = pixels[y : y + max(height, 1), x : x + max(width, 1)]
        if not pixels.size:
            raise FetchError(asked.url, f"has no region {','.join(map(str, region))}")
    turned = Image.fromarray(pixels).rotate(-asked.turn, expand=True)
    turned.save(path, "JPEG", quality=95)


def _service_id(picture: Painted) -> str:
    return picture.service.id if picture.service else ""


def _host(picture: Painted) -> str:
    try:
        return urlsplit(_service_id(picture) or picture.url).netloc.lower()
    except ValueError:  # who fetches it says so
        return ""
