#!/usr/bin/env python3
"""Makes data/ and served/: four days of a carrier's cooled trucks and cold stores, and the device registry.

    python3 prepare.py

Nothing in it is real but the places of the cities. The days are those around the change of clocks: 27 to 30 March 2026
in Berlin, of which the 29th has 23 hours. The same files come out byte by byte: chance comes from `random()` alone, and
nothing is computed with sines.

What is wrong with the data is counted in `DIRT`.
"""

import csv
import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent
DATA, SERVED = HERE / "data", HERE / "served"
SEED = 29
UTC, WINTER, SUMMER = timezone.utc, timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
START, END = datetime(2026, 3, 26, 23, tzinfo=UTC), datetime(2026, 3, 30, 22, tzinfo=UTC)
CHANGE = datetime(2026, 3, 29, 1, tzinfo=UTC)

# How often each kind of dirt occurs: in lines of the trucks and stores, in messages of the feed.
DIRT = {
    "trucks": {
        "line cut short": 4,  # quarantined
        "bytes that are no UTF-8": 2,  # quarantined
        "temperature that is no number": 5,  # quarantined
        "no time": 3,  # quarantined
        "impossible time": 2,  # quarantined
        "battery not known": 30,  # null
        "door not known": 15,  # null
        "no fix: 0, 0": 80,  # no position
        "meter not readable: 0": 12,  # null
        "sent again": 60,  # dropped
        "heard by both gateways": 45,  # dropped
        "clock ahead": 6,  # quarantined
        "clock at 1970": 5,  # quarantined
        "probe not connected: -127": 7,  # quarantined
        "probe just switched on: 85": 4,  # quarantined
        "temperature without its point": 3,  # quarantined
        "bad coordinates": 6,  # quarantined
        "latitude and longitude exchanged": 5,  # quarantined
    },
    "stores": {
        "header in the middle": 2,  # quarantined
        "temperature that is no number": 3,  # quarantined
    },
    "feed": {
        "line cut short": 3,  # quarantined
        "payload cut short": 3,  # quarantined
        "temperature that is no number": 2,  # quarantined, with the other readings of the message
        "heartbeat": 40,  # left out
        "sent twice": 15,  # its readings dropped
    },
}

PLACES = {
    "hamburg": (53.528, 10.021), "berlin": (52.352, 13.309), "leipzig": (51.391, 12.409),
    "luebeck": (53.871, 10.693), "potsdam": (52.391, 13.069), "halle": (51.479, 11.971),
}
CHILLED, FROZEN = (2.0, 7.0), (None, -18.0)
# Device, home, where it drives, hours of one way, what it cools to, how much it takes (Wh in 5 minutes).
TRUCKS = [
    ("KT-101", "hamburg", "luebeck", 1.2, 4.2, 190), ("KT-102", "hamburg", "berlin", 3.6, 4.0, 210),
    ("KT-103", "berlin", "potsdam", 0.7, 3.8, 180), ("KT-104", "berlin", "leipzig", 2.4, 4.4, 200),
    ("KT-105", "leipzig", "halle", 0.9, -21.5, 320),
]
FEED_TRUCKS = [("FT-21", "leipzig", "berlin", 2.5, 4.1, 205), ("FT-22", "hamburg", "luebeck", 1.3, -22.0, 330)]
STORES = [
    ("CS-01", "hamburg", 3.6, 900), ("CS-02", "berlin", -22.5, 2100),
    ("CS-03", "leipzig", 4.4, 800), ("CS-04", "leipzig", -21.8, 1900),
]
# A unit on trial that nobody registered, and one that was taken out of service and went on sending in the workshop.
TRIAL, RETIRED = "KT-190", "KT-109"
NEVER_CHARGED = "KT-105"
# The meter begins anew after an interruption of its supply.
RESETS = {
    "KT-102": datetime(2026, 3, 28, 6, 2, tzinfo=UTC),
    "CS-02": datetime(2026, 3, 29, 10, 4, tzinfo=UTC),
    "FT-22": datetime(2026, 3, 27, 14, 7, tzinfo=UTC),
}
# No reception from, until: what was measured is sent afterwards, the newest first.
DEAD_ZONES = {
    "KT-101": (datetime(2026, 3, 27, 5, 40, tzinfo=UTC), datetime(2026, 3, 27, 6, 55, tzinfo=UTC)),
    "KT-104": (datetime(2026, 3, 30, 5, 30, tzinfo=UTC), datetime(2026, 3, 30, 10, 35, tzinfo=UTC)),
}
# Nothing was measured from, until.
SILENT = {
    "KT-105": (datetime(2026, 3, 28, 16, 20, tzinfo=UTC), datetime(2026, 3, 28, 20, 50, tzinfo=UTC)),
    "CS-01": (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 2, 35, tzinfo=UTC)),
    # In the middle of its excursion.
    "KT-102": (datetime(2026, 3, 30, 12, 40, tzinfo=UTC), datetime(2026, 3, 30, 13, 30, tzinfo=UTC)),
}
# Too warm from, until, by how many degrees at the most.
FAILURES = {
    "KT-104": (datetime(2026, 3, 28, 9, 10, tzinfo=UTC), datetime(2026, 3, 28, 12, 0, tzinfo=UTC), 8.0),
    "CS-04": (datetime(2026, 3, 29, 0, 25, tzinfo=UTC), datetime(2026, 3, 29, 2, 35, tzinfo=UTC), 9.0),
    "KT-102": (datetime(2026, 3, 30, 11, 50, tzinfo=UTC), datetime(2026, 3, 30, 14, 40, tzinfo=UTC), 7.5),
    # Too short to be told of.
    "KT-103": (datetime(2026, 3, 27, 6, 0, tzinfo=UTC), datetime(2026, 3, 27, 6, 40, tzinfo=UTC), 4.2),
    "FT-21": (datetime(2026, 3, 27, 15, 0, tzinfo=UTC), datetime(2026, 3, 27, 16, 30, tzinfo=UTC), 5.5),
}
# The probe says the same all the time.
STUCK = {"CS-03": (datetime(2026, 3, 29, 13, 0, tzinfo=UTC), datetime(2026, 3, 29, 18, 0, tzinfo=UTC))}


