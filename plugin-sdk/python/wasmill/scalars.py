"""Values that are numbers in the buffers and something else in Python: dates, times, decimals, intervals.

What Python's types cannot hold is neither cut nor refused: an instant or a date outside of the years 1 to 9999 is given as its
number, and times with nanoseconds as subclasses that have an attribute `nanosecond` (0 to 999). Both can be written again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from .types import UNITS, DataType

_UTC = datetime.timezone.utc
_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=_UTC)
_FIRST_DAY = datetime.date.min.toordinal()
_LAST_DAY = datetime.date.max.toordinal()
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000
_DECIMALS = Context(prec=80, rounding=ROUND_HALF_EVEN)


class Interval(NamedTuple):
    """A length of time on the calendar."""

    months: int = 0
    days: int = 0
    nanoseconds: int = 0


class NanoTime(datetime.time):
    """A time of day that is no whole number of microseconds."""

    nanosecond = 0


class NanoDatetime(datetime.datetime):
    """A point in time that is no whole number of microseconds. What is computed of it is an ordinary `datetime`."""

    nanosecond = 0


class NanoTimedelta(datetime.timedelta):
    """A length of time that is no whole number of microseconds."""

    nanosecond = 0


@lru_cache
def zone_of(name: str) -> datetime.tzinfo:
    """The time zone of a column: an offset, an IANA name; UTC where its rules are not known here."""
    if name[:1] in "+-" and name[1:].replace(":", "").isdigit():
        digits = name[1:].replace(":", "")
        minutes = int(digits[:2]) * 60 + int(digits[2:4] or 0)
        return datetime.timezone(datetime.timedelta(minutes=-minutes if name[0] == "-" else minutes))
    if name.upper() in ("UTC", "Z", "ETC/UTC"):
        return _UTC
    try:
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)
    except Exception:
        return _UTC


def reader(kind: DataType) -> Callable[[int], Any]:
    """What makes a value of the number in the buffer."""
    name = kind.name
    if name == "date32":
        return _date
    if name == "date64":
        return lambda number: number if number % _DAY_MS else _date(number // _DAY_MS, number)
    per_second = UNITS.get(kind.unit or "", 1)
    if name in ("time32", "time64"):
        return lambda number: _time(number, per_second)
    if name == "timestamp":
        return _instants(per_second, kind.zone)
    if name == "duration":
        return lambda number: _duration(number, per_second)
    scale = -kind.scale
    return lambda number: Decimal(number).scaleb(scale, _DECIMALS)


def _date(days: int, otherwise: int | None = None) -> datetime.date | int:
    ordinal = days + _EPOCH_DAY
    if _FIRST_DAY <= ordinal <= _LAST_DAY:
        return datetime.date.fromordinal(ordinal)
    return days if otherwise is None else otherwise


def _time(number: int, per_second: int) -> datetime.time | int:
    seconds, part = divmod(number, per_second)
    if not 0 <= seconds < 86_400:
        return number
    nanoseconds = part * (10**9 // per_second)
    micro, nano = divmod(nanoseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    if not nano:
        return datetime.time(hour, minute, second, micro)
    time = NanoTime(hour, minute, second, micro)
    time.nanosecond = nano
    return time


def _instants(per_second: int, zone: str | None) -> Callable[[int], Any]:
    tz = None if zone is None else zone_of(zone)
    epoch = _EPOCH if tz is None else _EPOCH_UTC
    delta = datetime.timedelta

    def instant(number: int) -> datetime.datetime | int:
        seconds, part = divmod(number, per_second)
        micro, nano = divmod(part * (10**9 // per_second), 1000)
        try:
            value = epoch + delta(seconds=seconds, microseconds=micro)
            if tz is not None and tz is not _UTC:
                value = value.astimezone(tz)
        except OverflowError:
            return number
        if not nano:
            return value
        value = NanoDatetime(
            value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.tzinfo,
            fold=value.fold,
        )
        value.nanosecond = nano
        return value

    return instant


def _duration(number: int, per_second: int) -> datetime.timedelta | int:
    seconds, part = divmod(number, per_second)
    micro, nano = divmod(part * (10**9 // per_second), 1000)
    try:
        if not nano:
            return datetime.timedelta(seconds=seconds, microseconds=micro)
        value = NanoTimedelta(seconds=seconds, microseconds=micro)
    except OverflowError:
        return number
    value.nanosecond = nano
    return value


def writer(kind: DataType) -> Callable[[Any], int]:
    """What makes the number in the buffer of a value. A number is taken as it is, in the unit of the column."""
    name = kind.name
    per_second = UNITS.get(kind.unit or "", 1)
    if name in ("date32", "date64"):
        factor = 1 if name == "date32" else _DAY_MS

        def of_date(value):
            if isinstance(value, int):
                return value
            if isinstance(value, str):
                value = datetime.date.fromisoformat(value)
            return (value.toordinal() - _EPOCH_DAY) * factor

        return of_date
    if name in ("time32", "time64"):

        def of_time(value):
            if isinstance(value, int):
                return value
            if isinstance(value, str):
                value = datetime.time.fromisoformat(value)
            seconds = (value.hour * 60 + value.minute) * 60 + value.second
            return _scaled(seconds * 10**6 + value.microsecond, getattr(value, "nanosecond", 0), per_second)

        return of_time
    if name == "timestamp":
        is_instant = kind.zone is not None

        def of_instant(value):
            if isinstance(value, int):
                return value
            if isinstance(value, str):
                value = datetime.datetime.fromisoformat(value)
            nano = getattr(value, "nanosecond", 0)
            if value.tzinfo is None:
                delta = value - _EPOCH
            elif is_instant:
                delta = value.astimezone(_UTC) - _EPOCH_UTC
            else:
                raise ValueError(f"{value} has a time zone, and the column has none")
            return _scaled(_micros(delta), nano, per_second)

        return of_instant
    if name == "duration":

        def of_duration(value):
            if isinstance(value, int):
                return value
            return _scaled(_micros(value), getattr(value, "nanosecond", 0), per_second)

        return of_duration
    scale, limit = kind.scale, 10**kind.precision

    def of_decimal(value):
        if isinstance(value, float):
            value = repr(value)
        scaled = Decimal(value).scaleb(scale, _DECIMALS)
        number = int(scaled)
        if number != scaled:
            raise ValueError(f"{value} has more than {scale} digits behind the point: round it")
        if not -limit < number < limit:
            raise ValueError(f"{value} has more digits than {kind}")
        return number

    return of_decimal


def _micros(delta: datetime.timedelta) -> int:
    return (delta.days * 86_400 + delta.seconds) * 10**6 + delta.microseconds


def _scaled(micros: int, nano: int, per_second: int) -> int:
    if per_second == 10**9:
        return micros * 1000 + nano
    return micros // (10**6 // per_second)
