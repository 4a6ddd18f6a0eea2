"""Extractors: sources of batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .builder import build
from .column import Column
from .errors import Fatal
from .plugin import Plugin
from .rows import encode
from .transformer import Output
from .types import Field, Wanted, written


class Extractor(Plugin):
    """A plugin that reads from somewhere.

    `bind` and `plan` are called once per run; then, for each split on an instance of its own, `open`, `next` until it returns
    false, and `cursor`. A split may be read again, and must then give the same rows in the same order.
    """

    def bind(self, plan: WritePlan) -> None:
        """Declares the columns."""

    def plan(self, cursors: Sequence[Cursor]) -> Iterable[Split]:
        """Divides the work. `cursors` are those of the last run that was committed, one for each split that had one."""
        return [Split("all")]

    def open(self, split: Split) -> None:
        """Prepares to read one split."""

    def next(self, max_rows: int, out: Extracted) -> bool:
        """Sets the next rows on `out`, at most `max_rows`. False at the end of the split."""
        raise NotImplementedError

    def cursor(self) -> str | None:
        """Where the next run should go on, once the split is read to its end."""
        return None


@dataclass(frozen=True)
class Cursor:
    split: str
    position: str


@dataclass(frozen=True)
class Split:
    """A share of the work."""

    id: str
    """Unique within the run; the same share has the same id in each run."""
    descriptor: str = ""
    """Whatever `open` needs to know."""
    rows: int | None = None
    """An estimate."""
    bytes: int | None = None
    """An estimate."""


class WritePlan:
    """The columns that an extractor writes."""

    def __init__(self) -> None:
        self.output: list[Output] = []
        self.is_rows = False

    def write(self, column: str | Field, wanted: Wanted | None = None) -> Output:
        """Adds a column: a name and a type, or a field."""
        if not isinstance(column, Field):
            if wanted is None:
                raise TypeError(f"of which type is `{column}`?")
            column = Field(column, written(wanted))
        output = Output(column, len(self.output))
        self.output.append(output)
        return output

    def rows(self) -> None:
        """Has rows cross as JSON: `out.emit` takes dicts."""
        self.is_rows = True


class Extracted:
    """The next rows of a split: set by columns, `out[output] = values`, or emitted one by one as dicts."""

    def __init__(self, plan: WritePlan) -> None:
        self._plan = plan
        self._columns: dict[int, Column] = {}
        self._names = frozenset(output.name for output in plan.output)
        self._rows: list[Mapping[str, Any]] = []
        self.bad_records: list[tuple[str, bytes, str, str]] = []

    def __setitem__(self, output: Output, values: Iterable[Any]) -> None:
        """Sets the values of a column: as many as every other column gets."""
        self._columns[output.slot] = build(output.field, values)

    def set(self, output: Output, values: Iterable[Any]) -> None:
        self[output] = values

    def __len__(self) -> int:
        """How many rows were set so far."""
        return max(map(len, self._columns.values()), default=len(self._rows))

    def emit(self, *rows: Mapping[str, Any]) -> None:
        """Adds rows. Keys that are missing are null."""
        for row in rows:
            if not self._names >= row.keys():
                unknown = min(row.keys() - self._names)
                raise Fatal(f"a row has the column `{unknown}`, which is not written")
            self._rows.append(row)

    def reject(self, position: str, raw: bytes | str, rule: str, message: str) -> None:
        """Puts a record that could not be made into a row into the quarantine. `position` says where it was found, such as
        `page 3, item 17`; `raw` is the record as received."""
        self.bad_records.append((position, raw.encode() if isinstance(raw, str) else bytes(raw), rule, message))

    def made(self) -> tuple[int, list[Column] | str]:
        """How many rows, and the columns or the rows in JSON."""
        if self._plan.is_rows:
            return len(self._rows), encode(self._rows)
        if self._rows:
            # Emitted rows are columns too, where nobody asked for JSON.
            for output in self._plan.output:
                self[output] = [row.get(output.name) for row in self._rows]
        columns = []
        for output in self._plan.output:
            column = self._columns.get(output.slot)
            if column is None and not self._columns:
                column = build(output.field, [])
            if column is None:
                raise Fatal(f"the column `{output.name}` is written and was not set")
            columns.append(column)
        counts = {len(column) for column in columns}
        if len(counts) > 1:
            raise Fatal("the columns of a batch differ in length")
        return (counts.pop() if counts else 0), columns


class Bound:
    """An extractor with its columns."""

    def __init__(self, cls: type[Extractor], config: str):
        self.plugin = cls.of(config)
        self.plan = WritePlan()
        self.plugin.bind(self.plan)

    def next(self, max_rows: int) -> Extracted | None:
        out = Extracted(self.plan)
        has_more = self.plugin.next(max_rows, out)
        return out if has_more else None
