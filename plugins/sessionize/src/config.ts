// The configuration, and what its schema cannot say about it.

import { BadConfig, config as c } from "@wasmill/plugin";
import { DURATION, parseDuration } from "./duration.ts";
import type { Options } from "./engine.ts";

const duration = <const O extends { default?: string; optional?: boolean }>(description: string, options: O) =>
  c.string(`${description} Such as "30m", "1h30m", "2d".`, { pattern: DURATION, ...options });

const Marks = c.object({
  column: c.string("The utf8 column that says what an event is."),
  values: c.array(c.string(), "The values that count.", { minItems: 1 }),
}, "", { optional: true });

const Measure = c.object({
  first: c.string("The first value of this column that is not null.", { optional: true }),
  last: c.string("The last value of this column that is not null.", { optional: true }),
  min: c.string("The smallest value of this column.", { optional: true }),
  max: c.string("The largest value of this column.", { optional: true }),
  sum: c.string("The sum of this column.", { optional: true }),
  count: c.string("How many values of this column are not null.", { optional: true }),
  in: c.array(c.string(), "With `count`: only these values of a utf8 column.", { optional: true, minItems: 1 }),
});

export const Config = c.object({
  keys: c.array(c.string(), "The columns that say whose events they are: text, integers, booleans or dates.", { minItems: 1, uniqueItems: true }),
  time: c.string("The column with the time of the event: a timestamp, or an int64 with `time_unit`."),
  time_unit: c.oneOf(["s", "ms", "us", "ns"], "What an int64 in `time` counts since 1970.", { optional: true }),
  gap: duration("An event that comes more than this after the one before it begins a session.", {}),
  max_length: duration("An event more than this after the beginning of its session begins another one.", { optional: true }),
  start: Marks,
  end: Marks,
  mode: c.oneOf(["annotate", "aggregate"], "Events with the session that they belong to, or one row for each session.", { default: "annotate" }),
  mark_last: c.boolean("In `annotate`: adds whether the event is the last one of its session. Holds events back.", { default: false }),
  values: c.record(Measure, "In `aggregate`: further columns by their names, such as `{ revenue = { sum = \"amount\" } }`.", { default: {} }),
  prefix: c.string("What the names of the columns begin with that are added.", { default: "session_" }),
  lateness: duration("How much earlier than the latest event before it an event may be. Holds events back.", { default: "0s" }),
  watermark: c.oneOf(["key", "input"], "Whose latest event that is: one of the same key, or of all keys.", { default: "key" }),
  late: c.oneOf(["reject", "join"], "What becomes of later ones: bad rows, or taken where the open session still has room.", { default: "reject" }),
  max_keys: c.integer("How many keys an instance may have open sessions of.", { default: 200_000, minimum: 1 }),
  max_held: c.integer("How many events an instance may hold back.", { default: 250_000, minimum: 1 }),
  when_full: c.oneOf(["fail", "evict"], "What happens beyond: an error, or the session with the oldest last arrival is closed.", { default: "fail" }),
}, "Divides events into sessions.");

export type Configuration = c.Infer<typeof Config>;
export type MeasureConfig = c.Infer<typeof Measure>;

export const KINDS = ["first", "last", "min", "max", "sum", "count"] as const;
export type Kind = (typeof KINDS)[number];

function microseconds(key: "gap" | "max_length" | "lateness", text: string): number {
  const length = parseDuration(text);
  if (length === null) throw new BadConfig(`/${key}`, `\`${text}\` is no length of time below 285 years, such as "30m" or "1h30m"`);
  return length;
}

/** What the engine needs to know. Throws BadConfig where keys do not go together. */
export function engineOptions(config: Configuration): Options {
  const gap = microseconds("gap", config.gap);
  const maxLength = config.max_length === undefined ? Infinity : microseconds("max_length", config.max_length);
  if (gap === 0) throw new BadConfig("/gap", "a gap of 0 makes a session of each event: give a longer one, such as \"30m\"");
  if (maxLength === 0) throw new BadConfig("/max_length", "a session cannot be so short: give a longer one, or leave `max_length` out");
  if (config.mode === "annotate" && Object.keys(config.values).length > 0) {
    throw new BadConfig("/values", "values are made of whole sessions: set mode = \"aggregate\", or leave `values` out");
  }
  if (config.mode === "aggregate" && config.mark_last) {
    throw new BadConfig("/mark_last", "there are no events in the output of mode = \"aggregate\": leave `mark_last` out");
  }
  return {
    gap, maxLength,
    lateness: microseconds("lateness", config.lateness),
    watermark: config.watermark,
    late: config.late,
    maxKeys: config.max_keys,
    maxHeld: config.max_held,
    whenFull: config.when_full,
  };
}

/** Where a value is in the configuration, as a JSON pointer. */
export const valuePointer = (name: string): string => `/values/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** The only kind that a measure has, and the column that it is of. */
export function measureOf(name: string, config: MeasureConfig): { kind: Kind; column: string } {
  const given = KINDS.filter((kind) => config[kind] !== undefined);
  const pointer = valuePointer(name);
  if (given.length !== 1) throw new BadConfig(pointer, `exactly one of ${KINDS.join(", ")} is needed, such as { sum = "amount" }`);
  const [kind] = given;
  if (config.in !== undefined && kind !== "count") throw new BadConfig(`${pointer}/in`, "only `count` can be about certain values");
  return { kind, column: config[kind]! };
}
