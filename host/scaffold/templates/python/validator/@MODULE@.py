"""Judges amounts, row by row and as a table."""

import logging
from typing import Annotated

from wasmill import Batch, Conclusion, Outcome, ReadPlan, RuleResult, Validator, Verdict, config


@config
class AmountsConfig:
    """Rejects negative amounts, counts missing ones, and refuses tables that are too small."""

    column: Annotated[str, "The column with the amounts."] = "amount"
    min_rows: Annotated[int, "A table with fewer rows is refused.", {"minimum": 0}] = 1


class Amounts(Validator):
    config: AmountsConfig

    def bind(self, plan: ReadPlan) -> None:
        self.amount = plan.read(self.config.column, float)

    # Returns what the batch adds to the judgement of the table. Nothing else is kept: batches are judged on several instances.
    def check(self, batch: Batch, verdict: Verdict) -> int:
        amount, column = batch[self.amount], self.config.column
        # What becomes of these rows, the pipeline says: `on_violation`.
        verdict.reject(amount < 0, "negative", "the amount is below 0", column=column)
        # A warning is counted; the row goes on.
        verdict.warn(amount.is_null(), "missing", "there is no amount", column=column)
        return len(batch)

    def empty(self) -> int:
        return 0

    def merge(self, state: int, other: int) -> int:
        return state + other

    def conclude(self, state: int) -> Conclusion:
        logging.debug("%d rows in all", state)
        least = self.config.min_rows
        outcome = Outcome.REFUSE if state < least else Outcome.PASS
        rule = RuleResult("min-rows", outcome, f"{state} rows; at least {least} are expected", checked=state)
        return Conclusion([rule], {"rows": state})
