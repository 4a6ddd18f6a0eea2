// Rows one by one: what `processRow` makes of each goes straight into columns.
//
// An interpreter pays for each step of a loop, so the loop is written for the columns at hand: a row costs a call, and what its
// values cost. What is rare leaves it: promises, several rows of one, rows without a value in the first column, bad rows.

import { columnOf, NewColumn } from "./builders.js";
import { clearBit, fullBitmap } from "./bytes.js";
import { objectOf, rowValues } from "./columns.js";
import { BadRow } from "./errors.js";
import { Findings } from "./findings.js";
import { pack, positions } from "./kernels.js";

/** Rejects rows one by one, for `processRow`. */
class CurrentRow {
  /** Returns the position of the row within the batch: not set for each, because most rows are never asked. */
  at;
  findings = new Findings();

  /** Puts the row into the quarantine. Returns null, which drops it: `return out.reject(...)`. */
  reject(rule, message, column = null) {
    this.findings.add(this.at(), rule, message, column);
    return null;
  }
}

/** The values of an output column, as they come. */
class Values {
  /** A typed array where all are numbers or nulls so far, otherwise an array. */
  list;
  /** Where nulls are. */
  nulls = [];
  #type;

  constructor(type, count) {
    this.#type = type;
    this.list = type.kind === "float64" ? new Float64Array(count) : [];
  }

  /** Any value, as the `at`-th. */
  set(value, at) {
    if (typeof value !== "number" && this.list instanceof Float64Array) {
      this.list = Array.from(this.list.subarray(0, at));
      for (const null_ of this.nulls) this.list[null_] = null;
      this.nulls = [];
    }
    this.list[at] = value;
  }

  column(count) {
    const { list, nulls } = this;
    if (list instanceof Float64Array) {
      const validity = nulls.length === 0 ? null : fullBitmap(count);
      for (const at of nulls) clearBit(validity, at);
      return NewColumn.ofValues(this.#type, list.subarray(0, count), validity);
    }
    for (const at of nulls) list[at] = null;
    return columnOf(this.#type, list);
  }
}

/** What comes of the rows of one batch. */
class Collected {
  /** How many output rows there are so far. */
  count = 0;
  /** 1 for each row of which one came, as long as of none came several. */
  kept;
  /** The rows that output rows came from, once several came of one. */
  sources = null;
  /** For each column. */
  values;
  /** A result that the loop left to others. */
  left = null;
  #names;

  constructor(outputs, rows) {
    this.kept = new Uint8Array(rows);
    this.#names = outputs.map(({ field }) => field.name);
    this.values = outputs.map(({ field }) => new Values(field.type, rows));
  }

  /** Whatever a plugin may return, but for promises. */
  add(result, row) {
    if (result === null || result === undefined) return;
    if (Array.isArray(result)) {
      this.sources ??= Array.from(positions(pack(this.kept)));
      for (const one of result) {
        // Typed arrays have room for one of each row.
        this.#push(one, this.count >= this.kept.length);
        this.sources.push(row);
      }
      return;
    }
    this.#push(result, this.count >= this.kept.length);
    if (this.sources !== null) this.sources.push(row);
    else this.kept[row] = 1;
  }

  #push(result, isFull) {
    const at = this.count++;
    this.#names.forEach((name, index) => {
      const values = this.values[index];
      if (isFull && values.list instanceof Float64Array) values.set(null, at);
      values.set(result[name], at);
    });
  }

  columns() {
    return this.values.map((values) => values.column(this.count));
  }

  selection() {
    if (this.sources !== null) return selectionOf(this.kept.length, this.sources);
    if (this.count === this.kept.length) return { tag: "all" };
    return { tag: "bitmap", val: pack(this.kept) };
  }
}

/** The rows that output rows come from, as the contract says it most cheaply. */
export function selectionOf(count, sources) {
  let ascending = true;
  for (let at = 1; at < sources.length && ascending; at++) ascending = sources[at] > sources[at - 1];
  if (!ascending) return { tag: "indices", val: new Uint32Array(sources) };
  if (sources.length === count) return { tag: "all" };
  const kept = new Uint8Array(count);
  for (const row of sources) kept[row] = 1;
  return { tag: "bitmap", val: pack(kept) };
}

/**
 * The lines that take a value out of `result` and note it as the `count`-th of a column, for types whose values need no more than a
 * look. A value that is of another type is for `Collected.add`.
 */
function noted(field, at) {
  const value = `value${at}`;
  const isString = field.type.kind === "utf8";
  const left = "{ collected.left = result; return row; }";
  // The first value tells rows from arrays and promises, which have none of that name.
  const isNull = at === 0 ? `${value} === null` : `${value} === null || ${value} === undefined`;
  if (!isString && field.type.kind !== "float64") {
    return `${at === 0 ? `if (${value} === undefined) ${left}\n        ` : ""}list${at}[count] = ${value};`;
  }
  return `if (typeof ${value} === "${isString ? "string" : "number"}") list${at}[count] = ${value};
        else if (${isNull}) { list${at}[count] = ${isString ? '""' : 0}; nulls${at}.push(count); }
        else ${left}`;
}

