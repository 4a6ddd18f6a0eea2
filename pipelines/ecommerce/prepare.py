#!/usr/bin/env python3
"""Makes data/ from the CDNOW sample: the purchases of one shop, as three systems would export them.

    python3 prepare.py CDNOW_sample.txt

The file is `lifetimes/datasets/CDNOW_sample.txt` of the Python package Lifetimes 0.11.3 (`pip download lifetimes
--no-deps`, then unzip). Each line is a purchase: master id, sample id, day, number of CDs, dollars.

Real are: who bought, on which day, how many CDs, for how much. Synthetic are: the channel, the time of day, names,
addresses, countries, products, notes, and all of the dirt, which `DIRT` counts. The same input gives the same files,
byte by byte, but for the SQLite database, whose layout depends on the version of SQLite, and the compressed files,
whose bytes depend on the version of zlib.
"""

import csv
import gzip
import hashlib
import io
import json
import random
import sqlite3
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

SOURCE_SHA256 = "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a"
DATA = Path(__file__).parent / "data"
SEED = 7

# How often each kind of dirt occurs. "lost" means that a purchase of the log does not reach the end of the
# pipeline because of it; the others are repaired, dropped as repeats, or were never purchases.
DIRT = {
    "shop": {
        "comma without quotes": 3,  # lost: one field too many
        "bytes that are not UTF-8": 2,  # lost
        "impossible date": 6,  # lost
        "amount that is no number": 4,  # lost
        "items that are no number": 3,  # lost
        "no customer": 2,  # lost
        "decimal comma forgotten": 3,  # lost: a hundred times the amount
        "foreign currency": 3,  # lost
        "line written twice": 25,  # dropped
        "line in both files": 15,  # dropped: the exports overlap
        "mojibake": 60,  # repaired: UTF-8 that was read as Windows-1252
        "null token": 80,  # repaired: N/A and the like
        "white space and case": 120,  # repaired
        "unknown product": 4,  # warned of
    },
    "web": {
        "truncated line": 5,  # lost
        "impossible timestamp": 4,  # lost
        "total that is no number": 2,  # lost
        "guest without customer": 10,  # lost
        "clock at 1970": 2,  # lost
        "order sent again": 20,  # dropped
        "null token": 50,  # repaired
        "white space and case": 90,  # repaired
    },
    "marketplace": {
        "quantity in words": 3,  # lost: SQLite takes text in an integer column
        "unknown buyer": 3,  # lost
        "test order": 12,  # never a purchase, left out by the query
        "refund": 5,  # never a purchase, quarantined
        "white space and case": 60,  # repaired
    },
}

GIVEN_NAMES = (
    "Ada Aiko Amélie Anna Åse Ben Björn Carla Chloé David Elena Emil Erik Fatima François Grace Hana Hugo "
    "Inés Iris Jörg José Jun Kaito Karin Lena Liam Lucía Luis Mateo Maya Mia Nadia Noah Nuria Olga Omar Paul "
    "Pía René Rosa Ruth Sofía Søren Tim Ursula Yuki Zoë"
).split()
FAMILY_NAMES = (
    "Andersson Becker Berg Brown Castañeda Cooper Dubois Estévez Fischer Fuentes Gagné García Gómez Hansen "
    "Hayashi Hofmann Ibáñez Ito Johnson Jørgensen Kim Klein Laurent López Martin Mendonça Meyer Müller "
    "Nakamura Núñez Olsen Ortega Peeters Peña Quinn Rossi Santos Schäfer Silva Smith Sørensen Tanaka Thompson "
    "Vidal Wagner Weiß Williams Yamada Zieliński"
).split()
# As often as they are named.
COUNTRIES = "US US US US US US US US CA CA GB GB DE DE FR JP BR SE".split()
MAIL_DOMAINS = ["example.com", "example.net", "example.org"]
GENRES = ["Blues", "Classical", "Country", "Electronic", "Folk", "Jazz", "Rock", "Soul"]
PRICE_BANDS = ["budget", "standard", "premium"]
# What a CD costs, in cents, from which on it is standard, and premium.
STANDARD_FROM, PREMIUM_FROM = 1_200, 1_500
NOTES = [
    "Gift wrap, please",
    "Leave it with the neighbour",
    "Für Tante Käthe zum Geburtstag",
    "Livrer au café, deuxième étage",
    "Ring twice; the dog is friendly",
    "Second try, the first parcel was lost",
    "Por favor, después de las cinco",
    "Call {phone} before delivery",
    "Send the invoice to {email}, not to me",
    "Questions? {email} or {phone}",
]


