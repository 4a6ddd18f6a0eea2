// New columns: made of values, or of buffers as they are.
//
// A builder takes what `get` of a column of its type returns. Integers of 64 bits are taken as numbers too, decimals as texts such
// as "12.50", maps as Map, structs as objects whose missing keys are nulls. `undefined` is a null everywhere.

import { bytesOf, clearBit, encodeAll, fullBitmap } from "./bytes.js";
import * as kernels from "./kernels.js";
import { typeName, typeOf } from "./types.js";
import { parseDecimal } from "./values.js";

const EMPTY = new Uint8Array();

/** Buffers of a column that a plugin made. */
export class NewColumn {
  constructor(type, length, nodes) {
    this.type = type;
    this.length = length;
    this.nodes = nodes;
  }

  /** Of a typed array as it is, and of a bitmap with 1 where a value is not null. */
  static ofValues(type, values, validity = null) {
    const length = values.length;
    const node = { length, validity: validity ?? EMPTY, offsets: EMPTY, values: bytesOf(values) };
    return new NewColumn(typeOf(type), length, [node]);
  }

  /** Of UTF-8 bytes, and where each text begins and the last one ends. */
  static ofText(type, length, validity, offsets, bytes) {
    const wide = type.kind.startsWith("large-") ? BigInt64Array.from(offsets, BigInt) : offsets;
    return new NewColumn(type, length, [{ length, validity: validity ?? EMPTY, offsets: bytesOf(wide), values: bytes }]);
  }
}

/** What all builders have in common: values without a meaning where there are nulls. */
class Builder {
  constructor(type) {
    this.type = type;
    this.length = 0;
    this.nulls = [];
  }

  push(value) {
    if (value === null || value === undefined) {
      this.nulls.push(this.length);
      this.gap();
    } else {
      this.add(value);
    }
    this.length++;
    return this;
  }

  pushAll(values) {
    for (const value of values) this.push(value);
    return this;
  }

  finish() {
    return new NewColumn(this.type, this.length, this.nodes());
  }

  node(buffers) {
    let validity = EMPTY;
    if (this.nulls.length > 0) {
      validity = fullBitmap(this.length);
      for (const index of this.nulls) clearBit(validity, index);
    }
    return { length: this.length, validity, offsets: EMPTY, values: EMPTY, ...buffers };
  }

  wrong(value) {
    return new TypeError(`${shown(value)} is no value of a column of the type ${typeName(this.type)}`);
  }
}

