#!/usr/bin/env python3
"""Computes what the pipeline should give, from the raw files and the registry, without Wasmill.

    python3 expected.py         writes golden/totals.json: rows of each step, the quarantine, warnings, and totals
    python3 expected.py out     compares what a run wrote to out/, value by value; fails where something is wrong
    python3 expected.py out run.jsonl    the counts too: what `wasmill run pipeline.toml --output json` printed

The functions follow the steps of pipeline.toml and carry their names. Nothing but the standard library is used;
distances, geohashes, areas, windows, quantiles and increases are computed here. Of pipeline.toml only the
areas are read.
"""

import csv
import io
import json
import math
import sqlite3
import statistics
import sys
import tomllib
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path

HERE = Path(__file__).parent
DATA, GOLDEN = HERE / "data", HERE / "golden"
UTC, WINTER = timezone.utc, timezone(timedelta(hours=1))
# When the clocks of Berlin are set forward in 2026.
CHANGE = datetime(2026, 3, 29, 1, tzinfo=UTC)
HOUR, LATENESS, GAP = timedelta(hours=1), timedelta(hours=2), timedelta(minutes=30)
EARTH_KM = 6371.0088
TABLES = {
    "hourly": ("device", "customer", "window_start"), "excursions": ("device", "started_at"),
    "stays": ("device", "first_at"),
}


class Step:
    """What a step lets through, what it holds back with which rules, and what it warns of."""

    def __init__(self):
        self.rows_in = self.rows_out = self.rejected = self.dropped = self.added = 0
        self.quarantined, self.warned = Counter(), Counter()

    def reject(self, *reasons):
        self.rejected += 1
        self.quarantined.update(reasons)


# ---- sources -----------------------------------------------------------------------------------------------


def records(step, pattern, delimiter):
    """Lines with as many fields as the header, all of them UTF-8. No field is quoted in these files."""
    for path in sorted(DATA.glob(pattern)):
        header, *lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
        names = header.decode().split(delimiter)
        for line in lines:
            step.rows_in += 1
            fields = line.split(delimiter.encode())
            if len(fields) != len(names):
                step.reject(("field-count", None))
                continue
            bad = [name for name, field in zip(names, fields) if not is_utf8(field)]
            if bad:
                step.reject(("invalid-utf8", bad[0]))
                continue
            step.rows_out += 1
            yield {name: field.decode() or None for name, field in zip(names, fields)}


def is_utf8(field):
    try:
        field.decode()
    except UnicodeDecodeError:
        return False
    return True


