// Lengths of time and measures.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../src/duration.ts";
import * as measures from "../src/measures.ts";
import type { Measure, State } from "../src/measures.ts";

test("lengths of time", () => {
  const cases: [string, number | null][] = [
    ["30m", 1800e6], ["1h30m", 5400e6], ["2d", 172_800e6], ["500ms", 500_000], ["1us", 1], ["0s", 0],
    ["104249d", 104249 * 86_400e6], ["104250d", null], ["", null], ["30", null], ["m", null], ["-1m", null], ["1.5h", null], ["1h ", null],
  ];
  for (const [text, expected] of cases) assert.equal(parseDuration(text), expected, text);
});

function gathered(measure: Measure, values: [value: any, time: number][]): State {
  const state: State = [measure.initial, null];
  for (const [value, time] of values) measure.add(state, 0, value, time);
  return state;
}

test("first and last go by time, then by arrival", () => {
  const values: [string, number][] = [["c", 3], ["a", 1], ["b", 1], ["d", 3]];
  assert.equal(gathered(measures.first, values)[0], "a");
  assert.equal(gathered(measures.last, values)[0], "d");
  assert.equal(gathered(measures.first, [])[0], null);
});

test("sums of integers are exact", () => {
  const sum = (...values: (number | bigint)[]) => gathered(measures.sumOfIntegers, values.map((value) => [value, 0]))[0];
  assert.equal(sum(1, 2, -4), -1);
  assert.equal(sum(Number.MAX_SAFE_INTEGER, 2), 9007199254740993n);
  assert.equal(sum(2n ** 63n - 1n, 1), 2n ** 63n);
  assert.equal(sum(), null);
});

test("sums of floats do not lose what is small", () => {
  const sum = (...values: number[]) => measures.finishedSum(gathered(measures.sumOfFloats, values.map((value) => [value, 0])), 0);
  assert.equal(sum(1e100, 1, -1e100), 1);
  assert.equal(sum(...Array(10).fill(0.1)), 1);
  assert.equal(sum(Infinity, 1), Infinity);
  assert.equal(sum(), null);
});

test("extremes of mixed numbers and bigints", () => {
  assert.equal(gathered(measures.max, [[1, 0], [2n ** 60n, 0], [3, 0]])[0], 2n ** 60n);
  assert.equal(gathered(measures.min, [["b", 0], ["a", 0]])[0], "a");
});

test("counts of certain values", () => {
  assert.equal(gathered(measures.countIn(["a", "b"]), [["a", 0], ["c", 0], ["b", 0]])[0], 2);
});
