"""From the types of the bindings to those of the SDK, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wit_world.imports import types as wit

from ..column import Column, Node
from ..findings import Findings
from ..schema import Schema
from ..types import DataType, Field

_UNITS = {wit.TimeUnit.SECOND: "s", wit.TimeUnit.MILLISECOND: "ms", wit.TimeUnit.MICROSECOND: "us", wit.TimeUnit.NANOSECOND: "ns"}
_UNITS_BACK = {name: unit for unit, name in _UNITS.items()}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


_NAMES = [
    "null", "boolean", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "utf8", "large_utf8", "binary", "large_binary", "fixed_size_binary", "date32", "date64", "time32", "time64", "timestamp", "duration",
    "interval", "decimal32", "decimal64", "decimal128", "decimal256", "list", "large_list", "fixed_size_list", "struct", "map",
    "dictionary",
]
_CLASSES = {name: getattr(wit, f"DataType_{_camel(name)}") for name in _NAMES}
_CLASS_NAMES = {found: name for name, found in _CLASSES.items()}


# ---- schemas ---------------------------------------------------------------------------------------------------


def schema(found: wit.Schema) -> Schema:
    fields = iter(found.fields)
    columns = []
    for field in fields:
        columns.append(_field(field, fields))
    return Schema(columns)


def _field(found: wit.Field, following: Iterator[wit.Field]) -> Field:
    children = tuple(_field(next(following), following) for _ in range(found.children))
    metadata = tuple((key, value) for key, value in found.metadata)
    return Field(found.name, _type(found.data_type, children), found.nullable, metadata)


def _type(found: wit.DataType, children: tuple[Field, ...]) -> DataType:
    name = _CLASS_NAMES[type(found)]
    value = getattr(found, "value", None)
    if name in ("time32", "time64", "duration"):
        return DataType(name, unit=_UNITS[value])
    if name == "timestamp":
        return DataType(name, unit=_UNITS[value.unit], zone=value.zone)
    if name == "interval":
        return DataType(name, unit=value.name.lower())
    if name.startswith("decimal"):
        return DataType(name, precision=value.precision, scale=value.scale)
    if name in ("fixed_size_binary", "fixed_size_list"):
        return DataType(name, size=value, children=children)
    if name == "map":
        return DataType(name, sorted=value, children=children)
    if name == "dictionary":
        return DataType(name, index=value.name.lower(), children=children)
    return DataType(name, children=children)


def fields(field: Field) -> list[wit.Field]:
    """A field, followed by its descendants."""
    children = field.type.children
    found = [wit.Field(field.name, _wit_type(field.type), field.nullable, len(children), list(field.metadata))]
    for child in children:
        found += fields(child)
    return found


def _wit_type(kind: DataType) -> wit.DataType:
    name, made = kind.name, _CLASSES[kind.name]
    if name in ("time32", "time64", "duration"):
        return made(_UNITS_BACK[kind.unit])
    if name == "timestamp":
        return made(wit.TimestampType(_UNITS_BACK[kind.unit], kind.zone))
    if name == "interval":
        return made(wit.IntervalUnit[kind.unit.upper()])
    if name.startswith("decimal"):
        return made(wit.DecimalType(kind.precision, kind.scale))
    if name in ("fixed_size_binary", "fixed_size_list"):
        return made(kind.size)
    if name == "map":
        return made(kind.sorted)
    if name == "dictionary":
        return made(wit.IndexType[kind.index.upper()])
    return made()


# ---- data ------------------------------------------------------------------------------------------------------


def columns_in(nodes: Sequence[wit.Node], read: Iterable[Field]) -> list[Node]:
    """The nodes of the columns that were read."""
    following = iter(nodes)
    return [_node(field.type, following) for field in read]


def _node(kind: DataType, following: Iterator[wit.Node]) -> Node:
    found = next(following)
    children = [_node(child.type, following) for child in kind.children]
    return Node(found.length, found.validity, found.offsets, found.values, children)


def nodes(column: Column) -> list[wit.Node]:
    """The nodes of a column, in pre-order."""
    found: list[wit.Node] = []
    _add(column.node, found)
    return found


def _add(node: Node, found: list[wit.Node]) -> None:
    found.append(wit.Node(node.length, node.validity, node.offsets, node.values))
    for child in node.children:
        _add(child, found)


def encoding(is_rows: bool) -> wit.Encoding:
    return wit.Encoding.JSON if is_rows else wit.Encoding.COLUMNS


def findings(found: Findings) -> list[wit.Finding]:
    return [wit.Finding(rows, rule, column, message) for rows, rule, column, message in found]
