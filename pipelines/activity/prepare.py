#!/usr/bin/env python3
"""Makes data/: one week of web activity of a shop with two sites, as their servers write it down.

    python3 prepare.py

The shop (www.nordhang.example) has a tracker; two collectors write the events that they receive as JSON lines, a file
each for each day. The guide (guide.nordhang.example) has none; there is the access log of nginx, rotated each day.
Nobody in it is real: people, addresses and products are made up, IP addresses are of ranges that belong to nobody. The
same files come out byte by byte.

What is wrong with the data is counted in `DIRT` and `LOG_DIRT`.
"""

import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

DATA = Path(__file__).parent / "data"
SEED = 11
FIRST_DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAYS = 7
SHOPPERS, READERS = 190, 170
SHOP, GUIDE = "https://www.nordhang.example", "https://guide.nordhang.example"

# Events of the shop, unless it says sessions. Each is another one: no event has two kinds of dirt.
DIRT = {
    "line cut short": 3,  # quarantined by flat_events: bad-json
    "two events in one line": 2,  # lines; quarantined by flat_events: bad-json
    "no message id": 2,  # quarantined by clean_events: missing
    "no time": 3,  # quarantined by clean_events: missing
    "a time that is none": 2,  # quarantined by clean_events: bad-timestamp
    "an amount with a comma": 2,  # quarantined by flat_events: bad-decimal
    "page address that is none": 2,  # quarantined by event_parts: bad-url
    "page saved to a disk": 2,  # quarantined by event_parts: bad-url
    "clock ahead": 6,  # quarantined by sound: clock-ahead
    "clock a little ahead": 8,  # borne: less than five minutes
    "clock years behind": 3,  # quarantined by sound: too-old
    "page of somebody else": 4,  # quarantined by sound: our-site
    "amount in cents": 2,  # quarantined by sound: plausible-amount
    "Swiss francs": 2,  # quarantined by sound: euros
    "sent again": 30,  # dropped by clean_events
    "thank-you page loaded again": 4,  # left out by arrivals
    "received minutes late": 25,  # put in its place by numbered
    "late": 7,  # quarantined by numbered: late
    "offline sessions": 4,  # sessions that arrive whole, hours later: nothing is wrong with them
    "sum of floats": 6,  # rounded: 59.849999999999994
    "null as text": 20,  # null
    "white space, upper case": 25,  # repaired
    "unknown event": 3,  # warned of by sound: known-event
    "e-mail in a search": 3,  # redacted
    "e-mail in a path": 2,  # redacted
    "product price that is none": 2,  # purchases; their lines are quarantined by order_lines: bad-decimal
}
# Lines of the access log.
LOG_DIRT = {
    "line cut short": 2,  # quarantined by requests: no-match
    "line of the error log": 3,  # quarantined by requests: no-match
    "no HTTP at all": 14,  # left out: TLS to the plain port, empty requests, time-outs
    "line twice, around a rotation": 18,  # three each time; pages are left out by arrivals, the others earlier
    "e-mail in a path": 2,  # redacted
}