def feed(step):
    for path in sorted(DATA.glob("feed/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            step.rows_in += 1
            try:
                message = json.loads(line)
            except ValueError:
                step.reject(("bad-json", None))
                continue
            step.rows_out += 1
            yield message


# ---- each source: cleaned, then brought into one shape -----------------------------------------------------


def number(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def with_comma(text):
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation as error:
        raise ValueError(text) from error


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def logged(text):
    return datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=WINTER).astimezone(UTC)


def cleaned(step, rows, nulls, types, required):
    for raw in rows:
        step.rows_in += 1
        row = {name: None if text is None or text.strip() in nulls else text.strip() for name, text in raw.items()}
        reasons = []
        for column, (kind, parse) in types.items():
            try:
                row[column] = row[column] if row[column] is None else parse(row[column])
            except ValueError:
                reasons.append((f"bad-{kind}", column))
        reasons += [("missing", column) for column in required if row[column] is None]
        if reasons:
            step.reject(*reasons)
            continue
        step.rows_out += 1
        yield row


def clean_trucks(step, rows):
    types = {
        "at": ("timestamp", instant), "received_at": ("timestamp", instant), "temp_c": ("float64", number),
        "energy_wh": ("int64", int),
        "lat": ("float64", number), "lon": ("float64", number), "battery": ("float64", number),
    }
    return cleaned(step, rows, ("", "--", "?", "0.000000"), types, ["device", "at", "received_at", "temp_c"])


def clean_stores(step, rows):
    types = {"Zeit": ("timestamp", logged), "Temp °C": ("decimal", with_comma), "Zähler kWh": ("decimal", with_comma)}
    return cleaned(step, rows, ("",), types, ["Fühler", "Zeit", "Temp °C"])


def reading(device, at, received_at, probe_c, door, meter_wh, lat=None, lon=None, battery=None):
    return {
        "device": device, "at": at, "received_at": received_at, "probe_c": probe_c, "door": door,
        "meter_wh": meter_wh or None,
        "lat": lat, "lon": lon, "battery": battery,
    }


def truck_readings(rows):
    for row in rows:
        door = {"open": 1, "closed": 0}.get(row["door"])
        yield reading(
            row["device"], row["at"], row["received_at"], row["temp_c"], door, row["energy_wh"], row["lat"], row["lon"],
            row["battery"],
        )


def store_readings(rows):
    for row in rows:
        door = {"auf": 1, "zu": 0}.get(row["Tür"])
        meter_wh = int(row["Zähler kWh"] * 1000)
        yield reading(row["Fühler"], row["Zeit"], row["Zeit"], float(row["Temp °C"]), door, meter_wh)


def unpacked(step, messages):
    """The readings of each message, with the message. One bad reading, and the message is rejected as a whole."""
    for message in messages:
        step.rows_in += 1
        try:
            payload = json.loads(message["payload"])
        except ValueError:
            step.reject(("bad-json", "payload"))
            continue
        readings = payload.get("readings", [])
        if any(isinstance(entry["f"], str) for entry in readings):
            step.reject(("bad-float64", "f"))
            continue
        step.rows_out += len(readings)
        step.dropped += not readings
        step.added += max(len(readings) - 1, 0)
        for entry in readings:
            yield message, payload, entry


def feed_readings(rows):
    for message, payload, entry in rows:
        yield reading(
            message["topic"].split("/")[1], datetime.fromtimestamp(entry["t"], UTC), instant(message["received"]),
            (entry["f"] - 32) * 5 / 9, entry["door"], round(entry["kwh"] * 1000), payload["fix"]["lat"],
            payload["fix"]["lon"],
            (payload["batt"]["mv"] - 3000) / 12,
        )


# ---- places ------------------------------------------------------------------------------------------------


def areas():
    """The zones as (name, list of rings): inside is where a ray crosses edges an odd number of times."""
    config = tomllib.loads((HERE / "pipeline.toml").read_text(encoding="utf-8"))["transforms"]["placed"]["config"]
    within = next(step for step in config["steps"] if step["op"] == "within")
    for feature in within["areas"]["features"]:
        geometry = feature["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        yield feature["properties"]["zone"], [ring for polygon in polygons for ring in polygon]


def zone_of(zones, lat, lon):
    for name, rings in zones:
        crossings = 0
        for ring in rings:
            for (west, south), (east, north) in zip(ring, ring[1:]):
                if (south > lat) != (north > lat) and lon < west + (lat - south) / (north - south) * (east - west):
                    crossings += 1
        if crossings % 2:
            return name
    return None


def geohash(lat, lon, precision):
    spans, places, bits = [[-180.0, 180.0], [-90.0, 90.0]], (lon, lat), []
    for number in range(5 * precision):
        span, place = spans[number % 2], places[number % 2]
        middle = (span[0] + span[1]) / 2
        bits.append("1" if place >= middle else "0")
        span[0 if place >= middle else 1] = middle
    letters = "0123456789bcdefghjkmnpqrstuvwxyz"
    return "".join(letters[int("".join(bits[number : number + 5]), 2)] for number in range(0, len(bits), 5))


def kilometres(lat, lon, other_lat, other_lon):
    """Haversine on a sphere."""
    one, other = math.radians(lat), math.radians(other_lat)
    east = math.radians(other_lon - lon)
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(east / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(half))


def placed(step, rows):
    zones = list(areas())
    for row in rows:
        step.rows_in += 1
        lat, lon = row["lat"], row["lon"]
        if lat is None and lon is None:
            row.update(in_area=None, cell=None, zone=None)
        else:
            reasons = [
                ("bad-coordinates", column)
                for column, limit in (("lat", 90), ("lon", 180))
                if row[column] is None or abs(row[column]) > limit
            ]
            if reasons:
                step.reject(*reasons)
                continue
            row.update(
                in_area=47.2 <= lat <= 55.1 and 5.8 <= lon <= 15.1,
                cell=geohash(lat, lon, 6),
                zone=zone_of(zones, lat, lon),
            )
        step.rows_out += 1
        yield row


# ---- what can be believed, and whose it is -----------------------------------------------------------------


def believed(step, rows):
    for row in rows:
        step.rows_in += 1
        checks = [
            ("clock-ahead", "at", row["at"] <= row["received_at"] + timedelta(minutes=5)),
            ("clock-behind", "at", row["at"] >= row["received_at"] - timedelta(days=2)),
            ("probe-fault", "probe_c", row["probe_c"] not in (-127.0, 85.0)),
            ("plausible-temperature", "probe_c", -45 <= row["probe_c"] <= 60),
            ("operating-area", "in_area", row["in_area"] in (None, True)),
        ]
        if row["battery"] is not None and row["battery"] < 15:
            step.warned["battery-low", "battery"] += 1
        broken = [(rule, column) for rule, column, passed in checks if not passed]
        if broken:
            step.reject(*broken)
            continue
        step.rows_out += 1
        yield row


def once(step, rows):
    seen = set()
    for row in rows:
        step.rows_in += 1
        if (row["device"], row["at"]) in seen:
            step.dropped += 1
            continue
        seen.add((row["device"], row["at"]))
        step.rows_out += 1
        yield row


def registered(step, rows):
    registry = defaultdict(list)
    for entry in json.loads((HERE / "served/devices.json").read_text(encoding="utf-8"))["devices"]:
        since, until = (entry[key] and instant(entry[key]) for key in ("valid_from", "valid_to"))
        registry[entry["device"]].append((since, until, entry))
    for row in rows:
        step.rows_in += 1
        found = [
            entry for since, until, entry in registry[row["device"]]
            if (since is None or row["at"] >= since) and (until is None or row["at"] < until)
        ]
        if not found:
            step.reject(("no-match", "device"))
            continue
        step.rows_out += 1
        entry = found[0]
        place = None
        if row["lat"] is not None:
            place = kilometres(row["lat"], row["lon"], entry["home_lat"], entry["home_lon"])
        yield {
            **row, "kind": entry["kind"], "customer": entry["customer"], "home": entry["home"], "max_c": entry["max_c"],
            "temperature": row["probe_c"] + entry["offset_c"],
            "is_above": row["probe_c"] + entry["offset_c"] > entry["max_c"],
            "km_from_home": place,
        }


# ---- hours and days ----------------------------------------------------------------------------------------


def quantile(values, share):
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def known(rows, column):
    return [row[column] for row in rows if row[column] is not None]


def hourly(step, rows):
    """Hours by device and customer; a reading is late when its hour ended two hours before the latest reading."""
    keyed, latest = defaultdict(list), {}
    for row in sorted(rows, key=lambda row: (row["received_at"], row["device"], row["at"])):
        step.rows_in += 1
        key = (row["device"], row["customer"], row["home"], row["kind"])
        start = row["at"].replace(minute=0, second=0, microsecond=0)
        if key in latest and start + HOUR <= latest[key] - LATENESS:
            step.reject(("late", "at"))
            continue
        latest[key] = max(latest.get(key, row["at"]), row["at"])
        keyed[key].append((start, row))
    table = []
    for key, accepted in keyed.items():
        accepted.sort(key=lambda entry: entry[1]["at"])
        windows, grown, meter = defaultdict(list), defaultdict(int), None
        for start, row in accepted:
            windows[start].append(row)
            if row["meter_wh"] is None:
                continue
            if meter is not None:
                grown[start] += row["meter_wh"] - meter if row["meter_wh"] >= meter else row["meter_wh"]
            meter = row["meter_wh"]
        start, limit = min(windows), None
        while start <= max(windows):
            inside = windows.get(start, [])
            values = known(inside, "temperature")
            limit = inside[-1]["max_c"] if inside else limit
            table.append({
                "device": key[0], "customer": key[1], "home": key[2], "kind": key[3], "window_start": start,
                "window_end": start + HOUR,
                "window_filled": not inside, "battery": (known(inside, "battery") or [None])[-1],
                "door_open": sum(known(inside, "door")) if known(inside, "door") else None,
                "energy_wh": grown.get(start),
                "km_from_home": max(known(inside, "km_from_home"), default=None), "limit_c": limit,
                "readings": len(inside),
                "temperature_max": max(values, default=None),
                "temperature_mean": statistics.fmean(values) if values else None,
                "temperature_min": min(values, default=None),
                "temperature_p95": quantile(values, 0.95) if values else None,
                "temperature_stddev": statistics.stdev(values) if len(values) > 1 else None, "_sum": math.fsum(values),
            })
            start += HOUR
    step.rows_out = len(table)
    return table


def cold_chain(step, table):
    step.rows_in = step.rows_out = len(table)
    for row in table:
        if row["readings"] == 0:
            step.warned["measured", "temperature_mean"] += 1
            continue
        step.warned["within-limit", "temperature_max"] += row["temperature_max"] > row["limit_c"]
        step.warned["on-average-within-limit", "temperature_mean"] += row["temperature_mean"] > row["limit_c"]
        spread = row["temperature_stddev"]
        step.warned["probe-moves", "temperature_stddev"] += spread is not None and spread < 0.001
    return table


def day_in_berlin(at):
    return (at + timedelta(hours=1 if at < CHANGE else 2)).date()


def daily(table):
    days = defaultdict(list)
    for row in table:
        days[day_in_berlin(row["window_start"]), row["device"], row["customer"], row["home"]].append(row)
    return [
        {
            "day": key[0], "device": key[1], "customer": key[2], "home": key[3],
            "hours_of_day": 23 if key[0] == date(2026, 3, 29) else 24,
            "hours": len(rows), "hours_measured": sum(row["readings"] > 0 for row in rows),
            "hours_above": sum(row["readings"] > 0 and row["temperature_max"] > row["limit_c"] for row in rows),
            "readings": sum(row["readings"] for row in rows),
            "temperature_mean": math.fsum(row["_sum"] for row in rows) / sum(row["readings"] for row in rows),
            "temperature_min": min(known(rows, "temperature_min")),
            "temperature_max": max(known(rows, "temperature_max")),
            "energy_wh": sum(known(rows, "energy_wh")) if known(rows, "energy_wh") else None,
        }
        for key, rows in sorted(days.items())
    ]


# ---- stories -----------------------------------------------------------------------------------------------


def by_device(rows):
    devices = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["at"]):
        devices[row["device"]].append(row)
    return sorted(devices.items())


def excursion(rows, ended_at):
    hottest = max(rows, key=lambda row: row["temperature"])
    return {
        "device": rows[0]["device"], "customer": rows[0]["customer"], "home": rows[0]["home"],
        "started_at": rows[0]["at"],
        "ended_at": ended_at, "minutes": (ended_at - rows[0]["at"]) // timedelta(minutes=1), "readings": len(rows),
        "temperature_max": hottest["temperature"], "limit_c": max(row["max_c"] for row in rows),
        "door_open": sum(known(rows, "door")), "zone": hottest["zone"], "cell": hottest["cell"],
        "km_from_home": hottest["km_from_home"],
    }


def excursions(readings):
    found = []
    for _, rows in by_device(readings):
        warm = []
        for row in rows:
            if warm and row["at"] - warm[-1]["at"] > GAP:
                found.append(excursion(warm, warm[-1]["at"]))
                warm = []
            if row["is_above"]:
                warm.append(row)
            elif warm:
                found.append(excursion(warm, row["at"]))
                warm = []
        if warm:
            found.append(excursion(warm, warm[-1]["at"]))
    return found


def stays(readings):
    found = []
    for device, rows in by_device(row for row in readings if row["kind"] == "truck" and row["lat"] is not None):
        groups = []
        for row in rows:
            place = row["zone"] or "road"
            if not groups or groups[-1][0] != place:
                groups.append((place, []))
            groups[-1][1].append(row)
        for place, inside in groups:
            distances = [row["km_from_home"] for row in inside]
            doors = known(inside, "door")
            found.append({
                "device": device, "place": place, "first_at": inside[0]["at"], "last_at": inside[-1]["at"],
                "readings": len(inside),
                "cells": len({row["cell"] for row in inside}), "first_cell": inside[0]["cell"],
                "last_cell": inside[-1]["cell"],
                "km_from_home_min": min(distances), "km_from_home_max": max(distances),
                "door_open": sum(doors) if doors else None,
            })
    return found


# ---- all of it ---------------------------------------------------------------------------------------------


def computed():
    steps = defaultdict(Step)
    readings = [
        *truck_readings(clean_trucks(steps["clean_trucks"], records(steps["trucks"], "trucks/*.csv", ","))),
        *store_readings(clean_stores(steps["clean_stores"], records(steps["stores"], "stores/*.csv", ";"))),
        *feed_readings(unpacked(steps["unpacked"], feed(steps["feed"]))),
    ]
    trusted = believed(steps["believed"], placed(steps["placed"], readings))
    accepted = list(registered(steps["registered"], once(steps["once"], trusted)))
    hours = cold_chain(steps["cold_chain"], hourly(steps["hourly"], accepted))
    tables = {"hourly": hours, "excursions": excursions(accepted), "stays": stays(accepted), "daily": daily(hours)}
    tables["alerts"] = sorted(
        (row for row in tables["excursions"] if row["minutes"] > 30), key=lambda row: (row["started_at"], row["device"])
    )
    return dict(steps), accepted, tables


def shown(value):
    """A value as SQLite, CSV and JSON have it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bool):
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def is_same(found, expected):
    if isinstance(expected, float) and isinstance(found, (int, float)):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-7)
    return found == expected


def differences(name, key, found, expected):
    """What is wrong with the rows of a table, by its key."""
    wrong = []
    expected = [{name: shown(value) for name, value in row.items() if not name.startswith("_")} for row in expected]
    if len(found) != len(expected):
        wrong.append(f"{name}: {len(found)} rows, and {len(expected)} are expected")
    found_by_key = {tuple(row[column] for column in key): row for row in found}
    for row in expected:
        place = tuple(row[column] for column in key)
        other = found_by_key.get(place)
        if other is None:
            wrong.append(f"{name}: {place} is missing")
            continue
        if other.keys() != row.keys():
            wrong.append(f"{name}: the columns are {sorted(other)}, and {sorted(row)} are expected")
            break
        for column, value in row.items():
            if not is_same(other[column], value):
                wrong.append(f"{name}: {column} of {place} is {other[column]!r}, and {value!r} is expected")
    return wrong


def typed(text, like):
    """A field of CSV as the type of what is expected."""
    if text == "":
        return None
    return type(like)(text) if isinstance(like, (int, float)) else text


def only_file(folder, pattern):
    files = list(folder.glob(pattern))
    if len(files) != 1:
        raise SystemExit(f"{folder} has {len(files)} files, and one is expected")
    return files[0]


def compare(out, tables):
    wrong = []
    database = sqlite3.connect(f"file:{out / 'fleet.db'}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    for name, key in TABLES.items():
        found = [dict(row) for row in database.execute(f"SELECT * FROM {name}")]
        wrong += differences(name, key, found, tables[name])
    database.close()

    text = only_file(out / "daily", "*.csv").read_text(encoding="utf-8")
    like = tables["daily"][0]
    rows = csv.DictReader(io.StringIO(text))
    found = [{column: typed(field, like[column]) for column, field in row.items()} for row in rows]
    wrong += differences("daily", ("day", "device", "customer"), found, tables["daily"])

    names = ("device", "customer", "started_at", "ended_at", "minutes", "temperature_max", "limit_c", "zone")
    lines = only_file(out / "alerts", "*.jsonl").read_text(encoding="utf-8").splitlines()
    found = [{**dict.fromkeys(names), **json.loads(line)} for line in lines]
    expected = [{name: row[name] for name in names} for row in tables["alerts"]]
    wrong += differences("alerts", ("device", "started_at"), found, expected)
    if [row["started_at"] for row in found] != [shown(row["started_at"]) for row in expected]:
        wrong.append("alerts: another order")

    # The standard library reads no Parquet: the summary of the run has the rows, and the test looks into the file.
    content = only_file(out / "readings", "*.parquet").read_bytes()
    if not (content.startswith(b"PAR1") and content.endswith(b"PAR1")):
        wrong.append("readings: no Parquet file")
    return wrong


def compare_counts(printed, steps, accepted, tables):
    """What is wrong with the counts of a run, by the summary in its last line."""
    summary = json.loads(printed.read_text(encoding="utf-8").splitlines()[-1])
    found = {step["step"]: step for step in summary["steps"]}
    wrong = []
    for name, step in found.items():
        if step["rows_in"] + step["added"] != step["rows_out"] + step["quarantined"] + step["dropped"]:
            wrong.append(f"{name}: rows are not accounted for")
    for name, step in steps.items():
        expected = {"rows_in": step.rows_in, "rows_out": step.rows_out, "quarantined": step.rejected}
        # A roll-up makes rows that belong to no row before.
        if name != "hourly":
            expected.update(dropped=step.dropped, added=step.added)
        for key, count in expected.items():
            if found[name][key] != count:
                wrong.append(f"{name}: {key} is {found[name][key]}, and {count} is expected")
    sinks = {
        "readings": accepted, "hourly_db": tables["hourly"], "excursions_db": tables["excursions"],
        "stays_db": tables["stays"], "daily_csv": tables["daily"], "alerts_jsonl": tables["alerts"],
    }
    committed = {sink["sink"]: sink["rows"] for sink in summary["sinks"]}
    expected = {name: len(rows) for name, rows in sinks.items()}
    if committed != expected:
        wrong.append(f"published are {committed}, and {expected} are expected")
    for kind in ("quarantined", "warned"):
        counted = Counter({(entry["step"], entry["rule"], entry["column"]): entry["rows"] for entry in summary[kind]})
        expected = Counter({
            (name, *rule): rows for name, step in steps.items() for rule, rows in getattr(step, kind).items()
        })
        for rule in sorted(counted.keys() | expected.keys(), key=str):
            if counted[rule] != expected[rule]:
                wrong.append(f"{kind} by {rule}: {counted[rule]} rows, and {expected[rule]} are expected")
    judged = next(gate for gate in summary["gates"] if gate["step"] == "cold_chain")
    outcome = next(rule["outcome"] for rule in judged["conclusion"]["rules"] if rule["rule"] == "within-limit")
    violated = steps["cold_chain"].warned["within-limit", "temperature_max"]
    expected = "pass" if violated <= 0.01 * len(tables["hourly"]) else "warn"
    if outcome != expected:
        wrong.append(f"the outcome of within-limit is {outcome}, and {expected} is expected")
    return wrong


def totals_of(steps, accepted, tables):
    customers = defaultdict(lambda: Counter(hours=0, hours_above=0, readings=0, energy_wh=0))
    for row in tables["daily"]:
        for column in ("hours", "hours_above", "readings", "energy_wh"):
            customers[row["customer"]][column] += row[column] or 0
    return {
        "steps": {
            name: {
                "rows_in": step.rows_in, "rows_out": step.rows_out, "quarantined": step.rejected,
                "dropped": step.dropped,
                "rules": [
                    {"rule": rule, "column": column, "rows": rows}
                    for (rule, column), rows in sorted(step.quarantined.items(), key=str)
                ],
                "warned": [
                    {"rule": rule, "column": column, "rows": rows}
                    for (rule, column), rows in sorted(step.warned.items()) if rows
                ],
            }
            for name, step in sorted(steps.items())
        },
        "readings": {
            "rows": len(accepted),
            "temperature": math.fsum(row["temperature"] for row in accepted),
            "km_from_home": math.fsum(known(accepted, "km_from_home")),
        },
        "tables": {name: len(rows) for name, rows in sorted(tables.items())},
        "by_customer": {customer: dict(counts) for customer, counts in sorted(customers.items())},
        "excursions": [
            {name: shown(row[name]) for name in ("device", "started_at", "ended_at", "minutes", "readings")}
            for row in tables["excursions"]
        ],
    }


def main():
    steps, accepted, tables = computed()
    if len(sys.argv) > 1:
        wrong = compare(Path(sys.argv[1]), tables)
        if len(sys.argv) > 2:
            wrong += compare_counts(Path(sys.argv[2]), steps, accepted, tables)
        judged = {"rows": {name: len(rows) for name, rows in tables.items()}, "wrong": wrong[:20]}
        print(json.dumps(judged, indent=2, ensure_ascii=False))
        sys.exit(1 if wrong else 0)
    GOLDEN.mkdir(exist_ok=True)
    text = json.dumps(totals_of(steps, accepted, tables), indent=2, ensure_ascii=False)
    (GOLDEN / "totals.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
