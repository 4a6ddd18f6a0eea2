// The configuration, as tests/conformance/README.md describes it.

import { config as c } from "@wasmill/plugin";

export const CASES = [
  "copy", "keep", "rename", "even", "reverse", "explode", "running", "count", "hold", "reject", "unchanged", "words", "add",
  "defaults", "log", "time", "http", "fail", "exhaust",
] as const;

export const Config = c.object({
  case: c.oneOf(CASES, "What to do."),
  way: c.oneOf(["columns", "rows"] as const, "By columns or by rows.", { default: "columns" }),
  by: c.oneOf(["values", "buffers"] as const, "How `copy` copies.", { default: "values" }),
  at: c.oneOf(["bind", "open", "process", "finish"] as const, "Where `fail` fails.", { default: "process" }),
  kind: c.oneOf(
    ["retryable", "retryable-after", "fatal", "bad-config", "bad-schema", "exception"] as const,
    "How `fail` fails.",
    { default: "fatal" },
  ),
  what: c.oneOf(["fuel", "memory", "stack"] as const, "What `exhaust` takes without end.", { default: "fuel" }),
  connection: c.string("The connection of `http`.", { default: "server" }),
  options: c.object({
    text: c.string("A text.", { default: "standard" }),
    number: c.integer("A whole number.", { default: 7 }),
    ratio: c.number("A number.", { default: 0.5 }),
    flag: c.boolean("Yes or no.", { default: true }),
    list: c.array(c.integer("An item."), "Whole numbers.", { default: [1, 2] }),
    nested: c.object({ depth: c.integer("How deep.", { default: 1 }) }, "An object in an object."),
  }, "Options of which each has a default."),
}, "Which case of the conformance suite to do, and how.");

export type Config = c.Infer<typeof Config>;
