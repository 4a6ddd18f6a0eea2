// What the SDK does by kernels, once more in JavaScript: any difference is fatal.

import { Fatal, transformer } from "@wasmill/plugin";

const NUMBERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"];
const OTHERS = [0, 1, -1, 7, 200, 2 ** 31, 2 ** 53 + 2, 5n, 2n ** 63n, -(2n ** 63n), -0.5, 0.1, NaN, Infinity];
const COMPARISONS = {
  gt: (a, b) => a > b, ge: (a, b) => a >= b, lt: (a, b) => a < b, le: (a, b) => a <= b, eq: (a, b) => a == b, ne: (a, b) => a != b,
};
const OPERATIONS = {
  plus: (a, b) => a + b, minus: (a, b) => a - b, times: (a, b) => a * b, over: (a, b) => a / b, minusFrom: (a, b) => b - a, overInto: (a, b) => b / a,
};
const EXPRESSIONS = [
  /a/, /[a-c]+/, /.*/, /a.b/, /[^@]+@[^@]+\.[a-z]{2,}/, /\s*\w+\s*/, /(a|bc)*d?/, /^a|b$/, /(\w)\1/, /ä+/, /[^a]*/, /\d{1,3}/, /ABC/i, /x*?y/,
  /[\d.-]+/, /a{2}/, /a(?=b)b/, /[^\d]*/s, /\bab\b/, /\p{L}+/u,
];

const shown = (value) => JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : Object.is(part, -0) ? "-0" : typeof part === "number" ? String(part) : part));

function same(name, found, expected) {
  if (shown(found) !== shown(expected)) throw new Fatal(`${name}: ${shown(found)} and not ${shown(expected)}`);
}

const flags = (mask) => Array.from({ length: mask.length }, (_, row) => mask.get(row));

export default transformer({
  bind(_config, plan) {
    const numbers = NUMBERS.map((name) => plan.read(name));
    const [g64, text] = [plan.read("g64", "float64"), plan.read("text", "utf8")];
    const upper = plan.write("upper", "utf8");
    const part = plan.write("part", "utf8");
    return {
      process(batch, out) {
        const get = (column) => Array.from({ length: batch.rows }, (_, row) => column.get(row));
        for (const input of numbers) {
          const column = batch.column(input);
          const values = get(column);
          for (const other of OTHERS) {
            for (const [name, compare] of Object.entries(COMPARISONS)) {
              const expected = values.map((value) => value !== null && compare(value, other));
              same(`${input.name} ${name} ${other}`, flags(column[name](other)), expected);
            }
          }
        }
        const column = batch.column(numbers[9]);
        const [values, others] = [get(column), get(batch.column(g64))];
        for (const [name, compute] of Object.entries(OPERATIONS)) {
          const expected = values.map((value) => (value === null ? null : compute(value, 2.5)));
          same(name, get(column[name](2.5)), expected);
          const pairs = values.map((value, row) => (value === null || others[row] === null ? null : compute(value, others[row])));
          if (!name.endsWith("o") && !name.endsWith("From")) same(`${name} of pairs`, get(column[name](batch.column(g64))), pairs);
        }
        const texts = batch.column(text);
        const all = get(texts);
        same("toArray", texts.toArray(), all);
        for (const expression of EXPRESSIONS) {
          const whole = new RegExp(`^(?:${expression.source})$`, expression.flags);
          same(`matches ${expression}`, flags(texts.matches(expression)), all.map((one) => one !== null && whole.test(one)));
        }
        for (const one of ["a", "", "ä", "bc", "@", "\0"]) {
          same(`contains ${one}`, flags(texts.contains(one)), all.map((text) => text !== null && text.includes(one)));
          same(`eq ${one}`, flags(texts.eq(one)), all.map((text) => text === one));
          same(`ne ${one}`, flags(texts.ne(one)), all.map((text) => text !== null && text !== one));
        }
        const mask = texts.contains("a");
        const given = flags(mask);
        same("not", flags(mask.not()), given.map((one) => !one));
        same("and", flags(mask.and(texts.contains("b"))), all.map((text) => text !== null && text.includes("a") && text.includes("b")));
        same("or", flags(mask.or(texts.contains("b"))), all.map((text) => text !== null && (text.includes("a") || text.includes("b"))));
        same("rows", [...mask.rows()], given.flatMap((one, row) => (one ? [row] : [])));
        same("count", mask.count, given.filter(Boolean).length);
        // What is made of texts is compared by the host, which sees the buffers.
        out.set(upper, texts.toUpperCase());
        out.set(part, texts.part(".", 1));
      },
    };
  },
});
