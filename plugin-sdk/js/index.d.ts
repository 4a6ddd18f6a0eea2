// The types of "@wasmill/plugin".

// ---- types and fields ------------------------------------------------------------------------------------------

export type TimeUnit = "second" | "millisecond" | "microsecond" | "nanosecond";
export type IntegerName = "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64";
/** Types without parameters, which may be given by their names. */
export type TypeName =
  | IntegerName | "null" | "boolean" | "float16" | "float32" | "float64" | "utf8" | "large-utf8" | "binary" | "large-binary"
  | "date32" | "date64";

/** An Arrow type: its name in `wit/types.wit`, and its parameters. */
export type DataType =
  | { kind: TypeName }
  | { kind: "fixed-size-binary"; size: number }
  | { kind: "time32" | "time64" | "duration"; unit: TimeUnit }
  | { kind: "timestamp"; unit: TimeUnit; zone: string | null }
  | { kind: "interval"; unit: "year-month" | "day-time" | "month-day-nano" }
  | { kind: "decimal32" | "decimal64" | "decimal128" | "decimal256"; precision: number; scale: number }
  | { kind: "list" | "large-list" | "struct"; children: Field[] }
  | { kind: "fixed-size-list"; size: number; children: Field[] }
  | { kind: "map"; keysSorted: boolean; children: Field[] }
  | { kind: "dictionary"; index: IntegerName; children: Field[] };

/** A column, or a part of a nested one. */
export interface Field {
  name: string;
  type: DataType;
  nullable: boolean;
  /** Arrow field metadata. */
  metadata: [key: string, value: string][];
}

export interface FieldOptions {
  /** Default: true. */
  nullable?: boolean;
  metadata?: [key: string, value: string][];
}

type Type = DataType | TypeName;

export declare namespace types {
  function typeOf(type: Type): DataType;
  function typeName(type: Type): string;
  function field(name: string, type: Type, options?: FieldOptions): Field;
  function fixedSizeBinary(size: number): DataType;
  function time32(unit: "second" | "millisecond"): DataType;
  function time64(unit: "microsecond" | "nanosecond"): DataType;
  /** Without a zone: of the local clock. */
  function timestamp(unit: TimeUnit, zone?: string | null): DataType;
  function duration(unit: TimeUnit): DataType;
  function interval(unit: "year-month" | "day-time" | "month-day-nano"): DataType;
  /** `bits` is 128 where it is not given. */
  function decimal(precision: number, scale: number, bits?: 32 | 64 | 128 | 256): DataType;
  function list(item: Type | Field): DataType;
  function largeList(item: Type | Field): DataType;
  function fixedSizeList(item: Type | Field, size: number): DataType;
  function struct(fields: Field[]): DataType;
  function map(key: Type | Field, value: Type | Field, keysSorted?: boolean): DataType;
  function dictionary(index: IntegerName, values: Type | Field): DataType;
}

// ---- columns ---------------------------------------------------------------------------------------------------

/** Buffers as they cross: those of the column, then those of its children. */
export interface Node {
  length: number;
  validity: Uint8Array;
  offsets: Uint8Array;
  values: Uint8Array;
}

/** A column that was read. */
export declare class Column<T = any> implements Iterable<T | null> {
  readonly field: Field;
  /** How many values, nulls included. */
  readonly length: number;
  /** A bitmap with 1 where the value is not null, least significant bit first; null where there are no nulls. */
  readonly validity: Uint8Array | null;
  readonly nodes: Node[];
  isNull(index: number): boolean;
  /** The value; null where there is none. */
  get(index: number): T | null;
  /** The value as it is in rows. */
  row(index: number): any;
  toArray(): (T | null)[];
  /** A function's results for all values that are not null; null for those that are. */
  map<R>(f: (value: T, index: number) => R): (R | null)[];
  /** The rows that are not null. */
  isValid(): Mask;
  /** The rows whose value `f` holds for; it is not asked about nulls. */
  where(f: (value: T) => boolean): Mask;
  [Symbol.iterator](): IterableIterator<T | null>;
}

