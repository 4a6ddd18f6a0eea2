// `wide`: rows whose `a` is from 9000 to 9499 go on, and get `c`, which is b * (1 - d).

import type { Plan, Transformer } from "@wasmill/plugin";

export function columns(plan: Plan): Transformer {
  const [a, b, d] = [plan.read("a", "int32"), plan.read("b", "float64"), plan.read("d", "float64")];
  const c = plan.write("c", "float64");
  return {
    process(batch, out) {
      const keys = batch.column(a).values;
      const bs = batch.column(b);
      const { values: ds } = batch.column(d);
      const product = new Float64Array(batch.rows);
      const selected = new Uint8Array((batch.rows + 7) >> 3);
      for (let row = 0; row < product.length; row++) {
        const key = keys[row];
        if (key < 9000 || key >= 9500) continue;
        selected[row >> 3] |= 1 << (row & 7);
        product[row] = bs.values[row] * (1 - ds[row]);
      }
      out.select(selected);
      out.set(c, batch.column(d).validity === null ? bs.withValues(product) : product);
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
