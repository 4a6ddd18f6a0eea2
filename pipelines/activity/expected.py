#!/usr/bin/env python3
"""Computes what the pipeline should give, from the raw files, without Wasmill.

    python3 expected.py                  writes golden/totals.json
    python3 expected.py out              compares what a run wrote to out/; fails where something is wrong
    python3 expected.py out run.jsonl    the counts too: what `wasmill run pipeline.toml --output json` printed

The events are Parquet, which the standard library cannot read: they are compared where `wasmill run read-back.toml` has
made JSON lines of them. The functions follow the steps of pipeline.toml. Nothing but the standard library is used.
"""

import csv
import hashlib
import hmac
import json
import re
import sqlite3
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).parent
DATA, GOLDEN = HERE / "data", HERE / "golden"
UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CENT = Decimal("0.01")
GAP, MAX_LENGTH, LATENESS = timedelta(minutes=30), timedelta(hours=4), timedelta(minutes=15)
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
EVENTS = {"page_view", "product_view", "search", "add_to_cart", "checkout", "purchase"}

# From the longest beginning to the shortest.
PAGES = {
    "shop": [
        ("/checkout/thanks", "thanks"),
        ("/checkout", "checkout"),
        ("/account/", "account"),
        ("/search", "search"),
        ("/cart", "cart"),
        ("/c/", "category"),
        ("/p/", "product"),
        ("/", "other"),
    ],
    "guide": [("/tours", "tours"), ("/howto", "how-to"), ("/", "other")],
}
UTM = {
    ("google", "cpc"): "paid search",
    ("newsletter", "email"): "newsletter",
    ("instagram", "paid_social"): "paid social",
}
SEARCH = re.compile(r"www\.google\.|com\.google\.android\.|www\.bing\.com|duckduckgo\.com|www\.ecosia\.org")
SOCIAL = re.compile(r"l\.instagram\.com|[lm]\.facebook\.com|www\.youtube\.com|t\.co")
OURS = {"www.nordhang.example": "shop", "guide.nordhang.example": "guide", "pay.example": "payment"}
CAMPAIGNS = [
    ("spring", date(2026, 2, 15), date(2026, 3, 4), "Spring 1"),
    ("spring", date(2026, 3, 5), date(2026, 3, 31), "Spring 2"),
    ("boots", date(2026, 3, 1), date(2026, 3, 14), "Boots"),
    ("letter-9", date(2026, 3, 2), date(2026, 3, 5), "Letter 9"),
    ("letter-10", date(2026, 3, 6), date(2026, 3, 12), "Letter 10"),
]
MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
COMBINED = re.compile(
    r'(?P<ip>[0-9A-Fa-f.:]+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?:(?P<method>[A-Z]+) (?P<request>\S+) HTTP/[0-9.]+|[^"]*)" '
    r'(?P<status>[0-9]{3}) (?:[0-9]+|-) "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"'
)
KEY = (HERE / "demo-pii.key").read_text(encoding="ascii").rstrip("\r\n").encode("ascii")


class Step:
    """What a step reads, lets through, leaves out, and holds back with which rules."""

    def __init__(self):
        self.rows_in = self.rows_out = self.dropped = 0
        self.quarantined, self.warned = Counter(), Counter()

    def reject(self, *reasons):
        """One row; each reason counts once."""
        self.quarantined.update(reasons)


class Steps(dict):
    def __missing__(self, name):
        self[name] = Step()
        return self[name]


def text_lines(step, folder):
    for path in sorted((DATA / folder).iterdir()):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                step.rows_in += 1
                step.rows_out += 1
                yield line


def hashed(value):
    return value and hmac.new(KEY, value.strip().lower().encode("utf-8"), hashlib.sha256).hexdigest()[:32]


