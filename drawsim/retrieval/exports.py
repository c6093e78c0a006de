"""Writing embeddings block by block, so that memory does not depend on how many there are.

The thesis keeps embeddings as an N×2 array of objects, id and vector, which numpy can only store as
a pickle, and reads by running it. Here its layout is a table of the same two columns, `id` and
`vector`, in plain numbers and texts: numpy.load opens it with its safe defaults, in any version,
memory-mapped if wished. Code that expects the thesis's own array gets it by one line:

    array = numpy.array(numpy.load("FILE.npy").tolist(), dtype=object)   # N×2: id, vector
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.lib.format import open_memmap
from torch import Tensor

from drawsim.collection.csv_files import write_csv
from drawsim.common.errors import UserError
from drawsim.common.files import atomic
from drawsim.retrieval.embeddings import ids_path, load_embeddings

TYPES = {torch.float32: "F32", torch.float16: "F16", torch.int64: "I64"}
"""Names of number formats in the header of a safetensors file."""
_BLOCK = 2048


def write_embeddings(
    path: Path,
    ids: Sequence[str],
    blocks: Iterable[Tensor],
    dimensions: int,
    dtype: torch.dtype,
    metadata: Mapping[str, str],
    more: Mapping[str, Tensor] | None = None,
) -> None:
    """Write what `Embeddings.save` writes, from blocks of rows; (len(ids), dimensions) in all.

    more: further tensors of the file, of whole numbers, by name.
    A kill leaves the old pair of files, the new one, or ids without vectors, which no reader takes.
    """
    shape = [len(ids), dimensions]
    size = len(ids) * dimensions * dtype.itemsize
    tensors: dict[str, object] = {}
    begin = 0
    for name, tensor in (more or {}).items():  # in front, as they need places by multiples of 8
        place = [begin, begin := begin + tensor.nbytes]
        own = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": place}
        tensors[name] = own
    end = begin + size
    tensors["vectors"] = {"dtype": TYPES[dtype], "shape": shape, "data_offsets": [begin, end]}
    header = json.dumps({"__metadata__": dict(sorted(metadata.items()))} | tensors).encode()
    header += b" " * (-len(header) % 8)  # numbers begin at a multiple of 8 bytes
    with atomic(path) as temporary:
        with temporary.open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            for tensor in (more or {}).values():
                file.write(tensor.contiguous().numpy().tobytes())
            for block in blocks:
                file.write(block.to(dtype).contiguous().numpy().tobytes())
            if (held := file.tell() - 8 - len(header) - begin) != size:
                raise ValueError(f"the blocks hold {held} of {size} bytes")
        path.unlink(missing_ok=True)  # old vectors must not meet new ids
        write_csv(pd.DataFrame({"id": list(ids)}), ids_path(path))


def export_thesis(path: Path) -> Path:
    """Write the embeddings of a file as `<name>.npy`, N rows of `id` (text) and `vector` (d).

    Vectors are float32, as in the thesis. The module says how its reader gets an N×2 array.
    """
    embeddings = load_embeddings(path)
    longest = max(map(len, embeddings.ids), default=1)
    row = np.dtype([("id", f"U{longest}"), ("vector", "<f4", (embeddings.vectors.shape[1],))])
    target = path.with_suffix(".npy")
    with atomic(target) as temporary:
        table = open_memmap(temporary, mode="w+", dtype=row, shape=(len(embeddings.ids),))
        table["id"] = embeddings.ids
        for start in range(0, len(table), _BLOCK):
            vectors = embeddings.vectors[start : start + _BLOCK]
            table["vector"][start : start + _BLOCK] = vectors.float().numpy()
        table.flush()
        del table
    return target


def export_parquet(path: Path) -> Path:
    """Write the embeddings of a file as `<name>.parquet`, columns `id` and `vector` (a list)."""
    check_parquet()
    embeddings = load_embeddings(path)
    table = pd.DataFrame({"id": embeddings.ids, "vector": list(embeddings.vectors.numpy())})
    target = path.with_suffix(".parquet")
    with atomic(target) as temporary:
        table.to_parquet(temporary, engine="pyarrow", index=False)
    return target


def check_parquet() -> None:
    """Raise UserError where pandas cannot write Parquet."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise UserError("export=parquet needs pyarrow: pip install pyarrow") from error


EXPORTS = {"thesis": export_thesis, "parquet": export_parquet}
