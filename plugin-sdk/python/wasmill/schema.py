"""The columns of the input, and which of them a plugin reads: found by name and type when it is bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .column import Column, Node
from .errors import BadSchema, Fatal
from .types import DataType, Field, Wanted, is_read_as


class Schema(Sequence):
    """The input columns, in order."""

    def __init__(self, fields: Sequence[Field]):
        self._fields = tuple(fields)
        self._positions = {field.name: position for position, field in enumerate(self._fields)}

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def __getitem__(self, key):
        """The field at a position or of a name. Raises `BadSchema` where there is none of that name."""
        return self._fields[self.position(key) if isinstance(key, str) else key]

    def __contains__(self, name: object) -> bool:
        return name in self._positions

    @property
    def names(self) -> list[str]:
        return list(self._positions)

    def position(self, name: str) -> int:
        if name not in self._positions:
            raise BadSchema(name, f"there is no such column; there are {', '.join(self._positions)}")
        return self._positions[name]


@dataclass(frozen=True, eq=False)
class Input:
    """A column that is read: the key of a batch."""

    field: Field
    position: int
    """Among the input columns."""
    slot: int
    """Among the columns that are read."""

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def type(self) -> DataType:
        return self.field.type


class ReadPlan:
    """What a plugin reads. Handed to `bind`."""

    def __init__(self, schema: Schema):
        self.schema = schema
        self.inputs: list[Input] = []
        self.is_rows: bool | None = None
        self.is_json = False
        """Whether rows cross as JSON: set when all columns are known."""

    def read(self, name: str, wanted: Wanted | None = None) -> Input:
        """Reads a column, of the type `wanted` where one is given: an Arrow type, or a Python type for all that give such values.

        Raises `BadSchema` where there is no such column, or it has another type.
        """
        position = self.schema.position(name)
        field = self.schema[position]
        if wanted is not None and not is_read_as(field.type, wanted):
            named = wanted.__name__ if isinstance(wanted, type) else wanted
            raise BadSchema(name, f"it is {field.type}, and {named} is needed")
        for known in self.inputs:
            if known.position == position:
                return known
        found = Input(field, position, len(self.inputs))
        self.inputs.append(found)
        return found

    def rows(self) -> None:
        """Has rows given to the method for rows, as dicts."""
        self.is_rows = True

    def columns(self) -> None:
        """Has columns given to the method for columns: the default, where there is one."""
        self.is_rows = False


class Batch:
    """Some rows of the input: the columns that were read. `batch[input]` is a column; so is `batch["name"]`."""

    def __init__(self, rows: int, inputs: Sequence[Input], nodes: Sequence[Node]):
        if len(inputs) != len(nodes):
            raise Fatal(f"{len(nodes)} columns came, and {len(inputs)} are read")
        self.rows = rows
        self._inputs = inputs
        self._columns = [Column(read.field, node) for read, node in zip(inputs, nodes)]

    def __len__(self) -> int:
        """How many rows there are."""
        return self.rows

    def __getitem__(self, key: Input | str) -> Column:
        if isinstance(key, str):
            for column in self._columns:
                if column.name == key:
                    return column
            raise KeyError(f"{key}: no such column is read; read are {', '.join(column.name for column in self._columns)}")
        return self._columns[key.slot]

    @property
    def columns(self) -> list[Column]:
        """All columns, in the order in which they were read."""
        return list(self._columns)
