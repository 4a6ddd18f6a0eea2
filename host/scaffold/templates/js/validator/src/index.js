// Judges amounts, row by row and as a table.

import { config as c, validator } from "@wasmill/plugin";

const Config = c.object({
  column: c.string("The column with the amounts.", { default: "amount" }),
  min_rows: c.integer("A table with fewer rows is refused.", { default: 1, minimum: 0 }),
}, "Rejects negative amounts, counts missing ones, and refuses tables that are too small.");

export default validator({
  config: Config,

  bind({ column, min_rows }, plan) {
    const amount = plan.read(column, "float64");

    return {
      // Returns what the batch adds to the judgement of the table. Nothing else is kept: batches are judged on several instances.
      check(batch, verdict) {
        const amounts = batch.column(amount);
        // What becomes of these rows, the pipeline says: `on_violation`.
        verdict.reject(amounts.lt(0), "negative", "the amount is below 0", column);
        // A warning is counted; the row goes on.
        for (const row of amounts.isValid().not().rows()) verdict.warn(row, "missing", "there is no amount", column);
        return batch.rows;
      },

      empty: () => 0,
      merge: (one, other) => one + other,

      conclude(rows) {
        console.debug(`${rows} rows in all`);
        return {
          rules: [{
            rule: "min-rows",
            outcome: rows < min_rows ? "refuse" : "pass",
            message: `${rows} rows; at least ${min_rows} are expected`,
            checked: rows,
          }],
          metrics: { rows },
        };
      },
    };
  },
});