def instant(text):
    """A time as `2026-03-02T08:00:00.123Z`; none where it is not one."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def browser_of(agent):
    """Family, system and device; `bot` for programs, nulls for what says nothing."""
    if re.search(
        r"bot|crawler|spider|facebookexternalhit|^(curl|python-requests|Go-http-client)/", agent, re.IGNORECASE
    ):
        return "a bot", None, "bot"
    family = next(
        (
            name
            for token, name in [
                ("Edg/", "Edge"),
                ("SamsungBrowser/", "Samsung Internet"),
                ("HeadlessChrome/", "Headless Chrome"),
                ("Firefox/", "Firefox"),
                ("Chrome/", "Chrome"),
                ("Version/", "Safari"),
            ]
            if token in agent
        ),
        None,
    )
    system = next(
        (
            name
            for token, name in [
                ("Windows NT", "Windows"),
                ("iPhone", "iOS"),
                ("iPad", "iOS"),
                ("Android", "Android"),
                ("Mac OS X", "macOS"),
                ("Linux", "Linux"),
            ]
            if token in agent
        ),
        None,
    )
    device = "tablet" if "iPad" in agent else "mobile" if "Mobile" in agent else "desktop" if system else None
    return family, system, device


def address_of(url):
    """Host, path and utm parameters of a URL with a host; none where it is not one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if re.search(r"\s", url) or not parts.hostname:
        return None
    return parts.hostname, parts.path or "/", {name: values[0] for name, values in parse_qs(parts.query).items()}


def host_of(referrer):
    address = referrer and address_of(referrer)
    return address[0] if address else None


def without_slash(path):
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


# ---- The two sites -----------------------------------------------------------------------------------------


def flat_events(step, lines):
    for line in lines:
        step.rows_in += 1
        try:
            raw = json.loads(line, parse_float=Decimal, parse_int=Decimal)
        except ValueError:
            step.reject(("bad-json", "line"))
            continue
        amount = raw["properties"].get("amount")
        try:
            raw["amount"] = None if amount is None else Decimal(amount)
        except InvalidOperation:
            step.reject(("bad-decimal", "amount"))
            continue
        step.rows_out += 1
        yield raw


def clean_events(step, rows):
    def cleaned(value):
        value = value and value.strip()
        return None if value in ("", "null", "undefined") else value

    seen = set()
    for raw in rows:
        step.rows_in += 1
        properties, context = raw["properties"], raw["context"]
        row = {
            "message_id": cleaned(raw["messageId"]),
            "event": cleaned(raw["event"]).lower(),
            "anonymous_id": cleaned(raw["anonymousId"]),
            "user_id": cleaned(raw["userId"]),
            "at": cleaned(raw["originalTimestamp"]),
            "received_at": instant(raw["receivedAt"]),
            "ip": context["ip"],
            "agent": context["userAgent"],
            "page": context["page"]["url"].strip(),
            "referrer": cleaned(context["page"]["referrer"]),
            "search_term": cleaned(properties.get("query")),
            "order_id": properties.get("order_id"),
            "amount": raw["amount"],
            "currency": properties.get("currency"),
            "sku": properties.get("sku"),
            "products": properties.get("products"),
        }
        reasons = [("missing", name) for name in ("message_id", "at") if row[name] is None]
        if row["at"] is not None:
            row["at"] = instant(row["at"])
            if row["at"] is None:
                reasons.append(("bad-timestamp", "at"))
        if reasons:
            step.reject(*reasons)
        elif row["message_id"] in seen:
            step.dropped += 1
        else:
            seen.add(row["message_id"])
            step.rows_out += 1
            yield row


def shop_events(steps):
    parts = steps["event_parts"]
    for row in clean_events(
        steps["clean_events"], flat_events(steps["flat_events"], text_lines(steps["event_lines"], "events"))
    ):
        parts.rows_in += 1
        address = address_of(row["page"])
        if address is None:
            parts.reject(("bad-url", "page"))
            continue
        parts.rows_out += 1
        amount = row["amount"] and row["amount"].quantize(CENT, ROUND_HALF_UP)
        yield event_of(
            "shop",
            row["message_id"],
            row["at"],
            row["ip"],
            row["agent"],
            address,
            row["referrer"],
            received_at=row["received_at"],
            visitor=row["anonymous_id"] or f"{row['ip']} {row['agent']}",
            user_id=row["user_id"],
            event=row["event"],
            search_term=row["search_term"],
            order_id=row["order_id"],
            amount=amount,
            currency=row["currency"],
            sku=row["sku"],
            products=row["products"],
        )


