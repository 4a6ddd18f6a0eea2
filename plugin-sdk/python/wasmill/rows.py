"""Rows as dicts: how JSON that crosses becomes Python values, and Python values become JSON.

Rows are as JSON has them: dates and instants are RFC 3339 text, bytes are hexadecimal. Decimals are `Decimal`s. To write, the
values of Python do as well: `date`, `datetime`, `time`, `bytes`, `Decimal`, `UUID`, `Enum`. A float that is no number becomes null.
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

from .types import DataType, Field


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
