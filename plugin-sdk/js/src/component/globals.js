// What plugins expect of a JavaScript engine and QuickJS leaves to others: console, print, TextDecoder, randomness that the host
// controls, and promises that are kept before a call ends. Imported before the plugin.

import { log } from "wasi:logging/logging@0.1.0-draft";
import { getRandomBytes } from "wasi:random/random@0.2.0";
import { getStdout } from "wasi:cli/stdout@0.2.0";
import { decode, encode } from "../bytes.js";
import { enqueue, forget, LocalPromise } from "../promise.js";

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : String(value);
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? `${value}n` : String(value);
  try {
    return JSON.stringify(value, (_, part) => {
      if (typeof part === "bigint") return `${part}n`;
      return ArrayBuffer.isView(part) || part instanceof Set ? [...part] : part instanceof Map ? Object.fromEntries(part) : part;
    });
  } catch {
    return String(value);
  }
}

const line = (values) => values.map(shown).join(" ");
const logger = (level) => (...values) => log(level, "console", line(values));

globalThis.console = {
  trace: logger("trace"),
  debug: logger("debug"),
  log: logger("info"),
  info: logger("info"),
  warn: logger("warn"),
  error: logger("error"),
  assert: (condition, ...values) => { if (!condition) log("error", "console", `assertion failed: ${line(values)}`); },
};

/** As in the shells of QuickJS and other engines: a line of standard output. */
globalThis.print = (...values) => {
  const bytes = encode(`${line(values)}\n`);
  const stdout = getStdout();
  // The stream takes no more than this at once.
  for (let at = 0; at < bytes.length; at += 4096) stdout.blockingWriteAndFlush(bytes.subarray(at, at + 4096));
  stdout[Symbol.dispose]();
};

globalThis.TextEncoder = class TextEncoder {
  encoding = "utf-8";
  encode(text = "") { return encode(text); }
};

globalThis.TextDecoder = class TextDecoder {
  encoding = "utf-8";
  constructor(label = "utf-8") {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`${label} is not there, only utf-8`);
  }
  decode(bytes = new Uint8Array()) {
    return decode(ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes));
  }
};

// QuickJS seeds its own generator when the component is made: each run would have the same numbers.
let random = null;
let used = 0;

Math.random = () => {
  if (random === null || used === random.length) {
    const bytes = getRandomBytes(512);
    random = new Uint32Array(bytes.buffer, bytes.byteOffset, 128);
    used = 0;
  }
  const high = random[used++] >>> 5;
  const low = random[used++] >>> 6;
  return (high * 67108864 + low) / 9007199254740992;
};

globalThis.crypto = {
  getRandomValues(array) {
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(getRandomBytes(array.byteLength));
    return array;
  },
};

globalThis.Promise = LocalPromise;
globalThis.queueMicrotask = enqueue;

/** Forgets what belongs to an earlier call: the host starts its random numbers anew with each, so that a batch can be repeated. */
export function startCall() {
  random = null;
  forget();
}
