// The conformance suite's loader: stages lines of text on a server.

import { config as c, loader, type Refused, Retryable } from "@wasmill/plugin";

const Config = c.object({
  connection: c.string("The connection to the server.", { default: "server" }),
  way: c.oneOf(["columns", "rows"] as const, "By columns or by rows.", { default: "columns" }),
}, "Puts rows on a server.");

/** Sends a request. Whatever is no success may be one later. */
async function send(connection: string, method: string, path: string, body?: string): Promise<void> {
  const response = await fetch(`http://${connection}${path}`, { method, body });
  if (!response.ok) throw new Retryable(`the server answered ${response.status}`);
}

export default loader({
  config: Config,
  bind({ connection, way }, plan) {
    const id = plan.read("id", "int64");
    const name = plan.read("name", "utf8");
    let folder = "";
    let batches = 0;
    let staged = 0;

    async function put(rows: Iterable<[id: number | bigint | null, name: string | null]>, refused: Refused) {
      const lines: string[] = [];
      let row = 0;
      for (const [id, name] of rows) {
        if (id === null) refused.reject(row, "null-id", "an id is needed", "id");
        else lines.push(`${id} ${name ?? "-"}\n`);
        row++;
      }
      await send(connection, "PUT", `${folder}/${batches++}`, lines.join(""));
      staged += lines.length;
    }

    return {
      open({ attempt }) {
        folder = `/staged/${attempt}`;
      },
      ...(way === "rows"
        ? { writeRows: (rows: any[], refused: Refused) => put(rows.map((row) => [row.id, row.name]), refused) }
        : {
          write(batch, refused) {
            const names = batch.column(name);
            return put(batch.column(id).toArray().map((id, row) => [id, names.get(row)]), refused);
          },
        }),
      finish: () => ({ rows: staged, reference: folder }),
    };
  },

  commit({ connection }, run, receipts) {
    const lines = receipts.map(({ reference, rows }) => `${reference} ${rows}\n`);
    return send(connection, "PUT", `/committed/${run}`, lines.join(""));
  },

  async abort({ connection }, _run, receipts) {
    for (const { reference } of receipts) await send(connection, "DELETE", reference);
  },
});
