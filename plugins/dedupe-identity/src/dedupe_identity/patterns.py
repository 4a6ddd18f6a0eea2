"""Patterns of pairs, made ready to be gone through again and again while weights are estimated.

Estimating is done in one call, whose time is bounded, and patterns grow with the records. So at most `_MOST_PATTERNS` are looked at:
the commonest, which make up half of them, and of the others a share, each of which then stands for several.
"""

import math
import operator
from collections.abc import Sequence

_MOST_PATTERNS = 600

Priors = tuple[float, float, float]
"""The probabilities of the three classes."""

Shares = Sequence[Sequence[float]]
"""The probability of each level of each field."""

Counts = Sequence[tuple[Sequence[int], int]]
"""Patterns, as the levels of the fields, and how many pairs have each."""


class Patterns:
    """Patterns of pairs, by some of their fields."""

    def __init__(self, fields: Sequence[int], counts: Counts, levels: Sequence[int]):
        """`levels` says how many levels each field has, that of missing values included."""
        self.fields = fields
        self._levels = [levels[position] for position in fields]
        by_key: dict[tuple[int, ...], float] = {}
        for levels, count in counts:
            key = tuple([levels[position] for position in fields])
            by_key[key] = by_key.get(key, 0) + count
        self.pairs = sum(by_key.values())
        ordered = sorted(by_key.items(), key=lambda entry: (-entry[1], entry[0]))
        common, others = ordered[: _MOST_PATTERNS // 2], ordered[_MOST_PATTERNS // 2 :]
        every = -(-len(others) // (_MOST_PATTERNS // 2)) or 1
        chosen = common + [(key, count * every) for key, count in others[::every]]
        self._keys = [key for key, _ in chosen]
        self._counts = [float(count) for _, count in chosen]
        # For each field and level, where the patterns are that have it.
        self._places: list[dict[int, list[int]]] = [{} for _ in fields]
        for place, key in enumerate(self._keys):
            for level, places in zip(key, self._places):
                places.setdefault(level, []).append(place)

    def likelihoods(self, shares: Shares) -> list[float]:
        """The probability of each pattern among the pairs of a class; `shares` has all fields."""
        of_fields = [shares[position] for position in self.fields]
        # One call for a pattern, not one turn for each of its fields: this is most of the work of estimating.
        return [math.prod(map(operator.getitem, of_fields, key)) for key in self._keys]

    def shares(self, match: Sequence[float], household: Sequence[float], unrelated: Sequence[float], priors: Priors) -> tuple:
        """How many pairs of each pattern are expected to be of each class."""
        of_match, of_household, of_unrelated = priors
        found: tuple[list[float], list[float], list[float]] = [], [], []
        matches, households, others = found
        for a, b, c, count in zip(match, household, unrelated, self._counts):
            a, b, c = a * of_match, b * of_household, c * of_unrelated
            # With very many fields, the probabilities may be too small for a float.
            scale = count / ((a + b + c) or 1.0)
            matches.append(a * scale)
            households.append(b * scale)
            others.append(c * scale)
        return found

    def sums(self, pairs: Sequence[float]) -> list[list[float]]:
        """For each field and level, how many of the pairs, counted by pattern, have it."""
        found = []
        for places, count in zip(self._places, self._levels):
            levels = [0.0] * count
            for level, at in places.items():
                levels[level] = sum(map(pairs.__getitem__, at))
            found.append(levels)
        return found
