"""A museum on this machine: a IIIF image and presentation server made of painted pictures.

It answers oddly where a test wants that: pauses, redirects, pages instead of images, cut answers.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

Json = dict[str, Any]


@dataclass
class Odd:
    """An odd answer. times: how often it is given before the right one; None: always."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False
    times: int | None = None


class Museum(ThreadingHTTPServer):
    """documents: path -> JSON. pictures: name -> (width, height). levels: name -> Image API level.

    odd: path -> odd answer. asked: how often each path was asked for, in order of first time.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.documents: dict[str, Json | bytes] = {}
        self.pictures: dict[str, tuple[int, int]] = {}
        self.infos: dict[str, Json] = {}
        self.odd: dict[str, Odd] = {}
        self.asked: Counter[str] = Counter()
        self.seen: list[dict[str, str]] = []

    def handle_error(self, *_: Any) -> None:
        """Nothing: clients may leave when they like."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def picture(self, name: str, width: int, height: int, **info: Any) -> Json:
        """Add a picture with a service; returns the body of an annotation of version 3."""
        self.pictures[name] = width, height
        version, level = info.pop("version", 3), info.pop("level", 1)
        service = f"{self.url}/images/{name}"
        self.infos[name] = described(service, version, level, width, height) | info
        return {
            "id": f"{service}/full/max/0/default.jpg",
            "type": "Image",
            "format": "image/jpeg",
            "width": width,
            "height": height,
            "service": [in_manifest(service, version, level)],
        }

    def manifest(self, name: str, bodies: list[Json], **more: Any) -> str:
        """Add a manifest of version 3 with a canvas a body; returns its address."""
        address = f"{self.url}/{name}/manifest"
        canvases = [
            canvas(f"{self.url}/{name}/canvas/{n}", [body]) for n, body in enumerate(bodies, 1)
        ]
        self.documents[f"/{name}/manifest"] = {
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "id": address,
            "type": "Manifest",
            "label": {"en": [name.title()]},
            "items": canvases,
            **more,
        }
        return address


def described(service: str, version: int, level: int, width: int, height: int) -> Json:
    """An info.json."""
    size = {"width": width, "height": height}
    if version == 3:
        return {
            "@context": "http://iiif.io/api/image/3/context.json",
            "id": service,
            "type": "ImageService3",
            "protocol": "http://iiif.io/api/image",
            "profile": f"level{level}",
            **size,
        }
    where = "http://library.stanford.edu/iiif/image-api/1.1" if version == 1 else ""
    context = f"{where}/context.json" if where else "http://iiif.io/api/image/2/context.json"
    level_2 = f"http://iiif.io/api/image/2/level{level}.json"
    profile: Any = f"{where}/compliance.html#level{level}" if where else [level_2]
    return {"@context": context, "@id": service, "profile": profile, **size} | (
        {} if where else {"protocol": "http://iiif.io/api/image"}
    )


def in_manifest(service: str, version: int, level: int) -> Json:
    """A service as a manifest names it."""
    if version == 3:
        return {"id": service, "type": "ImageService3", "profile": f"level{level}"}
    whole = described(service, version, level, 1, 1)
    profile = whole["profile"]
    return {
        "@context": whole["@context"],
        "@id": service,
        "profile": profile[0] if isinstance(profile, list) else profile,
    }


def canvas(name: str, bodies: list[Json], **more: Any) -> Json:
    """A canvas of version 3, each body painted on all of it."""
    annotations = [
        {"id": f"{name}/a{n}", "type": "Annotation", "motivation": "painting", "body": body,
         "target": name}
        for n, body in enumerate(bodies)
    ]  # fmt: skip
    page = {"id": f"{name}/page", "type": "AnnotationPage", "items": annotations}
    return {
        "id": name,
        "type": "Canvas",
        "width": 1000,
        "height": 1000,
        "label": {"none": [f"leaf {name.rpartition('/')[2]}"]},
        "items": [page],
        **more,
    }


def painted(name: str, width: int, height: int) -> Image.Image:
    """A picture: its red grows to the right, its green downwards, its blue is its name's."""
    across = np.linspace(0, 255, width)[None, :, None].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None, None].repeat(width, 1)
    blue = np.full((height, width, 1), sum(name.encode()) % 256)
    return Image.fromarray(np.concatenate([across, down, blue], 2).astype(np.uint8))


class _Handler(BaseHTTPRequestHandler):
    server: Museum
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests ask the server what it saw."""

    def do_GET(self) -> None:
        museum = self.server
        museum.asked[self.path] += 1
        museum.seen.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        odd = museum.odd.get(self.path)
        if odd is not None and (odd.times is None or museum.asked[self.path] <= odd.times):
            self._send(odd.status, odd.body, odd.headers, cut=odd.cut)
            return
        if self.path in museum.documents:
            self._document(museum.documents[self.path])
            return
        found = re.fullmatch(r"/images/([\w-]+)/(info\.json|(.+)/(.+)/(\d+)/(\w+)\.jpg)", self.path)
        if found is None or found[1] not in museum.pictures:
            self._send(404, b"nothing is here", {"Content-Type": "text/plain"})
        elif found[2] == "info.json":
            self._document(museum.infos[found[1]])
        else:
            self._image(found[1], found[3], found[4])

    def _document(self, document: Json | bytes) -> None:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        etag = f'"{abs(hash(data)):x}"'
        if self.headers.get("If-None-Match") == etag:
            self._send(304, b"", {"ETag": etag})
        else:
            self._send(200, data, {"Content-Type": "application/json", "ETag": etag})

    def _image(self, name: str, region: str, size: str) -> None:
        """As the Image API has it, and strictly: what is above a limit or upscaled is refused."""
        info = self.server.infos[name]
        width, height = self.server.pictures[name]
        left, top, wide, high = (
            (0, 0, width, height) if region == "full" else map(int, region.split(","))
        )
        try:
            w, h = _wished(size, wide, high)
        except ValueError:
            self._send(400, b"bad size", {})
            return
        level = int(re.findall(r"level(\d)", json.dumps(info["profile"]))[0])
        listed = [(each["width"], each["height"]) for each in info.get("sizes", [])]
        whole = region == "full" and size in ("full", "max")
        allowed = level > 0 or whole or (region == "full" and (w, h) in listed)
        largest = info.get("maxWidth", 10**9), info.get("maxArea", 10**18)
        if not allowed or w > wide or w > largest[0] or h > largest[0] or w * h > largest[1]:
            self._send(400, b"refused", {})
            return
        part = painted(name, width, height).crop((left, top, left + wide, top + high))
        file = io.BytesIO()
        part.resize((w, h)).save(file, "JPEG", quality=95)
        self._send(200, file.getvalue(), {"Content-Type": "image/jpeg"})

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut


def _wished(size: str, width: int, height: int) -> tuple[int, int]:
    if size in ("full", "max"):
        return width, height
    w, _, h = size.partition(",")
    wide = int(w) if w else round(width * int(h) / height)
    return wide, int(h) if h else max(round(height * wide / width), 1)


@contextmanager
def museum() -> Iterator[Museum]:
    """A museum that is open meanwhile."""
    server = Museum()
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