type NumberArray = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

/** One truth value for each row: made by comparing columns, to filter and to reject by. */
export declare class Mask {
  /** A bit for each row, least significant first: 1 where it is true. Bits beyond the last row are 0. */
  readonly bitmap: Uint8Array;
  readonly length: number;
  /** How many rows are true. */
  readonly count: number;
  constructor(bitmap: Uint8Array, length: number);
  get(row: number): boolean;
  and(other: Mask): Mask;
  or(other: Mask): Mask;
  not(): Mask;
  /** The positions of the rows that are true, ascending. */
  rows(): Iterable<number>;
}

/** What is done with a whole column of numbers at once, in compiled code. */
interface Numeric<T> {
  // Comparisons with one number. Nulls are false.
  gt(other: T): Mask;
  ge(other: T): Mask;
  lt(other: T): Mask;
  le(other: T): Mask;
  eq(other: T): Mask;
  ne(other: T): Mask;
  // Arithmetic with a number or another column: floats of 64 bits, null where one of them is.
  plus(other: number | Numeric<any>): NumberColumn;
  minus(other: number | Numeric<any>): NumberColumn;
  times(other: number | Numeric<any>): NumberColumn;
  over(other: number | Numeric<any>): NumberColumn;
  /** `other - this`. */
  minusFrom(other: number): NumberColumn;
  /** `other / this`. */
  overInto(other: number): NumberColumn;
  /** All values as floats of 64 bits; arbitrary where null. */
  floats(): Float64Array;
}

/** Numbers, and days, months and times of day that are 32 bits wide. */
export interface NumberColumn<A extends NumberArray = Float64Array> extends Numeric<number> {}
export declare class NumberColumn<A extends NumberArray = Float64Array> extends Column<number> {
  /** The values themselves, without a copy; arbitrary where null. */
  readonly values: A;
  /** A new column of the same type, with nulls where this one has them; `f` gets arbitrary values there. */
  mapValues(f: (value: number, index: number) => number): NewColumn;
  /** A new column of the same type with other values, and nulls where this one has them. */
  withValues(values: A): NewColumn;
}

export interface BigIntColumn<A extends BigInt64Array | BigUint64Array = BigInt64Array> extends Numeric<number | bigint> {}
/** Integers and instants of 64 bits. */
export declare class BigIntColumn<A extends BigInt64Array | BigUint64Array = BigInt64Array> extends Column<bigint> {
  readonly values: A;
  mapValues(f: (value: bigint, index: number) => bigint): NewColumn;
  withValues(values: A): NewColumn;
  /** All values as numbers, exact up to 2^53. */
  toNumbers(): Float64Array;
}

export declare class BinaryColumn<T = Uint8Array> extends Column<T> {
  /** All values, one after another. */
  readonly bytes: Uint8Array;
  /** Where each value begins in `bytes`, and at the end where the last one ends. */
  readonly offsets: Int32Array;
}

export declare class TextColumn extends BinaryColumn<string> {
  /** All texts in one string, cut by `offsets`, where they are nothing but ASCII; null otherwise. */
  readonly ascii: string | null;
  /** The rows whose whole text matches a regular expression. */
  matches(expression: RegExp): Mask;
  /** The rows whose text has `part` in it. */
  contains(part: string): Mask;
  /** The rows whose text is among these. */
  isIn(texts: Iterable<string>): Mask;
  eq(text: string): Mask;
  ne(text: string): Mask;
  /** What is between the `index`-th separator and the next one, counted from 0; null where there are not as many. */
  part(separator: string, index: number): NewColumn;
  /** A new column of these texts in upper case. */
  toUpperCase(): NewColumn;
  toLowerCase(): NewColumn;
  /**
   * A new column of what `f` makes of these texts. Of ASCII it gets many values at once, without anything between them, and must
   * make as many characters of them; of other text it gets one value at a time.
   */
  mapAsciiRuns(f: (text: string) => string): NewColumn;
}

