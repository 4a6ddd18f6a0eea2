// The conformance suite's validator: values above a limit, and tables with too few rows.

import { config as c, validator, type Verdict } from "@wasmill/plugin";

const Config = c.object({
  column: c.string("The column to judge, a float64."),
  max: c.number("Values above this are rejected.", { default: 100 }),
  min_rows: c.integer("A table with fewer rows is refused.", { default: 1, minimum: 0 }),
  way: c.oneOf(["columns", "rows"] as const, "By columns or by rows.", { default: "columns" }),
}, "Judges one column.");

interface State {
  rows: number;
  sum: number;
}

export default validator({
  config: Config,
  bind({ column, max, min_rows, way }, plan) {
    const input = plan.read(column, "float64");

    const judge = (values: Iterable<number | null>, verdict: Verdict): State => {
      const state = { rows: 0, sum: 0 };
      for (const value of values) {
        const row = state.rows++;
        if (value === null) continue;
        state.sum += value;
        if (value > max) verdict.reject(row, "max", `${value} is above ${max}`, column);
        else if (value === max) verdict.warn(row, "at-max", `${value} is the most`, column);
      }
      return state;
    };

    return {
      ...(way === "rows"
        ? { checkRows: (rows: Record<string, any>[], verdict: Verdict) => judge(rows.map((row) => row[column]), verdict) }
        : { check: (batch, verdict) => judge(batch.column(input), verdict) }),
      empty: (): State => ({ rows: 0, sum: 0 }),
      merge: (one: State, other: State) => ({ rows: one.rows + other.rows, sum: one.sum + other.sum }),
      conclude: ({ rows, sum }: State) => ({
        rules: [{
          rule: "min-rows",
          outcome: rows < min_rows ? "refuse" : "pass",
          message: `${rows} rows; at least ${min_rows} are expected`,
          checked: rows,
        }],
        metrics: { rows, sum },
      }),
    };
  },
});