def guide_events(steps, left_out):
    requests, pages = steps["requests"], steps["guide_events"]
    for line in text_lines(steps["log_lines"], "access"):
        requests.rows_in += 1
        match = COMBINED.fullmatch(line)
        if match is None:
            requests.reject(("no-match", "line"))
            continue
        requests.rows_out += 1
        pages.rows_in += 1
        path, _, query = (match["request"] or "").partition("?")
        why = (
            "no HTTP"
            if match["method"] is None
            else "no page"
            if re.search(r"^/(assets|img)/|\.(txt|xml|ico)$", path)
            else "not shown"
            if match["method"] != "GET" or match["status"] not in ("200", "304")
            else None
        )
        if why:
            left_out["guide_events", why] += 1
            pages.dropped += 1
            continue
        pages.rows_out += 1
        day, month, year, hour, minute, second = re.match(
            r"(\d+)/(\w+)/(\d+):(\d+):(\d+):(\d+) \+0100$", match["at"]
        ).groups()
        at = datetime(
            int(year), MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        ) - timedelta(hours=1)
        agent = "" if match["agent"] == "-" else match["agent"]
        address = "guide.nordhang.example", path, {name: values[0] for name, values in parse_qs(query).items()}
        yield event_of(
            "guide",
            line,
            at,
            match["ip"],
            agent,
            address,
            match["referrer"],
            received_at=at,
            visitor=f"{match['ip']} {agent}",
            event="page_view",
        )


def event_of(site, event_id, at, ip, agent, address, referrer, **more):
    host, path, query = address
    family, system, device = browser_of(agent)
    return {
        "event_id": event_id,
        "site": site,
        "at": at,
        "ip": ip,
        "browser": family,
        "os": system,
        "device": device,
        "host": host,
        "path": without_slash(path),
        "query": query,
        "referrer_host": host_of(referrer),
        **dict.fromkeys(("user_id", "search_term", "order_id", "amount", "currency", "sku", "products")),
        **more,
    }


# ---- Both sites --------------------------------------------------------------------------------------------


def arrival_of(event):
    """Channel and campaign, or nothing where somebody only goes on."""
    query = event["query"]
    if "utm_source" in query:
        channel = UTM.get((query["utm_source"].lower(), query.get("utm_medium", "").lower()), "other campaign")
        day = event["at"].date()
        titles = [
            title
            for name, first, last, title in CAMPAIGNS
            if name == query.get("utm_campaign") and first <= day <= last
        ]
        return channel, titles[0] if titles else None
    host = event["referrer_host"]
    if host is None or OURS.get(host) in (event["site"], "payment"):
        return None
    return OURS.get(host) or ("search" if SEARCH.match(host) else "social" if SOCIAL.match(host) else "referral"), None


def network_of(ip):
    return ":".join(ip.split(":")[:3]) + "::" if ":" in ip else ip.rpartition(".")[0] + ".0"


def people(step, events, left_out):
    for event in events:
        step.rows_in += 1
        why = (
            "staff"
            if event["ip"].startswith("203.0.113.")
            else "monitor"
            if event["ip"] == "192.0.2.10"
            else "bot"
            if event["device"] == "bot"
            else "headless browser"
            if event["browser"] == "Headless Chrome"
            else "no browser"
            if event["browser"] is None or event["device"] is None
            else None
        )
        if why:
            left_out["people", f"{event['site']}: {why}"] += 1
            step.dropped += 1
            continue
        step.rows_out += 1
        path = event["path"]
        event["page_group"] = (
            "home" if path == "/" else next(group for start, group in PAGES[event["site"]] if path.startswith(start))
        )
        event["arrival"] = arrival_of(event)
        event["network"] = network_of(event["ip"])
        event["revenue"] = event["amount"] if event["event"] == "purchase" else None
        yield event


def sound(step, events):
    for event in events:
        step.rows_in += 1
        reasons = []
        if event["at"] > event["received_at"] + timedelta(minutes=5):
            reasons.append(("clock-ahead", "at"))
        if event["at"] < event["received_at"] - timedelta(days=3):
            reasons.append(("too-old", "at"))
        if event["host"] not in ("www.nordhang.example", "guide.nordhang.example"):
            reasons.append(("our-site", "host"))
        if event["amount"] is not None and not 0 <= event["amount"] <= 5000:
            reasons.append(("plausible-amount", "amount"))
        if event["currency"] not in (None, "EUR"):
            reasons.append(("euros", "currency"))
        if event["event"] not in EVENTS:
            step.warned["known-event", "event"] += 1
        if reasons:
            step.reject(*reasons)
            continue
        step.rows_out += 1
        yield event


