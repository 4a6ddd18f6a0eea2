// The conformance suite's notifier: posts events to a server.

import { BadConfig, config as c, Fatal, notifier, Retryable } from "@wasmill/plugin";

const SEVERITIES = ["info", "warning", "error"];

const Config = c.object({
  connection: c.string("The connection to the server.", { default: "server" }),
  lowest: c.oneOf(SEVERITIES, "Events that are less severe are not posted.", { default: "info" }),
}, "Posts events.");

export default notifier({
  config: Config,
  bind({ connection, lowest }) {
    if (connection === "") throw new BadConfig("/connection", "is empty");
    return {
      async notify({ dedupKey, timeMs, ...event }) {
        if (SEVERITIES.indexOf(event.severity) < SEVERITIES.indexOf(lowest)) return;
        const { kind, severity, pipeline, run, summary, details } = event;
        const response = await fetch(`http://${connection}/events`, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": dedupKey },
          body: JSON.stringify({ kind, severity, pipeline, run, time_ms: timeMs, summary, details }),
        });
        if (response.ok) return;
        const message = `the server answered ${response.status}`;
        if (response.status < 500) throw new Fatal(message);
        const seconds = response.headers.get("retry-after");
        throw new Retryable(message, { afterMs: seconds === null ? null : 1000 * Number(seconds) });
      },
    };
  },
});
