#!/usr/bin/env python3
"""Computes what the pipeline should give, from the raw files, without Wasmill.

    python3 expected.py              writes golden/daily_revenue.csv and golden/totals.json
    python3 expected.py orders.csv   writes the expected orders as well, to find out where a column differs

The functions follow the steps of pipeline.toml and carry their names. Nothing but the standard library is used, and
money is `Decimal` throughout.
"""

import csv
import gzip
import hashlib
import hmac
import io
import json
import re
import sqlite3
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
DATA, GOLDEN = HERE / "data", HERE / "golden"
UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COLUMNS = (
    "order_id channel customer_id customer_name email country segment customer_since product_id product genre "
    "price_band ordered_at quantity amount currency note"
).split()
COUNTRIES = {"BR", "CA", "DE", "FR", "GB", "JP", "SE", "US"}
EMAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
PHONE = re.compile(r"\+\d{1,2}(?: \d+)+|\b\d{3}-\d{3}-\d{4}\b")


class Step:
    """What happened to the rows of one step."""

    def __init__(self, steps, name):
        self.rows_in = self.rows_out = self.dropped = 0
        # (what identifies the row, its reasons)
        self.quarantined = []
        self.warned = Counter()
        steps[name] = self

    def reject(self, row, *reasons):
        self.quarantined.append((row, reasons))


def open_text(path):
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def shop(step):
    """Lines of the right width that are UTF-8."""
    for path in sorted((DATA / "shop").glob("*.csv*")):
        # Bytes that are not UTF-8 become lone surrogates, so the line can still be divided into fields.
        text = open_text(path).decode("utf-8", "surrogateescape")
        lines = csv.reader(io.StringIO(text, newline=""))
        header = next(lines)
        for number, fields in enumerate(lines, start=2):
            step.rows_in += 1
            place = f"{path.name} line {number}"
            if len(fields) != len(header):
                step.reject(place, ("field-count", None))
                continue
            bad = [name for name, field in zip(header, fields) if re.search("[\udc80-\udcff]", field)]
            if bad:
                step.reject(place, ("invalid-utf8", bad[0]))
                continue
            step.rows_out += 1
            yield {name: field if field != "" else None for name, field in zip(header, fields)}


def web(step):
    """Lines that are JSON."""
    for path in sorted((DATA / "web").glob("*.jsonl*")):
        for number, line in enumerate(open_text(path).decode("utf-8").split("\n"), start=1):
            if line == "":
                continue
            step.rows_in += 1
            try:
                record = json.loads(line, parse_float=str, parse_int=str)
            except ValueError:
                step.reject(f"{path.name} line {number}", ("bad-json", None))
                continue
            step.rows_out += 1
            yield record


