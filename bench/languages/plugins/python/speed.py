"""The benchmark's work in Python, by columns or by rows: `wide`, `strings` and `records` as in the guests in Rust."""

import re
from typing import Literal

from wasmill import Batch, Plan, Reject, Rows, Transformer, config, types

# Exactly one `@`, something before it, and a domain with a dot inside.
ADDRESS = re.compile(r"[^@]+@[^@][^@]*\.[^@]+")


@config
class Config:
    """What to do, and how."""

    work: Literal["wide", "strings", "records"]
    way: Literal["columns", "rows"] = "columns"


class Work:
    def __init__(self, plan: Plan):
        raise NotImplementedError


class Wide(Work):
    """Keeps a sixth of the rows, and computes one column of two."""

    def __init__(self, plan):
        self.a, self.b, self.d = plan.read("a", types.int32), plan.read("b", float), plan.read("d", float)
        self.c = plan.write("c", float)

    def columns(self, batch: Batch, out: Rows) -> None:
        a = batch[self.a]
        out.filter((a >= 9_000) & (a < 9_500))
        out[self.c] = batch[self.b] * (1.0 - batch[self.d])

    def row(self, row: dict):
        if 9_000 <= row["a"] < 9_500:
            return {"c": row["b"] * (1.0 - row["d"])}


class Strings(Work):
    """Takes the part behind the first dot out of each text."""

    def __init__(self, plan):
        plan.drop_all()
        self.text, self.field = plan.read("text", str), plan.write("field", str)

    def columns(self, batch: Batch, out: Rows) -> None:
        out[self.field] = batch[self.text].part(".", 1)

    def row(self, row: dict):
        parts = (row["text"] or "").split(".", 2)
        return {"field": parts[1] if len(parts) > 1 else None}


class Records(Work):
    """Drops rows without an amount, rejects those with a bad e-mail address, computes, and changes text."""

    def __init__(self, plan):
        self.name, self.amount, self.email = plan.read("name", str), plan.read("amount", float), plan.read("email", str)
        self.upper, self.gross = plan.write("name", str), plan.write("gross", float)

    def columns(self, batch: Batch, out: Rows) -> None:
        amount, email = batch[self.amount], batch[self.email]
        wanted = amount > 0
        out.filter(wanted)
        out.reject(wanted & ~email.matches(ADDRESS), "bad-email", "this is no e-mail address", column="email")
        out[self.gross] = amount * 1.2
        out[self.upper] = batch[self.name].upper()

    def row(self, row: dict):
        amount, email, name = row["amount"], row["email"], row["name"]
        if amount is None or amount <= 0:
            return None
        if email is None or not ADDRESS.fullmatch(email):
            raise Reject("bad-email", "this is no e-mail address", column="email")
        return {"gross": amount * 1.2, "name": name and name.upper()}


WORK = {"wide": Wide, "strings": Strings, "records": Records}


class Speed(Transformer):
    config: Config

    def bind(self, plan: Plan) -> None:
        if self.config.way == "rows":
            plan.rows()
        work = WORK[self.config.work](plan)
        # Bound once: nothing in between while rows are processed.
        self.columns = work.columns
        self.process_row = work.row

    def process(self, batch: Batch, out: Rows) -> None:
        self.columns(batch, out)

    def process_row(self, row: dict):
        raise NotImplementedError
