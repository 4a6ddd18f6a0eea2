"""Writing columns: Python values as Arrow buffers.

`build` makes a column of all its values at once and is the fast way; `Builder` takes them one by one.
"""

from __future__ import annotations

import struct as packing
from array import array
from collections.abc import Iterable, Mapping
from itertools import accumulate, chain
from typing import Any

from . import scalars
from .column import INTERVALS, NATIVE, STORED, WIDE, Column, Node, Values
from .mask import Mask, packed
from .types import DataType, Field, Wanted, written


def build(wanted: Wanted | Field, values: Iterable[Any]) -> Column:
    """A column of `values`, of which None stands for null.

    Raises `TypeError`, `ValueError` or `OverflowError` where a value cannot be one of the type.
    """
    field = wanted if isinstance(wanted, Field) else Field("", written(wanted))
    if isinstance(values, Column) and values.type == field.type:
        return values
    try:
        return Column(field, _node(field.type, values))
    except (TypeError, ValueError, OverflowError, packing.error) as error:
        named = f"{field.name}: " if field.name else ""
        kind = ValueError if isinstance(error, UnicodeError) else type(error)
        raise kind(f"{named}no {field.type}: {error}") from error


class Builder:
    """Takes values one by one."""

    def __init__(self, wanted: Wanted | Field):
        self._wanted = wanted
        self._values: list = []
        self.append = self._values.append
        self.extend = self._values.extend

    def append_null(self) -> None:
        self._values.append(None)

    def __len__(self) -> int:
        return len(self._values)

    def build(self) -> Column:
        """The column. The builder may go on: the column stays as it is."""
        return build(self._wanted, list(self._values))


def _node(kind: DataType, values: Iterable[Any]) -> Node:
    name = kind.name
    code = NATIVE.get(name)
    if code and isinstance(values, (array, memoryview)):
        found = values if isinstance(values, array) else array(values.format, values)
        if found.typecode != code:
            found = array(code, found)
        return Node(len(found), values=found.tobytes())
    if isinstance(values, Mask):
        values = list(values)
    elif isinstance(values, Values):
        values = values.to_list()
    elif not isinstance(values, list):
        values = list(values)
    count = len(values)
    if name == "null":
        if any(value is not None for value in values):
            raise ValueError("a column of nulls takes no other value")
        return Node(count)
    if name == "dictionary":
        return _dictionary(kind, values)
    validity = b""
    if None in values:
        validity = packed(bytes([value is not None for value in values]))
    return _FLAT.get(name, _nested)(kind, values, validity)


def _filled(values: list, validity: bytes, filling: Any) -> list:
    if not validity:
        return values
    return [filling if value is None else value for value in values]


def _native(kind, values, validity):
    # `struct` takes numbers apart faster than `array` does.
    made = packing.pack(f"<{len(values)}{NATIVE[kind.name]}", *_filled(values, validity, 0))
    return Node(len(values), validity, values=made)


def _stored(kind, values, validity):
    write = scalars.writer(kind)
    numbers = [0 if value is None else write(value) for value in values]
    return Node(len(values), validity, values=array(STORED[kind.name], numbers).tobytes())


def _wide(kind, values, validity):
    write, size = scalars.writer(kind), WIDE[kind.name]
    made = [(0 if value is None else write(value)).to_bytes(size, "little", signed=True) for value in values]
    return Node(len(values), validity, values=b"".join(made))


def _boolean(kind, values, validity):
    return Node(len(values), validity, values=packed(bytes([1 if value else 0 for value in values])))


def _float16(kind, values, validity):
    return Node(len(values), validity, values=packing.pack(f"<{len(values)}e", *_filled(values, validity, 0)))


def _text(kind, values, validity):
    values = _filled(values, validity, "")
    text = "".join(values)
    if text.isascii():
        lengths, data = map(len, values), text.encode()
    else:
        pieces = [value.encode() for value in values]
        lengths, data = map(len, pieces), b"".join(pieces)
    return Node(len(values), validity, _offsets(lengths, kind), data)


