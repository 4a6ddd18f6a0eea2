// Configurations: described once, and from that the JSON Schema for the host, the defaults, and (in TypeScript) the type.
//
//     const Config = object({
//       net: string("The column with the price before tax."),
//       rate: number("The tax rate, such as 0.19.", { default: 0 }),
//     }, "Adds the price with tax.");
//
// The host checks a configuration against the schema before the plugin sees it; here it is only filled with defaults.

/** A part of a configuration: its JSON Schema, and whether it may be missing. */
function part(schema, description, { default: preset, optional = false, secret = false, ...keywords } = {}, fill = (value) => value) {
  const described = { ...schema, ...keywords };
  if (description) described.description = description;
  if (preset !== undefined) described.default = preset;
  if (secret) described.writeOnly = true;
  return { schema: described, preset, isRequired: preset === undefined && !optional, fill };
}

export const string = (description, options) => part({ type: "string" }, description, options);
export const number = (description, options) => part({ type: "number" }, description, options);
export const integer = (description, options) => part({ type: "integer" }, description, options);
export const boolean = (description, options) => part({ type: "boolean" }, description, options);

/** One of some strings. */
export const oneOf = (values, description, options) => part({ enum: values }, description, options);

/** A list of parts of one sort. */
export const array = (item, description, options) =>
  part({ type: "array", items: item.schema }, description, options, (values) => values.map((value) => item.fill(value)));

/** An object with keys of any name, and values of one sort. */
export const record = (value, description, options) =>
  part({ type: "object", additionalProperties: value.schema }, description, options, (given) =>
    Object.fromEntries(Object.entries(given).map(([key, held]) => [key, value.fill(held)])));

/** Any JSON value. */
export const any = (description, options) => part({}, description, options);

/** An object with these keys and no others. It has a default by itself where all of its keys have one. */
export function object(parts, description, options = {}) {
  const entries = Object.entries(parts);
  const required = entries.filter(([, { isRequired }]) => isRequired).map(([key]) => key);
  const schema = {
    type: "object",
    properties: Object.fromEntries(entries.map(([key, { schema }]) => [key, schema])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
  const fill = (given) => {
    const filled = {};
    for (const [key, { fill, preset }] of entries) {
      const value = Object.hasOwn(given, key) ? given[key] : preset;
      if (value !== undefined) filled[key] = fill(value);
    }
    return filled;
  };
  const hasDefault = required.length === 0 && !options.optional;
  return part(schema, description, hasDefault ? { default: {}, ...options } : options, fill);
}

/** The JSON Schema of a configuration, as the host wants it. */
export function schemaOf(config) {
  const { default: _, ...schema } = config.schema;
  return JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", ...schema });
}

/** The configuration that a text holds, with defaults. */
export function parse(config, text) {
  return config.fill(JSON.parse(text));
}
