"""Which records are compared: those that agree in a blocking key. Comparing all with all would take too long.

Each pass has a key of one or more parts. A record without one of the parts is not in the pass. A record is compared with the latest
`max_block` records that have the same key; what that leaves out is counted, so that nothing is lost in silence.
"""

from collections.abc import Callable, Sequence

from .phonetic import nysiis
from .settings import Part, Settings


def _part(part: Part) -> Callable[[object], object]:
    length = part.length
    if part.by == "phonetic":
        return lambda value: nysiis(str(value))
    if part.by == "prefix":
        return lambda value: str(value)[:length]
    if part.by == "suffix":
        return lambda value: str(value)[-length:]
    if part.by == "year":
        return lambda value: value[:4]
    return lambda value: value


class Blocks:
    """The records of each block, pass by pass."""

    def __init__(self, settings: Settings):
        positions = {field.column: position for position, field in enumerate(settings.fields)}
        self._passes = [[(positions[part.column], _part(part)) for part in parts] for parts in settings.blocking]
        # A block of one record, which most are, is its number; that of several is a list.
        self._blocks: list[dict[object, int | list[int]]] = [{} for _ in settings.blocking]
        self._limit = settings.max_block
        self.fields = [frozenset(position for position, _ in parts) for parts in self._passes]
        """The fields of each pass."""
        self.unblocked = 0
        """How many records are in no block at all."""
        self.left_out = [0 for _ in settings.blocking]
        """How many pairs of each pass were not compared because the block was too large."""
        self.largest = [0 for _ in settings.blocking]
        """The most records of a block."""

    def add(self, record: int, values: Sequence[object], within: object) -> dict[int, int]:
        """Adds a record; those to compare it with, each with the passes that found it, as bits."""
        found: dict[int, int] = {}
        bit = 1
        is_blocked = False
        for number, parts in enumerate(self._passes):
            key = self._key(parts, values, within)
            if key is not None:
                is_blocked = True
                for other in self._join(number, key, record):
                    found[other] = found.get(other, 0) | bit
            bit <<= 1
        if not is_blocked:
            self.unblocked += 1
        return found

    @staticmethod
    def _key(parts: list, values: Sequence[object], within: object) -> object:
        found = []
        for position, taken in parts:
            value = values[position]
            part = None if value is None else taken(value)
            if part is None or part == "":
                return None
            found.append(part)
        if within is not None:
            found.append(within)
        return found[0] if len(found) == 1 else tuple(found)

    def _join(self, number: int, key: object, record: int) -> Sequence[int]:
        """Puts a record into a block; those that were there."""
        blocks = self._blocks[number]
        members = blocks.get(key)
        if members is None:
            blocks[key] = record
            return ()
        if isinstance(members, int):
            blocks[key] = [members, record]
            self.largest[number] = max(self.largest[number], 2)
            return (members,)
        latest = members[-self._limit :]
        self.left_out[number] += len(members) - len(latest)
        members.append(record)
        self.largest[number] = max(self.largest[number], len(members))
        return latest