def _binary(kind, values, validity):
    values = _filled(values, validity, b"")
    return Node(len(values), validity, _offsets(map(len, values), kind), b"".join(values))


def _offsets(lengths: Iterable[int], kind: DataType) -> bytes:
    code = "q" if kind.name.startswith("large") else "i"
    return array(code, accumulate(lengths, initial=0)).tobytes()


def _fixed_size_binary(kind, values, validity):
    values = _filled(values, validity, bytes(kind.size))
    for value in values:
        if len(value) != kind.size:
            raise ValueError(f"{len(value)} bytes, and not {kind.size}")
    return Node(len(values), validity, values=b"".join(values))


def _interval(kind, values, validity):
    pack = packing.Struct(INTERVALS[kind.unit]).pack
    if kind.unit == "year_month":
        made = [pack(value[0]) for value in _filled(values, validity, (0,))]
    elif kind.unit == "day_time":
        made = [pack(value[1], value[2] // 10**6) for value in _filled(values, validity, (0, 0, 0))]
    else:
        made = [pack(*value) for value in _filled(values, validity, (0, 0, 0))]
    return Node(len(values), validity, values=b"".join(made))


def _nested(kind: DataType, values: list, validity: bytes) -> Node:
    count = len(values)
    if kind.name == "struct":
        values = _filled(values, validity, {})
        children = [build(child, [value.get(child.name) for value in values]).node for child in kind.children]
        return Node(count, validity, children=[_without_null(*pair) for pair in zip(kind.children, children)])
    if kind.name == "map":
        pairs = [value.items() if isinstance(value, Mapping) else value or () for value in values]
        entries = kind.children[0].type
        flat = list(chain.from_iterable(pairs))
        columns = [[pair[side] for pair in flat] for side in (0, 1)]
        children = [build(child, column).node for child, column in zip(entries.children, columns)]
        children = [_without_null(*pair) for pair in zip(entries.children, children)]
        return Node(count, validity, _offsets(map(len, pairs), kind), children=[Node(len(flat), children=children)])
    (item,) = kind.children
    if kind.name == "fixed_size_list":
        values = _filled(values, validity, [None] * kind.size)
        for value in values:
            if len(value) != kind.size:
                raise ValueError(f"{len(value)} values, and not {kind.size}")
        at = b""
    else:
        values = _filled(values, validity, ())
        at = _offsets(map(len, values), kind)
    items = build(item, list(chain.from_iterable(values))).node
    return Node(count, validity, at, children=[_without_null(item, items)])


def _without_null(field: Field, node: Node) -> Node:
    """What lies below a null is null too, but a field that may hold none needs some value there."""
    if field.nullable or not node.validity:
        return node
    return Node(node.length, b"", node.offsets, node.values, node.children)


def _dictionary(kind: DataType, values: list) -> Node:
    (field,) = kind.children
    positions: dict = {}
    distinct: list = []
    keys = []
    for value in values:
        if value is None:
            keys.append(0)
            continue
        # Values that are equal and not the same, such as 0.0 and -0.0 or 1 and True, and those that no dict takes as keys.
        known_by = value if isinstance(value, (str, bytes, int)) else repr(value)
        key = positions.get(known_by)
        if key is None:
            key = positions[known_by] = len(distinct)
            distinct.append(value)
        keys.append(key)
    validity = packed(bytes([value is not None for value in values])) if None in values else b""
    node = build(field, distinct).node
    return Node(len(values), validity, values=array(NATIVE[kind.index], keys).tobytes(), children=[node])


_FLAT = {
    **dict.fromkeys(NATIVE, _native), **dict.fromkeys(STORED, _stored), **dict.fromkeys(WIDE, _wide),
    **dict.fromkeys(("utf8", "large_utf8"), _text), **dict.fromkeys(("binary", "large_binary"), _binary),
    "boolean": _boolean, "float16": _float16, "fixed_size_binary": _fixed_size_binary, "interval": _interval,
}
