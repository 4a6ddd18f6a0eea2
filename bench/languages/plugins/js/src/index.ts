// The work of the benchmark suite, each by columns and by rows.

import { config as c, transformer, type Plan, type Transformer } from "@wasmill/plugin";
import * as records from "./records.ts";
import * as strings from "./strings.ts";
import * as wide from "./wide.ts";

const WORK = { records, strings, wide };

const Config = c.object({
  work: c.oneOf(["wide", "strings", "records"] as const, "What to do."),
  way: c.oneOf(["columns", "rows"] as const, "By columns or by rows.", { default: "columns" }),
}, "Which work to do, and how.");

export default transformer({
  config: Config,
  bind({ work, way }, plan: Plan): Transformer {
    return WORK[work][way](plan);
  },
});
