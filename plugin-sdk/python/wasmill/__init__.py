"""Write Wasmill plugins in Python.

A plugin is a class, a configuration, and one method over columns or rows. A whole transformer:

    from typing import Annotated

    from wasmill import Batch, Plan, Rows, Transformer, config


    @config
    class GrossConfig:
        \"\"\"Adds the price with tax.\"\"\"

        net: Annotated[str, "The column with the price before tax."]
        rate: Annotated[float, "The tax rate, such as 0.19."]


    class Gross(Transformer):
        config: GrossConfig

        def bind(self, plan: Plan) -> None:
            self.net = plan.read(self.config.net, float)
            self.gross = plan.write("gross", float)

        def process(self, batch: Batch, out: Rows) -> None:
            out[self.gross] = batch[self.net] * (1 + self.config.rate)

The five kinds are in `transformer`, `validator`, `extractor`, `loader` and `notifier`. What columns are is in `column` (to read) and
`builder` (to write), their types in `types`, configurations in `config`, failures in `errors`, HTTP in `http`. Log lines go through
`logging`; what is printed is logged too.
"""

from . import types
from .builder import Builder, build
from .column import Column, Computed, Values
from .config import Secret, config
from .errors import BadConfig, BadSchema, Error, Fatal, Reject, Retryable
from .extractor import Cursor, Extracted, Extractor, Split, WritePlan
from .http import Connection, Response
from .loader import Attempt, Loader, Receipt, Rejected
from .mask import Mask
from .notifier import Event, Notifier, Severity
from .scalars import Interval
from .schema import Batch, Input, ReadPlan, Schema
from .transformer import DetachedRows, Output, Plan, Rows, RowsOut, Transformer
from .types import DataType, Field
from .validator import Conclusion, Outcome, RuleResult, Validator, Verdict

__all__ = [
    "Attempt", "BadConfig", "BadSchema", "Batch", "Builder", "Column", "Computed", "Conclusion", "Connection", "Cursor", "DataType",
    "DetachedRows", "Error", "Event", "Extracted", "Extractor", "Fatal", "Field", "Input", "Interval", "Loader", "Mask", "Notifier",
    "Outcome", "Output", "Plan", "ReadPlan", "Receipt", "Reject", "Rejected", "Response", "Retryable", "Rows", "RowsOut", "RuleResult",
    "Schema", "Secret", "Severity", "Split", "Transformer", "Validator", "Values", "Verdict", "WritePlan", "build", "config", "types",
]
