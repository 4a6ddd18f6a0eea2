#!/usr/bin/env python3
"""Makes data/: customers of a shop as three touchpoints know them, and who of them is who.

    python3 prepare.py

Nobody in it is real: names are drawn from lists, addresses and numbers are made up. Who is who is in `truth.csv`, which the pipeline
does not read. The same files come out byte by byte, but for the SQLite database, whose layout depends on the version of SQLite.

What is wrong with the data is counted in `DIRT`; how the records of one person differ, in `records_of`.
"""

import csv
import json
import random
import sqlite3
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

DATA = Path(__file__).parent / "data"
SEED = 7
PERSONS = 900

# How often each kind of dirt occurs, beside that by which the records of one person differ.
DIRT = {
    "shop": {
        "impossible birthday": 5,  # quarantined
        "no last name": 4,  # quarantined
        "line written twice": 12,  # dropped
        "mojibake": 15,  # repaired: UTF-8 that was read as Windows-1252
        "null token": 30,  # repaired: N/A and the like
    },
    "newsletter": {
        "truncated line": 3,  # quarantined
        "impossible time": 3,  # quarantined
    },
    "support": {
        "no name": 4,  # quarantined
        "test contact": 6,  # left out by the query
    },
}

GIVEN_NAMES = (
    "Ada Aiko Alexander Amélie Andreas Anna Anton Åse Barbara Ben Björn Carla Charlotte Chloé Christina Clara Daniel David Elena "
    "Elizabeth Emil Emma Erik Fatima Felix Florian François Frida Georg Grace Greta Hana Hannah Heinrich Helena Hugo Ida Inés Ingrid "
    "Iris Jakob Johanna Jonas Jörg José Julia Jun Kaito Karin Katharina Konrad Lars Laura Lena Leonie Liam Linda Lucía Luis Lukas "
    "Margarethe Maria Martin Mateo Matthias Maximilian Maya Mia Michael Nadia Nicola Noah Nora Nuria Olga Omar Paul Paula Peter Pía "
    "Rebecca René Robert Rosa Ruth Samuel Sara Sebastian Sofía Sophie Søren Stefan Susanne Theodor Thomas Tim Ursula Valentina Vera "
    "Viktor Walter Yuki Zoë"
).split()
NICKNAMES = {
    "Alexander": "Alex", "Andreas": "Andi", "Barbara": "Babs", "Christina": "Tina", "Elizabeth": "Liz", "Johanna": "Hanna",
    "Katharina": "Kathi", "Margarethe": "Greta", "Matthias": "Matze", "Maximilian": "Max", "Michael": "Mike", "Rebecca": "Becky",
    "Robert": "Bob", "Samuel": "Sam", "Sebastian": "Basti", "Theodor": "Theo", "Thomas": "Tom", "Valentina": "Vally",
}
FAMILY_NAMES = (
    "Andersson Arnold Bauer Becker Berg Bergmann Brandt Braun Brown Busch Castañeda Cooper Dietrich Dubois Engel Estévez Fischer Frank "
    "Franke Friedrich Fuchs Fuentes Gagné García Gómez Graf Groß Günther Haas Hahn Hansen Hartmann Hayashi Heinrich Herrmann Hoffmann "
    "Hofmann Horn Huber Hughes Ibáñez Ito Jäger Johansson Johnson Jørgensen Jung Kaiser Keller Kim Klein Koch Köhler König Krämer "
    "Kraus Krause Krüger Kuhn Lang Lange Laurent Lehmann Lindqvist López Lorenz Ludwig Maier Martin Mayer Meier Mendonça Meyer Müller "
    "Nakamura Neumann Nilsson Núñez Olsen Ortega Otto Peeters Peña Peters Petersen Pfeiffer Pohl Quinn Richter Riedel Rossi Roth "
    "Santos Sauer Schäfer Schmid Schmidt Schmitt Schmitz Schneider Scholz Schreiber Schröder Schubert Schulte Schulz Schumacher "
    "Schuster Schwarz Seidel Silva Simon Smith Sommer Sørensen Stein Tanaka Thompson Vidal Vogel Vogt Voigt Wagner Walter Weber Weiß "
    "Werner Williams Winkler Winter Wolf Yamada Zieliński Ziegler Zimmermann"
).split()
STREETS = (
    "Ahornweg Amselweg Bahnhofstraße Bergstraße Birkenallee Buchenweg Dorfstraße Eichenweg Erlenweg Feldstraße Finkenweg Gartenstraße "
    "Goethestraße Hauptstraße Hochstraße Jahnstraße Kastanienallee Kirchstraße Lindenallee Lindenstraße Mozartstraße Mühlenweg "
    "Parkstraße Ringstraße Rosenweg Schillerstraße Schulstraße Seestraße Sonnenweg Talstraße Uferweg Waldstraße Wiesenweg"
).split()
CITIES = [
    ("Altdorf", 10), ("Bergheim", 12), ("Buchau", 21), ("Eichstedt", 24), ("Feldkirch", 33), ("Grünau", 38), ("Hochstadt", 40),
    ("Lindau", 44), ("Mühlbach", 52), ("Neustadt", 60), ("Rosental", 71), ("Seeburg", 79), ("Steinbach", 86), ("Waldhausen", 93),
]
MAIL_DOMAINS = ["example.com", "example.net", "example.org"]
NULL_TOKENS = ["N/A", "n/a", "-"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TODAY = date(2026, 1, 1)


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

    def shuffle(self, items):
        return self.sample(items, len(items))


def ascii_of(name):
    table = str.maketrans("éèêëáíóúñçãäåöøüÅÉ", "eeeeaiouncaaaoouAE")
    return name.translate(table).replace("ß", "ss").replace("ń", "n").lower()


def mistyped(dice, text):
    """One typing error: a character left out, doubled, replaced, or exchanged with its neighbour."""
    place = 1 + dice.below(len(text) - 1) if len(text) > 1 else 0
    what = dice.below(4)
    if what == 0:
        return text[:place] + text[place + 1 :] if len(text) > 2 else text
    if what == 1:
        return text[:place] + text[place] + text[place:]
    if what == 2:
        kind = "0123456789" if text[place].isdigit() else LETTERS
        return text[:place] + dice.pick(kind) + text[place + 1 :]
    return text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :] if place else text


