// What the cases have in common.

import type { Plan, Transformer } from "@wasmill/plugin";
import type { Config } from "./config.ts";

export type { BigIntColumn, DetachedRows, Input, NumberColumn, Output, Plan, TextColumn, Transformer } from "@wasmill/plugin";

/** Says what is read and written, and returns what does it. */
export type Case = (plan: Plan, config: Config) => Transformer;
