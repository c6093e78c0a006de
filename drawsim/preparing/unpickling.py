"""Reading pickled arrays and tables without trusting them.

A pickle is a small program: it names functions and has them called. Here every name it may use
stands for a class of this module that only keeps what it is given; any other name is refused before
anything is called. Not even numpy's own functions are reached, for they can be led to read
arbitrary memory. What was kept is then checked and becomes arrays and tables.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import pandas as pd

from drawsim.common.errors import UserError

_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|U\d+|O8?")
"""Truth values, whole numbers, floats, texts, and objects."""


def read_pickle(path: Path) -> Any:
    """The content of a pickle file: plain Python values, a numpy array, or a pandas table.

    Admitted are numpy arrays of numbers, of texts, and of objects that are such arrays themselves
    or numbers and texts; pandas tables and series of these, as pandas 1 and 2 write them; and lists
    and dicts of Python's own numbers and texts. Raises UserError for everything else.
    """
    return _guarded(path, _load)


def read_array(path: Path) -> np.ndarray:
    """The array in an .npy file, which may be an array of objects.

    Raises UserError for a damaged file, and for objects that `read_pickle` does not admit.
    """
    return _guarded(path, _load_npy)


def _guarded(path: Path, load: Callable[[BinaryIO], Any]) -> Any:
    try:
        with path.open("rb") as file:
            return load(file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except _RefusedError as error:
        raise UserError(
            f"{path}: refused, for it asks for {error}; only arrays and tables of numbers and "
            "texts are read from pickles. Nothing in it was run."
        ) from error
    except Exception as error:  # a forged or damaged pickle can raise anything
        raise UserError(
            f"{path}: damaged, or not an array or a table of numbers and texts "
            f"({' '.join(str(error).split())})"
        ) from error


def _load(file: BinaryIO) -> Any:
    _check_memory(file)
    value = _Unpickler(file).load()
    if isinstance(value, type):
        raise ValueError("a bare name")
    plain = value.plain() if isinstance(value, _StandIn) else value
    if isinstance(plain, np.dtype):
        raise ValueError("the type of an array alone")
    return plain


def _check_memory(file: BinaryIO) -> None:
    """Raise ValueError for what would take memory out of proportion to the file.

    The unpickler makes room at once for as many remembered values as the highest number says, and
    for a byte array of any length; a file of some bytes could so ask for terabytes.
    """
    begin = file.tell()
    size = file.seek(0, io.SEEK_END) - begin
    file.seek(begin)
    for operation, argument, _ in pickletools.genops(file):
        if "PUT" in operation.name and argument is not None and argument > size:
            raise ValueError(f"it numbers a value {argument}, in {size} bytes")
    file.seek(begin)


def _load_npy(file: BinaryIO) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of the format")
    shape, _, dtype = readers[version](file)
    if not dtype.hasobject:
        file.seek(0)
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    array = _load(file)
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ValueError(f"no array of the shape {shape} that its header gives")
    return array


class _RefusedError(Exception):
    """The name that a pickle asks for and does not get."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        module = module.replace("numpy._core", "numpy.core")
        if (module, name) not in _ADMITTED:
            raise _RefusedError(ascii(f"{module}.{name}")[1:-1])
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> NoReturn:
        raise _RefusedError("data outside of the file")


class _StandIn:
    """Takes the place of what a pickle names: keeps the arguments, then the state."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    # Every stand-in must have this: without it, unpickling would set attributes on its own.
    def __setstate__(self, state: Any) -> None:
        self.state = state

    def plain(self) -> Any:
        raise ValueError(f"a bare {type(self).__name__.strip('_').lower()}")


class _Dtype(_StandIn):
    """numpy.dtype(kind, align, copy), then a state whose second item is the byte order."""

    def plain(self) -> np.dtype[Any]:
        kind = self.arguments[0]
        if not isinstance(kind, str) or not _DTYPE.fullmatch(kind):
            raise ValueError(f"an array of the type {kind!r}")
        if kind.startswith("O"):
            return np.dtype(object)
        order = self.state[1] if self.state is not None else "="
        if order not in ("<", ">", "|", "="):
            raise ValueError(f"byte order {order!r}")
        return np.dtype(order + kind)


class _Array(_StandIn):
    """numpy's _reconstruct(ndarray, (0,), b"b"), then (version, shape, dtype, fortran, content)."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        # At once, not when asked for: the state is complete here, and nothing needs recursion.
        self.value = _array(content, dtype, shape, "F" if fortran else "C")

    def plain(self) -> np.ndarray:
        return self.value


