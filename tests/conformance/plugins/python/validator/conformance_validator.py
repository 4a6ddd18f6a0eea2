"""The validator of the conformance suite: values up to a maximum, and a least number of rows."""

from typing import Annotated, Literal

from wasmill import Batch, Conclusion, Outcome, ReadPlan, RuleResult, Validator, Verdict, config, types


@config
class Config:
    column: Annotated[str, "The column to judge."]
    max: Annotated[float, "The highest value that is allowed; there is a warning about it."] = 100.0
    min_rows: Annotated[int, "How many rows there have to be.", {"minimum": 0}] = 1
    way: Literal["columns", "rows"] = "columns"


class Conformance(Validator):
    config: Config

    def bind(self, plan: ReadPlan) -> None:
        self.value = plan.read(self.config.column, types.float64)
        if self.config.way == "rows":
            plan.rows()

    def check(self, batch: Batch, verdict: Verdict) -> dict:
        column = batch[self.value]
        for row in (column > self.config.max).rows():
            self.reject(verdict, row, column[row])
        verdict.warn(column == self.config.max, "at-max", "it is the maximum", column=self.config.column)
        return self.state(column.to_list())

    def check_rows(self, rows: list[dict], verdict: Verdict) -> dict:
        values = [row[self.config.column] for row in rows]
        for row, value in enumerate(values):
            if value is None:
                continue
            if value > self.config.max:
                self.reject(verdict, row, value)
            elif value == self.config.max:
                verdict.warn(row, "at-max", "it is the maximum", column=self.config.column)
        return self.state(values)

    def reject(self, verdict: Verdict, row: int, value: float) -> None:
        verdict.reject(row, "max", f"{value} is above {self.config.max}", column=self.config.column)

    def state(self, values: list[float | None]) -> dict:
        return {"rows": len(values), "sum": sum(value for value in values if value is not None)}

    def empty(self) -> dict:
        return self.state([])

    def merge(self, state: dict, other: dict) -> dict:
        return {key: state[key] + other[key] for key in state}

    def conclude(self, state: dict) -> Conclusion:
        rows, least = state["rows"], self.config.min_rows
        outcome = Outcome.REFUSE if rows < least else Outcome.PASS
        result = RuleResult("min-rows", outcome, f"{rows} rows; at least {least} are expected", checked=rows)
        return Conclusion([result], {"rows": rows, "sum": state["sum"]})