def hidden(event):
    for name in ("event_id", "visitor", "user_id"):
        event[name] = hashed(event[name])
    for name in ("search_term", "path"):
        event[name] = event[name] and MAIL.sub("[email]", event[name])
    return event


def arrivals(step, events):
    """In the order of receipt, each order and each line of the log once."""
    seen, first = set(), []
    for event in sorted(events, key=lambda event: (event["received_at"], event["at"], event["event_id"])):
        step.rows_in += 1
        once = event["site"], event["order_id"] or event["event_id"]
        if once in seen:
            step.dropped += 1
            continue
        seen.add(once)
        step.rows_out += 1
        first.append(event)
    return first


# ---- Sessions ----------------------------------------------------------------------------------------------


def sessions_of(step, events):
    """All sessions, each a list of events in order, with why it ended."""
    by_visitor, latest = defaultdict(list), {}
    for event in events:
        step.rows_in += 1
        key = event["site"], event["visitor"]
        latest[key] = max(latest.get(key, event["at"]), event["at"])
        if event["at"] < latest[key] - LATENESS:
            step.reject(("late", "at"))
            continue
        step.rows_out += 1
        by_visitor[key].append(event)
    sessions = []
    for own in by_visitor.values():
        # Of two at the same time, the one that came first stays first.
        own.sort(key=lambda event: event["at"])
        current = []
        for event in own:
            if current and event["at"] - current[-1]["at"] > GAP:
                sessions.append((current, "gap"))
                current = []
            elif current and event["at"] - current[0]["at"] > MAX_LENGTH:
                sessions.append((current, "max-length"))
                current = []
            current.append(event)
        sessions.append((current, "end-of-input"))
    for session, _ in sessions:
        start = session[0]
        micros = (start["at"] - EPOCH) // timedelta(microseconds=1)
        for number, event in enumerate(session, start=1):
            event["session_id"] = f"{start['site']}/{start['visitor']}#{micros}"
            event["session_sequence"] = number
    return sessions


def row_of(session, ended_by):
    start, end = session[0], session[-1]
    arrival = next((event["arrival"] for event in session if event["arrival"]), ("direct", None))
    users = [event["user_id"] for event in session if event["user_id"]]
    return {
        "session_id": start["session_id"],
        "site": start["site"],
        "visitor": start["visitor"],
        "user_id": users[-1] if users else None,
        "session_start": start["at"],
        "session_end": end["at"],
        "session_seconds": (end["at"] - start["at"]) / timedelta(seconds=1),
        "session_events": len(session),
        "session_ended_by": ended_by,
        "channel": arrival[0],
        "campaign": arrival[1],
        "landing": start["path"],
        "landing_group": start["page_group"],
        "exit": end["path"],
        "device": start["device"],
        "network": start["network"],
        "carts": sum(event["event"] == "add_to_cart" for event in session),
        "purchases": sum(event["event"] == "purchase" for event in session),
        "revenue": sum((event["revenue"] for event in session if event["revenue"] is not None), Decimal("0.00")),
    }


def rules(step, rows):
    for row in rows:
        step.rows_in += 1
        if row["channel"] == "other campaign":
            step.warned["known-channel", "channel"] += 1
        if row["session_events"] > 100:
            step.reject(("of-a-person", "session_events"))
            continue
        step.rows_out += 1
        yield row


def funnel(rows, sessions):
    """For each channel of the shop, how many sessions got how far, each step after the one before it."""
    events_of = {session[0]["session_id"]: session for session, _ in sessions}
    counts = defaultdict(lambda: dict.fromkeys(("sessions", "viewed", "carted", "checked_out", "bought"), 0))
    for row in rows:
        if row["site"] != "shop":
            continue
        reached = counts[row["channel"]]
        reached["sessions"] += 1
        left = iter(events_of[row["session_id"]])
        for name, event in (
            ("viewed", "product_view"),
            ("carted", "add_to_cart"),
            ("checked_out", "checkout"),
            ("bought", "purchase"),
        ):
            if not any(item["event"] == event for item in left):
                break
            reached[name] += 1
    return [{"channel": channel, **reached} for channel, reached in sorted(counts.items())]


