"""Made-up records of persons, some of them several times with mistakes, as the generator of Febrl makes them.

Who is who is known, so that precision and recall can be measured. Each further record of a person differs from the first in exactly
two fields: a typing error, a misheard name, a value of somebody else, a missing value, or given name and surname exchanged. What
makes it harder than random names: families share surname, address and phone, some of them are twins, and names are as unevenly
common as real ones. The same seed gives the same records in every version of Python.
"""

import random

GIVEN = (
    "Emma Olivia Noah Liam Mia Sophia Lucas Ethan Isabella Ava Charlotte Jack William James Amelia Harper Evelyn Benjamin Henry "
    "Alexander Daniel Matthew Joseph David Samuel Grace Chloe Victoria Riley Aria Lily Zoe Nora Hannah Lillian Addison Eleanor "
    "Natalie Luna Savannah Brooklyn Leah Stella Hazel Ellie Paisley Audrey Skylar Violet Claire Bella Aurora Lucy Anna Samantha "
    "Caroline Genesis Aaliyah Kennedy Kinsley Allison Maya Sarah Madelyn Adeline Alexa Ariana Elena Gabriella Naomi Alice Sadie "
    "Hailey Eva Emilia Autumn Quinn Nevaeh Piper Ruby Serenity Willow Everly Cora Kaylee Lydia Aubree Arianna Eliana Peyton "
    "Melanie Gianna Isabelle Julia Valentina Nova Clara Vivian Reagan Mackenzie Madeline Delilah Katherine Sophie Josephine"
).split()
STARTS = (
    "Al An Bar Ber Bran Car Cal Dar Den El Far Gar Hal Har Hol Jan Ken Lan Mar Mor Nor Or Par Pel "
    "Ran Rob San Sel Tal Tor Val Wal Win"
).split()
MIDDLES = ["", "a", "e", "i", "o", "el", "er", "in"]
ENDS = "berg by combe dale den don ford gate ham ley low man mond more son stead ter ton ville well wick worth".split()
STREETS = [
    f"{one}{other} {kind}" for one in STARTS[:24] for other in ("dale", "hill", "side", "wood") for kind in ("Street", "Road", "Close")
]
SUBURBS = [f"{one}{other}" for one in STARTS for other in ("bury", "field", "mouth", "port")]
STATES = ["ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"]
COLUMNS = (
    "given_name", "surname", "street_number", "street", "suburb", "postcode", "state", "date_of_birth", "phone", "email",
)
# What sounds alike, and is written one for the other.
SOUNDS = [("ph", "f"), ("ck", "k"), ("ey", "y"), ("ie", "y"), ("c", "k"), ("z", "s"), ("ee", "ea"), ("w", "wh"), ("mm", "m"), ("ll", "l")]
NEIGHBOURS = {
    **dict(zip("abcdefghijklmnopqrstuvwxyz", ["sq", "vn", "xv", "sf", "wr", "dg", "fh", "gj", "uo", "hk", "jl", "k", "n", "bm", "ip",
               "o", "wa", "et", "ad", "ry", "yi", "cb", "qe", "zc", "tu", "x"])),
    **{digit: f"{(int(digit) + 1) % 10}{(int(digit) + 9) % 10}" for digit in "0123456789"},
}


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

    def pick_uneven(self, items):
        """The first ones far more often than the last."""
        return items[int(len(items) * self.source.random() ** 2.5)]

    def shuffle(self, items):
        for place in range(len(items) - 1, 0, -1):
            other = self.below(place + 1)
            items[place], items[other] = items[other], items[place]


def surnames(dice):
    found = [one + middle + end for one in STARTS for middle in MIDDLES for end in ENDS]
    dice.shuffle(found)
    return found[:1500]


def birth(dice):
    return f"{1930 + dice.below(76)}-{1 + dice.below(12):02}-{1 + dice.below(28):02}"


def address(dice):
    postcode = 1000 + dice.below(400)
    # A postcode belongs to one suburb and state, so these do not agree by chance one by one.
    return {
        "street_number": str(1 + dice.below(150)), "street": dice.pick(STREETS), "suburb": SUBURBS[postcode % len(SUBURBS)],
        "postcode": str(postcode), "state": STATES[postcode % len(STATES)], "phone": f"04{dice.below(10**8):08}",
    }


def person(dice, surname, home):
    given = dice.pick_uneven(GIVEN)
    found = {"given_name": given, "surname": surname, **home, "date_of_birth": birth(dice)}
    found["email"] = f"{given.lower()}.{surname.lower()}{dice.below(1000)}@{dice.pick(['example.com', 'example.net', 'example.org'])}"
    return found


def mistyped(dice, text):
    place = dice.below(len(text))
    what = dice.below(4)
    character = text[place]
    if what == 0 and len(text) > 1:
        return text[:place] + text[place + 1 :]
    if what == 1 and place + 1 < len(text) and text[place + 1] != character:
        return text[:place] + text[place + 1] + character + text[place + 2 :]
    near = dice.pick(NEIGHBOURS.get(character.lower(), "x"))
    return text[:place] + near + (text[place:] if what == 2 else text[place + 1 :])


def corrupt(dice, record, column, someone):
    """Another value for a column; `someone` is a record of another person."""
    value = record[column]
    what = dice.below(10)
    if what < 5:
        return mistyped(dice, value)
    if what == 5:
        return None
    if what == 6 and someone[column] != value:
        return someone[column]
    for one, other in SOUNDS:
        if one in value.lower():
            return value.lower().replace(one, other, 1)
    return mistyped(dice, mistyped(dice, value))


def duplicate(dice, original, someone):
    record = dict(original)
    if dice.chance(0.05):
        record["given_name"], record["surname"] = original["surname"], original["given_name"]
        return record
    columns = list(COLUMNS)
    dice.shuffle(columns)
    for column in columns[:2]:
        while record[column] == original[column]:
            record[column] = corrupt(dice, original, column, someone)
    return record


def generate(records, seed=7):
    """About so many records, shuffled; each a dict of `COLUMNS`, with `id` and `person`."""
    dice = Dice(seed)
    names = surnames(dice)
    persons = []
    # Each person has 1.67 records on average.
    while len(persons) < records * 0.6:
        home, surname = address(dice), dice.pick_uneven(names)
        family = [person(dice, surname, home)]
        if dice.chance(0.3):
            family += [person(dice, surname, home) for _ in range(1 + dice.below(3))]
            if dice.chance(0.1):
                family[-1]["date_of_birth"] = family[0]["date_of_birth"]
        persons += family
    found = []
    for number, original in enumerate(persons):
        found.append({**original, "person": number})
        # None for most, up to four for some.
        for _ in range([0, 0, 0, 0, 1, 1, 1, 1, 2, 4][dice.below(10)]):
            found.append({**duplicate(dice, original, dice.pick(persons)), "person": number})
    dice.shuffle(found)
    return [{**record, "id": f"r{number:06}"} for number, record in enumerate(found[:records])]