class _Buffer(_StandIn):
    """numpy's _frombuffer(content, dtype, shape, order), of pickle protocol 5."""

    def plain(self) -> np.ndarray:
        content, dtype, shape, order = self.arguments
        return _array(content, dtype, shape, order)


class _Scalar(_StandIn):
    """numpy's scalar(dtype, content)."""

    def plain(self) -> Any:
        dtype, content = self.arguments
        return _array(content, dtype, (), "C").item()


def _array(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    kind = dtype.plain() if isinstance(dtype, _Dtype) else None
    whole = isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)
    if kind is None or not whole or order not in ("C", "F"):
        raise ValueError("a misshapen array")
    if kind.hasobject:
        if not isinstance(content, list) or len(content) != math.prod(shape):
            raise ValueError("an array of objects that lacks some")
        items = np.empty(len(content), dtype=object)
        for i, item in enumerate(content):
            items[i] = item.plain() if isinstance(item, _StandIn) else item
        return items.reshape(shape)  # listed row by row, whatever the order in memory was
    if not isinstance(content, bytes | bytearray):
        raise ValueError("an array without content")
    return np.frombuffer(content, dtype=kind).reshape(shape, order=order)


class _Name(_StandIn):
    """A class that a pickle passes on as an argument and that is never made."""


class _Index(_StandIn):
    """pandas' _new_Index(class, {data, name} or {start, stop, step, name})."""

    def plain(self) -> pd.Index[Any]:
        _, parts = self.arguments
        if "data" in parts:
            return pd.Index(_values(parts["data"]), name=parts["name"])
        return pd.RangeIndex(parts["start"], parts["stop"], parts["step"], name=parts["name"])


class _Slice(_StandIn):
    """slice(start, stop, step)."""

    def plain(self) -> range:
        start, stop, step = self.arguments
        return range(start, stop, 1 if step is None else step)


class _Block(_StandIn):
    """pandas' _unpickle_block(values, rows of the table's columns, dimensions)."""


class _Manager(_StandIn):
    """pandas' BlockManager(blocks, axes), or its state with both under "0.14.1"."""

    def parts(self) -> tuple[list[tuple[Any, Any]], list[_Index]]:
        """Blocks, each of values and columns, and the axes."""
        if self.arguments:
            blocks, axes = self.arguments
            return [(block.arguments[0], block.arguments[1]) for block in blocks], axes
        kept = self.state[3]["0.14.1"]
        return [(block["values"], block["mgr_locs"]) for block in kept["blocks"]], kept["axes"]


class _Series(_StandIn):
    """pandas.Series, by its state."""

    def plain(self) -> pd.Series[Any]:
        [(values, _)], [index] = self.state["_mgr"].parts()
        return pd.Series(_values(values), index.plain(), name=self.state.get("name"))


class _Table(_StandIn):
    """pandas.DataFrame, by its state: blocks of columns (rows of an array) and two axes."""

    def plain(self) -> pd.DataFrame:
        blocks, (names, index) = self.state["_mgr"].parts()
        columns: dict[int, np.ndarray] = {}
        for values, places in blocks:
            numbers = places.plain() if isinstance(places, _Slice) else _values(places).tolist()
            columns |= dict(zip(numbers, _values(values), strict=True))
        table = pd.DataFrame({i: columns[i] for i in sorted(columns)}, index=index.plain())
        table.columns = names.plain()
        return table


def _values(array: Any) -> np.ndarray:
    if not isinstance(array, _Array | _Buffer):
        raise ValueError("a column of another kind")
    return array.plain()


_ADMITTED: dict[tuple[str, str], type[_StandIn]] = {
    ("builtins", "slice"): _Slice,
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Name,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy.core.numeric", "_frombuffer"): _Buffer,
    ("pandas._libs.internals", "_unpickle_block"): _Block,
    ("pandas.core.frame", "DataFrame"): _Table,
    ("pandas.core.indexes.base", "Index"): _Name,
    ("pandas.core.indexes.base", "_new_Index"): _Index,
    ("pandas.core.indexes.numeric", "Int64Index"): _Name,
    ("pandas.core.indexes.range", "RangeIndex"): _Name,
    ("pandas.core.internals.managers", "BlockManager"): _Manager,
    ("pandas.core.internals.managers", "SingleBlockManager"): _Manager,
    ("pandas.core.series", "Series"): _Series,
}