WINDOWS, MAC = "Mozilla/5.0 (Windows NT 10.0; Win64; x64", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7"
CHROME, SAFARI = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0", "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BROWSERS = [
    WINDOWS + ") " + CHROME + " Safari/537.36",
    WINDOWS + "; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    WINDOWS + ") " + CHROME + " Safari/537.36 Edg/{v}.0.0.0",
    MAC + ") " + SAFARI + " Version/17.{w} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{w} like Mac OS X) " + SAFARI + " Version/17.{w} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{w} like Mac OS X) " + SAFARI + " Version/18.{w} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; K) " + CHROME + " Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; SM-S911B) "
    + CHROME.replace("Chrome/", "SamsungBrowser/2{w}.0 Chrome/")
    + " Mobile Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 17_{w} like Mac OS X) " + SAFARI + " Version/17.{w} Mobile/15E148 Safari/604.1",
]
MONITOR = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
GOOGLEBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) "
    "Chrome/131.0.0.0 Safari/537.36"
)
HEADLESS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36"
)
# With the share of the bots' requests that they make.
BOTS = [
    (GOOGLEBOT, 5),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 3),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 4),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", 4),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", 1),
    ("python-requests/2.31.0", 2),
    ("Go-http-client/1.1", 2),
    ("curl/8.5.0", 1),
    (HEADLESS, 1),
    ("Mozilla/5.0 zgrab/0.x", 2),
    ("-", 2),
]
PRODUCTS = [
    (f"{kind[:2].upper()}-{100 + 7 * number}", f"{kind} {name}", kind.lower() + "s", price)
    for number, (kind, name, price) in enumerate(
        [
            ("Boot", "Alta", 18995),
            ("Boot", "Brenta", 22995),
            ("Boot", "Cima", 14995),
            ("Boot", "Dolo", 9995),
            ("Jacket", "Regen", 12990),
            ("Jacket", "Sturm", 24990),
            ("Jacket", "Wind", 8990),
            ("Tent", "Eins", 19900),
            ("Tent", "Zwei", 34900),
            ("Tent", "Vier", 59900),
            ("Backpack", "20", 6995),
            ("Backpack", "35", 11995),
            ("Backpack", "60", 18900),
            ("Sock", "Merino", 1995),
            ("Sock", "Liner", 1295),
            ("Bottle", "0.7", 1890),
            ("Bottle", "1.0", 2190),
            ("Lamp", "Stirn", 3990),
        ]
    )
]
TOURS = (
    "alpsee brockenweg eifelsteig feldberg goldsteig harzrunde kellerwald malerweg nordpfad rennsteig "
    "rheinsteig soonwald"
).split()
HOWTOS = "blisters boots-care layers map-reading packing rain tents water waxing winter".split()
SEARCHES = [
    "boots",
    "rain jacket",
    "merino socks",
    "tent 2 persons",
    "backpack 35l",
    "waterproof",
    "gift card",
    "gaiters",
]
REFERRERS = {
    "search": ["https://www.google.com/"] * 4
    + ["https://www.google.de/"] * 3
    + [
        "https://www.bing.com/",
        "https://duckduckgo.com/",
        "https://www.ecosia.org/",
        "android-app://com.google.android.googlequicksearchbox/",
    ],
    "social": [
        "https://l.instagram.com/",
        "https://m.facebook.com/",
        "https://l.facebook.com/",
        "https://t.co/aB3dE",
        "https://www.youtube.com/",
    ],
    "referral": [
        "https://wanderblog.example/alps/packing",
        "https://forum.hikers.example/t/4711",
        "https://tests.example/boots",
    ],
}
MAILS = ["ada.berg@example.com", "hugo.klein@example.net", "ines.roth@example.org"]
ALPHABET = "0123456789abcdef"


class Dice:
    """Chance that is the same in every version of Python: only `random()` is promised to stay."""

    def __init__(self, seed):
        self.source = random.Random(seed)

    def below(self, limit):
        return int(self.source.random() * limit)

    def between(self, low, high):
        return low + (high - low) * self.source.random()

    def chance(self, share):
        return self.source.random() < share

    def pick(self, items):
        return items[self.below(len(items))]

    def weighted(self, items):
        point = self.below(sum(weight for _, weight in items))
        for item, weight in items:
            point -= weight
            if point < 0:
                return item
        raise AssertionError("the point is within the sum")

    def sample(self, items, count):
        pool = list(items)
        return [pool.pop(self.below(len(pool))) for _ in range(count)]

    def hex(self, digits):
        return "".join(self.pick(ALPHABET) for _ in range(digits))

    def uuid(self):
        return f"{self.hex(8)}-{self.hex(4)}-4{self.hex(3)}-a{self.hex(3)}-{self.hex(12)}"


def seconds(count):
    return timedelta(milliseconds=int(count * 1000))


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def browser(dice):
    return dice.pick(BROWSERS).format(v=128 + dice.below(8), w=1 + dice.below(5))


def address(dice):
    """An IP address of a range that is for documents or measurements."""
    if dice.chance(0.15):
        return f"2001:db8:{dice.hex(3)}:{1 + dice.below(9)}::{1 + dice.below(99)}"
    return f"198.{18 + dice.below(2)}.{dice.below(256)}.{1 + dice.below(254)}"