def daily(rows):
    groups = defaultdict(list)
    for row in rows:
        groups[row["session_start"].date(), row["site"], row["channel"]].append(row)
    return [
        {
            "day": day,
            "site": site,
            "channel": channel,
            "sessions": len(group),
            "visitors": len({row["visitor"] for row in group}),
            "bounces": sum(row["session_events"] == 1 for row in group),
            "purchases": sum(row["purchases"] for row in group),
            "revenue": sum(row["revenue"] for row in group),
        }
        for (day, site, channel), group in sorted(groups.items())
    ]


def order_lines(step, sessions):
    for event in (event for session, _ in sessions for event in session):
        step.rows_in += 1
        if not event["products"]:
            step.dropped += 1
            continue
        if any(not isinstance(product["price"], Decimal) for product in event["products"]):
            step.reject(("bad-decimal", "price"))
            continue
        for number, product in enumerate(event["products"]):
            step.rows_out += 1
            yield {
                "order_id": event["order_id"],
                "line": number,
                "at": event["at"],
                "session_id": event["session_id"],
                "sku": product["sku"],
                "product": product["name"],
                "quantity": int(product["quantity"]),
                "price": product["price"],
            }


class Expected:
    def __init__(self):
        self.steps, self.left_out = Steps(), Counter()
        events = [*shop_events(self.steps), *guide_events(self.steps, self.left_out)]
        good = sound(self.steps["sound"], people(self.steps["people"], events, self.left_out))
        received = arrivals(self.steps["arrivals"], [hidden(event) for event in good])
        sessions = sessions_of(self.steps["numbered"], received)
        self.events = [event for session, _ in sessions for event in session]
        self.sessions = list(rules(self.steps["rules"], (row_of(*session) for session in sessions)))
        self.funnel, self.daily = funnel(self.sessions, sessions), daily(self.sessions)
        self.order_lines = list(order_lines(self.steps["order_lines"], sessions))


# ---- What a run wrote --------------------------------------------------------------------------------------


def shown(value):
    """A value as SQLite, CSV and JSON lines have it: times in as many digits as they need, decimals as numbers."""
    if isinstance(value, datetime):
        return (
            value.strftime("%Y-%m-%dT%H:%M:%S")
            + (f".{value.microsecond // 1000:03}" if value.microsecond else "")
            + "Z"
        )
    if isinstance(value, (int, Decimal, float)):
        return Decimal(str(value)).normalize()
    return value.isoformat() if isinstance(value, date) else value or None


def numeric(text):
    return Decimal(text).normalize() if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else text or None


def differences(name, found, expected, key):
    """What differs between two lists of rows, by key."""
    wrong = []
    found = {tuple(row[part] for part in key): row for row in found}
    expected = {tuple(shown(row[part]) for part in key): row for row in expected}
    if len(found) != len(expected) or found.keys() != expected.keys():
        odd = sorted(map(str, found.keys() ^ expected.keys()))
        wrong.append(
            f"{name}: {len(found)} rows, and {len(expected)} are expected; only on one side: {', '.join(odd[:3])}"
        )
    for row in sorted(found.keys() & expected.keys(), key=str):
        for column, value in expected[row].items():
            if found[row].get(column) != shown(value):
                wrong.append(f"{name} {row}: {column} is {found[row].get(column)!r}, and {shown(value)!r} is expected")
    return wrong


def csv_rows(folder):
    with open(next(folder.glob("*.csv")), encoding="utf-8", newline="") as file:
        return [{name: numeric(value) for name, value in row.items()} for row in csv.DictReader(file)]


def sqlite_rows(database, table):
    return [{name: shown(row[name]) for name in row.keys()} for row in database.execute(f"SELECT * FROM {table}")]


def exported(event):
    """A row of out/events."""
    names = (
        "event_id site visitor user_id session_id session_sequence at received_at event path page_group browser os "
        "device network search_term order_id sku revenue"
    ).split()
    arrived_by = event["arrival"][0] if event["arrival"] else None
    return {"day": event["at"].date(), "arrived_by": arrived_by, **{name: event[name] for name in names}}


