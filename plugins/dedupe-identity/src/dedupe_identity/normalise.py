"""How values are brought into one form before they are compared. What has nothing left is missing."""

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime

from .settings import Field

_NOT_WORD = re.compile(r"[\W_]+")
_APOSTROPHES = re.compile("['’`´]")
_NOT_DIGIT = re.compile("[^0-9]")
# Letters that do not fall apart into a base letter and a mark.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
# How many digits at the end of a phone number are compared: without the codes of countries, and trunk prefixes.
_PHONE_DIGITS = 9


def words(text: str) -> str:
    """Small letters without marks, digits, and one space between words: `O'Neill-Müller ` is `oneill muller`."""
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
        text = "".join(character for character in text if not unicodedata.combining(character))
    return _NOT_WORD.sub(" ", _APOSTROPHES.sub("", text)).strip()


def email(text: str) -> str:
    """Small letters, without what follows a `+` in the local part: mail with such a tag reaches the same person."""
    text = text.strip().lower()
    local, at, domain = text.rpartition("@")
    return local.partition("+")[0] + at + domain


def phone(text: str) -> str:
    """The last digits, which are the same with and without the code of a country."""
    return _NOT_DIGIT.sub("", text)[-_PHONE_DIGITS:]


def day(value: object) -> str:
    """Eight digits, year first. Text keeps the digits it has, so that a mistyped date can still be near to the right one."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return f"{value.year:04}{value.month:02}{value.day:02}"
    return _NOT_DIGIT.sub("", str(value)[:10])


def code(text: str) -> str:
    """Letters and digits: `ab-12 3` is `AB123`."""
    return _NOT_WORD.sub("", text).upper()


def number(value: object) -> float | None:
    """A number; missing where the text is none, or none that can be compared."""
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def normaliser(field: Field) -> Callable[[object], object]:
    """The function that brings values of a field into one form. What it makes of a missing value is not true."""
    if field.kind in ("name", "text"):
        if not field.synonyms:
            return lambda value: words(str(value))
        synonyms = {words(word): words(meant) for word, meant in field.synonyms.items()}
        return lambda value: " ".join([synonyms.get(word, word) for word in words(str(value)).split()])
    if field.kind == "date":
        return day
    if field.kind == "number":
        return number
    by_text = {"email": email, "phone": phone, "code": code, "exact": str.strip}[field.kind]
    return lambda value: by_text(str(value))
