// Whose event it is: something that is the same for equal keys only, and what ids of sessions begin with.

import { BadConfig, BadSchema, types } from "@wasmill/plugin";
import type { Batch, BigIntColumn, Column, DataType, Input, Plan } from "@wasmill/plugin";
import { Key } from "./engine.ts";
import type { Identity } from "./engine.ts";

const KINDS = new Set([
  "utf8", "large-utf8", "boolean", "date32",
  "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
]);

/** The type of the values, also where they stand in a dictionary. */
export const valueType = (type: DataType): DataType => (type.kind === "dictionary" ? type.children[0].type : type);

type Part = string | number | boolean | bigint;

/** All values of a column of 64-bit integers: numbers where they are exact, bigints where they are not, nulls. */
export function integers(column: BigIntColumn): (number | bigint | null)[] {
  const numbers = column.toNumbers();
  const values: (number | bigint | null)[] = new Array(numbers.length);
  for (let row = 0; row < values.length; row++) {
    const number = numbers[row];
    values[row] = column.isNull(row) ? null : Number.isSafeInteger(number) ? number : column.get(row);
  }
  return values;
}

const escaped = (part: Part): string => {
  const text = String(part);
  return text.includes("/") || text.includes("%") ? text.replaceAll("%", "%25").replaceAll("/", "%2F") : text;
};

export class Keys {
  private constructor(readonly inputs: Input[]) {}

  static read(plan: Plan, names: string[]): Keys {
    if (names.length === 0) throw new BadConfig("/keys", "name the columns that say whose events they are, such as [\"user\"]");
    const inputs = names.map((name) => plan.read(name));
    for (const { field } of inputs) {
      if (!KINDS.has(valueType(field.type).kind)) {
        throw new BadSchema(field.name, `is ${types.typeName(field.type)}, and cannot be a key: text, integers, booleans and dates can`);
      }
    }
    plan.keyedBy(...names);
    return new Keys(inputs);
  }

  /** The values of the key columns, column by column. */
  of(batch: Batch): KeysOfBatch {
    return new KeysOfBatch(this.inputs.map((input) => {
      const column = batch.column(input) as Column<Part>;
      const is64 = column.field.type.kind === "int64" || column.field.type.kind === "uint64";
      return is64 ? integers(column as unknown as BigIntColumn) : column.toArray();
    }));
  }
}

/** The keys of one batch. */
export class KeysOfBatch {
  /** Of each row something that is the same for equal keys only; null where a part is null. */
  readonly identities: (Identity | null)[];

  constructor(private readonly columns: (Part | null)[][]) {
    const [first] = columns;
    const isPlain = columns.length === 1 && first.every((part) => typeof part !== "bigint" && typeof part !== "boolean");
    this.identities = isPlain ? (first as (Identity | null)[]) : first.map((_, row) => (this.nullAt(row) < 0 ? this.text(row) : null));
  }

  /** The position of the key column that is null in this row; -1 where none is. */
  nullAt(row: number): number {
    return this.columns.findIndex((column) => column[row] === null);
  }

  key<P, S>(row: number): Key<P, S> {
    return new Key(this.columns.map((column) => column[row]), this.text(row));
  }

  /** What ids begin with: parts are told apart, so that no two keys have the same text. */
  private text(row: number): string {
    return this.columns.map((column) => escaped(column[row]!)).join("/");
  }
}
