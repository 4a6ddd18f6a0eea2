// Divides events into sessions: README.md tells what that means.
//
//     input.ts   events of a batch, with keys.ts and instants.ts
//     engine.ts  what becomes of events, apart from any column
//     annotate.ts, aggregate.ts  what is written

import { transformer } from "@wasmill/plugin";
import { Aggregate } from "./aggregate.ts";
import { annotate } from "./annotate.ts";
import { Config } from "./config.ts";

export default transformer({
  config: Config,
  bind: (config, plan) => (config.mode === "annotate" ? annotate(config, plan) : new Aggregate(config, plan)),
});
