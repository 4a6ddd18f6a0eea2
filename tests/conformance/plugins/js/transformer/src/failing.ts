// Failures of all kinds.

import { BadConfig, BadSchema, Fatal, Retryable } from "@wasmill/plugin";
import type { Config } from "./config.ts";

/** Fails where the configuration says that this is the place. */
export function failAt(place: Config["at"], config: Config): void {
  if (config.at !== place) return;
  switch (config.kind) {
    case "retryable": throw new Retryable("try later");
    case "retryable-after": throw new Retryable("try later", { afterMs: 1500 });
    case "fatal": throw new Fatal("no way");
    case "bad-config": throw new BadConfig("/kind", "not this one");
    case "bad-schema": throw new BadSchema("id", "not this one");
    case "exception": throw new TypeError("unexpected");
  }
}

/** Takes fuel, memory or stack without end. */
export function exhaust(what: Config["what"]): void {
  if (what === "fuel") for (;;);
  if (what === "memory") {
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(1 << 20).fill(1));
  }
  const deeper = (depth: number): number => deeper(depth + 1) + 1;
  deeper(0);
}
