// The conformance suite's extractor: numbered rows, in splits.

import { config as c, extractor } from "@wasmill/plugin";

const Config = c.object({
  rows: c.integer("How many rows a split has.", { default: 10, minimum: 0 }),
  splits: c.integer("How many splits there are.", { default: 2, minimum: 0 }),
  bad_every: c.integer("Ids divisible by this are bad records; none where 0.", { default: 0, minimum: 0 }),
  way: c.oneOf(["columns", "rows"] as const, "By columns or by rows.", { default: "columns" }),
}, "Makes rows up.");

export default extractor({
  config: Config,
  bind({ rows, splits, bad_every, way }, plan) {
    const id = plan.write("id", "int64", { nullable: false });
    const name = plan.write("name", "utf8");
    let start = 0;
    let next = 0;
    let end = 0;

    return {
      plan(cursors) {
        start = Number(cursors.find(({ split }) => split === "part-0")?.position ?? 0);
        return Array.from({ length: splits }, (_, part) => ({
          id: `part-${part}`,
          descriptor: JSON.stringify({ start, from: start + part * rows }),
          rows,
        }));
      },
      open(split) {
        ({ start, from: next } = JSON.parse(split.descriptor));
        end = next + rows;
      },
      next(maxRows, out) {
        if (next >= end) return false;
        const made: { id: number; name: string | null }[] = [];
        for (const until = Math.min(next + maxRows, end); next < until; next++) {
          if (bad_every > 0 && next % bad_every === 0) out.reject(`id ${next}`, `bad ${next}`, "bad", `${next} is bad`);
          else made.push({ id: next, name: next % 5 === 0 ? null : `row ${next}` });
        }
        if (way === "rows") return made;
        out.set(id, made.map((row) => row.id));
        out.set(name, made.map((row) => row.name));
        return true;
      },
      cursor: () => String(start + splits * rows),
    };
  },
});
