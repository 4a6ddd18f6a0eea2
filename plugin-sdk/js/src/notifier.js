// Notifiers: they deliver events, each on an instance of its own.

import { after } from "./after.js";

/** Marks a definition as that of a notifier. */
export const notifier = (definition) => ({ kind: "notifier", ...definition });

/** What the component exports as `notify`, but for `describe`. */
export function notifyExports(definition, parseConfig) {
  return {
    bind: (config) => after(definition.bind(parseConfig(config)), () => undefined),
    notify: (config, event) => after(definition.bind(parseConfig(config)), (plugin) =>
      plugin.notify({ ...event, details: JSON.parse(event.details) })),
  };
}