def marketplace(step):
    """Rows whose quantity is a number."""
    database = sqlite3.connect(f"file:{DATA / 'marketplace.sqlite'}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    for number, row in enumerate(database.execute("SELECT * FROM orders ORDER BY rowid"), start=1):
        step.rows_in += 1
        if not isinstance(row["qty"], int):
            step.reject(f"row {number}", ("bad-type", "qty"))
            continue
        step.rows_out += 1
        yield dict(row)
    database.close()


def table(step, name, key):
    """A small table by its key."""
    with open(DATA / name, encoding="utf-8", newline="") as file:
        rows = {row[key]: row for row in csv.DictReader(file)}
    step.rows_in = step.rows_out = len(rows)
    return rows


def trimmed(text, null_tokens=("",)):
    if text is None:
        return None
    text = text.strip()
    return None if text in null_tokens else text


def repaired(text):
    """Text that was UTF-8, read as Windows-1252."""
    try:
        return text.encode("windows-1252").decode("utf-8")
    except UnicodeError:
        return text


def whole_number(text):
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else None


def amount_with_comma(text):
    if not re.fullmatch(r"\d+(,\d{1,2})?|\d{1,3}(\.\d{3})+(,\d{1,2})?", text):
        return None
    return Decimal(text.replace(".", "").replace(",", "."))


def amount_with_point(text):
    return Decimal(text) if re.fullmatch(r"\d+(\.\d{1,2})?", text) else None


def day_month_year(text):
    try:
        return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def instant(text):
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return None


def parse(row, parsers):
    """Parses columns of a row in place; what was wrong with them."""
    reasons = []
    for column, (parser, rule) in parsers.items():
        if row[column] is None:
            continue
        row[column] = parser(row[column])
        if row[column] is None:
            reasons.append((rule, column))
    return reasons


def cleaned(step, rows, identity, nulls, parsers, required, repair=()):
    """Trims, repairs, parses; rejects what cannot be parsed or lacks something; leaves repeats out."""
    seen = set()
    for raw in rows:
        step.rows_in += 1
        row = {name: trimmed(value, nulls) if isinstance(value, str) else value for name, value in raw.items()}
        for column in repair:
            if row[column] is not None:
                row[column] = repaired(row[column])
        reasons = parse(row, parsers)
        bad = {column for _, column in reasons}
        reasons += [("missing", column) for column in required if row[column] is None and column not in bad]
        if reasons:
            step.reject(raw[identity], *reasons)
        elif raw[identity] in seen:
            step.dropped += 1
        else:
            seen.add(raw[identity])
            step.rows_out += 1
            yield row


def clean_shop(step, rows):
    parsers = {
        "order_date": (day_month_year, "bad-date"),
        "items": (whole_number, "bad-int64"),
        "amount": (amount_with_comma, "bad-decimal"),
    }
    required = ["order_no", "customer", "order_date", "items", "amount"]
    return cleaned(step, rows, "order_no", ("", "N/A", "n/a", "-"), parsers, required, repair=["name", "note"])


def flat_web(step, rows):
    for row in rows:
        step.rows_in += 1
        step.rows_out += 1
        customer = row.pop("customer") or {}
        yield {
            **row,
            "customer_id": customer.get("id"),
            "customer_name": customer.get("name"),
            "email": customer.get("email"),
        }


def clean_web(step, rows):
    parsers = {
        "placed_at": (instant, "bad-timestamp"),
        "qty": (whole_number, "bad-int64"),
        "total": (amount_with_point, "bad-decimal"),
    }
    required = ["order_id", "customer_id", "placed_at", "qty", "total"]
    return cleaned(step, rows, "order_id", ("", "null", "undefined"), parsers, required)


def clean_marketplace(step, rows):
    return cleaned(step, rows, "order_ref", (), {}, ["order_ref", "buyer_id"])


def shop_orders(step, rows):
    for row in rows:
        step.rows_in += 1
        step.rows_out += 1
        yield {
            "order_id": row["order_no"],
            "channel": "shop",
            "customer_id": row["customer"],
            "customer_name": row["name"],
            "email": row["e_mail"],
            "product_id": row["product"],
            "ordered_at": row["order_date"],
            "quantity": row["items"],
            "amount": row["amount"],
            "currency": row["currency"],
            "note": row["note"],
        }


def web_orders(step, rows):
    for row in rows:
        step.rows_in += 1
        step.rows_out += 1
        yield {
            "order_id": row["order_id"],
            "channel": "web",
            "customer_id": row["customer_id"],
            "customer_name": row["customer_name"],
            "email": row["email"],
            "product_id": row["product_id"],
            "ordered_at": row["placed_at"],
            "quantity": row["qty"],
            "amount": row["total"],
            "currency": row["currency"],
            "note": row["note"],
        }


def marketplace_orders(step, rows):
    for row in rows:
        step.rows_in += 1
        if row["status"] != "completed":
            step.dropped += 1
            continue
        step.rows_out += 1
        yield {
            "order_id": row["order_ref"],
            "channel": "marketplace",
            "customer_id": row["buyer_id"],
            "customer_name": None,
            "email": None,
            "product_id": row["sku"],
            "ordered_at": EPOCH + timedelta(seconds=row["purchased_at"]),
            "quantity": row["qty"],
            "amount": Decimal(row["total_cents"]).scaleb(-2),
            "currency": row["currency"],
            "note": None,
        }


def orders(step, *channels):
    for rows in channels:
        for row in rows:
            step.rows_in += 1
            step.rows_out += 1
            for column in ["customer_id", "product_id", "currency"]:
                row[column] = row[column].upper()
            if row["email"] is not None:
                row["email"] = row["email"].lower()
            yield row


def enriched(step, rows, products, customers):
    # What is looked up in products and customers does not count: one row in for each order, and one out.
    for row in rows:
        step.rows_in += 1
        step.rows_out += 1
        product = products.get(row["product_id"], {})
        customer = customers.get(row["customer_id"], {})
        since = customer.get("since")
        yield {
            **row,
            "customer_name": row["customer_name"] if row["customer_name"] is not None else customer.get("name"),
            "email": row["email"] if row["email"] is not None else customer.get("email"),
            "country": customer.get("country"),
            "segment": customer.get("segment"),
            "customer_since": since and datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC),
            "product": product.get("title"),
            "genre": product.get("genre"),
            "price_band": product.get("price_band"),
        }


def masked(step, rows):
    key = (HERE / "demo-pii.key").read_text(encoding="ascii").rstrip("\r\n").encode("ascii")
    for row in rows:
        step.rows_in += 1
        step.rows_out += 1
        if row["email"] is not None:
            row["email"] = hmac.new(key, row["email"].encode("utf-8"), hashlib.sha256).hexdigest()[:32]
        if row["customer_name"] is not None:
            row["customer_name"] = row["customer_name"][0] + "*" * (len(row["customer_name"]) - 1)
        if row["note"] is not None:
            row["note"] = PHONE.sub("[phone]", EMAIL.sub("[email]", row["note"]))
        yield row


