"""How alike the values of a field are, as a level: 0 where one of them is missing, 1 where they differ, and the highest where they
are equal. The levels of all fields of a pair make up its pattern, which is one number.

There are far fewer patterns than pairs: weights are estimated and computed for patterns, and pairs are only counted.
"""

from collections.abc import Callable
from functools import lru_cache

from .distance import is_one_edit, jaro_winkler
from .settings import Field, Settings, count_levels, thresholds

MISSING, DIFFERENT = 0, 1
# How many results of comparisons are kept for each field: names come again and again.
_REMEMBERED = 16_384


def _by_similarity(limits: list[float]) -> Callable[[str, str], int]:
    ascending = sorted(limits)
    least = ascending[0] if limits else 1.0

    def level(a: str, b: str) -> int:
        similarity = jaro_winkler(a, b, least)
        found = DIFFERENT
        for limit in ascending:
            if similarity < limit:
                break
            found += 1
        return found

    return lru_cache(maxsize=_REMEMBERED)(level)


def _by_edit(a: str, b: str) -> int:
    return 2 if is_one_edit(a, b) else DIFFERENT


def _addresses(a: str, b: str) -> int:
    """Similar are e-mail addresses with one typing error, and those of one name at two providers.

    Not by similarity: addresses are made of names, so those of two persons of one name are similar as a rule.
    """
    local = a.partition("@")[0]
    return 2 if local == b.partition("@")[0] or is_one_edit(a, b) else DIFFERENT


def _days(a: str, b: str) -> int:
    """Similar are dates in which one digit differs, or two neighbours or day and month are exchanged."""
    if len(a) == 8 and a == b[:4] + b[6:] + b[4:6]:
        return 2
    return _by_edit(a, b)


def _never(a: object, b: object) -> int:
    return DIFFERENT


def _comparison(field: Field) -> Callable[[object, object], int]:
    """The level of two values that are there and differ."""
    if field.kind in ("name", "text"):
        return _by_similarity(thresholds(field))
    if field.kind in ("phone", "code"):
        return _by_edit
    if field.kind == "email":
        return _addresses
    if field.kind == "date":
        return _days
    if field.kind == "number" and field.tolerance:
        return lambda a, b: 2 if abs(a - b) <= field.tolerance else DIFFERENT
    return _never


class Comparison:
    """The normalised values of all records, and how pairs of them compare."""

    def __init__(self, settings: Settings):
        self.fields = settings.fields
        self.levels = [count_levels(field) for field in settings.fields]
        """Of each field; the level 0, of missing values, comes on top."""
        self.values: list[list] = [[] for _ in settings.fields]
        """For each field, the value of each record; None where it is missing."""
        self._compared = [(values, _comparison(field), count) for values, field, count in
                          zip(self.values, settings.fields, self.levels)]
        positions = {field.column: position for position, field in enumerate(settings.fields)}
        self._swaps = [(positions[one], positions[other]) for one, other in settings.swaps]
        self._scales = [1]
        for count in self.levels:
            self._scales.append(self._scales[-1] * (count + 1))

    def pattern(self, i: int, j: int) -> int:
        """The levels of a pair of records, as one number."""
        found = 0
        scale = 1
        for values, level, equal in self._compared:
            a, b = values[i], values[j]
            if a is not None and b is not None:
                found += scale * (equal if a == b else level(a, b))
            scale *= equal + 1
        for one, other in self._swaps:
            found = self._swapped(found, one, other, i, j)
        return found

    def levels_of(self, pattern: int) -> list[int]:
        """The level of each field."""
        found = []
        for count in self.levels:
            pattern, level = divmod(pattern, count + 1)
            found.append(level)
        return found

    def _swapped(self, pattern: int, one: int, other: int, i: int, j: int) -> int:
        """Fields that agree crosswise are as good as nearly equal."""
        scales, counts = self._scales, self.levels
        if pattern // scales[one] % (counts[one] + 1) != DIFFERENT:
            return pattern
        if pattern // scales[other] % (counts[other] + 1) != DIFFERENT:
            return pattern
        first, second = self.values[one], self.values[other]
        if first[i] != second[j] or second[i] != first[j]:
            return pattern
        # From different, which is 1, to the level below equal; with two levels there is none.
        return pattern + (counts[one] - 2) * scales[one] + (counts[other] - 2) * scales[other]
