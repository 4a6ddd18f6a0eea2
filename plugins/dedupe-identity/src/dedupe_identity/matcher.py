"""The work as a whole, without Wasmill: records are added one after another, and when all are there they are matched.

Comparing is most of the work, and is done while records are added: each with those before it. So it is spread over the calls of a
run, and the end, which is one call, has only to estimate weights from the counted patterns and to join what is linked. Pairs are
kept by their pattern; those of patterns that cannot become a link are never looked at again.
"""

import itertools
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .blocking import Blocks
from .clusters import Groups, Link
from .compare import Comparison
from .normalise import normaliser
from .settings import Settings
from .weights import FREQUENCY_BITS, Classes, Weights, frequency_bits, probability, weight_of

Bits = Callable[[object], float]
"""What it adds to a weight that two records agree in a value."""


@dataclass
class Match:
    """What became of a record."""

    root: int
    """The record that stands for its group."""
    other: int | None = None
    """The record of its group that it is most like."""
    weight: float | None = None
    probability: float | None = None


class Weigher:
    """The weights of pairs: those of their patterns, and what the frequencies of equal values add."""

    def __init__(self, settings: Settings, comparison: Comparison, weights: Weights):
        self._comparison = comparison
        self._weights = weights
        self._classes: dict[int, Classes] = {}
        # Of shared fields apart: in a household, values agree whether they are rare or not.
        self._own: list[tuple[list, Bits]] = []
        self._shared: list[tuple[list, Bits]] = []
        for field, values, u in zip(settings.fields, comparison.values, weights.u):
            bits = frequency_bits(field, u, values)
            if bits is not None:
                (self._shared if field.shared else self._own).append((values, bits))

    def weight(self, i: int, j: int, pattern: int | None = None) -> float:
        """The weight of any two records, in bits; `pattern` is theirs where it is known."""
        if pattern is None:
            pattern = self._comparison.pattern(i, j)
        return self._adjusted(pattern, self._by_frequency(self._own, i, j), self._by_frequency(self._shared, i, j))

    def most(self, pattern: int) -> float:
        """The highest weight that a pair of this pattern can have."""
        return self._adjusted(pattern, FREQUENCY_BITS * len(self._own), FREQUENCY_BITS * len(self._shared))

    def _adjusted(self, pattern: int, own: float, shared: float) -> float:
        classes = self._classes.get(pattern)
        if classes is None:
            classes = self._classes[pattern] = self._weights.classes(self._comparison.levels_of(pattern))
        match, household, unrelated = classes
        return weight_of((match, household - own, unrelated - own - shared))

    @staticmethod
    def _by_frequency(fields: list[tuple[list, Bits]], i: int, j: int) -> float:
        found = 0.0
        for values, bits in fields:
            value = values[i]
            if value is not None and value == values[j]:
                found += bits(value)
        return found


class Matcher:
    """The records of one share of the input."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._normalisers = [normaliser(field) for field in settings.fields]
        self._comparison = Comparison(settings)
        self.blocks = Blocks(settings)
        # The pairs of each pattern, as two records one after the other; how many pairs of each pattern and set of passes there are.
        self._pairs: dict[int, array] = {}
        self._found: dict[tuple[int, int], int] = {}
        self._random: dict[int, int] = {}
        self._within: dict[object, int] = {}
        self.records = 0
        self.compared = 0
        self.weights = Weights(settings)
        self.groups = Groups(0)

    def add(self, raw: Sequence[object], within: object = None) -> None:
        """Adds a record by the values of its fields, and compares it with those before it."""
        values = []
        for value, normalise, column in zip(raw, self._normalisers, self._comparison.values):
            value = None if value is None else normalise(value)
            if value == "":
                value = None
            values.append(value)
            column.append(value)
        record = self.records
        self.records += 1
        self._within[within] = self._within.get(within, 0) + 1
        pattern_of = self._comparison.pattern
        for other, passes in self.blocks.add(record, values, within).items():
            pattern = pattern_of(other, record)
            pairs = self._pairs.get(pattern)
            if pairs is None:
                pairs = self._pairs[pattern] = array("I")
            pairs.append(other)
            pairs.append(record)
            self._found[pattern, passes] = self._found.get((pattern, passes), 0) + 1
            self.compared += 1
        if record:
            # How often values agree by chance is learnt from as many random pairs as there are records.
            pattern = pattern_of(self._drawn(record), record)
            self._random[pattern] = self._random.get(pattern, 0) + 1

    @staticmethod
    def _drawn(record: int) -> int:
        """A record before this one, the same in each run: multiplicative hashing (Knuth, TAOCP 3, 6.4)."""
        return (record * 2_654_435_761 & 0xFFFF_FFFF) * record >> 32

    def finish(self) -> list[Match]:
        """Matches all records that were added."""
        self._estimate()
        weigher = Weigher(self._settings, self._comparison, self.weights)
        links = self._links(weigher)
        self.groups = Groups(self.records)
        self.groups.join(links, weigher.weight, self._settings.guard)
        matches = [Match(self.groups.root(record)) for record in range(self.records)]
        for bits, i, j in links:
            if matches[i].root != matches[j].root:
                continue
            for record, other in ((i, j), (j, i)):
                match = matches[record]
                if match.weight is None or (bits, -other) > (match.weight, -match.other):
                    match.other, match.weight, match.probability = other, bits, probability(bits)
        return matches

    def _estimate(self) -> None:
        levels = {pattern: self._comparison.levels_of(pattern) for pattern in itertools.chain(self._pairs, self._random)}
        by_pass: list[dict[int, int]] = [{} for _ in self.blocks.fields]
        for (pattern, passes), count in self._found.items():
            for number, counts in enumerate(by_pass):
                if passes >> number & 1:
                    counts[pattern] = counts.get(pattern, 0) + count

        def shown(counts: dict[int, int]) -> list[tuple[list[int], int]]:
            return [(levels[pattern], count) for pattern, count in counts.items()]

        passes = [(fields, shown(counts)) for fields, counts in zip(self.blocks.fields, by_pass)]
        found = [(levels[pattern], len(pairs) // 2) for pattern, pairs in self._pairs.items()]
        pairs = sum(count * (count - 1) // 2 for count in self._within.values())
        self.weights.estimate(passes, found, shown(self._random), pairs)

    def _links(self, weigher: Weigher) -> list[Link]:
        threshold = self._settings.threshold
        links = []
        for pattern, pairs in self._pairs.items():
            if probability(weigher.most(pattern)) < threshold:
                continue
            for place in range(0, len(pairs), 2):
                i, j = pairs[place], pairs[place + 1]
                bits = weigher.weight(i, j, pattern)
                if probability(bits) >= threshold:
                    links.append((bits, i, j))
        return links