export interface DayTime {
  days: number;
  milliseconds: number;
}
export interface MonthDayNano {
  months: number;
  days: number;
  nanoseconds: bigint;
}

interface Columns {
  boolean: Column<boolean>;
  int8: NumberColumn<Int8Array>;
  int16: NumberColumn<Int16Array>;
  int32: NumberColumn<Int32Array>;
  int64: BigIntColumn;
  uint8: NumberColumn<Uint8Array>;
  uint16: NumberColumn<Uint16Array>;
  uint32: NumberColumn<Uint32Array>;
  uint64: BigIntColumn<BigUint64Array>;
  float16: Column<number> & Numeric<number>;
  float32: NumberColumn<Float32Array>;
  float64: NumberColumn;
  utf8: TextColumn;
  binary: BinaryColumn;
  date32: NumberColumn<Int32Array>;
  date64: BigIntColumn;
  time32: NumberColumn<Int32Array>;
  time64: BigIntColumn;
  timestamp: BigIntColumn;
  duration: BigIntColumn;
  decimal32: Column<bigint>;
  decimal64: Column<bigint>;
  decimal128: Column<bigint>;
  decimal256: Column<bigint>;
  "fixed-size-binary": Column<Uint8Array>;
  list: Column<any[]>;
  "fixed-size-list": Column<any[]>;
  struct: Column<Record<string, any>>;
  map: Column<[key: any, value: any][]>;
}
type ColumnOf<T> = T extends keyof Columns ? Columns[T] : T extends { kind: infer K extends keyof Columns } ? Columns[K] : Column;

/** A column that a plugin made. */
export declare class NewColumn {
  readonly type: DataType;
  readonly length: number;
  readonly nodes: Node[];
  /** Of buffers as they will cross: those of the column, then those of its children. */
  constructor(type: DataType, length: number, nodes: Node[]);
  /** Of a typed array as it is, and of a bitmap with 1 where a value is not null. */
  static ofValues(type: Type, values: ArrayBufferView, validity?: Uint8Array | null): NewColumn;
}

export interface Builder<T = any> {
  readonly length: number;
  push(value: T | null | undefined): this;
  pushAll(values: Iterable<T | null | undefined>): this;
  finish(): NewColumn;
}

/** A builder of columns of this type. It takes what `get` of such a column returns. */
export declare function builder(type: Type): Builder;
/** A column of values and nulls. */
export declare function column(type: Type, values: Iterable<any>): NewColumn;

/** The values of a column that is written: a column, a typed array without nulls, or values and nulls. */
export type Values = NewColumn | Column | ArrayBufferView | Iterable<any>;

// ---- what is read and written ----------------------------------------------------------------------------------

/** A column that is read. */
export interface Input<C extends Column = Column> {
  readonly field: Field;
  readonly position: number;
  readonly slot: number;
  /** Only for the compiler. */
  readonly column?: C;
}

/** A column that is written. */
export interface Output {
  readonly field: Field;
}

export interface ReadPlan {
  /** The fields of the input. */
  readonly schema: Field[];
  /** Reads a column; of this type, where one is given. Throws BadSchema. */
  read<T extends (keyof Columns & TypeName) | DataType>(name: string, type: T): Input<ColumnOf<T>>;
  read(name: string): Input;
  readAll(): Input[];
}

export interface WritePlan {
  /** Adds a column: of a type, or with the field of another, which is taken over but for its name. */
  write(name: string, type: Type | Field, options?: FieldOptions): Output;
}

/** The output starts as the input, with all columns kept. */
export interface Plan extends ReadPlan, WritePlan {
  drop(name: string): void;
  dropAll(): void;
  rename(from: string, to: string): void;
  /** All rows that agree in these columns meet one instance, in the order of the input. */
  keyedBy(...names: string[]): void;
  /** One instance sees all rows, in the order of the input. */
  singleInstance(): void;
}

