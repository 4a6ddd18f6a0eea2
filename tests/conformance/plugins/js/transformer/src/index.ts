// The conformance suite's transformer: one case or another, as the configuration says.

import { transformer } from "@wasmill/plugin";
import { byColumns } from "./columns.ts";
import { Config } from "./config.ts";
import { failAt } from "./failing.ts";
import { byRows } from "./rows.ts";

export default transformer({
  config: Config,
  bind(config, plan) {
    if (config.case === "fail") failAt("bind", config);
    const cases = config.way === "rows" ? byRows : byColumns;
    const make = cases[config.case];
    if (make === undefined) throw new Error(`there is no case ${config.case} by ${config.way}`);
    return make(plan, config);
  },
});
