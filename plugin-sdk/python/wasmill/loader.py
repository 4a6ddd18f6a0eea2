"""Loaders: targets of batches, written in two phases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .column import Node
from .findings import Findings
from .mask import Mask
from .plugin import Plugin, overrides
from .rows import are_plain, decoder, row_maker
from .schema import Batch, ReadPlan, Schema


class Loader(Plugin):
    """A plugin that writes to somewhere.

    For each split, on an instance of its own: `open`, `write` (or `write_rows`) for each batch, `finish`. What is written must stay
    invisible until `commit`; only the receipts that are passed to it count.
    """

    def bind(self, plan: ReadPlan) -> None:
        """Finds the columns to read. Must not write anything."""

    def open(self, attempt: Attempt) -> None:
        """Prepares to stage one attempt."""

    def write(self, batch: Batch, rejected: Rejected) -> None:
        """Stages one batch, but for the rows that are rejected."""
        raise NotImplementedError

    def write_rows(self, rows: list[dict], rejected: Rejected) -> None:
        """The same where rows are dicts."""
        raise NotImplementedError

    def finish(self) -> Receipt:
        """Ends the attempt."""
        raise NotImplementedError

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        """Makes the attempts with these receipts visible. On a fresh instance, without `bind`; perhaps again after a crash: it must
        then do nothing a second time."""
        raise NotImplementedError

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        """Removes the attempts with these receipts, which may be gone. On a fresh instance, without `bind`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Attempt:
    run: str
    split: str
    attempt: str
    """Unique among all attempts at all splits."""


@dataclass(frozen=True)
class Receipt:
    """All that `commit` needs to find what was staged."""

    rows: int
    """Rows that were written and not rejected."""
    reference: str
    """For the plugin's own use; at most 64 KiB."""


class Rejected:
    """Rows that the target would refuse."""

    def __init__(self) -> None:
        self.findings = Findings()

    def reject(self, rows: Mask | Iterable[int] | int, rule: str, message: str, column: str | None = None) -> None:
        """Puts rows into the quarantine: one, several, or those of a mask."""
        if isinstance(rows, int):
            rows = (rows,)
        self.findings.add_all(rows.rows() if isinstance(rows, Mask) else rows, rule, column, message)


class Opened:
    """A loader that is bound to a schema."""

    def __init__(self, cls: type[Loader], config: str, schema: Schema):
        self.plugin = cls.of(config)
        self.plan = ReadPlan(schema)
        self.plugin.bind(self.plan)
        if self.plan.is_rows is None:
            self.plan.is_rows = not overrides(self.plugin, Loader, "write") and overrides(self.plugin, Loader, "write_rows")
        if self.plan.is_rows:
            fields = [read.field for read in self.plan.inputs]
            self.plan.is_json = not are_plain(fields)
            self._decode, self._rows = decoder(fields), row_maker(fields)

    def write(self, rows: int, nodes: Sequence[Node]) -> Findings:
        batch, rejected = Batch(rows, self.plan.inputs, nodes), Rejected()
        if self.plan.is_rows:
            self.plugin.write_rows(self._rows(batch.columns, rows), rejected)
        else:
            self.plugin.write(batch, rejected)
        return rejected.findings

    def write_json(self, text: str) -> Findings:
        rejected = Rejected()
        self.plugin.write_rows(self._decode(text), rejected)
        return rejected.findings
