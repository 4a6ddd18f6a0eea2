#!/usr/bin/env python3
"""Computes what the pipeline should give, from the raw files, without Wasmill.

    python3 expected.py         writes golden/totals.json: what cleaning lets through and holds back, and who is who in truth
    python3 expected.py out     compares what a run wrote to out/; prints JSON, and fails where something is wrong
    python3 expected.py out run.jsonl    the counts of the run too: what `wasmill run pipeline.toml --output json` printed

Whom the pipeline takes for one person is judged by the ground truth: precision, recall and F1 of pairs of records. What it makes of
each person is compared value by value: the golden records are computed anew from the raw files, for the groups that the run found.
Nothing but the standard library is used.
"""

import csv
import hashlib
import hmac
import json
import re
import sqlite3
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timezone
from pathlib import Path

HERE = Path(__file__).parent
DATA, GOLDEN = HERE / "data", HERE / "golden"
UTC = timezone.utc
# Below these, the matching is not what it was; README.md has what was measured.
LEAST_PRECISION, LEAST_F1 = 0.99, 0.95
NAMED = ("given_name", "born", "street", "postcode", "city", "email", "phone")
COLUMNS = (
    "customer_id given_name surname born postcode city email phone consent sources records first_seen_at last_seen_at"
).split()


class Step:
    """What a step lets through, and what it holds back with which rules."""

    def __init__(self):
        self.rows_in = self.rows_out = self.dropped = 0
        self.quarantined = Counter()

    def reject(self, rule, column=None):
        self.quarantined[rule, column] += 1


def trimmed(row, nulls=("",)):
    return {name: None if isinstance(value, str) and value.strip() in nulls else value.strip() if isinstance(value, str) else value
            for name, value in row.items()}


def repaired(text):
    """Text that was UTF-8, read as Windows-1252."""
    try:
        return text and text.encode("windows-1252").decode("utf-8")
    except UnicodeError:
        return text


def title(text):
    """Words are runs of letters, digits and apostrophes."""
    return text and re.sub(r"[^\W_]['’\w]*", lambda word: word[0][0].upper() + word[0][1:].lower(), text)


def parsed(parse, text):
    """The value and whether it is one."""
    if text is None:
        return None, True
    try:
        return parse(text), True
    except ValueError:
        return None, False


def day_month_year(text):
    return datetime.strptime(text, "%d/%m/%Y").date()


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def midnight(day):
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def shop(step):
    seen = set()
    with open(DATA / "shop.csv", encoding="utf-8", newline="") as file:
        for raw in csv.DictReader(file):
            step.rows_in += 1
            row = trimmed(raw, ("", "N/A", "n/a", "-"))
            birthday, is_day = parsed(day_month_year, row["birthday"])
            if not is_day:
                step.reject("bad-date", "birthday")
            elif row["last_name"] is None:
                step.reject("missing", "last_name")
            elif row["customer_no"] in seen:
                step.dropped += 1
            else:
                seen.add(row["customer_no"])
                step.rows_out += 1
                yield {
                    "record_id": f"shop-{row['customer_no']}", "source": "shop", "given_name": repaired(row["first_name"]),
                    "surname": repaired(row["last_name"]), "born": birthday, "street": repaired(row["street"]),
                    "postcode": row["zip"], "city": repaired(row["city"]), "email": row["e_mail"], "phone": row["phone"],
                    "consent": {"yes": True, "no": False, None: None}[row["marketing"]],
                    "seen_at": midnight(day_month_year(row["registered"])),
                }


def newsletter(read, step):
    for line in (DATA / "newsletter.jsonl").read_text(encoding="utf-8").splitlines():
        read.rows_in += 1
        try:
            raw = json.loads(line)
        except ValueError:
            read.reject("bad-json")
            continue
        read.rows_out += 1
        step.rows_in += 1
        updated_at, is_instant = parsed(instant, raw["updated_at"])
        if not is_instant:
            step.reject("bad-timestamp", "updated_at")
            continue
        step.rows_out += 1
        profile = trimmed(raw["profile"])
        yield {
            "record_id": f"newsletter-{raw['id']}", "source": "newsletter", "given_name": profile["given"],
            "surname": profile["family"], "born": profile["birthday"] and date.fromisoformat(profile["birthday"]), "street": None,
            "postcode": profile["zip"], "city": None, "email": raw["email"].strip(), "phone": None, "consent": raw["consent"],
            "seen_at": updated_at,
        }


