"""From an address or a file to every canvas below it: collections within collections, page by page.

Documents are kept, packed, in the collection's `.prepared/iiif`, so that a run that was stopped
goes on where it was, and everything works offline afterwards.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drawsim.common.errors import UserError
from drawsim.common.files import atomic, read_json, write_json
from drawsim.common.opening import CannotOpenError, read_regular
from drawsim.preparing.fetching.fetcher import Fetcher, FetchError, shown
from drawsim.preparing.iiif.documents import (
    Document,
    DocumentError,
    following_pages,
    members_of,
    read_document,
    same_id,
)

ACCEPT = (
    'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json", '
    "application/ld+json, application/json;q=0.9, */*;q=0.1"
)
MOST = 500_000
"""Documents of a source; an address that leads to ever new ones is no collection's."""
DEEPEST = 20
"""Collections within collections; deeper ones are no museum's."""


@dataclass
class DocumentStore:
    """Documents by address, as they were fetched last.

    refresh: ask whether each has changed; otherwise what is kept is as good. most: bytes of one.
    """

    folder: Path
    fetcher: Fetcher
    most: int
    refresh: bool = False
    fetched: int = 0
    kept: int = 0

    def get(self, url: str) -> bytes:
        """The bytes of a document. Raises FetchError."""
        path = self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json.gz"
        head = path.with_suffix(".head.json")
        data = self._read(path)
        if data is not None and not self.refresh:
            self.kept += 1
            return data
        etag = ""
        if data is not None and head.is_file():
            etag = str(read_json(head).get("etag", ""))
        reply, fresh = self.fetcher.get(url, self.most, ACCEPT, etag)
        if reply.unchanged and data is not None:
            self.kept += 1
            return data
        self.fetched += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            temporary.write_bytes(gzip.compress(fresh, 6, mtime=0))
        write_json(head, {"url": url, "found_at": reply.url, "etag": reply.etag})
        return fresh

    def _read(self, path: Path) -> bytes | None:
        """What is kept; None if nothing is, or it is damaged."""
        if not path.is_file():
            return None
        try:
            unpacker = zlib.decompressobj(wbits=31)
            data = unpacker.decompress(read_regular(path, self.most), self.most)
        except (CannotOpenError, zlib.error):
            return None
        return data if unpacker.eof else None


@dataclass
class Met:
    """What a walk met. failed: address and reason of documents that could not be had or read."""

    manifests: int = 0
    collections: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def walk(
    source: str, store: DocumentStore, met: Met, advance: Callable[[], None]
) -> Iterator[Document]:
    """Every manifest that a source leads to, each once, in order.

    source: an address, or a file: a document, or a list of addresses, one a line. What cannot be
    had or read is entered in `met`. Raises UserError if that is so of the source itself.
    """
    queue, seen = _start(source, store, met), set[str]()
    twice = 0
    while queue and len(seen) < MOST:
        url, document, depth = queue.popleft()
        if same_id(url) in seen:
            twice += 1
            continue
        seen.add(same_id(url))
        if document is None:
            try:
                document = read_document(store.get(url), url)
            except (FetchError, DocumentError) as error:
                reason = error.reason if isinstance(error, FetchError) else str(error)
                if depth == 0 and not queue and not met.manifests:
                    raise UserError(f"{shown(url)}: {reason}") from None
                met.failed.append((url, reason))
                continue
        advance()
        if document.kind == "manifest":
            met.manifests += 1
            yield document
            continue
        met.collections += 1
        if depth >= DEEPEST:
            met.failed.append((url, f"is a collection within {DEEPEST} others"))
            continue
        below = [(each.id, each.document, depth + 1) for each in members_of(document)]
        pages = [(page, None, depth) for page in following_pages(document)]
        queue.extendleft(reversed([*below, *pages]))  # in the order in which people see them
    if twice:
        met.notes.append(f"listed more than once, and read once: {twice:,}")


def _start(source: str, store: DocumentStore, met: Met) -> deque[tuple[str, Document | None, int]]:
    if "://" in source:
        return deque([(source, None, 0)])
    path = Path(source)
    try:
        data = read_regular(path, store.most)
    except CannotOpenError as error:
        raise UserError(
            f"{path}: {error.reason}; source is the address of a manifest or collection "
            "(https://…), or a file"
        ) from None
    lines = [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines()]
    addresses = [line for line in lines if line and not line.startswith("#")]
    if addresses and all("://" in line and not line.startswith(("{", "[")) for line in addresses):
        return deque((address, None, 0) for address in addresses)
    try:
        document = read_document(data, path.name)
    except DocumentError as error:
        raise UserError(f"{path}: {error}; nor a list of addresses, one a line") from None
    return deque([(document.id or path.name, document, 0)])
