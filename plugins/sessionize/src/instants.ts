// Times of a column as whole microseconds since 1970, and back.

import { BadConfig, BadSchema, types } from "@wasmill/plugin";
import type { BigIntColumn, Field, Input, Plan, TimeUnit } from "@wasmill/plugin";

const UNITS: Record<string, TimeUnit> = { s: "second", ms: "millisecond", us: "microsecond", ns: "nanosecond" };
const MICROSECONDS: Record<TimeUnit, number> = { second: 1e6, millisecond: 1e3, microsecond: 1, nanosecond: 1e-3 };

export class Instants {
  private constructor(readonly input: Input<BigIntColumn>, private readonly unit: TimeUnit) {}

  /** The column of times; it must be a timestamp, or an int64 whose unit is given. */
  static read(plan: Plan, name: string, unit: string | undefined): Instants {
    const input = plan.read(name) as Input<BigIntColumn>;
    const { type } = input.field;
    if (type.kind === "timestamp") {
      if (unit !== undefined) throw new BadConfig("/time_unit", `\`${name}\` is a timestamp and has its own unit: leave \`time_unit\` out`);
      return new Instants(input, type.unit);
    }
    if (type.kind !== "int64") {
      throw new BadSchema(name, `is ${types.typeName(type)}, where a timestamp is needed: make one of it in a step before, with \`clean\` or a query`);
    }
    if (unit === undefined) throw new BadConfig("/time_unit", `\`${name}\` is int64: say what it counts, "s", "ms", "us" or "ns"`);
    return new Instants(input, UNITS[unit]);
  }

  /** The field of columns that hold such times. */
  get field(): Field {
    return this.input.field;
  }

  /** Of all rows; no safe integer where the time is out of range, arbitrary where it is null. Parts of microseconds are cut off. */
  microseconds(column: BigIntColumn): Float64Array {
    if (this.unit === "microsecond") return column.toNumbers();
    if (this.unit !== "nanosecond") return column.times(MICROSECONDS[this.unit]).values;
    // Numbers do not hold today's nanoseconds exactly, and bigints are slow: so each half is divided by itself.
    const { values } = column;
    const halves = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
    const times = new Float64Array(values.length);
    for (let row = 0; row < times.length; row++) {
      const high = halves[2 * row + 1] | 0;
      const quotient = Math.floor(high / 1000);
      times[row] = quotient * 4294967296 + Math.floor(((high - 1000 * quotient) * 4294967296 + halves[2 * row]) / 1000);
    }
    return times;
  }

  /** Times as the column's own type has them. */
  values(microseconds: Float64Array): BigInt64Array {
    if (this.unit === "nanosecond") return BigInt64Array.from(microseconds, (time) => BigInt(time) * 1000n);
    return wholeNumbers(this.unit === "microsecond" ? microseconds : microseconds.map((time) => time / MICROSECONDS[this.unit]));
  }

  /** A time as the column's own type has it. */
  value(microseconds: number): number | bigint {
    return this.unit === "nanosecond" ? BigInt(microseconds) * 1000n : microseconds / MICROSECONDS[this.unit];
  }
}

/** Whole numbers as integers of 64 bits, by halves: bigints are objects, and slow. */
export function wholeNumbers(numbers: Float64Array): BigInt64Array {
  const halves = new Uint32Array(2 * numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at];
    const high = Math.floor(number / 4294967296);
    halves[2 * at] = number - high * 4294967296;
    halves[2 * at + 1] = high;
  }
  return new BigInt64Array(halves.buffer);
}
