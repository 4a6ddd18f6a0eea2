// Events of a batch, put into the engine one by one; bad ones go to the quarantine.

import { BadConfig } from "@wasmill/plugin";
import type { Batch, Input, Plan, Rows, TextColumn } from "@wasmill/plugin";
import type { Configuration } from "./config.ts";
import { parseDuration } from "./duration.ts";
import { ENDS, Full, Sessionizer, STARTS } from "./engine.ts";
import { Instants } from "./instants.ts";
import { Keys } from "./keys.ts";

const LATEST = Number.MAX_SAFE_INTEGER;

/** Marks of an event: where one of the values is in the column. */
interface Mark {
  input: Input<TextColumn>;
  values: string[];
  bit: number;
}

export class EventInput {
  readonly keys: Keys;
  readonly instants: Instants;
  private readonly marks: Mark[] = [];

  constructor(private readonly config: Configuration, plan: Plan) {
    this.keys = Keys.read(plan, config.keys);
    this.instants = Instants.read(plan, config.time, config.time_unit);
    for (const [given, bit] of [[config.start, STARTS], [config.end, ENDS]] as const) {
      if (given) this.marks.push({ input: plan.read(given.column, "utf8"), values: given.values, bit });
    }
  }

  /**
   * Puts all events of a batch into the engine; `payloads` makes what goes with each; its row does where that is null. Returns the last
   * row that was taken, -1 where none was.
   */
  feed<P, S>(batch: Batch, out: Rows, engine: Sessionizer<P, S>, payloads: ((row: number) => P) | null): number {
    const { keys: names, time: timeName } = this.config;
    const keys = this.keys.of(batch);
    const { identities } = keys;
    const timeColumn = batch.column(this.instants.input);
    const times = this.instants.microseconds(timeColumn);
    const marks = this.marksOf(batch);
    const hasNullTimes = timeColumn.validity !== null;
    const { rows } = batch;
    let lastTaken = -1;
    let row = 0;
    const newKey = () => keys.key<P, S>(row);
    try {
      // Each step here is taken for each event, by an interpreter.
      for (; row < rows; row++) {
        const identity = identities[row];
        const time = times[row];
        if (identity === null) {
          out.reject(row, "null-key", "whose event this is is not known", names[keys.nullAt(row)]);
        } else if (hasNullTimes && timeColumn.isNull(row)) {
          out.reject(row, "null-time", "when this event was is not known", timeName);
        } else if (time > LATEST || time < -LATEST) {
          out.reject(row, "time-range", "the time is more than 285 years from 1970", timeName);
        } else if (engine.push(identity, newKey, time, marks === null ? 0 : marks[row], payloads === null ? (row as P) : payloads(row))) {
          lastTaken = row;
        } else {
          out.reject(row, "late", this.lateMessage, timeName);
        }
      }
    } catch (error) {
      // No row is at fault, so none is to be searched for: it is the configuration that cannot work with so much.
      throw error instanceof Full ? new BadConfig(`/${error.option}`, `${error.message}: ${this.adviceWhenFull}`) : error;
    }
    return lastTaken;
  }

  /** The marks of each row; null where no event has any. */
  private marksOf(batch: Batch): Uint8Array | null {
    if (this.marks.length === 0) return null;
    const marks = new Uint8Array(batch.rows);
    for (const { input, values, bit } of this.marks) {
      for (const row of batch.column(input).isIn(values).rows()) marks[row] |= bit;
    }
    return marks;
  }

  private get lateMessage(): string {
    const { lateness, watermark } = this.config;
    const before = watermark === "key" ? "of its key" : "of all keys";
    const by = parseDuration(lateness) === 0 ? "" : `more than ${lateness} `;
    return `the event is ${by}earlier than the latest one ${before} that came before`;
  }

  private get adviceWhenFull(): string {
    const close = this.config.watermark === "key" ? "set watermark = \"input\" where events come in the order of time, " : "lower `lateness`, ";
    return `raise \`partitions\` of the step, ${close}or raise the limit and \`limits.memory\`; when_full = "evict" closes sessions early instead`;
  }
}

/** Tells how many keys were given up, at the end of the input. */
export function tellEvicted(evicted: number): void {
  if (evicted > 0) console.warn(`${evicted} keys were given up because there were too many; their sessions were closed early, for the reason "limit"`);
}
