// Makes a component of a plugin: what the builder runs with Node. It is no part of what plugins import.
//
//     node componentize.mjs '{ "tools": ..., "sdk": ..., "wit": ..., "world": ..., "entry": ..., "plugin": {...}, "http": ..., "out": ... }'
//
// rolldown makes one module of the plugin, the SDK and whatever else is imported, TypeScript or not; componentize-qjs evaluates it in
// QuickJS and takes a snapshot. Errors are written with the file and line of the sources, which the bundle's source map knows.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire, SourceMap } from "node:module";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { sdk, wit, world, entry, plugin, http, out, folder } = given;
const require = createRequire(join(given.tools, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { rolldown } = await load("rolldown");
const { transformSync } = await load("rolldown/utils");
const { componentize } = await load("componentize-qjs");

const INTERFACES = { extractor: "extract", loader: "load", notifier: "notify", transformer: "transform", validator: "validate" };
const ENTRY = "\0wasmill-entry";

// The order of the imports is the order in which they are evaluated: a plugin finds the globals there.
const entrySource = `
import ${JSON.stringify(join(sdk, "src/component/globals.js"))};
import ${JSON.stringify(join(sdk, "src/component/kernels.js"))};
${http ? `import ${JSON.stringify(join(sdk, "src/component/http.js"))};` : ""}
import plugin from ${JSON.stringify(entry)};
import { componentOf } from ${JSON.stringify(join(sdk, "src/component/index.js"))};
export const ${INTERFACES[plugin.kind]} = componentOf(plugin, ${JSON.stringify(plugin)});
`;

/** Whether a module has asynchronous functions. A word in a comment does no harm. */
const IS_ASYNC = /\basync\b|\bawait\b/;

const plugins = [{
  name: "wasmill",
  resolveId(id) {
    if (id === ENTRY) return ENTRY;
    // A plugin need not have the SDK installed.
    if (id === "@wasmill/plugin") return join(sdk, "src/index.js");
    if (id.startsWith("@oxc-project/runtime/")) return join(given.tools, "node_modules", id.replace("/helpers/", "/src/helpers/esm/") + ".js");
    if (/^(wasi|wasmill):/.test(id)) return { id, external: true };
    return null;
  },
  load: (id) => (id === ENTRY ? entrySource : null),
  transform(code, id) {
    // QuickJS's own promises are never kept during a call: see src/promise.js.
    if (id === ENTRY || id.startsWith("\0") || id.startsWith(sdk) || !IS_ASYNC.test(code)) return null;
    const lang = /\.(?:m|c)?tsx?$/.test(id) ? "ts" : "js";
    const { code: made, map, errors } = transformSync(id, code, { lang, sourceType: "module", target: "es2016", sourcemap: true });
    if (errors.length > 0) throw new Error(errors.map((error) => error.codeframe ?? error.message).join("\n"));
    return { code: made, map, moduleType: "js" };
  },
}];

let map = null;

/** A text in which places of the bundle are places of the sources. */
const located = (text) => text.replace(/(?:[^\s()]*)componentize-qjs:user\.js:(\d+)(?::(\d+))?/g, (place, line, column = "1") => {
  const found = map?.findEntry(Number(line) - 1, Number(column) - 1);
  if (!found?.originalSource) return place;
  return `${relative(folder, join(dirname(out), found.originalSource))}:${found.originalLine + 1}:${found.originalColumn + 1}`;
});

try {
  const bundle = await rolldown({ input: ENTRY, plugins, cwd: folder, platform: "neutral", treeshake: true, logLevel: "warn",
    resolve: { mainFields: ["module", "main"], conditionNames: ["import", "default"] },
    onLog(level, log) {
      if (log.code === "UNRESOLVED_IMPORT") throw new Error(log.message);
      if (level === "warn") console.error(log.message);
    } });
  const { output: [chunk] } = await bundle.generate({ file: join(dirname(out), "bundle.js"), format: "esm", sourcemap: true, codeSplitting: false });
  map = new SourceMap(JSON.parse(chunk.map.toString()));
  // Stack traces of the plugin name lines of the bundle; which lines of which sources these are goes with it.
  const { component } = await componentize({ witPath: wit, world, jsSource: chunk.code + linesOf(chunk), sync: true });
  writeFileSync(out, component);
} catch (error) {
  console.error(located(String(error?.message ?? error).replace(/^: /, "")));
  process.exit(1);
}

/** Code that says, for each line of the bundle that begins in a source of the plugin, which one that is. */
function linesOf(chunk) {
  const sources = [];
  const lines = [];
  chunk.code.split("\n").forEach((text, line) => {
    const found = map.findEntry(line, text.search(/\S/));
    if (!found?.originalSource || found.generatedLine !== line) return;
    const path = relative(folder, join(dirname(out), found.originalSource));
    if (path.startsWith("..")) return;
    if (!sources.includes(path)) sources.push(path);
    lines.push(line + 1, sources.indexOf(path), found.originalLine + 1);
  });
  return `\nglobalThis.__wasmillLines = ${JSON.stringify({ sources, lines })};\n`;
}
