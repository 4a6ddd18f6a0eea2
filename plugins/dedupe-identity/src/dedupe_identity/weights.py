"""How much the levels of a pair say about whether its records are of one person: the model of Fellegi and Sunter, "A Theory for
Record Linkage" (1969), as Winkler estimates it by expectation maximisation, with a third class for households.

A pair of records is of one of three classes:

- a *match*: of one person. Its fields have the levels with the probabilities m.
- a *household*: of two persons who live together. Fields that households share have the probabilities h, the others u.
- *unrelated*: all fields have the probabilities u.

Without the class in the middle, families would be taken for persons: surname, address and phone agree together there, which a model
of independent fields can only explain by a match. Where no field is shared, it is the model of two classes.

The weight of a pair is log2 of how many times likelier a match is than the other two. A missing value says nothing.

- u comes from random pairs of records, nearly all of which are unrelated.
- m and h come from the pairs that blocking found. In the pairs of one pass the fields of its key agree as a rule, so what is learnt
  of a field comes from the passes whose key does not have it.
- The prior probabilities of the classes are what makes the pairs expected among all pairs add up.

All are drawn to what is usual for the kind of field, by as much as so many pairs would: with few records, that is what counts.
"""

import math
import operator
from collections.abc import Callable, Sequence

from .patterns import Counts, Patterns, Priors
from .settings import Field, Settings, count_levels

# The share of records of one person that are equal in a field, and of different persons.
_USUAL_M = 0.85
_USUAL_U = {
    "name": 0.01, "text": 0.005, "email": 0.0005, "phone": 0.0005, "date": 0.001, "code": 0.002, "number": 0.02, "exact": 0.1,
}
# As how many pairs the usual probabilities count.
_STRENGTH_M = 20.0
_STRENGTH_U = 50.0
_USUAL_PRIOR = 0.001
# How often all is estimated anew, how many steps are made in each at most, and the change of a prior that is too small to go on.
_ROUNDS = 2
_STEPS = 20
_SETTLED = 1e-3
# Where expectation maximisation starts in the pairs of one pass: matches, households, unrelated pairs.
_STARTING_PRIORS = (0.2, 0.1, 0.7)
_STARTING_PRIORS_OF_TWO = (0.2, 0.0, 0.8)
# log2 of a probability of 0.
_NEVER = -10_000.0
# The most that the frequency of a value adds to a weight or takes from it, in bits; and as how many records the usual frequency
# counts.
FREQUENCY_BITS = 6.0
_STRENGTH_FREQUENCY = 100.0

Classes = tuple[float, float, float]
"""log2 of how likely a pair is a match, of a household, and unrelated."""


def probability(weight: float) -> float:
    """The probability that belongs to a weight in bits."""
    if weight < -1000:
        return 0.0
    return 1.0 / (1.0 + 2.0 ** -min(weight, 1000.0))


def _usual(field: Field, equal: float) -> list[float]:
    """What is left beside the share of equal values: half as much for each level of similar ones, down to different."""
    middle = count_levels(field) - 2
    # Among records of different persons, similar values are rare, but not as rare as equal ones.
    shares = [equal]
    if equal < 0.5:
        shares += [equal * 2 ** (place + 1) for place in range(middle)]
    elif middle:
        shares += [(1 - equal) / 2 / middle] * middle
    shares.append(1 - sum(shares))
    return shares


