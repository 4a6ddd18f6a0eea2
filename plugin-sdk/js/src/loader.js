// Loaders: they stage rows, and make what was staged visible once.

import { after } from "./after.js";
import { Fatal } from "./errors.js";
import { Findings } from "./findings.js";
import { ReadPlan } from "./plan.js";

/** Marks a definition as that of a loader. */
export const loader = (definition) => ({ kind: "loader", ...definition });

/** Rows that the target would refuse. The host quarantines them. */
export class Refused {
  #findings = new Findings();

  reject(row, rule, message, column = null) {
    this.#findings.add(row, rule, message, column);
  }

  toWit() {
    return this.#findings.toWit();
  }
}

/** What the component exports as `load`, but for `describe`. */
export function loadExports(definition, parseConfig) {
  let opened = null;
  const bound = (config, input) => {
    const plan = new ReadPlan(input);
    return after(definition.bind(parseConfig(config), plan), (plugin) => {
      if (!plugin?.write && !plugin?.writeRows) throw new Fatal("`bind` has to return an object with the method `write` or `writeRows`");
      return [plan, plugin];
    });
  };
  const current = () => {
    if (opened === null) throw new Fatal("called before `open`");
    return opened;
  };
  return {
    bind: (config, input) => after(bound(config, input), ([plan]) => ({ reads: plan.reads, encoding: "columns" })),
    open: (config, input, attempt) =>
      after(bound(config, input), (both) => after(both[1].open?.(attempt), () => { opened = both; })),
    write(given) {
      const [plan, plugin] = current();
      const batch = plan.batch(given);
      const refused = new Refused();
      const written = plugin.write ? plugin.write(batch, refused) : plugin.writeRows(batch.toRows(), refused);
      return after(written, () => refused.toWit());
    },
    finish: () => after(current()[1].finish(), ({ rows, reference }) => ({ rows, reference })),
    commit: (config, run, receipts) => definition.commit(parseConfig(config), run, receipts),
    abort: (config, run, receipts) => definition.abort?.(parseConfig(config), run, receipts),
  };
}