class Dice:
    """Chance that is the same in every version of Python: only `random()` is promised to stay."""

    def __init__(self, seed):
        self.source = random.Random(seed)

    def below(self, limit):
        return int(self.source.random() * limit)

    def chance(self, share):
        return self.source.random() < share

    def pick(self, items):
        return items[self.below(len(items))]

    def sample(self, items, count):
        pool = list(items)
        return [pool.pop(self.below(len(pool))) for _ in range(count)]


def ascii_of(name):
    table = str.maketrans("éèêëáíóúñçãäåöøüÅÉ", "eeeeaiouncaaaoouAE")
    return name.translate(table).replace("ß", "ss").replace("ń", "n").lower()


def mojibake(text):
    return text.encode("utf-8").decode("windows-1252")


def phone(dice):
    """A number out of the ranges that are kept free for fiction."""
    last = f"{100 + dice.below(100):04}"
    return dice.pick([f"+1 415 555 {last}", f"212-555-{last}", f"+44 20 7946 {last}"])


def note(dice, email):
    if not dice.chance(0.18):
        return ""
    return dice.pick(NOTES).format(phone=phone(dice), email=email)


def read_purchases(path):
    content = Path(path).read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCE_SHA256:
        sys.exit(f"{path} is not CDNOW_sample.txt of Lifetimes 0.11.3: its SHA-256 is not {SOURCE_SHA256}")
    purchases = []
    for number, line in enumerate(content.decode("ascii").splitlines(), start=1):
        _, customer, day, items, dollars = line.split()
        purchases.append({
            "number": number,
            "customer": f"C-0{customer}",
            "day": date(int(day[:4]), int(day[4:6]), int(day[6:])),
            "items": int(items),
            "cents": int(dollars.replace(".", "")),
        })
    return purchases


def make_customers(dice, purchases):
    """One customer for each id, with the day of the first purchase; everything else is made up."""
    history = {}
    for purchase in purchases:
        history.setdefault(purchase["customer"], []).append(purchase["day"])
    customers = {}
    for index, (customer, days) in enumerate(sorted(history.items())):
        given, family = dice.pick(GIVEN_NAMES), dice.pick(FAMILY_NAMES)
        country = dice.pick(COUNTRIES)
        segment = "one-time" if len(days) == 1 else "repeat" if len(days) < 6 else "loyal"
        customers[customer] = {
            "customer_id": customer,
            "name": f"{given} {family}",
            "email": f"{ascii_of(given)}.{ascii_of(family)}{index + 1}@{dice.pick(MAIL_DOMAINS)}",
            "country": country,
            "segment": segment,
            "since": min(days).isoformat(),
        }
    return customers


def make_products():
    """The catalogue: each genre in three price bands."""
    products = []
    for genre in GENRES:
        for band in PRICE_BANDS:
            number = len(products) + 1
            products.append({
                "product_id": f"P-{number:03}",
                "title": f"{genre} ({band})",
                "genre": genre,
                "price_band": band,
            })
    return products


def product_of(dice, purchase):
    """A product whose price band fits what was paid for each CD."""
    cents_each = purchase["cents"] / purchase["items"]
    band = (cents_each >= STANDARD_FROM) + (cents_each >= PREMIUM_FROM)
    return f"P-{dice.below(len(GENRES)) * len(PRICE_BANDS) + band + 1:03}"