def beginning(dice):
    """When somebody comes: more in the evening than in the morning, nobody at night."""
    hour = dice.weighted(
        [
            (6, 2),
            (7, 4),
            (8, 4),
            (9, 4),
            (10, 5),
            (11, 5),
            (12, 6),
            (13, 4),
            (14, 4),
            (15, 4),
            (16, 5),
            (17, 6),
            (18, 8),
            (19, 10),
            (20, 10),
            (21, 7),
            (22, 2),
        ]
    )
    return FIRST_DAY + timedelta(days=dice.below(DAYS), hours=hour) + seconds(dice.between(0, 3600))


def arrival(dice, at):
    """How somebody comes to a site: parameters of the address, and the referrer."""
    what = dice.weighted(
        [
            ("direct", 24),
            ("search", 26),
            ("cpc", 15),
            ("newsletter", 13),
            ("social", 9),
            ("guide", 7),
            ("referral", 4),
            ("flyer", 2),
        ]
    )
    if what == "cpc":
        campaign = dice.pick(["spring", "spring", "boots"])
        return (
            f"?utm_source=google&utm_medium=cpc&utm_campaign={campaign}&gclid=Cj0K{dice.hex(12)}",
            "https://www.google.com/",
        )
    if what == "newsletter":
        source, medium = dice.pick([("newsletter", "email"), ("newsletter", "email"), ("Newsletter", "Email")])
        letter = 9 if at.day < 6 or dice.chance(0.6) else 10
        return f"?utm_source={source}&utm_medium={medium}&utm_campaign=letter-{letter}", ""
    if what == "social" and dice.chance(0.4):
        return "?utm_source=instagram&utm_medium=paid_social&utm_campaign=spring", "https://l.instagram.com/"
    if what == "flyer":
        return "?utm_source=flyer&utm_medium=qr&utm_campaign=fair", ""
    if what == "guide":
        return "", f"{GUIDE}/tours/{dice.pick(TOURS)}"
    return "", dice.pick(REFERRERS[what]) if what in REFERRERS else ""


# ---- The shop ----------------------------------------------------------------------------------------------


class Visitor:
    def __init__(self, dice, ip=None, agent=None):
        self.anonymous_id = dice.uuid()
        # Some are logged in, and stay so.
        self.user_id = f"u-{10_000 + dice.below(80_000)}" if dice.chance(0.3) else None
        self.ip, self.agent = ip or address(dice), agent or browser(dice)
        self.has_storage = not dice.chance(0.05)


def event(dice, visitor, at, name, path, referrer, properties=None):
    """One event as a collector writes it. What begins with `_` is not written."""
    sent = at + seconds(dice.between(0.1, 2.0))
    return {
        "messageId": dice.uuid(),
        "event": name,
        "anonymousId": visitor.anonymous_id if visitor.has_storage else None,
        "userId": visitor.user_id,
        "originalTimestamp": iso(at),
        "sentAt": iso(sent),
        "receivedAt": None,
        "context": {
            "ip": visitor.ip,
            "userAgent": visitor.agent,
            "library": {"name": "nh.js", "version": "2.4.1"},
            "page": {"url": SHOP + path, "referrer": referrer},
        },
        "properties": properties or {},
        "_at": at,
        "_received": sent + seconds(dice.between(0.05, 0.8)),
    }


