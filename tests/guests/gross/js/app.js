// The transformer `gross`, written by hand against the world: no SDK.
//
// Adds the column `gross`, the price with tax. The config says whether batches cross as Arrow columns or as
// JSON rows, so that both encodings are exercised.

const CONFIG_SCHEMA = {
  type: "object",
  required: ["net", "rate"],
  additionalProperties: false,
  properties: {
    net: { type: "string", description: "The column with the price before tax." },
    rate: { type: "number", description: "The tax rate, such as 0.19." },
    encoding: { enum: ["columns", "json"], default: "columns" },
  },
};

let net;
let factor;

function badSchema(column, message) {
  const failure = new Error(message);
  failure.payload = { tag: "bad-schema", val: { column, message } };
  return failure;
}

/** The parsed config, and the position of the column that it names. */
function findNet(config, schema) {
  const parsed = JSON.parse(config);
  const position = schema.fields.findIndex((field) => field.name === parsed.net);
  if (position < 0) throw badSchema(parsed.net, "there is no such column");
  if (schema.fields[position].dataType.tag !== "float64") throw badSchema(parsed.net, "is not float64");
  return { parsed, position };
}

function processRows(rows) {
  const made = rows.map((row) => ({ gross: row[net] === null ? null : row[net] * factor }));
  return { tag: "json", val: JSON.stringify(made) };
}

function processColumns(node) {
  // A typed array may start anywhere in its buffer; a copy starts at 0, which is aligned.
  const values = new Float64Array(new Uint8Array(node.values).buffer, 0, node.length);
  const gross = values.map((value) => value * factor);
  const made = {
    length: node.length,
    validity: node.validity,
    offsets: new Uint8Array(),
    values: new Uint8Array(gross.buffer),
  };
  return { tag: "columns", val: [{ tag: "per-input-row", val: [made] }] };
}

export const transform = {
  describe() {
    return {
      name: "gross-js",
      version: "0.1.0",
      summary: "Adds the price with tax, in JavaScript",
      configSchema: JSON.stringify(CONFIG_SCHEMA),
    };
  },

  bind(config, input) {
    const { parsed, position } = findNet(config, input);
    const kept = input.fields.map((field, index) => ({ tag: "keep", val: { input: index, name: field.name } }));
    const gross = { name: "gross", dataType: { tag: "float64" }, nullable: true, children: 0, metadata: [] };
    return {
      reads: new Uint32Array([position]),
      encoding: parsed.encoding ?? "columns",
      output: [...kept, { tag: "new", val: [gross] }],
      scope: { tag: "rows" },
    };
  },

  open(config, input) {
    const { parsed } = findNet(config, input);
    net = parsed.net;
    factor = 1 + parsed.rate;
  },

  process(batch) {
    const values =
      batch.values.tag === "json" ? processRows(JSON.parse(batch.values.val)) : processColumns(batch.values.val[0]);
    return { outputs: [{ rows: { tag: "all" }, values }], badRows: [] };
  },

  finish() {
    return [];
  },
};
