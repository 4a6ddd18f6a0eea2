// Validators: batches in, verdicts out.
//
// What the judgement of the table needs is returned by `check` for each batch, merged in any grouping, and judged once.

import { after } from "./after.js";
import { decode, encode } from "./bytes.js";
import { Fatal } from "./errors.js";
import { Findings } from "./findings.js";
import { ReadPlan } from "./plan.js";

/** Marks a definition as that of a validator. */
export const validator = (definition) => ({ kind: "validator", ...definition });

/** What is wrong with the rows of one batch. */
export class Verdict {
  #rejected = new Findings();
  #warned = new Findings();

  /** A row to be dealt with as the pipeline says under `on_violation`. */
  reject(row, rule, message, column = null) {
    this.#rejected.add(row, rule, message, column);
  }

  /** A row to be counted; it goes on. */
  warn(row, rule, message, column = null) {
    this.#warned.add(row, rule, message, column);
  }

  toWit() {
    const violations = (severity, findings) => findings.toWit().map((finding) => ({ severity, finding }));
    return [...violations("reject", this.#rejected), ...violations("warn", this.#warned)];
  }
}

const encodeState = (state) => (state === undefined ? new Uint8Array() : encode(JSON.stringify(state)));

/** What the component exports as `validate`, but for `describe`. */
export function validateExports(definition, parseConfig) {
  let opened = null;
  const bound = (config, input) => {
    const plan = new ReadPlan(input);
    return after(definition.bind(parseConfig(config), plan), (plugin) => {
      if (!plugin?.check && !plugin?.checkRows) throw new Fatal("`bind` has to return an object with the method `check` or `checkRows`");
      return [plan, plugin];
    });
  };
  const current = () => {
    if (opened === null) throw new Fatal("called before `open`");
    return opened;
  };
  const decodeState = (plugin, bytes) => (bytes.length === 0 ? plugin.empty?.() : JSON.parse(decode(bytes)));
  return {
    bind: (config, input) => after(bound(config, input), ([plan]) => ({ reads: plan.reads, encoding: "columns" })),
    open: (config, input) => after(bound(config, input), (both) => { opened = both; }),
    check(given) {
      const [plan, plugin] = current();
      const batch = plan.batch(given);
      const verdict = new Verdict();
      const state = plugin.check ? plugin.check(batch, verdict) : plugin.checkRows(batch.toRows(), verdict);
      return after(state, (state) => ({ violations: verdict.toWit(), partial: encodeState(state) }));
    },
    merge(partials) {
      const [, plugin] = current();
      const states = Array.from(partials, (partial) => decodeState(plugin, partial));
      return encodeState(states.length === 0 ? plugin.empty?.() : states.reduce((merged, state) => plugin.merge(merged, state)));
    },
    conclude(state) {
      const [, plugin] = current();
      const concluded = plugin.conclude?.(decodeState(plugin, state)) ?? {};
      return after(concluded, ({ rules = [], metrics = {} }) => ({
        rules: rules.map(({ rule, column = null, outcome, message = "", checked = 0, violated = 0 }) =>
          ({ rule, column, outcome, message, checked, violated })),
        metrics: Object.entries(metrics).map(([name, value]) => ({ name, value })),
      }));
    },
  };
}