class Weights:
    """m, h and u of each field and level, and the prior probabilities of the classes.

    `m[field][level]` and so on begin with the level 0, of missing values, which says nothing.
    """

    def __init__(self, settings: Settings):
        fields = settings.fields
        self._settings = settings
        self._shared = [field.shared for field in fields]
        # Levels go from different to equal, what is configured from equal to different.
        self._usual_m = [[1.0, *reversed(_usual(field, _USUAL_M))] for field in fields]
        self._usual_u = [[1.0, *reversed(_usual(field, _USUAL_U[field.kind]))] for field in fields]
        self.m = [[1.0, *reversed(field.m)] if field.m else list(usual) for field, usual in zip(fields, self._usual_m)]
        self.u = [[1.0, *reversed(field.u)] if field.u else list(usual) for field, usual in zip(fields, self._usual_u)]
        self.h = [list(usual) if field.shared else u for field, usual, u in zip(fields, self._usual_m, self.u)]
        """Of fields that are not shared, the same list as u."""
        self.prior = settings.prior if settings.prior is not None else _USUAL_PRIOR
        """Of a match."""
        self.household = min(_USUAL_PRIOR, (1 - self.prior) / 2) if any(self._shared) else 0.0
        """Of a household."""

    def classes(self, levels: Sequence[int]) -> Classes:
        """How likely a pair of each class is that has these levels: log2 of the probabilities."""
        match, household, unrelated = map(_log2, self._priors)
        for m, h, u, level in zip(self.m, self.h, self.u, levels):
            match += math.log2(m[level])
            household += math.log2(h[level])
            unrelated += math.log2(u[level])
        return match, household, unrelated

    def estimate(self, passes: Sequence[tuple[frozenset[int], Counts]], found: Counts, random: Counts, pairs: int) -> None:
        """Estimates what is not given.

        `passes` has the fields of each blocking key and the patterns of the pairs that the pass found; `found` those of all pairs
        that any pass found, each pair once; `random` those of random pairs; `pairs` is how many pairs of records there are.
        """
        fields, levels = range(len(self.m)), [len(shares) for shares in self.m]
        of_passes = [Patterns([position for position in fields if position not in keys], counts, levels) for keys, counts in passes]
        of_random, of_found = Patterns(fields, random, levels), Patterns(fields, found, levels)
        for _ in range(_ROUNDS):
            if self._settings.estimate:
                self._estimate_u(of_random)
                self._estimate_m_and_h(of_passes)
            self._estimate_priors(of_found, pairs)

    @property
    def _priors(self) -> Priors:
        return self.prior, self.household, 1 - self.prior - self.household

    def _estimate_u(self, random: Patterns) -> None:
        _, _, unrelated = random.shares(*map(random.likelihoods, (self.m, self.h, self.u)), self._priors)
        for position, (levels, usual) in enumerate(zip(random.sums(unrelated), self._usual_u)):
            if self._settings.fields[position].u is None:
                self.u[position][1:] = _drawn(levels, usual, _STRENGTH_U)

    def _estimate_m_and_h(self, passes: Sequence[Patterns]) -> None:
        sums_m = [[0.0] * len(levels) for levels in self.m]
        sums_h = [[0.0] * len(levels) for levels in self.m]
        for patterns in passes:
            for sums, expected in zip((sums_m, sums_h), self._expected(patterns)):
                for position, levels in zip(patterns.fields, expected):
                    sums[position] = list(map(operator.add, sums[position], levels))
        for position, usual in enumerate(self._usual_m):
            if self._settings.fields[position].m is None:
                self.m[position][1:] = _drawn(sums_m[position], usual, _STRENGTH_M)
            if self._shared[position]:
                self.h[position][1:] = _drawn(sums_h[position], usual, _STRENGTH_M)

    def _expected(self, patterns: Patterns) -> tuple[list[list[float]], list[list[float]]]:
        """How many matches and households of each level are expected among the pairs of one pass, by expectation maximisation over
        the fields that are not in its key."""
        m, u = [list(levels) for levels in self.m], self.u
        h = [list(levels) if shared else levels for levels, shared in zip(self.h, self._shared)]
        has_shared = any(self._shared[position] for position in patterns.fields)
        starting = priors = _STARTING_PRIORS if has_shared else _STARTING_PRIORS_OF_TWO
        of_unrelated = patterns.likelihoods(u)
        for _ in range(_STEPS):
            of_household = patterns.likelihoods(h) if has_shared else of_unrelated
            matches, households, _ = patterns.shares(patterns.likelihoods(m), of_household, of_unrelated, priors)
            sums_m, sums_h = patterns.sums(matches), patterns.sums(households)
            for position, of_m, of_h in zip(patterns.fields, sums_m, sums_h):
                usual = self._usual_m[position]
                if self._settings.fields[position].m is None:
                    m[position][1:] = _drawn(of_m, usual, _STRENGTH_M)
                if self._shared[position]:
                    h[position][1:] = _drawn(of_h, usual, _STRENGTH_M)
            # The start counts as one pair.
            match = (sum(matches) + starting[0]) / (patterns.pairs + 1)
            household = (sum(households) + starting[1]) / (patterns.pairs + 1)
            before, priors = priors, (match, household, 1 - match - household)
            if abs(match - before[0]) < _SETTLED and abs(household - before[1]) < _SETTLED:
                break
        return sums_m, sums_h

    def _estimate_priors(self, found: Patterns, pairs: int) -> None:
        """The priors under which the pairs expected of each class among those that were found are those of all pairs."""
        if not pairs:
            return
        likelihoods = [found.likelihoods(shares) for shares in (self.m, self.h, self.u)]
        for _ in range(_STEPS):
            matches, households, _ = found.shares(*likelihoods, self._priors)
            before = self.prior
            if self._settings.prior is None:
                self.prior = (sum(matches) + _USUAL_PRIOR) / (pairs + 1)
            if self.household:
                # With a prior that is given, there may be less left.
                self.household = min((sum(households) + _USUAL_PRIOR) / (pairs + 1), (1 - self.prior) / 2)
            if abs(self.prior - before) < _SETTLED * before:
                break


def weight_of(classes: Classes) -> float:
    """The weight of a pair, in bits, by how likely it is of each class."""
    match, household, unrelated = classes
    most = max(household, unrelated)
    return match - most - math.log2(2.0 ** (household - most) + 2.0 ** (unrelated - most))


def _drawn(found: Sequence[float], usual: Sequence[float], strength: float) -> list[float]:
    """The shares of the levels that are found, drawn to the usual ones by as much as `strength` pairs would; without that of missing
    values."""
    values = [value + share * strength for value, share in zip(found[1:], usual[1:])]
    total = sum(values)
    return [value / total for value in values]


def _log2(share: float) -> float:
    return math.log2(share) if share > 0 else _NEVER


def frequency_bits(field: Field, u: Sequence[float], values: Sequence[object]) -> Callable[[object], float] | None:
    """What it adds to a weight that two records agree in this value and not in a usual one; None for fields where it is not looked at.

    Agreement in a rare surname says more than in a common one: u of equal values is an average, and that of one value its frequency.
    """
    counts_frequency = field.frequency if field.frequency is not None else field.kind in ("name", "text")
    if not counts_frequency:
        return None
    counts: dict[object, int] = {}
    present = 0
    for value in values:
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
            present += 1
    usual = u[-1]

    def bits(value: object) -> float:
        frequency = (counts[value] + usual * _STRENGTH_FREQUENCY) / (present + _STRENGTH_FREQUENCY)
        return max(-FREQUENCY_BITS, min(FREQUENCY_BITS, math.log2(usual / frequency)))

    return bits
