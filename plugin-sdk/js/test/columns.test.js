// What is put into builders comes out of columns, for every type.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builder, column, types as t } from "../src/index.js";
import { readColumns, rowsOf } from "../src/columns.js";
import { fieldsFromWit, fieldToWit } from "../src/types.js";

const read = (type, values) => {
  const field = t.field("x", type);
  const made = column(type, values);
  assert.equal(made.length, values.length);
  // As it crosses: aligned or not, and through the contract's form of the field.
  const nodes = made.nodes.map((node) => Object.fromEntries(Object.entries(node).map(([key, buffer]) => {
    if (typeof buffer === "number") return [key, buffer];
    const shifted = new Uint8Array(buffer.length + 1);
    shifted.set(buffer, 1);
    return [key, shifted.subarray(1)];
  })));
  const fields = fieldsFromWit(fieldToWit(field));
  assert.deepEqual(fields, [field]);
  return readColumns(fields, nodes)[0];
};

const bytes = (...values) => Uint8Array.from(values);

const CASES = {
  null: ["null", [null, null]],
  boolean: ["boolean", [true, null, false, true, true, true, true, true, false, true]],
  int8: ["int8", [-128, null, 127]],
  int16: ["int16", [-32768, null, 32767]],
  int32: ["int32", [-2147483648, null, 2147483647]],
  int64: ["int64", [-(2n ** 63n), null, 2n ** 63n - 1n]],
  uint8: ["uint8", [0, null, 255]],
  uint16: ["uint16", [0, null, 65535]],
  uint32: ["uint32", [0, null, 4294967295]],
  uint64: ["uint64", [0n, null, 2n ** 64n - 1n]],
  float16: ["float16", [1.5, null, -0.0999755859375, 65504, Infinity, -Infinity, NaN, 2 ** -24, -0]],
  float32: ["float32", [1.5, null, Infinity]],
  float64: ["float64", [0.1, null, NaN, -0]],
  utf8: ["utf8", ["", null, "abc", "Zoë", "🦀!", "Łukasz", "plain"]],
  asciiWithoutNulls: ["utf8", ["a", "", "bc"]],
  largeUtf8: ["large-utf8", ["a", null, "é"]],
  binary: ["binary", [bytes(), null, bytes(0, 255)]],
  largeBinary: ["large-binary", [bytes(1), null]],
  fixedSizeBinary: [t.fixedSizeBinary(2), [bytes(1, 2), null, bytes(3, 4)]],
  date32: ["date32", [-1, null, 20000]],
  date64: ["date64", [86_400_000n, null]],
  time32: [t.time32("second"), [3600, null]],
  time64: [t.time64("nanosecond"), [3600n, null]],
  timestamp: [t.timestamp("nanosecond", "Europe/Berlin"), [-(2n ** 62n), null, 1n]],
  duration: [t.duration("millisecond"), [-5n, null]],
  months: [t.interval("year-month"), [-13, null]],
  dayTime: [t.interval("day-time"), [{ days: -1, milliseconds: 5 }, null]],
  monthDayNano: [t.interval("month-day-nano"), [{ months: 1, days: -2, nanoseconds: -3n }, null]],
  decimal32: [t.decimal(9, 2, 32), [-999_999_999n, null]],
  decimal64: [t.decimal(18, 2, 64), [-1n, null]],
  decimal128: [t.decimal(38, 10), [-(10n ** 38n) + 1n, null, 1n]],
  decimal256: [t.decimal(76, 0, 256), [10n ** 76n - 1n, null, -(10n ** 75n)]],
  list: [t.list("int32"), [[1, null], null, []]],
  largeList: [t.largeList("utf8"), [["a"], null]],
  fixedSizeList: [t.fixedSizeList("int8", 2), [[1, 2], null, [null, 3]]],
  struct: [t.struct([t.field("a", "int32"), t.field("b", t.list("utf8"))]), [{ a: 1, b: ["x"] }, null, { a: null, b: null }]],
  map: [t.map("utf8", "int64"), [[["k", 1n], ["l", null]], null, []]],
  dictionary: [t.dictionary("int8", "utf8"), ["a", null, "b", "a"]],
  dictionaryOfStructs: [t.dictionary("uint16", t.struct([t.field("a", "int64")])), [{ a: 1n }, { a: 2n }, null, { a: 1n }]],
};

