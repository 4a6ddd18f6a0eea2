"""Transformers: batches in, batches out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .builder import build
from .column import Column, Node
from .errors import BadSchema, Fatal, Reject
from .findings import Findings
from .mask import Mask, packed
from .plugin import Plugin, overrides
from .rows import are_plain, columns_of, decoder, encode, row_maker
from .schema import Batch, Input, ReadPlan, Schema
from .types import Field, Wanted, written


class Transformer(Plugin):
    """A plugin that changes batches: clean, enrich, reshape, filter.

    A subclass has `bind`, and one of `process` (columns) and `process_row` or `process_rows` (dicts). With both, `plan.rows()` or
    `plan.columns()` says which.
    """

    def bind(self, plan: Plan) -> None:
        """Finds the columns to read and declares those to write. Called to check a pipeline, and again on each instance: it
        must be a pure function of configuration and schema."""

    def open(self) -> None:
        """Called after `bind` on an instance that is going to work: the place to make what is dear or has effects."""

    def process(self, batch: Batch, out: Rows) -> None:
        """Processes one batch. Without anything set on `out`, all rows go on."""

    def process_row(self, row: dict) -> dict | Iterable[dict] | None:
        """What becomes of one row: a dict with the new columns (the row itself, changed, will do), several, or None to drop it.
        Raise `Reject` for a bad row."""
        raise NotImplementedError

    def process_rows(self, rows: list[dict], out: RowsOut) -> None:
        """Processes the rows of one batch. Without a method of the plugin's own, `process_row` is asked for each."""
        out.emit_each(self.process_row, rows)

    def finish(self, out: DetachedRows) -> None:
        """Called after the last batch: the place to write what was held back. Only possible where no column is kept."""

    def finish_rows(self) -> Iterable[dict]:
        """The same where rows are dicts."""
        return ()


@dataclass(frozen=True, eq=False)
class Output:
    """A column that is written: the key to set its values by."""

    field: Field
    slot: int

    @property
    def name(self) -> str:
        return self.field.name


@dataclass
class Kept:
    """An output column that passes by."""

    position: int
    name: str


class Plan(ReadPlan):
    """What a transformer reads and writes. The output starts as the input: all columns, kept."""

    def __init__(self, schema: Schema):
        super().__init__(schema)
        self.output: list[Kept | Output] = [Kept(position, field.name) for position, field in enumerate(schema)]
        self.declared = 0
        self.scope: tuple[str, list[int]] = ("rows", [])

    def write(self, column: str | Field, wanted: Wanted | None = None) -> Output:
        """Adds a column at the end, or in the place of the output column of that name. `column` is a name, with a type, or a field,
        such as that of an input: its type, nullability and metadata are taken over."""
        if isinstance(column, Field):
            field = column if wanted is None else replace(column, type=written(wanted))
        elif wanted is None:
            raise TypeError(f"of which type is `{column}`?")
        else:
            field = Field(column, written(wanted))
        output = Output(field, self.declared)
        self.declared += 1
        for place, present in enumerate(self.output):
            if present.name == field.name:
                self.output[place] = output
                return output
        self.output.append(output)
        return output

    def drop(self, *names: str) -> None:
        """Leaves columns out of the output."""
        for name in names:
            del self.output[self._place(name)]

    def drop_all(self) -> None:
        """Leaves all columns out of the output, so that only what is written from now on makes it up."""
        self.output.clear()

    def rename(self, old: str, new: str) -> None:
        """Renames an output column."""
        place = self._place(old)
        present = self.output[place]
        if isinstance(present, Kept):
            present.name = new
        else:
            self.output[place] = Output(present.field.with_name(new), present.slot)

    def keyed_by(self, *names: str) -> None:
        """All rows that agree in these columns meet one instance, in the order of the input."""
        self.scope = ("keyed", [self.schema.position(name) for name in names])

    def single_instance(self) -> None:
        """One instance sees all rows, in the order of the input."""
        self.scope = ("single", [])

    def _place(self, name: str) -> int:
        for place, present in enumerate(self.output):
            if present.name == name:
                return place
        raise BadSchema(name, "there is no such column in the output")

    def new(self) -> list[Output]:
        return [column for column in self.output if isinstance(column, Output)]


# ---- columns ---------------------------------------------------------------------------------------------------


@dataclass
class Made:
    """One output of a call, as it crosses: which rows, and the new columns or rows."""

    selection: tuple[str, Any]
    """`all`, `bitmap` with its bytes, `indices` with a list, `detached` with a number."""
    columns: list[tuple[str, Any]] | None = None
    """`keep` with a position, `per_input_row` or `per_output_row` with a column."""
    json: str | None = None