export interface Batch {
  readonly rows: number;
  readonly columns: Column[];
  column<C extends Column>(input: Input<C>): C;
  toRows(): any[];
}

type Awaitable<T> = T | Promise<T>;

// ---- transformers ----------------------------------------------------------------------------------------------

export interface Rows {
  /** How many rows the batch has. */
  readonly count: number;
  /** One value for each row of the batch; after `take`, one for each output row. */
  set(output: Output, values: Values): void;
  /** The values of an input column of the same type. Costs nothing. */
  setUnchanged(output: Output, input: Input<any>): void;
  filter(keep: Mask | ((row: number) => boolean)): void;
  /** Lets only those rows go on whose bit is 1, least significant bit first. */
  select(bitmap: Uint8Array): void;
  drop(row: number | Mask): void;
  reject(row: number | Mask, rule: string, message: string, column?: string | null): void;
  /** Makes the output of these rows, in this order, repeated where they repeat. */
  take(rows: Iterable<number>): void;
}

export interface DetachedRows {
  set(output: Output, values: Values): void;
}

interface TransformerBase {
  open?(): Awaitable<void>;
  /** What is still held back: columns that are set on `out`, or rows. Only where no column is kept. */
  finish?(out: DetachedRows): Awaitable<void | object[]>;
}
export interface ColumnTransformer extends TransformerBase {
  /** Without anything set on `out`, all rows go on. */
  process(batch: Batch, out: Rows): Awaitable<void>;
}
export interface RowTransformer<R = any> extends TransformerBase {
  /** What becomes of a row: the row or another, several, or none (null). May throw BadRow. */
  processRow(row: R, out: { reject(rule: string, message: string, column?: string | null): null }): Awaitable<object | object[] | null | undefined>;
}
export interface RowsTransformer<R = any> extends TransformerBase {
  /** Some of these objects in any order; or others, where no column is kept. */
  processRows(
    rows: R[],
    out: { reject(row: number, rule: string, message: string, column?: string | null): void },
  ): Awaitable<object[] | void>;
}
export type Transformer = ColumnTransformer | RowTransformer | RowsTransformer;

export interface TransformerDefinition<C> {
  config?: config.Part<C>;
  /** Says what is read and written. Must depend on its arguments only. Called to check a pipeline, and on each instance. */
  bind(config: C, plan: Plan): Awaitable<Transformer>;
}
export declare function transformer<C = Record<string, never>>(definition: TransformerDefinition<C>): object;

// ---- validators ------------------------------------------------------------------------------------------------

export interface Verdict {
  /** A row to be dealt with as the pipeline says under `on_violation`. */
  reject(row: number | Mask, rule: string, message: string, column?: string | null): void;
  /** A row to be counted; it goes on. */
  warn(row: number, rule: string, message: string, column?: string | null): void;
}
export interface RuleResult {
  rule: string;
  column?: string | null;
  outcome: "pass" | "warn" | "refuse";
  message?: string;
  checked?: number;
  violated?: number;
}
export interface Conclusion {
  rules?: RuleResult[];
  metrics?: Record<string, number>;
}
/** States are whatever JSON can hold. */
export interface Validator<S = any> {
  /** Judges the rows of a batch. Returns what the batch adds to the judgement of the table. */
  check?(batch: Batch, verdict: Verdict): Awaitable<S | void>;
  checkRows?(rows: any[], verdict: Verdict): Awaitable<S | void>;
  /** The state of a table without rows. */
  empty?(): S;
  merge?(one: S, other: S): S;
  conclude?(state: S): Awaitable<Conclusion>;
}
export interface ValidatorDefinition<C> {
  config?: config.Part<C>;
  bind(config: C, plan: ReadPlan): Awaitable<Validator>;
}
export declare function validator<C = Record<string, never>>(definition: ValidatorDefinition<C>): object;

// ---- extractors ------------------------------------------------------------------------------------------------