def spoil_spaces(dice, text):
    return dice.pick([f" {text}", f"{text}  ", f"\t{text}", f"{text}\u00a0"])


class Spoiler:
    """Hands out distinct orders to each kind of dirt, so that no order is spoiled in two ways."""

    def __init__(self, dice, channel, orders):
        self.dice, self.counts = dice, DIRT[channel]
        self.free = list(orders)

    def take(self, kind, fit=lambda order: True):
        chosen = self.dice.sample([order for order in self.free if fit(order)], self.counts[kind])
        numbers = {order["number"] for order in chosen}
        self.free = [order for order in self.free if order["number"] not in numbers]
        return chosen


def shop_orders(dice, purchases, customers):
    orders = []
    for purchase in purchases:
        customer = customers[purchase["customer"]]
        orders.append({
            "number": purchase["number"],
            "day": purchase["day"],
            "fields": {
                "order_no": f"S-{purchase['number']:05}",
                "customer": purchase["customer"],
                "name": customer["name"],
                "e_mail": customer["email"],
                "order_date": purchase["day"].strftime("%d/%m/%Y"),
                "product": product_of(dice, purchase),
                "items": str(purchase["items"]),
                "amount": f"{purchase['cents'] // 100},{purchase['cents'] % 100:02}",
                "currency": "USD",
                "note": note(dice, customer["email"]),
            },
        })
    spoil_shop(dice, orders)
    return orders


def spoil_shop(dice, orders):
    spoiler = Spoiler(dice, "shop", orders)
    for order in spoiler.take("comma without quotes"):
        order["fields"]["note"] = ""
        order["raw"] = lambda line: line + b"call first, then deliver"
    for order in spoiler.take("bytes that are not UTF-8"):
        order["fields"]["note"] = "Bitte an M@LLER liefern"
        order["raw"] = lambda line: line.replace(b"M@LLER", "Müller".encode("latin-1"))
    impossible = ["31/02/1997", "00/00/0000", "29/02/1998", "1/13/1997", "soon", "32/01/1998"]
    for order, text in zip(spoiler.take("impossible date"), impossible):
        order["fields"]["order_date"] = text
    for order, text in zip(spoiler.take("amount that is no number"), ["free", "14,3x", "12,49,00", "?"]):
        order["fields"]["amount"] = text
    for order, text in zip(spoiler.take("items that are no number"), ["zwei", "1 1/2", "one"]):
        order["fields"]["items"] = text
    for order, text in zip(spoiler.take("no customer"), ["", "N/A"]):
        order["fields"]["customer"] = text
    for order in spoiler.take("decimal comma forgotten", lambda order: len(order["fields"]["amount"]) == 5):
        digits = order["fields"]["amount"].replace(",", "")
        order["fields"]["amount"] = f"{digits[:-3]}.{digits[-3:]},00"
    for order, text in zip(spoiler.take("foreign currency"), ["EUR", "gbp", "EUR"]):
        order["fields"]["currency"] = text
    for order in spoiler.take("line written twice"):
        order["twice"] = True
    in_both_exports = (date(1997, 12, 20), date(1997, 12, 31))
    for order in spoiler.take(
        "line in both files", lambda order: in_both_exports[0] <= order["day"] <= in_both_exports[1]
    ):
        order["both"] = True
    for order in spoiler.take(
        "mojibake", lambda order: not (order["fields"]["name"] + order["fields"]["note"]).isascii()
    ):
        for column in ["name", "note"]:
            order["fields"][column] = mojibake(order["fields"][column])
    for order in spoiler.take("null token", lambda order: order["fields"]["note"] == ""):
        order["fields"][dice.pick(["e_mail", "note", "note"])] = dice.pick(["N/A", "n/a", "-", " N/A "])
    for order in spoiler.take("white space and case"):
        column = dice.pick(["customer", "e_mail", "name", "note", "currency", "product"])
        value = order["fields"][column]
        if column in ("customer", "currency", "product"):
            value = value.lower()
        elif column == "e_mail":
            value = value.upper()
        order["fields"][column] = spoil_spaces(dice, value)
    for order in spoiler.take("unknown product"):
        order["fields"]["product"] = f"P-9{dice.below(100):02}"


