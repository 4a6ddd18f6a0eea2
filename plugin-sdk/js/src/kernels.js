// Loops over columns in compiled code, where the plugin runs in a component: see plugin-sdk/kernels.
//
// Outside of one, as in tests of a plugin in Node, the same loops run here, with the same result. Bitmaps are Arrow's: a bit for each
// value, least significant first. `text(index)` is one of the texts that `offsets` and `bytes` hold.

import { bytesOf, decode, encode } from "./bytes.js";

let native = null;

/** Called by components: with the interface `wasmill:kernels/columns`. */
export const setNative = (kernels) => { native = kernels; };

/** A bitmap of what `holds` says of each position. */
function bitmapOf(length, holds) {
  const bitmap = new Uint8Array((length + 7) >> 3);
  for (let at = 0; at < length; at++) if (holds(at)) bitmap[at >> 3] |= 1 << (at & 7);
  return bitmap;
}

/** What kernels return, as numbers: without a copy where it is aligned. */
function numbersOf(Type, bytes) {
  const { buffer, byteOffset, length } = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Type(buffer, byteOffset, length / Type.BYTES_PER_ELEMENT);
}

// ---- numbers -----------------------------------------------------------------------------------------------------

const HOLDS = {
  // A number and a bigint are equal where their values are.
  "equal": (a, b) => a == b,
  "not-equal": (a, b) => a != b,
  "less": (a, b) => a < b,
  "at-most": (a, b) => a <= b,
  "greater": (a, b) => a > b,
  "at-least": (a, b) => a >= b,
};

/** The numbers that compare so with one number. Integers may be compared with bigints too. */
export function compare(kind, values, comparison, other) {
  const isFloat = kind === "float32" || kind === "float64";
  if (native !== null) {
    if (isFloat && typeof other === "number") return native.compare(kind, bytesOf(values), comparison, { tag: "float", val: other });
    // Integers cross as numbers, so larger ones do not.
    const integer = Number(other);
    if (!isFloat && Number.isSafeInteger(integer)) {
      return native.compare(kind, bytesOf(values), comparison, { tag: "integer", val: integer });
    }
  }
  const holds = HOLDS[comparison];
  return bitmapOf(values.length, (at) => holds(values[at], other));
}

const COMPUTES = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
};

/** Floats, computed with one number. `reversed`: that one comes first. */
export function combine(operation, values, other, reversed = false) {
  if (native !== null) return numbersOf(Float64Array, native.combine(operation, bytesOf(values), other, reversed));
  const compute = COMPUTES[operation];
  return values.map((value) => (reversed ? compute(other, value) : compute(value, other)));
}

/** Floats, computed in pairs. */
export function combinePairs(operation, values, others) {
  if (native !== null) return numbersOf(Float64Array, native.combinePairs(operation, bytesOf(values), bytesOf(others)));
  const compute = COMPUTES[operation];
  return values.map((value, at) => compute(value, others[at]));
}

// ---- bitmaps -----------------------------------------------------------------------------------------------------

const BITS = {
  "both": (a, b) => a & b,
  "either": (a, b) => a | b,
  "first-only": (a, b) => a & ~b,
};

/** Two bitmaps as one. */
export function combineBitmaps(logic, first, second) {
  if (native !== null) return native.combineBitmaps(logic, first, second);
  const combined = BITS[logic];
  return first.map((bits, at) => combined(bits, second[at]));
}

/** Bytes of 0 and 1 as a bitmap. */
export const pack = (bytes) => (native === null ? bitmapOf(bytes.length, (at) => bytes[at]) : native.pack(bytes));

/** Which bits are 1, ascending. */
export function positions(bitmap) {
  if (native !== null) return native.positions(bitmap);
  const found = [];
  for (let at = 0; at < 8 * bitmap.length; at++) if (bitmap[at >> 3] & (1 << (at & 7))) found.push(at);
  return found;
}

// ---- text --------------------------------------------------------------------------------------------------------

const textOf = (offsets, bytes) => ({ offsets: bytesOf(offsets), values: bytes });
const fromText = ({ offsets, values }) => ({ offsets: numbersOf(Int32Array, offsets), bytes: values });

/** All texts one by one; null where JavaScript has to take them apart. They cross as two strings, which engines cut fastest. */
export function split(offsets, bytes) {
  if (native === null || offsets.length < 2) return null;
  const joined = native.joined(textOf(offsets, bytes));
  if (!joined) return null;
  const texts = joined.ascii.split("\0");
  const others = joined.others.split("\0");
  joined.positions.forEach((position, at) => { texts[position] = others[at]; });
  return texts;
}

/** Texts as offsets and bytes; null where JavaScript has to put them together. */
export function join(texts) {
  if (native === null) return null;
  const joined = texts.join("\0");
  const made = joined.isWellFormed() ? native.separated(joined, texts.length) : null;
  return made ? fromText(made) : null;
}

/** Texts in capitals, or in small letters. */
export function recase(offsets, bytes, upper) {
  if (native !== null) return fromText(native.recase(textOf(offsets, bytes), upper));
  const made = new Int32Array(offsets.length);
  const parts = [];
  for (let at = 0; at + 1 < offsets.length; at++) {
    const text = decode(bytes.subarray(offsets[at], offsets[at + 1]));
    const part = encode(upper ? text.toUpperCase() : text.toLowerCase());
    parts.push(part);
    made[at + 1] = made[at] + part.length;
  }
  const all = new Uint8Array(made[made.length - 1]);
  parts.forEach((part, at) => all.set(part, made[at]));
  return { offsets: made, bytes: all };
}

const compiled = new Map();

/** The texts that a regular expression matches as a whole. */
export function matches(expression, offsets, bytes, text) {
  const whole = new RegExp(`^(?:${expression.source})$`, expression.flags.replace(/[gym]/g, ""));
  if (native !== null && /^[giy]*$/.test(expression.flags)) {
    const key = `${expression}`;
    if (!compiled.has(key)) compiled.set(key, native.compile(expression.source, "javascript", expression.ignoreCase) ?? null);
    const number = compiled.get(key);
    if (number !== null) {
      const [found, unknown] = native.matches(number, textOf(offsets, bytes));
      // Texts that are not ASCII are left to JavaScript.
      for (const at of unknown) if (whole.test(text(at))) found[at >> 3] |= 1 << (at & 7);
      return found;
    }
  }
  return bitmapOf(offsets.length - 1, (at) => whole.test(text(at)));
}

/** The texts that have `part` in them. */
export function contains(part, offsets, bytes, text) {
  if (native !== null && part.isWellFormed()) return native.contains(textOf(offsets, bytes), encode(part));
  return bitmapOf(offsets.length - 1, (at) => text(at).includes(part));
}

/** The texts that are among `wanted`. */
export function isIn(wanted, offsets, bytes, text) {
  if (native !== null && wanted.every((one) => one.isWellFormed())) return native.isIn(textOf(offsets, bytes), wanted);
  const all = new Set(wanted);
  return bitmapOf(offsets.length - 1, (at) => all.has(text(at)));
}

/**
 * What is between the `index`-th separator and the next one: offsets, bytes, and a bitmap of the texts that have as many; null where
 * JavaScript has to look for it.
 */
export function part(separator, index, offsets, bytes) {
  if (native === null || separator === "" || !separator.isWellFormed()) return null;
  const [made, found] = native.part(textOf(offsets, bytes), encode(separator), index);
  return { ...fromText(made), found };
}
