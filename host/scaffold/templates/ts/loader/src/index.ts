// Stores orders in an API that keeps batches aside until they are committed:
//
//     POST /staged    [{"id": 1, "amount": 9.5}, ...]    201 {"id": 7}
//     POST /commits   {"staged": [7, 8]}                 once for each idempotency key
//     DELETE /staged/7

import { config as c, Connection, loader, type Receipt } from "@wasmill/plugin";

const Config = c.object({
  connection: c.string("The connection to the API. The pipeline file says where it leads, and grants it."),
}, "Stores orders in an HTTP API, all of a run at once.");

const json = { "content-type": "application/json" };

export default loader({
  config: Config,

  bind({ connection }, plan) {
    plan.read("id", "int64");
    plan.read("amount", "float64");
    const api = new Connection(connection);
    const staged: number[] = [];
    let count = 0;

    return {
      open({ attempt, split }) {
        console.debug(`attempt ${attempt} at split ${split}`);
      },

      // Rows, not columns: slower, and shorter where each row becomes JSON anyway. What is written must stay invisible until
      // `commit`: this attempt may yet fail, and another one be made.
      writeRows(rows, refused) {
        rows.forEach(({ id }, row) => {
          if (id === null) refused.reject(row, "no-id", "the API needs an id", "id");
        });
        const orders = rows.filter(({ id }) => id !== null);
        if (orders.length === 0) return;
        const response = api.post("/staged", { headers: json, body: JSON.stringify(orders) }).successful();
        staged.push(response.json().id);
        count += orders.length;
      },

      // The receipt is all that `commit` will know of this attempt.
      finish: () => ({ rows: count, reference: JSON.stringify(staged) }),
    };
  },

  // On a fresh instance, and perhaps twice after a crash: the key makes sure that the second time changes nothing.
  commit({ connection }, run, receipts) {
    const body = JSON.stringify({ staged: stagedOf(receipts) });
    new Connection(connection).post("/commits", { headers: { ...json, "idempotency-key": run }, body }).successful();
  },

  // After a run that failed. What is not there any more is no error.
  abort({ connection }, _run, receipts) {
    for (const id of stagedOf(receipts)) {
      const response = new Connection(connection).delete(`/staged/${id}`);
      if (response.status !== 404) response.successful();
    }
  },
});

/** The batches that receipts speak of. */
function stagedOf(receipts: Receipt[]): number[] {
  return receipts.flatMap(({ reference }) => JSON.parse(reference));
}