export interface Split {
  id: string;
  /** Whatever `open` needs to know. */
  descriptor?: string;
  /** Estimates. */
  rows?: number | null;
  bytes?: number | null;
}
export interface Extracted {
  set(output: Output, values: Values): void;
  /** A record that could not be made into a row, as it was received. */
  reject(position: string, raw: string | Uint8Array, rule: string, message: string): void;
}
export interface Extractor {
  plan(cursors: { split: string; position: string }[]): Awaitable<Split[]>;
  open?(split: Required<Split>): Awaitable<void>;
  /** The next rows, at most `maxRows`: columns that are set on `out` (return true), or an array of objects. False at the end. */
  next(maxRows: number, out: Extracted): Awaitable<boolean | object[] | null>;
  cursor?(): Awaitable<string | null>;
}
export interface ExtractorDefinition<C> {
  config?: config.Part<C>;
  bind(config: C, plan: WritePlan): Awaitable<Extractor>;
}
export declare function extractor<C = Record<string, never>>(definition: ExtractorDefinition<C>): object;

// ---- loaders ---------------------------------------------------------------------------------------------------

export interface Refused {
  reject(row: number | Mask, rule: string, message: string, column?: string | null): void;
}
export interface Receipt {
  /** How many rows were staged: all but those that were refused. */
  rows: number;
  /** Where they were staged. */
  reference: string;
}
export interface Loader {
  open?(attempt: { run: string; split: string; attempt: string }): Awaitable<void>;
  write?(batch: Batch, refused: Refused): Awaitable<void>;
  writeRows?(rows: any[], refused: Refused): Awaitable<void>;
  finish(): Awaitable<Receipt>;
}
export interface LoaderDefinition<C> {
  config?: config.Part<C>;
  bind(config: C, plan: ReadPlan): Awaitable<Loader>;
  /** Makes the staged rows visible. May be called again with the same arguments. */
  commit(config: C, run: string, receipts: Receipt[]): Awaitable<void>;
  /** Removes what was staged, where it is still there. */
  abort?(config: C, run: string, receipts: Receipt[]): Awaitable<void>;
}
export declare function loader<C = Record<string, never>>(definition: LoaderDefinition<C>): object;

// ---- notifiers -------------------------------------------------------------------------------------------------

export interface Event {
  kind: string;
  severity: "info" | "warning" | "error";
  pipeline: string;
  run: string;
  dedupKey: string;
  /** Milliseconds since 1970, as `new Date` takes them. */
  timeMs: number;
  summary: string;
  details: Record<string, any>;
}
export interface NotifierDefinition<C> {
  config?: config.Part<C>;
  bind(config: C): Awaitable<{ notify(event: Event): Awaitable<void> }>;
}
export declare function notifier<C = Record<string, never>>(definition: NotifierDefinition<C>): object;

// ---- configurations --------------------------------------------------------------------------------------------

export declare namespace config {
  /** A part of a configuration, whose values are T; `D`: whether it may be missing. */
  interface Part<T, Optional extends boolean = boolean> {
    readonly schema: object;
    readonly type?: T;
    readonly isOptional?: Optional;
  }
  type Infer<P> = P extends Part<infer T, boolean> ? T : never;

  interface Options<T> {
    default?: T;
    /** May be missing, and is then `undefined`. */
    optional?: boolean;
    /** Is taken out of findings and log lines. */
    secret?: boolean;
    /** Any other keyword of JSON Schema. */
    [keyword: string]: unknown;
  }
  type Made<T, O> = Part<O extends { optional: true } ? T | undefined : T>;