function shown(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

class NullBuilder extends Builder {
  gap() {}
  add(value) { throw this.wrong(value); }
  nodes() { return [{ length: this.length, validity: EMPTY, offsets: EMPTY, values: EMPTY }]; }
}

class BooleanBuilder extends Builder {
  bits = [];
  gap() { this.bits.push(false); }
  add(value) { this.bits.push(Boolean(value)); }
  nodes() {
    const values = new Uint8Array((this.length + 7) >> 3);
    for (let index = 0; index < this.length; index++) if (this.bits[index]) values[index >> 3] |= 1 << (index & 7);
    return [this.node({ values })];
  }
}

class NumberBuilder extends Builder {
  values = [];
  constructor(type, Type, minimum = -Infinity, maximum = Infinity) {
    super(type);
    this.Type = Type;
    this.minimum = minimum;
    this.maximum = maximum;
  }
  gap() { this.values.push(0); }
  add(value) {
    if (typeof value !== "number") value = this.number(value);
    // Typed arrays wrap integers around; a column should rather not be made.
    if (this.minimum !== -Infinity && !(value >= this.minimum && value <= this.maximum)) throw this.wrong(value);
    this.values.push(value);
  }
  number(value) {
    if (typeof value === "bigint") return Number(value);
    throw this.wrong(value);
  }
  nodes() { return [this.node({ values: bytesOf(new this.Type(this.values)) })]; }
}

class Float16Builder extends NumberBuilder {
  nodes() { return [this.node({ values: bytesOf(Uint16Array.from(this.values, toFloat16)) })]; }
}

/** The bits of the half-precision float that is nearest, the even one of two. */
function toFloat16(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const units = size / 2 ** (exponent - 10);
  let whole = Math.floor(units);
  const rest = units - whole;
  if (rest > 0.5 || (rest === 0.5 && whole & 1)) whole++;
  // A fraction that has become too large carries into the exponent by itself.
  return sign | (size < 2 ** -14 ? whole : ((exponent + 15) << 10) + whole - 0x400);
}

class BigIntBuilder extends Builder {
  values = [];
  constructor(type, Type) {
    super(type);
    this.Type = Type;
    this.isSigned = Type === BigInt64Array;
  }
  gap() { this.values.push(0n); }
  add(value) {
    const big = this.bigint(value);
    if ((this.isSigned ? BigInt.asIntN(64, big) : BigInt.asUintN(64, big)) !== big) throw this.wrong(value);
    this.values.push(big);
  }
  bigint(value) {
    if (typeof value === "bigint") return value;
    if (Number.isInteger(value)) return BigInt(value);
    throw this.wrong(value);
  }
  nodes() { return [this.node({ values: bytesOf(new this.Type(this.values)) })]; }
}

class DecimalBuilder extends Builder {
  values = [];
  constructor(type, bits) {
    super(type);
    this.bits = bits;
    this.limit = 10n ** BigInt(type.precision);
  }
  gap() { this.values.push(0n); }
  add(value) {
    const big = typeof value === "string" ? parseDecimal(value, this.type.scale) : value;
    if (typeof big !== "bigint" || big >= this.limit || -big >= this.limit) throw this.wrong(value);
    this.values.push(big);
  }
  nodes() {
    if (this.bits === 32) return [this.node({ values: bytesOf(Int32Array.from(this.values, Number)) })];
    const words = this.bits / 64;
    const values = new BigUint64Array(words * this.length);
    for (let index = 0; index < this.length; index++) {
      let rest = BigInt.asUintN(this.bits, this.values[index]);
      for (let word = 0; word < words; word++, rest >>= 64n) values[index * words + word] = rest;
    }
    return [this.node({ values: bytesOf(values) })];
  }
}

class IntervalBuilder extends Builder {
  values = [];
  gap() { this.values.push(null); }
  add(value) { this.values.push(value); }
  nodes() {
    const isDayTime = this.type.unit === "day-time";
    const size = isDayTime ? 8 : 16;
    const data = new DataView(new ArrayBuffer(size * this.length));
    this.values.forEach((value, index) => {
      if (value === null) return;
      if (isDayTime) {
        data.setInt32(8 * index, value.days, true);
        data.setInt32(8 * index + 4, value.milliseconds, true);
      } else {
        data.setInt32(16 * index, value.months, true);
        data.setInt32(16 * index + 4, value.days, true);
        data.setBigInt64(16 * index + 8, BigInt(value.nanoseconds), true);
      }
    });
    return [this.node({ values: new Uint8Array(data.buffer) })];
  }
}

/** Strings as offsets and bytes. Halves of surrogate pairs become U+FFFD. */
const together = (texts) => kernels.join(texts) ?? encodeAll(texts);

class TextBuilder extends Builder {
  texts = [];
  gap() { this.texts.push(""); }
  add(value) {
    if (typeof value !== "string") throw this.wrong(value);
    this.texts.push(value);
  }
  nodes() {
    const { offsets, bytes } = together(this.texts);
    return [this.node({ offsets: bytesOf(widened(this.type, offsets)), values: bytes })];
  }
}

const widened = (type, offsets) => (type.kind.startsWith("large-") ? BigInt64Array.from(offsets, BigInt) : offsets);

class BinaryBuilder extends Builder {
  parts = [];
  gap() { this.parts.push(EMPTY); }
  add(value) {
    if (!(value instanceof Uint8Array)) throw this.wrong(value);
    this.parts.push(value);
  }
  nodes() {
    const offsets = new Int32Array(this.length + 1);
    let end = 0;
    for (let index = 0; index < this.length; index++) offsets[index + 1] = end += this.parts[index].length;
    const values = new Uint8Array(end);
    this.parts.forEach((part, index) => values.set(part, offsets[index]));
    return [this.node({ offsets: bytesOf(widened(this.type, offsets)), values })];
  }
}

class FixedBinaryBuilder extends BinaryBuilder {
  gap() { this.parts.push(new Uint8Array(this.type.size)); }
  add(value) {
    if (!(value instanceof Uint8Array) || value.length !== this.type.size) throw this.wrong(value);
    this.parts.push(value);
  }
  nodes() { return [this.node({ values: super.nodes()[0].values })]; }
}

class ListBuilder extends Builder {
  ends = [0];
  constructor(type) {
    super(type);
    this.child = builder(type.children[0].type);
  }
  gap() { this.ends.push(this.child.length); }
  add(value) {
    if (typeof value !== "object" || !(Symbol.iterator in value)) throw this.wrong(value);
    this.child.pushAll(value);
    this.ends.push(this.child.length);
  }
  nodes() {
    return [this.node({ offsets: bytesOf(widened(this.type, new Int32Array(this.ends))) }), ...this.child.nodes()];
  }
}

class FixedListBuilder extends ListBuilder {
  gap() { for (let item = 0; item < this.type.size; item++) this.child.push(null); }
  add(value) {
    super.add(value);
    if (this.child.length !== (this.length + 1) * this.type.size) throw this.wrong(value);
  }
  nodes() { return [this.node({}), ...this.child.nodes()]; }
}

class StructBuilder extends Builder {
  constructor(type) {
    super(type);
    this.children = type.children.map((child) => builder(child.type));
  }
  gap() { for (const child of this.children) child.push(null); }
  add(value) {
    if (typeof value !== "object") throw this.wrong(value);
    this.children.forEach((child, position) => child.push(value[this.type.children[position].name]));
  }
  nodes() { return [this.node({}), ...this.children.flatMap((child) => child.nodes())]; }
}

/** A map's child is a struct of key and value. */
class MapBuilder extends ListBuilder {
  constructor(type) {
    super(type);
    const [key, value] = type.children[0].type.children;
    this.names = [key.name, value.name];
  }
  add(value) {
    if (typeof value !== "object" || !(Symbol.iterator in value)) throw this.wrong(value);
    const [key, held] = this.names;
    for (const [name, item] of value) this.child.push({ [key]: name, [held]: item });
    this.ends.push(this.child.length);
  }
}

/** Each value is held once, in the order of their first appearance. */
class DictionaryBuilder extends Builder {
  constructor(type) {
    super(type);
    this.values = builder(type.children[0].type);
    this.keys = builder(type.index);
    this.known = new Map();
  }
  gap() { this.keys.push(null); }
  add(value) {
    const identity = identify(value);
    let key = this.known.get(identity);
    if (key === undefined) {
      key = this.values.length;
      this.values.push(value);
      this.known.set(identity, key);
    }
    this.keys.push(key);
  }
  nodes() { return [...this.keys.nodes(), ...this.values.nodes()]; }
}

/** Something that is the same for equal values only. */
function identify(value) {
  if (typeof value !== "object") return value;
  return JSON.stringify(value, (_, part) => {
    if (typeof part === "bigint") return `${part}n`;
    return part instanceof Uint8Array ? [...part] : part;
  });
}

/** A builder of columns of this type. */
export function builder(given) {
  const type = typeOf(given);
  const { kind } = type;
  switch (kind) {
    case "null": return new NullBuilder(type);
    case "boolean": return new BooleanBuilder(type);
    case "int8": return new NumberBuilder(type, Int8Array, -128, 127);
    case "int16": return new NumberBuilder(type, Int16Array, -32768, 32767);
    case "uint8": return new NumberBuilder(type, Uint8Array, 0, 255);
    case "uint16": return new NumberBuilder(type, Uint16Array, 0, 65535);
    case "uint32": return new NumberBuilder(type, Uint32Array, 0, 4294967295);
    case "int32":
    case "date32":
    case "time32": return new NumberBuilder(type, Int32Array, -2147483648, 2147483647);
    case "float16": return new Float16Builder(type, Uint16Array);
    case "float32": return new NumberBuilder(type, Float32Array);
    case "float64": return new NumberBuilder(type, Float64Array);
    case "uint64": return new BigIntBuilder(type, BigUint64Array);
    case "int64":
    case "date64":
    case "time64":
    case "timestamp":
    case "duration": return new BigIntBuilder(type, BigInt64Array);
    case "interval":
      return type.unit === "year-month" ? new NumberBuilder(type, Int32Array, -2147483648, 2147483647) : new IntervalBuilder(type);
    case "decimal32":
    case "decimal64":
    case "decimal128":
    case "decimal256": return new DecimalBuilder(type, Number(kind.slice(7)));
    case "utf8":
    case "large-utf8": return new TextBuilder(type);
    case "binary":
    case "large-binary": return new BinaryBuilder(type);
    case "fixed-size-binary": return new FixedBinaryBuilder(type);
    case "list":
    case "large-list": return new ListBuilder(type);
    case "fixed-size-list": return new FixedListBuilder(type);
    case "struct": return new StructBuilder(type);
    case "map": return new MapBuilder(type);
    case "dictionary": return new DictionaryBuilder(type);
    default: throw new TypeError(`columns of the type ${kind} cannot be made`);
  }
}

/** A column of values: an array or another iterable, of values and nulls. */
export function column(given, values) {
  const type = typeOf(given);
  const quick = Array.isArray(values) ? quickly(type, values) : null;
  return quick ?? builder(type).pushAll(values).finish();
}

/** A column of an array in which nothing is null and nothing has to be converted: without a call for each value. */
function quickly(type, values) {
  const { length } = values;
  if (type.kind === "float64") {
    const numbers = new Float64Array(length);
    for (let index = 0; index < length; index++) {
      const value = values[index];
      if (typeof value !== "number") return null;
      numbers[index] = value;
    }
    return NewColumn.ofValues(type, numbers);
  }
  if (type.kind === "utf8") {
    for (let index = 0; index < length; index++) if (typeof values[index] !== "string") return null;
    const { offsets, bytes } = together(values);
    return NewColumn.ofText(type, length, null, offsets, bytes);
  }
  return null;
}

const ARRAYS = {
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
  float32: Float32Array, float64: Float64Array, date32: Int32Array, time32: Int32Array,
  date64: BigInt64Array, time64: BigInt64Array, timestamp: BigInt64Array, duration: BigInt64Array,
};

/** What a plugin gives as the values of a column of this type: columns of either sort, typed arrays, iterables. */
export function columnOf(type, values) {
  if (values instanceof NewColumn) {
    if (values.type.kind !== type.kind) throw new TypeError(`a column of the type ${typeName(values.type)} was set where ${typeName(type)} is declared`);
    return values;
  }
  if (Array.isArray(values)) return column(type, values);
  if (values?.nodes !== undefined) {
    // A column that was read. Its buffers serve where the types are the same; where a dictionary was seen through, its values do.
    return values.field.type.kind === type.kind ? new NewColumn(type, values.length, values.nodes) : column(type, values);
  }
  return ArrayBuffer.isView(values) && values instanceof (ARRAYS[type.kind] ?? NewColumn)
    ? NewColumn.ofValues(type, values)
    : column(type, values);
}