def shop_line(order):
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(order["fields"].values())
    line = text.getvalue().encode("utf-8")
    if "raw" in order:
        line = order["raw"](line)
    return line + b"\n"


def write_shop(orders):
    """Two exports: 1997, compressed, and 1998, which begins with some orders of the last days of 1997."""
    header = (",".join(orders[0]["fields"]) + "\n").encode("utf-8")
    files = {1997: [header], 1998: [header]}
    files[1998].extend(shop_line(order) for order in orders if order.get("both"))
    for order in orders:
        lines = files[order["day"].year]
        lines.append(shop_line(order))
        if order.get("twice"):
            lines.append(shop_line(order))
    folder = DATA / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    write_gzip(folder / "shop-1997.csv.gz", b"".join(files[1997]))
    (folder / "shop-1998.csv").write_bytes(b"".join(files[1998]))


def write_gzip(path, content):
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as compressed:
        compressed.write(content)


def web_orders(dice, purchases, customers):
    orders = []
    for purchase in purchases:
        customer = customers[purchase["customer"]]
        midnight = datetime.combine(purchase["day"], datetime.min.time())
        moment = midnight + timedelta(hours=7, seconds=dice.below(17 * 3_600))
        zone = dice.pick(["-05:00", "-08:00", "+00:00", "Z"])
        dollars = f"{purchase['cents'] // 100}.{purchase['cents'] % 100:02}"
        orders.append({
            "number": purchase["number"],
            "day": purchase["day"],
            "record": {
                "order_id": f"W-{purchase['number']:05}",
                "customer": {"id": purchase["customer"], "email": customer["email"], "name": customer["name"]},
                "product_id": product_of(dice, purchase),
                "placed_at": moment.isoformat() + zone,
                "qty": purchase["items"] if dice.chance(0.9) else str(purchase["items"]),
                # The shop's older version wrote totals as numbers, the newer one writes text.
                "total": dollars if purchase["day"] >= date(1997, 6, 1) else float(dollars),
                "currency": "USD",
                "note": note(dice, customer["email"]) or None,
            },
        })
    spoil_web(dice, orders)
    return orders


def spoil_web(dice, orders):
    spoiler = Spoiler(dice, "web", orders)
    for order in spoiler.take("truncated line"):
        order["truncated"] = True
    impossible = ["1997-13-02T10:15:00Z", "1998-02-30T08:00:00-05:00", "yesterday", "1997-05-07T25:61:00Z"]
    for order, text in zip(spoiler.take("impossible timestamp"), impossible):
        order["record"]["placed_at"] = text
    for order, text in zip(spoiler.take("total that is no number"), ["NaN", "$14.99"]):
        order["record"]["total"] = text
    for order in spoiler.take("guest without customer"):
        order["record"]["customer"] = None
    for order in spoiler.take("clock at 1970"):
        order["record"]["placed_at"] = "1970-01-01T00:00:00Z"
    for order in spoiler.take("order sent again"):
        order["again"] = True
    for order in spoiler.take("null token"):
        if dice.chance(0.5):
            order["record"]["customer"]["email"] = dice.pick(["null", "undefined", ""])
        else:
            order["record"]["note"] = dice.pick(["null", "undefined", ""])
    for order in spoiler.take("white space and case"):
        customer, record = order["record"]["customer"], order["record"]
        kind = dice.below(4)
        if kind == 0:
            customer["id"] = spoil_spaces(dice, customer["id"].lower())
        elif kind == 1:
            customer["email"] = spoil_spaces(dice, customer["email"].title())
        elif kind == 2:
            dollars = record["total"]
            record["total"] = f" {dollars:.2f} " if isinstance(dollars, float) else f"{dollars} "
        else:
            record["currency"] = "usd"


