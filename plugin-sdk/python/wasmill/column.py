"""Reading columns, and computing with them.

A `Column` lies over the Arrow buffers that crossed and copies nothing until values are asked for. What is asked of a whole column at
once (`to_list`, comparisons, arithmetic, `upper`) runs in compiled code or in one tight loop, and is many times faster than
a loop of the plugin's own over rows.

`Values` is what columns and the results of computing have in common.
"""

from __future__ import annotations

import operator
import re
import struct as packing
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from typing import Any

from . import kernels, scalars
from .mask import Mask, packed, unpacked
from .types import DataType, Field

NATIVE = {
    "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
    "float32": "f", "float64": "d",
}
"""The types whose values are Python numbers, and their codes in `array`."""

STORED = {
    "date32": "i", "date64": "q", "time32": "i", "time64": "q", "timestamp": "q", "duration": "q",
    "decimal32": "i", "decimal64": "q",
}
"""The types that are integers in the buffers and something else in Python."""

WIDE = {"decimal128": 16, "decimal256": 32}
"""The same, of integers that `array` has not: their bytes."""

INTERVALS = {"year_month": "<i", "day_time": "<ii", "month_day_nano": "<iiq"}


class Node:
    """The buffers of one Arrow array, and its children. See `node` in the contract."""

    __slots__ = ("children", "length", "offsets", "validity", "values")

    def __init__(self, length: int, validity: bytes = b"", offsets: bytes = b"", values: bytes = b"", children: Sequence[Node] = ()):
        self.length = length
        self.validity = validity
        self.offsets = offsets
        self.values = values
        self.children = children


