"""Masks: one truth value for each row, to filter and to reject by.

Inside the interpreter a loop over rows is slow, and an operation on a whole buffer is not. So a mask is a byte string with 0 or 1
for each row, and bitmaps as Arrow has them are turned into it and back without a loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress

from . import kernels

# The eight truth values of each byte of a bitmap, least significant bit first.
_EIGHT = [bytes((byte >> bit) & 1 for bit in range(8)) for byte in range(256)]
_DIGITS = bytes.maketrans(b"\x00\x01", b"01")
_FLIPPED = bytes.maketrans(b"\x00\x01", b"\x01\x00")


def unpacked(bitmap: bytes, rows: int) -> bytes:
    """A bitmap as one byte per row."""
    if (flags := kernels.unpack(bitmap, rows)) is not None:
        return flags
    return b"".join(map(_EIGHT.__getitem__, bitmap[: (rows + 7) // 8]))[:rows]


def packed(flags: bytes) -> bytes:
    """One byte per row as a bitmap, least significant bit first."""
    if not flags:
        return b""
    if (bitmap := kernels.pack(flags)) is not None:
        return bitmap
    number = int(flags[::-1].translate(_DIGITS), 2)
    return number.to_bytes((len(flags) + 7) // 8, "little")


class Mask:
    """One truth value for each row of a batch: made by comparing columns, or of any truth values."""

    __slots__ = ("flags",)

    def __init__(self, flags: bytes | Iterable[object]):
        self.flags = flags if isinstance(flags, bytes) else bytes([1 if flag else 0 for flag in flags])

    def __len__(self) -> int:
        return len(self.flags)

    def __getitem__(self, row: int) -> bool:
        return self.flags[row] == 1

    def __iter__(self) -> Iterator[bool]:
        return map(bool, self.flags)

    def __and__(self, other: Mask) -> Mask:
        return self._with(other, int.__and__)

    def __or__(self, other: Mask) -> Mask:
        return self._with(other, int.__or__)

    def __invert__(self) -> Mask:
        return Mask(self.flags.translate(_FLIPPED))

    def _with(self, other: Mask, operation) -> Mask:
        if len(self) != len(other):
            raise ValueError(f"masks of {len(self)} and {len(other)} rows")
        number = operation(int.from_bytes(self.flags, "little"), int.from_bytes(other.flags, "little"))
        return Mask(number.to_bytes(len(self), "little"))

    def __bool__(self) -> bool:
        raise TypeError("a mask has a truth value for each row; ask any() or all(), and combine masks by & and |")

    def any(self) -> bool:
        return b"\x01" in self.flags

    def all(self) -> bool:
        return b"\x00" not in self.flags

    def count(self) -> int:
        """How many rows are true."""
        return self.flags.count(1)

    def rows(self) -> list[int]:
        """The positions of the rows that are true, ascending."""
        return list(compress(range(len(self.flags)), self.flags))
