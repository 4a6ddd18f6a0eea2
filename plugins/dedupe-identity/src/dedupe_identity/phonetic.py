"""The phonetic key NYSIIS (New York State Identification and Intelligence System, 1970), without a limit of length.

Names that sound alike in English get the same key: `meier` and `maier` both become `MAR`, `john` and `jon` both `JAN`.
"""

import re
from functools import lru_cache

_STARTS = [("MAC", "MCC"), ("KN", "NN"), ("K", "C"), ("PH", "FF"), ("PF", "FF"), ("SCH", "SSS")]
_ENDS = [("EE", "Y"), ("IE", "Y"), ("DT", "D"), ("RT", "D"), ("RD", "D"), ("NT", "D"), ("ND", "D")]
_VOWELS = frozenset("AEIOU")
_LETTERS = {"Q": "G", "Z": "S", "M": "N"}


@lru_cache(maxsize=16_384)
def nysiis(name: str) -> str:
    """The key of a name; empty where there are no letters from a to z."""
    name = re.sub("[^A-Z]", "", name.upper())
    if not name:
        return ""
    for start, put in _STARTS:
        if name.startswith(start):
            name = put + name[len(start) :]
            break
    for end, put in _ENDS:
        if name.endswith(end):
            name = name[: -len(end)] + put
            break
    key = [name[0]]
    letters = list(name)
    position = 1
    while position < len(letters):
        rest = "".join(letters[position : position + 3])
        before = letters[position - 1]
        after = letters[position + 1] if position + 1 < len(letters) else ""
        letter = letters[position]
        if rest.startswith("EV"):
            put = "AF"
        elif letter in _VOWELS:
            put = "A"
        elif letter in _LETTERS:
            put = _LETTERS[letter]
        elif rest.startswith("KN"):
            put = "NN"
        elif letter == "K":
            put = "C"
        elif rest == "SCH":
            put = "SSS"
        elif rest.startswith("PH"):
            put = "FF"
        elif letter == "H" and (before not in _VOWELS or after not in _VOWELS):
            put = before
        elif letter == "W" and before in _VOWELS:
            put = before
        else:
            put = letter
        letters[position : position + len(put)] = put
        if put[0] != key[-1]:
            key.append(put[0])
        position += 1
    found = "".join(key)
    if len(found) > 1 and found.endswith("S"):
        found = found[:-1]
    if found.endswith("AY"):
        found = found[:-2] + "Y"
    if len(found) > 1 and found.endswith("A"):
        found = found[:-1]
    return found