def compare(out, expected):
    """What is wrong with the outputs of a run, and whether the events were compared."""
    database = sqlite3.connect(f"file:{out / 'activity.db'}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    sessions, lines = sqlite_rows(database, "sessions"), sqlite_rows(database, "order_lines")
    database.close()
    wrong = differences("sessions", sessions, expected.sessions, ["session_id"])
    # SQLite has a row for each key, but CSV and JSON lines may have more.
    wrong += differences("order_lines", lines, expected.order_lines, ["order_id", "line"])
    for name, rows, wanted, key in (
        ("daily_channels", csv_rows(out / "daily_channels"), expected.daily, ["day", "site", "channel"]),
        ("funnel", csv_rows(out / "funnel"), expected.funnel, ["channel"]),
    ):
        wrong += differences(name, rows, wanted, key)
        if [[row[part] for part in key] for row in rows] != [[shown(row[part]) for part in key] for row in wanted]:
            wrong.append(f"{name}: not in order, or not once")
    files = sorted((out / "events_read_back").glob("*.jsonl"))
    if files:
        texts = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        events = [
            {name: shown(value) for name, value in json.loads(text, parse_float=Decimal).items()} for text in texts
        ]
        wrong += differences("events", events, [exported(event) for event in expected.events], ["event_id"])
        if len(events) != len(expected.events):
            wrong.append(f"events: {len(events)} rows, and {len(expected.events)} are expected")
    return wrong, bool(files)


def compare_counts(printed, expected):
    """What is wrong with the counts of a run, by the summary in its last line."""
    summary = json.loads(printed.read_text(encoding="utf-8").splitlines()[-1])
    found = {step["step"]: step for step in summary["steps"]}
    wrong = []
    for name, step in expected.steps.items():
        counts = {"rows_in": step.rows_in, "rows_out": step.rows_out}
        # A session leaves with a later event than those it is made of: `numbered` counts that as dropped and added.
        if name not in ("numbered", "order_lines"):
            counts["dropped"] = step.dropped
        for key, count in counts.items():
            if found[name][key] != count:
                wrong.append(f"{name}: {key} is {found[name][key]}, and {count} is expected")
    for key in ("quarantined", "warned"):
        held = Counter({(entry["step"], entry["rule"], entry["column"]): entry["rows"] for entry in summary[key]})
        wanted = Counter(
            {(name, *rule): rows for name, step in expected.steps.items() for rule, rows in getattr(step, key).items()}
        )
        if held != wanted:
            wrong.append(f"{key}: only found {dict(held - wanted)}, only expected {dict(wanted - held)}")
    return wrong


def totals_of(expected):
    rows = expected.sessions
    return {
        "steps": {
            name: {
                "rows_in": step.rows_in,
                "rows_out": step.rows_out,
                "dropped": step.dropped,
                "rules": [
                    {"rule": rule, "column": column, "rows": count}
                    for (rule, column), count in sorted(step.quarantined.items())
                ],
                "warned": [
                    {"rule": rule, "column": column, "rows": count}
                    for (rule, column), count in sorted(step.warned.items())
                ],
            }
            for name, step in sorted(expected.steps.items())
        },
        "left_out": {f"{step}: {why}": count for (step, why), count in sorted(expected.left_out.items())},
        "sessions": dict(sorted(Counter(row["site"] for row in rows).items())),
        "sessions_by_channel": dict(sorted(Counter(row["channel"] for row in rows).items())),
        "sessions_by_campaign": dict(sorted(Counter(row["campaign"] or "" for row in rows).items())),
        "ended_by": dict(sorted(Counter(row["session_ended_by"] for row in rows).items())),
        "purchases": sum(row["purchases"] for row in rows),
        "revenue": str(sum(row["revenue"] for row in rows)),
        "order_lines": len(expected.order_lines),
        "funnel": {
            name: sum(row[name] for row in expected.funnel)
            for name in ("sessions", "viewed", "carted", "checked_out", "bought")
        },
    }


def main():
    expected = Expected()
    if len(sys.argv) > 1:
        wrong, with_events = compare(Path(sys.argv[1]), expected)
        if len(sys.argv) > 2:
            wrong += compare_counts(Path(sys.argv[2]), expected)
        figures = {
            "sessions": len(expected.sessions),
            "events": len(expected.events) if with_events else "not compared",
        }
        print(
            json.dumps(
                {**figures, "wrong": wrong[:20], "more_wrong": max(0, len(wrong) - 20)}, indent=2, ensure_ascii=False
            )
        )
        sys.exit(1 if wrong else 0)
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / "totals.json").write_text(json.dumps(totals_of(expected), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
