// Transformers: batches in, batches out.

import { clearBit, fullBitmap } from "./bytes.js";
import { after } from "./after.js";
import { Fatal } from "./errors.js";
import { Findings } from "./findings.js";
import { combineBitmaps } from "./kernels.js";
import { Mask } from "./mask.js";
import { columnsOfRows, Plan, Values } from "./plan.js";
import { RowByRow, selectionOf } from "./rowbyrow.js";

/** Marks a definition as that of a transformer. */
export const transformer = (definition) => ({ kind: "transformer", ...definition });

/** A column that is said not to have changed. */
class Unchanged {
  constructor(input) {
    this.input = input;
  }
}

/** What becomes of the rows of one batch. Without anything set, all rows go on. */
export class Rows {
  /** How many rows the batch has. */
  count;
  #values;
  #selected = null;
  #taken = null;
  #findings = new Findings();

  constructor(count, outputs) {
    this.count = count;
    this.#values = new Values(outputs);
  }

  /** Sets the values of a column: one for each row of the batch, also for rows that do not go on. After `take`, one for each output row. */
  set(output, values) {
    this.#values.set(output, values);
  }

  /** Says that a column has the values of an input column of the same type. Costs nothing. */
  setUnchanged(output, input) {
    this.#values.set(output, new Unchanged(input));
  }

  /** Lets only those rows go on for which `keep` is true: a mask, or a function of the row's position. */
  filter(keep) {
    const { count } = this;
    if (keep instanceof Mask) return this.select(keep.bitmap);
    const before = this.#selected;
    const bitmap = new Uint8Array((count + 7) >> 3);
    for (let row = 0; row < count; row++) if (keep(row)) bitmap[row >> 3] |= 1 << (row & 7);
    if (before !== null) for (let at = 0; at < bitmap.length; at++) bitmap[at] &= before[at];
    this.#selected = bitmap;
  }

  /** Lets only those rows go on whose bit is 1, least significant bit first. */
  select(bitmap) {
    if (bitmap.length !== (this.count + 7) >> 3) throw new RangeError(`a bitmap of ${this.count} rows has ${(this.count + 7) >> 3} bytes`);
    const before = this.#selected;
    this.#selected = before === null ? bitmap.slice() : combineBitmaps("both", bitmap, before);
  }

  /** Drops one row, or those of a mask. */
  drop(row) {
    if (row instanceof Mask) {
      this.select(row.not().bitmap);
      return;
    }
    this.#selected ??= fullBitmap(this.count);
    clearBit(this.#selected, row);
  }

  /** Puts a row into the quarantine, or the rows of a mask. `rule` is a short name to count by, such as "bad-date". */
  reject(row, rule, message, column = null) {
    this.#findings.add(row, rule, message, column);
    this.drop(row);
  }

  /** Makes the output of these rows of the batch, in this order, repeated where they repeat. Rejected rows must not be among them. */
  take(rows) {
    this.#taken = Uint32Array.from(rows);
  }

  toWit() {
    const expected = this.#taken?.length ?? this.count;
    const tag = this.#taken === null ? "per-input-row" : "per-output-row";
    const columns = this.#values.columns((values) => (values instanceof Unchanged ? values : undefined)).map((column) => {
      if (column instanceof Unchanged) return { tag: "keep", val: column.input.position };
      if (column.length !== expected) throw new Fatal(`a new column has ${column.length} values for ${expected} rows`);
      return { tag, val: column.nodes };
    });
    const output = { rows: this.#selection(), values: { tag: "columns", val: columns } };
    return { outputs: [output], badRows: this.#findings.toWit() };
  }

  #selection() {
    if (this.#taken !== null) return { tag: "indices", val: this.#taken };
    return this.#selected === null ? { tag: "all" } : { tag: "bitmap", val: this.#selected };
  }
}

/** Rows that belong to no input row: what a transformer writes when it finishes. */
export class DetachedRows {
  #values;
  constructor(outputs) {
    this.#values = new Values(outputs);
  }