class Values(Sequence):
    """Values in the order of rows, None where they are null. Operators take a number or text, or as many other values."""

    def to_list(self) -> list:
        raise NotImplementedError

    def __getitem__(self, row):
        return self.to_list()[row]

    def __iter__(self) -> Iterator:
        return iter(self.to_list())

    @property
    def has_nulls(self) -> bool:
        """Whether any value may be null. Costs nothing."""
        raise NotImplementedError

    def flags(self) -> bytes:
        """One byte per row: 1 where the value is not null."""
        raise NotImplementedError

    def _raw(self) -> list:
        """The values, anything where they are null."""
        return self.to_list()

    def is_null(self) -> Mask:
        """The rows whose value is null."""
        return ~Mask(self.flags())

    def is_valid(self) -> Mask:
        """The rows whose value is not null."""
        return Mask(self.flags())

    def map(self, function: Callable[[Any], Any]) -> Computed:
        """`function` of each value that is not null; nulls stay."""
        if not self.has_nulls:
            return Computed(list(map(function, self._raw())))
        return Computed([None if value is None else function(value) for value in self.to_list()])

    def where(self, function: Callable[[Any], object]) -> Mask:
        """The rows for whose value `function` is true; it is not asked about nulls."""
        if not self.has_nulls:
            return Mask(bytes([1 if function(value) else 0 for value in self._raw()]))
        return Mask(bytes([1 if value is not None and function(value) else 0 for value in self.to_list()]))

    # Each operator has a loop of its own: a call for each value would cost more than what it does.

    def _compared(self, compared: Callable[[list], list]) -> Mask:
        if not self.has_nulls:
            return Mask(bytes(compared(self._raw())))
        flags = self.flags()
        # Where a value is null there may be anything, also None.
        raw = self._raw()
        if None in raw:
            valid = bytes(compared(list(compress(raw, flags))))
            found = iter(valid)
            return Mask(bytes([next(found) if flag else 0 for flag in flags]))
        return Mask(bytes(compared(raw))) & Mask(flags)

    def _compare(self, other: Any, one: Callable[[list], list], function: Callable) -> Mask:
        if not isinstance(other, Values):
            return self._compared(one)
        pairs = zip(self.to_list(), other.to_list(), strict=True)
        return Mask(bytes([1 if a is not None and b is not None and function(a, b) else 0 for a, b in pairs]))

    def __gt__(self, other):
        return self._compare(other, lambda raw: [value > other for value in raw], operator.gt)

    def __ge__(self, other):
        return self._compare(other, lambda raw: [value >= other for value in raw], operator.ge)

    def __lt__(self, other):
        return self._compare(other, lambda raw: [value < other for value in raw], operator.lt)

    def __le__(self, other):
        return self._compare(other, lambda raw: [value <= other for value in raw], operator.le)

    def __eq__(self, other):
        return self._compare(other, lambda raw: [value == other for value in raw], operator.eq)

    def __ne__(self, other):
        return self._compare(other, lambda raw: [value != other for value in raw], operator.ne)

    __hash__ = None

    def is_in(self, values) -> Mask:
        """The rows whose value is among these."""
        wanted = frozenset(values)
        return self._compared(lambda raw: [value in wanted for value in raw])

    def _combined(self, other: Any, one: Callable[[list], list], function: Callable, reversed: bool = False) -> Values:
        if isinstance(other, Values):
            pairs = zip(self.to_list(), other.to_list(), strict=True)
            if not self.has_nulls and not other.has_nulls:
                return Computed(list(map(function, self._raw(), other._raw())))
            return Computed([None if a is None or b is None else function(a, b) for a, b in pairs])
        if other is None:
            return Computed([None] * len(self))
        if not self.has_nulls:
            return Computed(one(self._raw()))
        flags = self.flags()
        made = iter(one(list(compress(self.to_list(), flags))))
        return Computed([next(made) if flag else None for flag in flags])

    def __add__(self, other):
        return self._combined(other, lambda raw: [value + other for value in raw], operator.add)

    def __radd__(self, other):
        return self._combined(other, lambda raw: [other + value for value in raw], operator.add, reversed=True)

    def __sub__(self, other):
        return self._combined(other, lambda raw: [value - other for value in raw], operator.sub)

    def __rsub__(self, other):
        return self._combined(other, lambda raw: [other - value for value in raw], operator.sub, reversed=True)

    def __mul__(self, other):
        return self._combined(other, lambda raw: [value * other for value in raw], operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._combined(other, lambda raw: [value / other for value in raw], operator.truediv)

    def __rtruediv__(self, other):
        return self._combined(other, lambda raw: [other / value for value in raw], operator.truediv, reversed=True)

    def __floordiv__(self, other):
        return self._combined(other, lambda raw: [value // other for value in raw], operator.floordiv)

    def __mod__(self, other):
        return self._combined(other, lambda raw: [value % other for value in raw], operator.mod)

    def __neg__(self):
        return self._combined(0, lambda raw: [-value for value in raw], operator.neg)


class Computed(Values):
    """Values that were computed: of no Arrow type yet, and without buffers."""

    __slots__ = ("_flags", "_list")

    def __init__(self, values: list):
        self._list = values
        self._flags: bytes | None = None

    def __len__(self) -> int:
        return len(self._list)

    def __repr__(self) -> str:
        return f"Computed({self._list!r})"

    def to_list(self) -> list:
        return self._list

    @property
    def has_nulls(self) -> bool:
        return None in self._list if self._flags is None else 0 in self._flags

    def flags(self) -> bytes:
        if self._flags is None:
            if None in self._list:
                self._flags = bytes([value is not None for value in self._list])
            else:
                self._flags = b"\x01" * len(self._list)
        return self._flags


class Column(Values):
    """A column of a batch, or one that was built: Arrow buffers."""

    __slots__ = ("_flags", "_list", "field", "node")

    def __init__(self, field: Field, node: Node):
        self.field = field
        self.node = node
        self._list: list | None = None
        self._flags: bytes | None = None

    @property
    def type(self) -> DataType:
        return self.field.type

    @property
    def name(self) -> str:
        return self.field.name

    def __repr__(self) -> str:
        return f"<Column {self.field.name}: {self.field.type}, {len(self)} values>"

    def __len__(self) -> int:
        return self.node.length

    @property
    def has_nulls(self) -> bool:
        if self.type.name in ("null", "dictionary"):
            return 0 in self.flags()
        return bool(self.node.validity)

    def flags(self) -> bytes:
        if self._flags is None:
            self._flags = self._found_flags()
        return self._flags

    def _found_flags(self) -> bytes:
        node = self.node
        if self.type.name == "null":
            return bytes(node.length)
        if self.type.name == "dictionary" and self.children[0].has_nulls:
            return bytes([value is not None for value in self.to_list()])
        return unpacked(node.validity, node.length) if node.validity else b"\x01" * node.length

    @property
    def children(self) -> list[Column]:
        """The columns below: the item of a list, the fields of a struct, the entries of a map, the values of a dictionary."""
        pairs = zip(self.type.children, self.node.children, strict=True)
        return [Column(field, node) for field, node in pairs]

    @property
    def values(self) -> memoryview:
        """The numbers of the buffer without a copy; anything where they are null. Of dates, times and instants, the numbers too."""
        code = NATIVE.get(self.type.name) or STORED.get(self.type.name)
        if code is None:
            raise TypeError(f"the values of {self.type} do not lie side by side as numbers")
        return memoryview(self.node.values)[: self.node.length * array(code).itemsize].cast(code)

    def to_list(self) -> list:
        """All values; None for nulls. The list is kept: it must not be changed."""
        if self._list is None:
            raw = self._decoded()
            if self.node.validity and self.type.name != "null":
                raw = [value if flag else None for value, flag in zip(raw, unpacked(self.node.validity, len(self)))]
            self._list = raw
        return self._list

    def _raw(self) -> list:
        if self._list is not None:
            return self._list
        if not self.node.validity:
            return self.to_list()
        return self._decoded()

    def __getitem__(self, row):
        if self._list is None and isinstance(row, int):
            code = NATIVE.get(self.type.name)
            if code is not None:
                if row < 0:
                    row += len(self)
                is_null = self.node.validity and not self.node.validity[row >> 3] >> (row & 7) & 1
                return None if is_null else self.values[row]
        return self.to_list()[row]

    # ---- in compiled code, where it can ----------------------------------------------------------------------

    def _valid(self, flags: bytes) -> Mask:
        mask = Mask(flags[: len(self)])
        return mask & Mask(self.flags()) if self.node.validity else mask

    def _compare(self, other: Any, one: Callable[[list], list], function: Callable) -> Mask:
        flags = None
        if isinstance(other, str) and self.type.name == "utf8" and function in (operator.eq, operator.ne):
            flags = kernels.is_in([other], *self._buffers())
            if flags is not None and function is operator.ne:
                flags = (~Mask(flags)).flags
        elif not isinstance(other, Values):
            flags = kernels.compare(self.type.name, self.node.values, len(self), function, other)
        return super()._compare(other, one, function) if flags is None else self._valid(flags)

    def is_in(self, values) -> Mask:
        """The rows whose value is among these."""
        if self.type.name == "utf8":
            values = list(values)
            flags = kernels.is_in(values, *self._buffers())
            if flags is not None:
                return self._valid(flags)
        return super().is_in(values)

    def _combined(self, other: Any, one: Callable[[list], list], function: Callable, reversed: bool = False) -> Values:
        if self.type == _FLOAT64:
            if not isinstance(other, Values):
                made = kernels.combine(self.node.values, len(self), function, other, reversed)
                if made is not None:
                    return Column(Field("", _FLOAT64), Node(len(self), self.node.validity, values=made))
            elif isinstance(other, Column) and other.type == _FLOAT64 and len(other) == len(self):
                made = kernels.combine_pairs(self.node.values, other.node.values, len(self), function)
                if made is not None:
                    validity = _both(self.node.validity, other.node.validity)
                    return Column(Field("", _FLOAT64), Node(len(self), validity, values=made))
        return super()._combined(other, one, function, reversed)

    def _buffers(self) -> tuple[bytes, bytes, int]:
        return self.node.offsets, self.node.values, len(self)

    def take(self, rows: Sequence[int]) -> Computed:
        """The values of these rows."""
        return Computed(list(map(self.to_list().__getitem__, rows)))

    # ---- text ------------------------------------------------------------------------------------------------

    def _text(self) -> None:
        if self.type.values.name not in ("utf8", "large_utf8"):
            raise TypeError(f"{self.name} is {self.type}, and no text")

    def upper(self) -> Values:
        """The text in capitals."""
        return self._recased(str.upper)

    def lower(self) -> Values:
        """The text in small letters."""
        return self._recased(str.lower)

    def _recased(self, change: Callable[[str], str]) -> Values:
        self._text()
        if self.type.name != "dictionary":
            new = recased(self.node.values, change)
            if new is not None:
                return Column(self.field, Node(self.node.length, self.node.validity, self.node.offsets, new))
        return self.map(change)

    def length(self) -> Computed:
        """The code points of each text; the bytes of binary."""
        return self.map(len)

    def contains(self, part: str) -> Mask:
        """The rows whose text has `part` in it."""
        self._text()
        if self.type.name == "utf8" and (flags := kernels.contains(part, *self._buffers())) is not None:
            return self._valid(flags)
        return self._compared(lambda raw: [part in text for text in raw])

    def matches(self, pattern: str | re.Pattern) -> Mask:
        """The rows whose whole text matches a regular expression."""
        self._text()
        pattern = re.compile(pattern)
        match = pattern.fullmatch
        if self.type.name == "utf8" and (found := kernels.matches(pattern, *self._buffers())) is not None:
            flags, unknown = found
            if unknown:
                flags = bytearray(flags)
                for row in unknown:
                    flags[row] = match(self._text_at(row)) is not None
            return self._valid(bytes(flags))
        return self._compared(lambda raw: [found is not None for found in map(match, raw)])

    def _text_at(self, row: int) -> str:
        start, end = packing.unpack_from("<ii", self.node.offsets, 4 * row)
        return self.node.values[start:end].decode()

    def part(self, separator: str, index: int) -> Values:
        """What is between the `index`-th `separator` and the next one, counted from 0; null where there are not as many."""
        self._text()
        if self.type.name == "utf8" and (found := kernels.part(separator, index, *self._buffers())) is not None:
            at, values, flags = found
            valid = self._valid(flags)
            validity = b"" if valid.all() else packed(valid.flags)
            return Column(Field(self.name, self.type), Node(len(self), validity, at, values))
        splits = index + 1
        parts = (
            None if text is None else text.split(separator, splits) for text in self.to_list()
        )
        return Computed([found[index] if found is not None and len(found) > index else None for found in parts])

    # ---- from buffers to values ------------------------------------------------------------------------------

    def _decoded(self) -> list:
        """All values, and anything where they are null."""
        node, kind = self.node, self.type
        name = kind.name
        if code := NATIVE.get(name):
            return numbers(node, code).tolist()
        if name in ("utf8", "large_utf8"):
            return texts(node, "i" if name == "utf8" else "q")
        if name in ("binary", "large_binary"):
            return byte_strings(node, "i" if name == "binary" else "q")
        if code := STORED.get(name):
            return list(map(scalars.reader(kind), numbers(node, code)))
        if name == "boolean":
            return list(map(bool, unpacked(node.values, node.length)))
        if name == "null":
            return [None] * node.length
        if name == "float16":
            return list(packing.unpack_from(f"<{node.length}e", node.values))
        if size := WIDE.get(name):
            values, of = node.values, int.from_bytes
            read = scalars.reader(kind)
            return [read(of(values[at : at + size], "little", signed=True)) for at in range(0, node.length * size, size)]
        if name == "fixed_size_binary":
            size = kind.size
            return [node.values[at * size : (at + 1) * size] for at in range(node.length)]
        if name == "interval":
            return self._intervals()
        return self._nested()

    def _intervals(self) -> list:
        layout = packing.Struct(INTERVALS[self.type.unit])
        found = layout.iter_unpack(self.node.values[: self.node.length * layout.size])
        if self.type.unit == "year_month":
            return [scalars.Interval(months) for (months,) in found]
        if self.type.unit == "day_time":
            return [scalars.Interval(0, days, ms * 10**6) for days, ms in found]
        return [scalars.Interval(*parts) for parts in found]

    def _nested(self) -> list:
        node, kind = self.node, self.type
        children = [child.to_list() for child in self.children]
        if kind.name == "struct":
            names = [child.name for child in kind.children]
            if not names:
                return [{} for _ in range(node.length)]
            return [dict(zip(names, values)) for values in zip(*children)]
        items = children[0]
        if kind.name == "dictionary":
            code = NATIVE[kind.index]
            keys = numbers(node, code)
            if node.validity:
                # Where a key is null it may be anything.
                return [items[key] if flag else None for key, flag in zip(keys, unpacked(node.validity, node.length))]
            return list(map(items.__getitem__, keys))
        if kind.name == "fixed_size_list":
            size = kind.size
            return [items[at * size : (at + 1) * size] for at in range(node.length)]
        if kind.name == "map":
            # Entries are no nulls, and what is of interest are pairs.
            entries = self.children[0]
            keys, values = (child.to_list() for child in entries.children)
            items = list(zip(keys, values))
        at = offsets(node, "q" if kind.name == "large_list" else "i")
        return [items[at[row] : at[row + 1]] for row in range(node.length)]


_FLOAT64 = DataType("float64")


def _both(one: bytes, other: bytes) -> bytes:
    """The bitmap of what two bitmaps have in common; those without nulls are empty."""
    if not one or not other:
        return one or other
    size = min(len(one), len(other))
    number = int.from_bytes(one[:size], "little") & int.from_bytes(other[:size], "little")
    return number.to_bytes(size, "little")


_ASCII = bytes(range(128))


def recased(data: bytes, change: Callable[[str], str]) -> bytes | None:
    """Text in UTF-8 in capitals or in small letters, all at once; None where characters take other numbers of bytes then, so that
    offsets would not be right any more."""
    changed = data.upper() if change is str.upper else data.lower()
    if data.isascii():
        return changed
    # The bytes method changes ASCII only. Of the other characters there are few different ones.
    others = {}
    for old in set(data.translate(None, _ASCII).decode()):
        new = change(old)
        if new == old:
            continue
        # How the sigma is written in small letters depends on where in a word it is.
        if len(new.encode()) != len(old.encode()) or old == "\u03a3":
            return None
        others[old] = new
    if not others.keys().isdisjoint(others.values()):
        return None
    for old, new in others.items():
        changed = changed.replace(old.encode(), new.encode())
    return changed


def numbers(node: Node, code: str) -> array:
    """The numbers in the values of a node."""
    found = array(code)
    found.frombytes(node.values[: node.length * found.itemsize])
    return found


def offsets(node: Node, code: str) -> array:
    found = array(code)
    if node.offsets:
        found.frombytes(node.offsets[: (node.length + 1) * found.itemsize])
    else:
        found.append(0)
    return found


def byte_strings(node: Node, code: str) -> list[bytes]:
    at = offsets(node, code)
    values = node.values
    return [values[start:end] for start, end in zip(at, at[1:])]


def texts(node: Node, code: str) -> list[str]:
    at = offsets(node, code)
    values = node.values
    if values.isascii():
        # A character is a byte, so offsets are positions in the text.
        text = values.decode("ascii")
        return [text[start:end] for start, end in zip(at, at[1:])]
    pieces = [values[start:end] for start, end in zip(at, at[1:])]
    if b"\x00" in values:
        return [piece.decode() for piece in pieces]
    # One text of all, decoded and taken apart again, costs less than decoding each.
    return b"\x00".join(pieces).decode().split("\x00") if node.length else []
