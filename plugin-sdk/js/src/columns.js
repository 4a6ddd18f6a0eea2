// Columns as a plugin reads them: typed arrays over the buffers that crossed, and values one by one.
//
// | Type | `get` returns |
// |---|---|
// | boolean; int8 to int32, uint8 to uint32, floats | boolean; number |
// | int64, uint64 | bigint |
// | utf8; binary, fixed-size-binary | string; Uint8Array |
// | date32; time32; interval of months | number: days; in its unit; months |
// | date64, time64, timestamp, duration | bigint: in its unit |
// | decimals | bigint: the value times 10 to the power of the scale |
// | interval | { days, milliseconds } or { months, days, nanoseconds } |
// | lists; struct; map; dictionary | array; object; array of [key, value]; the value that is meant |
//
// A null is `null`. `row` is the same for rows: int64 and uint64 are numbers there as long as a number can hold them.

import { binaryString, bytesOf, decode, decodeBinary, eachForeign, encode, fullBitmap, getBit, view } from "./bytes.js";
import { builder, NewColumn } from "./builders.js";
import * as kernels from "./kernels.js";
import { Mask } from "./mask.js";

/** What all columns have in common. */
export class Column {
  /** The field, with its name, type and metadata. */
  field;
  /** How many values, nulls included. */
  length;
  /** A bitmap with 1 where the value is not null, least significant bit first; null where there are no nulls. */
  validity;
  /** The buffers as they came, this column's and its children's. */
  nodes;

  constructor(field, nodes, from) {
    const { length, validity } = nodes[from];
    this.field = field;
    this.length = length;
    this.validity = validity.length === 0 ? null : validity;
  }

  isNull(index) {
    return this.validity !== null && !getBit(this.validity, index);
  }

  /** The value; null where there is none. */
  get(index) {
    return this.validity !== null && !getBit(this.validity, index) ? null : this.value(index);
  }

  /** The value as it is in rows. */
  row(index) {
    return this.get(index);
  }

  *[Symbol.iterator]() {
    for (let index = 0; index < this.length; index++) yield this.get(index);
  }

  toArray() {
    const values = new Array(this.length);
    for (let index = 0; index < values.length; index++) values[index] = this.get(index);
    return values;
  }

  /** The rows that are not null. */
  isValid() {
    const all = fullBitmap(this.length);
    return new Mask(this.validity === null ? all : kernels.combineBitmaps("both", all, this.validity), this.length);
  }

  /** The rows whose value `f` holds for; it is not asked about nulls. */
  where(f) {
    const bitmap = new Uint8Array((this.length + 7) >> 3);
    for (let index = 0; index < this.length; index++) {
      const value = this.get(index);
      if (value !== null && f(value)) bitmap[index >> 3] |= 1 << (index & 7);
    }
    return new Mask(bitmap, this.length);
  }

  /** A bitmap as a mask in which nulls are false. */
  masked(bitmap) {
    const mask = new Mask(bitmap, this.length);
    return this.validity === null ? mask : mask.and(this.isValid());
  }

  /** A function's results for all values that are not null; null for those that are. */
  map(f) {
    const values = new Array(this.length);
    for (let index = 0; index < values.length; index++) {
      const value = this.get(index);
      values[index] = value === null ? null : f(value, index);
    }
    return values;
  }
}

class NullColumn extends Column {
  isNull() { return true; }
  get() { return null; }
  value() { return null; }
}

class BooleanColumn extends Column {
  constructor(field, nodes, from) {
    super(field, nodes, from);
    this.bits = nodes[from].values;
  }
  value(index) { return getBit(this.bits, index); }
}

/** Numbers and whatever is a number by itself: `values` is a typed array over the buffer. */
export class NumberColumn extends Column {
  constructor(field, nodes, from, Type) {
    super(field, nodes, from);
    /** Arbitrary where null. */
    this.values = view(Type, nodes[from].values, this.length);
  }
  value(index) { return this.values[index]; }

  // Comparisons with one number. Nulls are false.
  gt(other) { return this.compared("greater", other); }
  ge(other) { return this.compared("at-least", other); }
  lt(other) { return this.compared("less", other); }
  le(other) { return this.compared("at-most", other); }
  eq(other) { return this.compared("equal", other); }
  ne(other) { return this.compared("not-equal", other); }

  compared(comparison, other) {
    return this.masked(kernels.compare(STORED[this.values.constructor.name], this.values, comparison, other));
  }

