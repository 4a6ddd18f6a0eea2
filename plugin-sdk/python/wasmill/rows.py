"""Rows as dicts: how what crosses becomes dicts, and dicts become what crosses.

Rows are as JSON has them: dates and instants are RFC 3339 text, bytes are hexadecimal. Decimals are `Decimal`s. To write, the
values of Python do as well: `date`, `datetime`, `time`, `bytes`, `Decimal`, `UUID`, `Enum`.

Where all columns are of types whose values are the same in Python and in JSON, columns cross, and dicts are made of them and taken
apart again: that is faster. Otherwise rows cross as JSON, and a float that is no number becomes null.
"""

from __future__ import annotations

import datetime
import enum
import json
import math
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from .builder import build
from .column import Column
from .types import DataType, Field

_PLAIN = frozenset((
    "boolean", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float64", "utf8", "large_utf8",
))


def are_plain(fields: Iterable[Field]) -> bool:
    """Whether the values of these columns are the same in Python and in JSON."""
    return all(field.type.values.name in _PLAIN for field in fields)


def row_maker(fields: Iterable[Field]) -> Callable[[list[Column], int], list[dict]]:
    """What makes rows of columns of these fields."""
    names = [field.name for field in fields]
    if not names:
        return lambda _, count: [{} for _ in range(count)]
    # One comprehension for these names: a row costs what its dict costs.
    values = [f"value{place}" for place in range(len(names))]
    pairs = ", ".join(f"{name!r}: {value}" for name, value in zip(names, values))
    each = eval(f"lambda columns: [{{{pairs}}} for {', '.join(values)}, in zip(*columns)]")
    return lambda columns, _: each([column.to_list() for column in columns])


def columns_of(fields: Iterable[Field], rows: list[dict]) -> list[Column]:
    """The columns of rows. Keys that are missing are null."""
    return [_column(field, [row.get(field.name) for row in rows]) for field in fields]


def _column(field: Field, values: list) -> Column:
    try:
        return build(field, values)
    except TypeError:
        if field.type.values.name in ("utf8", "large_utf8"):
            values = [value if value is None or isinstance(value, str) else _default(value) for value in values]
        return build(field, values)


def decoder(fields: Iterable[Field]) -> Callable[[str], list[dict]]:
    """What makes rows of JSON, for columns of these fields."""
    fields = list(fields)
    fixes = {field.name: fix for field in fields if (fix := _fix(field.type)) is not None}
    if not any(_has_decimals(field.type) for field in fields):
        return json.loads

    def decode(text: str) -> list[dict]:
        # A float would lose digits of a decimal. So all numbers come as decimals, and floats are made of those that are none.
        rows = json.loads(text, parse_float=Decimal)
        for row in rows:
            for name, fix in fixes.items():
                value = row.get(name)
                if value is not None:
                    row[name] = fix(value)
        return rows

    return decode


def _has_decimals(kind: DataType) -> bool:
    return kind.name.startswith("decimal") or any(_has_decimals(child.type) for child in kind.children)


def _fix(kind: DataType) -> Callable[[Any], Any] | None:
    """What makes the value of a column of what JSON with decimals has; None where it is that already."""
    name = kind.name
    if name.startswith("decimal"):
        return Decimal
    if name.startswith("float"):
        return float
    if name == "struct":
        fixes = {child.name: fix for child in kind.children if (fix := _fix(child.type)) is not None}
        if not fixes:
            return None
        return lambda value: {
            key: fixes[key](each) if key in fixes and each is not None else each for key, each in value.items()
        }
    if name == "dictionary":
        return _fix(kind.children[0].type)
    if name == "map":
        fix = _fix(kind.children[0].type.children[1].type)
        return fix and (lambda value: {key: None if each is None else fix(each) for key, each in value.items()})
    if kind.children:
        fix = _fix(kind.children[0].type)
        return fix and (lambda value: [None if each is None else fix(each) for each in value])
    return None


def _default(value: Any) -> Any:
    """What the JSON encoder of Python does not know."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"a {type(value).__name__} cannot be a value of a row")


# Made once: `json.dumps` with arguments of its own makes an encoder for each call.
_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=_default
).encode


def encode(rows: list[dict]) -> str:
    """Rows as JSON."""
    try:
        return _encode(rows)
    except ValueError:
        return _encode(_without_nan(rows))


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in value]
    return value
