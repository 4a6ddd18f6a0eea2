"""Loops over columns in compiled code, where the plugin runs in a component: see `plugin-sdk/kernels`.

Each function returns None where the kernels cannot do what is asked for, or are not there, as in tests of a plugin outside of the
sandbox: the SDK then does it in Python, with the same result.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence

native = None
"""The interface `wasmill:kernels/columns`, inside a component."""

_COMPARISONS = {
    operator.eq: "EQUAL", operator.ne: "NOT_EQUAL", operator.lt: "LESS", operator.le: "AT_MOST", operator.gt: "GREATER",
    operator.ge: "AT_LEAST",
}
_OPERATIONS = {operator.add: "ADD", operator.sub: "SUBTRACT", operator.mul: "MULTIPLY", operator.truediv: "DIVIDE"}
_SIZES = {
    "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "float32": 4, "float64": 8,
}
# Up to here every integer is a float.
_EXACT = 1 << 53


def pack(flags: bytes) -> bytes | None:
    """One byte per row as a bitmap."""
    return None if native is None else native.pack(flags)


def unpack(bitmap: bytes, rows: int) -> bytes | None:
    """A bitmap as one byte per row."""
    return None if native is None else native.unpack(bitmap[: (rows + 7) // 8], rows)


def compare(kind: str, values: bytes, rows: int, function: Callable, other) -> bytes | None:
    """One byte per number: 1 where it compares so with one number."""
    if native is None or kind not in _SIZES or type(other) not in (int, float):
        return None
    if kind.startswith("float"):
        if type(other) is int and not -_EXACT <= other <= _EXACT:
            return None
        scalar = native.Scalar_Float(float(other))
    elif type(other) is int and -(1 << 63) <= other < 1 << 63:
        scalar = native.Scalar_Integer(other)
    else:
        return None
    values = values[: rows * _SIZES[kind]]
    found = native.compare(native.Number[kind.upper()], values, native.Comparison[_COMPARISONS[function]], scalar)
    return native.unpack(found, rows)


def combine(values: bytes, rows: int, function: Callable, other, reversed: bool) -> bytes | None:
    """Floats of 64 bits, computed with one number. `reversed`: that one comes first."""
    operation = _OPERATIONS.get(function)
    if native is None or operation is None or type(other) not in (int, float) or not -_EXACT <= other <= _EXACT:
        return None
    # What Python does not divide by, kernels do.
    if operation == "DIVIDE" and (reversed or other == 0):
        return None
    return native.combine(native.Operation[operation], values[: rows * 8], float(other), reversed)


def combine_pairs(values: bytes, others: bytes, rows: int, function: Callable) -> bytes | None:
    """Floats of 64 bits, computed in pairs."""
    operation = _OPERATIONS.get(function)
    if native is None or operation is None or operation == "DIVIDE":
        return None
    return native.combine_pairs(native.Operation[operation], values[: rows * 8], others[: rows * 8])


# ---- text ------------------------------------------------------------------------------------------------------


def _text(offsets: bytes, values: bytes, rows: int):
    return native.Text(offsets[: (rows + 1) * 4], values)


_compiled: dict[re.Pattern, int | None] = {}


def matches(pattern: re.Pattern, offsets: bytes, values: bytes, rows: int) -> tuple[bytes, list[int]] | None:
    """One byte per text: 1 where a pattern matches all of it. And the positions of texts of which Python has to say."""
    if native is None or not isinstance(pattern.pattern, str):
        return None
    if pattern not in _compiled:
        number = None
        if pattern.flags & ~re.IGNORECASE == re.UNICODE:
            number = native.compile(pattern.pattern, native.Dialect.PYTHON, bool(pattern.flags & re.IGNORECASE))
        _compiled[pattern] = number
    number = _compiled[pattern]
    if number is None:
        return None
    found, unknown = native.matches(number, _text(offsets, values, rows))
    return native.unpack(found, rows), unknown


def contains(part: str, offsets: bytes, values: bytes, rows: int) -> bytes | None:
    """One byte per text: 1 where it has this in it."""
    if native is None or not _cross((part,)):
        return None
    return native.unpack(native.contains(_text(offsets, values, rows), part.encode()), rows)


def is_in(wanted: Iterable, offsets: bytes, values: bytes, rows: int) -> bytes | None:
    """One byte per text: 1 where it is among these."""
    if native is None:
        return None
    wanted = [value for value in wanted if type(value) is str]
    return native.unpack(native.is_in(_text(offsets, values, rows), wanted), rows) if _cross(wanted) else None


def part(separator: str, index: int, offsets: bytes, values: bytes, rows: int) -> tuple[bytes, bytes, bytes] | None:
    """What is between two separators: offsets, values, and one byte per text: 1 where it has as many."""
    if native is None or not separator or not 0 <= index < 1 << 32 or not _cross((separator,)):
        return None
    made, found = native.part(_text(offsets, values, rows), separator.encode(), index)
    return made.offsets, made.values, native.unpack(found, rows)


def _cross(texts: Sequence[str]) -> bool:
    """Whether all of these are text: halves of surrogate pairs are none."""
    try:
        for text in texts:
            text.encode()
    except UnicodeError:
        return False
    return True