  // Arithmetic with a number or another column: a column of floats of 64 bits, null where one of them is.
  plus(other) { return this.#computed("add", other); }
  minus(other) { return this.#computed("subtract", other); }
  times(other) { return this.#computed("multiply", other); }
  over(other) { return this.#computed("divide", other); }
  /** `other - this`. */
  minusFrom(other) { return this.#computed("subtract", other, true); }
  /** `other / this`. */
  overInto(other) { return this.#computed("divide", other, true); }

  #computed(operation, other, reversed = false) {
    const floats = this.floats();
    if (!(other instanceof NumberColumn)) return ofFloats(kernels.combine(operation, floats, other, reversed), this.validity);
    if (other.length !== this.length) throw new RangeError(`columns of ${this.length} and ${other.length} values`);
    return ofFloats(kernels.combinePairs(operation, floats, other.floats()), bothValid(this.validity, other.validity));
  }

  /** All values as floats of 64 bits; arbitrary where null. */
  floats() {
    return this.values instanceof Float64Array ? this.values : Float64Array.from(this.values);
  }

  /** A new column of the same type, with nulls where this one has them. `f` gets arbitrary values there. */
  mapValues(f) {
    return this.withValues(this.values.map(f));
  }

  /** A new column of the same type with other values, and nulls where this one has them. */
  withValues(values) {
    return NewColumn.ofValues(this.field.type, values, this.validity);
  }
}

class BigIntColumn extends NumberColumn {
  row(index) {
    const value = this.get(index);
    if (value === null || this.field.type.kind.length > 6) return value; // longer than `uint64`: an instant
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  floats() { return this.toNumbers(); }

  /** All values as numbers, exact up to 2^53. */
  toNumbers() {
    // Halves are read instead of bigints, which are objects in an interpreter.
    const halves = new Uint32Array(this.values.buffer, this.values.byteOffset, 2 * this.length);
    const signed = this.field.type.kind !== "uint64";
    const numbers = new Float64Array(this.length);
    for (let index = 0; index < numbers.length; index++) {
      const high = halves[2 * index + 1];
      numbers[index] = (signed ? high | 0 : high) * 4294967296 + halves[2 * index];
    }
    return numbers;
  }
}

class Float16Column extends NumberColumn {
  value(index) { return fromFloat16(this.values[index]); }
  floats() { return Float64Array.from(this.values, fromFloat16); }
  compared(comparison, other) { return this.masked(kernels.compare("float64", this.floats(), comparison, other)); }
}

/** The types of numbers that lie in typed arrays, as kernels call them. */
const STORED = {
  Int8Array: "int8", Int16Array: "int16", Int32Array: "int32", BigInt64Array: "int64",
  Uint8Array: "uint8", Uint16Array: "uint16", Uint32Array: "uint32", BigUint64Array: "uint64",
  Float32Array: "float32", Float64Array: "float64",
};

const EMPTY = new Uint8Array();
const FLOATS = { name: "", type: { kind: "float64" }, nullable: true, metadata: [] };

/** A column of computed floats, to be read or set. */
function ofFloats(values, validity) {
  const node = { length: values.length, validity: validity ?? EMPTY, offsets: EMPTY, values: bytesOf(values) };
  return readColumns([FLOATS], [node])[0];
}

/** The bitmap of what is valid in both. */
function bothValid(one, other) {
  if (one === null || other === null) return one ?? other;
  return one.map((bits, at) => bits & other[at]);
}

/** The number that the 16 bits of a half-precision float mean. */
function fromFloat16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 25) * (0x400 + fraction);
}

class DecimalColumn extends Column {
  constructor(field, nodes, from, Type) {
    super(field, nodes, from);
    this.values = view(Type, nodes[from].values, this.length);
  }
  value(index) { return BigInt(this.values[index]); }
}

/** Integers of several 64-bit words, the lowest first. */
class WideDecimalColumn extends Column {
  constructor(field, nodes, from, words) {
    super(field, nodes, from);
    this.words = words;
    this.values = view(BigUint64Array, nodes[from].values, this.length * words);
  }
  value(index) {
    let value = 0n;
    for (let word = this.words - 1; word >= 0; word--) value = (value << 64n) | this.values[index * this.words + word];
    return BigInt.asIntN(64 * this.words, value);
  }
}

class IntervalColumn extends Column {
  constructor(field, nodes, from) {
    super(field, nodes, from);
    const { values } = nodes[from];
    this.data = new DataView(values.buffer, values.byteOffset, values.byteLength);
    this.isDayTime = field.type.unit === "day-time";
  }
  value(index) {
    const { data } = this;
    if (this.isDayTime) {
      return { days: data.getInt32(8 * index, true), milliseconds: data.getInt32(8 * index + 4, true) };
    }
    const at = 16 * index;
    return { months: data.getInt32(at, true), days: data.getInt32(at + 4, true), nanoseconds: data.getBigInt64(at + 8, true) };
  }
}

/** `length + 1` offsets. Those of 64 bits fit in 32, as all that a plugin can hold does. */
function readOffsets({ offsets, length }, isLarge) {
  if (offsets.length === 0 && length === 0) return new Int32Array(1);
  return isLarge ? Int32Array.from(view(BigInt64Array, offsets, length + 1), Number) : view(Int32Array, offsets, length + 1);
}

export class BinaryColumn extends Column {
  constructor(field, nodes, from, isLarge) {
    super(field, nodes, from);
    /** Where each value begins in `bytes`, and at the end where the last one ends. */
    this.offsets = readOffsets(nodes[from], isLarge);
    /** All values, one after another. */
    this.bytes = nodes[from].values;
  }
  value(index) { return this.bytes.subarray(this.offsets[index], this.offsets[index + 1]); }
}

/** Texts. The column is decoded as a whole, when the first value is asked for. */
export class TextColumn extends BinaryColumn {
  #whole = null;
  /** 1 for each value that is not only ASCII; null where all are. */
  #foreign = null;

  #load() {
    const end = this.offsets[this.length];
    const bytes = this.bytes.length === end ? this.bytes : this.bytes.subarray(0, end);
    this.#whole = binaryString(bytes);
    const { offsets } = this;
    let row = 0;
    eachForeign(bytes, (position) => {
      this.#foreign ??= new Uint8Array(this.length);
      // The four bytes may belong to several values; one that is called foreign without need is only slower.
      while (offsets[row + 1] <= position) row++;
      this.#foreign[row] = 1;
      for (let next = row + 1; next < this.length && offsets[next] < position + 4; next++) this.#foreign[next] = 1;
    });
  }

  /** The rows whose whole text matches a regular expression. */
  matches(expression) {
    return this.masked(kernels.matches(expression, this.offsets, this.bytes, (index) => this.value(index)));
  }

  /** The rows whose text has `part` in it. */
  contains(part) {
    return this.masked(kernels.contains(part, this.offsets, this.bytes, (index) => this.value(index)));
  }

  /** The rows whose text is among these. */
  isIn(texts) {
    return this.masked(kernels.isIn([...texts], this.offsets, this.bytes, (index) => this.value(index)));
  }

  eq(text) { return this.isIn([text]); }
  ne(text) { return this.isValid().and(this.eq(text).not()); }

  /** What is between the `index`-th separator and the next one, counted from 0; null where there are not as many. */
  part(separator, index) {
    const found = kernels.part(separator, index, this.offsets, this.bytes);
    const type = { kind: "utf8" };
    if (found === null) {
      const parts = this.map((text) => text.split(separator, index + 1)[index] ?? null);
      return builder(type).pushAll(parts).finish();
    }
    return NewColumn.ofText(type, this.length, this.masked(found.found).bitmap, found.offsets, found.bytes);
  }

  value(index) {
    if (this.#whole === null) this.#load();
    const text = this.#whole.substring(this.offsets[index], this.offsets[index + 1]);
    return this.#foreign !== null && this.#foreign[index] ? decodeBinary(text) : text;
  }

  /** All values; what stands for nulls is arbitrary. Null where they are to be had one by one only. */
  split() {
    return kernels.split(this.offsets, this.bytes);
  }

  toArray() {
    const texts = this.split();
    if (texts === null) return super.toArray();
    if (this.validity !== null) for (let index = 0; index < texts.length; index++) if (this.isNull(index)) texts[index] = null;
    return texts;
  }

  /** All texts in one string, cut by `offsets`, where they are nothing but ASCII; null otherwise. */
  get ascii() {
    if (this.#whole === null) this.#load();
    return this.#foreign === null ? this.#whole : null;
  }

  /** A new column of these texts in upper case, by Unicode's rules. */
  toUpperCase() { return this.#recased(true); }
  toLowerCase() { return this.#recased(false); }

  #recased(upper) {
    const { offsets, bytes } = kernels.recase(this.offsets, this.bytes, upper);
    return NewColumn.ofText(this.field.type, this.length, this.validity, offsets, bytes);
  }

  /**
   * A new column of what `f` makes of these texts. `f` must make text of the same length of ASCII, character by character: it gets
   * many values at once, without anything between them. Of other text it gets one value at a time.
   */
  mapAsciiRuns(f) {
    if (this.#whole === null) this.#load();
    const { offsets, validity } = this;
    const end = offsets[this.length];
    const foreign = this.#foreign;
    const type = this.field.type;
    if (foreign === null) {
      return NewColumn.ofText(type, this.length, validity, offsets, encode(f(this.#whole.substring(0, end)), true));
    }
    const moved = new Int32Array(this.length + 1);
    const parts = [];
    let shift = 0;
    let start = 0;
    let from = 0;
    for (let row = foreign.indexOf(1); row >= 0; row = foreign.indexOf(1, row + 1)) {
      if (offsets[row] > start) parts.push(encode(f(this.#whole.substring(start, offsets[row])), true));
      for (let clean = from; clean <= row; clean++) moved[clean] = offsets[clean] + shift;
      start = offsets[row + 1];
      from = row + 1;
      const made = encode(f(decodeBinary(this.#whole.substring(offsets[row], start))));
      parts.push(made);
      shift += made.length - (start - offsets[row]);
    }
    if (end > start) parts.push(encode(f(this.#whole.substring(start, end)), true));
    for (let clean = from; clean <= this.length; clean++) moved[clean] = offsets[clean] + shift;
    const bytes = new Uint8Array(end + shift);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return NewColumn.ofText(type, this.length, validity, moved, bytes);
  }

  /** All texts as one string of bytes, and a 1 for each value of it that has to be decoded; null where none has. */
  get whole() {
    if (this.#whole === null) this.#load();
    return { binary: this.#whole, foreign: this.#foreign };
  }
}

class FixedBinaryColumn extends Column {
  constructor(field, nodes, from) {
    super(field, nodes, from);
    this.bytes = nodes[from].values;
  }
  value(index) {
    const { size } = this.field.type;
    return this.bytes.subarray(index * size, (index + 1) * size);
  }
}

/** Lists and maps: `child` has the items of all of them. */
class ListColumn extends Column {
  constructor(field, nodes, from, children, offsets) {
    super(field, nodes, from);
    this.child = children[0];
    this.offsets = offsets;
  }
  bounds(index) { return [this.offsets[index], this.offsets[index + 1]]; }
  value(index) { return this.items(index, (child, at) => child.get(at)); }
  row(index) { return this.isNull(index) ? null : this.items(index, (child, at) => child.row(at)); }
  items(index, item) {
    const [from, to] = this.bounds(index);
    const items = new Array(to - from);
    for (let at = from; at < to; at++) items[at - from] = item(this.child, at);
    return items;
  }
}

class FixedListColumn extends ListColumn {
  bounds(index) {
    const { size } = this.field.type;
    return [index * size, (index + 1) * size];
  }
}

class MapColumn extends ListColumn {
  items(index, item) {
    const { children: [key, value] } = this.child;
    const [from, to] = this.bounds(index);
    const entries = new Array(to - from);
    for (let at = from; at < to; at++) entries[at - from] = [item(key, at), item(value, at)];
    return entries;
  }
}

class StructColumn extends Column {
  constructor(field, nodes, from, children) {
    super(field, nodes, from);
    this.children = children;
  }
  value(index) { return this.object(index, (child) => child.get(index)); }
  row(index) { return this.isNull(index) ? null : this.object(index, (child) => child.row(index)); }
  object(_index, value) {
    return Object.fromEntries(this.children.map((child) => [child.field.name, value(child)]));
  }
}

/** Keys into a dictionary; what is read are the values that they stand for. */
class DictionaryColumn extends Column {
  constructor(field, nodes, from, children) {
    super(field, nodes, from);
    this.dictionary = children[0];
    /** Arbitrary where null. */
    this.keys = view(KEYS[field.type.index], nodes[from].values, this.length);
  }
  isNull(index) { return super.isNull(index) || this.dictionary.isNull(Number(this.keys[index])); }
  value(index) { return this.dictionary.get(Number(this.keys[index])); }
  row(index) { return super.isNull(index) ? null : this.dictionary.row(Number(this.keys[index])); }
}

export const KEYS = {
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
};

const BIG = ["date64", "time64", "timestamp", "duration"];

/** The column of a field whose node is at `at.next`, which moves behind the last of its descendants. */
function read(field, nodes, at) {
  const from = at.next++;
  const children = (field.type.children ?? []).map((child) => read(child, nodes, at));
  const column = make(field, nodes, from, children);
  column.nodes = nodes.slice(from, at.next);
  return column;
}

function make(field, nodes, from, children) {
  const { type } = field;
  const { kind } = type;
  if (kind === "int64" || kind === "uint64") return new BigIntColumn(field, nodes, from, KEYS[kind]);
  if (kind in KEYS) return new NumberColumn(field, nodes, from, KEYS[kind]);
  if (BIG.includes(kind)) return new BigIntColumn(field, nodes, from, BigInt64Array);
  switch (kind) {
    case "null": return new NullColumn(field, nodes, from);
    case "boolean": return new BooleanColumn(field, nodes, from);
    case "float16": return new Float16Column(field, nodes, from, Uint16Array);
    case "float32": return new NumberColumn(field, nodes, from, Float32Array);
    case "float64": return new NumberColumn(field, nodes, from, Float64Array);
    case "date32":
    case "time32": return new NumberColumn(field, nodes, from, Int32Array);
    case "interval":
      return type.unit === "year-month" ? new NumberColumn(field, nodes, from, Int32Array) : new IntervalColumn(field, nodes, from);
    case "decimal32": return new DecimalColumn(field, nodes, from, Int32Array);
    case "decimal64": return new DecimalColumn(field, nodes, from, BigInt64Array);
    case "decimal128": return new WideDecimalColumn(field, nodes, from, 2);
    case "decimal256": return new WideDecimalColumn(field, nodes, from, 4);
    case "utf8":
    case "large-utf8": return new TextColumn(field, nodes, from, kind === "large-utf8");
    case "binary":
    case "large-binary": return new BinaryColumn(field, nodes, from, kind === "large-binary");
    case "fixed-size-binary": return new FixedBinaryColumn(field, nodes, from);
    case "list":
    case "large-list": return new ListColumn(field, nodes, from, children, readOffsets(nodes[from], kind === "large-list"));
    case "map": return new MapColumn(field, nodes, from, children, readOffsets(nodes[from], false));
    case "fixed-size-list": return new FixedListColumn(field, nodes, from, children);
    case "struct": return new StructColumn(field, nodes, from, children);
    case "dictionary": return new DictionaryColumn(field, nodes, from, children);
    default: throw new TypeError(`columns of the type ${kind} cannot be read`);
  }
}

/** The columns of `fields`, whose nodes come one after another. */
export function readColumns(fields, nodes) {
  const at = { next: 0 };
  return fields.map((field) => read(field, nodes, at));
}

/**
 * What the values of the row `row` are: for each column a key of an object and an expression, and what these need: names, and what
 * they stand for.
 *
 * Loops are written for the columns at hand, so that a row costs one object and what its values cost, and no call where a value
 * lies in a typed array or in a text that is cut.
 */
export function rowValues(columns) {
  const names = [];
  const given = [];
  const values = columns.map((column, position) => {
    const argument = (name, value) => {
      names.push(`${name}${position}`);
      given.push(value);
      return names.at(-1);
    };
    if (column.constructor === NumberColumn && column.validity === null) return `${argument("numbers", column.values)}[row]`;
    const texts = column instanceof TextColumn ? column.split() : null;
    if (texts !== null) {
      const value = `${argument("texts", texts)}[row]`;
      return column.validity === null ? value : `${argument("column", column)}.isNull(row) ? null : ${value}`;
    }
    if (column instanceof TextColumn && column.validity === null) {
      const { binary, foreign } = column.whole;
      const offsets = argument("offsets", column.offsets);
      const cut = `${argument("text", binary)}.substring(${offsets}[row], ${offsets}[row + 1])`;
      if (foreign === null) return cut;
      return `${argument("foreign", foreign)}[row] ? ${argument("column", column)}.value(row) : ${cut}`;
    }
    return `${argument("column", column)}.row(row)`;
  });
  return { values, names, given };
}

/** The expression of an object with these values. */
export function objectOf(columns, values) {
  const parts = columns.map(({ field: { name } }, at) => {
    const key = JSON.stringify(name);
    return `${name === "__proto__" ? `[${key}]` : key}: ${values[at]}`;
  });
  return `{ ${parts.join(", ")} }`;
}

/** Rows as objects, with the values of all columns. */
export function rowsOf(columns, count) {
  const { values, names, given } = rowValues(columns);
  const code = `const rows = new Array(count);
    for (let row = 0; row < count; row++) rows[row] = ${objectOf(columns, values)};
    return rows;`;
  return new Function("count", ...names, code)(count, ...given);
}
