"""From links between pairs to groups of records of one person.

Links are taken from the strongest to the weakest, and each joins two groups (union-find). Alone that makes chains: a is like b, b is
like c, and c is nothing like a. So a link only joins two groups when their records are alike on the whole: the mean weight over
all pairs between them must not be below the guard. Of large groups, as many records as `_SAMPLE` are looked at on each side.
"""

from collections.abc import Callable

_SAMPLE = 8

Link = tuple[float, int, int]
"""The weight of a pair, and its records."""


class Groups:
    def __init__(self, records: int):
        self._parents = list(range(records))
        self._members: dict[int, list[int]] = {}
        self.refused = 0
        """How many links the guard refused."""

    def root(self, record: int) -> int:
        """The record that stands for a group."""
        parents = self._parents
        while parents[record] != record:
            parents[record] = parents[parents[record]]
            record = parents[record]
        return record

    def members(self, root: int) -> list[int]:
        return self._members.get(root) or [root]

    def roots(self) -> list[int]:
        return [record for record, parent in enumerate(self._parents) if record == parent]

    def join(self, links: list[Link], weight: Callable[[int, int], float], guard: float) -> None:
        """Takes the links, the strongest first; `weight` is that of any pair."""
        for _, i, j in sorted(links, key=lambda link: (-link[0], link[1], link[2])):
            one, other = self.root(i), self.root(j)
            if one == other:
                continue
            first, second = self.members(one), self.members(other)
            if len(first) + len(second) > 2 and not self._alike(first, second, weight, guard):
                self.refused += 1
                continue
            if len(first) < len(second):
                one, other, first, second = other, one, second, first
            self._parents[other] = one
            self._members[one] = first + second
            self._members.pop(other, None)

    @staticmethod
    def _alike(first: list[int], second: list[int], weight: Callable[[int, int], float], guard: float) -> bool:
        first, second = first[:_SAMPLE], second[:_SAMPLE]
        total = sum(weight(i, j) for i in first for j in second)
        return total >= guard * len(first) * len(second)