class Shop:
    """Makes sessions, and numbers orders."""

    def __init__(self, dice):
        self.dice = dice
        self.order = 50_000

    def session(self, visitor, at):
        """The events of one visit, in order."""
        dice, events = self.dice, []
        query, referrer = arrival(dice, at)
        here = None

        def add(name, path, properties=None, wait=(4, 120)):
            nonlocal at, here
            if events:
                at += seconds(dice.between(*wait) if not dice.chance(0.04) else dice.between(300, 1500))
            page = path + (query if not events else "")
            events.append(event(dice, visitor, at, name, page, referrer if not events else here, properties))
            here = SHOP + page

        landing = dice.weighted([("/", 4), ("category", 3), ("product", 4)])
        if landing == "/":
            add("page_view", "/")
        elif landing == "category":
            add("page_view", f"/c/{dice.pick(PRODUCTS)[2]}/")
        if landing != "product" and dice.chance(0.35):
            return events
        if dice.chance(0.2) and events:
            term = dice.pick(SEARCHES)
            add("search", "/search?q=" + term.replace(" ", "+"), {"query": term, "results": dice.below(20)})
        cart = []
        for sku, _, category, cents in dice.sample(PRODUCTS, 1 + dice.below(3)):
            add("product_view", f"/p/{sku.lower()}", {"sku": sku, "price": cents / 100})
            if dice.chance(0.3):
                quantity = 1 + (dice.below(3) if cents < 3000 else 0)
                cart.append((sku, quantity, cents))
                add(
                    "add_to_cart",
                    f"/p/{sku.lower()}",
                    {"sku": sku, "quantity": quantity, "price": cents / 100},
                    (3, 40),
                )
            elif dice.chance(0.3):
                add("page_view", f"/c/{category}/")
        if not cart:
            return events
        add("page_view", "/cart")
        if dice.chance(0.35):
            return events
        total = sum(quantity * cents for _, quantity, cents in cart)
        add("checkout", "/checkout", {"amount": total / 100, "currency": "EUR"})
        if dice.chance(0.3):
            return events
        self.order += 1
        if visitor.user_id is None and dice.chance(0.5):
            visitor.user_id = f"u-{10_000 + dice.below(80_000)}"
        # They come back from where they paid.
        here = "https://pay.example/return"
        names = {sku: name for sku, name, _, _ in PRODUCTS}
        add(
            "purchase",
            "/checkout/thanks",
            {
                "order_id": f"NH-{self.order}",
                "amount": total / 100,
                "currency": "EUR",
                "products": [
                    {"sku": sku, "name": names[sku], "quantity": quantity, "price": cents / 100}
                    for sku, quantity, cents in cart
                ],
            },
            (60, 240),
        )
        return events

    def sessions(self):
        dice, sessions = self.dice, []
        for _ in range(SHOPPERS):
            visitor, at = Visitor(dice), beginning(dice)
            for _ in range(1 + dice.below(3) if dice.chance(0.45) else 1):
                sessions.append(self.session(visitor, at))
                at = sessions[-1][-1]["_at"] + seconds(dice.between(3600, 60_000))
                if at >= FIRST_DAY + timedelta(days=DAYS):
                    break
        return [
            session
            for session in sessions
            if session[-1]["_at"] < FIRST_DAY + timedelta(days=DAYS) - timedelta(hours=1)
        ]

    def others(self):
        """The staff's clicks, bots that run scripts, and a tab that loads itself again for seven hours."""
        dice, events = self.dice, []
        for number in range(8):
            staff = Visitor(dice, ip=f"203.0.113.{10 + number}")
            events += self.session(
                staff, FIRST_DAY + timedelta(days=number % 5, hours=8) + seconds(dice.between(0, 30_000))
            )
        for agent, count in ((GOOGLEBOT, 24), (HEADLESS, 6)):
            for _ in range(count):
                bot = Visitor(dice, agent=agent)
                bot.has_storage = True
                events.append(
                    event(dice, bot, beginning(dice), "product_view", f"/p/{dice.pick(PRODUCTS)[0].lower()}", "")
                )
        tab, at = Visitor(dice, agent=BROWSERS[0].format(v=131)), FIRST_DAY + timedelta(days=2, hours=9)
        tab.has_storage = True
        for number in range(42):
            events.append(
                event(
                    dice,
                    tab,
                    at + seconds(600 * number),
                    "page_view",
                    "/c/tents/",
                    SHOP + "/c/tents/" if number else "",
                )
            )
        return events