class Dice:
    """Chance that is the same in every version of Python: only `random()` is promised to stay."""

    def __init__(self, seed):
        self.source = random.Random(seed)

    def below(self, limit):
        return int(self.source.random() * limit)

    def between(self, low, high):
        return low + self.source.random() * (high - low)

    def pick(self, items):
        return items[self.below(len(items))]

    def take(self, pool, count):
        """So many of a list, which then lacks them: no line is spoilt twice."""
        return [pool.pop(self.below(len(pool))) for _ in range(count)]


# ---- what was measured -------------------------------------------------------------------------------------


def within(span, at):
    return span is not None and span[0] <= at < span[1]


def triangle(minutes, period):
    """A wave from -1 to 1."""
    phase = minutes % period / period
    return 4 * abs(phase - 0.5) - 1


def warming(device, at):
    failure = FAILURES.get(device)
    if not within(failure, at):
        return 0.0
    done = (at - failure[0]) / (failure[1] - failure[0])
    return failure[2] * min(1.0, 1.6 * (1 - abs(2 * done - 1)))


def trip(dice, at, home, there, hours):
    """Where a truck is, and whether it is being unloaded: it leaves at 6 o'clock, and stands on Sundays."""
    local = at.astimezone(WINTER if at < CHANGE else SUMMER)
    since = local.hour + local.minute / 60 - 6
    start, end = PLACES[home], PLACES[there]
    unloading = False
    if local.weekday() == 6 or since < 0 or since > 2 * hours + 1:
        share = 0.0
    elif since < hours:
        share = since / hours
    elif since <= hours + 1:
        share, unloading = 1.0, True
    else:
        share = 1 - (since - hours - 1) / hours
    lat = start[0] + share * (end[0] - start[0]) + dice.between(-0.0004, 0.0004)
    lon = start[1] + share * (end[1] - start[1]) + dice.between(-0.0004, 0.0004)
    return lat, lon, unloading


def measured(dice, device, home, setpoint, watts, step, drive=None):
    """Readings of one device: dictionaries with `at`, `temperature`, `open`, `wh`, `battery`, and of trucks a place."""
    meter = 200_000 + dice.below(600_000)
    battery = dice.between(70, 95) if device != NEVER_CHARGED else 36.0
    reset, warmed, stuck = RESETS.get(device), 0.0, None
    at = START + timedelta(minutes=step)
    while at < END:
        minutes = (at - START) // timedelta(minutes=1)
        lat = lon = None
        unloading = False
        if drive is not None:
            lat, lon, unloading = trip(dice, at, home, *drive)
        is_open = (unloading and dice.below(10) < 4) or (drive is None and dice.below(100) < 6)
        warmed = 0.75 * warmed + (dice.between(0.2, 0.7) if is_open else 0.0)
        meter += dice.below(watts) + watts // 2
        if reset is not None and at >= reset:
            meter, reset = 5 + dice.below(40), None
        battery = battery - 0.02 if battery > 8 else 92.0
        temperature = setpoint + 0.5 * triangle(minutes, 85) + dice.between(-0.25, 0.25) + warmed + warming(device, at)
        if within(STUCK.get(device), at):
            temperature = stuck = stuck if stuck is not None else temperature
        if not within(SILENT.get(device), at):
            yield {
                "device": device, "at": at, "received": at + timedelta(seconds=2 + dice.below(9)),
                "temperature": temperature, "open": is_open,
                "wh": meter, "battery": round(battery), "lat": lat, "lon": lon,
            }
        at += timedelta(minutes=step)