def support(step):
    database = sqlite3.connect(f"file:{DATA / 'support.sqlite'}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    for raw in database.execute("SELECT * FROM contacts ORDER BY contact_id"):
        step.rows_in += 1
        row = trimmed(dict(raw))
        if row["full_name"] is None:
            step.reject("missing", "full_name")
            continue
        step.rows_out += 1
        if (row["email"] or "").endswith("@test.invalid"):
            continue
        surname, given = row["full_name"].split(",")
        yield {
            "record_id": f"support-{row['contact_id']}", "source": "support", "given_name": given.strip(), "surname": surname.strip(),
            "born": row["born"] and date.fromisoformat(row["born"]), "street": row["street"], "postcode": row["postcode"],
            "city": row["city"], "email": row["email"], "phone": row["phone"], "consent": False if row["opt_out"] else None,
            "seen_at": datetime.fromtimestamp(row["last_contact"], UTC),
        }
    database.close()


def all_records():
    steps = {name: Step() for name in ("clean_shop", "newsletter", "clean_newsletter", "clean_support")}
    records = [
        *shop(steps["clean_shop"]), *newsletter(steps["newsletter"], steps["clean_newsletter"]), *support(steps["clean_support"])
    ]
    for record in records:
        record["given_name"], record["surname"] = title(record["given_name"]), title(record["surname"])
        record["email"] = record["email"] and record["email"].lower()
    return steps, records


def truth():
    with open(DATA / "truth.csv", encoding="utf-8", newline="") as file:
        return {row["record_id"]: row["person"] for row in csv.DictReader(file)}


def pairs_of(groups):
    return sum(count * (count - 1) // 2 for count in Counter(groups).values())


# ---- golden records ----------------------------------------------------------------------------------------


def latest(records, column):
    """The value of the latest record that has one. Records come by id, and sorting keeps that order among equals."""
    having = sorted((record for record in records if record[column] is not None), key=lambda record: record["seen_at"], reverse=True)
    return having[0][column] if having else None


def consent_of(records):
    statements = sorted((-record["seen_at"].timestamp(), record["consent"]) for record in records if record["consent"] is not None)
    return statements[0][1] if statements else False


def address_of(records):
    def completeness(record):
        if record["street"] is not None and record["postcode"] is not None and record["city"] is not None:
            return 2
        return 1 if record["postcode"] is not None else 0

    best = sorted(records, key=lambda record: (completeness(record), record["seen_at"]), reverse=True)[0]
    return best if completeness(best) else dict.fromkeys(NAMED)


def golden_of(customer_id, records):
    records = sorted(records, key=lambda record: record["record_id"])
    complete = sorted(
        records, key=lambda record: (sum(record[column] is not None for column in NAMED), record["seen_at"]), reverse=True
    )
    address = address_of(records)
    return {
        "customer_id": customer_id,
        "given_name": next((record["given_name"] for record in complete if record["given_name"] is not None), None),
        "surname": complete[0]["surname"],
        "born": latest(records, "born"),
        "postcode": address["postcode"],
        "city": address["city"],
        "email": latest(records, "email"),
        "phone": latest(records, "phone"),
        "consent": consent_of(records),
        "sources": ",".join(sorted({record["source"] for record in records})),
        "records": len(records),
        "first_seen_at": min(record["seen_at"] for record in records),
        "last_seen_at": max(record["seen_at"] for record in records),
    }


def hashed(value):
    key = (HERE / "demo-pii.key").read_text(encoding="ascii").rstrip("\r\n").encode("ascii")
    return value and hmac.new(key, value.strip().lower().encode("utf-8"), hashlib.sha256).hexdigest()[:32]


def shown(value):
    """A value as SQLite has it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bool):
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def grouped(records, names):
    groups = defaultdict(list)
    for record in records:
        groups[names[record["record_id"]]].append(record)
    return groups


# ---- what a run wrote --------------------------------------------------------------------------------------


def compare(out):
    """What is wrong with the outputs of a run, and how well it matched."""
    _, records = all_records()
    persons, wrong = truth(), []
    database = sqlite3.connect(f"file:{out / 'customers.db'}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    identities = {row["record_id"]: row["customer_id"] for row in database.execute("SELECT * FROM customer_records")}
    found = {row["customer_id"]: dict(row) for row in database.execute("SELECT * FROM customers")}
    database.close()
    with open(next((out / "marketing").glob("*.csv")), encoding="utf-8", newline="") as file:
        marketing = list(csv.DictReader(file))

    if identities.keys() != {record["record_id"] for record in records}:
        return ["the records of customer_records are not those of the raw files"], {}
    golden = {customer: golden_of(customer, group) for customer, group in grouped(records, identities).items()}
    for customer, group in grouped(records, identities).items():
        if customer != min(record["record_id"] for record in group):
            wrong.append(f"{customer}: not the smallest id of its records")
    if found.keys() != golden.keys():
        wrong.append(f"{len(found)} customers, and {len(golden)} are expected")
    for customer in sorted(found.keys() & golden.keys()):
        expected = {**golden[customer], "email": hashed(golden[customer]["email"]), "phone": hashed(golden[customer]["phone"])}
        for column in COLUMNS:
            if found[customer][column] != shown(expected[column]):
                wrong.append(f"{customer}: {column} is {found[customer][column]!r}, and {shown(expected[column])!r} is expected")

    expected = [
        {column: row[column] or "" for column in ("customer_id", "given_name", "surname", "email")}
        for _, row in sorted(golden.items()) if row["consent"] and row["email"] is not None
    ]
    if marketing != expected:
        wrong.append(f"marketing has {len(marketing)} rows, and {len(expected)} are expected, or their values differ")

    ids = list(identities)
    right = pairs_of((persons[record], identities[record]) for record in ids)
    given, real = pairs_of(identities.values()), pairs_of(persons[record] for record in ids)
    # What is not matched costs: whoever refused at one touchpoint and was not recognised at another is written to.
    person_of = {identities[record]: persons[record] for record in ids}
    refused = {person for person, group in grouped(records, persons).items() if not consent_of(group)}
    figures = {
        "records": len(ids),
        "persons": len({persons[record] for record in ids}),
        "customers": len(found),
        "precision": round(right / given, 4),
        "recall": round(right / real, 4),
        "f1": round(2 * right / (given + real), 4),
        "marketing": len(marketing),
        "marketing_against_the_last_word_of_the_person": sum(person_of[row["customer_id"]] in refused for row in marketing),
    }
    if figures["precision"] < LEAST_PRECISION or figures["f1"] < LEAST_F1:
        wrong.append(f"precision {figures['precision']} and F1 {figures['f1']}: at least {LEAST_PRECISION} and {LEAST_F1} are expected")
    return wrong, figures


def compare_counts(printed):
    """What is wrong with the counts of a run, by the summary in its last line."""
    steps, _ = all_records()
    summary = json.loads(printed.read_text(encoding="utf-8").splitlines()[-1])
    found = {step["step"]: step for step in summary["steps"]}
    wrong = []
    for name, step in steps.items():
        expected = {"rows_in": step.rows_in, "rows_out": step.rows_out, "dropped": step.dropped, "quarantined": step.quarantined.total()}
        for key, count in expected.items():
            if found[name][key] != count:
                wrong.append(f"{name}: {key} is {found[name][key]}, and {count} is expected")
    held_back = Counter({(entry["step"], entry["rule"], entry["column"]): entry["rows"] for entry in summary["quarantined"]})
    expected = Counter({(name, *rule): rows for name, step in steps.items() for rule, rows in step.quarantined.items()})
    if held_back != expected:
        wrong.append(f"quarantined are {dict(held_back)}, and {dict(expected)} are expected")
    return wrong


def main():
    if len(sys.argv) > 1:
        wrong, figures = compare(Path(sys.argv[1]))
        if len(sys.argv) > 2:
            wrong += compare_counts(Path(sys.argv[2]))
        print(json.dumps({**figures, "wrong": wrong[:20]}, indent=2, ensure_ascii=False))
        sys.exit(1 if wrong else 0)
    steps, records = all_records()
    persons = truth()
    totals = {
        "steps": {
            name: {
                "rows_in": step.rows_in,
                "rows_out": step.rows_out,
                "quarantined": sum(step.quarantined.values()),
                "dropped": step.dropped,
                "rules": [{"rule": rule, "column": column, "rows": rows} for (rule, column), rows in sorted(step.quarantined.items())],
            }
            for name, step in sorted(steps.items())
        },
        "records": len(records),
        "by_source": dict(sorted(Counter(record["source"] for record in records).items())),
        "persons": len({persons[record["record_id"]] for record in records}),
        "pairs_of_one_person": pairs_of(persons[record["record_id"]] for record in records),
    }
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / "totals.json").write_text(json.dumps(totals, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