class Rows:
    """What becomes of the rows of one batch. `out[output] = values` sets a column: a column, a list with None for nulls, an array."""

    def __init__(self, rows: int):
        self._rows = rows
        self._keep: Mask | None = None
        self._taken: list[int] | None = None
        self._columns: dict[int, tuple[str, Any]] = {}
        self.findings = Findings()

    def __setitem__(self, output: Output, values: Iterable[Any]) -> None:
        """Sets the values of a column: one for each row of the batch, also for rows that do not go on. After `take`, one for each
        output row."""
        self._columns[output.slot] = ("new", build(output.field, values))

    def set(self, output: Output, values: Iterable[Any]) -> None:
        """The same as `out[output] = values`."""
        self[output] = values

    def unchanged(self, output: Output, read: Input | str) -> None:
        """Sets the values of a column to those of an input column of the same type. Costs nothing."""
        self._columns[output.slot] = ("keep", read)

    def filter(self, mask: Mask | Iterable[object]) -> None:
        """Lets only those rows go on for which the mask is true."""
        mask = mask if isinstance(mask, Mask) else Mask(mask)
        if len(mask) != self._rows:
            raise ValueError(f"a mask of {len(mask)} rows for a batch of {self._rows}")
        self._keep = mask if self._keep is None else self._keep & mask

    def drop(self, rows: Mask | Iterable[int] | int) -> None:
        """Drops rows: those of a mask, or by their positions."""
        self.filter(~_mask(rows, self._rows))

    def reject(self, rows: Mask | Iterable[int] | int, rule: str, message: str, column: str | None = None) -> None:
        """Puts rows into the quarantine: one, several, or those of a mask. `rule` is a short name to count by, such as `bad-date`;
        `column` the column at fault, where one is."""
        if isinstance(rows, int):
            # Filtered later, all at once.
            self.findings.add(rows, rule, column, message)
        else:
            self.findings.add_all(rows.rows() if isinstance(rows, Mask) else rows, rule, column, message)

    def take(self, rows: Iterable[int]) -> None:
        """Makes the output of these rows of the batch, in this order, repeated where they repeat. `filter` and `drop` are then of
        no effect, and rejected rows must not be among them."""
        self._taken = list(rows)

    def made(self, plan: Plan, schema: Schema) -> Made:
        rejected = self.findings.rows()
        if self._taken is not None:
            selection, expected, how = ("indices", self._taken), len(self._taken), "per_output_row"
        else:
            if rejected:
                self.filter(~_mask(rejected, self._rows))
            selection, expected, how = ("all", None), self._rows, "per_input_row"
            if self._keep is not None and not self._keep.all():
                selection = ("bitmap", packed(self._keep.flags))
        columns = []
        for output in plan.new():
            kind, values = self._columns.get(output.slot, (None, None))
            if kind is None:
                raise Fatal(f"the column `{output.name}` is written and was not set")
            if kind == "keep":
                columns.append(("keep", schema.position(values if isinstance(values, str) else values.name)))
                continue
            if len(values) != expected:
                raise Fatal(f"the column `{output.name}` has {len(values)} values for {expected} rows")
            columns.append((how, values))
        return Made(selection, columns=columns)


def _mask(rows: Mask | Iterable[int] | int, count: int) -> Mask:
    if isinstance(rows, Mask):
        return rows
    flags = bytearray(count)
    for row in (rows,) if isinstance(rows, int) else rows:
        flags[row] = 1
    return Mask(bytes(flags))


class DetachedRows:
    """Rows that belong to no input row. `out[output] = values`, as many of each column."""

    def __init__(self) -> None:
        self._columns: dict[int, Column] = {}

    def __setitem__(self, output: Output, values: Iterable[Any]) -> None:
        self._columns[output.slot] = build(output.field, values)

    def set(self, output: Output, values: Iterable[Any]) -> None:
        self[output] = values

    def made(self, plan: Plan) -> list[Made]:
        if not self._columns:
            return []
        columns = [self._columns.get(output.slot) for output in plan.new()]
        if any(column is None for column in columns):
            raise Fatal("a column is written and was not set")
        counts = {len(column) for column in columns}
        if len(counts) > 1:
            raise Fatal("the columns of the rows at the end differ in length")
        return [Made(("detached", counts.pop()), columns=[("per_output_row", column) for column in columns])]


# ---- rows ------------------------------------------------------------------------------------------------------