def address(dice):
    city, region = dice.pick(CITIES)
    return {
        "street": f"{dice.pick(STREETS)} {1 + dice.below(90)}",
        "postcode": f"{region}{dice.below(1000):03}",
        "city": city,
    }


def persons_of(dice):
    """Persons, some of them in households that share surname, address and landline."""
    persons = []
    while len(persons) < PERSONS:
        home, surname = address(dice), dice.pick(FAMILY_NAMES)
        landline = f"0{30 + dice.below(60)} {2_000_000 + dice.below(7_000_000)}"
        size = 1 if dice.chance(0.65) else 2 + dice.below(2)
        for given in dice.sample(GIVEN_NAMES, size):
            born = date(1945, 1, 1) + timedelta(days=dice.below(22_000))
            mail = f"{ascii_of(given)}.{ascii_of(surname)}{dice.below(1000)}@{dice.pick(MAIL_DOMAINS)}"
            phone = landline if dice.chance(0.3) else f"01{50 + dice.below(30)} {1_000_000 + dice.below(9_000_000)}"
            persons.append({"given": given, "surname": surname, **home, "born": born, "email": mail, "phone": phone})
    return persons[:PERSONS]


def record_of(dice, person):
    """What one touchpoint knows of a person: not always the same, and not always right."""
    known = dict(person)
    if person["given"] in NICKNAMES and dice.chance(0.3):
        known["given"] = NICKNAMES[person["given"]]
    if dice.chance(0.12):
        known["email"] = f"{ascii_of(person['surname'])}{dice.below(10_000)}@{dice.pick(MAIL_DOMAINS)}"
    if dice.chance(0.08):
        known.update(address(dice))
    if dice.chance(0.1):
        known["phone"] = f"01{50 + dice.below(30)} {1_000_000 + dice.below(9_000_000)}"
    if dice.chance(0.05) and person["born"].day <= 12:
        known["born"] = person["born"].replace(month=person["born"].day, day=person["born"].month)
    for column, share in (("given", 0.05), ("surname", 0.08), ("street", 0.1), ("postcode", 0.05), ("city", 0.05), ("email", 0.03)):
        if dice.chance(share):
            known[column] = mistyped(dice, known[column])
    if dice.chance(0.02):
        known["given"], known["surname"] = known["surname"], known["given"]
    known["seen"] = TODAY - timedelta(days=dice.below(2_000))
    return known


def records_of(dice, persons):
    """(touchpoint, number of the person, what is known) for each record."""
    records = []
    for number, person in enumerate(persons):
        touchpoints = dice.sample(["shop", "newsletter", "support"], 1 + dice.below(3))
        if dice.chance(0.06):
            touchpoints.append(dice.pick(touchpoints))
        records += [(touchpoint, number, record_of(dice, person)) for touchpoint in touchpoints]
    return dice.shuffle(records)


def some(dice, value, share):
    """The value in this share of cases, otherwise nothing."""
    return value if dice.chance(share) else ""