def delayed(device, readings):
    """Where there was no reception: the newest reading comes first, and then what was kept."""
    zone = DEAD_ZONES.get(device)
    if zone is None:
        return readings
    kept = [reading for reading in readings if within(zone, reading["at"])]
    for number, reading in enumerate(kept[:-1]):
        reading["received"] = zone[1] + timedelta(seconds=20 + 2 * number)
    kept[-1]["received"] = zone[1] + timedelta(seconds=4)
    return readings


# ---- trucks: two gateways, CSV -----------------------------------------------------------------------------


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def truck_fields(reading):
    return {
        "device": reading["device"], "at": iso(reading["at"]), "received_at": iso(reading["received"]),
        "temp_c": f"{reading['temperature']:.2f}",
        "door": "open" if reading["open"] else "closed", "energy_wh": str(reading["wh"]),
        "lat": f"{reading['lat']:.6f}",
        "lon": f"{reading['lon']:.6f}", "battery": str(reading["battery"]),
    }


def write_trucks(dice):
    dirt = DIRT["trucks"]
    lines = {"north": [], "south": []}
    pool = []
    for device, home, there, hours, setpoint, watts in TRUCKS:
        gateway = "north" if home == "hamburg" else "south"
        for reading in delayed(device, list(measured(dice, device, home, setpoint, watts, 5, (there, hours)))):
            entry = [reading["received"], truck_fields(reading)]
            lines[gateway].append(entry)
            # What is too warm, or came late, is a story of its own, and stays as it is.
            if not within(DEAD_ZONES.get(device), reading["at"]) and not within(FAILURES.get(device), reading["at"]):
                pool.append((gateway, entry))
    extra = [
        (TRIAL, "berlin", datetime(2026, 3, 30, 7, tzinfo=UTC), 40),
        (RETIRED, "leipzig", datetime(2026, 3, 28, 10, tzinfo=UTC), 48),
    ]
    for device, home, first, count in extra:
        for reading in measured(dice, device, home, 4.0, 150, 5, (home, 1.0)):
            if reading["at"] >= first and count > 0:
                lines["south"].append([reading["received"], truck_fields(reading)])
                count -= 1

    def spoil(kind, column, values):
        for number, (_, entry) in enumerate(dice.take(pool, dirt[kind])):
            entry[1][column] = values[number % len(values)]

    spoil("temperature that is no number", "temp_c", ["ERR", "NaN"])
    spoil("no time", "at", [""])
    spoil("impossible time", "at", ["2026-02-30T08:15:00Z", "2026-03-28T24:61:00Z"])
    spoil("battery not known", "battery", ["--"])
    spoil("door not known", "door", ["?"])
    spoil("meter not readable: 0", "energy_wh", ["0"])
    spoil("probe not connected: -127", "temp_c", ["-127.00"])
    spoil("probe just switched on: 85", "temp_c", ["85.00"])
    for _, entry in dice.take(pool, dirt["temperature without its point"]):
        entry[1]["temp_c"] = entry[1]["temp_c"].replace(".", "")
    for _, entry in dice.take(pool, dirt["no fix: 0, 0"]):
        entry[1]["lat"] = entry[1]["lon"] = "0.000000"
    for number, (_, entry) in enumerate(dice.take(pool, dirt["clock ahead"])):
        entry[1]["at"] = iso(entry[0] + [timedelta(days=1), timedelta(hours=7), timedelta(days=3650)][number % 3])
    for number, (_, entry) in enumerate(dice.take(pool, dirt["clock at 1970"])):
        entry[1]["at"] = iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=30 + 300 * number))
    for number, (_, entry) in enumerate(dice.take(pool, dirt["bad coordinates"])):
        # The point was lost, or the longitude.
        if number % 2:
            entry[1]["lon"] = ""
        else:
            entry[1]["lat"] = entry[1]["lat"].replace(".", "")[:4]
    for _, entry in dice.take(pool, dirt["latitude and longitude exchanged"]):
        entry[1]["lat"], entry[1]["lon"] = entry[1]["lon"], entry[1]["lat"]
    for gateway, (received, fields) in dice.take(pool, dirt["sent again"]):
        again = received + timedelta(seconds=15 + dice.below(240))
        lines[gateway].append([again, {**fields, "received_at": iso(again)}])
    for gateway, (received, fields) in dice.take(pool, dirt["heard by both gateways"]):
        heard = received + timedelta(seconds=dice.below(3))
        lines["south" if gateway == "north" else "north"].append([heard, {**fields, "received_at": iso(heard)}])
    cut = {id(entry[1]) for _, entry in dice.take(pool, dirt["line cut short"])}
    noise = {id(entry[1]) for _, entry in dice.take(pool, dirt["bytes that are no UTF-8"])}

    for gateway, entries in lines.items():
        entries.sort(key=lambda entry: entry[0])
        with open(DATA / "trucks" / f"gateway-{gateway}.csv", "wb") as file:
            file.write((",".join(entries[0][1]) + "\n").encode())
            for _, fields in entries:
                line = ",".join(fields.values())
                if id(fields) in cut:
                    line = line[: line.index(fields["lat"]) - 1]
                encoded = line.encode()
                if id(fields) in noise:
                    encoded = encoded.replace(b"closed", b"cl\xf8\xffed").replace(b"open", b"o\xf8\xffn")
                file.write(encoded + b"\n")


