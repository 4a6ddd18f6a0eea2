// The cases by rows.

import { BadRow } from "@wasmill/plugin";
import type { Case } from "./types.ts";

export const byRows: Record<string, Case> = {
  copy(plan) {
    const inputs = plan.readAll();
    plan.dropAll();
    for (const { field } of inputs) plan.write(field.name, field);
    return { processRow: (row) => row };
  },

  even(plan) {
    plan.read("id", "int64");
    return { processRow: (row: { id: number }) => (Number(row.id) % 2 === 0 ? row : null) };
  },

  reverse(plan) {
    plan.read("id", "int64");
    plan.dropAll();
    plan.write("id", "int64");
    plan.write("position", "int64");
    return {
      processRows: (rows: { id: number }[]) =>
        [...rows.toReversed(), ...rows.slice(0, 1)].map(({ id }, position) => ({ id, position })),
    };
  },

  explode(plan) {
    plan.read("id", "int64");
    plan.dropAll();
    plan.write("id", "int64");
    plan.write("part", "int64");
    return {
      processRow: ({ id }: { id: number | bigint }) =>
        Array.from({ length: Number(BigInt(id) % 4n) }, (_, part) => ({ id, part })),
    };
  },

  hold(plan) {
    plan.read("id", "int64");
    plan.singleInstance();
    plan.dropAll();
    plan.write("id", "int64");
    const held: { id: number }[] = [];
    return {
      processRow(row: { id: number }) {
        held.push(row);
        return null;
      },
      finish: () => held.sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)),
    };
  },

  reject(plan) {
    plan.read("id", "int64");
    return {
      processRow(row: { id: number | bigint }) {
        if (BigInt(row.id) % 3n === 0n) throw new BadRow("third", `${row.id} is divisible by 3`, "id");
        return row;
      },
    };
  },

  words(plan) {
    plan.read("text", "utf8");
    plan.write("length", "int64");
    plan.write("shout", "utf8");
    return {
      processRow: ({ text }: { text: string | null }) =>
        text === null ? { length: null, shout: null } : { length: [...text].length, shout: `${text}!é🦀` },
    };
  },

  add(plan) {
    plan.read("x", "float64");
    plan.write("y", "float64");
    return { processRow: ({ x }: { x: number | null }) => ({ y: x === null ? null : x + 1 }) };
  },
};
