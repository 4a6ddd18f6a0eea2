// `strings`: what stands between the first and the second dot.

import type { Plan, Transformer } from "@wasmill/plugin";

const second = (text: string): string | null => {
  const from = text.indexOf(".") + 1;
  if (from === 0) return null;
  const to = text.indexOf(".", from);
  return to < 0 ? text.slice(from) : text.slice(from, to);
};

export function columns(plan: Plan): Transformer {
  const text = plan.read("text", "utf8");
  plan.dropAll();
  const field = plan.write("field", "utf8");
  return { process: (batch, out) => out.set(field, batch.column(text).part(".", 1)) };
}

export function rows(plan: Plan): Transformer {
  plan.read("text", "utf8");
  plan.dropAll();
  plan.write("field", "utf8");
  return { processRow: ({ text }: { text: string | null }) => ({ field: text === null ? null : second(text) }) };
}
