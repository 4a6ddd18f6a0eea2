// Plugins of each kind, called as the host calls them, in the contract's form.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BadConfig, BadRow, BadSchema, column, config as c, Connection, Fatal, fetch, fromDate, formatDecimal, parseDecimal, Retryable, toDate, types as t,
} from "../src/index.js";
import { readColumns } from "../src/columns.js";
import { parse, schemaOf } from "../src/config.js";
import { failureOf } from "../src/errors.js";
import { extractExports } from "../src/extractor.js";
import { Findings } from "../src/findings.js";
import { setSend } from "../src/http.js";
import { loadExports } from "../src/loader.js";
import { notifyExports } from "../src/notifier.js";
import { LocalPromise, settle } from "../src/promise.js";
import { takesApart } from "../src/rowbyrow.js";
import { transformExports } from "../src/transformer.js";
import { fieldToWit } from "../src/types.js";
import { validateExports } from "../src/validator.js";

const schema = (...fields) => ({ fields: fields.flatMap(([name, type]) => fieldToWit(t.field(name, type))) });
const batch = (rows, ...columns) => ({ rows, values: { tag: "columns", val: columns.flatMap(([type, values]) => column(type, values).nodes) } });
const ids = (...values) => batch(values.length, ["int64", values]);
const ID = schema(["id", "int64"]);

const opened = (bind, input = ID) => {
  const exports = transformExports({ bind }, JSON.parse);
  const binding = exports.bind("{}", input);
  exports.open("{}", input);
  return { binding, ...exports };
};

test("a transformer keeps, drops, renames and writes columns", () => {
  const { binding } = opened((_, plan) => {
    plan.read("b", "utf8");
    plan.drop("a");
    plan.rename("b", "c");
    plan.write("d", "int8", { nullable: false });
    plan.keyedBy("a");
    return { process() {} };
  }, schema(["a", "int8"], ["b", t.dictionary("int8", "utf8")]));
  assert.deepEqual([...binding.reads], [1]);
  assert.deepEqual(binding.output[0], { tag: "keep", val: { input: 1, name: "c" } });
  assert.equal(binding.output[1].val[0].nullable, false);
  assert.deepEqual(binding.scope, { tag: "keyed", val: Uint32Array.of(0) });
});

test("columns that are not there or have another type are a bad schema", () => {
  for (const [name, type] of [["x", "int64"], ["id", "utf8"]]) {
    const bind = (_, plan) => plan.read(name, type);
    assert.throws(() => opened(bind), (error) => error instanceof BadSchema && error.column === name);
  }
});

test("rows are filtered, dropped and rejected", () => {
  const { process } = opened(() => ({
    process(batch, out) {
      out.filter((row) => row !== 0);
      out.select(Uint8Array.of(0b111));
      out.drop(1);
      out.reject(2, "rule", "message", "id");
    },
  }));
  const { outputs: [{ rows }], badRows } = process(ids(1, 2, 3, 4));
  assert.deepEqual(rows, { tag: "bitmap", val: Uint8Array.of(0) });
  assert.deepEqual(badRows, [{ rows: Uint32Array.of(2), rule: "rule", column: "id", message: "message" }]);
});

test("what is set has to have the right length and type", () => {
  for (const values of [[1], column("utf8", ["a", "b"])]) {
    const { process } = opened((_, plan) => {
      const output = plan.write("new", "int64");
      return { process: (_, out) => out.set(output, values) };
    });
    assert.throws(() => process(ids(1, 2)));
  }
});

test("each row by itself: changed, dropped, multiplied, rejected", () => {
  const { process } = opened((_, plan) => {
    plan.read("id");
    plan.write("part", "int64");
    return {
      processRow({ id }, out) {
        if (id === 0) return null;
        if (id === 1) throw new BadRow("one", "is one", "id");
        if (id === 2) return out.reject("two", "is two");
        if (id === 3) return [{ part: 0 }, { part: 1 }];
        return { part: id };
      },
    };
  });
  const { outputs: [{ rows, values }], badRows } = process(ids(0, 1, 2, 3, 4));
  assert.deepEqual(rows, { tag: "indices", val: Uint32Array.of(3, 3, 4) });
  assert.deepEqual([...new BigInt64Array(values.val[0].val[0].values.buffer)], [0n, 1n, 4n]);
  assert.deepEqual(badRows.map(({ rule }) => rule), ["one", "two"]);
  assert.deepEqual(process(ids(4, 0, 5)).outputs[0].rows, { tag: "bitmap", val: Uint8Array.of(0b101) });
  assert.deepEqual(process(ids(4, 5)).outputs[0].rows, { tag: "all" });
  assert.deepEqual(process(ids()).outputs[0].rows, { tag: "all" });
});