# ---- cold stores: CSV as a German spreadsheet has it -------------------------------------------------------


def write_stores(dice):
    lines = []
    for device, home, setpoint, watts in STORES:
        for reading in measured(dice, device, home, setpoint, watts, 10):
            # The logger knows no summer time.
            local = reading["at"].astimezone(WINTER)
            temperature = f"{reading['temperature']:.1f}" if device != "CS-03" else f"{reading['temperature']:.2f}"
            lines.append((reading["at"], [
                device, local.strftime("%d.%m.%Y %H:%M"), temperature.replace(".", ","),
                "auf" if reading["open"] else "zu",
                f"{reading['wh'] / 1000:.3f}".replace(".", ","),
            ]))
    lines.sort(key=lambda line: line[0])
    told = [FAILURES, STUCK]
    pool = [line for line in lines if not any(within(spans.get(line[1][0]), line[0]) for spans in told)]
    for number, (_, fields) in enumerate(dice.take(pool, DIRT["stores"]["temperature that is no number"])):
        fields[2] = ["####", "Fühlerbruch"][number % 2]
    header = ["Fühler", "Zeit", "Temp °C", "Tür", "Zähler kWh"]
    half = datetime(2026, 3, 28, 23, tzinfo=UTC)
    # Exports overlap by three hours, and each was put together of two files.
    for name, first, last in [("stores-kw13a", START, half + timedelta(hours=3)), ("stores-kw13b", half, END)]:
        rows = [fields for at, fields in lines if first < at <= last]
        rows.insert(len(rows) // 2, header)
        with open(DATA / "stores" / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";", lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)


# ---- another maker: messages with three readings each, JSON lines ------------------------------------------


def write_feed(dice):
    dirt = DIRT["feed"]
    messages, pool = [], []
    for device, home, there, hours, setpoint, watts in FEED_TRUCKS:
        readings = list(measured(dice, device, home, setpoint, watts * 2, 10, (there, hours)))
        for number in range(0, len(readings), 3):
            three = readings[number : number + 3]
            last = three[-1]
            payload = {
                "fw": "4.2.1",
                "fix": {"lat": round(last["lat"], 5), "lon": round(last["lon"], 5), "sats": 5 + dice.below(8)},
                "batt": {"mv": 3000 + 12 * last["battery"]},
                "readings": [
                    {
                        "t": int(reading["at"].timestamp()), "f": round(reading["temperature"] * 9 / 5 + 32, 1),
                        "door": 1 if reading["open"] else 0, "kwh": reading["wh"] / 1000,
                    }
                    for reading in three
                ],
            }
            message = [last["received"], f"fleet/{device}/telemetry", payload, ""]
            messages.append(message)
            if not any(within(FAILURES.get(device), reading["at"]) for reading in three):
                pool.append(message)
    for number, message in enumerate(dice.take(pool, dirt["temperature that is no number"])):
        message[2]["readings"][number % 3]["f"] = "n/a"
    for message in dice.take(pool, dirt["line cut short"]):
        message[3] = "line"
    for message in dice.take(pool, dirt["payload cut short"]):
        message[3] = "payload"
    for received, topic, payload, _ in dice.take(pool, dirt["sent twice"]):
        messages.append([received + timedelta(milliseconds=1500), topic, payload, ""])
    for number in range(dirt["heartbeat"]):
        device = FEED_TRUCKS[number % 2][0]
        at = START + timedelta(minutes=17 + 142 * number)
        messages.append([at, f"fleet/{device}/status", {"fw": "4.2.1", "up": 3600 * number}, ""])
    messages.sort(key=lambda message: (message[0], message[1]))
    with open(DATA / "feed" / "telemetry.jsonl", "w", encoding="utf-8") as file:
        for number, (received, topic, payload, cut) in enumerate(messages):
            local = received.astimezone(WINTER if received < CHANGE else SUMMER)
            text = json.dumps(payload, separators=(",", ":"))
            if cut == "payload":
                text = text[: 2 * len(text) // 3]
            received_at = local.isoformat(timespec="milliseconds")
            line = json.dumps({"topic": topic, "received": received_at, "payload": text}, separators=(",", ":"))
            file.write((line[: len(line) // 2] if cut == "line" else line) + "\n")


# ---- the device registry -----------------------------------------------------------------------------------


def write_registry():
    """Who has which device from when until when, what it must not exceed, and by how much its probe is off."""

    def entry(device, kind, customer, home, limits, offset, since=None, until=None):
        return {
            "device": device, "kind": kind, "customer": customer, "home": home, "home_lat": PLACES[home][0],
            "home_lon": PLACES[home][1],
            "min_c": limits[0], "max_c": limits[1], "offset_c": offset, "valid_from": since, "valid_to": until,
        }

    calibrated, taken_out, handed_over = "2026-03-28T08:00:00Z", "2026-03-28T12:00:00Z", "2026-03-28T23:00:00Z"
    devices = [
        entry("KT-101", "truck", "Frischdienst Nord", "hamburg", CHILLED, -0.3, "2025-04-01T00:00:00Z", calibrated),
        entry("KT-101", "truck", "Frischdienst Nord", "hamburg", CHILLED, 0.1, calibrated),
        entry("KT-102", "truck", "Frischdienst Nord", "hamburg", CHILLED, 0.0, "2025-04-01T00:00:00Z"),
        entry("KT-103", "truck", "Molkerei Havel", "berlin", CHILLED, 0.2, "2025-06-15T00:00:00Z", handed_over),
        entry("KT-103", "truck", "Stadtküche", "berlin", CHILLED, 0.2, handed_over),
        entry("KT-104", "truck", "Molkerei Havel", "berlin", CHILLED, -0.1, "2025-06-15T00:00:00Z"),
        entry("KT-105", "truck", "Eiswerk Saale", "leipzig", FROZEN, 0.0, "2025-09-01T00:00:00Z"),
        entry(RETIRED, "truck", "Eiswerk Saale", "leipzig", CHILLED, 0.0, "2024-03-01T00:00:00Z", taken_out),
        entry("FT-21", "truck", "Molkerei Havel", "leipzig", CHILLED, 0.0, "2026-01-10T00:00:00Z"),
        entry("FT-22", "truck", "Eiswerk Saale", "hamburg", FROZEN, 0.4, "2026-01-10T00:00:00Z"),
        entry("CS-01", "store", "Frischdienst Nord", "hamburg", CHILLED, 0.0, "2023-05-01T00:00:00Z"),
        entry("CS-02", "store", "Eiswerk Saale", "berlin", FROZEN, -0.2, "2023-05-01T00:00:00Z", calibrated),
        entry("CS-02", "store", "Eiswerk Saale", "berlin", FROZEN, 0.0, calibrated),
        entry("CS-03", "store", "Molkerei Havel", "leipzig", CHILLED, 0.1, "2024-02-01T00:00:00Z"),
        entry("CS-04", "store", "Eiswerk Saale", "leipzig", FROZEN, 0.0, "2024-02-01T00:00:00Z"),
    ]
    lines = ",\n".join("    " + json.dumps(device, ensure_ascii=False) for device in devices)
    text = f'{{\n  "as_of": "2026-03-31T06:00:00Z",\n  "devices": [\n{lines}\n  ]\n}}\n'
    (SERVED / "devices.json").write_text(text, encoding="utf-8")


def main():
    for folder in (DATA / "trucks", DATA / "stores", DATA / "feed", SERVED):
        folder.mkdir(parents=True, exist_ok=True)
    dice = Dice(SEED)
    write_trucks(dice)
    write_stores(dice)
    write_feed(dice)
    write_registry()


if __name__ == "__main__":
    main()
