"""What a model computes of images, kept by their content, so that nothing is computed twice.

A store is a folder; below it each model has one of its own, named by what makes its embeddings. In
there lie chunks of some hundred vectors, each with the SHA-256 of the image files they belong to. A
chunk is named by the SHA-256 of its own bytes: what is half-written or damaged is found so. Local
features of images have a folder of their own beside those of embeddings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from drawsim.common.files import atomic, user_cache, write_json
from drawsim.common.opening import CannotOpenError, open_regular, why_unreadable

CHUNK = 256
"""Vectors in a chunk: what a kill can cost at most."""
DIGEST = hashlib.sha256().digest_size


def default_store() -> Path:
    """`embeddings` in drawsim's folder among the user's caches."""
    return user_cache() / "embeddings"


def file_sha256(path: Path) -> bytes:
    """SHA-256 of a regular file's bytes. Raises CannotOpenError."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        try:
            while part := file.read(1 << 20):
                digest.update(part)
        except OSError as error:
            raise CannotOpenError(path, why_unreadable(error, path)) from error
    return digest.digest()


class Store:
    """Tensors of one shape, such as raw unit rows, of one model, by the SHA-256 of image files.

    key: everything that they depend on besides the image. shape: of one image's, such as
    (dimensions,). dtype: as which they are kept. prefix: of the folder's name. whole: compare each
    chunk with its name when it is taken up; without it, damage of a chunk that is as long as it
    says stays unseen. Several processes may add to a store at once. damaged: chunks that were
    found so, and removed; their vectors are missing now.
    """

    def __init__(
        self,
        root: Path,
        key: Mapping[str, str],
        shape: int | Sequence[int],
        *,
        dtype: torch.dtype = torch.float32,
        prefix: str = "",
        whole: bool = True,
    ) -> None:
        text = json.dumps(dict(key), sort_keys=True)
        self.folder = root / f"{prefix}{hashlib.sha256(text.encode()).hexdigest()[:32]}"
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.dtype = dtype
        self.whole = whole
        self._mapped: dict[Path, Tensor] = {}
        self.damaged: list[Path] = []
        self._places: dict[bytes, tuple[Path, int]] = {}
        self._read: set[Path] = set()
        self._waiting: dict[bytes, Tensor] = {}
        if not (self.folder / "model.json").is_file():
            write_json(self.folder / "model.json", dict(key))  # for people who look into the folder
        self.refresh()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._places or digest in self._waiting

    def __len__(self) -> int:
        return len(self._places) + len(self._waiting)

    def refresh(self) -> None:
        """Take up the chunks that are new, those of other processes too; forget removed ones."""
        there = sorted(self.folder.glob("*.safetensors"))
        self._forget(self._read.difference(there))
        for path in there:
            if path in self._read:
                continue
            digests = self._check(path)
            if digests is None:
                self.damaged.append(path)
                with suppress(OSError):  # it may lie where nothing may be removed
                    path.unlink()
                continue
            self._read.add(path)
            for row, digest in enumerate(digests):
                self._places.setdefault(digest, (path, row))

    def add(self, digests: Sequence[bytes], vectors: Tensor) -> None:
        """Keep the vectors, (len(digests), *shape), of images with these digests."""
        if vectors.shape != (len(digests), *self.shape):
            raise ValueError(f"{len(digests)} digests for vectors {tuple(vectors.shape)}")
        rows = vectors.detach().cpu().to(self.dtype, copy=True)
        self._waiting |= {d: row for d, row in zip(digests, rows, strict=True) if d not in self}
        if len(self._waiting) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Write what waits as a chunk."""
        if not self._waiting:
            return
        digests = list(self._waiting)
        content = save(
            {
                "vectors": torch.stack(list(self._waiting.values())),
                "digests": torch.frombuffer(bytearray(b"".join(digests)), dtype=torch.uint8).view(
                    len(digests), DIGEST
                ),
            }
        )
        path = self.folder / f"{hashlib.sha256(content).hexdigest()}.safetensors"
        with atomic(path) as temporary:
            temporary.write_bytes(content)
        self._waiting = {}
        self._read.add(path)
        self._places |= {digest: (path, row) for row, digest in enumerate(digests)}

    def blocks(self, digests: Sequence[bytes], rows: int = 2048) -> Iterator[Tensor]:
        """The vectors of written chunks in the order of `digests`, so many rows at a time.

        Raises KeyError for a digest that is not there.
        """
        for start in range(0, len(digests), rows):
            yield self.of(digests[start : start + rows])

    def of(self, digests: Sequence[bytes]) -> Tensor:
        """The vectors of written chunks in the order of `digests`, (len(digests), *shape).

        Chunks are memory-mapped: of those that are seldom asked for, little is in memory. Raises
        KeyError for a digest that is not there, or no longer: its chunk was removed.
        """
        wanted: dict[Path, list[tuple[int, int]]] = {}
        for target, digest in enumerate(digests):
            path, source = self._places[digest]
            wanted.setdefault(path, []).append((target, source))
        found = torch.empty(len(digests), *self.shape, dtype=self.dtype)
        for path, places in wanted.items():
            targets, sources = (list(numbers) for numbers in zip(*places, strict=True))
            if path not in self._mapped:
                try:
                    with safe_open(path, framework="pt") as file:
                        self._mapped[path] = file.get_tensor("vectors")
                except FileNotFoundError as error:
                    self._forget({path})
                    raise KeyError(path) from error
            found[targets] = self._mapped[path][sources]
        return found

    def _forget(self, removed: Set[Path]) -> None:
        """These chunks are not there any more."""
        if not removed:
            return
        self._read -= removed
        self._places = {d: place for d, place in self._places.items() if place[0] not in removed}
        for path in removed:
            self._mapped.pop(path, None)

    def _check(self, path: Path) -> list[bytes] | None:
        """The digests of a chunk; None if it is damaged."""
        try:
            if self.whole and file_sha256(path).hex() != path.stem:
                return None
            open_regular(path).close()  # others would wait for a pipe
            with safe_open(path, framework="pt") as file:
                digests = file.get_tensor("digests").numpy().tobytes()
                shape = file.get_slice("vectors").get_shape()
        except (OSError, CannotOpenError, SafetensorError):
            return None
        if shape != [len(digests) // DIGEST, *self.shape]:
            return None
        return [digests[i : i + DIGEST] for i in range(0, len(digests), DIGEST)]
