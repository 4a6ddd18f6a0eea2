// One row for each session.

import { BadConfig, BadSchema, types } from "@wasmill/plugin";
import type { Batch, BigIntColumn, Column, DataType, DetachedRows, Input, Output, Plan, Rows } from "@wasmill/plugin";
import { engineOptions, measureOf, valuePointer } from "./config.ts";
import type { Configuration, Kind, MeasureConfig } from "./config.ts";
import { Sessionizer } from "./engine.ts";
import type { Reason, Session } from "./engine.ts";
import { EventInput, tellEvicted } from "./input.ts";
import { integers, valueType } from "./keys.ts";
import * as measures from "./measures.ts";
import type { Measure, State } from "./measures.ts";
import { Queue } from "./queue.ts";

const INTEGER = /^u?int(8|16|32|64)$/;
const FLOAT = /^float/;
const DECIMAL = /^decimal/;
const ORDERED = /^(u?int|float|decimal|date|time|duration|utf8|large-utf8)/;
const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

/** A column of the output that is made of the values of a column of the input; of the rows themselves where `slot` is -1. */
interface Made {
  name: string;
  output: Output;
  measure: Measure;
  /** Among the columns whose values go with each event. */
  slot: number;
}

interface Ended {
  session: Session<unknown[], State>;
  reason: Reason;
}

/** The type of a measure's column, and how it is gathered. Throws where a column cannot be gathered so. */
function gathered(kind: Kind, type: DataType, column: string, given: MeasureConfig): { type: DataType; measure: Measure } {
  const of = (kind: DataType["kind"]) => ({ kind }) as DataType;
  const wrong = (needed: string) => new BadSchema(column, `is ${types.typeName(type)}: \`${kind}\` needs ${needed}`);
  switch (kind) {
    case "first": return { type, measure: measures.first };
    case "last": return { type, measure: measures.last };
    case "min":
    case "max":
      if (!ORDERED.test(type.kind)) throw wrong("numbers, times, dates or text");
      return { type, measure: measures[kind] };
    case "count":
      if (given.in === undefined) return { type: of("int64"), measure: measures.count };
      if (!type.kind.endsWith("utf8")) throw wrong("utf8 where `in` says which values count");
      return { type: of("int64"), measure: measures.countIn(given.in) };
    case "sum":
      if (FLOAT.test(type.kind)) return { type: of("float64"), measure: measures.sumOfFloats };
      if (INTEGER.test(type.kind)) return { type: of("int64"), measure: measures.sumOfIntegers };
      if (DECIMAL.test(type.kind) && "scale" in type) return { type: types.decimal(38, type.scale), measure: measures.sumOfIntegers };
      throw wrong("numbers");
  }
}

export class Aggregate {
  private readonly input: EventInput;
  private readonly inputs: Input[] = [];
  private readonly made: Made[];
  private readonly keys: Output[];
  private readonly id: Output;
  private readonly start: Output;
  private readonly end: Output;
  private readonly seconds: Output;
  private readonly events: Output;
  private readonly reason: Output;
  private readonly engine: Sessionizer<unknown[], State>;
  private readonly queue = new Queue<Ended>();

