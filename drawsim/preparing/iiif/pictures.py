"""The image files of canvases: each asked for at the size that is needed, once."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from drawsim.collection.ids import without_image_ending
from drawsim.pixels.decode import ImageReadError, read_image
from drawsim.pixels.formats import HEAD, JPEG, other_kind, recognise
from drawsim.preparing.fetching.fetcher import Fetcher, FetchError
from drawsim.preparing.iiif.canvases import Painted
from drawsim.preparing.iiif.images import Box, ImageInfo, image_url, read_info

INFO = 4 << 20
"""Bytes of an info.json; those of real images have a few thousand."""
IMAGES = "image/jpeg, image/png, image/tiff;q=0.5, image/*;q=0.3"
SMALL = 64
"""Pixels at which a file is decoded, to see that it is whole."""


@dataclass(frozen=True)
class Wanted:
    """A picture to fetch. name: of its file, without ending, below the folder of the kind."""

    name: str
    picture: Painted


@dataclass(frozen=True)
class Pictures:
    """What fetching came to. paths: of files by name. failed: name -> address and reason."""

    paths: dict[str, str]
    failed: dict[str, tuple[str, str]]
    fetched: int
    there: int


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
    """Fetch pictures into `root/folder`; those that are there stay as they are.

    size: pixels of the longer side that are asked for. most: bytes of a file. workers: hosts that
    are asked at a time; of each host there is one queue. What was fetched before a Ctrl-C is kept.
    """
    there = _files(root / folder)
    paths = {each.name: f"{folder}/{there[each.name]}" for each in wanted if each.name in there}
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
                file = _fetch(each, root / folder, size, most, fetcher)
                paths[each.name] = f"{folder}/{file}"
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


def _fetch(wanted: Wanted, folder: Path, size: int, most: int, fetcher: Fetcher) -> str:
    """Fetch a picture and return the name of its file. Raises FetchError."""
    picture = wanted.picture
    info = _info(picture, fetcher)
    cut: Box | None = picture.region
    url = picture.url
    if info is not None:
        url, whole = image_url(info, size, picture.region, picture.rotation)
        cut = picture.region if whole else None
    elif not url:
        raise FetchError(_service_id(picture), "has no image and no info.json")
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{hashlib.sha256(wanted.name.encode()).hexdigest()[:16]}.part"
    try:
        with temporary.open("w+b") as file:
            reply = fetcher.download(url, file, most, IMAGES)
        ending = _ending(temporary, url, reply.kind)
        if cut is not None:
            _cut(temporary, cut, info, url)
            ending = JPEG.endings[0]
        name = f"{wanted.name}{ending}"
        temporary.replace(folder / name)
        return name
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


def _cut(path: Path, region: Box, info: ImageInfo | None, url: str) -> None:
    """Cut a region, in pixels of the whole image, out of a file that may be smaller."""
    from PIL import Image

    pixels = read_image(path)
    scale = pixels.shape[1] / info.width if info else 1.0
    x, y, width, height = (round(scale * each) for each in region)
    part = pixels[y : y + max(height, 1), x : x + max(width, 1)]
    if not part.size:
        raise FetchError(url, f"has no region {','.join(map(str, region))}")
    Image.fromarray(part).save(path, "JPEG", quality=95)


def _files(folder: Path) -> dict[str, str]:
    """Files that were fetched before, by their names without the endings of images."""
    if not folder.is_dir():
        return {}
    names = (entry.name for entry in os.scandir(folder) if entry.is_file())
    return {without_image_ending(name): name for name in names if not name.startswith(".")}


def _service_id(picture: Painted) -> str:
    return picture.service.id if picture.service else ""


def _host(picture: Painted) -> str:
    return urlsplit(_service_id(picture) or picture.url).netloc.lower()
