// Reads orders that are newer than those of the last run, from an API with pages:
//
//     GET /orders/last                        {"id": 3}
//     GET /orders?after=0&until=3&limit=100   [{"id": 1, "amount": 9.5}, ...] by id

import { config as c, Connection, extractor } from "@wasmill/plugin";

const Config = c.object({
  connection: c.string("The connection to the API. The pipeline file says where it leads, and grants it."),
  page_rows: c.integer("How many orders a page has at most.", { default: 100, minimum: 1 }),
}, "Reads new orders from an HTTP API, page after page.");

export default extractor({
  config: Config,

  bind({ connection, page_rows }, plan) {
    plan.write("id", "int64", { nullable: false });
    plan.write("amount", "float64");
    const api = new Connection(connection);
    // The split in hand: orders behind `after`, up to `until`.
    let after = 0;
    let until = 0;

    // `successful` throws what statuses mean: 429 and 5xx are tried again, as the pipeline's retry policy says.
    const get = (/** @type {string} */ path) => api.get(path).successful().json();

    return {
      // Called once in a run. A split may be read again after a failure, and must then have the same rows: so it says where it ends.
      plan(cursors) {
        const from = Number(cursors[0]?.position ?? 0);
        const { id } = get("/orders/last");
        console.info(`reading orders from ${from} to ${id}`);
        return [{ id: "orders", descriptor: JSON.stringify({ after: from, until: id }) }];
      },

      open(split) {
        ({ after, until } = JSON.parse(split.descriptor));
      },

      next(maxRows, out) {
        if (after >= until) return false;
        const path = `/orders?after=${after}&until=${until}&limit=${Math.min(maxRows, page_rows)}`;
        const page = get(path);
        if (page.length === 0) return false;
        /** @type {{ id: number, amount?: number | null }[]} */
        const orders = page.filter((/** @type {unknown} */ record) => {
          if (isOrder(record)) return true;
          // A record that is no row goes to the quarantine as it came, with the place where it was found.
          out.reject(path, JSON.stringify(record), "no-order", "an order has an `id` and an `amount`, a number or null");
          return false;
        });
        // Where a page ends is in its last record, so that one must at least have an id.
        after = page.at(-1).id;
        if (!Number.isInteger(after)) throw new Error("the page's last order has no id");
        return orders.map(({ id, amount }) => ({ id, amount }));
      },

      // Stored once the run has succeeded, and given to the next one.
      cursor: () => String(until),
    };
  },
});

/** @param {any} record */
function isOrder(record) {
  return Number.isInteger(record?.id) && (record.amount == null || typeof record.amount === "number");
}