  constructor(config: Configuration, plan: Plan) {
    const { prefix, values } = config;
    this.input = new EventInput(config, plan);
    const { instants } = this.input;
    plan.dropAll();
    const names = new Set<string>();
    const write = (name: string, type: Parameters<Plan["write"]>[1]) => {
      if (names.has(name)) throw new BadConfig("/values", `two columns of the output would be called \`${name}\`: rename one, or choose another \`prefix\``);
      names.add(name);
      return plan.write(name, type, { nullable: true, metadata: [] });
    };
    this.keys = this.input.keys.inputs.map(({ field }) => write(field.name, valueType(field.type)));
    this.id = write(`${prefix}id`, "utf8");
    this.start = write(`${prefix}start`, instants.field);
    this.end = write(`${prefix}end`, instants.field);
    this.seconds = write(`${prefix}seconds`, "float64");
    this.events = write(`${prefix}events`, "int64");
    this.reason = write(`${prefix}ended_by`, "utf8");
    this.made = Object.entries(values).map(([name, given]) => {
      const { kind, column } = measureOf(name, given);
      const slot = this.slot(plan, column);
      const { type, measure } = gathered(kind, valueType(this.inputs[slot].field.type), column, given);
      return { name, output: write(name, type), measure, slot };
    });
    this.engine = new Sessionizer(engineOptions(config), {
      opened: () => this.made.flatMap(({ measure }) => [measure.initial, null]),
      added: ({ state }, time, payload) => {
        const { made } = this;
        for (let at = 0; at < made.length; at++) {
          const { measure, slot } = made[at];
          const value = payload[slot];
          if (value !== null) measure.add(state, 2 * at, value as number, time);
        }
      },
      closed: (session, reason) => this.queue.push({ session, reason }),
    });
  }

  private slot(plan: Plan, name: string): number {
    const known = this.inputs.findIndex(({ field }) => field.name === name);
    return known >= 0 ? known : this.inputs.push(plan.read(name)) - 1;
  }

  process(batch: Batch, out: Rows): void {
    const columns = this.inputs.map((input) => valuesOf(batch.column(input)));
    const values = (row: number) => {
      const payload = new Array(columns.length);
      for (let at = 0; at < payload.length; at++) payload[at] = columns[at][row];
      return payload;
    };
    const source = this.input.feed(batch, out, this.engine, values);
    const ended = this.queue.leave(batch.rows, source);
    out.take(new Array(ended.length).fill(source));
    this.set(ended, out);
  }

  finish(out: DetachedRows): void {
    this.engine.finish();
    tellEvicted(this.engine.evicted);
    const ended = this.queue.leaveAll();
    if (ended.length > 0) this.set(ended, out);
  }

  private set(ended: Ended[], out: Rows | DetachedRows): void {
    const { instants } = this.input;
    this.keys.forEach((output, at) => out.set(output, ended.map(({ session }) => session.key.values[at])));
    out.set(this.id, ended.map(({ session }) => session.id));
    out.set(this.start, ended.map(({ session }) => instants.value(session.start)));
    out.set(this.end, ended.map(({ session }) => instants.value(session.end)));
    out.set(this.seconds, ended.map(({ session }) => (session.end - session.start) / 1e6));
    out.set(this.events, ended.map(({ session }) => session.events));
    out.set(this.reason, ended.map(({ reason }) => reason));
    this.made.forEach(({ name, output, measure }, at) => {
      out.set(output, ended.map(({ session }) => this.result(name, measure, session, 2 * at)));
    });
  }

  private result(name: string, measure: Measure, { id, state }: Session<unknown[], State>, place: number): unknown {
    if (measure === measures.sumOfFloats) return measures.finishedSum(state, place);
    const value = state[place];
    if (measure === measures.sumOfIntegers && typeof value === "bigint" && (value < SMALLEST || value > LARGEST) && this.isInteger(name)) {
      // No row is at fault: the one at hand only ended the session.
      throw new BadConfig(valuePointer(name), `the sum of session ${id} does not fit into 64 bits: make floats or decimals of its column in a step before`);
    }
    return value;
  }

  private isInteger(name: string): boolean {
    return this.made.some((made) => made.name === name && made.output.field.type.kind === "int64");
  }
}

/** All values of a column. NaN is what sensors and parsers say in place of null, and is taken as that. */
function valuesOf(column: Column): unknown[] {
  const { kind } = column.field.type;
  if (kind === "int64" || kind === "uint64" || kind === "timestamp") return integers(column as BigIntColumn);
  const values = column.toArray();
  if (FLOAT.test(kind)) for (let row = 0; row < values.length; row++) if (Number.isNaN(values[row])) values[row] = null;
  return values;
}