def rules(step, rows):
    seen = set()
    first, last = datetime(1997, 1, 1, tzinfo=UTC), datetime(1998, 7, 2, tzinfo=UTC)
    for row in rows:
        step.rows_in += 1
        checks = [
            ("known-channel", "channel", row["channel"] in {"shop", "web", "marketplace"}),
            ("known-customer", "country", row["country"] is not None),
            ("known-country", "country", row["country"] is None or row["country"] in COUNTRIES),
            ("hashed-email", "email", row["email"] is None or re.fullmatch("[0-9a-f]{32}", row["email"])),
            ("order-date", "ordered_at", first <= row["ordered_at"] <= last),
            (
                "after-first-purchase",
                "ordered_at",
                row["customer_since"] is None or row["ordered_at"] >= row["customer_since"],
            ),
            ("positive-quantity", "quantity", row["quantity"] >= 1),
            ("plausible-amount", "amount", 0 <= row["amount"] <= 1_000),
            ("us-dollars", "currency", row["currency"] == "USD"),
        ]
        if row["amount"] < Decimal("0.01"):
            step.warned["free-of-charge", "amount"] += 1
        if row["genre"] is None:
            step.warned["known-product", "genre"] += 1
        assert row["order_id"] not in seen, row
        seen.add(row["order_id"])
        broken = [(rule, column) for rule, column, passed in checks if not passed]
        if broken:
            step.reject(row["order_id"], *broken)
        else:
            step.rows_out += 1
            yield row


def daily_revenue(step, rows):
    days = defaultdict(lambda: [0, 0, Decimal(0)])
    for row in rows:
        step.rows_in += 1
        add(days[row["ordered_at"].date().isoformat(), row["channel"]], row)
    step.rows_out = len(days)
    step.dropped = step.rows_in - step.rows_out
    return [[*key, *totals] for key, totals in sorted(days.items())]


def add(totals, row):
    totals[0] += 1
    totals[1] += row["quantity"]
    totals[2] += row["amount"]


def totals_by(rows, column):
    totals = defaultdict(lambda: [0, 0, Decimal(0)])
    for row in rows:
        add(totals[row[column]], row)
    return {
        key: {"orders": orders, "items": items, "revenue": str(revenue)}
        for key, (orders, items, revenue) in sorted(totals.items())
    }


def shown(value):
    """A value as the test shows it: instants in microseconds since 1970, amounts with two decimals, nulls empty."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return str((value - EPOCH) // timedelta(microseconds=1))
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return str(value)


def digest(rows, column):
    """The SHA-256 of `order_id TAB value LF` over all orders, ordered by id."""
    lines = (f"{row['order_id']}\t{shown(row[column])}\n" for row in sorted(rows, key=lambda row: row["order_id"]))
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()


def quarantine_of(step):
    found = Counter(reason for _, reasons in step.quarantined for reason in reasons)
    return {
        "rows": sorted(row for row, _ in step.quarantined),
        "rules": [
            {"rule": rule, "column": column, "rows": rows}
            for (rule, column), rows in sorted(found.items(), key=lambda entry: (entry[0][0], entry[0][1] or ""))
        ],
    }


def main():
    steps = {}

    def step(name):
        return Step(steps, name)

    products = table(step("products"), "products.csv", "product_id")
    customers = table(step("customers"), "customers.csv", "customer_id")
    from_shop = shop_orders(step("shop_orders"), clean_shop(step("clean_shop"), shop(step("shop"))))
    flat = flat_web(step("flat_web"), web(step("web")))
    from_web = web_orders(step("web_orders"), clean_web(step("clean_web"), flat))
    from_marketplace = marketplace_orders(
        step("marketplace_orders"), clean_marketplace(step("clean_marketplace"), marketplace(step("marketplace")))
    )
    union = orders(step("orders"), from_shop, from_web, from_marketplace)
    joined = enriched(step("enriched"), union, products, customers)
    accepted = list(rules(step("rules"), masked(step("masked"), joined)))
    daily = daily_revenue(step("daily_revenue"), accepted)

    GOLDEN.mkdir(exist_ok=True)
    with open(GOLDEN / "daily_revenue.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["day", "channel", "orders", "items", "revenue"])
        writer.writerows(daily)
    totals = {
        "steps": {
            name: {
                "rows_in": step.rows_in,
                "added": 0,
                "rows_out": step.rows_out,
                "quarantined": len(step.quarantined),
                "dropped": step.dropped,
            }
            for name, step in sorted(steps.items())
        },
        "quarantine": {name: quarantine_of(step) for name, step in sorted(steps.items()) if step.quarantined},
        "warned": [
            {"step": name, "rule": rule, "column": column, "rows": rows}
            for name, step in sorted(steps.items())
            for (rule, column), rows in sorted(step.warned.items())
        ],
        "orders": {
            "rows": len(accepted),
            "items": sum(row["quantity"] for row in accepted),
            "revenue": str(sum(row["amount"] for row in accepted)),
            "by_channel": totals_by(accepted, "channel"),
            "by_country": totals_by(accepted, "country"),
        },
        "columns": [{"name": column, "digest": digest(accepted, column)} for column in COLUMNS],
    }
    (GOLDEN / "totals.json").write_text(json.dumps(totals, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for row in sorted(accepted, key=lambda row: row["order_id"]):
                writer.writerow([shown(row[column]) for column in COLUMNS])


if __name__ == "__main__":
    main()