/** With a dot where that can be: the engine looks a name in brackets up each time. */
const member = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

/** A function whose first parameter is a pattern of plain names, such as `({ id, name: text }, out)`. */
const TAKES_APART = /^(?:async\b\s*)?(?:function\b\s*)?(?:[\w$]+\s*)?\(\s*\{[^{}()[\].=]*\}\s*[,)]/;

/**
 * Whether a function takes the object that it gets apart at once and cannot keep it: then one object serves for all rows, which
 * costs a seventh of a new one for each.
 */
export function takesApart(f) {
  const source = Function.prototype.toString.call(f);
  return TAKES_APART.test(source) && !/\barguments\b/.test(source);
}

/**
 * The code of a loop over the rows from `row` on, for these columns. It ends behind the last row, or where a result is left to others.
 * None where a row could not be told from an array or a promise.
 */
function loopFor(outputs) {
  const names = outputs.map(({ field }) => field.name);
  if (names.length === 0 || names[0] in [] || names[0] in Promise.prototype) return null;
  const each = (write) => outputs.map(({ field }, at) => write(field, at)).join("\n        ");
  return ({ before, each: eachRow, row }) => `
    ${before}
    var result, ${each((_, at) => `value${at}, { list: list${at}, nulls: nulls${at} } = collected.values[${at}],`)}
      { kept, count } = collected, from = row;
    out.at = () => row;
    try {
      for (; row < end; row++) {
        ${eachRow}
        result = plugin.processRow(${row}, out);
        if (result == null) {
          if (from < row) kept.fill(1, from, row);
          from = row + 1;
          continue;
        }
        ${each((field, at) => `value${at} = result${member(field.name)};`)}
        ${each(noted)}
        count++;
      }
    } finally {
      kept.fill(1, from, row);
      collected.count = count;
    }
    return row;`;
}

/** Drives the `processRow` of one plugin. */
export class RowByRow {
  #plugin;
  #outputs;
  #loopFor;
  #takesApart;

  constructor(plugin, outputs) {
    this.#plugin = plugin;
    this.#outputs = outputs;
    this.#loopFor = loopFor(outputs);
    this.#takesApart = takesApart(plugin.processRow);
  }

  /** How the loop has the row: in an object of its own, or in one that serves for all. */
  #row(columns, values, object) {
    if (!this.#takesApart || columns.some(({ field }) => field.name === "__proto__")) return { before: "", each: "", row: object };
    const each = columns.map(({ field }, at) => `one${member(field.name)} = ${values[at]};`).join(" ");
    return { before: `var one = ${objectOf(columns, values.map(() => "null"))};`, each, row: "one" };
  }

  process(batch) {
    const { values, names, given } = rowValues(batch.columns);
    const object = objectOf(batch.columns, values);
    const made = (parameters, code) => new Function(...parameters, ...names, code);
    const rowAt = made([], `return (row) => (${object});`)(...given);
    const loop = this.#loopFor && made(["plugin", "row", "end", "out", "collected"], this.#loopFor(this.#row(batch.columns, values, object)));
    const out = new CurrentRow();
    const collected = new Collected(this.#outputs, batch.rows);
    const run = loop && ((row) => loop(this.#plugin, row, batch.rows, out, collected, ...given));
    return this.#from(0, batch.rows, rowAt, run, out, collected);
  }

  /** A promise where one has to be waited for. */
  #from(start, count, rowAt, run, out, collected) {
    const plugin = this.#plugin;
    let row = start;
    // The loop is inside of `try`, and not the other way round: a bad row is rare.
    while (row < count) {
      try {
        // Once several came of one, where rows come from is noted one by one.
        if (run !== null && collected.sources === null) {
          row = run(row);
          if (row === count) break;
        } else {
          out.at = () => row;
          collected.left = plugin.processRow(rowAt(row), out);
        }
        const result = collected.left;
        if (typeof result?.then === "function") {
          const current = row;
          const bad = (error) => {
            if (!(error instanceof BadRow)) throw error;
            out.at = () => current;
            return out.reject(error.rule, error.message, error.column);
          };
          return result.then(null, bad).then((result) => {
            collected.add(result, current);
            return this.#from(current + 1, count, rowAt, run, out, collected);
          });
        }
        collected.add(result, row);
      } catch (error) {
        if (!(error instanceof BadRow)) throw error;
        row = out.at();
        out.reject(error.rule, error.message, error.column);
      }
      row++;
    }
    const columns = collected.columns();
    const values = { tag: "columns", val: columns.map(({ nodes }) => ({ tag: "per-output-row", val: nodes })) };
    return { outputs: [{ rows: collected.selection(), values }], badRows: out.findings.toWit() };
  }
}
