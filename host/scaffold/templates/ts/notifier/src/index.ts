// Posts events to a chat, as `POST /messages {"text": "..."}`.

import { BadConfig, config as c, Connection, notifier } from "@wasmill/plugin";

const SEVERITIES = ["info", "warning", "error"] as const;

const Config = c.object({
  connection: c.string("The connection to the chat. The pipeline file says where it leads, and grants it."),
  lowest: c.oneOf(SEVERITIES, "Events that are less severe are not posted.", { default: "info" }),
}, "Posts events of pipelines to a chat.");

export default notifier({
  config: Config,

  // Called to check a pipeline too: it must not notify anybody.
  bind({ connection, lowest }) {
    // What a JSON Schema cannot say, `bind` says, with the place in the configuration.
    if (connection === "") throw new BadConfig("/connection", "is empty: name a connection of the pipeline");

    return {
      notify({ kind, severity, summary, dedupKey }) {
        if (SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(lowest)) {
          console.debug(`${kind} is not severe enough to be posted`);
          return;
        }
        const body = JSON.stringify({ text: `[${severity}] ${summary}` });
        // An event may be delivered twice; the chat can tell by this key.
        const headers = { "content-type": "application/json", "idempotency-key": dedupKey };
        // `successful` throws what statuses mean: 429 and 5xx are tried again later.
        new Connection(connection).post("/messages", { headers, body }).successful();
      },
    };
  },
});