def write_web(dice, orders):
    lines = {1997: [], 1998: []}
    for order in orders:
        line = json.dumps(order["record"], ensure_ascii=False, separators=(",", ":"))
        if order.get("truncated"):
            line = line[: 40 + dice.below(80)]
        year = lines[order["day"].year]
        year.append(line)
        if order.get("again"):
            # Some orders later, as queues do.
            year.append((len(year) + dice.below(30), line))
    folder = DATA / "web"
    folder.mkdir(parents=True, exist_ok=True)
    write_gzip(folder / "web-1997.jsonl.gz", in_order(lines[1997]))
    (folder / "web-1998.jsonl").write_bytes(in_order(lines[1998]))


def in_order(entries):
    """Lines in their order; those with a place of their own at that place."""
    lines = [entry for entry in entries if isinstance(entry, str)]
    for place, line in sorted(entry for entry in entries if isinstance(entry, tuple)):
        lines.insert(min(place, len(lines)), line)
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def marketplace_rows(dice, purchases):
    rows = []
    for purchase in purchases:
        midnight = datetime.combine(purchase["day"], datetime.min.time(), timezone.utc)
        rows.append({
            "number": purchase["number"],
            "order_ref": f"M-{purchase['number']:05}",
            "buyer_id": purchase["customer"],
            "sku": product_of(dice, purchase),
            "purchased_at": int(midnight.timestamp()) + dice.below(86_400),
            "qty": purchase["items"],
            "total_cents": purchase["cents"],
            "currency": "USD",
            "status": "completed",
        })
    spoiler = Spoiler(dice, "marketplace", rows)
    extra = []
    for row, text in zip(spoiler.take("quantity in words"), ["two", "a few", "1 set"]):
        row["qty"] = text
    for row in spoiler.take("unknown buyer"):
        row["buyer_id"] = f"C-9{dice.below(10_000):04}"
    for index, row in enumerate(spoiler.take("test order")):
        extra.append({**row, "order_ref": f"TEST-{index + 1:03}", "qty": 1, "total_cents": 1, "status": "test"})
    for row in spoiler.take("refund"):
        refund = {"order_ref": f"R-{row['number']:05}", "qty": -row["qty"], "total_cents": -row["total_cents"]}
        extra.append({**row, **refund})
    for row in spoiler.take("white space and case"):
        row["buyer_id"] = spoil_spaces(dice, row["buyer_id"].lower())
    return sorted(rows + extra, key=lambda row: (row["purchased_at"], row["order_ref"]))


def write_marketplace(rows):
    path = DATA / "marketplace.sqlite"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE orders (order_ref TEXT PRIMARY KEY, buyer_id TEXT, sku TEXT, purchased_at INTEGER, "
            "qty INTEGER, total_cents INTEGER, currency TEXT, status TEXT)"
        )
        database.executemany(
            "INSERT INTO orders VALUES "
            "(:order_ref, :buyer_id, :sku, :purchased_at, :qty, :total_cents, :currency, :status)",
            rows,
        )
    database.execute("VACUUM")
    database.close()


def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    purchases = read_purchases(sys.argv[1])
    dice = Dice(SEED)
    customers = make_customers(dice, purchases)
    channels = {"shop": [], "web": [], "marketplace": []}
    for purchase in purchases:
        mark = dice.source.random()
        channels["shop" if mark < 0.45 else "web" if mark < 0.8 else "marketplace"].append(purchase)
    for purchases_of_channel in channels.values():
        purchases_of_channel.sort(key=lambda purchase: (purchase["day"], purchase["number"]))
    DATA.mkdir(exist_ok=True)
    write_csv(DATA / "customers.csv", list(customers.values()))
    write_csv(DATA / "products.csv", make_products())
    write_shop(shop_orders(dice, channels["shop"], customers))
    write_web(dice, web_orders(dice, channels["web"], customers))
    write_marketplace(marketplace_rows(dice, channels["marketplace"]))


if __name__ == "__main__":
    main()
