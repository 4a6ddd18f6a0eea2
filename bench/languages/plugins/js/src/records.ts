// `records`: rows without an amount are dropped, rows with a bad e-mail address rejected; the others get a gross amount and their
// names in capitals.

import type { Plan, Transformer } from "@wasmill/plugin";

const ADDRESS = /[^@]+@[^@][^@]*\.[^@]+/;

export function columns(plan: Plan): Transformer {
  const name = plan.read("name", "utf8");
  const amount = plan.read("amount", "float64");
  const email = plan.read("email", "utf8");
  const upper = plan.write("name", "utf8");
  const gross = plan.write("gross", "float64");
  return {
    process(batch, out) {
      const amounts = batch.column(amount);
      const wanted = amounts.gt(0);
      out.filter(wanted);
      out.reject(wanted.and(batch.column(email).matches(ADDRESS).not()), "bad-email", "this is no e-mail address", "email");
      out.set(gross, amounts.times(1.2));
      out.set(upper, batch.column(name).toUpperCase());
    },
  };
}

interface Customer {
  name: string | null;
  amount: number | null;
  email: string | null;
}

export function rows(plan: Plan): Transformer {
  plan.read("name", "utf8");
  plan.read("amount", "float64");
  plan.read("email", "utf8");
  plan.write("name", "utf8");
  plan.write("gross", "float64");
  return {
    processRow({ name, amount, email }: Customer, out) {
      if (amount === null || !(amount > 0)) return null;
      // Exactly one `@`, something before it, and a domain with a dot inside.
      const address = email ?? "";
      const at = address.indexOf("@");
      const dot = at < 1 || address.indexOf("@", at + 1) >= 0 ? -1 : address.indexOf(".", at + 2);
      if (dot < 0 || dot === address.length - 1) return out.reject("bad-email", "this is no e-mail address", "email");
      return { name: name === null ? null : name.toUpperCase(), gross: amount * 1.2 };
    },
  };
}