class RowsOut:
    """What becomes of the rows of one batch, as dicts."""

    def __init__(self, rows: int, plan: Plan):
        self._rows = rows
        written = [output.field for output in plan.new()]
        # The columns that rows are to become, where they do not cross as JSON.
        self._fields = None if plan.is_json else written
        self._names = frozenset(field.name for field in written)
        reads = [read.name for read in plan.inputs]
        # What a row has that was read only: it is taken out of rows that are returned as they came.
        self._only_read = tuple(name for name in dict.fromkeys(reads) if name not in self._names)
        self._known = self._names | frozenset(self._only_read)
        self._values: list[dict] = []
        self._sources: list[int] = []
        self.findings = Findings()

    def emit(self, values: Mapping[str, Any], row: int) -> None:
        """An output row, made of the input row at the position `row`: the values of the new columns."""
        self._values.append(self._checked(values))
        self._sources.append(row)

    def reject(self, row: int, rule: str, message: str, column: str | None = None) -> None:
        """Puts a row into the quarantine. It must not be emitted too."""
        self.findings.add(row, rule, column, message)

    def emit_each(self, function, rows: list[dict]) -> None:
        """Emits what `function` makes of each row."""
        names, only_read = self._names, self._only_read
        emit, come_from = self._values.append, self._sources.append
        for position, row in enumerate(rows):
            try:
                made = function(row)
            except Reject as bad:
                self.findings.add(position, bad.rule, bad.column, bad.message)
                continue
            if made is None:
                continue
            if made is row:
                for name in only_read:
                    row.pop(name, None)
                if not names >= row.keys():
                    made = self._checked(row)
            elif type(made) is dict:
                if not names >= made.keys():
                    made = self._checked(made)
            elif isinstance(made, Mapping):
                made = self._checked(made)
            else:
                for each in made:
                    emit(self._checked(each))
                    come_from(position)
                continue
            emit(made)
            come_from(position)

    def _checked(self, values: Mapping[str, Any]) -> dict:
        unknown = values.keys() - self._known
        if unknown:
            raise Fatal(f"a row has the column `{min(unknown)}`, which is not written; there are {', '.join(sorted(self._names))}")
        return {name: value for name, value in values.items() if name in self._names}

    def made(self) -> Made:
        sources, rows = self._sources, self._rows
        selection: tuple[str, Any] = ("indices", sources)
        if len(sources) == rows and sources == list(range(rows)):
            selection = ("all", None)
        elif all(a < b for a, b in zip(sources, sources[1:])):
            flags = bytearray(rows)
            for row in sources:
                flags[row] = 1
            selection = ("bitmap", packed(bytes(flags)))
        if self._fields is not None:
            return Made(selection, columns=[("per_output_row", column) for column in columns_of(self._fields, self._values)])
        return Made(selection, json=encode(self._values))


# ---- how the host drives it ------------------------------------------------------------------------------------


class Opened:
    """A transformer that is bound to a schema."""

    def __init__(self, cls: type[Transformer], config: str, schema: Schema):
        self.plugin = cls.of(config)
        self.plan = Plan(schema)
        self.plugin.bind(self.plan)
        if self.plan.is_rows is None:
            self.plan.is_rows = not overrides(self.plugin, Transformer, "process") and (
                overrides(self.plugin, Transformer, "process_row") or overrides(self.plugin, Transformer, "process_rows")
            )
        if self.plan.is_rows:
            fields = [read.field for read in self.plan.inputs]
            self.plan.is_json = not are_plain(fields + [output.field for output in self.plan.new()])
            self._decode, self._rows = decoder(fields), row_maker(fields)

    def process(self, rows: int, nodes: Sequence[Node]) -> tuple[Made, Findings]:
        batch = Batch(rows, self.plan.inputs, nodes)
        if self.plan.is_rows:
            return self._process_rows(rows, self._rows(batch.columns, rows))
        out = Rows(rows)
        self.plugin.process(batch, out)
        return out.made(self.plan, self.plan.schema), out.findings

    def process_json(self, rows: int, text: str) -> tuple[Made, Findings]:
        return self._process_rows(rows, self._decode(text))

    def _process_rows(self, count: int, rows: list[dict]) -> tuple[Made, Findings]:
        out = RowsOut(count, self.plan)
        self.plugin.process_rows(rows, out)
        return out.made(), out.findings

    def finish(self) -> list[Made]:
        if self.plan.is_rows:
            rows = list(self.plugin.finish_rows())
            if not rows:
                return []
            if self.plan.is_json:
                return [Made(("detached", len(rows)), json=encode(rows))]
            columns = columns_of([output.field for output in self.plan.new()], rows)
            return [Made(("detached", len(rows)), columns=[("per_output_row", column) for column in columns])]
        out = DetachedRows()
        self.plugin.finish(out)
        return out.made(self.plan)
