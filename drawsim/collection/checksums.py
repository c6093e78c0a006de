"""What tells whether a collection is still the one that something was made from."""

from __future__ import annotations

import hashlib
import json

from drawsim.collection.kinds import KINDS
from drawsim.collection.tables import Collection, held_tables


def checksums(collection: Collection) -> dict[str, str]:
    """Part of a collection -> SHA-256 in hexadecimal digits.

    The parts are its tables, by their content, and its images of each kind, by their ids and sizes
    in bytes: an archive's scans are too many to read again.
    """
    found = {
        f"{table}.csv": _digest((collection.root / f"{table}.csv").read_bytes())
        for table in held_tables(collection.root)
    }
    for kind in KINDS:
        files = collection.paths(kind)
        sizes = {name: path.stat().st_size for name, path in files.items() if path.is_file()}
        found[f"images/{kind}s"] = _digest(json.dumps(sizes, sort_keys=True).encode())
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
