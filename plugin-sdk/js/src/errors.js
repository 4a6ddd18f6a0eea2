// Why a plugin fails, and which rows cannot be used.
//
// A bad row is no failure of the plugin: it is reported with `reject`, or thrown as a BadRow by what deals with one row. Everything
// else that is thrown is about the call as a whole. An error of another class becomes a fatal failure with its text.

/** The base of the errors that say what kind of failure they are. */
export class PluginError extends Error {
  get name() { return this.constructor.name; }
}

/** The same call may succeed later: an upstream is busy. The host tries again, after `afterMs` milliseconds where given. */
export class Retryable extends PluginError {
  constructor(message, { afterMs = null, cause } = {}) {
    super(message, { cause });
    this.afterMs = afterMs;
  }
}

/** The configuration cannot work. `pointer` is a JSON pointer into it, such as "/rules/0/column"; empty for the whole. */
export class BadConfig extends PluginError {
  constructor(pointer, message) {
    super(message);
    this.pointer = pointer;
  }
}

/** The input schema cannot work: a column is missing, or has a type that the plugin cannot use. */
export class BadSchema extends PluginError {
  constructor(column, message) {
    super(message);
    this.column = column;
  }
}

/** The same call would fail the same way again. */
export class Fatal extends PluginError {}

/** One row cannot be used. `rule` is a short name to count by, such as "bad-date". */
export class BadRow extends PluginError {
  constructor(rule, message, column = null) {
    super(message);
    this.rule = rule;
    this.column = column;
  }
}

/** The contract's form of whatever was thrown, and whether nobody expected it. */
export function failureOf(error) {
  if (error instanceof Retryable) return { tag: "retryable", val: { message: error.message, afterMs: error.afterMs } };
  if (error instanceof BadConfig) return { tag: "bad-config", val: { pointer: error.pointer, message: error.message } };
  if (error instanceof BadSchema) return { tag: "bad-schema", val: { column: error.column ?? null, message: error.message } };
  if (error instanceof Fatal) return { tag: "fatal", val: error.message };
  return { tag: "fatal", val: textOf(error) };
}

/** The text of something that was thrown, its causes included. */
export function textOf(error) {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || error.name;
  return error.cause === undefined ? own : `${own}: ${textOf(error.cause)}`;
}