def received_late(dice, sessions, clean):
    """Events that came minutes late, those that came in or after the next session, and whole sessions."""
    by_visitor = {}
    for session in sessions:
        by_visitor.setdefault(session[0]["anonymousId"], []).append(session)
    twice = [
        visits
        for name, visits in by_visitor.items()
        if name and len(visits) > 1 and len(visits[0]) > 2 and len(visits[1]) > 1
    ]
    # Some are the first of their session and come another day, when that session has been published.
    overnight = dice.sample([visits for visits in twice if visits[0][-1]["_at"].date() < visits[1][0]["_at"].date()], 3)
    others = dice.sample([visits for visits in twice if visits not in overnight], DIRT["late"] - len(overnight))
    for first, second, *_ in overnight + others:
        one = first[0] if [first, second, *_] in overnight else dice.pick(first[1:])
        one["_received"] = second[1]["_received"] + seconds(1)
        one["sentAt"] = iso(one["_received"] - seconds(0.2))
        clean.discard(one["messageId"])
        # What it is measured by has to stay.
        clean.difference_update(item["messageId"] for item in [*first, *second])
    for session in dice.sample(
        [s for s in sessions if len(s) > 3 and all(e["messageId"] in clean for e in s)], DIRT["offline sessions"]
    ):
        at = session[-1]["_at"] + seconds(dice.between(7_000, 20_000))
        for item in session:
            item["sentAt"], item["_received"] = iso(at), at + seconds(0.3)
            clean.discard(item["messageId"])
    early = [e for s in sessions if len(s) > 3 for e in s[:-1] if e["messageId"] in clean]
    for item in dice.sample(early, DIRT["received minutes late"]):
        sent = item["_at"] + seconds(dice.between(90, 480))
        item["sentAt"], item["_received"] = iso(sent), sent + seconds(0.4)
        clean.discard(item["messageId"])


def spoil(dice, sessions, events):
    """Puts the dirt in; what comes back are the lines, with when and where they were received."""
    clean = {item["messageId"] for session in sessions for item in session}
    received_late(dice, sessions, clean)

    def take(kind, which=lambda item: True):
        chosen = dice.sample([item for item in events if item["messageId"] in clean and which(item)], DIRT[kind])
        clean.difference_update(item["messageId"] for item in chosen)
        return chosen

    def is_purchase(item):
        return item["event"] == "purchase"

    for item in take(
        "sum of floats", lambda item: item["event"] in ("purchase", "checkout") and item["properties"]["amount"] < 900
    ):
        # As browsers write what they added.
        item["properties"]["amount"] += dice.pick([1.2e-12, -1.1e-12])
    for item in take("an amount with a comma", lambda item: item["event"] == "checkout"):
        item["properties"]["amount"] = f"{item['properties']['amount']:.2f}".replace(".", ",")
    for item in take("amount in cents", lambda item: is_purchase(item) and item["properties"]["amount"] > 100):
        item["properties"]["amount"] = round(item["properties"]["amount"] * 100)
    for item in take("Swiss francs", is_purchase):
        item["properties"]["currency"] = "CHF"
    for item in take("product price that is none", is_purchase):
        item["properties"]["products"][-1]["price"] = "on request"
    copies = []
    for item in take("thank-you page loaded again", is_purchase):
        again = seconds(dice.between(30, 900))
        copies.append(
            {
                **item,
                "messageId": dice.uuid(),
                "originalTimestamp": iso(item["_at"] + again),
                "sentAt": iso(item["_at"] + again + seconds(0.3)),
                "_at": item["_at"] + again,
                "_received": item["_received"] + again,
            }
        )
    for item in take("e-mail in a search", lambda item: item["event"] == "search"):
        mail = dice.pick(MAILS)
        item["properties"]["query"] = mail
        item["context"]["page"]["url"] = f"{SHOP}/search?q={mail.replace('@', '%40')}"
    for item in take("e-mail in a path", lambda item: item["event"] == "page_view"):
        item["context"]["page"]["url"] = f"{SHOP}/account/unsubscribe/{dice.pick(MAILS)}"
    for item in take("no message id"):
        item["messageId"] = None
    for place, item in enumerate(take("no time")):
        item["originalTimestamp"] = None if place else ""
    for item in take("a time that is none"):
        item["originalTimestamp"] = dice.pick(["Invalid Date", "2026-03-02T25:61:00Z"])
    for item in take("page address that is none"):
        item["context"]["page"]["url"] = dice.pick(
            ["https://www.nordhang.example/c/rain jackets", "https://[www.nordhang.example/"]
        )
    for item in take("clock ahead"):
        at = item["_at"] + seconds(dice.between(3600, 30_000_000))
        item["originalTimestamp"], item["sentAt"] = iso(at), iso(at + seconds(0.3))
    for item in take("clock a little ahead"):
        at = item["_at"] + seconds(dice.between(20, 200))
        item["originalTimestamp"], item["sentAt"] = iso(at), iso(at + seconds(0.3))
    for item in take("clock years behind"):
        at = datetime(2015, 1, 1, tzinfo=timezone.utc) + seconds(dice.between(0, 5000))
        item["originalTimestamp"], item["sentAt"] = iso(at), iso(at + seconds(0.3))
    for item in take("page of somebody else"):
        site = dice.pick(["https://nordhang-outlet.example", "http://localhost:3000"])
        item["context"]["page"]["url"] = site + item["context"]["page"]["url"][len(SHOP) :]
    for item in take("page saved to a disk"):
        item["context"]["page"]["url"] = "file:///C:/Users/Jun/Downloads/shop.html"
    for item in take("null as text", lambda item: item["userId"] is None):
        item["userId"] = dice.pick(["null", "undefined", ""])
    for item in take("white space, upper case"):
        item["event"] = dice.pick([item["event"].upper(), f" {item['event']}", item["event"].title()])
    for item in take("unknown event", lambda item: item["event"] == "page_view"):
        item["event"] = "debug_scroll"
    for item in take("sent again"):
        again = seconds(dice.between(5, 400))
        copies.append(
            {**item, "sentAt": iso(item["_received"] + again - seconds(0.2)), "_received": item["_received"] + again}
        )

    lines = []
    for item in events + copies:
        item["receivedAt"] = iso(item["_received"])
        text = json.dumps(
            {name: value for name, value in item.items() if name[0] != "_"}, ensure_ascii=False, separators=(",", ":")
        )
        lines.append([item["_received"], dice.below(2), text, item["messageId"] in clean])
    lines.sort(key=lambda line: (line[0], line[1]))
    whole = [place for place, line in enumerate(lines) if line[3]]
    for place in dice.sample(whole, DIRT["line cut short"]):
        lines[place][2] = lines[place][2][: 60 + dice.below(300)]
        whole.remove(place)
    for place in dice.sample(whole, DIRT["two events in one line"]):
        # The line break between two events was lost: both are.
        other = next(other for other in whole if other > place)
        whole = [left for left in whole if left not in (place, other)]
        lines[place][2] += lines[other][2]
        lines[other][2] = None
    return [line[:3] for line in lines if line[2] is not None]