  /** Sets the values of a column: as many as every other column gets. */
  set(output, values) {
    this.#values.set(output, values);
  }

  toWit() {
    return this.#values.isEmpty ? [] : [detached(this.#values.columns())];
  }
}

function detached(columns) {
  const rows = { tag: "detached", val: Values.length(columns) };
  return { rows, values: { tag: "columns", val: columns.map(({ nodes }) => ({ tag: "per-output-row", val: nodes })) } };
}

/** Rejects rows by their position, for `processRows`. */
class RowFindings {
  findings = new Findings();
  reject(row, rule, message, column = null) {
    this.findings.add(row, rule, message, column);
  }
}

/** A transformer between `open` and `finish`. */
export class OpenTransformer {
  #plan;
  #plugin;
  #outputs;
  #rowByRow;

  constructor(plan, plugin) {
    this.#plan = plan;
    this.#plugin = plugin;
    this.#outputs = plan.outputs;
    if (!plugin?.process && !plugin?.processRow && !plugin?.processRows) {
      throw new Fatal("`bind` has to return an object with the method `process`, `processRow` or `processRows`");
    }
    if (plugin.processRow) this.#rowByRow = new RowByRow(plugin, this.#outputs);
  }

  open() {
    return this.#plugin.open?.();
  }

  process(given) {
    const batch = this.#plan.batch(given);
    const plugin = this.#plugin;
    if (plugin.processRow) return this.#rowByRow.process(batch);
    if (plugin.processRows) {
      const out = new RowFindings();
      const rows = batch.toRows();
      return after(plugin.processRows(rows, out), (made) => this.#ofRows(rows, made ?? rows, out.findings));
    }
    const rows = new Rows(batch.rows, this.#outputs);
    return after(plugin.process(batch, rows), () => rows.toWit());
  }

  #attached(count, sources, made) {
    const columns = columnsOfRows(this.#outputs, made);
    const values = { tag: "columns", val: columns.map(({ nodes }) => ({ tag: "per-output-row", val: nodes })) };
    return { rows: selectionOf(count, sources), values };
  }

  /** Rows of a batch as a whole: the objects that came in, in any order, or new ones that belong to no row. */
  #ofRows(rows, made, findings) {
    const badRows = findings.toWit();
    const positions = new Map(rows.map((row, position) => [row, position]));
    const sources = made.map((row) => positions.get(row));
    if (sources.every((source) => source !== undefined)) {
      const bad = new Set(findings.rows());
      const isGood = (_, at) => !bad.has(sources[at]);
      return { outputs: [this.#attached(rows.length, sources.filter((source) => !bad.has(source)), made.filter(isGood))], badRows };
    }
    if (this.#plan.keepsColumns || sources.some((source) => source !== undefined)) {
      throw new Fatal("`processRows` has to return the objects that it got, or only others where no column is kept; `processRow` may return any");
    }
    return { outputs: [detached(columnsOfRows(this.#outputs, made))], badRows };
  }

  finish() {
    const plugin = this.#plugin;
    if (!plugin.finish) return [];
    const out = new DetachedRows(this.#outputs);
    return after(plugin.finish(out), (rows) => {
      if (!Array.isArray(rows)) return out.toWit();
      return rows.length === 0 ? [] : [detached(columnsOfRows(this.#outputs, rows))];
    });
  }
}

/** What the component exports as `transform`, but for `describe`. */
export function transformExports(definition, parseConfig) {
  let opened = null;
  const bound = (config, input) => {
    const plan = new Plan(input);
    return after(definition.bind(parseConfig(config), plan), (plugin) => [plan, new OpenTransformer(plan, plugin)]);
  };
  const current = () => {
    if (opened === null) throw new Fatal("called before `open`");
    return opened;
  };
  return {
    bind: (config, input) => after(bound(config, input), ([plan]) => plan.binding()),
    open: (config, input) => after(bound(config, input), ([, transformer]) => after(transformer.open(), () => { opened = transformer; })),
    process: (batch) => current().process(batch),
    finish: () => current().finish(),
  };
}
