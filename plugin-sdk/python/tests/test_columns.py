"""Columns survive the way through Python values, whatever their type."""

import datetime
import random
import unittest
from decimal import Decimal

from wasmill import Column, Field, Interval, Mask, build, types
from wasmill.mask import packed, unpacked
from wasmill.scalars import NanoDatetime

UTC = datetime.timezone.utc
CASES = [
    (types.null, [None, None]),
    (types.boolean, [True, None, False] * 5),
    (types.int8, [-128, None, 127]),
    (types.uint64, [0, None, 2**64 - 1]),
    (types.int64, [-(2**63), 2**63 - 1]),
    (types.float16, [1.5, None, -2.0]),
    (types.float32, [1.5, None]),
    (types.float64, [0.1, None, -0.0]),
    (types.utf8, ["a", None, "", "é🦀", "\x00"]),
    (types.utf8, ["é", "", "ab", "🦀"]),
    (types.large_utf8, ["a", "bc", None]),
    (types.binary, [b"\xff\x00", None, b""]),
    (types.fixed_size_binary(2), [b"ab", None]),
    (types.date32, [datetime.date(2026, 1, 2), None, -(10**9)]),
    (types.date64, [datetime.date(1969, 12, 31), None, 5]),
    (types.time32("s"), [datetime.time(23, 59, 59), None]),
    (types.time64("us"), [datetime.time(1, 2, 3, 4), None]),
    (types.timestamp("ms"), [datetime.datetime(2026, 1, 2, 3, 4, 5, 6000), None]),
    (types.timestamp("us", "+02:00"), [datetime.datetime(2026, 1, 2, tzinfo=UTC), None, 2**62]),
    (types.duration("s"), [datetime.timedelta(seconds=-5), None]),
    (types.interval("year_month"), [Interval(-3), None]),
    (types.interval("day_time"), [Interval(0, 3, -4_000_000), None]),
    (types.interval(), [Interval(1, -2, 3), None]),
    (types.decimal(9, 2, 32), [Decimal("1234567.89"), None]),
    (types.decimal(38, 10), [Decimal("-1.5"), None, Decimal(10**27)]),
    (types.decimal(76, 0), [Decimal(-(10**75)), None]),
    (types.list_of(int), [[1, None], None, []]),
    (types.large_list_of(str), [["a"], [], None]),
    (types.fixed_size_list_of(float, 2), [[1.0, 2.0], None]),
    (types.struct({"a": int, "b": types.list_of(str)}), [{"a": 1, "b": ["x"]}, None, {"a": None, "b": None}]),
    (types.map_of(str, int), [[("a", 1), ("b", None)], None, []]),
    (types.dictionary(str), ["a", "b", None, "a"]),
    (types.dictionary(float, "uint8"), [0.0, 0.0, None, 1.5]),
]


class Columns(unittest.TestCase):
    def test_values_survive(self):
        for kind, values in CASES:
            with self.subTest(str(kind)):
                column = build(kind, values)
                self.assertEqual(column.to_list(), values)
                self.assertEqual([column[row] for row in range(len(column))], values)
                self.assertEqual(list(column.is_null()), [value is None for value in values])
                self.assertEqual(build(kind, []).to_list(), [])

    def test_nanoseconds_survive(self):
        from array import array

        for number in (1, -1, 1_767_225_600_123_456_789):
            column = Column(Field("t", types.timestamp("ns")), build(types.int64, [number]).node)
            (value,) = column.to_list()
            self.assertIsInstance(value, NanoDatetime)
            again = build(types.timestamp("ns"), [value])
            self.assertEqual(again.node.values, array("q", [number]).tobytes())

    def test_text_is_recased_as_each_value_would_be(self):
        alphabet = "aZé ßıŉΣσǅ🦀İÿ\x00"
        rng = random.Random(1)
        for _ in range(200):
            values = ["".join(rng.choices(alphabet[: rng.randrange(1, len(alphabet) + 1)], k=rng.randrange(5))) for _ in range(6)]
            column = build(str, values)
            self.assertEqual(column.upper().to_list(), [value.upper() for value in values])
            self.assertEqual(column.lower().to_list(), [value.lower() for value in values])

    def test_operators_leave_nulls(self):
        column = build(int, [1, None, 3])
        self.assertEqual((column * 2 + 1).to_list(), [3, None, 7])
        self.assertEqual((10 - column).to_list(), [9, None, 7])
        self.assertEqual((column + column).to_list(), [2, None, 6])
        self.assertEqual((6 // build(int, [1, 2]).to_list()[1]), 3)
        self.assertEqual(list(column > 1), [False, False, True])
        self.assertEqual(list(column == column), [True, False, True])
        self.assertEqual(list((column + 0) > 1), [False, False, True])
        self.assertEqual(build(str, ["a.b", None, "c"]).part(".", 1).to_list(), ["b", None, None])

    def test_what_cannot_be_is_refused(self):
        for kind, value in [(types.int8, 128), (types.int64, "1"), (types.decimal(3, 1), Decimal("0.01")), (types.utf8, "\ud800")]:
            with self.subTest(str(kind)), self.assertRaises((TypeError, ValueError, OverflowError, Exception)):
                build(kind, [value])


class Masks(unittest.TestCase):
    def test_bitmaps_survive(self):
        rng = random.Random(2)
        for count in range(40):
            flags = bytes(rng.randrange(2) for _ in range(count))
            self.assertEqual(unpacked(packed(flags), count), flags)
            self.assertEqual(len(packed(flags)), (count + 7) // 8)

    def test_masks_combine(self):
        a, b = Mask([1, 1, 0, 0]), Mask([1, 0, 1, 0])
        self.assertEqual([list(a & b), list(a | b), list(~a)], [[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1]])
        self.assertEqual((a.rows(), a.count(), a.any(), a.all()), ([0, 1], 2, True, False))


if __name__ == "__main__":
    unittest.main()
