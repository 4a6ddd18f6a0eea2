"""The Arrow types of columns, and the fields that have them.

A type without parameters is a constant (`int64`, `utf8`), one with parameters a function (`timestamp("us", "UTC")`,
`list_of(float64)`). Where a type is asked for, a Python type can be given too: `str`, `int`, `float`, `bool`, `bytes`, `date`,
`datetime`, `timedelta`. To write, each stands for one Arrow type; to read, for all that give such values.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

__all__ = [
    "DataType", "Field", "binary", "boolean", "date32", "date64", "decimal", "dictionary", "duration", "fixed_size_binary",
    "fixed_size_list_of", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "interval", "large_binary",
    "large_list_of", "large_utf8", "list_of", "map_of", "null", "struct", "time32", "time64", "timestamp", "uint8", "uint16",
    "uint32", "uint64", "utf8",
]

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""The units of time, and how many of each a second has."""


@dataclass(frozen=True)
class DataType:
    """An Arrow type. Made by the constants and functions of this module; parameters that a type has not are at their defaults."""

    name: str
    """As in the contract, with underscores: `int64`, `large_utf8`, `timestamp`."""
    unit: str | None = None
    """Of times, timestamps and durations `s`, `ms`, `us` or `ns`; of intervals `year_month`, `day_time` or `month_day_nano`."""
    zone: str | None = None
    """Of timestamps that are instants."""
    precision: int = 0
    scale: int = 0
    size: int = 0
    """Bytes of `fixed_size_binary`, values of `fixed_size_list`."""
    sorted: bool = False
    """Of a map: whether the keys of each are in order."""
    index: str | None = None
    """Of a dictionary: the name of the type of its keys."""
    children: tuple[Field, ...] = ()
    """The item of a list, the fields of a struct, the entries of a map, the values of a dictionary."""

    def __str__(self) -> str:
        parts = [str(part) for part in (self.unit, self.zone, self.index) if part]
        if self.name.startswith("decimal"):
            parts = [str(self.precision), str(self.scale)]
        if self.size:
            parts.append(str(self.size))
        if self.name == "struct":
            parts = [f"{child.name}: {child.type}" for child in self.children]
        else:
            parts += [str(child.type) for child in self.children]
        return f"{self.name}({', '.join(parts)})" if parts else self.name

    @property
    def values(self) -> DataType:
        """What a dictionary stands for; of other types, the type itself."""
        return self.children[0].type if self.name == "dictionary" else self


@dataclass(frozen=True)
class Field:
    """A column or a part of one: its name, its type, whether it may hold nulls."""

    name: str
    type: DataType
    nullable: bool = True
    metadata: tuple[tuple[str, str], ...] = field(default=())
    """Travels with the column."""

    def with_name(self, name: str) -> Field:
        return replace(self, name=name)


null = DataType("null")
boolean = DataType("boolean")
int8, int16, int32, int64 = (DataType(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (DataType(f"uint{bits}") for bits in (8, 16, 32, 64))
float16, float32, float64 = (DataType(f"float{bits}") for bits in (16, 32, 64))
utf8, large_utf8 = DataType("utf8"), DataType("large_utf8")
binary, large_binary = DataType("binary"), DataType("large_binary")
date32 = DataType("date32")
"""Days."""
date64 = DataType("date64")
"""Milliseconds, of whole days."""


def fixed_size_binary(size: int) -> DataType:
    """Byte strings of `size` bytes each."""
    return DataType("fixed_size_binary", size=size)


def time32(unit: str = "ms") -> DataType:
    """A time of day, in `s` or `ms`."""
    return DataType("time32", unit=unit)


def time64(unit: str = "us") -> DataType:
    """A time of day, in `us` or `ns`."""
    return DataType("time64", unit=unit)


def timestamp(unit: str = "us", zone: str | None = None) -> DataType:
    """An instant where a zone is given, such as `Europe/Berlin` or `+02:00`; otherwise what a local clock shows."""
    return DataType("timestamp", unit=unit, zone=zone)


def duration(unit: str = "us") -> DataType:
    return DataType("duration", unit=unit)


def interval(unit: str = "month_day_nano") -> DataType:
    return DataType("interval", unit=unit)


def decimal(precision: int, scale: int, bits: int | None = None) -> DataType:
    """Decimals of `precision` digits, `scale` of them behind the point; of 32, 64, 128 or 256 bits: 128 or 256 as needed."""
    bits = bits or (128 if precision <= 38 else 256)
    return DataType(f"decimal{bits}", precision=precision, scale=scale)


def _item(item: Wanted | Field) -> tuple[Field, ...]:
    return (item if isinstance(item, Field) else Field("item", written(item)),)


def list_of(item: Wanted | Field) -> DataType:
    return DataType("list", children=_item(item))


def large_list_of(item: Wanted | Field) -> DataType:
    """The same with 64-bit offsets."""
    return DataType("large_list", children=_item(item))


def fixed_size_list_of(item: Wanted | Field, size: int) -> DataType:
    """Lists of `size` items each."""
    return DataType("fixed_size_list", size=size, children=_item(item))


def struct(fields: Mapping[str, Wanted] | Iterable[Field]) -> DataType:
    """`struct({"x": float64, "y": float64})`."""
    if isinstance(fields, Mapping):
        fields = (Field(name, written(wanted)) for name, wanted in fields.items())
    return DataType("struct", children=tuple(fields))


def map_of(key: Wanted, value: Wanted, sorted: bool = False) -> DataType:
    entries = struct([Field("key", written(key), nullable=False), Field("value", written(value))])
    return DataType("map", sorted=sorted, children=(Field("entries", entries, nullable=False),))


def dictionary(values: Wanted, index: str = "int32") -> DataType:
    """Values that are written once each, and pointed at by keys of the integer type `index`."""
    return DataType("dictionary", index=index, children=(Field("values", written(values)),))


# ---- Python types ----------------------------------------------------------------------------------------------

Wanted = DataType | type
"""An Arrow type, or a Python type that stands for one."""

_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_WRITTEN = {
    bool: boolean, int: int64, float: float64, str: utf8, bytes: binary,
    datetime.date: date32, datetime.datetime: timestamp("us"), datetime.timedelta: duration("us"), datetime.time: time64("us"),
}
_READ = {
    bool: ("boolean",), int: _INTEGERS, float: ("float16", "float32", "float64"), str: ("utf8", "large_utf8"),
    bytes: ("binary", "large_binary", "fixed_size_binary"), datetime.date: ("date32", "date64"),
    datetime.datetime: ("timestamp",), datetime.timedelta: ("duration",), datetime.time: ("time32", "time64"),
}


def written(wanted: Wanted) -> DataType:
    """The Arrow type that is written where `wanted` is asked for."""
    if isinstance(wanted, DataType):
        return wanted
    try:
        return _WRITTEN[wanted]
    except KeyError:
        raise TypeError(f"{wanted!r} stands for no column type; give one of wasmill.types") from None


def is_read_as(found: DataType, wanted: Wanted) -> bool:
    """Whether a column of the type `found` can be read where `wanted` is asked for. A dictionary is seen through."""
    if isinstance(wanted, DataType):
        return wanted in (found, found.values)
    names = _READ.get(wanted)
    if names is None:
        raise TypeError(f"{wanted!r} stands for no column type; give one of wasmill.types")
    return found.values.name in names
