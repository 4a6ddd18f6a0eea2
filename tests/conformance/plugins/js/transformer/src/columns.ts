// The cases by columns.

import { builder } from "@wasmill/plugin";
import type { BigIntColumn, Case, DetachedRows, Input, Output, Plan, TextColumn, NumberColumn, Transformer } from "./types.ts";
import { exhaust, failAt } from "./failing.ts";

/** A column with the same value in each row. */
const constant = <T>(rows: number, value: T): T[] => new Array<T>(rows).fill(value);

/** Keeps all columns, and adds some whose value is the same in each row. */
function adding<T extends Record<string, unknown>>(
  plan: Plan,
  types: { [Name in keyof T & string]: "int64" | "utf8" },
  values: () => T | Promise<T>,
): Transformer {
  const outputs = Object.entries(types).map(([name, type]) => [name, plan.write(name, type as "int64")] as const);
  const set = (rows: number, out: { set(output: Output, values: unknown[]): void }, made: T) => {
    for (const [name, output] of outputs) out.set(output, constant(rows, made[name]));
  };
  return {
    async process(batch, out) {
      set(batch.rows, out, await values());
    },
  };
}

export const byColumns: Record<string, Case> = {
  copy(plan, config) {
    const inputs = plan.readAll();
    plan.dropAll();
    const outputs = inputs.map((input) => plan.write(input.field.name, input.field));
    return {
      process(batch, out) {
        inputs.forEach((input, position) => {
          const column = batch.column(input);
          if (config.by === "buffers") return out.set(outputs[position], column);
          const values = builder(input.field.type);
          for (let row = 0; row < column.length; row++) values.push(column.get(row));
          out.set(outputs[position], values.finish());
        });
      },
    };
  },

  keep: () => ({ process() {} }),

  rename(plan) {
    const names = plan.schema.map((field) => field.name);
    plan.drop(names[names.length - 1]);
    if (names.length > 1) plan.rename(names[0], "renamed");
    return { process() {} };
  },

  even(plan) {
    const id: Input<BigIntColumn> = plan.read("id", "int64");
    return {
      process(batch, out) {
        const ids = batch.column(id).values;
        out.filter((row) => ids[row] % 2n === 0n);
      },
    };
  },

  reverse(plan) {
    const position = plan.write("position", "int64");
    return {
      process({ rows }, out) {
        const order = Array.from({ length: rows }, (_, row) => rows - 1 - row);
        if (rows > 0) order.push(0);
        out.take(order);
        out.set(position, order.map((_, at) => at));
      },
    };
  },

  explode(plan) {
    const id = plan.read("id", "int64");
    plan.dropAll();
    const [newId, part] = [plan.write("id", "int64"), plan.write("part", "int64")];
    return {
      process(batch, out) {
        const ids = batch.column(id);
        const rows: number[] = [];
        const parts: number[] = [];
        for (let row = 0; row < batch.rows; row++) {
          for (let at = 0; at < ids.values[row] % 4n; at++) {
            rows.push(row);
            parts.push(at);
          }
        }
        out.take(rows);
        out.set(newId, rows.map((row) => ids.get(row)));
        out.set(part, parts);
      },
    };
  },

  running(plan) {
    const key = plan.read("key", "utf8");
    const seen = plan.write("seen", "int64");
    plan.keyedBy("key");
    const counts = new Map<string | null, number>();
    return {
      process(batch, out) {
        out.set(seen, batch.column(key).toArray().map((key) => {
          const count = (counts.get(key) ?? 0) + 1;
          counts.set(key, count);
          return count;
        }));
      },
    };
  },

  count(plan) {
    plan.singleInstance();
    plan.dropAll();
    const total = plan.write("rows", "int64");
    let rows = 0;
    return {
      process(batch, out) {
        rows += batch.rows;
        out.take([]);
        out.set(total, []);
      },
      finish(out: DetachedRows) {
        out.set(total, [rows]);
      },
    };
  },

  hold(plan) {
    const id = plan.read("id", "int64");
    plan.singleInstance();
    plan.dropAll();
    const newId = plan.write("id", "int64");
    const held: bigint[] = [];
    return {
      process(batch, out) {
        held.push(...batch.column(id).values);
        out.take([]);
        out.set(newId, []);
      },
      finish(out) {
        held.sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
        if (held.length > 0) out.set(newId, held);
      },
    };
  },

  reject(plan) {
    const id = plan.read("id", "int64");
    return {
      process(batch, out) {
        batch.column(id).values.forEach((id, row) => {
          if (id % 3n === 0n) out.reject(row, "third", `${id} is divisible by 3`, "id");
        });
      },
    };
  },

  unchanged(plan) {
    const text = plan.read("text", "utf8");
    const newText = plan.write("text", text.field);
    return { process: (_, out) => out.setUnchanged(newText, text) };
  },

  words(plan) {
    const text: Input<TextColumn> = plan.read("text", "utf8");
    const [length, shout] = [plan.write("length", "int64"), plan.write("shout", "utf8")];
    return {
      process(batch, out) {
        const texts = batch.column(text);
        out.set(length, texts.map((text) => [...text].length));
        out.set(shout, texts.map((text) => `${text}!é🦀`));
      },
    };
  },

  add(plan) {
    const x: Input<NumberColumn> = plan.read("x", "float64");
    const y = plan.write("y", "float64");
    return { process: (batch, out) => out.set(y, batch.column(x).mapValues((x) => x + 1)) };
  },

  defaults: (plan, config) => adding(plan, { options: "utf8" }, () => ({ options: JSON.stringify(config.options) })),

  log: () => ({
    process() {
      console.debug("said at debug");
      console.info("said at info");
      console.warn("said at warn");
      console.error("said at error");
      print("printed");
    },
  }),

  time: (plan) =>
    adding(plan, { now: "int64", random: "int64" }, () => ({ now: Date.now(), random: Math.floor(Math.random() * 2 ** 31) })),

  http: (plan, config) =>
    adding(plan, { status: "int64", body: "utf8" }, async () => {
      const response = await fetch(`http://${config.connection}/conformance?q=1`, { headers: { "x-asked": "yes" } });
      return { status: response.status, body: await response.text() };
    }),

  fail: (_, config) => ({
    open: () => failAt("open", config),
    process: () => failAt("process", config),
    finish: () => failAt("finish", config),
  }),

  exhaust: (_, config) => ({ process: () => exhaust(config.what) }),
};
