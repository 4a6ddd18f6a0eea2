// What a plugin says when it is bound: which columns it reads, and which it writes.

import { readColumns, rowsOf } from "./columns.js";
import { BadSchema, Fatal } from "./errors.js";
import { columnOf } from "./builders.js";
import { field, fieldsFromWit, fieldToWit, seenKind, typeName, typeOf } from "./types.js";

/** A column that is read: what `batch.column` takes. */
class Input {
  constructor(field, position, slot) {
    this.field = field;
    /** Among the columns of the input. */
    this.position = position;
    /** Among the columns that are read. */
    this.slot = slot;
  }
}

/** A column that is written: what `set` takes. */
class Output {
  constructor(field) {
    this.field = field;
  }
}

/** The columns of the input, and which of them are read. */
export class ReadPlan {
  /** The fields of the input. */
  schema;
  #inputs = [];

  constructor(schema) {
    this.schema = fieldsFromWit(schema.fields);
  }

  /** Reads a column; of this type, where one is given. Text, binary and lists are the same with 64-bit offsets, or in a dictionary. */
  read(name, type) {
    const position = this.position(name);
    const found = this.schema[position];
    if (type !== undefined && !matches(found.type, typeOf(type))) {
      throw new BadSchema(name, `is ${typeName(found.type)}, where ${typeName(type)} is needed`);
    }
    let input = this.#inputs.find((input) => input.position === position);
    if (input === undefined) {
      input = new Input(found, position, this.#inputs.length);
      this.#inputs.push(input);
    }
    return input;
  }

  /** Reads all columns. */
  readAll() {
    return this.schema.map((column) => this.read(column.name));
  }

  position(name) {
    const position = this.schema.findIndex((column) => column.name === name);
    if (position < 0) throw new BadSchema(name, "there is no such column");
    return position;
  }

  get reads() {
    return Uint32Array.from(this.#inputs, (input) => input.position);
  }

  /** The batch that crossed. */
  batch(batch) {
    return new Batch(batch.rows, this.#inputs.map((input) => input.field), batch.values.val);
  }
}

function matches(found, wanted) {
  const kind = seenKind(found);
  if (kind !== seenKind(wanted)) return false;
  if (found.kind === "dictionary") return matches(found.children[0].type, wanted);
  const { kind: _, children: __, ...parameters } = wanted;
  return Object.entries(parameters).every(([key, value]) => found[key] === value);
}

/** The columns that were read of some rows. */
export class Batch {
  #columns;

  constructor(rows, fields, nodes) {
    this.rows = rows;
    this.#columns = readColumns(fields, nodes);
  }

  /** A column that was read when the plugin was bound. */
  column(input) {
    return this.#columns[input.slot];
  }

  get columns() {
    return this.#columns;
  }

  /** All rows as objects. */
  toRows() {
    return rowsOf(this.#columns, this.rows);
  }
}

/** Columns to write, in the order of their declaration. */
export class WritePlan {
  #outputs = [];

  /** Adds a column: of a type, or with the field of another, which is then taken over but for its name. */
  write(name, type, options) {
    const output = newOutput(name, type, options);
    this.#outputs.push(output);
    return output;
  }

  get outputs() {
    return this.#outputs;
  }
}

export function newOutput(name, type, options) {
  const isField = typeof type === "object" && "type" in type;
  return new Output(isField ? { ...type, name, ...options } : field(name, type, options));
}

/** What a transformer reads and writes. The output starts as the input, with all columns kept. */
export class Plan extends ReadPlan {
  #columns;
  #scope = { tag: "rows" };

  constructor(schema) {
    super(schema);
    this.#columns = this.schema.map(({ name }, position) => ({ name, position }));
  }

  /** Adds a column at the end, or in the place of the output column of that name. Takes what `WritePlan.write` takes. */
  write(name, type, options) {
    const output = newOutput(name, type, options);
    const place = this.#columns.findIndex((column) => column.name === name);
    if (place < 0) this.#columns.push({ name, output });
    else this.#columns[place] = { name, output };
    return output;
  }

  /** Leaves a column out of the output. */
  drop(name) {
    this.#columns.splice(this.#place(name), 1);
  }

  /** Leaves all columns out of the output, so that only what is written makes it up. */
  dropAll() {
    this.#columns = [];
  }

  /** Renames an output column. */
  rename(from, to) {
    const column = this.#columns[this.#place(from)];
    column.name = to;
    if (column.output) column.output.field = { ...column.output.field, name: to };
  }

  /** All rows that agree in these columns meet one instance, in the order of the input. */
  keyedBy(...names) {
    this.#scope = { tag: "keyed", val: Uint32Array.from(names, (name) => this.position(name)) };
  }

  /** One instance sees all rows, in the order of the input. */
  singleInstance() {
    this.#scope = { tag: "single" };
  }

  #place(name) {
    const place = this.#columns.findIndex((column) => column.name === name);
    if (place < 0) throw new BadSchema(name, "there is no such column in the output");
    return place;
  }

  /** The columns that are written, in the order of the output. */
  get outputs() {
    return this.#columns.flatMap(({ output }) => output ?? []);
  }

  get keepsColumns() {
    return this.#columns.some(({ output }) => output === undefined);
  }

  binding() {
    const output = this.#columns.map(({ name, position, output }) =>
      output ? { tag: "new", val: fieldToWit(output.field) } : { tag: "keep", val: { input: position, name } });
    return { reads: this.reads, encoding: "columns", output, scope: this.#scope };
  }
}

/** The values of the columns that are written, set one by one. */
export class Values {
  #outputs;
  #values = new Map();

  constructor(outputs) {
    this.#outputs = outputs;
  }

  set(output, values) {
    this.#values.set(output, values);
  }

  get isEmpty() {
    return this.#values.size === 0;
  }

  /** The columns in the order of the output; `special` deals with what is no column. */
  columns(special = () => undefined) {
    return this.#outputs.map((output) => {
      if (!this.#values.has(output)) throw new Fatal(`the column ${output.field.name} was not set`);
      const values = this.#values.get(output);
      return special(values) ?? columnOf(output.field.type, values);
    });
  }

  /** How many values all columns have. */
  static length(columns) {
    const length = columns[0]?.length ?? 0;
    if (columns.some((column) => column.length !== length)) throw new Fatal("the columns that were set differ in length");
    return length;
  }
}

/** Columns of the values that rows have under the columns' names. */
export function columnsOfRows(outputs, rows) {
  return outputs.map(({ field: { name, type } }) => {
    const values = new Array(rows.length);
    for (let index = 0; index < values.length; index++) values[index] = rows[index][name];
    return columnOf(type, values);
  });
}
