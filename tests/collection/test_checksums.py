"""Whether a collection is still the one that something was made from."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from drawsim.collection.checksums import checksums
from drawsim.collection.tables import Collection


def test_a_part_that_changes_has_another_checksum(collection_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "copied"
    shutil.copytree(collection_root, root)
    before = checksums(Collection.open(root))
    assert before == checksums(Collection.open(collection_root)), "wherever it is"
    content = (root / "pairs.csv").read_bytes()
    assert before["pairs.csv"] == hashlib.sha256(content).hexdigest()
    (root / "pairs.csv").write_bytes(content + b"d1,a9,true\n")
    (root / "artworks/a3.png").write_bytes(b"another picture")
    (root / "drawings/d0.png").unlink()
    after = checksums(Collection.open(root))
    changed = {part for part in before if before[part] != after[part]}
    assert changed == {"pairs.csv", "images/artworks", "images/drawings"}
    assert (
        before.keys()
        == after.keys()
        == {*("drawings.csv", "artworks.csv", "pairs.csv", "images/drawings", "images/artworks")}
    )
