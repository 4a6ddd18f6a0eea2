"""Tests of the parts, without a sandbox: `python3 -m unittest discover -s tests`, with the SDK on the path of modules:

    PYTHONPATH=src:../../plugin-sdk/python python3 -m unittest discover -s tests
"""

import json
import random
import unittest
from collections import Counter

import people
from dedupe_identity.distance import is_one_edit, jaro_winkler
from dedupe_identity.matcher import Matcher
from dedupe_identity.normalise import code, day, email, phone, words
from dedupe_identity.patterns import Patterns
from dedupe_identity.phonetic import nysiis
from dedupe_identity.settings import Settings, checked
from measure import configuration, pairs_of
from wasmill.config import parse


def matched(records, **changes):
    """The matcher after it has seen these records, and what it found."""
    columns = [column for column in people.COLUMNS if column in records[0]]
    config = configuration(columns, changes.pop("extra", {}))
    config.update(changes)
    settings = parse(Settings, json.dumps(config))
    checked(settings)
    matcher = Matcher(settings)
    for record in records:
        matcher.add([record[column] for column in columns])
    return matcher, matcher.finish()


def quality(records, matches):
    truth = [record["person"] for record in records]
    roots = [match.root for match in matches]
    right, found, real = pairs_of(zip(truth, roots)), pairs_of(roots), pairs_of(truth)
    return right / found, right / real, 2 * right / (found + real)


class Distances(unittest.TestCase):
    def test_jaro_winkler_gives_published_values(self):
        # The examples by which the measure is usually described.
        known = [("martha", "marhta", 0.961), ("dwayne", "duane", 0.840), ("dixon", "dicksonx", 0.813), ("jones", "johnson", 0.832),
                 ("crate", "trace", 0.733), ("abc", "xyz", 0), ("abc", "", 0), ("abc", "abc", 1)]
        for a, b, similarity in known:
            self.assertAlmostEqual(jaro_winkler(a, b), similarity, places=3, msg=f"{a} {b}")
            self.assertEqual(jaro_winkler(a, b), jaro_winkler(b, a))

    def test_a_bound_changes_nothing_above_it(self):
        dice = random.Random(7)
        for _ in range(5000):
            a, b = ["".join(dice.choices("abcde", k=dice.randrange(8))) for _ in range(2)]
            exact = jaro_winkler(a, b)
            self.assertEqual(jaro_winkler(a, b, 0.8) if exact >= 0.8 else exact, exact, f"{a} {b}")
            self.assertLess(jaro_winkler(a, b, 0.8) if exact < 0.8 else 0, 0.8, f"{a} {b}")

    def test_one_edit_is_what_one_edit_makes(self):
        dice = random.Random(7)
        for _ in range(5000):
            a, b = ["".join(dice.choices("ab1", k=dice.randrange(6))) for _ in range(2)]
            if a != b:
                self.assertEqual(is_one_edit(a, b), b in edits(a), f"{a} {b}")

    def test_names_that_sound_alike_have_one_key(self):
        for one, other in [("meier", "maier"), ("john", "jon"), ("knight", "night"), ("philips", "filips"), ("schmidt", "schmid")]:
            self.assertEqual(nysiis(one), nysiis(other), f"{one} {other}")
        self.assertNotEqual(nysiis("berg"), nysiis("lind"))
        self.assertEqual(nysiis("123"), "")


def edits(text, letters="ab1"):
    """All texts that one edit makes of a text."""
    found = set()
    for place in range(len(text) + 1):
        before, after = text[:place], text[place:]
        found |= {before + letter + after for letter in letters}
        if after:
            found |= {before + after[1:]} | {before + letter + after[1:] for letter in letters}
        if len(after) > 1:
            found.add(before + after[1] + after[0] + after[2:])
    return found


class Normalising(unittest.TestCase):
    def test_one_form(self):
        for normalise, value, form in [
            (words, " Zoë  O’Neill-Müller", "zoe oneill muller"), (words, "Weiß & Søn", "weiss son"), (words, "--", ""),
            (email, " Ada+x@Example.COM", "ada@example.com"), (phone, "+49 (0) 171 2345678", "712345678"),
            (day, "1980-02-29T10:00:00Z", "19800229"), (code, "ab-12 3", "AB123"),
        ]:
            self.assertEqual(normalise(value), form, value)


class Estimating(unittest.TestCase):
    def test_levels_that_a_pass_does_not_have_are_counted_as_none(self):
        patterns = Patterns([0, 1], [([1, 2], 3), ([0, 1], 1)], levels=[4, 3])
        self.assertEqual(patterns.sums([3.0, 1.0]), [[1.0, 3.0, 0.0, 0.0], [0.0, 1.0, 3.0]])

    def test_more_patterns_than_are_looked_at_stand_for_all(self):
        counts = [([place // 40, place % 40], 1 + place % 3) for place in range(1600)]
        patterns = Patterns([0, 1], counts, levels=[40, 40])
        everything = patterns.sums(patterns.shares([1.0] * 1600, [0.0] * 1600, [0.0] * 1600, (1.0, 0.0, 0.0))[0])
        self.assertAlmostEqual(sum(everything[0]) / patterns.pairs, 1, places=2)


class Matching(unittest.TestCase):
    records = people.generate(2000)

    def test_two_fields_wrong_are_no_obstacle(self):
        precision, recall, f1 = quality(self.records, matched(self.records)[1])
        self.assertGreater(f1, 0.95, f"precision {precision}, recall {recall}")

    def test_without_shared_fields_families_are_taken_for_persons(self):
        fields = [{key: value for key, value in field.items() if key != "shared"}
                  for field in configuration(people.COLUMNS, {})["fields"]]
        _, matches = matched(self.records, fields=fields)
        self.assertLess(quality(self.records, matches)[0], 0.8)

    def test_the_order_of_records_hardly_matters(self):
        _, forwards = matched(self.records)
        backwards = matched(self.records[::-1])[1][::-1]
        groups = [Counter(quality_groups(matches)) for matches in (forwards, backwards)]
        self.assertGreater((groups[0] & groups[1]).total() / groups[0].total(), 0.99)

    def test_pairs_that_a_large_block_leaves_out_are_counted(self):
        blocking = [[{"column": "state"}]]
        matcher, _ = matched(self.records[:100], blocking=blocking, max_block=5)
        states = Counter(record["state"] for record in self.records[:100] if record["state"])
        # What is normalised is as given: `state` is compared exactly.
        self.assertEqual(matcher.compared + sum(matcher.blocks.left_out), sum(count * (count - 1) // 2 for count in states.values()))
        self.assertGreater(sum(matcher.blocks.left_out), 0)

    def test_no_group_without_a_link(self):
        _, matches = matched(self.records)
        sizes = Counter(match.root for match in matches)
        for match in matches:
            self.assertEqual(match.other is None, sizes[match.root] == 1)


def quality_groups(matches):
    """The groups, as their members: the same whatever the order."""
    groups = {}
    for record, match in enumerate(matches):
        groups.setdefault(match.root, []).append(record)
    return [tuple(members) for members in groups.values()]


if __name__ == "__main__":
    unittest.main()