def shop(dice):
    maker = Shop(dice)
    sessions = maker.sessions()
    events = [item for session in sessions for item in session] + maker.others()
    files = {}
    for received, collector, text in spoil(dice, sessions, events):
        files.setdefault(f"{received:%Y-%m-%d}.collector-{1 + collector}.jsonl", []).append(text)
    write("events", files)


# ---- The guide ---------------------------------------------------------------------------------------------


def log_line(ip, at, request, status, size, referrer, agent):
    local = (at + timedelta(hours=1)).strftime("%d/%b/%Y:%H:%M:%S +0100")
    return f'{ip} - - [{local}] "{request}" {status} {size} "{referrer or "-"}" "{agent}"'


def get(path):
    return f"GET {path} HTTP/1.1"


def reader(dice, lines):
    """One who reads, in one to three visits; each page brings some of its files along."""
    ip, agent, at = address(dice), browser(dice), beginning(dice)
    for _ in range(1 + dice.below(3) if dice.chance(0.3) else 1):
        query, referrer = arrival(dice, at)
        for number in range(1 + dice.below(5) if dice.chance(0.6) else 1):
            path = dice.weighted(
                [("/", 1), (f"/tours/{dice.pick(TOURS)}", 4), (f"/howto/{dice.pick(HOWTOS)}", 4), ("/tours/", 1)]
            )
            url = path + ("" if number else query)
            status = 304 if dice.chance(0.1) else 404 if dice.chance(0.03) else 200
            size = 0 if status == 304 else 4000 + dice.below(30_000)
            lines.append((at, log_line(ip, at, get(url), status, size, referrer, agent)))
            referrer = GUIDE + url
            assets = ["/assets/site.css", "/assets/site.js", f"/img/{dice.pick(TOURS)}.webp"]
            for asset in assets[: 0 if number else dice.below(3)]:
                loaded, size = at + seconds(1), 900 + dice.below(90_000)
                lines.append((loaded, log_line(ip, loaded, get(asset), 200, size, referrer, agent)))
            at += seconds(dice.between(8, 400))
        at += seconds(dice.between(4000, 90_000))
        if at > FIRST_DAY + timedelta(days=DAYS, hours=-1):
            return