test("rows one by one: whatever comes of them lands in its place", () => {
  const results = [
    { text: "a", number: 1.5 }, null, { text: null, number: null }, { number: 2 }, undefined,
    { text: "b", number: 3n }, [{ text: "c", number: 4 }, { text: "d" }], [], { text: "e", number: 5 }, Promise.resolve({ text: "f", number: 6 }),
    "bad", { text: "g", number: 7 },
  ];
  const text = (results) => results.map(({ text }) => text ?? null);
  const number = (results) => results.map(({ number }) => (number === undefined ? null : number === null ? null : Number(number)));
  // From any row on, so that each sort of result comes first, last and alone, before and after every other.
  for (let from = 0; from < results.length; from++) {
    for (let to = from; to <= results.length; to++) {
      if (results.slice(from, to).some((result) => result instanceof Promise)) continue;
      const { process } = opened((_, plan) => {
        plan.read("id", "int64");
        plan.dropAll();
        plan.write("text", "utf8");
        plan.write("number", "float64");
        return {
          processRow({ id }) {
            if (results[id] === "bad") throw new BadRow("rule", "message");
            return results[id];
          },
        };
      });
      const given = Array.from({ length: to - from }, (_, at) => BigInt(from + at));
      const { outputs: [{ rows, values }], badRows } = process(ids(...given));
      const expected = given.flatMap((id, row) => {
        const result = results[id];
        return result === "bad" || !result ? [] : (Array.isArray(result) ? result : [result]).map((one) => ({ row, ...one }));
      });
      const [texts, numbers] = values.val.map(({ val: [node] }, at) =>
        readColumns([t.field("", ["utf8", "float64"][at])], [node])[0].toArray());
      assert.deepEqual(texts, text(expected));
      assert.deepEqual(numbers, number(expected));
      const selected = { all: () => given.map((_, row) => row), indices: () => [...rows.val], bitmap: () => given.flatMap((_, row) => (rows.val[row >> 3] >> (row & 7) & 1 ? [row] : [])) };
      assert.deepEqual(selected[rows.tag](), expected.map(({ row }) => row));
      assert.deepEqual(badRows.map(({ rows }) => [...rows]), from <= 10 && to > 10 ? [[10 - from]] : []);
    }
  }
});

