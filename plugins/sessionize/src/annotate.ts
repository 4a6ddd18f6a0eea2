// Events with the session that they belong to.
//
// Where nothing is held back, what is known of an event is known when it comes: all columns of the input pass by, and the new ones
// are made row by row. Otherwise events leave in another order than they came, and later: so they are read whole, and written anew.

import { BadConfig, BadSchema, NewColumn } from "@wasmill/plugin";
import type { Batch, DetachedRows, Input, Output, Plan, Rows, Transformer } from "@wasmill/plugin";
import type { Configuration } from "./config.ts";
import { engineOptions } from "./config.ts";
import { Sessionizer } from "./engine.ts";
import type { Session } from "./engine.ts";
import { wholeNumbers } from "./instants.ts";
import { EventInput, tellEvicted } from "./input.ts";
import { valueType } from "./keys.ts";
import { Queue } from "./queue.ts";

/** The columns that every event gets. */
class SessionColumns {
  readonly id: Output;
  readonly sequence: Output;
  readonly start: Output;
  readonly first: Output;

  constructor({ prefix }: Configuration, plan: Plan, input: EventInput) {
    const added = (name: string) => addedName(plan, prefix, name);
    this.id = plan.write(added("id"), "utf8");
    this.sequence = plan.write(added("sequence"), "int64");
    this.start = plan.write(added("start"), { ...input.instants.field, metadata: [] }, { nullable: true });
    this.first = plan.write(added("is_first"), "boolean");
  }
}

/** A name that the input does not have: nothing is overwritten unasked. */
function addedName(plan: Plan, prefix: string, name: string): string {
  const full = prefix + name;
  if (plan.schema.some((field) => field.name === full)) {
    throw new BadConfig("/prefix", `the input has a column \`${full}\` already: choose another prefix`);
  }
  return full;
}

export function annotate(config: Configuration, plan: Plan): Transformer {
  const options = engineOptions(config);
  return options.lateness > 0 || config.mark_last ? new HeldBack(config, plan) : new AtOnce(config, plan);
}

/** Annotates each event as it comes. */
class AtOnce {
  private readonly input: EventInput;
  private readonly columns: SessionColumns;
  private readonly engine: Sessionizer<number, null>;
  // Of the batch at hand, by row.
  private ids: string[] = [];
  private sequences = new Float64Array();
  private starts = new Float64Array();

  constructor(config: Configuration, plan: Plan) {
    this.input = new EventInput(config, plan);
    this.columns = new SessionColumns(config, plan, this.input);
    this.engine = new Sessionizer(engineOptions(config), {
      opened: () => null,
      added: ({ id, start, events }, _, row) => {
        this.ids[row] = id;
        this.starts[row] = start;
        this.sequences[row] = events;
      },
      closed() {},
    });
  }

  process(batch: Batch, out: Rows): void {
    this.ids = new Array(batch.rows).fill("");
    this.starts = new Float64Array(batch.rows);
    this.sequences = new Float64Array(batch.rows);
    this.input.feed(batch, out, this.engine, null);
    // Rows that were rejected have no values, and do not go on.
    const { ids, starts, sequences } = this;
    out.set(this.columns.id, ids);
    out.set(this.columns.sequence, wholeNumbers(sequences));
    out.set(this.columns.start, this.input.instants.values(starts));
    out.set(this.columns.first, onesOf(sequences));
  }

  finish(): void {
    tellEvicted(this.engine.evicted);
  }
}

/** A column of booleans: whether a number is 1. */
function onesOf(numbers: Float64Array): NewColumn {
  const { length } = numbers;
  const values = new Uint8Array((length + 7) >> 3);
  for (let at = numbers.indexOf(1); at >= 0; at = numbers.indexOf(1, at + 1)) values[at >> 3] |= 1 << (at & 7);
  const none = new Uint8Array();
  return new NewColumn({ kind: "boolean" }, length, [{ length, validity: none, offsets: none, values }]);
}

/** An event that may leave, or the last one of a session as long as that is not known. */
interface Annotated {
  values: unknown[];
  id: string;
  sequence: number;
  start: number;
  isLast: boolean;
}

/** Annotates events when enough is known of them. */
class HeldBack {
  private readonly input: EventInput;
  private readonly inputs: Input[];
  private readonly columns: SessionColumns;
  private readonly copies: Output[];
  private readonly last: Output | null;
  private readonly engine: Sessionizer<unknown[], { tail: Annotated | null }>;
  private readonly queue = new Queue<Annotated>();

  constructor(config: Configuration, plan: Plan) {
    this.input = new EventInput(config, plan);
    for (const { name, type } of plan.schema) {
      if (type.kind === "null") throw new BadSchema(name, "has no type, so its values cannot be held back: drop it in a step before, or set neither `lateness` nor `mark_last`");
    }
    this.inputs = plan.readAll();
    this.copies = this.inputs.map(({ field }) => plan.write(field.name, { ...field, type: valueType(field.type) }));
    this.columns = new SessionColumns(config, plan, this.input);
    const { mark_last: marksLast, prefix } = config;
    this.last = marksLast ? plan.write(addedName(plan, prefix, "is_last"), "boolean") : null;
    this.engine = new Sessionizer(engineOptions(config), {
      opened: () => ({ tail: null }),
      added: (session, _, values) => {
        const { id, start, events: sequence, state } = session;
        const event = { values, id, sequence, start, isLast: false };
        if (!marksLast) {
          this.queue.push(event);
          return;
        }
        if (state.tail !== null) this.queue.push(state.tail);
        state.tail = event;
      },
      closed: ({ state: { tail } }: Session<unknown[], { tail: Annotated | null }>) => {
        if (tail === null) return;
        tail.isLast = true;
        this.queue.push(tail);
      },
    });
  }

  process(batch: Batch, out: Rows): void {
    const columns = this.inputs.map((input) => batch.column(input).toArray());
    const values = (row: number) => columns.map((column) => column[row]);
    const source = this.input.feed(batch, out, this.engine, values);
    const events = this.queue.leave(batch.rows, source);
    out.take(new Array(events.length).fill(source));
    this.set(events, out);
  }

  finish(out: DetachedRows): void {
    this.engine.finish();
    tellEvicted(this.engine.evicted);
    const events = this.queue.leaveAll();
    if (events.length > 0) this.set(events, out);
  }

  private set(events: Annotated[], out: Rows | DetachedRows): void {
    const { instants } = this.input;
    this.copies.forEach((copy, at) => out.set(copy, events.map(({ values }) => values[at])));
    out.set(this.columns.id, events.map(({ id }) => id));
    out.set(this.columns.sequence, events.map(({ sequence }) => sequence));
    out.set(this.columns.start, events.map(({ start }) => instants.value(start)));
    out.set(this.columns.first, events.map(({ sequence }) => sequence === 1));
    if (this.last !== null) out.set(this.last, events.map(({ isLast }) => isLast));
  }
}
