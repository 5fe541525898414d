"""The numbers by which pictures are compared."""

from __future__ import annotations

import ast
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SimdexError

if TYPE_CHECKING:
    import pandas

_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class Vectors:
    """A row of numbers a picture, at unit length: the inner product of two is their cosine.

    ``values`` is an array of NumPy, float32, where that is installed, and else a list of
    ``array.array``.
    """

    ids: tuple[str, ...]
    values: Any
    #: Ids of stored pictures that cannot be read and are left out.
    unread: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, picture: str) -> Any:
        """The row of the picture with this id."""
        return self.values[self.ids.index(picture)]

    def to_pandas(self) -> pandas.DataFrame:
        """A row a picture, by its id. pandas must be installed."""
        import pandas

        index = pandas.Index(self.ids, name="id")
        frame: pandas.DataFrame = pandas.DataFrame(self.values, index=index)
        return frame

    @classmethod
    def of_rows(cls, ids: Iterable[str], data: Sequence[bytes], unread: Iterable[str]) -> Vectors:
        """Makes it of rows of little-endian float32."""
        columns = len(data[0]) // 4 if data else 0
        values = _table(b"".join(data), len(data), columns)
        return cls(tuple(ids), values, tuple(unread))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Vectors:
        """Reads what ``simdex vectors -o FILE.npy`` has written, with the ids beside it."""
        ids = Path(path).with_suffix(".ids.txt").read_text("ascii").split()
        values = read_npy(path)
        if len(values) != len(ids):
            raise SimdexError(f"{path} has {len(values)} rows, and there are {len(ids)} ids")
        return cls(tuple(ids), values)


def read_npy(path: str | PathLike[str]) -> Any:
    """Reads a table of float32, as an array of NumPy where that is installed."""
    data = Path(path).read_bytes()
    if data[:8] != _MAGIC + b"\x01\x00":
        raise SimdexError(f"{path} is no file of NumPy's, version 1.0")
    start = 10 + int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10:start].decode("latin-1"))
    shape = header["shape"]
    if header["descr"] != "<f4" or header["fortran_order"] or len(shape) != 2:
        raise SimdexError(f"{path} has no rows of float32")
    return _table(data[start:], *shape)


def _table(data: bytes, rows: int, columns: int) -> Any:
    """Rows of little-endian float32."""
    if len(data) != rows * columns * 4:
        raise SimdexError("the rows of numbers are not as long as they should be")
    try:
        import numpy
    except ImportError:
        return _plain_table(data, rows, columns)
    # A copy, which can be written.
    return numpy.frombuffer(data, "<f4").reshape(rows, columns).astype("float32")


def _plain_table(data: bytes, rows: int, columns: int) -> list[array[float]]:
    table = []
    for row in range(rows):
        numbers = array("f", data[row * columns * 4 : (row + 1) * columns * 4])
        if sys.byteorder == "big":
            numbers.byteswap()
        table.append(numbers)
    return table
