// Arrow types and fields, and how `wit/types.wit` writes them.
//
// A type is an object with its `kind`, which is the name that the contract has for it, and its parameters; the children of
// nested types are fields in it. A type without parameters may be given by its name: "int64" is { kind: "int64" }. The contract
// has no recursive types: it lists a field and its descendants in pre-order, each with the number of its children.

const PLAIN = new Set([
  "null", "boolean", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
  "float64", "utf8", "large-utf8", "binary", "large-binary", "date32", "date64",
]);

/** A type, of a name or a type. */
export function typeOf(type) {
  if (typeof type !== "string") return type;
  if (!PLAIN.has(type)) throw new TypeError(`\`${type}\` is no type without parameters`);
  return { kind: type };
}

/** A field: a column, or a part of one. Nulls may occur unless said otherwise. */
export function field(name, type, { nullable = true, metadata = [] } = {}) {
  return { name, type: typeOf(type), nullable, metadata };
}

/** A child of a nested type: a field, or a type that gets the name that Arrow mostly gives to it. */
const child = (given, name, nullable = true) =>
  typeof given === "object" && "type" in given ? given : field(name, given, { nullable });

export const fixedSizeBinary = (size) => ({ kind: "fixed-size-binary", size });
export const time32 = (unit) => ({ kind: "time32", unit });
export const time64 = (unit) => ({ kind: "time64", unit });
export const timestamp = (unit, zone = null) => ({ kind: "timestamp", unit, zone });
export const duration = (unit) => ({ kind: "duration", unit });
export const interval = (unit) => ({ kind: "interval", unit });
export const decimal = (precision, scale, bits = 128) => ({ kind: `decimal${bits}`, precision, scale });
export const list = (item) => ({ kind: "list", children: [child(item, "item")] });
export const largeList = (item) => ({ kind: "large-list", children: [child(item, "item")] });
export const fixedSizeList = (item, size) => ({ kind: "fixed-size-list", size, children: [child(item, "item")] });
export const struct = (fields) => ({ kind: "struct", children: fields });
export const map = (key, value, keysSorted = false) => {
  const entries = struct([child(key, "key", false), child(value, "value")]);
  return { kind: "map", keysSorted, children: [field("entries", entries, { nullable: false })] };
};
export const dictionary = (index, values) => ({ kind: "dictionary", index, children: [child(values, "values")] });

/** How a type is written for people: `decimal128(10, 2)`, `list<utf8>`. */
export function typeName(type) {
  const { kind, children = [], keysSorted: _, ...rest } = typeOf(type);
  const parameters = Object.values(rest).filter((value) => value !== null && value !== undefined);
  const inner = children.map((child) => typeName(child.type));
  return kind + (parameters.length ? `(${parameters.join(", ")})` : "") + (inner.length ? `<${inner.join(", ")}>` : "");
}

/** What a reader sees: the values that a dictionary stands for, text and lists whatever the width of their offsets. */
export function seenKind(type) {
  switch (type.kind) {
    case "dictionary": return seenKind(type.children[0].type);
    case "large-utf8": return "utf8";
    case "large-binary": return "binary";
    case "large-list": return "list";
    default: return type.kind;
  }
}

// ---- the contract's form ---------------------------------------------------------------------------------------

function typeToWit(type) {
  const tag = type.kind;
  switch (tag) {
    case "fixed-size-binary":
    case "fixed-size-list": return { tag, val: type.size };
    case "time32":
    case "time64":
    case "duration":
    case "interval": return { tag, val: type.unit };
    case "timestamp": return { tag, val: { unit: type.unit, zone: type.zone ?? null } };
    case "decimal32":
    case "decimal64":
    case "decimal128":
    case "decimal256": return { tag, val: { precision: type.precision, scale: type.scale } };
    case "map": return { tag, val: type.keysSorted ?? false };
    case "dictionary": return { tag, val: type.index };
    default: return { tag };
  }
}

function typeFromWit({ tag: kind, val }, children) {
  const nested = children.length > 0 || kind === "struct" ? { children } : {};
  switch (kind) {
    case "fixed-size-binary":
    case "fixed-size-list": return { kind, size: val, ...nested };
    case "time32":
    case "time64":
    case "duration":
    case "interval": return { kind, unit: val };
    case "timestamp": return { kind, unit: val.unit, zone: val.zone ?? null };
    case "decimal32":
    case "decimal64":
    case "decimal128":
    case "decimal256": return { kind, precision: val.precision, scale: val.scale };
    case "map": return { kind, keysSorted: val, ...nested };
    case "dictionary": return { kind, index: val, ...nested };
    default: return { kind, ...nested };
  }
}

/** A field and its descendants as the contract lists them. */
export function fieldToWit({ name, type, nullable, metadata }) {
  const children = type.children ?? [];
  const own = { name, dataType: typeToWit(type), nullable, children: children.length, metadata: metadata ?? [] };
  return [own, ...children.flatMap(fieldToWit)];
}

/** The top-level fields of the contract's list. */
export function fieldsFromWit(list) {
  let at = 0;
  const next = () => {
    const { name, dataType, nullable, children: count, metadata } = list[at++];
    const children = Array.from({ length: count }, next);
    return { name, type: typeFromWit(dataType, children), nullable, metadata };
  };
  const fields = [];
  while (at < list.length) fields.push(next());
  return fields;
}