  function string<const O extends Options<string>>(description?: string, options?: O): Made<string, O>;
  function number<const O extends Options<number>>(description?: string, options?: O): Made<number, O>;
  function integer<const O extends Options<number>>(description?: string, options?: O): Made<number, O>;
  function boolean<const O extends Options<boolean>>(description?: string, options?: O): Made<boolean, O>;
  function any<const O extends Options<unknown>>(description?: string, options?: O): Part<any>;
  function oneOf<const V extends readonly (string | number)[], const O extends Options<V[number]>>(
    values: V, description?: string, options?: O,
  ): Made<V[number], O>;
  function array<T, const O extends Options<readonly T[]>>(item: Part<T>, description?: string, options?: O): Made<T[], O>;
  function record<T, const O extends Options<Record<string, T>>>(
    value: Part<T>, description?: string, options?: O,
  ): Made<Record<string, T>, O>;
  function object<P extends Record<string, Part<any>>, const O extends Options<object>>(
    parts: P, description?: string, options?: O,
  ): Made<{ [K in keyof P]: Infer<P[K]> }, O>;
}

// ---- errors ----------------------------------------------------------------------------------------------------

export declare class PluginError extends Error {}
/** The same call may succeed later. */
export declare class Retryable extends PluginError {
  constructor(message: string, options?: { afterMs?: number | null; cause?: unknown });
  readonly afterMs: number | null;
}
/** The configuration cannot work. `pointer` is a JSON pointer into it. */
export declare class BadConfig extends PluginError {
  constructor(pointer: string, message: string);
  readonly pointer: string;
}
/** The input schema cannot work. */
export declare class BadSchema extends PluginError {
  constructor(column: string | null, message: string);
  readonly column: string | null;
}
/** The same call would fail the same way again. */
export declare class Fatal extends PluginError {}
/** One row cannot be used. */
export declare class BadRow extends PluginError {
  constructor(rule: string, message: string, column?: string | null);
  readonly rule: string;
  readonly column: string | null;
}

// ---- HTTP ------------------------------------------------------------------------------------------------------

export type HeadersInit = Record<string, string> | Iterable<readonly [string, string]>;
export type Body = string | ArrayBuffer | ArrayBufferView;
export interface RequestOptions {
  headers?: HeadersInit;
  body?: Body;
}
export declare class Headers implements Iterable<[string, string]> {
  get(name: string): string | null;
  has(name: string): boolean;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}
/** A response, whatever its status. */
export declare class HttpResponse {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Headers;
  readonly body: Uint8Array;
  text(): string;
  json(): any;
  /** The response itself when its status is 2xx. Otherwise throws: Retryable for 408, 429 and 5xx. */
  successful(): this;
}
/** A connection that the pipeline file declares and grants. */
export declare class Connection {
  constructor(name: string);
  readonly name: string;
  request(method: string, path: string, options?: RequestOptions): HttpResponse;
  get(path: string, options?: RequestOptions): HttpResponse;
  post(path: string, options?: RequestOptions): HttpResponse;
  put(path: string, options?: RequestOptions): HttpResponse;
  delete(path: string, options?: RequestOptions): HttpResponse;
}
export interface FetchResponse {
  readonly url: string;
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Headers;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

// ---- dates and decimals ----------------------------------------------------------------------------------------

export declare function toDate(value: bigint, unit: TimeUnit): Date;
export declare function fromDate(date: Date, unit: TimeUnit): bigint;
/** The Date, at midnight UTC, of days since 1970-01-01. */
export declare function dateOfDays(days: number): Date;
export declare function daysOfDate(date: Date): number;
/** 1250n with scale 2 is "12.50". */
export declare function formatDecimal(value: bigint, scale: number): string;
export declare function parseDecimal(text: string, scale: number): bigint;

// ---- what the sandbox has as globals ---------------------------------------------------------------------------

declare global {
  /** A line of standard output, which the host logs. */
  function print(...values: unknown[]): void;
  /** With the name of a connection in the place of the host. Needs `"http": true`. */
  function fetch(
    url: string,
    options?: RequestOptions & { method?: string },
  ): Promise<import("@wasmill/plugin").FetchResponse>;
  var console: Record<"trace" | "debug" | "log" | "info" | "warn" | "error", (...values: unknown[]) => void>;
}
