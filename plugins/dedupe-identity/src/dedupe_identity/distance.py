"""How alike two texts are: Jaro-Winkler for names and free text, single edits for codes and digits.

All of it is called for pairs of records, so it is the inner loop of the plugin: texts are compared by bit masks and slices,
not character by character where that can be helped.
"""

import operator


def jaro_winkler(a: str, b: str, least: float = 0.0) -> float:
    """The Jaro-Winkler similarity, from 0 to 1, with a prefix of up to 4 characters that count 0.1 each. Where it is below `least`,
    it may also be 0, which is found out faster.

    Winkler, "String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter Model of Record Linkage" (1990). As
    there, the prefix counts only where the similarity without it is above 0.7.
    """
    if a == b:
        return 1.0
    if len(a) > len(b):
        a, b = b, a
    short, long = len(a), len(b)
    if not short:
        return 0.0
    # Characters that the other text does not have cannot match. The most that a prefix of 4 makes of a similarity s is 0.4 + 0.6 s.
    ones, others = set(a), set(b)
    most = min(short - len(ones - others), long - len(others - ones))
    if (most / short + most / long + 1) / 3 < (least if a[0] != b[0] else (least - 0.4) / 0.6):
        return 0.0
    # One bit for each place of `b` where a character stands; a matched place is taken out of `free`.
    places: dict[str, int] = {}
    bit = 1
    for character in b:
        places[character] = places.get(character, 0) | bit
        bit <<= 1
    free = bit - 1
    reach = max(long // 2 - 1, 0)
    window = (1 << (reach + 1)) - 1
    grows = reach
    matched = []
    for character in a:
        found = places.get(character, 0) & window & free
        if found:
            found &= -found
            free ^= found
            matched.append(character)
        # The window is `reach` places to both sides: at first only its right end moves.
        if grows:
            window = window << 1 | 1
            grows -= 1
        else:
            window <<= 1
    count = len(matched)
    if not count:
        return 0.0
    taken = (bit - 1) ^ free
    half_transposed = 0
    for character in matched:
        lowest = taken & -taken
        taken ^= lowest
        if not places[character] & lowest:
            half_transposed += 1
    similarity = (count / short + count / long + (count - half_transposed // 2) / count) / 3
    if similarity > 0.7:
        prefix = 0
        for one, other in zip(a[:4], b):
            if one != other:
                break
            prefix += 1
        similarity += prefix * 0.1 * (1 - similarity)
    return similarity


def is_one_edit(a: str, b: str) -> bool:
    """Whether one character inserted, deleted or replaced, or two neighbours exchanged, make one text of the other."""
    if len(a) > len(b):
        a, b = b, a
    # In three characters or more, an edit leaves the first or the last one as it is.
    if len(b) - len(a) > 1 or (len(a) > 2 and a[0] != b[0] and a[-1] != b[-1]):
        return False
    if len(a) == len(b):
        differing = sum(map(operator.ne, a, b))
        if differing != 2:
            return differing < 2
    start = 0
    for one, other in zip(a, b):
        if one != other:
            break
        start += 1
    if len(a) < len(b):
        return a[start:] == b[start + 1 :]
    return a[start : start + 2] == b[start : start + 2][::-1] and a[start + 2 :] == b[start + 2 :]