for (const [name, [type, values]] of Object.entries(CASES)) {
  test(`${name}: what is written is read`, () => {
    const found = read(type, values);
    assert.deepEqual(found.toArray(), values);
    assert.deepEqual([...found], values);
    assert.deepEqual(values.map((_, index) => found.isNull(index)), values.map((value) => value === null));
    assert.equal(read(type, []).length, 0);
  });
}

test("builders take what is near to their type, and nothing else", () => {
  assert.deepEqual(read("int64", [1, undefined]).toArray(), [1n, null]);
  assert.deepEqual(read(t.decimal(5, 2), ["12.5"]).toArray(), [1250n]);
  assert.deepEqual(read(t.map("utf8", "int32"), [new Map([["a", 1]])]).toArray(), [[["a", 1]]]);
  for (const [type, value] of [
    ["int8", 128], ["uint8", -1], ["int32", "1"], ["int64", 2n ** 63n], ["int64", 1.5], ["utf8", 1], ["binary", "a"],
    [t.fixedSizeBinary(2), bytes(1)], [t.fixedSizeList("int8", 2), [1]], [t.decimal(3, 0), 1000n], [t.dictionary("int8", "utf8"), 5],
  ]) {
    assert.throws(() => column(type, [value]), TypeError, `${JSON.stringify(type)}`);
  }
  const dictionary = builder(t.dictionary("int8", "int32"));
  assert.throws(() => { for (let value = 0; value < 129; value++) dictionary.push(value); }, TypeError);
});

test("halves of surrogate pairs are replaced", () => {
  assert.deepEqual(read("utf8", ["a\ud800", "b"]).toArray(), ["a\ufffd", "b"]);
});

test("texts change case by Unicode's rules, wherever they are no ASCII", () => {
  const names = ["Ada", "Zoë", null, "straße", "", "plain", "ǰ", "Łukasz", "ımp", "x"];
  const upper = read("utf8", names).toUpperCase();
  const found = readColumns([t.field("x", "utf8")], upper.nodes)[0];
  assert.deepEqual(found.toArray(), names.map((name) => name?.toUpperCase() ?? null));
  const ascii = readColumns([t.field("x", "utf8")], read("utf8", ["Ab", "c"]).toLowerCase().nodes)[0];
  assert.deepEqual([ascii.toArray(), ascii.ascii], [["ab", "c"], "abc"]);
});

test("rows are objects of all columns; integers are numbers where a number can hold them", () => {
  const columns = [
    ["id", "int64", [1n, 2n ** 60n]], ["name", "utf8", ["a", "ë"]], ["plain", "utf8", ["x", "yz"]], ["maybe", "utf8", [null, "q"]],
    ["amount", "float64", [0.5, 1]], ["at", t.timestamp("second"), [1n, 2n]], ["tags", t.list("int64"), [[1n], null]],
    ["__proto__", "int8", [1, 2]],
  ].map(([name, type, values]) => readColumns([t.field(name, type)], column(type, values).nodes)[0]);
  const rows = rowsOf(columns, 2);
  const { __proto__: _, ...expected } = { id: 1, name: "a", plain: "x", maybe: null, amount: 0.5, at: 1n, tags: [1] };
  assert.equal(Object.getOwnPropertyDescriptor(rows[1], "__proto__").value, 2);
  delete rows[0]["__proto__"];
  assert.deepEqual(Object.entries(rows[0]).filter(([key]) => key !== "__proto__"), Object.entries(expected));
  assert.equal(rows[1].id, 2n ** 60n);
});

test("values of columns are changed without losing nulls", () => {
  const x = read("float64", [1, null, 3]);
  const more = readColumns([t.field("x", "float64")], x.mapValues((value) => value + 1).nodes)[0];
  assert.deepEqual(more.toArray(), [2, null, 4]);
  assert.deepEqual([...read("int64", [-5n, 2n ** 40n]).toNumbers()], [-5, 2 ** 40]);
});