test("one object serves for all rows only where nobody can keep it", () => {
  for (const [f, expected] of [
    [({ id }) => id, true],
    [({ id, name: text }, out) => [id, text, out], true],
    [function ({ id }) { return id; }, true],
    [{ processRow({ id }) { return id; } }.processRow, true],
    [{ async processRow({ id }) { return id; } }.processRow, true],
    [(row) => row, false],
    [(row, { id }) => [row, id], false],
    [({ ...row }) => row, false],
    [({ id = keep }) => id, false],
    [function ({ id }) { return [id, arguments]; }, false],
  ]) {
    assert.equal(takesApart(f), expected, `${f}`);
  }
  // Those who keep rows have each.
  const kept = [];
  const { process } = opened((_, plan) => {
    plan.read("id", "int64");
    plan.write("id", "int64");
    return { processRow: (row) => { kept.push(row); return row; } };
  });
  process(ids(1, 2, 3));
  assert.deepEqual(kept, [{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test("masks filter and reject", () => {
  const { process } = opened((_, plan) => {
    const id = plan.read("id", "int64");
    return {
      process(batch, out) {
        const ids = batch.column(id);
        out.filter(ids.gt(1).and(ids.ne(9)));
        out.reject(ids.eq(3).or(ids.ge(7n)), "rule", "message");
        out.drop(ids.lt(3));
      },
    };
  });
  const { outputs: [{ rows }], badRows } = process(ids(1, 2, 3, 4, null, 7, 9));
  assert.deepEqual(rows, { tag: "bitmap", val: Uint8Array.of(0b0001000) });
  assert.deepEqual(badRows.map(({ rows }) => [...rows]), [[2, 5, 6]]);
});

test("rows as a whole: those that came, or others where no column is kept", () => {
  const kept = opened((_, plan) => {
    plan.read("id");
    return { processRows: (rows) => rows.toReversed() };
  });
  assert.deepEqual(kept.process(ids(1, 2)).outputs[0].rows, { tag: "indices", val: Uint32Array.of(1, 0) });
  const others = (drop) => opened((_, plan) => {
    plan.read("id");
    if (drop) plan.dropAll();
    plan.write("new", "int64");
    return { processRows: (rows) => rows.map(({ id }) => ({ new: id })), finish: () => [{ new: 7 }] };
  });
  assert.deepEqual(others(true).process(ids(1, 2)).outputs[0].rows, { tag: "detached", val: 2 });
  assert.deepEqual(others(true).finish()[0].rows, { tag: "detached", val: 1 });
  assert.throws(() => others(false).process(ids(1, 2)), Fatal);
});

test("a validator judges rows, and tables by merged states", () => {
  const bind = (_, plan) => {
    plan.read("id");
    return {
      checkRows(rows, verdict) {
        rows.forEach(({ id }, row) => (id > 1 ? verdict.reject(row, "big", "too big") : verdict.warn(row, "small", "small")));
        return rows.length;
      },
      empty: () => 0,
      merge: (one, other) => one + other,
      conclude: (rows) => ({ rules: [{ rule: "rows", outcome: "pass" }], metrics: { rows } }),
    };
  };
  const { open, check, merge, conclude } = validateExports({ bind }, JSON.parse);
  open("{}", ID);
  const { violations, partial } = check(ids(1, 2));
  assert.deepEqual(violations.map(({ severity, finding }) => [severity, finding.rule]), [["reject", "big"], ["warn", "small"]]);
  assert.deepEqual(conclude(merge([partial, partial])).metrics, [{ name: "rows", value: 4 }]);
  assert.deepEqual(conclude(merge([])).metrics, [{ name: "rows", value: 0 }]);
});

test("an extractor returns columns or rows", () => {
  const bind = (_, plan) => {
    const id = plan.write("id", "int64");
    let calls = 0;
    return {
      plan: () => [{ id: "a" }],
      next(maxRows, out) {
        calls++;
        if (calls === 1) return [{ id: 1 }];
        if (calls === 2) return (out.set(id, [1, 2]), out.reject("here", "raw", "bad", "is bad"), true);
        return false;
      },
    };
  };
  const { open, plan, next, cursor } = extractExports({ bind }, JSON.parse);
  assert.deepEqual(plan("{}", []), [{ id: "a", descriptor: "", rows: null, bytes: null }]);
  open("{}", {});
  assert.equal(next(10).rows, 1);
  const { rows, badRecords } = next(10);
  assert.deepEqual([rows, badRecords[0].raw], [2, new TextEncoder().encode("raw")]);
  assert.equal(next(10), null);
  assert.equal(cursor(), null);
});

test("a loader refuses rows and commits receipts; a notifier gets details as an object", () => {
  const committed = [];
  const definition = {
    bind: (_, plan) => (plan.read("id"), { write: (_, refused) => refused.reject(0, "r", "m"), finish: () => ({ rows: 1, reference: "x" }) }),
    commit: (_, run, receipts) => { committed.push(run, ...receipts); },
  };
  const load = loadExports(definition, JSON.parse);
  load.open("{}", ID, {});
  assert.equal(load.write(ids(1, 2)).length, 1);
  load.commit("{}", "run", [load.finish()]);
  assert.deepEqual(committed, ["run", { rows: 1, reference: "x" }]);
  let seen;
  const notify = notifyExports({ bind: () => ({ notify: (event) => { seen = event; } }) }, JSON.parse);
  notify.notify("{}", { kind: "k", details: '{"a":1}' });
  assert.deepEqual(seen, { kind: "k", details: { a: 1 } });
});

test("a configuration has a schema and defaults", () => {
  const Config = c.object({
    net: c.string("The column."),
    rate: c.number("The rate.", { default: 0.5, minimum: 0 }),
    key: c.string(undefined, { optional: true, secret: true }),
    inner: c.object({ depth: c.integer("How deep.", { default: 1 }) }),
  }, "Does things.");
  const { properties, ...rest } = JSON.parse(schemaOf(Config));
  assert.deepEqual(rest, {
    $schema: "https://json-schema.org/draft/2020-12/schema", type: "object", required: ["net"], additionalProperties: false,
    description: "Does things.",
  });
  assert.deepEqual(properties.rate, { type: "number", description: "The rate.", default: 0.5, minimum: 0 });
  assert.equal(properties.key.writeOnly, true);
  assert.deepEqual(parse(Config, '{"net":"a"}'), { net: "a", rate: 0.5, inner: { depth: 1 } });
});

test("what is thrown becomes the contract's failure", () => {
  const cause = new Error("below");
  assert.deepEqual(failureOf(new Retryable("later", { afterMs: 5 })), { tag: "retryable", val: { message: "later", afterMs: 5 } });
  assert.deepEqual(failureOf(new BadConfig("/a", "no")), { tag: "bad-config", val: { pointer: "/a", message: "no" } });
  assert.deepEqual(failureOf(new BadSchema("a", "no")), { tag: "bad-schema", val: { column: "a", message: "no" } });
  assert.deepEqual(failureOf(new Error("above", { cause })), { tag: "fatal", val: "above: below" });
  assert.deepEqual(failureOf("text"), { tag: "fatal", val: "text" });
});

test("findings of the same kind are one, with rows in order", () => {
  const findings = new Findings();
  for (const [row, message] of [[5, "a"], [2, "a"], [5, "a"], [1, "b"], [300, "a"]]) findings.add(row, "rule", message);
  assert.deepEqual(findings.toWit().map(({ rows, message }) => [[...rows], message]), [[[2, 5, 300], "a"], [[1], "b"]]);
});

test("requests go over the connection that the URL names", async () => {
  const sent = [];
  setSend((connection, request) => {
    sent.push([connection, request.method, request.path, request.headers, new TextDecoder().decode(request.body)]);
    return { status: connection === "busy" ? 503 : 200, headers: [["retry-after", "2"]], body: new TextEncoder().encode('{"a":"é"}') };
  });
  const response = await fetch("http://shop/orders?page=2#part", { method: "post", headers: { "X-A": "b" }, body: "é" });
  assert.deepEqual([response.status, response.ok, await response.json()], [200, true, { a: "é" }]);
  await assert.rejects(response.text(), TypeError);
  await assert.rejects(fetch("ftp://x"), TypeError);
  assert.deepEqual(new Connection("shop").get("/x").json(), { a: "é" });
  assert.throws(() => new Connection("busy").get("/x").successful(), (error) => error instanceof Retryable && error.afterMs === 2000);
  assert.deepEqual(sent[0], ["shop", "POST", "/orders?page=2", [["x-a", "b"]], "é"]);
  setSend(() => { throw Object.assign(new Error(), { payload: { tag: "timed-out" } }); });
  assert.throws(() => new Connection("slow").get("/"), Retryable);
});

test("promises are kept within a call", () => {
  const order = [];
  const later = (value) => LocalPromise.resolve(value).then((value) => (order.push(value), value));
  assert.deepEqual(settle(LocalPromise.all([later(1), later(2), 3])), [1, 2, 3]);
  assert.deepEqual(order, [1, 2]);
  assert.throws(() => settle(later(1).then(() => { throw new Fatal("no"); }).finally(() => order.push("finally"))), Fatal);
  assert.deepEqual(order.at(-1), "finally");
  assert.deepEqual(settle(LocalPromise.allSettled([LocalPromise.reject(1)])), [{ status: "rejected", reason: 1 }]);
  assert.equal(settle(LocalPromise.any([LocalPromise.reject(1), 2])), 2);
  assert.throws(() => settle(new LocalPromise(() => {})), /nobody keeps/);
  assert.equal(settle(5), 5);
});

test("instants and decimals", () => {
  const date = new Date("1969-12-31T23:59:59.999Z");
  for (const unit of ["millisecond", "microsecond", "nanosecond"]) assert.deepEqual(toDate(fromDate(date, unit), unit), date);
  assert.equal(fromDate(date, "second"), -1n);
  assert.equal(toDate(-1n, "nanosecond").getTime(), -1);
  for (const [text, scale, value] of [["12.50", 2, 1250n], ["-0.05", 2, -5n], ["1200", -2, 12n], ["7", 0, 7n]]) {
    assert.equal(parseDecimal(text, scale), value);
    assert.equal(formatDecimal(value, scale), text);
  }
  assert.throws(() => parseDecimal("1.234", 2), TypeError);
});