def machines(dice, lines):
    """Crawlers, scanners, the monitor, the staff, and a program that says that it is a browser."""
    for number in range(280):
        at, agent = FIRST_DAY + seconds(dice.between(0, DAYS * 86_400 - 10)), dice.weighted(BOTS)
        path = dice.pick(
            [f"/tours/{dice.pick(TOURS)}", f"/howto/{dice.pick(HOWTOS)}", "/robots.txt", "/sitemap.xml", "/"]
        )
        status = 200
        if agent in ("-", "Mozilla/5.0 zgrab/0.x", "Go-http-client/1.1"):
            path, status = dice.pick([("/wp-login.php", 404), ("/.env", 404), ("/", 200), ("/admin/", 404)])
        lines.append((at, log_line(f"192.0.2.{20 + number % 60}", at, get(path), status, dice.below(9000), "", agent)))
    for number in range(DAYS * 8):
        at = FIRST_DAY + timedelta(hours=3 * number, minutes=1)
        lines.append(
            (
                at,
                log_line(
                    "192.0.2.10",
                    at,
                    get("/"),
                    200,
                    4711,
                    "",
                    MONITOR,
                ),
            )
        )
    for number in range(15):
        at = FIRST_DAY + timedelta(days=number % 5, hours=9, minutes=7 * number)
        lines.append(
            (
                at,
                log_line(
                    "203.0.113.12", at, get(f"/howto/{HOWTOS[number % 10]}"), 200, 9000, "", BROWSERS[0].format(v=131)
                ),
            )
        )
    at = FIRST_DAY + timedelta(days=3, hours=2)
    for number in range(130):
        path = f"/tours/{TOURS[number % 12]}?page={1 + number // 12}"
        lines.append((at, log_line("198.18.77.7", at, get(path), 200, 8000, "", BROWSERS[0].format(v=120))))
        at += seconds(dice.between(1, 3))


def guide(dice):
    lines = []
    for _ in range(READERS):
        reader(dice, lines)
    machines(dice, lines)
    for place in range(LOG_DIRT["e-mail in a path"]):
        at = beginning(dice)
        lines.append(
            (at, log_line(address(dice), at, get(f"/letter/unsubscribe/{MAILS[place]}"), 200, 700, "", browser(dice)))
        )
    for _ in range(LOG_DIRT["no HTTP at all"]):
        at = beginning(dice)
        request, status = dice.pick(
            [("\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03", 400), ("", 400), ("-", 408)]
        )
        lines.append(
            (at, log_line(f"192.0.2.{100 + dice.below(50)}", at, request, status, 157 if status == 400 else 0, "", "-"))
        )
    lines.sort(key=lambda line: (line[0].replace(microsecond=0), line[1]))
    files = {}
    for at, text in lines:
        files.setdefault(f"access-{at:%Y-%m-%d}.log", []).append(text)
    names = sorted(files)
    for name in dice.sample(names, LOG_DIRT["line of the error log"]):
        day = name[7:17].replace("-", "/")
        files[name].insert(
            len(files[name]) // 2,
            f'{day} 11:20:05 [error] 31#31: *{dice.below(9000)} open() "/srv/guide/tours/x" failed '
            "(2: No such file or directory), client: 192.0.2.33, server: guide.nordhang.example",
        )
    for name in dice.sample(names, LOG_DIRT["line cut short"]):
        # A probe of somebody's, so that nothing else is lost.
        files[name].insert(
            len(files[name]) // 3,
            f'192.0.2.{200 + dice.below(50)} - - [{name[15:17]}/Mar/2026:10:11:12 +0100] "GET /wp-adm',
        )
    # The log was copied while nginx still wrote: the last lines of each day stand in the next file again.
    again = LOG_DIRT["line twice, around a rotation"] // (DAYS - 1)
    for before, after in reversed(list(zip(names, names[1:]))):
        files[after][:0] = files[before][-again:]
    write("access", files)


def write(folder, files):
    (DATA / folder).mkdir(parents=True, exist_ok=True)
    for path in (DATA / folder).iterdir():
        path.unlink()
    for name, lines in files.items():
        (DATA / folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    shop(Dice(SEED))
    guide(Dice(SEED + 1))


if __name__ == "__main__":
    main()
