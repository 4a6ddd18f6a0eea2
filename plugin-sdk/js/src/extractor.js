// Extractors: they plan splits, and read the rows of one split batch by batch.

import { after } from "./after.js";
import { encode } from "./bytes.js";
import { Fatal } from "./errors.js";
import { columnsOfRows, Values, WritePlan } from "./plan.js";
import { fieldToWit } from "./types.js";

/** Marks a definition as that of an extractor. */
export const extractor = (definition) => ({ kind: "extractor", ...definition });

/** The next rows of a split. */
export class Extracted {
  #values;
  #badRecords = [];

  constructor(outputs) {
    this.#values = new Values(outputs);
  }

  /** Sets the values of a column: as many as every other column gets. */
  set(output, values) {
    this.#values.set(output, values);
  }

  /** Puts a record that could not be made into a row into the quarantine, as it was received. */
  reject(position, raw, rule, message) {
    this.#badRecords.push({ position, raw: typeof raw === "string" ? encode(raw) : raw, rule, message });
  }

  toWit(outputs, result) {
    if (result === null || result === undefined || result === false) return null;
    const ofRows = Array.isArray(result);
    if (ofRows && result.length === 0 && this.#badRecords.length === 0) return null;
    const columns = ofRows ? columnsOfRows(outputs, result) : this.#values.columns();
    const nodes = columns.flatMap((column) => column.nodes);
    return { rows: Values.length(columns), values: { tag: "columns", val: nodes }, badRecords: this.#badRecords };
  }
}

/** What the component exports as `extract`, but for `describe`. */
export function extractExports(definition, parseConfig) {
  let opened = null;
  const bound = (config) => {
    const plan = new WritePlan();
    return after(definition.bind(parseConfig(config), plan), (plugin) => {
      if (!plugin?.plan || !plugin?.next) throw new Fatal("`bind` has to return an object with the methods `plan` and `next`");
      return [plan, plugin];
    });
  };
  const current = () => {
    if (opened === null) throw new Fatal("called before `open`");
    return opened;
  };
  return {
    bind: (config) => after(bound(config), ([plan]) => {
      const fields = plan.outputs.flatMap(({ field }) => fieldToWit(field));
      return { output: { fields }, encoding: "columns" };
    }),
    plan: (config, cursors) => after(bound(config), ([, plugin]) => after(plugin.plan(cursors), (splits) =>
      splits.map(({ id, descriptor = "", rows = null, bytes = null }) => ({ id, descriptor, rows, bytes })))),
    open: (config, split) => after(bound(config), (both) => after(both[1].open?.(split), () => { opened = both; })),
    next(maxRows) {
      const [plan, plugin] = current();
      const out = new Extracted(plan.outputs);
      return after(plugin.next(maxRows, out), (result) => out.toWit(plan.outputs, result));
    },
    cursor: () => after(current()[1].cursor?.(), (position) => position ?? null),
  };
}
