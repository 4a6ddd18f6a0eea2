"""Validators: batches in, verdicts out."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .column import Node
from .errors import Fatal
from .findings import Findings
from .mask import Mask
from .plugin import Plugin, overrides
from .rows import are_plain, decoder, row_maker
from .schema import Batch, ReadPlan, Schema


class Validator(Plugin):
    """A plugin that judges batches. A subclass has `bind`, and `check` (columns) or `check_rows` (dicts).

    What the judgement of the table needs is a state: whatever JSON can hold. `check` returns what a batch adds to it, `merge` joins
    two, `conclude` judges. A validator that judges rows only needs none of this.
    """

    def bind(self, plan: ReadPlan) -> None:
        """Finds the columns to read."""

    def open(self) -> None:
        """Called after `bind` on an instance that is going to work."""

    def check(self, batch: Batch, verdict: Verdict) -> Any:
        """Judges one batch; returns the state of its rows, those with violations too."""

    def check_rows(self, rows: list[dict], verdict: Verdict) -> Any:
        """The same where rows are dicts."""
        raise NotImplementedError

    def empty(self) -> Any:
        """The state of a table without rows."""
        return None

    def merge(self, state: Any, other: Any) -> Any:
        """The state of the rows of both. In which order states are merged must not matter."""
        return state

    def conclude(self, state: Any) -> Conclusion:
        """Judges the table."""
        return Conclusion()


class Verdict:
    """What is wrong with the rows of one batch. `rows` is a position, several, or a mask."""

    def __init__(self) -> None:
        self.rejected = Findings()
        self.warned = Findings()

    def reject(self, rows: Mask | Iterable[int] | int, rule: str, message: str, column: str | None = None) -> None:
        """Rows to be dealt with as the pipeline says under `on_violation`."""
        self.rejected.add_all(_positions(rows), rule, column, message)

    def warn(self, rows: Mask | Iterable[int] | int, rule: str, message: str, column: str | None = None) -> None:
        """Rows to be counted; they go on."""
        self.warned.add_all(_positions(rows), rule, column, message)


def _positions(rows: Mask | Iterable[int] | int) -> Iterable[int]:
    if isinstance(rows, int):
        return (rows,)
    return rows.rows() if isinstance(rows, Mask) else rows


class Outcome(enum.Enum):
    PASS = "pass"
    WARN = "warn"
    """Reported; the run goes on."""
    REFUSE = "refuse"
    """The gate refuses the run: nothing is published."""


@dataclass
class RuleResult:
    """What became of one rule over the table."""

    rule: str
    outcome: Outcome
    message: str
    """What was expected and what was seen."""
    column: str | None = None
    checked: int = 0
    """Rows judged."""
    violated: int = 0
    """Rows among them that violate the rule."""


@dataclass
class Conclusion:
    """What is to be said of the table."""

    rules: Sequence[RuleResult] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Named values to report."""


class Opened:
    """A validator that is bound to a schema."""

    def __init__(self, cls: type[Validator], config: str, schema: Schema):
        self.plugin = cls.of(config)
        self.plan = ReadPlan(schema)
        self.plugin.bind(self.plan)
        if self.plan.is_rows is None:
            self.plan.is_rows = not overrides(self.plugin, Validator, "check") and overrides(self.plugin, Validator, "check_rows")
        if self.plan.is_rows:
            fields = [read.field for read in self.plan.inputs]
            self.plan.is_json = not are_plain(fields)
            self._decode, self._rows = decoder(fields), row_maker(fields)

    def check(self, rows: int, nodes: Sequence[Node]) -> tuple[Verdict, bytes]:
        batch, verdict = Batch(rows, self.plan.inputs, nodes), Verdict()
        if self.plan.is_rows:
            return verdict, _encoded(self.plugin.check_rows(self._rows(batch.columns, rows), verdict))
        return verdict, _encoded(self.plugin.check(batch, verdict))

    def check_json(self, text: str) -> tuple[Verdict, bytes]:
        verdict = Verdict()
        return verdict, _encoded(self.plugin.check_rows(self._decode(text), verdict))

    def merge(self, partials: Iterable[bytes]) -> bytes:
        merged = self.plugin.empty()
        for partial in partials:
            if partial:
                merged = self.plugin.merge(merged, _decoded(partial))
        return _encoded(merged)

    def conclude(self, state: bytes) -> Conclusion:
        return self.plugin.conclude(_decoded(state) if state else self.plugin.empty())


def _encoded(state: Any) -> bytes:
    return b"" if state is None else json.dumps(state, separators=(",", ":")).encode()


def _decoded(state: bytes) -> Any:
    try:
        return json.loads(state)
    except ValueError as error:
        raise Fatal(f"a partial state is not readable: {error}") from None
