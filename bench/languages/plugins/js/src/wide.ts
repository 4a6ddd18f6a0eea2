// `wide`: rows whose `a` is from 9000 to 9499 go on, and get `c`, which is b * (1 - d).

import type { Plan, Transformer } from "@wasmill/plugin";

export function columns(plan: Plan): Transformer {
  const [a, b, d] = [plan.read("a", "int32"), plan.read("b", "float64"), plan.read("d", "float64")];
  const c = plan.write("c", "float64");
  return {
    process(batch, out) {
      const keys = batch.column(a);
      out.filter(keys.ge(9000).and(keys.lt(9500)));
      out.set(c, batch.column(b).times(batch.column(d).minusFrom(1)));
    },
  };
}

interface Row {
  a: number | null;
  b: number | null;
  d: number | null;
}

export function rows(plan: Plan): Transformer {
  plan.read("a", "int32");
  plan.read("b", "float64");
  plan.read("d", "float64");
  plan.write("c", "float64");
  return {
    processRow({ a, b, d }: Row) {
      if (a === null || a < 9000 || a >= 9500) return null;
      return { c: b === null || d === null ? null : b * (1 - d) };
    },
  };
}
