// Wasmill plugins in JavaScript and TypeScript: what a plugin imports from "@wasmill/plugin".
//
// A plugin is a module whose default export is made by `transformer`, `validator`, `extractor`, `loader` or `notifier`. The builder
// puts `component/` around it, which is where the imports and exports of the component are; nothing else depends on them, so that
// everything here runs in any engine.

export { transformer } from "./transformer.js";
export { validator } from "./validator.js";
export { extractor } from "./extractor.js";
export { loader } from "./loader.js";
export { notifier } from "./notifier.js";
export * as config from "./config.js";
export * as types from "./types.js";
export { BadConfig, BadRow, BadSchema, Fatal, PluginError, Retryable } from "./errors.js";
export { builder, column, NewColumn } from "./builders.js";
export { Column, NumberColumn, TextColumn } from "./columns.js";
export { Mask } from "./mask.js";
export { Connection, fetch, Headers, HttpResponse, Response } from "./http.js";
export { dateOfDays, daysOfDate, formatDecimal, fromDate, parseDecimal, toDate } from "./values.js";
