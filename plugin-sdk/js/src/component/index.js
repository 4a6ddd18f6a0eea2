// The component around a plugin: the exports of each kind, with failures as the contract has them.

import { startCall } from "./globals.js";
import { log } from "wasi:logging/logging@0.1.0-draft";
import { parse, schemaOf } from "../config.js";
import { failureOf, PluginError } from "../errors.js";
import { settle } from "../promise.js";
import { extractExports } from "../extractor.js";
import { loadExports } from "../loader.js";
import { notifyExports } from "../notifier.js";
import { transformExports } from "../transformer.js";
import { validateExports } from "../validator.js";

const EXPORTS = {
  extractor: extractExports,
  loader: loadExports,
  notifier: notifyExports,
  transformer: transformExports,
  validator: validateExports,
};

/** A stack trace with lines of the plugin's sources, as the builder noted them, in the place of lines of the bundle; others are left out. */
function located(stack) {
  const { sources, lines } = globalThis.__wasmillLines ?? { lines: [] };
  const mapped = stack.replace(/componentize-qjs:user\.js:(\d+)(:\d+)?/g, (place, line) => {
    for (let at = 0; at < lines.length; at += 3) if (lines[at] === Number(line)) return `${sources[lines[at + 1]]}:${lines[at + 2]}`;
    return place;
  });
  return mapped.split("\n").filter((line) => !line.includes("componentize-qjs:user.js")).join("\n").trimEnd();
}

/** What is thrown across the boundary: an error whose own `payload` is the contract's failure. */
function failed(error) {
  if (!(error instanceof PluginError)) log("error", "plugin", error?.stack ? `${error}\n${located(error.stack)}` : String(error));
  return Object.assign(new Error("the plugin failed"), { payload: failureOf(error) });
}

const guarded = (f) => (...given) => {
  startCall();
  try {
    return settle(f(...given));
  } catch (error) {
    throw failed(error);
  }
};

/** The functions of the interface that a plugin of this kind exports. */
export function componentOf(plugin, { kind, name, version, summary }) {
  if (plugin?.kind !== kind) {
    throw new TypeError(`package.json says that this is a ${kind}; the module has to have \`export default ${kind}({ ... })\``);
  }
  const parseConfig = (text) => {
    if (plugin.config) return parse(plugin.config, text);
    return JSON.parse(text);
  };
  const functions = EXPORTS[kind](plugin, parseConfig);
  const guardedFunctions = Object.fromEntries(Object.entries(functions).map(([key, f]) => [key, guarded(f)]));
  const none = { schema: { type: "object", properties: {}, additionalProperties: false } };
  const configSchema = schemaOf(plugin.config ?? none);
  return { describe: () => ({ name, version, summary, configSchema }), ...guardedFunctions };
}