def shop(dice, records, truth):
    rows = []
    for place, (person, known) in enumerate(records):
        number = f"C-{10_000 + place}"
        truth.append((f"shop-{number}", person))
        rows.append({
            "customer_no": number,
            "first_name": known["given"].upper() if dice.chance(0.05) else known["given"],
            "last_name": f" {known['surname']} " if dice.chance(0.05) else known["surname"],
            "birthday": some(dice, known["born"].strftime("%d/%m/%Y"), 0.8),
            "street": known["street"],
            "zip": known["postcode"],
            "city": known["city"],
            "e_mail": known["email"].upper() if dice.chance(0.05) else known["email"],
            "phone": some(dice, known["phone"] if dice.chance(0.5) else f"+49 {known['phone'][1:]}", 0.7),
            "marketing": dice.pick(["yes", "yes", "no", ""]),
            "registered": known["seen"].strftime("%d/%m/%Y"),
        })
    dirt = DIRT["shop"]
    chosen = dice.sample(rows, sum(dirt.values()))
    for row in chosen[: dirt["impossible birthday"]]:
        row["birthday"] = dice.pick(["31/02/1980", "00/00/0000", "12/13/1975"])
    del chosen[: dirt["impossible birthday"]]
    for row in chosen[: dirt["no last name"]]:
        row["last_name"] = ""
    del chosen[: dirt["no last name"]]
    garbled = [row for row in rows if row["street"] != ascii_of(row["street"]) and "ß" in row["street"]]
    for row in dice.sample(garbled, dirt["mojibake"]):
        row["street"] = row["street"].encode("utf-8").decode("windows-1252")
    for row in chosen[: dirt["null token"]]:
        row["phone"] = dice.pick(NULL_TOKENS)
    del chosen[: dirt["null token"]]
    rows += [dict(row) for row in chosen[: dirt["line written twice"]]]
    with open(DATA / "shop.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def newsletter(dice, records, truth):
    lines = []
    for place, (person, known) in enumerate(records):
        number = f"N{5_000 + place}"
        truth.append((f"newsletter-{number}", person))
        at = datetime(known["seen"].year, known["seen"].month, known["seen"].day, dice.below(24), dice.below(60), tzinfo=timezone.utc)
        record = {
            "id": number,
            "profile": {
                "given": known["given"].lower() if dice.chance(0.1) else known["given"],
                "family": known["surname"],
                "birthday": some(dice, known["born"].isoformat(), 0.5) or None,
                "zip": some(dice, known["postcode"], 0.7) or None,
            },
            "email": known["email"],
            "consent": not dice.chance(0.25),
            "updated_at": at.isoformat(),
        }
        lines.append(record)
    dirt = DIRT["newsletter"]
    chosen = dice.sample(range(len(lines)), sum(dirt.values()))
    for place in chosen[: dirt["impossible time"]]:
        lines[place]["updated_at"] = "2025-02-30T25:00:00+00:00"
    texts = [json.dumps(record, ensure_ascii=False) for record in lines]
    for place in chosen[dirt["impossible time"] :]:
        texts[place] = texts[place][: 20 + dice.below(60)]
    (DATA / "newsletter.jsonl").write_text("\n".join(texts) + "\n", encoding="utf-8")


def support(dice, records, truth):
    rows = []
    for place, (person, known) in enumerate(records):
        number = 700 + place
        truth.append((f"support-{number}", person))
        at = datetime(known["seen"].year, known["seen"].month, known["seen"].day, 9, tzinfo=timezone.utc)
        rows.append({
            "contact_id": number,
            "full_name": f"{known['surname']}, {known['given']}",
            "email": some(dice, known["email"], 0.7) or None,
            "phone": some(dice, known["phone"].replace(" ", "/"), 0.85) or None,
            "street": some(dice, known["street"], 0.5) or None,
            "postcode": some(dice, known["postcode"], 0.8) or None,
            "city": some(dice, known["city"], 0.8) or None,
            "born": some(dice, known["born"].isoformat(), 0.4) or None,
            "opt_out": int(dice.chance(0.1)),
            "last_contact": int(at.timestamp()),
        })
    dirt = DIRT["support"]
    for row in dice.sample(rows, dirt["no name"]):
        row["full_name"] = None
    for number in range(dirt["test contact"]):
        rows.append({**rows[number], "contact_id": 90_000 + number, "full_name": "Test, Test", "email": "test@test.invalid"})
    path = DATA / "support.sqlite"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute(
        "CREATE TABLE contacts (contact_id INTEGER PRIMARY KEY, full_name TEXT, email TEXT, phone TEXT, street TEXT, postcode TEXT, "
        "city TEXT, born TEXT, opt_out INTEGER NOT NULL, last_contact INTEGER NOT NULL)"
    )
    columns = ", ".join(f":{column}" for column in rows[0])
    database.executemany(f"INSERT INTO contacts VALUES ({columns})", rows)
    database.commit()
    database.execute("VACUUM")
    database.close()


def main():
    dice = Dice(SEED)
    DATA.mkdir(exist_ok=True)
    records = records_of(dice, persons_of(dice))
    truth = []
    for touchpoint, write in (("shop", shop), ("newsletter", newsletter), ("support", support)):
        write(dice, [(person, known) for name, person, known in records if name == touchpoint], truth)
    with open(DATA / "truth.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["record_id", "person"])
        writer.writerows(sorted(truth))


if __name__ == "__main__":
    main()
